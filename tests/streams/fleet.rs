//! A week of five gateways, a word every ten minutes: their ordinary days, and in them what `fleet.rules` is about.

use super::random::{Random, in_order, instant, second};

/// The readings, one JSON object per line, in order.
pub fn week() -> Vec<String> {
    let mut random = Random(7);
    let mut lines = Vec::new();
    for number in 1..=5 {
        for tick in 0..7 * 144 {
            if let Some(load) = Load::of(number, tick, &mut random) {
                lines.push((tick * 600, load.line(number, tick * 600)));
            }
        }
        for day in 1..=7 {
            // The copy of gw-4 fails from Thursday on.
            let done = number != 4 || day < 4;
            put(&mut lines, second(day, 2, 10 + number), "backup", number, &format!(r#""done":{done}"#));
        }
    }
    incidents(&mut lines);
    in_order(lines)
}

/// What a device measures of itself, in whole per cent.
struct Load {
    cpu: i64,
    memory: i64,
    disk: i64,
    /// The charge, and whether it is rising.
    battery: Option<(i64, bool)>,
}

impl Load {
    /// `None` where the device is not heard.
    fn of(number: i64, tick: i64, random: &mut Random) -> Option<Load> {
        let (at, by_day) = (tick * 600, (tick % 144 - 84).abs());
        let mut load = Load {
            cpu: 15 + (60 - by_day.min(60)) / 2 + random.between(0, 15),
            memory: 38 + random.between(0, 4),
            disk: 52 + tick / 144,
            battery: None,
        };
        let within = |from: i64, to: i64| (from..to).contains(&at);
        match number {
            // A job that goes round in circles, three times on Tuesday, once while somebody works on it.
            1 if within(second(2, 8, 0), second(2, 8, 40)) => load.cpu = 96,
            1 if within(second(2, 11, 0), second(2, 12, 0)) => load.cpu = 99,
            1 if within(second(2, 15, 30), second(2, 16, 10)) => load.cpu = 95,
            1 if within(second(3, 9, 0), second(3, 10, 0)) => load.cpu = 97,
            // A leak after the update of Wednesday morning, until it is started anew.
            2 if within(second(3, 10, 0), second(3, 14, 40)) => load.memory = (40 + (at - second(3, 10, 0)) / 300).min(96),
            // A log that nobody cuts.
            3 if within(second(5, 6, 0), second(6, 0, 0)) => load.disk = (56 + (at - second(5, 6, 0)) / 1_500).min(97),
            // In the field, by the sun; the battery is old, and on Saturday it is gone.
            5 if within(second(6, 4, 0), second(6, 9, 0)) => return None,
            5 => load.battery = Some(charge(tick % 144, at >= second(5, 18, 0))),
            _ => {}
        }
        Some(load)
    }

    fn line(&self, number: i64, at: i64) -> String {
        let battery = self.battery.map_or_else(String::new, |(charge, up)| format!(r#","battery":{charge},"charging":{up}"#));
        format!(
            r#"{{"stream":"load","subject":"gw-{number}","at":"{}","cpu":{},"memory":{},"disk":{}{battery}}}"#,
            instant(at),
            self.cpu,
            self.memory,
            self.disk
        )
    }
}

/// The sun charges from seven to seven. A good night costs 40 %, the one before Saturday all.
fn charge(tick: i64, dark: bool) -> (i64, bool) {
    let (sunrise, sunset) = (42, 114);
    if (sunrise..sunset).contains(&tick) {
        return ((60 + (tick - sunrise)).min(100), true);
    }
    let since_sunset = (tick - sunset).rem_euclid(144);
    let lost = if dark { since_sunset * 5 / 3 } else { since_sunset / 2 };
    ((100 - lost).max(5), false)
}

fn put(lines: &mut Vec<(i64, String)>, at: i64, stream: &str, number: i64, fields: &str) {
    lines.push((at, format!(r#"{{"stream":"{stream}","subject":"gw-{number}","at":"{}",{fields}}}"#, instant(at))));
}

/// What happens once: maintenance, an update that crashes on three devices, a device that starts again and again.
fn incidents(lines: &mut Vec<(i64, String)>) {
    let span = format!(r#""start":"{}","end":"{}""#, instant(second(3, 8, 50)), instant(second(3, 10, 10)));
    lines.push((second(3, 10, 10), format!(r#"{{"stream":"maintenance","subject":"gw-1",{span},"who":"Ada"}}"#)));
    for number in 1..=4 {
        let fields = format!(r#""release":"r42","host":"gw-{number}""#);
        put(lines, second(3, 9, 30 + number), "deploy", number, &fields);
    }
    for (number, hour, minute) in [(2, 10, 5), (4, 11, 20), (3, 12, 41), (2, 14, 38)] {
        let fields = format!(r#""release":"r42","program":"sync","host":"gw-{number}""#);
        put(lines, second(3, hour, minute), "crash", number, &fields);
    }
    for minute in [2, 9, 17, 25] {
        put(lines, second(4, 21, minute), "boot", 4, r#""reason":"watchdog""#);
    }
    put(lines, second(6, 9, 0), "boot", 5, r#""reason":"power""#);
}
