//! A seeded population: glucose every five minutes with meals that show in it, and the rest of a day: insulin, blood pressure, exercise, sleep, the
//! device's battery. Readings come in order of time over all subjects, a few seconds after they happened.

use std::sync::Arc;

use vitalog_elog::{Amount, Content, Field, FieldKind, Reading, Schema, Span, StreamIx, Subject, Time, Value, When};

use crate::ten_rules::{BATTERY, BG, BP, CARBS, EXERCISE, INSULIN, SLEEP};

const MINUTE: i64 = 60_000_000;

/// Everyone, and what time it is.
pub struct Population {
    schema: Arc<Schema>,
    people: Vec<Person>,
    now: Time,
    dice: Dice,
}

struct Person {
    subject: Subject,
    /// In mg/dL: where it is, where it drifts to, and how much of what was eaten is still to come.
    glucose: i64,
    target: i64,
    rising: i64,
    /// Minutes past the hour of the sensor's first reading, and seconds.
    phase: i64,
}

/// SplitMix64.
struct Dice(u64);

impl Dice {
    fn below(&mut self, n: i64) -> i64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((z ^ (z >> 31)) % n as u64) as i64
    }
}

impl Population {
    pub fn new(schema: &Arc<Schema>, subjects: u32, start: Time, seed: u64) -> Population {
        let mut dice = Dice(seed);
        let person = |i| Person {
            subject: Subject::new(&format!("p-{i:05}")),
            glucose: 90 + dice.below(60),
            target: 110,
            rising: 0,
            phase: dice.below(300) * 1_000_000,
        };
        Population { schema: schema.clone(), people: (0..subjects).map(person).collect(), now: start, dice }
    }

    /// The readings of the next hour with their arrivals, in order.
    pub fn next_hour(&mut self) -> Vec<(Time, Reading)> {
        let hour = (self.now.0 / (60 * MINUTE)).rem_euclid(24);
        let mut contents: Vec<(usize, Time, Content)> = Vec::new();
        for place in 0..self.people.len() {
            let phase = self.people[place].phase;
            for slot in 0..12 {
                let at = Time(self.now.0 + slot * 5 * MINUTE + phase);
                self.five_minutes(place, at, hour, &mut contents);
            }
        }
        contents.sort_by_key(|(place, at, _)| (*at, *place));
        self.now = self.now + Span::hours(1);
        contents.into_iter().map(|(place, at, content)| (at + Span::seconds(5), self.reading(place, content))).collect()
    }

    fn five_minutes(&mut self, place: usize, at: Time, hour: i64, out: &mut Vec<(usize, Time, Content)>) {
        let dice = &mut self.dice;
        let person = &mut self.people[place];
        let mut say = |at: Time, stream: StreamIx, when: When, values: Vec<i64>| {
            let field = |(i, n): (usize, i64)| Some(Value::Quantity(amount(&self.schema.get(stream).fields[i], n)));
            let values = values.into_iter().enumerate().map(field).collect();
            out.push((place, at, Content { stream, when, values, source: None, seq: None }));
        };
        if dice.below(72) == 0 {
            // Now and then it goes low, or stays high.
            person.target = [110, 120, 140, 100, 55, 60, 270, 180][dice.below(8) as usize];
        }
        let drift = person.rising.min(12) - (person.glucose - person.target) / 12;
        person.rising -= person.rising.min(12);
        person.glucose = (person.glucose + drift + dice.below(13) - 6).clamp(40, 400);
        say(at, BG, When::At(at), vec![person.glucose]);
        let a_moment_later = Time(at.0 + MINUTE);
        if [7, 12, 18].contains(&hour) && dice.below(12) == 0 {
            let grams = 15 + dice.below(70);
            person.rising += grams * 2;
            say(a_moment_later, CARBS, When::At(a_moment_later), vec![grams]);
            say(Time(at.0 + 2 * MINUTE), INSULIN, When::At(Time(at.0 + 2 * MINUTE)), vec![grams / 10 + 1]);
            person.rising -= grams / 2;
        }
        if dice.below(288) < 2 {
            let systolic = 105 + dice.below(50);
            say(a_moment_later, BP, When::At(a_moment_later), vec![systolic, systolic - 45, 55 + dice.below(40)]);
        }
        if dice.below(288) == 0 {
            let start = at - Span::minutes(45);
            say(a_moment_later, EXERCISE, When::During { start, end: Some(a_moment_later) }, vec![dice.below(400)]);
        }
        if hour == 6 && dice.below(12) == 0 {
            let start = at - Span::hours(7);
            say(a_moment_later, SLEEP, When::During { start, end: Some(a_moment_later) }, vec![60 + dice.below(40)]);
        }
        if dice.below(12) == 0 {
            say(a_moment_later, BATTERY, When::At(a_moment_later), vec![100 - (at.0 / (60 * MINUTE)).rem_euclid(96)]);
        }
    }

    fn reading(&self, place: usize, content: Content) -> Reading {
        let name = self.schema.get(content.stream).name.clone();
        Reading::present(self.people[place].subject.clone(), None, 1, &name, content)
    }
}

fn amount(field: &Field, digits: i64) -> Amount {
    let FieldKind::Quantity(unit) = &field.kind else { unreachable!("all fields here are quantities") };
    Amount { digits, scale: 0, unit: *unit }
}
