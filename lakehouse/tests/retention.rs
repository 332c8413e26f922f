//! Retention: what is answered is what was journaled and is kept, exactly once, as a naive calendar says; whenever the month turns, whatever lands when, wherever a pass is cut short.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use object_store::ObjectStore;
use object_store::memory::InMemory;
use vitalog_elog::{Content, FindingState, Reading, Subject, Time, When};
use vitalog_lakehouse::{Lake, Policy};

use crate::fault::{Fault, FaultStore};
use crate::forgetting::naming;
use crate::model::{Dated, assert_said, csv, expected_where};
use crate::world::{Dice, INCARNATION, RunLoop, Sample, any_content, glucose, grown, schema, time};

/// A clock that is set by hand.
#[derive(Clone)]
struct Clock(Arc<AtomicI64>);

impl Clock {
    fn at(text: &str) -> Clock {
        Clock(Arc::new(AtomicI64::new(time(text).0)))
    }

    fn now(&self) -> Time {
        Time(self.0.load(Ordering::SeqCst))
    }

    fn set(&self, now: Time) {
        self.0.store(now.0, Ordering::SeqCst);
    }
}

/// What is kept, said once more without the lake's own calendar.
struct Kept {
    policy: Policy,
    held: BTreeSet<Subject>,
    clock: Clock,
}

/// Months by the text of an instant.
fn months(t: Time) -> i64 {
    let text = t.to_string();
    let mut parts = text.split('-').map(|part| part.parse::<i64>());
    let (Some(Ok(year)), Some(Ok(month))) = (parts.next(), parts.next()) else { panic!("{text}") };
    year * 12 + month
}

impl Kept {
    fn stays(&self, row: &Dated<'_>) -> bool {
        let of = |name: &str| self.policy.of.get(name).copied().unwrap_or(self.policy.every);
        let limit = match row.of {
            // Of whichever stream it was: the longest.
            "-" => {
                let all: Option<Vec<u32>> = self.policy.streams().map(of).chain([self.policy.every]).collect();
                all.and_then(|all| all.into_iter().max())
            }
            name => of(name),
        };
        let is_held = row.subject.is_some_and(|subject| self.held.contains(subject));
        let age = |at: Time| months(self.clock.now()) - months(at);
        is_held || limit.is_none_or(|limit| row.at.is_none_or(|at| age(at) <= i64::from(limit)))
    }

    fn give(&self, lake: &Lake, noted: Time) {
        let clock = self.clock.clone();
        lake.keep(self.policy.clone(), self.held.clone(), Arc::new(move || clock.now()), noted);
    }

    async fn assert(&self, lake: &Lake, run: &RunLoop, when: &str) {
        let when = format!("{when}; {} at {}, held {:?}", self.policy, self.clock.now(), self.held);
        assert_said(lake, expected_where(run, &run.records, &|row| self.stays(&row)), &when).await;
    }

    /// What any other reader finds in the files, after a purge.
    async fn assert_files(&self, store: &Arc<InMemory>, run: &RunLoop, when: &str) {
        let plain = open(store.clone(), run).await;
        self.assert(&plain, run, &format!("{when}, in files")).await;
    }
}

async fn open(store: Arc<dyn ObjectStore>, run: &RunLoop) -> Lake {
    Lake::open_on(store, run.schema.clone(), INCARNATION).await.unwrap()
}

fn any_policy(dice: &mut Dice) -> Policy {
    let mut texts = Vec::new();
    for name in ["", "bg=", "bp=", "exercise=", "findings=", "dead_letters="] {
        match dice.below(5) {
            0 => texts.push(format!("{name}forever")),
            1 | 2 => texts.push(format!("{name}{}months", 1 + dice.below(6))),
            _ if name.is_empty() => texts.push("2months".to_owned()),
            _ => {}
        }
    }
    Policy::parse(texts.iter().map(String::as_str)).unwrap()
}

fn any_held(dice: &mut Dice) -> BTreeSet<Subject> {
    let all = ["p-001", "p-002", "a-subject-with-a-name-of-some-length"];
    all.into_iter().filter(|_| dice.one_in(3)).map(Subject::new).collect()
}

/// Inputs about December to February, some findings among them.
fn more(run: &mut RunLoop, dice: &mut Dice, count: u64) -> usize {
    let first = run.records.len();
    for _ in 0..count {
        run.random(dice);
        if dice.one_in(5) && run.records.last().is_some_and(|record| record.changes().count() == 0) {
            let onset =
                format!("{}-{:02}T00:00:00Z", dice.pick(&["2025-12", "2026-01", "2026-02", "2026-05"]), 1 + dice.below(28));
            run.find("p-002", &onset, 1_000 + run.next() as u32, FindingState::Open);
        }
    }
    first
}

/// The clock goes from March on, by days or months; whatever is asked on the way is answered as it should be.
async fn life_of_a_lake(seed: u64) {
    let mut dice = Dice(seed * 7_877);
    let store = Arc::new(InMemory::new());
    let mut run = RunLoop::new(schema());
    let mut lake = open(store.clone(), &run).await;
    let mut kept = Kept { policy: any_policy(&mut dice), held: any_held(&mut dice), clock: Clock::at("2026-03-01T00:00:00Z") };
    let mut noted = kept.clock.now();
    kept.give(&lake, noted);
    for step in 0..14 {
        let when = |what: &str| format!("seed {seed} step {step} {what}");
        let count = 1 + dice.below(50);
        let first = more(&mut run, &mut dice, count);
        lake.apply(&run.records[first..], run.position()).unwrap();
        kept.assert(&lake, &run, &when("applied")).await;
        kept.clock.set(Time(kept.clock.now().0 + dice.below(20) as i64 * 86_400_000_000));
        kept.assert(&lake, &run, &when("later")).await;
        match dice.below(8) {
            0 => {}
            1 => {
                lake = open(store.clone(), &run).await;
                kept.give(&lake, noted);
                let from = lake.position().next as usize;
                if from < run.records.len() {
                    lake.apply(&run.records[from..], run.position()).unwrap();
                }
            }
            2 | 3 => drop(lake.flush().await.unwrap()),
            4 => {
                // Nobody is held any more who was let go; what was theirs is past at once.
                kept.held.pop_first();
                lake.hold(kept.held.clone());
            }
            _ => {
                noted = kept.clock.now();
                lake.note(noted);
                lake.retain().await.unwrap();
                kept.assert(&lake, &run, &when("passed")).await;
                if dice.one_in(2) {
                    lake.flush().await.unwrap();
                    lake.purge(Time::MAX).await.unwrap();
                    kept.assert_files(&store, &run, &when("purged")).await;
                }
            }
        }
        kept.assert(&lake, &run, &when("done")).await;
        if step == 8 {
            run.schema = grown();
            lake.set_schema(run.schema.clone()).unwrap();
        }
    }
    noted = kept.clock.now();
    lake.note(noted);
    lake.flush().await.unwrap();
    lake.retain().await.unwrap();
    lake.purge(Time::MAX).await.unwrap();
    kept.assert(&lake, &run, &format!("seed {seed} in the end")).await;
    kept.assert_files(&store, &run, &format!("seed {seed} in the end")).await;
    assert_eq!(lake.retain().await.unwrap().rows, 0, "seed {seed}: nothing is left that is past");
    assert_eq!(open(store, &run).await.position(), run.position(), "seed {seed}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_answered_is_what_was_journaled_and_is_kept() {
    let sample = Sample::of_the_run();
    for seed in 0..if sample.all { 20 } else { 2 } {
        life_of_a_lake(sample.seed + seed + 1).await;
    }
}

/// A lake of many files; in April 2026 what is of December and January is past, but that of one who is held.
async fn lived(seed: u64) -> (Arc<InMemory>, RunLoop, Kept) {
    let mut dice = Dice(seed);
    let store = Arc::new(InMemory::new());
    let mut run = RunLoop::new(schema());
    let lake = open(store.clone(), &run).await;
    for round in 0..10 {
        let first = run.records.len();
        match round {
            0..7 => drop(more(&mut run, &mut dice, 30)),
            // Last, so that nothing amends them.
            _ => run.read(glucose("aaa-gone-then", &format!("2025-12-24T0{round}:00:00Z"), "6.1")),
        }
        lake.apply(&run.records[first..], run.position()).unwrap();
        lake.flush().await.unwrap();
    }
    let kept = Kept {
        policy: Policy::parse(["2months", "bp=forever"]).unwrap(),
        held: [Subject::new("p-002")].into(),
        clock: Clock::at("2026-04-01T00:00:00Z"),
    };
    (store, run, kept)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_past_is_in_no_byte_of_files_and_log() {
    let (store, run, kept) = lived(3).await;
    const GONE: &str = "aaa-gone-then";
    assert!(naming(&store, GONE).await.len() >= 5, "too little to lose");
    let lake = open(store.clone(), &run).await;
    kept.clock.set(time("2026-02-28T23:59:59.999999Z"));
    kept.give(&lake, Time::MIN);
    let count = format!("select count(*) as n from readings where subject = '{GONE}'");
    assert_eq!(csv(&lake, &count).await, "n\n3\n", "until its month is past");
    kept.clock.set(time("2026-03-01T00:00:00Z"));
    assert_eq!(csv(&lake, &count).await, "n\n0\n", "and no microsecond longer");
    kept.assert(&lake, &run, "unnoted").await;
    assert_eq!(lake.retain().await.unwrap().rows, 0, "what is not noted stays in files");
    lake.note(kept.clock.now());
    let done = lake.retain().await.unwrap();
    assert!(done.rows > 8 && done.rewritten > 0, "{done:?}");
    assert!(!naming(&store, GONE).await.is_empty(), "who reads a former version may go on");
    lake.purge(Time::MAX).await.unwrap();
    assert_eq!(naming(&store, GONE).await, Vec::<String>::new());
    kept.assert_files(&store, &run, "purged").await;
    // A month further without anybody held, and without what is kept for ever: whole months go as files.
    let kept =
        Kept { policy: Policy::parse(["1month"]).unwrap(), held: BTreeSet::new(), clock: Clock::at("2026-12-01T00:00:00Z") };
    kept.give(&lake, kept.clock.now());
    let done = lake.retain().await.unwrap();
    assert!(done.files > 0, "{done:?}");
    lake.purge(Time::MAX).await.unwrap();
    kept.assert_files(&store, &run, "a year on").await;
    let left = csv(&lake, "select count(*) filter (where at is null) as goes_on, count(*) as n from readings").await;
    let mut numbers = left.lines().nth(1).unwrap().split(',');
    let (goes_on, n) = (numbers.next().unwrap(), numbers.next().unwrap());
    assert!(goes_on == n && n != "0", "only what goes on is left: {left}");
}

/// Rows that were let go are nobody's to hide: what supersedes them, and a subject held since, bring nothing back and break nothing.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_went_is_not_missed() {
    let store = Arc::new(InMemory::new());
    let mut run = RunLoop::new(schema());
    let named = |rev: u32, at: &str| {
        let content = glucose("p-9", at, "5.0").content.unwrap();
        Reading::present(Subject::new("p-9"), Some("named".into()), rev, "bg", content)
    };
    run.read(named(1, "2025-12-24T10:00:00Z"));
    let mut lake = open(store.clone(), &run).await;
    let mut kept =
        Kept { policy: Policy::parse(["1month"]).unwrap(), held: BTreeSet::new(), clock: Clock::at("2026-03-01T00:00:00Z") };
    kept.give(&lake, Time::MIN);
    lake.apply(&run.records, run.position()).unwrap();
    lake.flush().await.unwrap();
    assert_eq!(csv(&open(store.clone(), &run).await, "select count(*) as n from readings").await, "n\n1\n", "it had landed");
    lake.note(kept.clock.now());
    assert_eq!(lake.retain().await.unwrap().rows, 1);
    // It is held too late.
    lake.hold([Subject::new("p-9")].into());
    assert_eq!(csv(&lake, "select count(*) as n from readings").await, "n\n0\n");
    kept.held.clear();
    lake.hold(BTreeSet::new());
    // A revision that lies where it is kept takes the place of one that is gone; then one that lies where it is not.
    for (rev, at) in [(2, "2026-02-10T10:00:00Z"), (3, "2025-11-10T10:00:00Z"), (4, "2026-02-11T10:00:00Z")] {
        let first = run.records.len();
        run.read(named(rev, at));
        lake.apply(&run.records[first..], run.position()).unwrap();
        kept.assert(&lake, &run, &format!("revision {rev}")).await;
        lake.flush().await.unwrap();
        kept.assert(&lake, &run, &format!("revision {rev} landed")).await;
        kept.assert_files(&store, &run, &format!("revision {rev}")).await;
        lake = open(store.clone(), &run).await;
        kept.give(&lake, kept.clock.now());
    }
    // The machine's clock is set back: what went by the former one is still past.
    let first = run.records.len();
    run.read(glucose("p-9", "2025-12-26T10:00:00Z", "6"));
    lake.apply(&run.records[first..], run.position()).unwrap();
    let back = Kept { clock: Clock::at("2026-01-15T00:00:00Z"), policy: kept.policy.clone(), held: BTreeSet::new() };
    back.give(&lake, kept.clock.now());
    kept.assert(&lake, &run, "set back").await;
}

/// A pass runs while inputs are taken in and statements are answered.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pass_holds_up_nothing_and_loses_nothing() {
    let (store, mut run, kept) = lived(11).await;
    let lake = open(store, &run).await;
    kept.give(&lake, Time::MIN);
    let mut dice = Dice(12);
    for round in 0..6 {
        kept.clock.set(Time(kept.clock.now().0 + 31 * 86_400_000_000));
        lake.note(kept.clock.now());
        let first = more(&mut run, &mut dice, 20);
        lake.apply(&run.records[first..], run.position()).unwrap();
        let passing = tokio::spawn({
            let lake = lake.clone();
            async move {
                let (passed, landed) = tokio::join!(lake.retain(), lake.flush());
                passed.map(|_| ()).and(landed.map(|_| ()))
            }
        });
        for _ in 0..4 {
            let first = more(&mut run, &mut dice, 5);
            lake.apply(&run.records[first..], run.position()).unwrap();
            kept.assert(&lake, &run, &format!("during pass {round}")).await;
        }
        passing.await.unwrap().unwrap();
        lake.purge(Time::MAX).await.unwrap();
        kept.assert(&lake, &run, &format!("after pass {round}")).await;
    }
}

async fn pass(lake: &Lake) -> Result<(), vitalog_lakehouse::LakeError> {
    lake.retain().await?;
    lake.purge(Time::MAX).await.map(|_| ())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn cut_short_anywhere_it_is_finished_by_the_next() {
    let (base, run, kept) = lived(7).await;
    let sample = Sample::of_the_run();
    for (fault, step) in [(Fault::Die, 19), (Fault::Fail, 101), (Fault::Lie, 19)] {
        let (mut n, step) = sample.every(step);
        let mut cuts = 0;
        loop {
            let disk = Arc::new(base.fork());
            let store = Arc::new(FaultStore::new(disk.clone(), fault, i64::MAX));
            let lake = open(store.clone(), &run).await;
            kept.give(&lake, kept.clock.now());
            store.arm(n);
            let told = pass(&lake).await;
            if !store.struck() {
                told.unwrap();
                break;
            }
            let when = format!("{fault:?} at operation {n}");
            if fault != Fault::Die {
                // The process lives on: it answers as before, and the next pass does what is left.
                kept.assert(&lake, &run, &format!("{when}, still up")).await;
                pass(&lake).await.unwrap_or_else(|e| panic!("{when}, again: {e}"));
                kept.assert(&lake, &run, &format!("{when}, passed again")).await;
            }
            drop(lake);
            let lake = open(disk.clone(), &run).await;
            kept.give(&lake, kept.clock.now());
            kept.assert(&lake, &run, &format!("{when}, reopened")).await;
            pass(&lake).await.unwrap_or_else(|e| panic!("{when}, reopened: {e}"));
            kept.assert_files(&disk, &run, &when).await;
            assert_eq!(naming(&disk, "aaa-gone-then").await, Vec::<String>::new(), "{when}");
            n += step;
            cuts += 1;
        }
        println!("{fault:?}: {cuts} cuts among {n} operations, seed {}", sample.seed);
        assert!(cuts > 3, "a pass makes more than {n} operations");
    }
}

/// A condition that fails on a row that is past would tell of it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_tells_of_a_row_that_is_past() {
    let store = Arc::new(InMemory::new());
    let mut run = RunLoop::new(schema());
    // In one file, since one goes on.
    run.read(glucose("p-1", "2025-12-24T10:00:00Z", "5"));
    let mut content: Content = any_content(&mut Dice(1), &schema());
    while run.schema.get(content.stream).name.as_ref() != "exercise" {
        content = any_content(&mut Dice(content.stream.0.into()), &schema());
        content.stream = vitalog_elog::StreamIx(2);
        content.values = Box::new([Some(vitalog_elog::Value::Enum(0)), None, None]);
    }
    content.when = When::During { start: time("2025-12-24T11:00:00Z"), end: None };
    run.read(Reading::present(Subject::new("p-1"), None, 1, "exercise", content));
    run.read(glucose("p-1", "2026-02-24T10:00:00Z", "6"));
    let lake = open(store, &run).await;
    let kept =
        Kept { policy: Policy::parse(["1month"]).unwrap(), held: BTreeSet::new(), clock: Clock::at("2026-03-01T00:00:00Z") };
    lake.apply(&run.records, run.position()).unwrap();
    lake.flush().await.unwrap();
    let fails = "select count(*) as n from readings where 1 / cast(coalesce(bg_value, 6) - 5 as bigint) > 0";
    assert!(lake.sql(fails, vitalog_lakehouse::Limits::default()).await.is_err(), "while it is there");
    kept.give(&lake, Time::MIN);
    assert_eq!(csv(&lake, fails).await, "n\n2\n");
    for (sql, expected) in [
        ("select count(*) as n from readings", "n\n2\n"),
        ("select count(*) as n from bg", "n\n1\n"),
        ("select count(*) as n from readings_as_known('2027-01-01T00:00:00Z')", "n\n2\n"),
        ("select min(at) as t from readings", "t\n2026-02-24T10:00:00Z\n"),
        ("select subject from readings order by at limit 1", "subject\np-1\n"),
        ("select count(*) as n from readings a join readings b using (subject)", "n\n4\n"),
        ("select count(*) as n from (select * from readings limit 1)", "n\n1\n"),
        ("select count(*) as n from readings where at < '2026-01-01T00:00:00Z'", "n\n0\n"),
    ] {
        assert_eq!(csv(&lake, sql).await, expected, "{sql}");
    }
}

/// At the microsecond: of a month that is kept the first stays, of the one before not even the last does.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn months_part_at_a_microsecond() {
    let store = Arc::new(InMemory::new());
    let mut run = RunLoop::new(schema());
    for (name, at) in [("last", "2026-01-31T23:59:59.999999Z"), ("first", "2026-02-01T00:00:00Z")] {
        let named = |rev: u32, number: &str| {
            let content = glucose(name, at, number).content.unwrap();
            Reading::present(Subject::new(name), Some("r".into()), rev, "bg", content)
        };
        run.read(named(1, "5"));
        run.read(named(2, "6"));
        run.find(name, at, 1, FindingState::Open);
    }
    let lake = open(store.clone(), &run).await;
    let kept = Kept {
        policy: Policy::parse(["1month"]).unwrap(),
        held: BTreeSet::new(),
        clock: Clock::at("2026-03-31T23:59:59.999999Z"),
    };
    lake.apply(&run.records, run.position()).unwrap();
    kept.give(&lake, Time::MIN);
    let who = async |lake: &Lake| {
        let mut said = Vec::new();
        for table in ["readings", "readings_history", "matches", "recommendations"] {
            said.push(csv(lake, &format!("select subject from {table}")).await);
        }
        said
    };
    let first = vec!["subject\nfirst\n"; 4];
    assert_eq!(who(&lake).await, first, "hot");
    lake.flush().await.unwrap();
    assert_eq!(who(&lake).await, first, "landed");
    lake.note(kept.clock.now());
    assert_eq!(lake.retain().await.unwrap().rows, 4);
    lake.purge(Time::MAX).await.unwrap();
    assert_eq!(who(&open(store, &run).await).await, first, "in files");
    // The month turns.
    kept.clock.set(time("2026-04-01T00:00:00Z"));
    assert_eq!(who(&lake).await, vec!["subject\n"; 4]);
}

/// Rows of somebody who is held land also where they are past; let go, they are as past as any.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_landed_for_a_hold_goes_with_it() {
    let store = Arc::new(InMemory::new());
    let mut run = RunLoop::new(schema());
    let lake = open(store.clone(), &run).await;
    let mut kept =
        Kept { policy: Policy::parse(["1month"]).unwrap(), held: BTreeSet::new(), clock: Clock::at("2026-03-01T00:00:00Z") };
    kept.give(&lake, kept.clock.now());
    lake.retain().await.unwrap();
    kept.held = [Subject::new("p-9")].into();
    lake.hold(kept.held.clone());
    run.read(glucose("p-9", "2025-12-24T10:00:00Z", "6"));
    run.read(glucose("p-8", "2025-12-24T10:00:00Z", "6"));
    lake.apply(&run.records, run.position()).unwrap();
    lake.flush().await.unwrap();
    kept.assert(&lake, &run, "held").await;
    kept.assert_files(&store, &run, "held").await;
    kept.held.clear();
    lake.hold(BTreeSet::new());
    kept.assert(&lake, &run, "let go").await;
    assert_eq!(lake.retain().await.unwrap().rows, 1);
    kept.assert_files(&store, &run, "let go").await;
}
