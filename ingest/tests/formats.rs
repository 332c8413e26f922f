//! Journals that former programs wrote are read as they were written: one fixture for each format, made by the program of its time.

use std::path::{Path, PathBuf};

use vitalog_elog::{Entry, Input, Subject, Time};
use vitalog_ingest::journal::{FORMAT, Journal, JournalError};

use super::fixture::{bg, health, mendings, onces, one_of_each, sents};

/// What each fixture holds: a group of every kind of input, then readings of two subjects in two groups; from format 3 on what became of letters, from format 4 on what requests were answered, from format 5 on whom readings are put down to.
fn written(format: u32) -> Vec<Entry> {
    let schema = health();
    let readings = (0..6).map(|i| Entry {
        arrival: Time(1_790_000_100_000_000 + i),
        input: Input::Reading(bg(&schema, ["p-001", "p-002"][i as usize % 2], i)),
    });
    let mendings = mendings().into_iter().filter(|_| format >= 3);
    let onces = onces().into_iter().filter(|_| format >= 4);
    let sents = sents().into_iter().filter(|_| format >= 5);
    one_of_each(&schema).into_iter().chain(readings).chain(mendings).chain(onces).chain(sents).collect()
}

/// A copy to work on. Git does not keep who may read a file, so the key's mode is put right.
fn fixture(format: u32) -> tempfile::TempDir {
    use std::os::unix::fs::PermissionsExt;
    let from = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(format!("tests/data/format-{format}"));
    let dir = tempfile::tempdir().expect("a directory");
    for file in std::fs::read_dir(from).expect("a fixture") {
        let path = file.expect("a file").path();
        let to = dir.path().join(path.file_name().expect("a name"));
        std::fs::copy(&path, &to).expect("copied");
        std::fs::set_permissions(&to, std::fs::Permissions::from_mode(0o600)).expect("changed");
    }
    dir
}

/// Writes the fixture of the format of its time; run once for each format, by hand.
#[test]
#[ignore = "makes a fixture where VITALOG_FIXTURE says"]
fn a_fixture_is_written() {
    let to = PathBuf::from(std::env::var("VITALOG_FIXTURE").expect("where to"));
    let mut journal = Journal::open(&to.join("journal.db")).expect("made");
    let written = written(FORMAT);
    let (each, rest) = written.split_at(11);
    for group in std::iter::once(each).chain(rest.chunks(3)) {
        journal.append(&health(), group).expect("kept");
    }
}

fn read(dir: &Path) -> Vec<Entry> {
    let journal = Journal::open(&dir.join("journal.db")).expect("opened");
    let groups = journal.read_from(0).expect("readable");
    groups.flat_map(|g| g.expect("sound").entries(&health()).expect("decodable")).map(|(_, entry)| entry).collect()
}

#[test]
fn every_format_is_read_and_goes_on() {
    for format in 1..=FORMAT {
        let dir = fixture(format);
        assert_eq!(read(dir.path()), written(format), "format {format}");
        let mut journal = Journal::open(&dir.path().join("journal.db")).expect("opened");
        let more = vec![Entry { arrival: Time(1_790_000_200_000_000), input: Input::Reading(bg(&health(), "p-003", 50)) }];
        let position = journal.append(&health(), &more).expect("goes on");
        assert_eq!(position.next, written(format).len() as u64 + 1);
        drop(journal);
        assert_eq!(read(dir.path()), [written(format), more].concat(), "format {format}");
        let version: u32 = rusqlite::Connection::open(dir.path().join("journal.db"))
            .and_then(|db| db.pragma_query_value(None, "user_version", |r| r.get(0)))
            .expect("told");
        assert_eq!(version, FORMAT, "an older program refuses it from now on");
    }
}

#[test]
fn an_erasure_is_refused_where_it_would_not_erase() {
    let dir = fixture(1);
    let mut journal = Journal::open(&dir.path().join("journal.db")).expect("opened");
    let more =
        |subject: &str| vec![Entry { arrival: Time(1_790_000_200_000_000), input: Input::Reading(bg(&health(), subject, 50)) }];
    journal.append(&health(), &more("p-002")).expect("kept");
    journal.append(&health(), &more("p-003")).expect("kept");
    let error = journal.erase(&Subject::new("p-002"), Time(0), b"").expect_err("it stands in clear");
    assert!(matches!(error, JournalError::InClear { offset: 11 }), "{error}");
    assert_eq!(journal.keys().unfinished(), None);
    journal.erase(&Subject::new("p-003"), Time(0), b"").expect("this one was never in clear");
}
