//! What is set per subject over the years: where they live and travel, what they take and when, and every target there is.
//!
//! A change holds from now, from a day ahead (a journey that is planned), or from a day past (a doctor's letter that lay about).

use std::sync::Arc;

use vitalog_elog::profile::{ProfileChange, ProfileField};
use vitalog_elog::{Amount, FieldKind, Span, Subject, Time, Value};

use super::dice::Draw;
use super::{BEGINNING, Entry, Given, MINUTE};
use crate::population::Dice;

/// Names of zones, and minutes before UTC in winter: near enough to live by. One moves by half an hour in summer, one lies across the date line.
const ZONES: [(&str, i64); 7] = [
    ("UTC", 0),
    ("Europe/Berlin", 60),
    ("America/New_York", -300),
    ("Asia/Kolkata", 330),
    ("Australia/Lord_Howe", 630),
    ("Pacific/Apia", 780),
    ("America/St_Johns", -210),
];

/// Where somebody is at home, and what they have to take.
pub struct Home {
    zone: &'static str,
    pub offset: i64,
    /// When tablets are due, and the long-acting insulin.
    pub tablet_hour: i64,
    pub insulin_hour: i64,
}

pub fn home(dice: &mut Dice) -> Home {
    let (zone, minutes) = dice.pick(&ZONES);
    Home { zone, offset: minutes * MINUTE, tablet_hour: dice.between(6, 9), insulin_hour: dice.between(20, 23) }
}

/// What is set most often, and asked by rules that are in the midst of something: a change between two readings is where it matters.
const OFTEN: [&str; 10] = [
    "bg_low",
    "bg_very_low",
    "bg_high",
    "bg_very_high",
    "bp_systolic_high",
    "bp_diastolic_high",
    "meal_least",
    "exercise_long",
    "heart_rate_high",
    "cpu_busy",
];

/// Changes, most of them soon after a reading (at `instants`), with the first settings at the beginning.
pub fn changes(fields: &[ProfileField], dice: &mut Dice, subject: &Subject, home: &Home, instants: &[Time]) -> Vec<Entry> {
    let mut all = Vec::new();
    let mut enter = |arrival: Time, at: Time, field: &str, value: Option<Value>| {
        let change = ProfileChange { subject: subject.clone(), field: Arc::from(field), value, at };
        all.push(Entry { arrival, given: Given::Profile(change), chance: 0 });
    };
    let hours = |h: i64| fields.iter().find(|f| &*f.name == "tablet_time").map(|f| quantity(f, h));
    enter(BEGINNING, BEGINNING, "time_zone", Some(Value::Text(Arc::from(home.zone))));
    if dice.one_in(2) {
        enter(BEGINNING, BEGINNING, "tablet_time", hours(home.tablet_hour));
        enter(BEGINNING, BEGINNING, "long_insulin_time", hours(home.insulin_hour));
        let most = fields.iter().find(|f| &*f.name == "insulin_at_work_most").map(|f| quantity(f, 6));
        enter(BEGINNING, BEGINNING, "insulin_at_work_most", most);
    }
    for _ in 0..instants.len() / 80 {
        let now = instants[dice.below(instants.len() as i64) as usize] + Span(dice.below(40 * MINUTE));
        let at = match dice.below(8) {
            0 => now + Span(dice.between(1, 60 * 1_440) * MINUTE),
            1 | 2 => now + Span(dice.between(1, 300) * MINUTE),
            3 => now - Span(dice.between(1, 300) * MINUTE),
            4 => now - Span(dice.between(0, 200 * 1_440) * MINUTE),
            _ => now,
        };
        if dice.one_in(6) {
            // A journey, and back.
            let zone = dice.pick(&ZONES).0;
            enter(now, at, "time_zone", Some(Value::Text(Arc::from(zone))));
            let back = now.max(at) + Span::days(dice.between(1, 20));
            enter(if dice.one_in(2) { now } else { back }, back, "time_zone", Some(Value::Text(Arc::from(home.zone))));
        } else {
            let often = dice.pick(&OFTEN);
            let often = fields.iter().position(|f| &*f.name == often).filter(|_| !dice.one_in(3));
            let field = &fields[often.unwrap_or(dice.below(fields.len() as i64) as usize)];
            let value = if dice.one_in(6) { None } else { value(field, dice) };
            enter(now, at, &field.name, value);
        }
    }
    all
}

fn quantity(field: &ProfileField, n: i64) -> Value {
    let FieldKind::Quantity(unit) = &field.kind else { panic!("{} is a quantity", field.name) };
    Value::Quantity(Amount { digits: n, scale: 0, unit: *unit })
}

/// Anything that the field may hold.
fn value(field: &ProfileField, dice: &mut Dice) -> Option<Value> {
    Some(match &field.kind {
        FieldKind::Quantity(unit) => {
            let (low, high) = field.range.unwrap_or((0, 100 * unit.atoms()));
            let n = dice.between(low * 10 / unit.atoms(), high * 10 / unit.atoms());
            let digits = n.clamp((low * 10 + unit.atoms() - 1) / unit.atoms(), high * 10 / unit.atoms());
            Value::Quantity(Amount { digits, scale: 1, unit: *unit })
        }
        FieldKind::Enum(words) => Value::Enum(dice.below(words.len() as i64) as u16),
        FieldKind::Bool => Value::Bool(dice.one_in(2)),
        FieldKind::Text if &*field.name == "time_zone" => Value::Text(Arc::from(dice.pick(&ZONES).0)),
        FieldKind::Text => Value::Text(Arc::from(dice.pick(&["metformin", "ramipril"]))),
        FieldKind::TimeOfDay => return None,
    })
}
