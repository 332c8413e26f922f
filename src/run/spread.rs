//! The law that one worker says what n say, that a cut may change their number, that partitions find what a single engine finds, and that a horizon changes nothing.

use std::path::Path;
use std::sync::Arc;

use vitalog_cep::driver::{partition_of, worker_of};
use vitalog_cep::plan::Library;
use vitalog_cep::{Engine, EngineInput, Horizon};
use vitalog_elog::input::{RuleChange, RuleFile};
use vitalog_elog::profile::ProfileChange;
use vitalog_elog::{
    Amount, Content, Dimension, Entry, Finding, Input, Position, Reading, Schema, Span, StreamIx, Subject, Time, Unit, Value,
    When,
};
use vitalog_notify::Config;

use super::beyond::Beyond;
use super::mind::{Mind, Spread, library_of};
use super::snapshot::{State, Taken};
use super::versions::Versions;

pub const PARTITIONS: u32 = 16;

/// Bookings are seen under their guest, a card and a listing; the clock opens silences and schedules; a rule looks at another.
const RULES: &str = "
stream booking every 1 h by guest, also by card, listing { card text  listing text optional  price count }
profile { dear count default 700 count }
rule dear_one { severity warning when booking.price > profile.dear until booking.price < 300 count }
rule still { severity info when no booking for 3 h }
rule pair { severity advisory match booking as a then booking as b where b.price > a.price within 2 h }
rule twice { severity warning match dear_one{2..} within 1 d }
rule busy { severity info every day at 06:00 when count(booking.price over 24 h) > 3 }
";

/// Replaces them: another meaning of one, one that is new, one that is gone.
const OTHERS: &str = "
stream booking every 1 h by guest, also by card, listing { card text  listing text optional  price count }
profile { dear count default 700 count }
rule dear_one { severity urgent when booking.price > 800 count }
rule still { severity info when no booking for 3 h }
rule many { severity advisory when count(booking.price over 2 h) > 3 }
rule twice { severity warning match dear_one{2..} within 1 d }
";

struct Dice(u64);

impl Dice {
    fn below(&mut self, n: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % n
    }
}

/// Somebody's name: guests, cards and listings are subjects of one space, so that one timeline has readings of its own and of others.
fn somebody(dice: &mut Dice) -> Subject {
    Subject::new(&format!("s-{}", dice.below(23)))
}

fn booking(dice: &mut Dice, now: i64) -> Reading {
    // Often a revision of an earlier one, that names others; sometimes it is taken back.
    let subject = somebody(dice);
    let (given, rev) = (Arc::from(format!("b{}", dice.below(40))), 1 + dice.below(4) as u32);
    if dice.below(12) == 0 {
        return Reading::removal(subject, given, rev);
    }
    let text = |s: Subject| Some(Value::Text(Arc::from(s.as_str())));
    let unit = Unit::named(Dimension::Count, "count").expect("a unit");
    let price = Value::Quantity(Amount { digits: dice.below(1_000) as i64, scale: 0, unit });
    let listing = if dice.below(3) == 0 { None } else { text(somebody(dice)) };
    let values = [text(somebody(dice)), listing, Some(price)].into();
    let at = Time(now - dice.below(5 * 3_600_000_000) as i64);
    let content = Content { stream: StreamIx(0), when: When::At(at), values, source: None, seq: None };
    Reading::present(subject, Some(given), rev, "booking", content)
}

fn rules(text: &str, effective: Time) -> Input {
    let files = vec![RuleFile { name: "a.rules".into(), text: text.into() }];
    Input::Rules(RuleChange { effective, files, by: None })
}

/// Groups of entries, each group accepted at one instant; in the midst of one the rules change.
pub fn journal(seed: u64) -> Vec<Vec<Arc<Entry>>> {
    journal_of(seed, 60, 30)
}

fn journal_of(seed: u64, groups: u64, changes: u64) -> Vec<Vec<Arc<Entry>>> {
    let mut dice = Dice(seed);
    let mut now = 1_700_000_000_000_000_i64;
    let mut journal = vec![vec![Arc::new(Entry { arrival: Time(now), input: rules(RULES, Time::MIN) })]];
    for number in 0..groups {
        now += dice.below(4 * 3_600_000_000) as i64;
        let count = if dice.below(4) == 0 { 1 } else { 1 + dice.below(30) };
        let mut group: Vec<Input> = (0..count)
            .map(|_| match dice.below(30) {
                0 => Input::Tick,
                1 => {
                    let unit = Unit::named(Dimension::Count, "count").expect("a unit");
                    let value = Some(Value::Quantity(Amount { digits: dice.below(1_000) as i64, scale: 0, unit }));
                    Input::Profile(ProfileChange { subject: somebody(&mut dice), field: "dear".into(), value, at: Time(now) })
                }
                _ => Input::Reading(booking(&mut dice, now)),
            })
            .collect();
        if number == changes {
            // In the midst of a group.
            group.insert(group.len() / 2, rules(OTHERS, Time(now)));
        }
        journal.push(group.into_iter().map(|input| Arc::new(Entry { arrival: Time(now), input })).collect());
    }
    journal
}

/// What was said of each group, as bytes, and the state at the end.
pub fn said(mind: &mut Mind, journal: &[Vec<Arc<Entry>>], mut next: u64) -> (Vec<String>, Taken) {
    let mut all = Vec::new();
    for group in journal {
        let first = next;
        next += group.len() as u64;
        let records = mind.step(first..next, |offset, _| Ok(group[(offset - first) as usize].clone())).expect("it steps");
        let due = mind.next_due();
        all.push(format!("{:?} {due:?}", records.iter().map(|r| (r.offset, &r.effects)).collect::<Vec<_>>()));
    }
    let snapshot = mind.snapshot(position(next), true).expect("the workers are there");
    (all, snapshot)
}

/// Ticks until no engine owes anything, as a server that is stopped does; how many it took.
fn pay(mind: &mut Mind, mut next: u64, clock: Time) -> u64 {
    let first = next;
    while mind.collector.owes() {
        let tick = Arc::new(Entry { arrival: clock, input: Input::Tick });
        mind.step(next..next + 1, |_, _| Ok(tick.clone())).expect("it steps");
        next += 1;
    }
    next - first
}

/// Where the journal has come to.
pub fn position(next: u64) -> Position {
    Position { incarnation: 1, next, chain: [0; 32] }
}

pub fn mind(workers: usize) -> Mind {
    Mind::new(Config::silent(), Spread { partitions: PARTITIONS, workers, beyond: None }).expect("threads")
}

/// As [`mind`], with a horizon so near that nearly everything lies beyond it.
fn near(dir: &Path, workers: usize) -> Spread {
    let horizon = Horizon { keep: Span::minutes(30), least: 2, pause: Span::minutes(20) };
    Spread { partitions: PARTITIONS, workers, beyond: Some(Beyond { dir: dir.to_owned(), horizon }) }
}

pub fn bytes(taken: &Taken) -> Vec<u8> {
    let rules: (&Library, &Versions) = (&taken.library, &taken.versions);
    postcard::to_allocvec(&(taken.position, rules, &taken.engines, &taken.notifier)).expect("it is data")
}

/// As a start has it from disk.
fn state(whole: &Taken) -> State {
    State {
        library: whole.library.clone(),
        versions: whole.versions.clone(),
        engines: whole.engines.iter().map(|e| Engine::restore(e).expect("of this version")).collect(),
        notifier: whole.notifier.clone(),
    }
}

#[test]
fn one_worker_says_what_many_say() {
    for seed in 1..=6 {
        let journal = journal(seed);
        let (told, state) = said(&mut mind(1), &journal, 0);
        assert!(told.iter().any(|t| t.contains("Opened")) && told.iter().any(|t| t.contains("Rescinded")), "seed {seed}");
        for workers in [2, 4, 40] {
            let (others, end) = said(&mut mind(workers), &journal, 0);
            for (group, (one, many)) in told.iter().zip(&others).enumerate() {
                assert_eq!(one, many, "seed {seed}, group {group}: one worker (left) and {workers} (right)");
            }
            assert!(bytes(&state) == bytes(&end), "seed {seed}: the state after one worker and after {workers} differs");
        }
    }
}

#[test]
fn a_restart_may_have_another_number_of_workers() {
    for seed in 1..=4 {
        let journal = journal(seed);
        let (told, state) = said(&mut mind(2), &journal, 0);
        for cut in [5, 31, 50] {
            let (_, middle) = said(&mut mind(2), &journal[..cut], 0);
            let spread = Spread { partitions: PARTITIONS, workers: 3, beyond: None };
            let mut restored = Mind::restore(self::state(&middle), Config::silent(), spread).expect("of this version");
            assert!(told[cut - 1].ends_with(&format!(" {:?}", restored.next_due())), "it knows what falls due");
            let (rest, end) = said(&mut restored, &journal[cut..], middle.position.next);
            assert_eq!(told[cut..], rest, "seed {seed}, cut at group {cut}");
            assert!(bytes(&state) == bytes(&end), "seed {seed}, cut at group {cut}");
        }
    }
    let (_, state) = said(&mut mind(1), &journal(1)[..3], 0);
    let other = Mind::restore(self::state(&state), Config::silent(), Spread { partitions: 8, workers: 1, beyond: None });
    assert!(other.is_err_and(|e| e.to_string().contains("16 partitions")), "another number of partitions is refused");
}

#[test]
fn what_lies_beyond_a_horizon_is_put_back_before_anything_is_said() {
    for seed in 1..=4 {
        // Rules that change would be told to subjects with layers after all others.
        let journal = journal_of(seed, 200, u64::MAX);
        let (told, state) = said(&mut mind(1), &journal, 0);
        let dir = tempfile::tempdir().expect("a directory");
        let mut first = Mind::new(Config::silent(), near(dir.path(), 2)).expect("threads");
        let (mut has, middle) = said(&mut first, &journal[..90], 0);
        drop(first);
        let mut second =
            Mind::restore(self::state(&middle), Config::silent(), near(dir.path(), 3)).expect("its layers are there");
        let (rest, end) = said(&mut second, &journal[90..], middle.position.next);
        has.extend(rest);
        assert_eq!(told, has, "seed {seed}");
        let layers = |taken: &Taken| {
            let engines = self::state(taken).engines;
            engines.iter().map(|e| (e.layers().count(), e.rows())).fold((0, 0), |sum, one| (sum.0 + one.0, sum.1 + one.1))
        };
        let ((none, all), (many, few)) = (layers(&state), layers(&end));
        assert!(none == 0 && many > 10 && few * 4 < all * 3, "seed {seed}: {many} layers, {few} of {all} readings at hand");
        drop(second);
        // Without its layers a snapshot is of no use, and says so.
        std::fs::remove_dir_all(dir.path()).expect("it was there");
        let lost = Mind::restore(self::state(&end), Config::silent(), near(dir.path(), 1)).err().expect("layers are missing");
        assert!(lost.to_string().contains("is missing") && lost.to_string().contains("cold/"), "{lost}");
        let kept = Mind::restore(self::state(&end), Config::silent(), Spread { beyond: None, ..near(dir.path(), 1) });
        assert!(kept.is_err_and(|e| e.to_string().contains("horizon")), "and to one that keeps all it is of no use either");
    }
}

/// What stands, without what is history: names, revisions, and who was told.
fn standing(engines: &[Engine]) -> Vec<String> {
    let plain = |f: Finding| format!("{} {} {} {} {:?} {:?} {:?}", f.rule, f.subject, f.onset, f.at, f.end, f.state, f.evidence);
    let mut all: Vec<String> = engines.iter().flat_map(Engine::findings).map(plain).collect();
    all.sort();
    all
}

#[test]
fn partitions_find_what_a_single_engine_finds() {
    for seed in 1..=6 {
        let journal = journal(seed);
        let mut many = mind(3);
        let (_, state) = said(&mut many, &journal, 0);
        let clock = journal.iter().flatten().map(|entry| entry.arrival).max().expect("it has entries");
        // What a single engine decides at once they may still owe.
        let next = state.position.next + pay(&mut many, state.position.next, clock);
        let state = many.snapshot(position(next), true).expect("the workers are there");
        let engines = self::state(&state).engines;
        let (mut single, mut library, mut offset) = (Engine::new(), Arc::new(Library::default()), 0);
        for group in &journal {
            single.begin();
            let mut effects = Vec::new();
            for entry in group {
                let input = match &entry.input {
                    Input::Reading(reading) => EngineInput::Reading(reading),
                    Input::Profile(change) => EngineInput::Profile(change),
                    Input::Rules(change) => {
                        library = Arc::new(library_of(change, &library).expect("it compiles"));
                        EngineInput::Library { effective: change.effective, library: library.clone() }
                    }
                    _ => EngineInput::Tick,
                };
                single.step(offset, entry.arrival, input, &mut effects);
                offset += 1;
            }
            single.settle(&mut effects);
        }
        assert!(many.next_due().is_some(), "seed {seed}: nothing is to come");
        assert_eq!(many.next_due(), single.next_due(), "seed {seed}: what falls due next");
        let expected = standing(&[single]);
        assert!(expected.len() > 50, "seed {seed}: only {} findings", expected.len());
        assert_eq!(standing(&engines), expected, "seed {seed}");
    }
}

/// A reading that names three subjects shows on all their timelines, whoever has them.
#[test]
fn what_is_seen_elsewhere_is_decided_there_and_taken_back_there() {
    const WORKERS: usize = 5;
    let text = |s: &str| Some(Value::Text(Arc::from(s)));
    let unit = Unit::named(Dimension::Count, "count").expect("a unit");
    let revision = |rev: u32, card: &str| {
        let price = Value::Quantity(Amount { digits: 750, scale: 0, unit });
        let when = When::At(Time(1_700_000_000_000_000));
        let values = [text(card), None, Some(price)].into();
        let content = Content { stream: StreamIx(0), when, values, source: None, seq: None };
        Input::Reading(Reading::present(Subject::new("guest"), Some("b".into()), rev, "booking", content))
    };
    let worker = |name: &str| worker_of(partition_of(&Subject::new(name), PARTITIONS), WORKERS as u32);
    assert!(["card-a", "card-b", "card-c"].iter().all(|card| worker(card) != worker("guest")), "another worker is told");
    let mut mind = mind(WORKERS);
    let mut next = 0;
    let mut step = |inputs: Vec<Input>| {
        let arrival = Time(1_700_000_000_000_000 + next as i64);
        let first = next;
        next += inputs.len() as u64;
        let entry = |offset: u64, _: &Schema| Ok(Arc::new(Entry { arrival, input: inputs[(offset - first) as usize].clone() }));
        let records = mind.step(first..next, entry).expect("it steps");
        let changes = records.iter().flat_map(|r| r.changes()).filter(|c| &*c.finding.rule == "dear_one");
        changes.map(|c| format!("{} {}", c.finding.subject, c.change.name())).collect::<Vec<_>>()
    };
    // In the very group that declares who sees what, too, and by the rules that came last.
    let group = vec![rules(OTHERS, Time::MIN), rules(RULES, Time::MIN), revision(2, "card-b")];
    assert_eq!(step(group), ["guest opened", "card-b opened"]);
    assert!(step(vec![revision(1, "card-a")]).is_empty(), "an outdated revision shows nothing to anybody");
    assert_eq!(step(vec![revision(3, "card-c"), Input::Tick]), ["card-b rescinded", "card-c opened"]);
}
