//! The long figure of the language: what no input may do. A million byte strings and a hundred thousand mutated rule files go through all that reads rule files. None
//! may panic, take more than a second in any part, or make the process larger than 256 MB.
//!
//! `cargo run --release -p vitalog-rules --example hostile`. `VITALOG_CASES` is the number of byte strings (a tenth of it that of files), `VITALOG_SEED` the seed,
//! `VITALOG_INPUT` the number of the one input of each kind that is to be tried alone, `VITALOG_KIND` (`bytes` or `files`) the one kind.
//!
//! A thread beside the work watches clock and memory, and ends the process with the number of the input when one goes beyond: a hang is told, not waited for. A second
//! is one of the processor, where the system tells it, so that other work on the machine does not count; half a minute by the wall ends it in any case.

#![allow(clippy::disallowed_methods, reason = "it measures, and is told by its environment how much to try")]

#[path = "../shared/clock.rs"]
mod clock;
mod inputs;
mod through;

use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use inputs::{Chance, Kind, Matter};
use through::{PARTS, Progress, Through};

const LONGEST: Duration = Duration::from_secs(1);
const LONGEST_BY_THE_WALL: Duration = Duration::from_secs(30);
const MOST_KIB: u64 = 256 << 10;

/// The largest that this process ever was, where the system tells.
fn peak_kib() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    status.lines().find_map(|l| l.strip_prefix("VmHWM:"))?.split_whitespace().next()?.parse().ok()
}

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

fn name(kind: Kind) -> &'static str {
    match kind {
        Kind::Bytes => "byte strings",
        Kind::Mutated => "mutated files",
    }
}

/// What this process took of the processor so far, where the system tells: the watcher itself takes next to nothing.
fn busy() -> Option<Duration> {
    let stat = std::fs::read_to_string("/proc/self/stat").ok()?;
    let fields: Vec<&str> = stat.rsplit(')').next()?.split_whitespace().collect();
    // Ticks of a hundredth of a second, in user and in system mode: the fields 14 and 15 of proc(5).
    let ticks: u64 = fields.get(11)?.parse::<u64>().ok()? + fields.get(12)?.parse::<u64>().ok()?;
    Some(Duration::from_millis(ticks * 10))
}

/// Ends the process when an input goes beyond what it may.
fn watch(progress: &Progress, epoch: Instant, kind: Kind, seed: u64, done: &AtomicBool) {
    // The part that was seen last, and what the processor's time was when it was seen first.
    let mut seen = ((0, 0), busy());
    while !done.load(Ordering::Relaxed) {
        std::thread::sleep(Duration::from_millis(20));
        let began = Duration::from_micros(progress.began.load(Ordering::Relaxed));
        let part = progress.part.load(Ordering::Relaxed);
        let at = (progress.number.load(Ordering::Relaxed), part);
        if seen.0 != at {
            seen = (at, busy());
        }
        let by_the_wall = epoch.elapsed().saturating_sub(began);
        let takes = busy().zip(seen.1).map_or(by_the_wall, |(now, then)| now.saturating_sub(then).min(by_the_wall));
        let slow = part + 1 < PARTS.len() && (takes > LONGEST || by_the_wall > LONGEST_BY_THE_WALL);
        let large = peak_kib().is_some_and(|kib| kib > MOST_KIB);
        if slow || large {
            let number = progress.number.load(Ordering::Relaxed);
            let what = if large { "more than 256 MB" } else { "more than a second" };
            eprintln!("{what}: {}, input {number} of seed {seed} ({})", PARTS[part], name(kind));
            eprintln!("VITALOG_SEED={seed} VITALOG_INPUT={number} tries it alone");
            std::process::exit(1);
        }
    }
}

/// All inputs of a kind; `only` one of them.
fn run(matter: &Matter, kind: Kind, seed: u64, count: u64, only: Option<u64>) {
    let (progress, epoch) = (Arc::new(Progress::default()), Instant::now());
    let done = Arc::new(AtomicBool::new(false));
    let (seen, ended) = (progress.clone(), done.clone());
    let watcher = std::thread::spawn(move || watch(&seen, epoch, kind, seed, &ended));
    let mut through = Through::new(&progress, epoch);
    let numbers = only.map_or(0..count, |n| n..n + 1);
    let tried = numbers.end - numbers.start;
    for number in numbers {
        let input = matter.input(seed, kind, number);
        through.pass(number, &input, &mut Chance::of(!seed, kind, number));
    }
    done.store(true, Ordering::Relaxed);
    drop(watcher.join());
    println!(
        "{tried} {} of seed {seed} in {:.0} s: no panic. The slowest of each part:",
        name(kind),
        epoch.elapsed().as_secs_f64()
    );
    for (part, (took, number)) in PARTS.iter().zip(&through.longest).filter(|(_, (took, _))| !took.is_zero()) {
        println!("    {part:<20} {:>7.1} ms (input {number})", took.as_secs_f64() * 1e3);
    }
}

fn main() -> ExitCode {
    let cases = number("VITALOG_CASES").unwrap_or(20_000);
    let seed = number("VITALOG_SEED").unwrap_or(1);
    let only = number("VITALOG_INPUT");
    let matter = Matter::new();
    let kind = std::env::var("VITALOG_KIND").unwrap_or_default();
    if kind != "files" {
        run(&matter, Kind::Bytes, seed, cases, only);
    }
    if kind != "bytes" {
        run(&matter, Kind::Mutated, seed, cases / 10, only);
    }
    println!("peak memory {}", peak_kib().map_or("not told by this system".to_owned(), |kib| format!("{} MiB", kib >> 10)));
    ExitCode::SUCCESS
}
