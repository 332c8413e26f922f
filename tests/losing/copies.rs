//! Backups and what is restored, cut off behind any change of the disk: nothing is there, or all of it; and what was said to be done is done.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::disk::{Disk, Keep};
use super::{Watched, cases, cuts, seed};
use crate::support::server::{Server, run, vitalog};
use crate::support::story::{ndjson, readings};

/// A directory with a stopped server's data and its backup, and one beside it in which more is put.
pub struct Copies {
    pub data: PathBuf,
    pub backup: PathBuf,
    pub keys: PathBuf,
}

impl Copies {
    pub fn of(dir: &Path) -> Copies {
        let [data, backup, keys] = ["data", "backup", "keys"].map(|name| dir.join(name));
        let server = Server::start(&data, &["--land-every", "1"]);
        server.readings(&ndjson(&readings("p-1", 3).0)).ok();
        assert_eq!(server.stop(), Some(0));
        let copies = Copies { data, backup, keys };
        let (status, _, err) = run(copies.backing_up(&mut vitalog(), &copies.backup, &copies.keys));
        assert_eq!(status, Some(0), "{err}");
        copies
    }

    pub fn backing_up<'a>(&self, command: &'a mut Command, to: &Path, keys: &Path) -> &'a mut Command {
        command.args(["backup", "--data"]).arg(&self.data).arg("--to").arg(to).arg("--keys").arg(keys)
    }

    pub fn restoring<'a>(&self, command: &'a mut Command, to: &Path) -> &'a mut Command {
        restoring(command, (&self.backup, &self.keys), to)
    }
}

fn restoring<'a>(command: &'a mut Command, (from, keys): (&Path, &Path), to: &Path) -> &'a mut Command {
    command.args(["restore", "--from"]).arg(from).arg("--to").arg(to).arg("--keys").arg(keys)
}

/// An empty directory to make copies in, watched.
pub fn made(dir: &Path) -> Option<Watched> {
    let root = dir.join("made");
    std::fs::create_dir(&root).unwrap();
    Watched::new(&root)
}

/// That a directory's journal is sound, with its keys.
pub fn is_sound(data: &Path, what: &str) {
    let (status, out, err) = run(vitalog().args(["audit", "journal", "--data"]).arg(data));
    assert_eq!(status, Some(0), "{what}: {out}{err}");
}

/// That a backup can be put back with these keys, and is sound then.
pub fn is_whole(backup: &Path, keys: &Path, what: &str) {
    let dir = tempfile::tempdir().unwrap();
    let put_back = dir.path().join("put-back");
    let (status, _, err) = run(restoring(&mut vitalog(), (backup, keys), &put_back));
    assert_eq!(status, Some(0), "{what}: {err}");
    is_sound(&put_back, what);
}

/// Tries what a command did to an empty directory, cut off behind each of some changes and behind the last. `check` says whether what it was to make is there, and that it is whole then.
fn cut(dir: &Path, watched: &Watched, mut disk: Disk, check: impl Fn(&Path, &str) -> bool) {
    let records = watched.records();
    let (mut done, mut there) = (0, 0);
    let mut tried = cuts(&records, cases(8));
    tried.push((records.len() - 1, Keep::None));
    for (i, (behind, keep)) in tried.iter().copied().enumerate() {
        let is_last = i + 1 == tried.len();
        for record in &records[done..=behind] {
            disk.take(record);
        }
        done = done.max(behind + 1);
        let left = dir.join("left");
        std::fs::create_dir(&left).unwrap();
        disk.crash(keep, &left);
        let what = format!("seed {}, behind change {behind} of {}, {keep:?}", seed(), records.len());
        let is_there = check(&left, &what);
        there += usize::from(is_there);
        assert!(is_there || !is_last, "{what}: it was said to be done, and is not there");
        std::fs::remove_dir_all(&left).unwrap();
    }
    assert!(there < tried.len(), "it is there from the beginning, so nothing is proven");
}

/// Fourteen cuts of each; all by `tests/run --long losing`.
#[test]
fn a_backup_is_there_with_its_keys_or_it_is_not() {
    let dir = tempfile::tempdir().unwrap();
    let copies = Copies::of(dir.path());
    let Some(watched) = made(dir.path()) else { return };
    let disk = Disk::of(&watched.root);
    let places = |root: &Path| (root.join("again"), root.join("keys"));
    let (to, keys) = places(&watched.root);
    let (status, _, err) = run(copies.backing_up(&mut watched.vitalog(), &to, &keys));
    assert_eq!(status, Some(0), "{err}");
    cut(dir.path(), &watched, disk, |left, what| {
        let (to, keys) = places(left);
        let is_there = to.exists();
        if !is_there {
            // The next one is not kept from it by what is left.
            let (status, _, err) = run(copies.backing_up(&mut vitalog(), &to, &keys));
            assert_eq!(status, Some(0), "{what}: {err}");
        }
        is_whole(&to, &keys, what);
        is_there
    });
}

#[test]
fn what_was_restored_is_there_or_it_is_not() {
    let dir = tempfile::tempdir().unwrap();
    let copies = Copies::of(dir.path());
    let Some(watched) = made(dir.path()) else { return };
    let disk = Disk::of(&watched.root);
    let (status, _, err) = run(copies.restoring(&mut watched.vitalog(), &watched.root.join("restored")));
    assert_eq!(status, Some(0), "{err}");
    cut(dir.path(), &watched, disk, |left, what| {
        let to = left.join("restored");
        let is_there = to.exists();
        if !is_there {
            let (status, _, err) = run(copies.restoring(&mut vitalog(), &to));
            assert_eq!(status, Some(0), "{what}: {err}");
        }
        is_sound(&to, what);
        is_there
    });
}
