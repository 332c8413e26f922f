//! Cases as tables of text: what comes in, and what must stand.
//!
//! A line of input is one of
//!
//!     5 sugar 60 - yes            a reading at minute 5; a dash leaves a field out; words `low mid high`, `yes no`, letters
//!     2..9 nap high 3             an interval; `2..` goes on
//!     remove r1                   with `rev 3` any revision is said; the default is 1, of a removal 2
//!     profile target 90 from 5    `-` sets it back to its default
//!     rules 1 from 10             the case's second library
//!     tick
//!
//! `as NAME` names a reading (else `r1`, `r2`, … in order), `@20` in front says when it arrives (else at its instant, if the clock is not
//! past it already), and `5+1us` is a microsecond later. Instants far from those minutes are written out: `2026-03-29T01:00Z`. A text ends at its line;
//! `night` is said with `_` for its blanks. A finding that stands is a line like
//!
//!     resolved warning from 0 at 15 to 20 known 25 of r1 r2 say text

use std::collections::BTreeMap;
use std::sync::Arc;

use vitalog_cep::Engine;
use vitalog_cep::plan::Library;
use vitalog_elog::profile::ProfileChange;
use vitalog_elog::{Reading, ReadingId, Span, Subject, Time, TimeOfDay, Value, When};

use crate::oracle::Standing;
use crate::world::script::{Given, Line, expected, reading};
use crate::world::{EPOCH, Kind, PROFILE, STREAMS, WORDS, drive, fields, minute};

/// The first library is in force from the beginning of time. The engine has to say so whether the inputs came one by one, at one moment, or with a restart between any
/// two of them.
pub fn check(libraries: &[Library], input: &str, stands: &str) {
    let (lines, names) = read(libraries, input);
    let wanted: Vec<&str> = stands.lines().map(str::trim).filter(|l| !l.is_empty()).collect();
    let show = |all: Vec<Standing>| all.iter().map(|s| finding(s, &names)).collect::<Vec<_>>();
    assert_eq!(show(expected(&lines)), wanted, "the ORACLE on\n{input}");
    let (mut engine, _) = drive::run(&lines);
    assert_eq!(show(drive::standing(&engine)), wanted, "the ENGINE on\n{input}");
    assert_eq!(show(drive::standing(&at_one_moment(&lines))), wanted, "the ENGINE, at one moment, on\n{input}");
    let whole = engine.snapshot();
    for cut in 1..lines.len() {
        let (mut half, _) = drive::run(&lines[..cut]);
        let mut restored = Engine::restore(&half.snapshot()).expect("its own snapshot");
        (cut..lines.len()).for_each(|i| drop(drive::step(&mut restored, i, &lines[i])));
        assert_eq!(show(drive::standing(&restored)), wanted, "the ENGINE, cut at {cut}, on\n{input}");
        assert!(restored.snapshot() == whole, "cut at {cut} it ends in another snapshot on\n{input}");
    }
}

fn at_one_moment(lines: &[Line]) -> Engine {
    let mut engine = Engine::new();
    engine.begin();
    let mut effects: Vec<_> = lines.iter().enumerate().flat_map(|(i, line)| drive::step(&mut engine, i, line)).collect();
    engine.settle(&mut effects);
    engine
}

/// What the engine said, in order: of which rule, what happened, from which minute, and why it was quiet; and of how many findings.
pub fn said_by(libraries: &[Library], input: &str) -> (Vec<String>, usize) {
    let (lines, _) = read(libraries, input);
    let (_, effects) = drive::run(&lines);
    let changes: Vec<_> = effects.iter().flat_map(|e| drive::changes(e)).collect();
    let told = |c: &&vitalog_elog::FindingChange| {
        let minutes = c.finding.onset.since(EPOCH).0 / Span::minutes(1).0;
        let quiet = c.finding.quiet.map_or_else(|| "told".to_owned(), |quiet| format!("{quiet:?}"));
        format!("{} {} {minutes} {quiet}", c.finding.rule, c.change.name())
    };
    let ids: std::collections::BTreeSet<_> = changes.iter().map(|c| c.finding.id).collect();
    (changes.iter().map(told).collect(), ids.len())
}

pub type Names = BTreeMap<ReadingId, String>;

/// The first line gives the rules.
pub fn read(libraries: &[Library], input: &str) -> (Vec<Line>, Names) {
    let library = |i: usize| Arc::new(libraries[i].clone());
    let mut lines = vec![Line { arrival: minute(-600), input: Given::Library { effective: Time::MIN, library: library(0) } }];
    let mut names = Names::new();
    for row in input.lines().map(str::trim).filter(|l| !l.is_empty()) {
        let mut words: Vec<&str> = row.split_whitespace().collect();
        let arrival = words[0].strip_prefix('@').map(instant);
        if arrival.is_some() {
            words.remove(0);
        }
        let clock = lines.iter().map(|l| l.arrival).max().unwrap_or(EPOCH);
        let (input, happened) = match words[0] {
            "tick" => (Given::Tick, None),
            "rules" => {
                let number: usize = words[1].parse().expect("a library's number");
                (Given::Library { effective: instant(words[3]), library: library(number) }, None)
            }
            "profile" => (Given::Profile(profile(&words[1..])), None),
            "remove" => {
                let rev = option(&mut words, "rev").map_or(2, |r| r.parse().expect("a revision"));
                (Given::Reading(Reading::removal(subject(), Arc::from(words[1]), rev)), None)
            }
            _ => {
                let said = said(words, names.len() + 1);
                names.insert(said.id, said.given.clone().unwrap_or_default().to_string());
                let when = said.content.as_ref().map(|c| c.when.instant().unwrap_or(c.when.start()));
                (Given::Reading(said), when)
            }
        };
        let arrival = arrival.or(happened.map(|h| h.max(clock))).unwrap_or(clock);
        lines.push(Line { arrival, input });
    }
    (lines, names)
}

fn subject() -> Subject {
    Subject::new("s")
}

fn said(mut words: Vec<&str>, number: usize) -> Reading {
    let rev = option(&mut words, "rev").map_or(1, |r| r.parse().expect("a revision"));
    let name = option(&mut words, "as").map_or(format!("r{number}"), str::to_owned);
    let when = match words[0].split_once("..") {
        None => When::At(instant(words[0])),
        Some((start, "")) => When::During { start: instant(start), end: None },
        Some((start, end)) => When::During { start: instant(start), end: Some(instant(end)) },
    };
    let (stream, _, _) = *STREAMS.iter().find(|(_, name, _)| *name == words[1]).expect("a stream");
    let values = fields(stream).iter().zip(words[2..].iter());
    let values = values.map(|((_, kind, _), word)| value(*kind, word)).collect();
    reading(&subject(), &name, rev, stream, when, values)
}

fn profile(words: &[&str]) -> ProfileChange {
    let (name, kind) = PROFILE.into_iter().find(|(name, _)| *name == words[0]).expect("a field of the profile");
    ProfileChange { subject: subject(), field: Arc::from(name), value: value(kind, words[1]), at: instant(words[3]) }
}

fn value(kind: Kind, word: &str) -> Option<Value> {
    if word == "-" {
        return None;
    }
    Some(match kind {
        Kind::Text if word.contains("_to_") => Value::Text(Arc::from(word.replace('_', " "))),
        Kind::Text => Value::Text(Arc::from(word)),
        Kind::Bool => Value::Bool(word == "yes"),
        Kind::TimeOfDay => Value::TimeOfDay(TimeOfDay::parse(word).expect("a time of day")),
        Kind::Enum => Value::Enum(WORDS.iter().position(|w| *w == word).expect("a word") as u16),
        number => number.value(word.parse().expect("a number")),
    })
}

/// Takes `word value` out of the row.
fn option<'a>(words: &mut Vec<&'a str>, word: &str) -> Option<&'a str> {
    let place = words.iter().position(|w| *w == word)?;
    let value = words.remove(place + 1);
    words.remove(place);
    Some(value)
}

fn instant(word: &str) -> Time {
    if let Some(word) = word.strip_suffix("+1us") {
        return instant(word) + Span(1);
    }
    if let Some(word) = word.strip_suffix("-1us") {
        return instant(word) - Span(1);
    }
    if word.contains('T') {
        return Time::parse(&word.replace('Z', ":00Z")).expect("an instant, to the minute");
    }
    minute(word.parse().expect("a minute"))
}

fn finding(s: &Standing, names: &Names) -> String {
    let optional = |t: Option<Time>| t.map_or("-".to_owned(), written);
    let mut evidence: Vec<&str> = s.evidence.iter().map(|id| names[id].as_str()).collect();
    evidence.sort_unstable();
    let mut out = format!("{} {} from {} at {}", s.state, s.severity, written(s.onset), written(s.at));
    if s.end.is_some() || s.resolved_at.is_some() {
        out += &format!(" to {}", optional(s.end));
    }
    if s.resolved_at.is_some() {
        out += &format!(" known {}", optional(s.resolved_at));
    }
    if !evidence.is_empty() {
        out += &format!(" of {}", evidence.join(" "));
    }
    if !s.text.is_empty() {
        out += &format!(" say {}", s.text);
    }
    out
}

pub fn written(t: Time) -> String {
    let micros = t.since(EPOCH).0;
    if micros.abs() > Span::days(7).0 {
        return t.to_string();
    }
    let nearest = (micros + 30_000_000).div_euclid(60_000_000);
    match micros - nearest * 60_000_000 {
        0 => nearest.to_string(),
        rest => format!("{nearest}{rest:+}us"),
    }
}
