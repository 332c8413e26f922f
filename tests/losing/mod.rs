//! A disk that loses, under the whole program: what a power cut may leave of a data directory, of a backup and of what was restored, and what becomes of each call to the disk that fails.
//!
//! `preload.c` stands between the program and the kernel and writes down each change of a directory, in order. From that `disk.rs` makes what might be found after a power cut behind any of them. The laws of
//! the journal alone, with each cut of a smaller history, are in `ingest/tests/disk.rs`; here all that a directory holds is tried together: journal, keys, views, lake, outbox, snapshots.

mod calls;
mod copies;
mod cuts;
mod disk;
mod record;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use disk::Keep;
use record::{Change, Record};

use crate::support::need;
use crate::support::server::{run, vitalog};
use crate::support::story::Numbers;

const SOURCE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/losing/preload.c");

/// What is laid before a program, compiled once.
fn preload() -> Option<&'static Path> {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    let compiler = need::need("a C compiler", need::program("cc"))?;
    Some(BUILT.get_or_init(|| {
        let place = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("losing-{}.so", std::process::id()));
        let mut command = Command::new(compiler);
        command.args(["-O1", "-Wall", "-Wextra", "-Werror", "-shared", "-fPIC", "-pthread", "-o"]).arg(&place).arg(SOURCE);
        let (status, _, err) = run(&mut command);
        assert_eq!(status, Some(0), "{err}");
        place
    }))
}

/// A directory that is watched.
struct Watched {
    preload: &'static Path,
    root: PathBuf,
    log: PathBuf,
}

impl Watched {
    /// All below `root`, which is there; the log lies beside it.
    fn new(root: &Path) -> Option<Watched> {
        let preload = preload()?;
        let root = root.canonicalize().expect("it is there");
        let log = root.with_extension("log");
        std::fs::write(&log, "").expect("written");
        Some(Watched { preload, root, log })
    }

    /// `vitalog`, with the disk watched.
    fn vitalog(&self) -> Command {
        let mut command = vitalog();
        command.env("LD_PRELOAD", self.preload).env("LOSING_ROOT", &self.root).env("LOSING_LOG", &self.log);
        command
    }

    /// How long the log is: what is done up to here was done before whatever comes now.
    fn now(&self) -> u64 {
        std::fs::metadata(&self.log).expect("it is there").len()
    }

    fn records(&self) -> Vec<Record> {
        record::read(&std::fs::read(&self.log).expect("it is read"))
    }
}

/// How many of a list are tried: `VITALOG_CASES`, or so many.
fn cases(usual: usize) -> usize {
    std::env::var("VITALOG_CASES").ok().and_then(|n| n.parse().ok()).unwrap_or(usual)
}

/// Where a sample begins, told where something fails.
fn seed() -> u64 {
    std::env::var("VITALOG_SEED").ok().and_then(|n| n.parse().ok()).unwrap_or(2026)
}

/// So many of `0..count`, one of each part of it, by chance.
fn sample(count: usize, wanted: usize) -> Vec<usize> {
    if wanted >= count {
        return (0..count).collect();
    }
    let mut numbers = Numbers(seed());
    let part = |number: usize| number * count / wanted;
    (0..wanted).map(|i| part(i) + numbers.below((part(i + 1) - part(i)) as u64) as usize).collect()
}

/// Cuts that are tried: behind which record, and what is kept. Of those that leave the same only the last is one, behind which most was answered.
fn cuts(records: &[Record], wanted: usize) -> Vec<(usize, Keep)> {
    let mut all = Vec::new();
    for behind in 0..records.len() {
        let next = records.get(behind + 1).map(|record| &record.change);
        let syncs = next.is_none_or(|change| matches!(change, Change::Sync { .. } | Change::SyncDir { .. }));
        let names = next.is_none_or(|change| !matches!(change, Change::Write { .. } | Change::Truncate { .. }));
        all.extend(syncs.then_some((behind, Keep::None)));
        all.extend(names.then_some((behind, Keep::Names)));
        all.extend([Keep::Some(seed() + behind as u64), Keep::All].map(|keep| (behind, keep)));
    }
    println!("seed {}: {} changes of the disk, {} of {} cuts", seed(), records.len(), wanted.min(all.len()), all.len());
    sample(all.len(), wanted).into_iter().map(|i| all[i]).collect()
}
