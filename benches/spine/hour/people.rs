//! People who wear sensors, and what their phones send when: glucose every five minutes, the phone's own health every quarter of an hour, three meals with their doses, two pressures and a night's sleep a day. Once in three days each
//! phone has no network for two hours, and sends what it has gathered when that is over.

use std::io::Write as _;

use vitalog_elog::Time;

use crate::population::glucose;

/// What their names begin with.
pub const NAME: &str = "hour-";

const SECOND: i64 = 1_000_000;
const MINUTE: i64 = 60 * SECOND;
const SLOT: i64 = 5 * MINUTE;
const HOUR: i64 = 60 * MINUTE;
/// Slots of a day.
const DAY: u64 = 288;
/// Readings of a person in a day: glucose, phone, meals and doses, pressures, sleep.
const A_DAY: f64 = 288.0 + 96.0 + 6.0 + 2.0 + 1.0;

struct Person {
    number: u64,
    /// The first slot that was not sent.
    next: u64,
    /// When its sensor measures.
    phase: i64,
}

pub struct People {
    all: Vec<Person>,
    from: i64,
}

impl People {
    /// How many make so many readings a second.
    pub fn count_for(rate: f64, speed: f64) -> u64 {
        (rate / (A_DAY * speed / 86_400.0)).round() as u64
    }

    /// Their first slots begin at `from`.
    pub fn new(numbers: impl Iterator<Item = u64>, from: i64) -> People {
        let person = |number: u64| Person { number, next: 0, phase: (number.wrapping_mul(7_919) % 300_000) as i64 * 1_000 };
        People { all: numbers.map(person).collect(), from }
    }

    /// What is to be sent at `now`: how many lines, and they.
    pub fn due(&mut self, now: i64) -> (u64, Vec<u8>) {
        let (mut lines, mut body) = (0, Vec::new());
        for person in &mut self.all {
            if person.is_away(now - self.from) {
                continue;
            }
            loop {
                let at = self.from + person.next as i64 * SLOT + person.phase;
                if at > now {
                    break;
                }
                lines += person.slot(at, &mut body);
                person.next += 1;
            }
        }
        (lines, body)
    }
}

impl Person {
    fn is_away(&self, since: i64) -> bool {
        (since / HOUR + self.number as i64 * 31) % 72 < 2
    }

    /// Writes what is measured in the next slot, which is at `at`.
    fn slot(&self, at: i64, body: &mut Vec<u8>) -> u64 {
        let Person { number, next: slot, .. } = *self;
        let noise = ((number * 1_000_003 + slot).wrapping_mul(6_364_136_223_846_793_005) >> 40) % 60;
        let time = Time(at);
        let mut lines = 1;
        let mut line = |stream: &str, rest: std::fmt::Arguments<'_>| {
            lines += 1;
            writeln!(body, r#"{{"subject":"{NAME}{number}","stream":"{stream}","at":"{time}",{rest}}}"#)
                .expect("memory takes it");
        };
        if slot % 3 == number % 3 {
            line("device", format_args!(r#""battery":{},"cpu":{noise}"#, 30 + noise));
        }
        match (slot + number * 37) % DAY {
            84 | 150 | 222 => {
                line("carbs", format_args!(r#""amount":{}"#, 20 + noise));
                line("medication", format_args!(r#""kind":"bolus","amount":"{}.5 U""#, 2 + noise % 7));
            }
            90 | 234 => line("bp", format_args!(r#""systolic":{},"diastolic":{}"#, 105 + noise / 2, 65 + noise / 4)),
            78 => {
                let start = Time(at - 8 * HOUR + noise as i64 * MINUTE);
                lines += 1;
                let sleep = format_args!(r#""start":"{start}","end":"{time}""#);
                writeln!(body, r#"{{"subject":"{NAME}{number}","stream":"sleep",{sleep}}}"#).expect("memory takes it");
            }
            _ => {}
        }
        let value = glucose(number, slot, noise);
        writeln!(
            body,
            r#"{{"subject":"{NAME}{number}","stream":"bg","at":"{time}","value":{value},"source":"g7","seq":{slot}}}"#
        )
        .expect("memory takes it");
        lines
    }
}
