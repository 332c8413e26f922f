//! Keys: what is at rest says nothing without them, exchanging them loses nothing, and destroying a subject's takes its inputs and nothing else.

use std::collections::BTreeSet;
use std::path::Path;

use vitalog_elog::{Entry, Input, Reading, Schema, Subject, Time};
use vitalog_ingest::journal::{Journal, JournalError, Kind};
use vitalog_ingest::keys::{KekPlace, KeyError};

use super::fixture::{bg, health, mendings, onces, one_of_each};
use super::journal::{FILES, image};

const WHEN: Time = Time(1_790_000_900_000_000);

/// Every kind of input, then readings of three subjects in groups that mix them.
fn entries(schema: &Schema) -> Vec<Vec<Entry>> {
    let mut groups = vec![one_of_each(schema)];
    for group in 0..4_i64 {
        let readings = (0..6).map(|i| Entry {
            arrival: Time(1_790_000_100_000_000 + group * 1_000 + i),
            input: Input::Reading(bg(schema, ["p-001", "p-002", "secret-name"][i as usize % 3], group * 6 + i)),
        });
        groups.push(readings.collect());
    }
    groups
}

fn written(dir: &Path) -> (Schema, Vec<Entry>) {
    let schema = health();
    let mut journal = Journal::open(&dir.join("journal.db")).expect("made");
    let groups = entries(&schema);
    for group in &groups {
        journal.append(&schema, group).expect("kept");
    }
    (schema, groups.concat())
}

fn read(journal: &Journal, schema: &Schema) -> Vec<Entry> {
    let groups = journal.read_from(0).expect("readable");
    groups.flat_map(|g| g.expect("sound").entries(schema).expect("decodable")).map(|(_, entry)| entry).collect()
}

fn open(dir: &Path) -> Result<Journal, JournalError> {
    Journal::open(&dir.join("journal.db"))
}

fn copy(from: &Path, to: &Path, names: &[&str]) {
    for name in names {
        std::fs::copy(from.join(name), to.join(name)).expect("copied");
    }
}

fn subject_of(entry: &Entry) -> Option<&str> {
    match &entry.input {
        Input::Reading(Reading { subject, .. }) => Some(subject.as_str()),
        Input::Profile(change) => Some(change.subject.as_str()),
        Input::DeadLetter(letter) => letter.subject.as_ref().map(Subject::as_str),
        _ => None,
    }
}

/// What a journal is to read as after a subject is erased.
fn without(entries: &[Entry], subject: &str) -> Vec<Entry> {
    let left = |entry: &Entry| if subject_of(entry) == Some(subject) { Input::Erased } else { entry.input.clone() };
    entries.iter().map(|entry| Entry { arrival: entry.arrival, input: left(entry) }).collect()
}

#[test]
fn nothing_that_was_said_stands_in_clear() {
    let dir = tempfile::tempdir().expect("a directory");
    let schema = health();
    let mut journal = open(dir.path()).expect("made");
    for group in entries(&schema) {
        journal.append(&schema, &group).expect("kept");
    }
    // Live, so that the logs are looked through too.
    let said =
        ["secret-name", "p-001", "p-002", "g7/8J2K", "rowing", "a.rules", "nurse-1", "out_of_range", "wearable", "mmol", "watch"];
    for name in FILES {
        let bytes = std::fs::read(dir.path().join(name)).unwrap_or_default();
        for text in said {
            assert!(!bytes.windows(text.len()).any(|w| w == text.as_bytes()), "{name} has {text:?} in clear");
        }
    }
    assert_eq!(read(&journal, &schema), entries(&schema).concat(), "and with the keys all of it is there");
}

#[test]
fn only_the_owner_may_read_the_key_that_wraps_the_others() {
    use std::os::unix::fs::PermissionsExt;
    let dir = tempfile::tempdir().expect("a directory");
    written(dir.path());
    let kek = dir.path().join("kek");
    assert_eq!(std::fs::metadata(&kek).expect("made").permissions().mode() & 0o777, 0o600);
    std::fs::set_permissions(&kek, std::fs::Permissions::from_mode(0o640)).expect("changed");
    let error = open(dir.path()).err().expect("refused").to_string();
    assert!(error.contains("others may read it (mode 640)") && error.contains("chmod 600"), "{error}");
}

#[test]
fn what_is_missing_or_of_another_is_named() {
    let (dir, other) = (tempfile::tempdir().expect("a"), tempfile::tempdir().expect("b"));
    let (schema, entries) = written(dir.path());
    written(other.path());
    type Bend = fn(&Path, &Path);
    let bends: [(Bend, &str); 6] = [
        (|dir, _| std::fs::remove_file(dir.join("kek")).expect("removed"), "the key-encryption key is missing"),
        (|dir, _| std::fs::remove_file(dir.join("keys.db")).expect("removed"), "the journal's keys are missing"),
        (|dir, _| std::fs::write(dir.join("keys.db"), "").expect("emptied"), "the journal's keys are missing"),
        (|dir, other| copy(other, dir, &["kek"]), "does not open the key store"),
        (|dir, other| copy(other, dir, &["kek", "keys.db"]), "is missing, and was not erased"),
        (|dir, _| std::fs::write(dir.join("kek"), "not hexadecimal").expect("written"), "is no key-encryption key"),
    ];
    for (bend, told) in bends {
        let bent = tempfile::tempdir().expect("a directory");
        image(dir.path(), bent.path());
        bend(bent.path(), other.path());
        let error = open(bent.path()).err().expect(told);
        assert!(error.to_string().contains(told) && error.is_fatal(), "{error}");
        // Nothing was made anew in its place: what was missing put back, it is all there.
        image(dir.path(), bent.path());
        assert_eq!(read(&open(bent.path()).expect("sound again"), &schema), entries);
    }
}

#[test]
fn exchanged_keys_read_what_came_before_and_seal_what_comes() {
    let dir = tempfile::tempdir().expect("a directory");
    let (schema, mut entries) = written(dir.path());
    let kek = || std::fs::read(dir.path().join("kek")).expect("there");
    let before = kek();
    let mut journal = open(dir.path()).expect("opened");
    let keys = journal.keys().held().len();
    journal.keys_mut().rotate(&Subject::new("p-002")).expect("exchanged");
    journal.keys_mut().exchange_kek().expect("exchanged");
    assert_ne!(before, kek());
    assert!(matches!(journal.keys_mut().rotate(&Subject::new("nobody")), Err(KeyError::UnknownSubject)));
    let more = vec![Entry { arrival: WHEN, input: Input::Reading(bg(&schema, "p-002", 99)) }];
    journal.append(&schema, &more).expect("kept");
    drop(journal);
    entries.extend(more);

    let mut journal = open(dir.path()).expect("opened with the new key");
    assert_eq!(journal.keys().held().len(), keys + 1);
    assert_eq!(read(&journal, &schema), entries);
    let elsewhere = tempfile::tempdir().expect("a directory");
    let place = KekPlace::File(elsewhere.path().join("kek"));
    journal.keys_mut().move_kek(place.clone()).expect("moved");
    drop(journal);
    assert!(open(dir.path()).is_err_and(|e| e.to_string().contains("does not open the key store")));
    let moved = Journal::open_with(&dir.path().join("journal.db"), &place).expect("opened from its new place");
    assert_eq!(read(&moved, &schema), entries);
    drop(moved);
    let text = std::fs::read_to_string(elsewhere.path().join("kek")).expect("there");
    let given = KekPlace::given(&text, "VITALOG_KEK").expect("a key");
    let mut given = Journal::open_with(&dir.path().join("journal.db"), &given).expect("opened with a key from outside");
    assert!(matches!(given.keys_mut().exchange_kek(), Err(KeyError::KekIsGiven)));
}

/// The process ended between the steps of an exchange: the new key lies beside the old one before the store is locked with it, and takes its place after.
#[test]
fn an_interrupted_exchange_leaves_a_key_that_opens() {
    let (before, after) = (tempfile::tempdir().expect("a"), tempfile::tempdir().expect("b"));
    let (schema, entries) = written(before.path());
    image(before.path(), after.path());
    open(after.path()).expect("opened").keys_mut().exchange_kek().expect("exchanged");
    let kek = |dir: &tempfile::TempDir| dir.path().join("kek");
    for (store, ends_with, draft) in [(&before, &before, false), (&before, &before, true), (&after, &after, false)] {
        let dir = tempfile::tempdir().expect("a directory");
        image(before.path(), dir.path());
        copy(store.path(), dir.path(), &["keys.db"]);
        if draft {
            std::fs::write(dir.path().join("kek.draft"), "half of a k").expect("written");
        } else {
            std::fs::copy(kek(&after), dir.path().join("kek.next")).expect("copied");
        }
        assert_eq!(read(&open(dir.path()).expect("opened"), &schema), entries);
        let same = |other| std::fs::read(kek(other)).expect("there") == std::fs::read(kek(&dir)).expect("there");
        assert!(same(ends_with), "the key that opens is in its place");
        assert!(!dir.path().join("kek.next").exists(), "and the other is gone");
        open(dir.path()).expect("opened").keys_mut().exchange_kek().expect("exchanged");
        assert_eq!(read(&open(dir.path()).expect("opened"), &schema), entries);
    }
}

#[test]
fn a_first_start_that_was_interrupted_is_begun_again() {
    let dir = tempfile::tempdir().expect("a directory");
    drop(open(dir.path()).expect("made"));
    let kek = std::fs::read(dir.path().join("kek")).expect("there");
    std::fs::remove_file(dir.path().join("keys.db")).expect("removed");
    drop(open(dir.path()).expect("nothing was sealed yet"));
    assert_eq!(std::fs::read(dir.path().join("kek")).expect("there"), kek, "the key that was made is taken");
    assert_eq!(written(dir.path()).1.len(), 35);
}

#[test]
fn a_destroyed_key_takes_its_subject_and_nothing_else() {
    let dir = tempfile::tempdir().expect("a directory");
    let (schema, entries) = written(dir.path());
    let rows: Vec<Vec<u8>> = {
        let db = rusqlite::Connection::open(dir.path().join("keys.db")).expect("opened");
        let mut rows = db.prepare("SELECT sealed FROM keys").expect("there");
        rows.query_map([], |r| r.get(0)).expect("read").map(|row| row.expect("a row")).collect()
    };
    assert_eq!(rows.len(), 4, "the house and three subjects");
    let mut journal = open(dir.path()).expect("opened");
    journal.keys_mut().rotate(&Subject::new("p-001")).expect("exchanged");
    let end = journal.position();
    assert!(matches!(journal.erase(&Subject::new("nobody"), WHEN, b""), Err(JournalError::Keys(KeyError::UnknownSubject))));
    assert_eq!(journal.keys().unfinished(), None);
    assert_eq!(journal.erase(&Subject::new("p-001"), WHEN, b"what to do").expect("erased"), 2, "both versions of the key");
    let erased = without(&entries, "p-001");
    assert_eq!(read(&journal, &schema), erased);
    for name in ["keys.db", "keys.db-wal"] {
        let bytes = std::fs::read(dir.path().join(name)).unwrap_or_default();
        let left = rows.iter().filter(|row| bytes.windows(row.len()).any(|w| w == &row[..])).count();
        assert!(left <= 3, "{name} still has the row of a destroyed key");
    }
    assert_eq!(journal.position(), end);
    assert_eq!(journal.keys().unfinished(), Some(&b"what to do"[..]));
    drop(journal);

    let mut journal = open(dir.path()).expect("opened");
    assert_eq!(journal.keys().unfinished(), Some(&b"what to do"[..]), "what was derived is still there");
    assert!(journal.keys_mut().finish().expect("noted"));
    assert_eq!((read(&journal, &schema), journal.keys().erased()), (erased.clone(), 2));
    assert_eq!(journal.verify().expect("sound"), 5);
    let counted = journal.read_from(0).expect("readable").flat_map(|group| {
        let group = group.expect("sound");
        group.offsets().map(|offset| (group.kind(offset).expect("told"), group.is_erased(offset))).collect::<Vec<_>>()
    });
    let gone: Vec<Kind> = counted.filter(|(_, erased)| *erased).map(|(kind, _)| kind).collect();
    let kinds: BTreeSet<Kind> = gone.iter().copied().collect();
    assert_eq!(
        gone.len(),
        erased.iter().filter(|e| e.input == Input::Erased).count(),
        "what was erased is still counted, by kind"
    );
    assert_eq!(kinds.into_iter().collect::<Vec<_>>(), [Kind::Reading, Kind::Profile, Kind::DeadLetter]);
    let placeholder = [Entry { arrival: WHEN, input: Input::Erased }];
    assert!(matches!(journal.append(&schema, &placeholder), Err(JournalError::NotAnInput { offset: 35 })));

    // Who comes back begins anew, under another key.
    let again = vec![Entry { arrival: WHEN, input: Input::Reading(bg(&schema, "p-001", 1)) }];
    journal.append(&schema, &again).expect("kept");
    assert_eq!(read(&journal, &schema), [erased, again].concat());
    assert_eq!(journal.keys().unfinished(), None);
}

#[test]
fn what_became_of_a_letter_goes_with_its_subject() {
    let dir = tempfile::tempdir().expect("a directory");
    let (schema, mendings) = (health(), mendings());
    let mut journal = open(dir.path()).expect("made");
    journal.append(&schema, &mendings).expect("kept");
    assert_eq!(read(&journal, &schema), mendings);
    journal.erase(&Subject::new("p-001"), WHEN, b"").expect("erased");
    let gone = Entry { arrival: mendings[0].arrival, input: Input::Erased };
    assert_eq!(read(&journal, &schema), [gone, mendings[1].clone()]);
}

#[test]
fn what_a_request_was_answered_goes_with_whom_it_is_about() {
    let dir = tempfile::tempdir().expect("a directory");
    let (schema, onces) = (health(), onces());
    let mut journal = open(dir.path()).expect("made");
    journal.append(&schema, &onces).expect("kept");
    assert_eq!(read(&journal, &schema), onces);
    journal.erase(&Subject::new("p-001"), WHEN, b"").expect("erased");
    let gone = Entry { arrival: onces[0].arrival, input: Input::Erased };
    assert_eq!(read(&journal, &schema), [&[gone], &onces[1..]].concat());
}

#[test]
fn an_older_key_store_does_not_open_with_the_key_of_after_an_erasure() {
    let (dir, backup) = (tempfile::tempdir().expect("a"), tempfile::tempdir().expect("b"));
    let (schema, entries) = written(dir.path());
    image(dir.path(), backup.path());
    let mut journal = open(dir.path()).expect("opened");
    journal.erase(&Subject::new("secret-name"), WHEN, b"").expect("erased");
    assert!(journal.keys_mut().finish().expect("noted"), "the key that wraps the others was exchanged");
    drop(journal);
    std::fs::copy(dir.path().join("kek"), backup.path().join("kek")).expect("copied");
    let error = open(backup.path()).err().expect("refused");
    assert!(matches!(error, JournalError::Keys(KeyError::WrongKek { .. })), "{error}");
    // With the keys of after the erasure, a journal's copy of before it has the subject no more.
    std::fs::copy(dir.path().join("keys.db"), backup.path().join("keys.db")).expect("copied");
    assert_eq!(read(&open(backup.path()).expect("opened"), &schema), without(&entries, "secret-name"));
}

#[test]
fn a_segment_opens_only_where_it_was_sealed() {
    let dir = tempfile::tempdir().expect("a directory");
    written(dir.path());
    // Whoever can write the file can also make its checksums and chain fit: the seal is what they can't make.
    let db = rusqlite::Connection::open(dir.path().join("journal.db")).expect("opened");
    let row = |first: i64| -> (Vec<u8>, Vec<u8>) {
        let columns = |r: &rusqlite::Row<'_>| Ok((r.get(0)?, r.get(1)?));
        db.query_row("SELECT payload, chain FROM groups WHERE first = ?1", [first], columns).expect("a row")
    };
    // The last group is exchanged for a copy of the one before it.
    let (moved, before) = row(23);
    let incarnation: Vec<u8> = db.query_row("SELECT incarnation FROM identity", [], |r| r.get(0)).expect("told");
    let arrival: i64 = db.query_row("SELECT arrival FROM groups WHERE first = 29", [], |r| r.get(0)).expect("told");
    let checksum = blake3::hash(&moved);
    let mut hasher = blake3::Hasher::new();
    hasher.update(&before).update(&1_u32.to_le_bytes()).update(&incarnation).update(&29_u64.to_le_bytes());
    hasher.update(&6_u64.to_le_bytes()).update(&arrival.to_le_bytes()).update(checksum.as_bytes());
    let chain = hasher.finalize();
    let bend = "UPDATE groups SET payload = ?1, checksum = ?2, chain = ?3 WHERE first = 29";
    db.execute(bend, rusqlite::params![moved, checksum.as_bytes(), chain.as_bytes()]).expect("bent");
    db.execute("UPDATE head SET chain = ?1", [chain.as_bytes()]).expect("bent");
    drop(db);
    std::fs::remove_file(dir.path().join("journal.db.mark")).expect("removed");
    let error = open(dir.path()).err().expect("found");
    assert!(matches!(error, JournalError::BadSeal { offset: 29, .. }), "{error}");
}
