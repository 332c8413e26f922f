//! `vitalog doctor`, from outside: what is sound is said to be, each ailment is found with its remedy, and nothing is ever changed.

use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::support::server::{Server, run, vitalog};
use crate::support::story::{ndjson, readings};

/// A stopped directory, with webhooks beside it.
fn stopped(dir: &Path) -> PathBuf {
    let data = dir.join("data");
    let (status, _, err) = run(vitalog().args(["token", "--data"]).arg(&data).args(["add", "clinic"]));
    assert_eq!(status, Some(0), "{err}");
    std::fs::set_permissions(&data, std::fs::Permissions::from_mode(0o700)).unwrap();
    let server = Server::start(&data, &["--land-every", "1"]);
    server.readings(&ndjson(&readings("p-1", 3).0)).ok();
    std::thread::sleep(std::time::Duration::from_millis(1_500));
    server.readings(&ndjson(&readings("p-2", 3).0)).ok();
    assert_eq!(server.stop(), Some(0));
    let endpoint = r#"{"name": "a", "url": "https://example.org/a", "secrets": ["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"]}"#;
    std::fs::write(dir.join("webhooks.json"), format!(r#"{{"endpoints": [{endpoint}]}}"#)).unwrap();
    data
}

/// How it stands with a thing, what is said of it, and the remedy.
type Said = (String, String, String);

/// What it says of each thing.
fn examined(data: &Path, more: &[&str]) -> (Option<i32>, BTreeMap<String, Said>) {
    let webhooks = data.with_file_name("webhooks.json");
    let mut command = vitalog();
    command.args(["doctor", "--format", "json", "--webhooks"]).arg(webhooks).arg("--data").arg(data).args(more);
    let (status, out, _) = run(&mut command);
    let found = out.lines().map(|line| {
        let finding: Value = serde_json::from_str(line).unwrap_or_else(|e| panic!("{line}: {e}"));
        let text = |key: &str| finding[key].as_str().unwrap().to_owned();
        assert!(finding["standing"] == "sound" || !text("remedy").is_empty(), "{line} has no remedy");
        (text("about"), (text("standing"), text("said"), text("remedy")))
    });
    (status, found.collect())
}

/// Every file's name, content and time of change.
fn state(dir: &Path) -> BTreeMap<PathBuf, (Vec<u8>, std::time::SystemTime)> {
    let mut all = BTreeMap::new();
    for entry in std::fs::read_dir(dir).unwrap().map(Result::unwrap) {
        if entry.path().is_dir() {
            all.extend(state(&entry.path()));
        } else {
            all.insert(entry.path(), (std::fs::read(entry.path()).unwrap(), entry.metadata().unwrap().modified().unwrap()));
        }
    }
    all
}

#[test]
fn a_sound_directory_is_left_as_it_is() {
    let dir = tempfile::tempdir().unwrap();
    let data = stopped(dir.path());
    let before = state(&data);
    let (status, found) = examined(&data, &[]);
    assert_eq!(status, Some(0), "{found:?}");
    assert!(state(&data) == before, "something was changed");
    for about in ["directory", "disk", "rules", "webhooks", "accounts", "journal", "clock", "snapshots", "views", "outbox"] {
        assert_eq!(found[about].0, "sound", "{about}: {:?}", found[about]);
    }
    for about in ["views", "outbox"] {
        assert_eq!(found[about].1, "lacks 0 inputs", "closed in order, so it says how far it has come");
    }
    // It lies beside the journal by default, and that is said.
    assert_eq!(found["keys"].0, "odd");
    let (status, out, err) = run(vitalog().args(["doctor", "--data"]).arg(&data));
    assert_eq!(status, Some(0), "{err}");
    assert!(out.contains("sound  journal ") && out.contains("odd    webhooks ") && out.contains("-> "), "{out}");
    // While a server holds it, it is not looked into.
    let server = Server::start(&data, &[]);
    let (status, found) = examined(&data, &[]);
    assert_eq!((status, found.contains_key("journal")), (Some(0), false), "{found:?}");
    assert!(found["server"].1.contains("a server holds the directory"), "{found:?}");
    server.kill_now();
    drop(server);
    // Killed, it was not closed in order; that is harmless, and so is to look.
    let before = state(&data);
    let (status, found) = examined(&data, &[]);
    assert!(state(&data) == before, "something was changed");
    assert_eq!(status, Some(0), "{found:?}");
    let (status, _, err) = run(vitalog().args(["doctor", "--data"]).arg(dir.path().join("none")));
    assert_eq!(status, Some(1), "{err}");
}

/// A way to break a directory, and what is to be said of it.
type Ailment = (&'static str, &'static str, &'static str, fn(&Path));

const AILMENTS: [Ailment; 13] = [
    ("directory", "odd", "others may look into", |data| mode(data, 0o755)),
    ("keys", "wrong", "others may read", |data| mode(&data.join("kek"), 0o644)),
    ("keys", "wrong", "key-encryption key is missing", |data| remove(&data.join("kek"))),
    ("keys", "wrong", "keys.db is missing", |data| remove(&data.join("keys.db"))),
    ("accounts", "odd", "there are none", |data| remove(&data.join("access.db"))),
    ("accounts", "wrong", "access.db", |data| std::fs::write(data.join("access.db"), "nonsense").unwrap()),
    ("partitions", "wrong", "not a whole number", |data| std::fs::write(data.join("partitions"), "many\n").unwrap()),
    ("journal", "wrong", "its checksum does not fit", |data| {
        let db = rusqlite::Connection::open(data.join("journal.db")).unwrap();
        db.execute("UPDATE groups SET payload = zeroblob(length(payload)) WHERE first = (SELECT max(first) FROM groups)", [])
            .unwrap();
        db.close().unwrap();
    }),
    ("journal", "wrong", "was acknowledged", |data| {
        let db = rusqlite::Connection::open(data.join("journal.db")).unwrap();
        db.execute_batch(
            "DELETE FROM groups WHERE first = (SELECT max(first) FROM groups);
             UPDATE head SET (next, chain) = (SELECT first + count, chain FROM groups ORDER BY first DESC LIMIT 1);",
        )
        .unwrap();
        db.close().unwrap();
    }),
    ("journal", "wrong", "not a journal", |data| {
        std::fs::write(data.join("journal.db"), "something else, and long enough to be read").unwrap()
    }),
    ("snapshots", "odd", "damaged", |data| {
        let files = std::fs::read_dir(data.join("snapshots")).unwrap().map(|entry| entry.unwrap().path());
        let newest = files.max().unwrap();
        let mut bytes = std::fs::read(&newest).unwrap();
        let middle = bytes.len() / 2;
        bytes[middle] ^= 4;
        std::fs::write(&newest, bytes).unwrap();
    }),
    ("views", "wrong", "fed from another journal", |data| {
        let db = rusqlite::Connection::open(data.join("views.db")).unwrap();
        db.execute("UPDATE state SET incarnation = zeroblob(16)", []).unwrap();
        db.close().unwrap();
    }),
    ("outbox", "wrong", "17 inputs are missing", |data| {
        let db = rusqlite::Connection::open(data.join("outbox.db")).unwrap();
        db.execute("UPDATE place SET next = next + 17", []).unwrap();
        db.close().unwrap();
    }),
];

fn mode(path: &Path, mode: u32) {
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
}

fn remove(path: &Path) {
    std::fs::remove_file(path).unwrap();
}

#[test]
fn each_ailment_is_found_with_its_remedy() {
    let dir = tempfile::tempdir().unwrap();
    let data = stopped(dir.path());
    for (number, (about, standing, said, ail)) in AILMENTS.into_iter().enumerate() {
        let copy = dir.path().join(format!("copy-{number}"));
        assert_eq!(run(std::process::Command::new("cp").arg("-a").arg(&data).arg(&copy)).0, Some(0));
        ail(&copy);
        let (status, found) = examined(&copy, &[]);
        let finding = found.get(about).unwrap_or_else(|| panic!("{number}: nothing is said of {about}: {found:?}"));
        assert!(finding.0 == standing && finding.1.contains(said), "{number}: {finding:?}");
        assert_eq!(status, Some(i32::from(standing == "wrong")), "{number}: {found:?}");
        std::fs::remove_dir_all(copy).unwrap();
    }
    let rules = dir.path().join("bad.rules");
    std::fs::write(&rules, "rule x { severity nonsense }\n").unwrap();
    for (about, arguments) in [("rules", ["--rules", rules.to_str().unwrap()]), ("disk", ["--free-space", "99999999"])] {
        let (status, found) = examined(&data, &arguments);
        assert_eq!((status, &*found[about].0), (Some(1), "wrong"), "{found:?}");
    }
    std::fs::write(dir.path().join("webhooks.json"), "{").unwrap();
    assert_eq!(examined(&data, &[]).1["webhooks"].0, "wrong");
}
