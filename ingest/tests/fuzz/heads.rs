//! Any file of an access log: what an audit passes as sound is what was written, from the beginning, and what was noted elsewhere is in it.

use proptest::collection::vec;
use proptest::prelude::*;
use vitalog_ingest::access::log::{AccessAudit, Entry, Signer, Writer, audit};

use super::USUAL;
use super::changes::{changed, changes};
use super::effort::tried;

struct World {
    dir: tempfile::TempDir,
    /// The one file of the log, and what it has.
    file: std::path::PathBuf,
    sound: Vec<u8>,
    entries: Vec<Entry>,
    /// The public key that signed.
    key: String,
    /// Number and chain of the last entry.
    noted: (u64, String),
}

fn entry(n: u16) -> Entry {
    Entry {
        at: "2026-11-20T08:00:00Z".to_owned(),
        who: format!("lee-{n}"),
        via: "password".to_owned(),
        door: "GET /v1/subjects/{subject}/summary".to_owned(),
        asked: vec![("read".to_owned(), Some("p-1".to_owned()), true)],
        more: u64::from(n % 2),
        status: 200,
    }
}

impl World {
    fn new() -> World {
        let dir = tempfile::tempdir().expect("a folder");
        let signer = Signer::open(&dir.path().join("key")).expect("a key");
        let (folder, key) = (dir.path().join("access"), signer.public());
        let mut writer = Writer::open(&folder, signer).expect("opened");
        let entries: Vec<Entry> = (0..4).map(entry).collect();
        writer.append(&entries[..3]).expect("kept");
        writer.sign("2026-11-20T08:00:01Z").expect("signed");
        writer.append(&entries[3..]).expect("kept");
        writer.sign("2026-11-20T08:00:02Z").expect("signed");
        let file = std::fs::read_dir(&folder).expect("a folder").next().expect("a file").expect("its name").path();
        let sound = std::fs::read(&file).expect("read");
        let noted = audit(&folder, None, &[], |_, _| {}).expect("read").last.expect("an end");
        World { dir, file, sound, entries, key, noted }
    }

    /// What an audit says of these bytes, and what it read in them.
    fn audited(&self, bytes: &[u8], noted: &[(u64, String)]) -> (AccessAudit, Vec<Entry>) {
        std::fs::write(&self.file, bytes).expect("written");
        let mut seen = Vec::new();
        let found = audit(&self.dir.path().join("access"), Some(&self.key), noted, |_, entry| seen.push(entry.clone()));
        (found.expect("the folder is there"), seen)
    }

    fn look(&self, bytes: &[u8]) {
        let (found, seen) = self.audited(bytes, &[]);
        let lines = bytes.iter().filter(|b| **b == b'\n').count() as u64;
        assert!(found.entries + found.heads <= lines && found.entries == seen.len() as u64, "{found:?}");
        // Who cuts off its end leaves a log that is shorter, and sound.
        assert!(!found.faults.is_empty() || self.entries.starts_with(&seen), "{seen:?}");
        assert!(!found.faults.is_empty() || found.signed <= found.entries, "{found:?}");
        let (found, seen) = self.audited(bytes, std::slice::from_ref(&self.noted));
        assert!(!found.faults.is_empty() || seen == self.entries, "{seen:?}");
    }
}

#[test]
fn a_changed_log_is_found_out_or_the_same() {
    let world = World::new();
    tried("access log, changed", USUAL, changes(), |changes| world.look(&changed(&world.sound, &changes)));
}

#[test]
fn lines_that_nobody_wrote_are_found_out() {
    let world = World::new();
    let begins = ["", "{\"vitalog\":\"access log\",", "{\"head\":4,", "{\"head\":18446744073709551615,", "{\"n\":5,"];
    let inputs = (0..begins.len(), vec(any::<u8>(), 0..120), any::<bool>());
    tried("access log, any lines", USUAL, inputs, |(begin, rest, behind)| {
        let line = [begins[begin].as_bytes(), &rest, b"\n"].concat();
        world.look(&if behind { [&world.sound[..], &line].concat() } else { line });
    });
}

#[test]
fn what_was_written_is_sound() {
    let world = World::new();
    let (found, seen) = world.audited(&world.sound, std::slice::from_ref(&world.noted));
    assert!(found.faults.is_empty() && seen == world.entries && found.heads == 2 && found.signed == 4, "{found:?}");
}
