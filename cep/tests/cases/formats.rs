//! The format of snapshots, held by a fixture: the bytes of a small state and of an increment upon it, and the script that they came from.
//!
//! Other bytes of the same script mean that what is inside changed: then the format number is to be raised, and the fixture made anew by
//!
//!     VITALOG_FIXTURES=write cargo test --locked -p vitalog-cep --test cep formats

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;

use vitalog_cep::plan::RuleKind;
use vitalog_cep::{Engine, SnapshotError};
use vitalog_elog::{StreamIx, Subject, Time, Value, When};

use super::build::{library, pattern, rule, silence, step};
use crate::world::drive;
use crate::world::script::{Given, Line, reading};
use crate::world::{Kind, MEAL, SUGAR, minute};

/// The format that this engine writes.
const FORMAT: u32 = 13;

/// The inputs before the first snapshot, before the second, and after it.
fn script() -> [Vec<Line>; 3] {
    let named = |name: &str, kind: RuleKind| {
        let mut rule = rule(kind);
        (rule.name, rule.title) = (Arc::from(name), Arc::from(name));
        rule
    };
    let after_meals = pattern(vec![step(MEAL, None), step(SUGAR, None)], 60);
    let rules = vec![named("r0", silence(&[SUGAR], 30)), named("r1", RuleKind::Match(after_meals))];
    let library = Given::Library { effective: Time::MIN, library: Arc::new(library(rules)) };
    let line = |at: i64, input: Given| Line { arrival: minute(at), input };
    let one = |at: i64, who: &str, id: &str, stream: StreamIx, n: i64| {
        let values: Vec<Option<Value>> = match stream {
            SUGAR => vec![Some(Kind::Glucose.value(n)), None, None],
            _ => vec![Some(Kind::Mass.value(n)), None],
        };
        line(at, Given::Reading(reading(&Subject::new(who), id, 1, stream, When::At(minute(at)), values)))
    };
    [
        vec![
            line(0, library),
            one(1, "ann", "a", MEAL, 40),
            one(2, "ben", "b", SUGAR, 90),
            one(5, "ann", "c", SUGAR, 180),
            line(50, Given::Tick),
        ],
        vec![one(55, "ann", "d", SUGAR, 150), one(56, "cleo", "e", MEAL, 10)],
        vec![one(60, "cleo", "f", SUGAR, 140), one(61, "ben", "g", SUGAR, 95), line(200, Given::Tick)],
    ]
}

fn fixture(end: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(format!("tests/fixtures/engine-{FORMAT}.{end}"))
}

#[expect(clippy::disallowed_methods, reason = "whether fixtures are made is for whoever runs the tests")]
fn is_to_be_written() -> bool {
    std::env::var("VITALOG_FIXTURES").is_ok_and(|what| what == "write")
}

#[test]
fn what_is_written_is_what_the_format_number_stands_for() {
    let script = script();
    let mut engine = Engine::new();
    let mut offset = 0;
    let mut go = |engine: &mut Engine, lines: &[Line]| {
        let said: Vec<_> = lines.iter().zip(offset..).map(|(line, i)| drive::step(engine, i, line)).collect();
        offset += lines.len();
        said
    };
    go(&mut engine, &script[0]);
    let whole = engine.increment();
    go(&mut engine, &script[1]);
    let made = [("snapshot", whole), ("increment", engine.increment())];
    if is_to_be_written() {
        for (end, bytes) in &made {
            fs::write(fixture(end), bytes).expect("tests/fixtures can be written");
        }
    }
    let kept = made.each_ref().map(|(end, bytes)| {
        let kept = fs::read(fixture(end)).unwrap_or_default();
        assert!(
            kept == *bytes,
            "engine-{FORMAT}.{end} is not what is written now: raise the format if what is inside changed, and make the fixture anew (head of this file)"
        );
        kept
    });
    let mut restored = Engine::restore_all(&kept.each_ref().map(Vec::as_slice)).expect("of this format");
    assert_eq!(restored.findings(), engine.findings());
    assert!(engine.findings().len() >= 3, "the fixture has findings of both kinds: {:#?}", engine.findings());
    let rest =
        |engine: &mut Engine| -> Vec<_> { script[2].iter().zip(100..).map(|(line, i)| drive::step(engine, i, line)).collect() };
    assert_eq!(rest(&mut restored), rest(&mut engine), "it goes on as if it had never been written");
    assert_eq!(restored.snapshot(), engine.snapshot());
}

#[test]
fn another_format_is_named() {
    let mut bytes = Engine::new().snapshot();
    for found in [1, FORMAT - 1, FORMAT + 1] {
        bytes[8..12].copy_from_slice(&found.to_le_bytes());
        let refused = Engine::restore(&bytes).expect_err("of another format");
        assert_eq!(refused, SnapshotError::Version { found, known: FORMAT });
        let text = refused.to_string();
        assert!(text.contains(&format!("format {found}")) && text.contains("replay"), "{text}");
    }
}
