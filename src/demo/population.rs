//! A seeded population: glucose every five minutes with meals that show in it, and the rest of a day: insulin, blood pressure, exercise, sleep, the
//! device. Readings come in order of time over all subjects, a few seconds after they happened. It speaks to any schema: what has no stream there is left out,
//! with the same dice, so that the glucose is the same for all.
//!
//! Not of the demo, whose days are real: `vitalog bench` and `benches/engine` measure on it.

use std::sync::Arc;

use vitalog_elog::{
    Amount, Content, Dimension, FieldKind, Reading, Schema, Shape, Span, StreamIx, Subject, Time, Unit, Value, When,
};

pub const MINUTE: i64 = 60_000_000;

/// A number of a field, in the unit of this dimension and name.
type Said = (&'static str, Dimension, &'static str, i64);

/// Everyone, and what time it is.
pub struct Population {
    schema: Arc<Schema>,
    people: Vec<Person>,
    now: Time,
    dice: Dice,
    /// What was said already and comes after the hour.
    held: Vec<(usize, Time, Content)>,
}

/// A reading and when it arrives.
pub type Arrival = (Time, Reading);

struct Person {
    subject: Subject,
    /// Wears a sensor; the others prick a finger four times a day.
    sensor: bool,
    /// In mg/dL: where it is, where it drifts to, and how much of what was eaten is still to come.
    glucose: i64,
    target: i64,
    rising: i64,
    /// The sensor is off for so many readings.
    off: i64,
    /// Microseconds past the hour of the sensor's first reading.
    phase: i64,
}

/// SplitMix64.
pub struct Dice(pub u64);

impl Dice {
    pub fn below(&mut self, n: i64) -> i64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((z ^ (z >> 31)) % n as u64) as i64
    }
}

impl Population {
    /// Every `sensors`-th wears a sensor.
    pub fn new(schema: &Arc<Schema>, subjects: u32, sensors: u32, start: Time, seed: u64) -> Population {
        let mut dice = Dice(seed);
        let person = |i: u32| Person {
            subject: Subject::new(&format!("p-{i:07}")),
            sensor: i.is_multiple_of(sensors.max(1)),
            glucose: 90 + dice.below(60),
            target: 110,
            rising: 0,
            off: 0,
            phase: dice.below(300_000_000),
        };
        Population { schema: schema.clone(), people: (0..subjects).map(person).collect(), now: start, dice, held: Vec::new() }
    }

    /// The readings of the next hour with their arrivals, in order.
    pub fn next_hour(&mut self) -> Vec<Arrival> {
        let hour = (self.now.0 / (60 * MINUTE)).rem_euclid(24);
        let mut said = std::mem::take(&mut self.held);
        for place in 0..self.people.len() {
            let phase = self.people[place].phase;
            for slot in 0..12 {
                let at = Time(self.now.0 + slot * 5 * MINUTE + phase);
                self.five_minutes(place, at, (hour, slot), &mut said);
            }
        }
        said.sort_by_key(|(place, at, _)| (*at, *place));
        self.now = self.now + Span::hours(1);
        self.held = said.split_off(said.partition_point(|(_, at, _)| *at < self.now));
        said.into_iter().map(|(place, at, content)| (at + Span::seconds(5), self.reading(place, content))).collect()
    }

    fn five_minutes(&mut self, place: usize, at: Time, (hour, slot): (i64, i64), out: &mut Vec<(usize, Time, Content)>) {
        let schema = self.schema.clone();
        let mut say = |at: Time, stream: &str, start: Option<Time>, said: &[Said], word: Option<(&str, u16)>| {
            let Some(content) = content(&schema, stream, at, start, said, word) else { return };
            out.push((place, at, content));
        };
        let (dice, person) = (&mut self.dice, &mut self.people[place]);
        if dice.below(72) == 0 {
            // Now and then it goes low, or stays high.
            person.target = [110, 120, 140, 100, 55, 60, 270, 180][dice.below(8) as usize];
        }
        let drift = person.rising.min(12) - (person.glucose - person.target) / 12;
        person.rising -= person.rising.min(12);
        person.glucose = (person.glucose + drift + dice.below(13) - 6).clamp(40, 400);
        // Once in a fortnight it is off for one to three hours.
        person.off = if dice.below(4_032) == 0 { 12 + dice.below(24) } else { (person.off - 1).max(0) };
        let pricked = slot == 0 && [7, 12, 18, 22].contains(&hour);
        if if person.sensor { person.off == 0 } else { pricked } {
            say(at, "bg", None, &[("value", Dimension::Glucose, "mg/dL", person.glucose)], None);
        }
        // No two streams say something at the same instant.
        let after = |seconds: i64| at + Span::seconds(seconds);
        if [7, 12, 18].contains(&hour) && dice.below(12) == 0 {
            let grams = 15 + dice.below(70);
            person.rising += grams * 2;
            say(after(60), "carbs", None, &[("amount", Dimension::Mass, "g", grams)], None);
            say(after(120), "medication", None, &[("amount", Dimension::Insulin, "U", grams / 10 + 1)], Some(("kind", 0)));
            person.rising -= grams / 2;
        }
        if dice.below(288) < 2 {
            let systolic = 105 + dice.below(50);
            let pressure = |name, n| (name, Dimension::Pressure, "mmHg", n);
            say(after(90), "bp", None, &[pressure("systolic", systolic), pressure("diastolic", systolic - 45)], None);
        }
        if dice.below(288) == 0 {
            say(after(30), "exercise", Some(at - Span::minutes(45)), &[], Some(("intensity", dice.below(3) as u16)));
        }
        if hour == 6 && dice.below(12) == 0 {
            say(after(45), "sleep", Some(at - Span::hours(7)), &[("awake", Dimension::Time, "min", 10 + dice.below(40))], None);
        }
        // A phone tells of itself every quarter of an hour.
        if slot % 3 == 0 {
            let percent = |name, n| (name, Dimension::Ratio, "%", n);
            let level = 100 - (at.0 / (60 * MINUTE)).rem_euclid(90);
            say(after(75), "device", None, &[percent("battery", level), percent("cpu", dice.below(60))], None);
        }
    }

    fn reading(&self, place: usize, content: Content) -> Reading {
        let name = self.schema.get(content.stream).name.clone();
        Reading::present(self.people[place].subject.clone(), None, 1, &name, content)
    }
}

/// What a stream of this name says, if there is one.
fn content(
    schema: &Schema,
    stream: &str,
    at: Time,
    start: Option<Time>,
    said: &[Said],
    word: Option<(&str, u16)>,
) -> Option<Content> {
    let place = schema.streams.iter().position(|s| &*s.name == stream)?;
    let stream = &schema.streams[place];
    let when = match start.filter(|_| stream.shape == Shape::Interval) {
        Some(start) => When::During { start, end: Some(at) },
        None => When::At(at),
    };
    let value = |field: &vitalog_elog::Field| match &field.kind {
        FieldKind::Quantity(_) => {
            let (_, dimension, unit, digits) = said.iter().find(|(name, ..)| *name == &*field.name)?;
            Some(Value::Quantity(Amount { digits: *digits, scale: 0, unit: Unit::named(*dimension, unit)? }))
        }
        FieldKind::Enum { .. } => word.filter(|(name, _)| *name == &*field.name).map(|(_, place)| Value::Enum(place)),
        _ => None,
    };
    let values = stream.fields.iter().map(value).collect();
    Some(Content { stream: StreamIx(place as u16), when, values, source: None, seq: None })
}
