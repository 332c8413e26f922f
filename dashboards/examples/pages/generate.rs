//! Days that look like somebody's: meals, the rise and fall of glucose after them, nights, exercise, and a device that sends it all.

use std::sync::Mutex;

use vitalog_elog::input::{DeadLetter, Input};
use vitalog_elog::profile::ProfileChange;
use vitalog_elog::{Dimension, Reading, Span, StreamIx, Subject, Time, Value, When};

use crate::support::schema::{self, BP, CARBS, DEVICE, EXERCISE, MEDICATION, MOOD, SLEEP, amount, content, glucose, unit};
use crate::support::world::World;

const DAYS: i64 = 15;
const STEP: Span = Span::minutes(5);

/// Somebody made up: how high, how restless, and what goes wrong with them at the end.
struct Person {
    name: &'static str,
    base: f64,
    swing: f64,
    fate: Fate,
}

#[derive(Clone, Copy, PartialEq)]
enum Fate {
    Well,
    Low,
    High,
    Silent,
    Battery,
    Pressure,
}

const PEOPLE: [Person; 8] = [
    Person { name: "p-amara", base: 112.0, swing: 1.0, fate: Fate::Low },
    Person { name: "p-bruno", base: 150.0, swing: 1.5, fate: Fate::High },
    Person { name: "p-chiara", base: 108.0, swing: 0.8, fate: Fate::Well },
    Person { name: "p-dmitri", base: 125.0, swing: 1.2, fate: Fate::Silent },
    Person { name: "p-elif", base: 118.0, swing: 1.1, fate: Fate::Battery },
    Person { name: "p-farah", base: 104.0, swing: 0.7, fate: Fate::Well },
    Person { name: "p-goran", base: 132.0, swing: 1.0, fate: Fate::Pressure },
    Person { name: "p-hana", base: 115.0, swing: 0.9, fate: Fate::Well },
];

/// The same for every run: a hash of what it is for, as a share from -1 to 1.
fn noise(parts: &[i64]) -> f64 {
    let bytes: Vec<u8> = parts.iter().flat_map(|p| p.to_le_bytes()).collect();
    (vitalog_elog::id::digest_of(&bytes) as u32) as f64 / f64::from(u32::MAX) * 2.0 - 1.0
}

fn meals(who: i64, day: i64) -> [(f64, f64); 4] {
    let wobble = |k: i64| noise(&[who, day, k]);
    [
        (7.5 + 0.6 * wobble(1), 45.0 + 15.0 * wobble(2)),
        (12.6 + 0.5 * wobble(3), 62.0 + 20.0 * wobble(4)),
        (16.0 + 0.7 * wobble(5), 18.0 + 8.0 * wobble(6)),
        (19.2 + 0.8 * wobble(7), 74.0 + 25.0 * wobble(8)),
    ]
}

/// Hours since the epoch, and a smooth hump after each meal, a dip after exercise, a rise at dawn.
fn sugar(person: &Person, who: i64, at: Time, end: Time) -> f64 {
    let hours = at.0 as f64 / 3.6e9;
    let (day, hour) = ((hours / 24.0).floor() as i64, hours.rem_euclid(24.0));
    let mut value = person.base + 7.0 * noise(&[who, day, 99]) + 3.5 * noise(&[who, at.0 / 300_000_000]);
    value += 14.0 * (-((hour - 6.0) / 1.8).powi(2)).exp();
    for back in 0..2 {
        for (when, grams) in meals(who, day - back) {
            let since = hour + 24.0 * back as f64 - when;
            if since > 0.0 {
                value += person.swing * grams * 1.35 * (since / 0.9) * (1.0 - since / 0.9).exp();
                value -= person.swing * grams * 0.42 * (-((since - 3.6) / 1.1).powi(2)).exp();
            }
        }
    }
    if noise(&[who, day, 55]) > 0.35 {
        value -= 62.0 * (-((hour - 3.1) / 0.7).powi(2)).exp();
    }
    let left = end.since(at).micros() as f64 / 3.6e9;
    match person.fate {
        Fate::Low => value -= 88.0 * (1.0 - left / 2.0).clamp(0.0, 1.0),
        Fate::High => value += 95.0 * (1.0 - left / 3.4).clamp(0.0, 1.0).sqrt(),
        _ => {}
    }
    value.clamp(41.0, 392.0)
}

static SENT: Mutex<Option<Time>> = Mutex::new(None);

pub fn history(world: &World, now: Time) {
    let begin = Time(now.0 / 86_400_000_000 * 86_400_000_000) - Span::days(DAYS);
    for (who, person) in PEOPLE.iter().enumerate() {
        let subject = Subject::new(person.name);
        let mut inputs = vec![
            set(&subject, "time_zone", Value::Text("Europe/London".into()), begin),
            set(&subject, "units", Value::Enum(u16::from(who % 2 == 0)), begin),
        ];
        inputs.extend(days(person, who as i64, &subject, begin, now));
        inputs.sort_by_key(when_of);
        world.give(now, inputs);
    }
    for (code, field, raw) in [
        ("out_of_range", "value", r#"{"subject":"p-amara","stream":"bg","at":"2026-11-20T08:00:00Z","value":"5.4 mg/dL"}"#),
        ("unknown_stream", "stream", r#"{"subject":"p-bruno","stream":"bgl","at":"2026-11-20T08:00:00Z","value":104}"#),
    ] {
        let letter = DeadLetter {
            subject: None,
            code: code.into(),
            field: Some(field.into()),
            message: "it was refused".into(),
            raw: raw.as_bytes().into(),
            sender: "demo".into(),
        };
        world.give(now, vec![Input::DeadLetter(letter)]);
    }
    *SENT.lock().expect("nobody panicked") = Some(now);
}

/// One more reading for everybody.
pub fn go_on(world: &World, now: Time) {
    let mut sent = SENT.lock().expect("nobody panicked");
    for (who, person) in PEOPLE.iter().enumerate().filter(|(_, p)| p.fate != Fate::Silent) {
        let value = sugar(person, who as i64, now, now);
        let subject = Subject::new(person.name);
        world.give(now, vec![reading(&subject, glucose(now, &format!("{value:.0}")))]);
    }
    *sent = Some(now);
}

fn when_of(input: &Input) -> Time {
    match input {
        Input::Reading(r) => crate::support::judge::time_of(r).unwrap_or_default(),
        Input::Profile(p) => p.at,
        _ => Time(0),
    }
}

fn set(subject: &Subject, field: &str, value: Value, at: Time) -> Input {
    Input::Profile(ProfileChange { subject: subject.clone(), field: field.into(), value: Some(value), at })
}

fn reading(subject: &Subject, content: vitalog_elog::Content) -> Input {
    let name = schema::schema().get(content.stream).name.clone();
    Input::Reading(Reading::present(subject.clone(), None, 1, &name, content))
}

fn days(person: &Person, who: i64, subject: &Subject, begin: Time, now: Time) -> Vec<Input> {
    let mut all = Vec::new();
    let mut put = |stream: StreamIx, when: When, values: Vec<Option<Value>>| {
        if when.instant().is_some_and(|t| t <= now) {
            all.push(reading(subject, content(stream, when, values)));
        }
    };
    let glucose_end = if person.fate == Fate::Silent { now - Span::hours(3) } else { now };
    for day in 0..=DAYS {
        let midnight = begin + Span::days(day);
        let number = midnight.0 / 86_400_000_000;
        let hour = |h: f64| midnight + Span((h * 3.6e9) as i64);
        for (k, (when, grams)) in meals(who, number).into_iter().enumerate() {
            let names = ["Breakfast", "Lunch", "Snack", "Dinner"];
            put(
                CARBS,
                When::At(hour(when)),
                vec![amount(&format!("{grams:.0}"), unit(Dimension::Mass, "g")), Some(Value::Text(names[k].into()))],
            );
            if grams > 25.0 {
                let dose = amount(&format!("{:.1}", grams / 9.5), unit(Dimension::Insulin, "U"));
                put(MEDICATION, When::At(hour(when - 0.15)), vec![Some(Value::Enum(0)), Some(Value::Text("rapid".into())), dose]);
            }
        }
        put(
            MEDICATION,
            When::At(hour(22.0)),
            vec![Some(Value::Enum(2)), Some(Value::Text("long".into())), amount("14", unit(Dimension::Insulin, "U"))],
        );
        let slept = 6.4 + 0.9 * noise(&[who, number, 31]);
        put(
            SLEEP,
            When::During { start: hour(-0.8 + 0.5 * noise(&[who, number, 30])), end: Some(hour(slept)) },
            vec![amount("74", unit(Dimension::Time, "min"))],
        );
        if noise(&[who, number, 40]) > -0.2 {
            let start = 17.2 + noise(&[who, number, 41]);
            let level = if noise(&[who, number, 42]) > 0.3 { 2 } else { 1 };
            put(
                EXERCISE,
                When::During { start: hour(start), end: Some(hour(start + 0.75)) },
                vec![Some(Value::Enum(level)), Some(Value::Text("running".into()))],
            );
        }
        let rise = if person.fate == Fate::Pressure { 26.0 } else { 0.0 };
        for (k, at) in [7.1, 7.15, 21.2].into_iter().enumerate() {
            let pressure = |base: f64, k2: i64| {
                amount(
                    &format!("{:.0}", base + 7.0 * noise(&[who, number, 60 + k as i64, k2])),
                    unit(Dimension::Pressure, "mmHg"),
                )
            };
            put(
                BP,
                When::At(hour(at)),
                vec![pressure(121.0 + rise, 1), pressure(77.0 + rise * 0.5, 2), amount("66", unit(Dimension::Rate, "/min"))],
            );
        }
        if day % 3 == 0 {
            put(
                MOOD,
                When::At(hour(20.5)),
                vec![
                    amount(&format!("{}", 3 + (day % 3)), unit(Dimension::Count, "count")),
                    Some(Value::Text("<b>fine</b>".into())),
                ],
            );
        }
    }
    let mut at = begin;
    while at <= now {
        if at <= glucose_end && noise(&[who, at.0 / 300_000_000, 7]) > -0.985 {
            all.push(reading(subject, glucose(at, &format!("{:.0}", sugar(person, who, at, now)))));
        }
        if at.0 % 900_000_000 == 0 {
            all.push(reading(subject, device(person, who, at, now)));
        }
        at = at + STEP;
    }
    all
}

fn device(person: &Person, who: i64, at: Time, now: Time) -> vitalog_elog::Content {
    let hours = at.0 as f64 / 3.6e9;
    let mut battery = 100.0 - (hours + who as f64 * 3.0).rem_euclid(24.0) * 2.6;
    if person.fate == Fate::Battery {
        battery = (9.0 + now.since(at).micros() as f64 / 3.6e9 * 3.0).min(battery.max(40.0));
    }
    let percent = unit(Dimension::Ratio, "%");
    let values = vec![
        amount(&format!("{:.0}", 14.0 + 8.0 * noise(&[who, at.0, 81])), percent),
        amount(&format!("{:.0}", 52.0 + 5.0 * noise(&[who, at.0, 82])), percent),
        amount(&format!("{battery:.0}"), percent),
    ];
    content(DEVICE, When::At(at), values)
}
