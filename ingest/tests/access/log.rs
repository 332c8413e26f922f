//! The access log: it goes on over restarts and torn ends, and no byte of it changes unseen.

use std::path::Path;
use std::sync::Arc;

use vitalog_elog::Subject;
use vitalog_elog::access::{Access, Principal, Wish};
use vitalog_ingest::access::log::{AccessAudit, Entry, Faulty, Signer, Writer, audit};
use vitalog_ingest::access::{Noted, Open};

fn open(folder: &Path) -> Writer {
    let signer = Signer::open(&folder.join("key")).expect("a key");
    Writer::open(&folder.join("access"), signer).expect("opened")
}

fn entry(who: &str) -> Entry {
    let visit = Arc::new(Noted::default());
    let principal = Principal::new(who).on(visit.clone());
    Open.decide(&principal, Wish::Read(&Subject::new("p-1")));
    Open.decide(&principal, Wish::Query);
    let entry = Entry {
        at: "2026-11-20T08:00:00Z".to_owned(),
        who: who.to_owned(),
        via: "token \"x\"".to_owned(),
        door: "GET /v1/x".to_owned(),
        status: 200,
        ..Entry::default()
    };
    entry.asking(visit.asked())
}

fn audited(folder: &Path) -> AccessAudit {
    audit(&folder.join("access"), None, &[], |_, _| {}).expect("read")
}

fn the_file(folder: &Path) -> std::path::PathBuf {
    let mut files: Vec<_> =
        std::fs::read_dir(folder.join("access")).expect("a folder").map(|f| f.expect("a file").path()).collect();
    files.sort();
    files.pop().expect("one")
}

#[test]
fn what_was_written_is_read_and_goes_on_after_a_restart() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut writer = open(folder.path());
    writer.append(&[entry("lee"), entry("kim")]).expect("kept");
    writer.sign("2026-11-20T08:00:01Z").expect("signed");
    writer.append(&[entry("lee")]).expect("kept");
    drop(writer);
    let mut writer = open(folder.path());
    writer.sign("2026-11-20T08:00:02Z").expect("signed");
    writer.sign("2026-11-20T08:00:03Z").expect("nothing is new");
    writer.append(&[entry("lee \u{1F600} \"}")]).expect("kept");
    let mut seen = Vec::new();
    let found = audit(&folder.path().join("access"), None, &[], |n, e| seen.push((n, e.clone()))).expect("read");
    assert_eq!(
        seen.iter().map(|(n, e)| (*n, e.who.as_str())).collect::<Vec<_>>(),
        [(1, "lee"), (2, "kim"), (3, "lee"), (4, "lee \u{1F600} \"}")]
    );
    assert_eq!(seen[0].1, entry("lee"));
    assert_eq!(seen[0].1.asked, [("read".to_owned(), Some("p-1".to_owned()), true), ("query".to_owned(), None, true)]);
    assert_eq!((found.entries, found.heads, found.signed, found.faults.len(), found.keys.len()), (4, 2, 3, 0, 1));
}

#[test]
fn every_changed_byte_is_found() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut writer = open(folder.path());
    writer.append(&[entry("lee"), entry("kim")]).expect("kept");
    writer.sign("2026-11-20T08:00:01Z").expect("signed");
    writer.append(&[entry("lee")]).expect("kept");
    writer.sign("2026-11-20T08:00:02Z").expect("signed");
    let path = the_file(folder.path());
    let sound = std::fs::read(&path).expect("read");
    for at in 0..sound.len() {
        for flip in [1_u8, 0x20, 0x80] {
            let mut bytes = sound.clone();
            bytes[at] ^= flip;
            std::fs::write(&path, &bytes).expect("written");
            let found = audited(folder.path());
            assert!(!found.faults.is_empty(), "byte {at} of {}: {:?}", sound.len(), String::from_utf8_lossy(&bytes));
        }
    }
    // A line taken out, doubled, exchanged with its neighbour.
    let lines: Vec<&[u8]> = sound.split_inclusive(|b| *b == b'\n').collect();
    for i in 0..lines.len() {
        let (mut without, mut twice, mut exchanged) = (lines.clone(), lines.clone(), lines.clone());
        without.remove(i);
        twice.insert(i, lines[i]);
        exchanged.swap(i, (i + 1) % lines.len());
        for (what, bytes) in [("without", without.concat()), ("twice", twice.concat()), ("exchanged", exchanged.concat())] {
            std::fs::write(&path, &bytes).expect("written");
            let found = audited(folder.path());
            // Without its last lines it is a log that is shorter, and a head that is repeated says the same: that takes a head noted elsewhere.
            let is_a_head = lines[i].starts_with(b"{\"head\"");
            let is_blind = is_a_head && what != "exchanged";
            assert!(is_blind || !found.faults.is_empty(), "line {i} {what}");
        }
    }
}

#[test]
fn a_noted_head_finds_a_past_that_was_written_anew() {
    let (folder, forged) = (tempfile::tempdir().expect("a folder"), tempfile::tempdir().expect("a folder"));
    let mut writer = open(folder.path());
    writer.append(&[entry("lee"), entry("kim")]).expect("kept");
    let noted = audited(folder.path()).last.expect("an end");
    writer.append(&[entry("lee")]).expect("kept");
    let check = |folder: &Path| audit(&folder.join("access"), None, std::slice::from_ref(&noted), |_, _| {}).expect("read");
    let found = check(folder.path());
    assert_eq!((found.confirmed, found.faults.len()), (1, 0));
    // Somebody who has the key writes another past, without kim.
    std::fs::copy(folder.path().join("key"), forged.path().join("key")).expect("stolen");
    let mut writer = open(forged.path());
    writer.append(&[entry("lee"), entry("lee"), entry("lee")]).expect("kept");
    writer.sign("2026-11-20T08:00:01Z").expect("signed");
    assert!(audited(forged.path()).faults.is_empty(), "by itself it is sound");
    let found = check(forged.path());
    assert_eq!(found.faults.iter().map(|f| f.what.clone()).collect::<Vec<_>>(), [Faulty::Noted(2)]);
    // And with another key, it is found by that.
    let key = Signer::open(&folder.path().join("key")).expect("a key").public();
    std::fs::write(forged.path().join("key"), "11".repeat(32)).expect("written");
    let mut writer = open(forged.path());
    writer.append(&[entry("lee")]).expect("kept");
    writer.sign("2026-11-20T08:00:02Z").expect("signed");
    let found = audit(&forged.path().join("access"), Some(&key), &[], |_, _| {}).expect("read");
    assert!(matches!(&found.faults[..], [fault] if matches!(fault.what, Faulty::Key(_))), "{:?}", found.faults);
}

#[test]
fn a_log_cut_anywhere_goes_on_and_what_was_whole_stays() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut writer = open(folder.path());
    writer.append(&[entry("lee"), entry("kim")]).expect("kept");
    writer.sign("2026-11-20T08:00:01Z").expect("signed");
    writer.append(&[entry("lee")]).expect("kept");
    drop(writer);
    let path = the_file(folder.path());
    let sound = std::fs::read(&path).expect("read");
    for at in 0..=sound.len() {
        let cut = tempfile::tempdir().expect("a folder");
        std::fs::create_dir(cut.path().join("access")).expect("made");
        std::fs::copy(folder.path().join("key"), cut.path().join("key")).expect("copied");
        std::fs::write(cut.path().join("access").join(path.file_name().expect("a name")), &sound[..at]).expect("written");
        let whole = sound[..at].iter().filter(|b| **b == b'\n').count();
        let mut writer = open(cut.path());
        writer.append(&[entry("new")]).expect("kept");
        writer.sign("2026-11-20T08:00:03Z").expect("signed");
        let mut seen = Vec::new();
        let found = audit(&cut.path().join("access"), None, &[], |_, e| seen.push(e.who.clone())).expect("read");
        let before: &[&str] = match whole {
            0 | 1 => &[],
            2 => &["lee"],
            3 | 4 => &["lee", "kim"],
            _ => &["lee", "kim", "lee"],
        };
        assert_eq!(seen[..seen.len() - 1], *before, "cut at {at}");
        assert_eq!(seen.last().map(String::as_str), Some("new"));
        assert!(found.faults.is_empty(), "cut at {at}: {:?}", found.faults);
    }
}

#[test]
fn a_damaged_file_is_left_and_the_log_goes_on_in_another() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut writer = open(folder.path());
    writer.append(&[entry("lee"), entry("kim"), entry("lee")]).expect("kept");
    drop(writer);
    let path = the_file(folder.path());
    let damaged = String::from_utf8(std::fs::read(&path).expect("read")).expect("text").replace("kim", "tim");
    std::fs::write(&path, &damaged).expect("written");
    let mut writer = open(folder.path());
    writer.append(&[entry("new")]).expect("kept");
    writer.sign("2026-11-20T08:00:01Z").expect("signed");
    drop(writer);
    let mut writer = open(folder.path());
    writer.append(&[entry("newer")]).expect("kept");
    assert_eq!(std::fs::read_to_string(&path).expect("read"), damaged, "it is evidence");
    let mut seen = Vec::new();
    let found = audit(&folder.path().join("access"), None, &[], |n, e| seen.push((n, e.who.clone()))).expect("read");
    assert_eq!(seen.iter().map(|(_, who)| who.as_str()).collect::<Vec<_>>(), ["lee", "tim", "lee", "new", "newer"]);
    let mut numbers: Vec<u64> = seen.iter().map(|(n, _)| *n).collect();
    numbers.dedup();
    assert_eq!(numbers.len(), 5, "no number comes twice: {seen:?}");
    assert!(found.faults.iter().any(|f| f.line == 3 && f.what == Faulty::Chain), "{:?}", found.faults);
    assert_eq!(found.files, 2);
}
