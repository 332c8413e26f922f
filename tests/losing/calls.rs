//! Each call to the disk fails once, and each is the first from which on it takes nothing any more: backups, restoring, and a server that writes snapshots. What is said to be done is done, what is not is said
//! with its reason, and what was answered is there for the next. A sample of them; all by `tests/run --long losing`.

use std::path::Path;
use std::process::Command;

use super::copies::{Copies, is_sound, is_whole, made};
use super::cuts::{Life, reading};
use super::{Watched, cases, sample, seed};
use crate::support::server::{Server, run, vitalog};

/// Numbers of the system for an input or output that failed, and for a disk that is full.
const FAILED: &str = "5";
const FULL: &str = "28";

/// That the `number`-th call fails, or all from there on.
fn failing(command: &mut Command, number: usize, is_full: bool) {
    command.env("LOSING_FAIL", number.to_string()).env("LOSING_ERROR", if is_full { FULL } else { FAILED });
    if is_full {
        command.env("LOSING_FROM", "1");
    }
}

/// How many calls a command makes.
fn counted(watched: &Watched, command: &mut Command) -> usize {
    let count = watched.log.with_extension("count");
    let (status, _, err) = run(command.env("LOSING_COUNT", &count));
    assert_eq!(status, Some(0), "{err}");
    std::fs::read_to_string(count).expect("it counted").parse().expect("a number")
}

/// Runs a command that makes `place`, and whose `number`-th call fails; whether it is there all the same.
fn is_made(mut command: Command, place: &Path, (number, is_full): (usize, bool), what: &str) -> bool {
    failing(&mut command, number, is_full);
    let (status, _, err) = run(&mut command);
    assert!(!err.contains("panicked"), "{what}: {err}");
    match status {
        Some(0) => assert!(place.exists(), "{what}: it ended well, and made nothing"),
        Some(1) => {
            assert!(err.contains("error: "), "{what}: no word on why: {err}");
            // Nothing is there; where nothing can be taken back either, that is said.
            assert!(!place.exists() || (is_full && err.contains("after a power cut")), "{what}: {err}");
        }
        other => panic!("{what}: {other:?}: {err}"),
    }
    place.exists()
}

/// Which calls are tried, and how.
fn tried(count: usize, usual: usize) -> impl Iterator<Item = (usize, bool)> {
    println!("seed {}: {count} calls", seed());
    sample(count * 2, cases(usual)).into_iter().map(|i| (i / 2 + 1, i % 2 == 1))
}

#[test]
fn a_restore_whose_disk_fails_leaves_nothing_and_says_why() {
    let dir = tempfile::tempdir().unwrap();
    let copies = Copies::of(dir.path());
    let Some(watched) = made(dir.path()) else { return };
    let to = watched.root.join("restored");
    let count = counted(&watched, copies.restoring(&mut watched.vitalog(), &to));
    std::fs::remove_dir_all(&to).unwrap();
    for (number, is_full) in tried(count, 18) {
        let what = format!("call {number} of {count}, full: {is_full}");
        let mut command = watched.vitalog();
        copies.restoring(&mut command, &to);
        if !is_made(command, &to, (number, is_full), &what) {
            let (status, _, err) = run(copies.restoring(&mut vitalog(), &to));
            assert_eq!(status, Some(0), "{what}: {err}");
        }
        is_sound(&to, &what);
        std::fs::remove_dir_all(&to).unwrap();
    }
}

#[test]
fn a_backup_whose_disk_fails_leaves_nothing_and_says_why() {
    let dir = tempfile::tempdir().unwrap();
    let copies = Copies::of(dir.path());
    let Some(watched) = made(dir.path()) else { return };
    let (to, keys) = (watched.root.join("again"), watched.root.join("keys"));
    let count = counted(&watched, copies.backing_up(&mut watched.vitalog(), &to, &keys));
    std::fs::remove_dir_all(&to).unwrap();
    for (number, is_full) in tried(count, 14) {
        let what = format!("call {number} of {count}, full: {is_full}");
        let mut command = watched.vitalog();
        copies.backing_up(&mut command, &to, &keys);
        if !is_made(command, &to, (number, is_full), &what) {
            let (status, _, err) = run(copies.backing_up(&mut vitalog(), &to, &keys));
            assert_eq!(status, Some(0), "{what}: {err}");
        }
        is_whole(&to, &keys, &what);
        std::fs::remove_dir_all(&to).unwrap();
    }
}

/// Readings, a landing, a snapshot, a stop; and readings again. Whatever refuses is let refuse.
fn lived(life: &mut Life, change: &mut dyn FnMut(&mut Command)) {
    for part in 0..2_u64 {
        let mut command = life.serving();
        change(&mut command);
        let Some(server) = Server::try_spawn(command) else { continue };
        for n in 0..6 {
            life.send(&server, &[reading("a", part * 10 + n, 50 + n), reading("b", part * 10 + n, 80 + n)]);
        }
        // A snapshot is taken after an input that follows a landing.
        for n in 0..5 {
            std::thread::sleep(std::time::Duration::from_millis(400));
            life.send(&server, &[reading("c", part * 10 + n, 90 + n)]);
        }
        server.stop();
    }
}

/// A server's calls that concern paths with `only` in them.
fn server_survives(only: &str, usual: usize) {
    let dir = tempfile::tempdir().unwrap();
    let counted = dir.path().join("counted");
    std::fs::create_dir(&counted).unwrap();
    let Some(mut life) = Life::begin(&counted) else { return };
    let count = life.watched.log.with_extension("count");
    let mut counts = Vec::new();
    lived(&mut life, &mut |command| {
        counts.extend(std::fs::read_to_string(&count).ok());
        command.env("LOSING_COUNT", &count).env("LOSING_ONLY", only);
    });
    // The first server's: the second reads what that wrote, and writes the same once more.
    let count: usize = counts[0].parse().expect("a number");
    assert!(count > 10, "{count} calls prove nothing");
    for (i, (number, is_full)) in tried(count, usual).enumerate() {
        let what = format!("{only}: call {number} of {count}, full: {is_full}");
        let home = dir.path().join(i.to_string());
        std::fs::create_dir(&home).unwrap();
        let mut life = Life::begin(&home).expect("as before");
        lived(&mut life, &mut |command| {
            command.env("LOSING_ONLY", only);
            failing(command, number, is_full);
        });
        life.is_whole(&home.join("data"), u64::MAX - 1, &what);
        std::fs::remove_dir_all(&home).unwrap();
    }
}

#[test]
fn a_server_whose_snapshots_fail_keeps_what_it_answered() {
    server_survives("/snapshots", 3);
}

#[test]
fn a_server_whose_disk_fails_keeps_what_it_answered() {
    server_survives("/data", 4);
}
