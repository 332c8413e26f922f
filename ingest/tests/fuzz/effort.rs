//! Tries a target with many inputs, tells what the longest took and how much memory the process ever held, and bounds both.
//!
//! Time is the processor's, of the thread that tries: other work on the machine does not count. A case that does not end is told by a thread beside it, which ends
//! the process: a hang is not waited for. Memory is the whole process's, so it is bounded only where nothing else is tried in it: when `VITALOG_CASES` says how many
//! cases, as `tests/run --long` does, and in [`apart`].

use std::cell::Cell;
use std::io::Write;
use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Weak};
use std::time::{Duration, SystemTime};

use cpu_time::ThreadTime;
use proptest::prelude::{ProptestConfig, Strategy};
use proptest::test_runner::{RngSeed, TestRunner};

/// A case takes far less, also in a build that is not optimised: with one of a second somebody could hold a server up.
const LONGEST: Duration = Duration::from_secs(1);
/// After which one is taken for a hang.
const HANGS: Duration = Duration::from_secs(10);
/// The process with all targets in it: inputs have a few kilobytes.
const MOST_KIB: u64 = 256 << 10;

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

fn is_alone() -> bool {
    number("VITALOG_CASES").is_some()
}

/// Gives a target as many inputs as `VITALOG_CASES` says, else `usual`; `VITALOG_SEED` says which. What a target needs is made before, for it is no part of a case.
///
/// # Panics
/// With the least input that fails; where a case took too long, or the process too much.
pub fn tried<S: Strategy>(target: &'static str, usual: u32, inputs: S, case: impl Fn(S::Value)) {
    let cases = number("VITALOG_CASES").and_then(|n| u32::try_from(n).ok()).unwrap_or(usual);
    let seed = number("VITALOG_SEED").unwrap_or_else(drawn);
    let rng_seed = RngSeed::Fixed(seed);
    let config = ProptestConfig { cases, rng_seed, failure_persistence: None, ..ProptestConfig::default() };
    let (before, watch, longest) = (peak_kib(), Watch::over(target, seed), Cell::new((Duration::ZERO, 0)));
    let outcome = TestRunner::new(config).run(&inputs, |input| {
        let number = watch.begin();
        let began = ThreadTime::now();
        case(input);
        let took = began.elapsed();
        if took > longest.get().0 {
            longest.set((took, number));
        }
        Ok(())
    });
    drop(watch);
    if let Err(error) = outcome {
        panic!("{target}, seed {seed}: {error}");
    }
    let (took, number) = longest.get();
    let millis = took.as_secs_f64() * 1e3;
    let peak = peak_kib();
    let memory = match (before, peak) {
        // Linux counts pages by thread and adds up now and then, so a peak may be told a little lower than before.
        (Some(before), Some(peak)) => {
            format!("peak memory {} MiB, {} MiB of it new", peak >> 10, peak.saturating_sub(before) >> 10)
        }
        _ => "peak memory not told by this system".to_owned(),
    };
    println!("{target}: {cases} cases of seed {seed}; the longest, case {number}, took {millis:.1} ms; {memory}");
    assert!(took <= LONGEST, "{target}: case {number} of seed {seed} took {millis:.1} ms");
    assert!(!is_alone() || peak.is_none_or(|kib| kib <= MOST_KIB), "{target}, seed {seed}: {memory}");
}

/// Tries a sample of the targets whose names have this in a process of their own, where memory is theirs.
///
/// # Panics
/// Where one fails there.
pub fn apart(targets: &str) {
    // This is that process.
    if is_alone() {
        return;
    }
    let program = std::env::current_exe().expect("the program of this test");
    let mut command = Command::new(program);
    command.args([targets, "--nocapture", "--test-threads", "1"]).env("VITALOG_CASES", "300");
    let out = command.output().expect("it runs");
    let said = format!("{}{}", String::from_utf8_lossy(&out.stdout), String::from_utf8_lossy(&out.stderr));
    assert!(out.status.success() && said.contains("300 cases of seed"), "{said}");
}

/// Any number: it is told, and may be given again.
fn drawn() -> u64 {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_or(1, |since| u64::from(since.subsec_nanos()) ^ since.as_secs())
}

/// The largest that this process ever was, where the system tells.
fn peak_kib() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?.split_whitespace().next()?.parse().ok()
}

/// What a thread took of the processor so far, by its `stat`.
fn busy(stat: &Path) -> Option<Duration> {
    let stat = std::fs::read_to_string(stat).ok()?;
    let fields: Vec<&str> = stat.rsplit(')').next()?.split_whitespace().collect();
    // Ticks of a hundredth of a second, in user and in system mode: the fields 14 and 15 of proc(5).
    let ticks = fields.get(11)?.parse::<u64>().ok()? + fields.get(12)?.parse::<u64>().ok()?;
    Some(Duration::from_millis(ticks * 10))
}

/// Which case is tried, for whoever watches from beside; gone when all were.
struct Watch(Arc<AtomicU64>);

impl Watch {
    /// Over the thread that calls this, where the system tells what a thread takes.
    fn over(target: &'static str, seed: u64) -> Watch {
        let case = Arc::new(AtomicU64::new(0));
        if let Ok(thread) = std::fs::read_link("/proc/thread-self") {
            let (seen, stat) = (Arc::downgrade(&case), Path::new("/proc").join(thread).join("stat"));
            std::thread::spawn(move || watch(&seen, &stat, target, seed));
        }
        Watch(case)
    }

    /// The number of the case that begins.
    fn begin(&self) -> u64 {
        self.0.fetch_add(1, Ordering::Relaxed)
    }
}

/// Ends the process when a case goes on for ever, or takes all there is.
fn watch(case: &Weak<AtomicU64>, stat: &Path, target: &str, seed: u64) {
    // The case that was seen last, and what its thread had taken when it was seen first.
    let mut seen = (0, busy(stat));
    while let Some(now) = case.upgrade().map(|case| case.load(Ordering::Relaxed)) {
        if now != seen.0 {
            seen = (now, busy(stat));
        }
        let took = busy(stat).zip(seen.1).map_or(Duration::ZERO, |(now, then)| now.saturating_sub(then));
        let is_large = is_alone() && peak_kib().is_some_and(|kib| kib > MOST_KIB);
        if took > HANGS || is_large {
            let what = if is_large { "the process became too large" } else { "it does not end" };
            // Past what the test's harness would keep for later.
            let _ = writeln!(std::io::stderr(), "{target}: {what}, at case {} of seed {seed}", now.saturating_sub(1));
            std::process::exit(1);
        }
        std::thread::sleep(Duration::from_millis(100));
    }
}
