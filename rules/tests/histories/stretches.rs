//! What is worn for some hours or days and measures every few minutes: the dense parts of a life.

use vitalog_elog::Time;

use super::dice::Draw;
use super::life::{Event, Life};
use super::speaker::Say;
use super::{DAY, MINUTE};
use crate::population::{Dice, Population};

use Say::{Whole, Word, Yes};

#[derive(Clone, Copy)]
pub enum Stretch {
    /// A sensor under the skin for hours, with falls, rises, and hours in which it is stuck.
    Sensor,
    /// A wearable, a heart that runs or rests.
    Wearable,
    /// An oximeter in the night.
    Oximeter,
    /// A phone that runs full, hot, empty.
    Phone,
    /// A cuff that measures by itself for a day and a night.
    Ambulatory,
    /// How somebody moves, by the quarter of an hour.
    Movement,
    /// The bench's people: everything at once, for days.
    Everything,
}

impl Stretch {
    pub const ALL: [Stretch; 20] = {
        use Stretch::{Ambulatory, Everything, Movement, Oximeter, Phone, Sensor, Wearable};
        [
            Sensor, Sensor, Sensor, Sensor, Sensor, Sensor, Sensor, Wearable, Wearable, Wearable, Oximeter, Oximeter, Phone,
            Phone, Phone, Ambulatory, Ambulatory, Movement, Movement, Everything,
        ]
    };
}

/// Puts something on, on the day that begins at `midnight`.
pub fn wear(life: &mut Life<'_>, which: Stretch, midnight: i64) {
    let begin = midnight + life.dice.between(0, 20) * 60 * MINUTE + life.dice.below(5 * MINUTE);
    match which {
        Stretch::Sensor => sensor(life, begin),
        Stretch::Wearable => wearable(life, begin),
        Stretch::Oximeter => oximeter(life, midnight),
        Stretch::Phone => phone(life, begin),
        Stretch::Ambulatory => ambulatory(life, begin, midnight),
        Stretch::Movement => movement(life, midnight),
        Stretch::Everything => everything(life, midnight),
    }
}

fn sensor(life: &mut Life<'_>, begin: i64) {
    let (mut value, mut target, mut stuck) = (life.dice.between(70, 220), 110, 0);
    for slot in 0..life.dice.between(20, 200) {
        if life.dice.one_in(20) {
            target = life.dice.pick(&[48, 60, 90, 110, 200, 280, 320]);
        }
        if life.dice.one_in(100) {
            stuck = 14;
        }
        if stuck == 0 {
            value = (value + (target - value) / 6 + life.dice.between(-5, 5)).clamp(38, 400);
        } else {
            stuck -= 1;
        }
        if !life.dice.one_in(30) {
            life.told.at(begin + slot * 5 * MINUTE, "bg", &[("value", Whole(value))]);
        }
    }
}

fn wearable(life: &mut Life<'_>, begin: i64) {
    let (mut rate, mut target) = (70, 70);
    for slot in 0..life.dice.between(6, 50) {
        if life.dice.one_in(7) {
            target = life.dice.pick(&[36, 60, 72, 90, 128, 160]);
        }
        rate += (target - rate) / 2;
        let mut said = vec![("heart_rate", Whole(rate)), ("stress", Whole(life.dice.between(5, 95)))];
        if life.dice.one_in(2) {
            said.push(("asleep", Yes(rate < 60)));
        }
        if life.dice.one_in(3) {
            said.push(("steps", Whole(slot * 3)));
            said.push(("resting_heart_rate", Whole(life.dice.between(50, 80))));
        }
        life.told.at(begin + slot * 5 * MINUTE, "wearable", &said);
    }
}

fn oximeter(life: &mut Life<'_>, midnight: i64) {
    let (begin, minutes) = (midnight + life.dice.between(0, 120) * MINUTE, 300);
    let every = life.dice.pick(&[1, 2]);
    let falls = life.dice.pick(&[4, 12, 60]);
    let mut low = 0;
    for minute in (0..life.dice.between(40, 160)).step_by(every) {
        low = if life.dice.one_in(falls) { 2 } else { (low - 1).max(0) };
        let saturation = if low > 0 { life.dice.between(84, 91) } else { life.dice.between(95, 98) };
        life.told.at(begin + minute * MINUTE + 7_000_000, "spo2", &[("saturation", Whole(saturation))]);
    }
    life.told.during(begin - 5 * MINUTE, begin + minutes * MINUTE, "sleep", &[("awake", Whole(20))]);
}

fn phone(life: &mut Life<'_>, begin: i64) {
    let every = life.dice.pick(&[5, 15, 60]);
    let (mut memory, mut disk, drain) = (life.dice.between(40, 80) * 10, life.dice.between(700, 950), life.dice.between(1, 9));
    let mut battery = 1_000;
    for slot in 0..life.dice.between(20, 80) {
        battery = if battery < 40 { 1_000 } else { battery - drain * every / 3 };
        memory = (memory + every / 4).min(990);
        disk = (disk + every / 8).min(1_000);
        let cpu = if slot / 6 % 3 == 2 { life.dice.between(91, 99) } else { life.dice.between(3, 50) };
        let tenths = Say::Tenths;
        let said = [("cpu", Whole(cpu)), ("battery", tenths(battery.max(1))), ("memory", tenths(memory)), ("disk", tenths(disk))];
        life.told.at(begin + slot * every * MINUTE, "device", &said);
        if slot % 4 == 0 {
            life.told.at(begin + slot * every * MINUTE + MINUTE, "contact", &[]);
        }
    }
}

fn ambulatory(life: &mut Life<'_>, begin: i64, midnight: i64) {
    let fall = life.dice.pick(&[0, 4, 18]);
    for slot in 0..48 {
        let at = begin + slot * 30 * MINUTE;
        let asleep = (at - midnight).rem_euclid(DAY) < 7 * 60 * MINUTE;
        let systolic = 132 - if asleep { fall } else { 0 } + life.dice.between(-6, 6);
        let said = [("systolic", Whole(systolic)), ("diastolic", Whole(systolic - 50)), ("place", Word("ambulatory"))];
        life.told.at(at, "bp", &said);
    }
    let bed = midnight + DAY + 3 * MINUTE;
    life.told.during(bed, bed + 7 * 60 * MINUTE, "sleep", &[]);
}

fn movement(life: &mut Life<'_>, midnight: i64) {
    let sits = life.dice.between(2, 12);
    for day in 0..life.dice.between(1, 8) {
        for slot in 0..life.dice.between(8, 40) {
            let at = midnight + day * DAY + 9 * 60 * MINUTE + slot * 15 * MINUTE;
            let moves = life.dice.one_in(sits);
            let intensity = if moves { life.dice.pick(&["active", "highly_active"]) } else { "sedentary" };
            let said = [
                ("intensity", Word(intensity)),
                ("steps", Whole(if moves { 700 } else { 12 })),
                ("active", Whole(if moves { 9 } else { 0 })),
            ];
            life.told.during(at, at + 15 * MINUTE, "activity", &said);
        }
    }
}

fn everything(life: &mut Life<'_>, midnight: i64) {
    let days = if life.dice.one_in(8) { 15 } else { life.dice.between(1, 3) };
    let seed = life.dice.below(i64::MAX) as u64;
    let mut population = Population::new(&life.told.speaker.schema, 1, 1, Time(midnight), seed);
    let device = life.told.speaker.schema.stream("device");
    let mut thin = Dice(seed);
    for (_, reading) in (0..days * 24).flat_map(|_| population.next_hour()).collect::<Vec<_>>() {
        let Some(content) = reading.content else { continue };
        if Some(content.stream) != device || thin.one_in(8) {
            life.told.events.push(Event { content, begun: false });
        }
    }
}
