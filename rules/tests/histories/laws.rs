//! The laws, each over one history.
//!
//! Five courses serve them. *Alone*: each subject in an engine of its own, input by input as it came. *Together*: all in one engine that is restarted now and then, and in half of the histories
//! disturbed before each reading. *Disordered*: in another order, some twice, in moments, in half of the histories by subject. *In slices*: together, one
//! subject at a time, restarted, where inputs come while somebody owes something. *In order*: what is current in the end, as a backtest has it.

use std::collections::{BTreeMap, BTreeSet};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use vitalog_cep::driver::backtest_order;
use vitalog_cep::{Engine, EngineInput, Horizon};
use vitalog_elog::profile::ProfileChange;
use vitalog_elog::{Change, Finding, FindingChange, FindingState, MatchId, Reading, ReadingId, Span, Subject, Time, Value};

use super::course::Course;
use super::dice::Draw;
use super::rulebooks::Rulebooks;
use super::shrink::shrink;
use super::{BEGINNING, DAY, Entry, Given, History, in_order, naive};
use crate::oracle::Standing;
use crate::population::Dice;

/// What was seen on the way.
#[derive(Default)]
pub struct Seen {
    pub rules: BTreeSet<Arc<str>>,
    pub changes: u64,
    pub restarts: u64,
    pub compared: u64,
    /// Layers that were cut off, and put back.
    pub parted: u64,
    pub united: u64,
    /// Inputs that came while somebody owed something.
    pub owing: u64,
    /// Readings that were gone through subject by subject.
    pub by_subject: u64,
}

impl Seen {
    pub fn add(&mut self, other: Seen) {
        self.rules.extend(other.rules);
        self.changes += other.changes;
        self.restarts += other.restarts;
        self.compared += other.compared;
        self.parted += other.parted;
        self.united += other.united;
        self.owing += other.owing;
        self.by_subject += other.by_subject;
    }
}

/// All laws over a history; if one is broken, what, by the fewest inputs that were found to break one.
pub fn hold(books: &Rulebooks, history: &History) -> Result<Seen, String> {
    let tried = |history: &History| {
        catch_unwind(AssertUnwindSafe(|| all(books, history))).unwrap_or_else(|_| Err("the engine panics".to_owned()))
    };
    tried(history).map_err(|first| {
        let small = shrink(history, &|h| tried(h).is_err_and(|other| law(&other) == law(&first)));
        let what = tried(&small).err().unwrap_or_default();
        format!("{first}\n\nby {} inputs of {}: {what}\n{}", small.entries.len(), history.entries.len(), show(&small))
    })
}

/// Which law is broken, as far as the words tell by which what it says begins.
fn law(what: &str) -> &str {
    what.split([',', ':']).next().unwrap_or_default()
}

fn all(books: &Rulebooks, history: &History) -> Result<Seen, String> {
    let mut seen = Seen::default();
    let mut standing = Vec::new();
    let mut said: BTreeMap<&Subject, Vec<FindingChange>> = BTreeMap::new();
    let mut only = None;
    for subject in &history.people {
        let mut course = alone(books, history, subject)?;
        folds(&course.changes, &course.engine).map_err(|e| format!("of {subject} alone: {e}"))?;
        standing.extend(course.engine.findings().iter().map(Standing::of));
        seen.changes += course.changes.len() as u64;
        seen.rules.extend(course.changes.iter().map(|c| c.finding.rule.clone()));
        only = (history.people.len() == 1).then(|| course.engine.snapshot());
        said.insert(subject, course.changes);
    }
    standing.sort();
    together(books, history, &said, only, &mut seen)?;
    seen.owing += sliced(books, history, &standing)?;
    let disordered = disordered(books, history)?;
    compare("in another order", &standing, &disordered.engine)?;
    folds(&disordered.changes, &disordered.engine).map_err(|e| format!("in another order: {e}"))?;
    let backtest = in_order::run(books, history)?;
    compare("as a backtest has it", &standing, &backtest)?;
    seen.by_subject += disordered.by_subject;
    seen.compared += naive::compare(books, history)?;
    Ok(seen)
}

pub fn input<'a>(books: &Rulebooks, given: &'a Given) -> EngineInput<'a> {
    match given {
        Given::Reading(reading) => EngineInput::Reading(reading),
        Given::Profile(change) => EngineInput::Profile(change),
        Given::Rules { effective, which } => EngineInput::Library { effective: *effective, library: books.all[*which].clone() },
    }
}

fn alone(books: &Rulebooks, history: &History, subject: &Subject) -> Result<Course, String> {
    let mut course = Course::default();
    for entry in history.entries.iter().filter(|e| e.subject().is_none_or(|s| s == subject)) {
        course.until(entry.arrival)?;
        course.step(entry.arrival, input(books, &entry.given));
    }
    course.until(history.end)?;
    course.step(history.end, EngineInput::Tick);
    Ok(course)
}

/// Laws 1, 2, 4 and 9, and that rules at rest miss nothing: the same is said of each, wherever it is cut, and however near its horizon is.
fn together(
    books: &Rulebooks,
    history: &History,
    said: &BTreeMap<&Subject, Vec<FindingChange>>,
    only: Option<Vec<u8>>,
    seen: &mut Seen,
) -> Result<(), String> {
    let disturbs = history.seed % 2 == 1;
    let how = if disturbs { "together and disturbed" } else { "together and restarted" };
    // A third with a horizon: what is said must not hang on it.
    let keep = Span::days([0, 2, 20][(history.seed / 3 % 3) as usize]);
    let horizon = history.seed.is_multiple_of(3).then_some(Horizon { keep, least: 100, pause: Span::hours(20) });
    let mut course = Course::near(horizon);
    for entry in &history.entries {
        course.until(entry.arrival)?;
        if entry.below(1, 900) == 0 {
            course.restart()?;
            seen.restarts += 1;
        }
        if let (Given::Reading(reading), true) = (&entry.given, disturbs) {
            course.step(entry.arrival, EngineInput::Profile(&meaningless(reading)));
        }
        course.step(entry.arrival, input(books, &entry.given));
    }
    course.until(history.end)?;
    course.step(history.end, EngineInput::Tick);
    for (subject, said) in said {
        let mine: Vec<&FindingChange> = course.changes.iter().filter(|c| c.finding.subject == **subject).collect();
        let place = said.iter().zip(&mine).position(|(a, b)| a != *b).unwrap_or(said.len().min(mine.len()));
        if place < said.len() || place < mine.len() {
            return Err(format!("of {subject}, alone:\n{:#?}\n{how}:\n{:#?}", said.get(place), mine.get(place)));
        }
    }
    if only.is_some_and(|bytes| !disturbs && horizon.is_none() && bytes != course.engine.snapshot()) {
        return Err("restarted it ends in another snapshot".to_owned());
    }
    if course.engine.misses() > 0 {
        return Err(format!("{horizon:?}: somebody looked beyond it, {} times", course.engine.misses()));
    }
    seen.parted += course.parted;
    seen.united += course.united;
    Ok(())
}

/// However few are decided at once, and wherever it is cut, what was told comes to the same when nobody owes anything any more. How often somebody owed something when an input came.
fn sliced(books: &Rulebooks, history: &History, standing: &[Standing]) -> Result<u64, String> {
    if history.people.len() < 2 {
        return Ok(0);
    }
    let horizon = Horizon { keep: Span::days(2), least: 100, pause: Span::hours(20) };
    let horizon = history.seed.is_multiple_of(2).then_some(horizon);
    let mut course = Course::in_slices(horizon, 1);
    let mut owing = 0;
    for entry in &history.entries {
        course.lag_behind(entry.arrival, entry.below(8, 3) > 0);
        if entry.below(7, 500) == 0 {
            course.restart()?;
        }
        owing += u64::from(course.engine.owes());
        course.step(entry.arrival, input(books, &entry.given));
    }
    course.lag_behind(history.end, false);
    course.step(history.end, EngineInput::Tick);
    course.pay();
    let mut records: BTreeMap<MatchId, &Finding> = BTreeMap::new();
    records.extend(course.changes.iter().map(|change| (change.finding.id, &change.finding)));
    let told = records.into_values().filter(|f| f.state != FindingState::Rescinded);
    let mut told: Vec<Standing> = told.map(Standing::of).collect();
    told.sort();
    difference("in slices", standing, &told)?;
    if course.engine.misses() > 0 {
        return Err(format!("in slices, {horizon:?}: somebody looked beyond it, {} times", course.engine.misses()));
    }
    // Of what lies beyond a horizon the engine itself says nothing.
    if horizon.is_none() {
        folds(&course.changes, &course.engine).map_err(|e| format!("in slices: {e}"))?;
    }
    Ok(owing)
}

/// A change of a profile field that no rule asks for: it means nothing, and makes the engine forget which rules rest.
pub fn meaningless(reading: &Reading) -> ProfileChange {
    ProfileChange { subject: reading.subject.clone(), field: Arc::from("units"), value: Some(Value::Enum(0)), at: Time(0) }
}

/// Law 3, and that inputs of one moment may wait for each other.
fn disordered<'h>(books: &Rulebooks, history: &'h History) -> Result<Course, String> {
    let mut course = Course::default();
    let mut dice = Dice::of(history.seed, 7);
    // A history that is fed in comes in large pieces.
    let sizes: &[usize] = if history.seed % 5 < 2 { &[500] } else { &[1, 1, 7, 60] };
    let entries = disorder(history);
    let mut rest = &entries[..];
    while !rest.is_empty() {
        let (moment, left) = rest.split_at(dice.pick(sizes).min(rest.len()));
        rest = left;
        let arrival = moment.iter().map(|(arrival, _)| *arrival).max().unwrap_or(BEGINNING);
        course.until(arrival)?;
        course.engine.begin();
        // In half of the histories readings that follow each other are taken at once.
        let is_reading = |entry: &Entry| history.seed % 4 < 2 && matches!(entry.given, Given::Reading(_));
        for part in moment.chunk_by(|(_, one), (_, next)| is_reading(one) && is_reading(next)) {
            let reading = |(_, entry): &(Time, &'h Entry)| match &entry.given {
                Given::Reading(reading) if is_reading(entry) => Some((arrival, reading)),
                _ => None,
            };
            let readings: Vec<(Time, &Reading)> = part.iter().filter_map(reading).collect();
            match part {
                [(_, one)] if readings.is_empty() => course.step(arrival, input(books, &one.given)),
                _ => course.step_all(&readings),
            }
        }
        course.settle();
    }
    course.until(history.end)?;
    course.step(history.end, EngineInput::Tick);
    Ok(course)
}

/// The same inputs in another order, some readings twice. Changes of profiles keep their order, and so do rules: it is a part of what they say.
fn disorder(history: &History) -> Vec<(Time, &Entry)> {
    let end = history.end;
    let how = history.seed % 5;
    let mut all: Vec<(Time, &Entry)> = Vec::new();
    for entry in &history.entries {
        let is_reading = matches!(entry.given, Given::Reading(_));
        let late = |by: i64| Time((entry.arrival.0.saturating_add(by)).min(end.0));
        let gathered = |days: i64| Time((entry.arrival.0.div_euclid(days * DAY) + 1) * days * DAY).min(end);
        let arrival = match (how, is_reading) {
            (0 | 1, true) => gathered(60),
            (2, true) if entry.below(2, 3) == 0 => late(entry.below(3, 5 * DAY)),
            (3, true) => gathered(7),
            (4, true) if entry.below(2, 20) == 0 => late(entry.below(3, 300 * DAY)),
            _ => entry.arrival,
        };
        all.push((arrival, entry));
        if is_reading && entry.below(4, 25) == 0 {
            all.push((late(entry.below(5, 30 * DAY)), entry));
        }
    }
    all.sort_by_key(|(arrival, entry)| match (how, &entry.given) {
        // One device after the other; in no order; the newest first; each as late as it is.
        (0, Given::Reading(r)) => (*arrival, r.content.as_ref().map_or(i64::MAX, |c| i64::from(c.stream.0))),
        (1, Given::Reading(_)) => (*arrival, entry.below(6, i64::MAX)),
        (3, Given::Reading(_)) => (*arrival, -entry.arrival.0),
        _ => (*arrival, 0),
    });
    all
}

/// The changes that were told come to exactly what stands.
fn folds(changes: &[FindingChange], engine: &Engine) -> Result<(), String> {
    let mut records: BTreeMap<MatchId, &Finding> = BTreeMap::new();
    for change in changes {
        let was = records.insert(change.finding.id, &change.finding);
        let stood = was.is_some_and(|w| w.state != FindingState::Rescinded);
        if change.finding.revision != was.map_or(1, |w| w.revision + 1) || (change.change == Change::Opened) == stood {
            return Err(format!("after\n{was:#?}\nit can't be told\n{change:#?}"));
        }
    }
    let mut standing = engine.findings();
    standing.sort_by_key(|f| f.id);
    let told: Vec<&Finding> = records.into_values().filter(|f| f.state != FindingState::Rescinded).collect();
    let place = told.iter().zip(&standing).position(|(a, b)| *a != b).unwrap_or(told.len().min(standing.len()));
    if place < told.len() || place < standing.len() {
        return Err(format!("it was told\n{:#?}\nand this stands\n{:#?}", told.get(place), standing.get(place)));
    }
    Ok(())
}

/// What stands is the same, whatever it is called.
fn compare(how: &str, wanted: &[Standing], engine: &Engine) -> Result<(), String> {
    let mut has: Vec<Standing> = engine.findings().iter().map(Standing::of).collect();
    has.sort();
    difference(how, wanted, &has)
}

pub fn difference(how: &str, wanted: &[Standing], has: &[Standing]) -> Result<(), String> {
    if wanted == has {
        return Ok(());
    }
    let without = |all: &[Standing], other: &[Standing]| -> Vec<Standing> {
        all.iter().filter(|s| other.binary_search(s).is_err()).take(4).cloned().collect()
    };
    Err(format!("{how}, this stands no more:\n{:#?}\nand this stands:\n{:#?}", without(wanted, has), without(has, wanted)))
}

/// The current readings of a history, as a lake has them, in the order of a backtest.
pub fn current(history: &History) -> Vec<Reading> {
    let mut current: BTreeMap<(&Subject, ReadingId), &Reading> = BTreeMap::new();
    for entry in &history.entries {
        let Given::Reading(reading) = &entry.given else { continue };
        let known = current.entry((&reading.subject, reading.id)).or_insert(reading);
        if reading.revision() > known.revision() {
            *known = reading;
        }
    }
    let mut all: Vec<Reading> = current.into_values().filter(|r| r.content.is_some()).cloned().collect();
    backtest_order(&mut all);
    all
}

fn show(history: &History) -> String {
    let line = |e: &Entry| match &e.given {
        Given::Rules { effective, which } => format!("{} rules {which} from {effective}\n", e.arrival),
        Given::Profile(c) => format!("{} {} {} = {:?} from {}\n", e.arrival, c.subject, c.field, c.value, c.at),
        Given::Reading(r) => format!("{} {} {} rev {} {:?}\n", e.arrival, r.subject, r.id, r.rev, r.content),
    };
    let lines: String = history.entries.iter().take(60).map(line).collect();
    format!("{lines}{} the end\n", history.end)
}
