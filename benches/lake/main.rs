//! The lake by itself at size: readings land as they come in life (all subjects side by side, in the order of time), and then are asked about; DuckDB asks the
//! same of the same files in the same run.
//!
//!     cargo bench -p vitalog-lakehouse --bench lake -- [--subjects N] [--readings N] [--keep FOLDER]
//!
//! `--readings` is of each subject (10,000 subjects of 5,000 if left out: 50 million). `VITALOG_PYTHON` names a Python with the packages of tests/requirements.txt;
//! without one DuckDB is left out, which is said.
#![allow(clippy::disallowed_types, clippy::disallowed_methods, reason = "it measures, and is told by its command line what")]

mod ask;
mod life;
mod peer;

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use cpu_time::ProcessTime;
use life::Life;
use vitalog_lakehouse::Lake;

/// Rows that land together; `vitalog serve` lands as many at once.
const TOGETHER: usize = 500_000;

struct Options {
    subjects: u32,
    readings: u32,
    keep: Option<PathBuf>,
}

fn main() {
    let mut options = Options { subjects: 10_000, readings: 5_000, keep: None };
    let mut args = std::env::args().skip(1).filter(|a| a != "--bench");
    while let Some(arg) = args.next() {
        let value = args.next().unwrap_or_default();
        let number = || value.parse::<u32>().unwrap_or_else(|_| panic!("{arg} takes a whole number, not {value:?}"));
        match &*arg {
            "--subjects" => options.subjects = number(),
            "--readings" => options.readings = number(),
            "--keep" => options.keep = Some(PathBuf::from(&value)),
            other => panic!("{other:?} is not known: see the head of benches/lake/main.rs"),
        }
    }
    let scratch = tempfile::tempdir().expect("a folder");
    let folder = options.keep.clone().unwrap_or_else(|| scratch.path().join("lake"));
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime");
    runtime.block_on(run(&options, &folder));
}

async fn run(options: &Options, folder: &Path) {
    let life = Life::new(options.subjects);
    let lake = Lake::open(folder, life.schema(), life::INCARNATION).await.expect("a lake");
    let all = u64::from(options.subjects) * u64::from(options.readings);
    if lake.position().next < all {
        land(&lake, life, all).await;
    }
    size(folder, all);
    ask::ask(&lake, options.subjects, options.readings).await;
    peer::ask(folder, options.subjects, options.readings);
}

/// Lets the readings in and measures what it takes, making the readings left out.
async fn land(lake: &Lake, mut life: Life, all: u64) {
    let (mut wall, mut cpu, mut applied, mut worst) = (Duration::ZERO, Duration::ZERO, Duration::ZERO, Duration::ZERO);
    let mut done = lake.position().next;
    life.skip(done);
    while done < all {
        let many = TOGETHER.min(usize::try_from(all - done).expect("as many as there are"));
        let records = life.next(many);
        done += many as u64;
        let (began, spent) = (Instant::now(), ProcessTime::now());
        // As the run loop hands them over: a thousand at a time.
        for group in records.chunks(1_000) {
            let next = group.last().expect("not empty").offset + 1;
            lake.apply(group, life::position(next)).expect("applied");
        }
        applied += began.elapsed();
        let flushing = Instant::now();
        lake.flush().await.expect("landed");
        worst = worst.max(flushing.elapsed());
        wall += began.elapsed();
        cpu += spent.elapsed();
    }
    let rate = |time: Duration| all as f64 / time.as_secs_f64();
    println!(
        "landing: {all} readings, {:.0} a second of one core, {:.0} a second by the clock (taken in {:.1} s, landed in {:.1} s, the longest landing {:.1} s)",
        rate(cpu),
        rate(wall),
        applied.as_secs_f64(),
        (wall - applied).as_secs_f64(),
        worst.as_secs_f64()
    );
}

/// What the files that the newest version names take: those that were replaced are removed first.
fn size(folder: &Path, all: u64) {
    let (mut files, mut bytes) = (0, 0);
    for path in peer::newest_files(&folder.join("readings")) {
        files += 1;
        bytes += std::fs::metadata(&path).expect("a file that the newest version names").len();
    }
    println!("size: {:.2} bytes per reading with every column, {files} files", bytes as f64 / all as f64);
}
