//! The journal and its keys on a disk that loses: every crash point of a small trace, every operation failing, a disk that fills up.
//!
//! LAW: what was acknowledged is there, once and in its order; of what was not, whole groups or nothing; what was erased is erased; and nothing else is ever read.

use std::path::Path;

use vitalog_disk::{Fault, Image, Keep, Op, Watch, crash, lay, watch};
use vitalog_elog::input::DeadLetter;
use vitalog_elog::once::{Once, Request};
use vitalog_elog::{Entry, Input, Schema, Subject, Time};
use vitalog_ingest::journal::{Journal, JournalError};
use vitalog_ingest::keys::KekPlace;

use super::fixture::{bg, health};

/// Handed in from outside, so that all there is on the disk goes through SQLite, but for the mark.
fn kek() -> KekPlace {
    KekPlace::given(&"5a".repeat(32), "the test").expect("a key")
}

fn scratch() -> tempfile::TempDir {
    let memory = Path::new("/dev/shm");
    if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() }.expect("a directory")
}

fn open(dir: &Path) -> Result<Journal, JournalError> {
    Journal::open_with(&dir.join("journal.db"), &kek())
}

fn group(schema: &Schema, n: i64) -> Vec<Entry> {
    let entry = |i: i64| Entry {
        arrival: Time(1_790_000_000_000_000 + n),
        input: Input::Reading(bg(schema, ["p-001", "p-002", "p-003"][((n + i) % 3) as usize], n * 10 + i)),
    };
    if n >= BIG { (0..300).map(|i| letter(n, i)).collect() } else { (0..=n % 3).map(entry).chain(said(n)).collect() }
}

/// What a request of a group was answered: it is there with the group or not at all. Sometimes with a part about the one who is erased.
fn said(n: i64) -> Vec<Entry> {
    let part = Once { subject: Some(Subject::new(GONE)), request: None, answer: b"part"[..].into() };
    let part = (n % 2 == 0).then_some(part);
    let inputs = 1 + (n % 3) as u32 + u32::from(part.is_some());
    let request = Request { by: "pump".into(), key: n as u128, asked: 7, inputs };
    let whole = Once { subject: None, request: Some(request), answer: b"whole"[..].into() };
    let entry = |once| Entry { arrival: Time(1_790_000_000_000_000 + n), input: Input::Once(once) };
    part.into_iter().chain([whole]).map(entry).collect()
}

/// Groups from this number on are so large that SQLite folds its log into the database behind them.
const BIG: i64 = 1_000;

/// 60 KB of what says nothing.
fn letter(n: i64, i: i64) -> Entry {
    let mut noise = (n * 1_000 + i) as u64;
    let raw = std::iter::repeat_with(|| {
        noise = noise.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (noise >> 33).to_le_bytes()
    });
    let raw = raw.take(7_500).flatten().collect();
    let letter = DeadLetter {
        subject: Some(Subject::new("p-004")),
        code: "c".into(),
        field: None,
        message: "m".into(),
        raw,
        sender: "s".into(),
    };
    Entry { arrival: Time(1_790_000_000_000_000 + n % BIG), input: Input::DeadLetter(letter) }
}

/// What a trace does, step by step.
#[derive(Clone, Copy)]
enum Step {
    Open,
    Append(i64),
    Rotate,
    Erase,
    Finish,
    /// It begins behind so many groups.
    Trim(usize),
    /// Removes some of what came before, and some of the room.
    Sweep,
    /// An orderly end: the log goes into the database.
    Close,
}

/// New subjects come with the first groups and with the fifth; the log is folded in twice.
const TRACE: [Step; 20] = [
    Step::Open,
    Step::Append(0),
    Step::Append(1),
    Step::Append(2),
    Step::Close,
    Step::Open,
    Step::Append(3),
    Step::Rotate,
    Step::Append(4),
    Step::Erase,
    Step::Append(5),
    Step::Finish,
    Step::Trim(2),
    Step::Sweep,
    Step::Append(6),
    Step::Trim(5),
    Step::Sweep,
    Step::Sweep,
    Step::Sweep,
    Step::Close,
];

const GONE: &str = "p-002";

/// What was told to whoever writes.
#[derive(Clone, Debug, Default)]
struct Told {
    /// Groups whose append was begun, and those of which it was said that they are kept.
    begun: Vec<i64>,
    kept: usize,
    erasing: bool,
    /// The group before which the subject was erased.
    erased: Option<usize>,
    /// Behind how many groups it begins, and would begin if what was asked for was done.
    begins: usize,
    trimming: usize,
    /// Bytes of the mark.
    mark: Option<Vec<u8>>,
}

/// A trace as it goes on.
struct Run<'r> {
    dir: &'r Path,
    schema: Schema,
    journal: Option<Journal>,
    told: Told,
}

impl Run<'_> {
    fn new(dir: &Path) -> Run<'_> {
        Run { dir, schema: health(), journal: None, told: Told::default() }
    }

    fn step(&mut self, step: Step) -> Result<(), JournalError> {
        let journal = self.journal.as_mut();
        match (step, journal) {
            (Step::Open, _) => self.journal = Some(open(self.dir)?),
            (Step::Close, _) | (_, None) => self.journal = None,
            (Step::Append(n), Some(journal)) => {
                self.told.begun.push(n);
                journal.append(&self.schema, &group(&self.schema, n))?;
                self.told.kept += 1;
            }
            (Step::Rotate, Some(journal)) => journal.keys_mut().rotate(&Subject::new("p-001"))?,
            (Step::Erase, Some(journal)) => {
                self.told.erasing = true;
                journal.erase(&Subject::new(GONE), Time(9), b"what is left to do")?;
                self.told.erased = Some(self.told.kept);
            }
            (Step::Finish, Some(journal)) => drop(journal.keys_mut().finish()?),
            (Step::Trim(groups), Some(journal)) => {
                self.told.trimming = groups;
                journal.trim(offset(&self.schema, &self.told, groups), Time(11))?;
                self.told.begins = groups;
            }
            (Step::Sweep, Some(journal)) => drop(journal.sweep(1)?),
        }
        self.told.mark = std::fs::read(self.dir.join("journal.db.mark")).ok();
        Ok(())
    }
}

/// The offset behind so many groups.
fn offset(schema: &Schema, told: &Told, groups: usize) -> u64 {
    told.begun[..groups].iter().map(|n| group(schema, *n).len() as u64).sum()
}

/// The entries after so many groups, the subject erased before the group `erased` or never.
fn expected(schema: &Schema, told: &Told, groups: usize, erased: Option<usize>) -> Vec<Entry> {
    let mut all = Vec::new();
    for (place, n) in told.begun[..groups].iter().enumerate() {
        for entry in group(schema, *n) {
            let subject = match &entry.input {
                Input::Reading(reading) => Some(&reading.subject),
                Input::Once(once) => once.subject.as_ref(),
                _ => None,
            };
            let is_gone = subject.is_some_and(|subject| subject.as_str() == GONE);
            let left = if is_gone && erased.is_some_and(|at| place < at) { Input::Erased } else { entry.input };
            all.push(Entry { arrival: entry.arrival, input: left });
        }
    }
    all
}

/// Holds a directory against the law.
fn hold(dir: &Path, told: &Told, what: &str) {
    let schema = health();
    let journal = open(dir).unwrap_or_else(|e| panic!("{what}: {e}"));
    let first = journal.first();
    let begins = [told.begins, told.trimming].map(|groups| offset(&schema, told, groups));
    assert!(begins.contains(&first), "{what}: {told:?} begins at {first}");
    let read: Vec<Entry> = journal
        .read_from(first)
        .unwrap_or_else(|e| panic!("{what}: {e}"))
        .flat_map(|g| g.unwrap_or_else(|e| panic!("{what}: {e}")).entries(&schema).expect("decodable"))
        .map(|(_, entry)| entry)
        .collect();
    let mut erasures = vec![told.erased];
    if told.erasing && told.erased.is_none() {
        erasures.push(Some(told.kept));
    }
    let may = (told.kept..=told.begun.len()).flat_map(|groups| erasures.iter().map(move |erased| (groups, *erased)));
    let is_one = may.into_iter().any(|(groups, erased)| read == expected(&schema, told, groups, erased)[first as usize..]);
    assert!(is_one, "{what}: {told:?} and then {} entries", read.len());
    drop(journal);
    // And it goes on from there.
    let mut journal = open(dir).unwrap_or_else(|e| panic!("{what}, again: {e}"));
    while !journal.sweep(u64::MAX).unwrap_or_else(|e| panic!("{what}, swept: {e}")).is_done {}
    let again: Vec<Entry> = journal
        .read_from(first)
        .unwrap_or_else(|e| panic!("{what}, swept: {e}"))
        .flat_map(|g| g.unwrap_or_else(|e| panic!("{what}, swept: {e}")).entries(&schema).expect("decodable"))
        .map(|(_, entry)| entry)
        .collect();
    assert_eq!(again, read, "{what}, swept");
    let (next, more) = (journal.position().next, group(&schema, 99));
    let end = journal.append(&schema, &more).unwrap_or_else(|e| panic!("{what}: {e}")).next;
    assert_eq!(end, next + more.len() as u64);
}

/// What SQLite holds in a directory, as it is.
fn image_of(dir: &Path) -> Image {
    let names = ["journal.db", "journal.db-wal", "keys.db", "keys.db-wal"];
    names.iter().filter_map(|name| Some(((*name).to_owned(), std::fs::read(dir.join(name)).ok()?))).collect()
}

fn hold_image(image: &Image, mark: Option<&[u8]>, told: &Told, what: &str) {
    let dir = scratch();
    lay(image, dir.path()).expect("laid");
    if let Some(mark) = mark {
        std::fs::write(dir.path().join("journal.db.mark"), mark).expect("written");
    }
    hold(dir.path(), told, what);
}

/// Does all of a trace on a disk that is sound: what was done, and what was told before each operation: the last that held when it began.
fn done(steps: &[Step]) -> (Vec<Op>, Vec<(usize, Told)>) {
    let dir = scratch();
    let watch = watch(dir.path());
    let mut run = Run::new(dir.path());
    let mut told = Vec::new();
    for step in steps {
        let mut during = run.told.clone();
        let first = watch.ops().len();
        run.step(*step).expect("a sound disk");
        (during.begun, during.erasing) = (run.told.begun.clone(), run.told.erasing);
        during.trimming = run.told.trimming;
        told.push((first, during));
        told.push((watch.ops().len(), run.told.clone()));
    }
    (watch.ops(), told)
}

/// Cuts the power before an operation, and holds what is left against the law.
fn cut_before(cut: usize, ops: &[Op], told: &[(usize, Told)], keep: Keep, marked: bool) {
    let at = told.iter().rev().find(|(first, _)| *first <= cut).map(|(_, told)| told.clone()).unwrap_or_default();
    let image = crash(&Image::new(), &ops[..cut], keep);
    let mark = at.mark.as_deref().filter(|_| marked);
    hold_image(&image, mark, &at, &format!("cut before operation {cut}, {keep:?}, mark {}", mark.is_some()));
}

#[test]
fn at_every_crash_point_what_was_acknowledged_is_there() {
    let seeds: u64 = std::env::var("VITALOG_CASES").ok().and_then(|n| n.parse().ok()).unwrap_or(4);
    let (ops, told) = done(&TRACE);
    assert!(ops.len() > 100, "a trace of {} operations proves little", ops.len());
    assert!(ops.iter().filter(|op| matches!(op, Op::Sync { .. })).count() > 15);
    for cut in 0..=ops.len() {
        let chance = (0..seeds).map(|seed| Keep::Some(seed * 1_000_003 + cut as u64));
        for keep in [Keep::None, Keep::All].into_iter().chain(chance) {
            cut_before(cut, &ops, &told, keep, true);
            cut_before(cut, &ops, &told, keep, false);
        }
    }
    println!("{} operations, {} crashes", ops.len(), (ops.len() + 1) as u64 * (2 + seeds) * 2);
}

/// A log that grows too long is folded into the database, and written anew from its beginning: around each sync of that, and now and then between.
#[test]
fn a_log_that_is_folded_in_while_it_grows_loses_nothing() {
    let (ops, told) = done(&[Step::Open, Step::Append(0), Step::Append(BIG), Step::Append(1), Step::Append(2)]);
    let folded = ops.iter().filter(|op| matches!(op, Op::Write { file, .. } if file == "journal.db")).count();
    assert!(folded > 2_000, "the log was folded in: {folded} pages");
    let big = ops.iter().position(|op| matches!(op, Op::Write { at, .. } if *at > 1 << 20)).expect("a long log");
    let syncs = (big..ops.len()).filter(|i| matches!(ops[*i], Op::Sync { .. } | Op::Truncate { .. }));
    let mut cuts: Vec<usize> = syncs.flat_map(|i| [i, i + 1]).chain((big..ops.len()).step_by(1_500)).collect();
    cuts.dedup();
    for cut in &cuts {
        for keep in [Keep::None, Keep::Some(*cut as u64)] {
            cut_before(*cut, &ops, &told, keep, cut % 2 == 0);
        }
    }
    println!("{} operations, {} crashes", ops.len(), cuts.len() * 2);
}

/// Runs the trace on a disk with a fault until something fails or it ends, as a process that ends then; gives what was told, and whether the fault was reached.
fn run_with(dir: &Path, watch: &Watch, fault: Fault) -> (Told, Image, bool) {
    watch.fail(Some(fault));
    let mut run = Run::new(dir);
    let failed = TRACE.into_iter().map(|step| run.step(step)).find_map(Result::err);
    if let (Some(error), Some(journal)) = (&failed, run.journal.as_mut()) {
        assert!(error.is_fatal(), "{fault:?}: {error}");
        assert!(error.to_string().contains("; "), "it says what to do: {error}");
        let more = journal.append(&run.schema, &group(&run.schema, 98));
        assert!(more.is_err() || matches!(fault, Fault::Once(_) | Fault::Torn(_) | Fault::Full(_)), "{fault:?}");
        if more.is_ok() {
            // The failure was in another file than the journal's, and nothing is unknown about this one.
            run.told.begun.push(98);
            run.told.kept += 1;
        }
    }
    let asked = watch.asked();
    // The process ends: what it would still do when it closes its files does not happen.
    let image = image_of(dir);
    watch.fail(Some(Fault::From(0)));
    let told = run.told.clone();
    drop(run);
    let reached = match fault {
        Fault::Once(n) | Fault::From(n) | Fault::Torn(n) => asked > n,
        Fault::Full(_) => failed.is_some(),
    };
    (told, image, reached)
}

fn every_operation_fails(kind: fn(u64) -> Fault) {
    let mut n = 0;
    loop {
        let dir = scratch();
        let watch = watch(dir.path());
        let (told, image, reached) = run_with(dir.path(), &watch, kind(n));
        let mark = std::fs::read(dir.path().join("journal.db.mark")).ok().filter(|mark| !mark.is_empty());
        let what = format!("{:?}", kind(n));
        hold_image(&image, mark.as_deref(), &told, &format!("{what}, killed"));
        for keep in [Keep::None, Keep::Some(n)] {
            hold_image(&crash(&Image::new(), &watch.ops(), keep), None, &told, &format!("{what}, and the power fails, {keep:?}"));
        }
        if !reached {
            break;
        }
        n += 1;
    }
    println!("{n} operations failed");
    assert!(n > 150, "too few operations to prove anything: {n}");
}

#[test]
fn each_operation_may_fail_once() {
    every_operation_fails(Fault::Once);
}

#[test]
fn the_disk_may_be_gone_from_any_operation_on() {
    every_operation_fails(Fault::From);
}

#[test]
fn each_write_may_be_torn() {
    every_operation_fails(Fault::Torn);
}

#[test]
fn the_disk_may_be_full_at_any_size() {
    let mut full = 0;
    for room in (0..400_000).step_by(1_021) {
        let dir = scratch();
        let watch = watch(dir.path());
        let (told, image, reached) = run_with(dir.path(), &watch, Fault::Full(room));
        let mark = std::fs::read(dir.path().join("journal.db.mark")).ok().filter(|mark| !mark.is_empty());
        hold_image(&image, mark.as_deref(), &told, &format!("room for {room} bytes"));
        if !reached {
            break;
        }
        full += 1;
    }
    println!("{full} sizes at which it was full");
    assert!(full > 50, "{full}");
}

/// A process was killed; whoever opens its files has a disk on which each operation fails in turn, and then one that does not.
#[test]
fn opening_after_a_kill_may_fail_anywhere() {
    let dir = scratch();
    let mut run = Run::new(dir.path());
    TRACE[..11].iter().for_each(|step| run.step(*step).expect("a sound disk"));
    let (image, told) = (image_of(dir.path()), run.told.clone());
    let mut n = 0;
    loop {
        let again = scratch();
        lay(&image, again.path()).expect("laid");
        std::fs::write(again.path().join("journal.db.mark"), told.mark.as_ref().expect("told")).expect("written");
        let watch = watch(again.path());
        watch.fail(Some(Fault::Once(n)));
        let opened = open(again.path());
        let reached = watch.asked() > n;
        if let Ok(journal) = &opened {
            let read =
                journal.read_from(0).and_then(|groups| groups.map(|g| g?.entries(&health())).collect::<Result<Vec<_>, _>>());
            let read: Vec<Entry> = read.unwrap_or_else(|e| panic!("{n}: {e}")).into_iter().flatten().map(|(_, e)| e).collect();
            assert_eq!(read, expected(&health(), &told, told.kept, told.erased), "operation {n} failed, and the journal opened");
        }
        let left = image_of(again.path());
        watch.fail(Some(Fault::From(0)));
        drop(opened);
        hold_image(&left, told.mark.as_deref(), &told, &format!("operation {n} of opening failed"));
        if !reached {
            break;
        }
        n += 1;
    }
    println!("{n} operations of opening failed");
    assert!(n > 15, "{n}");
}
