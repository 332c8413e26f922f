//! Backup and restore from outside: under load, killed half way, damaged, and beside sinks of the past that was lost. And the other way that the manual names: a copy of a stopped directory.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::support::server::{Server, refused, run, vitalog};
use crate::support::story::{at, ndjson, readings};

fn copy(from: &Path, to: &Path) {
    let (status, _, err) = run(Command::new("cp").arg("-a").arg(from).arg(to));
    assert_eq!(status, Some(0), "{err}");
}

fn recommendations(server: &Server, subject: &str) -> Vec<serde_json::Value> {
    // What SQL has seen, the views have not necessarily: ask for the position that SQL stands at.
    let position = server.get("/readyz").ok().json()["position"].to_string();
    let path = format!("/v1/subjects/{subject}/recommendations?limit=1000");
    let answer = server.try_send("GET", &path, &[("vitalog-position", &position)], "").expect("an answer").ok().json();
    answer["recommendations"].as_array().expect("a list").clone()
}

#[test]
fn a_copy_of_a_stopped_directory_is_the_same_again() {
    let dir = tempfile::tempdir().unwrap();
    let (data, copied) = (dir.path().join("data"), dir.path().join("copy"));
    let (originals, corrections) = readings("p-1", 5);
    let server = Server::start(&data, &[]);
    server.readings(&ndjson(&originals)).ok();
    server.readings(&ndjson(&corrections)).ok();
    let count = server.sql("select count(*) as n from readings");
    assert_eq!(server.stop(), Some(0));
    copy(&data, &copied);
    let (one, other) = (Server::start(&data, &[]), Server::start(&copied, &[]));
    assert_eq!(one.sql("select count(*) as n from readings"), count);
    assert_eq!(other.sql("select count(*) as n from readings"), count);
    assert_eq!(recommendations(&one, "p-1"), recommendations(&other, "p-1"));
    assert_eq!((one.stop(), other.stop()), (Some(0), Some(0)));
}

/// Runs a command to its end, and gives its status, the JSON it printed, and what it said.
fn told(command: &mut Command) -> (Option<i32>, Value, String) {
    let (status, out, err) = run(command);
    (status, serde_json::from_str(&out).unwrap_or_default(), err)
}

fn backup(data: &Path, to: &Path, keys: &Path) -> Value {
    let mut command = vitalog();
    command.args(["backup", "--format", "json", "--data"]).arg(data).arg("--to").arg(to).arg("--keys").arg(keys);
    let (status, made, err) = told(&mut command);
    assert_eq!(status, Some(0), "{err}");
    made
}

fn restoring(from: &Path, to: &Path, keys: Option<&Path>) -> Command {
    let mut command = vitalog();
    command.args(["restore", "--format", "json", "--from"]).arg(from).arg("--to").arg(to);
    if let Some(keys) = keys {
        command.arg("--keys").arg(keys);
    }
    command
}

fn restore(from: &Path, to: &Path, keys: &Path) -> Value {
    let (status, restored, err) = told(&mut restoring(from, to, Some(keys)));
    assert_eq!(status, Some(0), "{err}");
    restored
}

fn is_sound(data: &Path) -> bool {
    let (_, found, err) = told(vitalog().args(["audit", "journal", "--format", "json", "--data"]).arg(data));
    assert!(found["damage"].is_array(), "{err}");
    found["sound"] == true
}

/// Sends batches until told to end; each reading that was acknowledged, with its offset.
fn load(server: &Server, worker: u64, acknowledged: &Mutex<BTreeMap<String, u64>>, end: &AtomicBool) {
    for batch in 0.. {
        if end.load(Ordering::Acquire) {
            return;
        }
        let reading = |i: u64| {
            let n = batch * 50 + i;
            json!({"id": format!("{worker}-{n}"), "subject": format!("s-{}", n % 7), "stream": "bg", "at": at(n % 2_000), "value": 60 + n % 200})
        };
        let lines: Vec<Value> = (0..50).map(reading).collect();
        let receipts = server.readings(&ndjson(&lines)).ok().json();
        let mut acknowledged = acknowledged.lock().unwrap();
        for receipt in receipts["receipts"].as_array().unwrap() {
            acknowledged.insert(receipt["id"].as_str().unwrap().to_owned(), receipt["offset"].as_u64().unwrap());
        }
    }
}

#[test]
fn a_backup_made_under_load_is_the_acknowledged_prefix() {
    let dir = tempfile::tempdir().unwrap();
    let (data, backups, keys) = (dir.path().join("data"), dir.path().join("backups"), dir.path().join("keys"));
    let flags = ["--land-every", "1", "--backups", backups.to_str().unwrap(), "--backup-keys", keys.to_str().unwrap()];
    let server = Server::start(&data, &flags);
    let (acknowledged, end) = (Mutex::default(), AtomicBool::new(false));
    let (before, position) = std::thread::scope(|scope| {
        for worker in 0..3 {
            let (server, acknowledged, end) = (&server, &acknowledged, &end);
            scope.spawn(move || load(server, worker, acknowledged, end));
        }
        std::thread::sleep(Duration::from_secs(2));
        let before = acknowledged.lock().unwrap().len();
        let (status, made, err) = told(vitalog().args(["backup", "--format", "json", "--url", &server.url]));
        assert_eq!(status, Some(0), "{err}");
        assert_eq!((made["keys"].as_str(), made["kek"].as_bool()), (keys.to_str(), Some(true)), "{made}");
        std::thread::sleep(Duration::from_millis(300));
        end.store(true, Ordering::Release);
        (before, made["position"].as_u64().unwrap())
    });
    assert_eq!(server.stop(), Some(0));
    let acknowledged = acknowledged.into_inner().unwrap();
    let expected: Vec<&String> = acknowledged.iter().filter(|(_, offset)| **offset < position).map(|(id, _)| id).collect();
    assert!(before > 500 && expected.len() >= before, "{before} were acknowledged before it, {} are in it", expected.len());
    assert!(expected.len() < acknowledged.len(), "nothing came after it, so nothing is proven");

    let made: Vec<PathBuf> = std::fs::read_dir(&backups).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert_eq!(made.len(), 1, "{made:?}");
    let put_back = dir.path().join("restored");
    assert_eq!(restore(&made[0], &put_back, &keys)["position"], position);
    assert!(is_sound(&put_back));
    let server = Server::start(&put_back, &[]);
    let rows = server.sql("select id from readings where stream = 'bg' order by id");
    let held: Vec<&str> = rows.as_array().unwrap().iter().map(|row| row["id"].as_str().unwrap()).collect();
    assert!(held == expected, "{} readings are there, {} were acknowledged before it", held.len(), expected.len());
    let in_views: u64 = server.get("/v1/subjects?limit=200").ok().json()["subjects"]
        .as_array()
        .unwrap()
        .iter()
        .map(|s| s["readings"].as_u64().unwrap())
        .sum();
    let in_lake = server.sql("select count(*) as n from readings")[0]["n"].as_u64().unwrap();
    assert_eq!(in_views, in_lake);
    // What was lost is sent again.
    let again = json!({"id": "0-0", "subject": "s-0", "stream": "bg", "at": at(0), "value": 60});
    let new = json!({"id": "new", "subject": "s-0", "stream": "bg", "at": at(5), "value": 61});
    let answer = server.readings(&ndjson(&[again, new])).ok().json();
    assert_eq!((&answer["duplicate"], &answer["accepted"]), (&json!(1), &json!(1)), "{answer}");
    assert_eq!(server.stop(), Some(0));
    assert!(is_sound(&put_back), "it goes on");
}

/// A stopped directory with some readings, its backup and the copy of its keys.
fn backed_up(dir: &Path, people: u64) -> [PathBuf; 3] {
    let [data, made, keys] = ["data", "backup", "keys"].map(|name| dir.join(name));
    let server = Server::start(&data, &[]);
    for person in 0..people {
        server.readings(&ndjson(&readings(&format!("p-{person}"), person).0)).ok();
    }
    assert_eq!(server.stop(), Some(0));
    backup(&data, &made, &keys);
    [data, made, keys]
}

/// A sink's files by their common name: SQLite's log belongs to them.
fn files_of(data: &Path, sink: &str) -> Vec<PathBuf> {
    let paths = std::fs::read_dir(data).unwrap().map(|entry| entry.unwrap().path());
    paths.filter(|path| path.file_name().unwrap().to_str().unwrap().starts_with(sink)).collect()
}

fn put(from: &Path, to: &Path, sink: &str) {
    files_of(from, sink).iter().for_each(|file| copy(file, &to.join(file.file_name().unwrap())));
}

fn take_away(data: &Path, sink: &str) {
    for path in files_of(data, sink) {
        if path.is_dir() { std::fs::remove_dir_all(path) } else { std::fs::remove_file(path) }.unwrap();
    }
}

#[test]
fn what_was_fed_from_the_lost_part_refuses_and_says_how_much_is_missing() {
    let dir = tempfile::tempdir().unwrap();
    let [data, made, keys] = backed_up(dir.path(), 2);
    let server = Server::start(&data, &[]);
    let position = server.get("/readyz").ok().json()["position"].as_u64().unwrap();
    server.readings(&ndjson(&readings("p-lost", 4).0)).ok();
    assert_eq!(server.stop(), Some(0));
    let missing = |said: &str| -> u64 {
        let at = said.find(" inputs that it knows are missing from the journal").unwrap_or_else(|| panic!("{said}"));
        said[..at].rsplit(' ').next().unwrap().parse().unwrap()
    };
    for (name, sink) in [("views", "views.db"), ("outbox", "outbox.db"), ("lake", "lake")] {
        let put_back = dir.path().join(format!("restored-{name}"));
        restore(&made, &put_back, &keys);
        put(&data, &put_back, sink);
        let said = refused(&put_back);
        let lost = missing(&said);
        assert!(said.contains(&format!("the {name} has come to offset {}", position + lost)), "{said}");
        assert!(lost > 500 && said.contains(&format!("which ends at offset {position}")), "{said}");
        assert!(said.contains("to have it rebuilt"), "{said}");

        // The journal goes on, further than the sink had come: it is another past all the same.
        take_away(&put_back, sink);
        let server = Server::start(&put_back, &[]);
        server.readings(&ndjson(&readings("p-else", 6).0)).ok();
        server.readings(&ndjson(&readings("p-more", 8).0)).ok();
        assert_eq!(server.stop(), Some(0));
        take_away(&put_back, sink);
        put(&data, &put_back, sink);
        assert_eq!(missing(&refused(&put_back)), lost, "{name}");
    }
}

/// Starts a command, kills it after a while, and says whether it had ended by itself.
fn killed(mut command: Command, after: Duration) -> bool {
    let mut process = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("it starts");
    std::thread::sleep(after);
    let ended = process.try_wait().expect("its state").is_some();
    let _ = process.kill();
    process.wait().expect("it ended");
    ended
}

#[test]
fn a_kill_leaves_nothing_or_a_whole_one() {
    let dir = tempfile::tempdir().unwrap();
    let [data, made, keys] = backed_up(dir.path(), 12);
    let (mut cut, mut whole) = ([0, 0], [0, 0]);
    // From at once to twice as long as it takes here and now.
    let began = Instant::now();
    restore(&made, &dir.path().join("measured"), &keys);
    let whole_ms = began.elapsed().as_millis() as u64;
    for round in 0..24_u64 {
        let after = Duration::from_millis(whole_ms * round / 12);
        let (again, put_back) =
            (dir.path().join(format!("backup-{}", round % 2)), dir.path().join(format!("restored-{}", round % 2)));
        let mut command = vitalog();
        command.args(["backup", "--data"]).arg(&data).arg("--to").arg(&again).arg("--keys").arg(&keys);
        let kinds = [(command, &again), (restoring(&made, &put_back, Some(&keys)), &put_back)];
        for (kind, (command, place)) in kinds.into_iter().enumerate() {
            let ended = killed(command, after);
            assert!(place.exists() || !ended, "it ended, and made nothing");
            if !place.exists() {
                cut[kind] += 1;
                continue;
            }
            whole[kind] += 1;
            if kind == 0 {
                let check = dir.path().join("check");
                restore(place, &check, &keys);
                std::fs::remove_dir_all(check).unwrap();
            } else {
                assert!(is_sound(place), "{}", place.display());
            }
            std::fs::remove_dir_all(place).unwrap();
        }
    }
    println!("cut off {cut:?}, whole {whole:?}");
    assert!(cut.iter().chain(&whole).all(|count| *count > 0), "cut off {cut:?}, whole {whole:?}");
    // Whatever was left half done is taken away by the next.
    backup(&data, &dir.path().join("backup-0"), &keys);
    restore(&made, &dir.path().join("restored-0"), &keys);
    assert!(!dir.path().join(".backup-0.vitalog-draft").exists() && !dir.path().join(".restored-0.vitalog-draft").exists());
}

#[test]
fn a_flipped_byte_is_refused_by_the_name_of_its_file() {
    let dir = tempfile::tempdir().unwrap();
    let [data, made, keys] = backed_up(dir.path(), 1);
    let put_back = dir.path().join("restored");
    let refused = |what: &str| {
        let (status, _, err) = told(&mut restoring(&made, &put_back, Some(&keys)));
        assert_eq!(status, Some(1), "{what}: {err}");
        assert!(!put_back.exists() && err.contains("help: "), "{what}: {err}");
        err
    };
    for name in ["manifest.json", "journal.db", "partitions"] {
        let path = made.join(name);
        let sound = std::fs::read(&path).unwrap();
        let step = if name == "manifest.json" { 37 } else { sound.len().div_ceil(9) };
        for place in (0..sound.len()).step_by(step).chain([sound.len() - 1]) {
            let mut bent = sound.clone();
            bent[place] ^= 1 << (place % 8);
            std::fs::write(&path, bent).unwrap();
            let said = refused(&format!("{name}, byte {place}"));
            assert!(said.contains(name) && said.contains("damaged"), "byte {place}: {said}");
        }
        std::fs::write(&path, &sound[..sound.len() - 1]).unwrap();
        assert!(refused("a byte less").contains(name));
        std::fs::remove_file(&path).unwrap();
        if name != "manifest.json" {
            assert!(refused("no such file").contains(name));
        }
        std::fs::write(&path, sound).unwrap();
    }
    // The copy of the keys: one that is bent, one that lacks the key-encryption key, one of others.
    let store = keys.join("keys.db");
    let sound = std::fs::read(&store).unwrap();
    let mut found = 0;
    for place in (0..sound.len()).step_by(509) {
        let mut bent = sound.clone();
        bent[place] ^= 1 << (place % 8);
        std::fs::write(&store, bent).unwrap();
        let (status, _, err) = told(&mut restoring(&made, &put_back, Some(&keys)));
        if status == Some(0) {
            // A byte that nothing lies on.
            assert!(is_sound(&put_back), "byte {place}");
            std::fs::remove_dir_all(&put_back).unwrap();
        } else {
            assert!(err.contains("key") && !put_back.exists(), "byte {place}: {err}");
            found += 1;
        }
    }
    assert!(found > 2, "only {found} of the bent stores were refused");
    std::fs::write(&store, sound).unwrap();
    let kek = std::fs::read(keys.join("kek")).unwrap();
    std::fs::write(keys.join("kek"), "0".repeat(64)).unwrap();
    assert!(refused("another key").contains("does not open the key store"));
    std::fs::write(keys.join("kek"), kek).unwrap();
    restore(&made, &put_back, &keys);
    assert!(is_sound(&put_back));
    // Nothing is put over what is there.
    for place in [&put_back, &data] {
        let (status, _, err) = told(&mut restoring(&made, place, Some(&keys)));
        assert_eq!(status, Some(2), "{err}");
        assert!(err.contains("is there already, and not empty"), "{err}");
    }
}

#[test]
fn keys_stay_apart_and_only_who_may_operate_makes_backups() {
    let dir = tempfile::tempdir().unwrap();
    let [data, made, keys] = backed_up(dir.path(), 1);
    let names = |dir: &Path| {
        let mut names: Vec<String> =
            std::fs::read_dir(dir).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    };
    assert_eq!(names(&made), ["journal.db", "manifest.json", "partitions"]);
    assert_eq!(names(&keys), ["kek", "keys.db"]);
    for file in [made.join("journal.db"), keys.join("kek"), keys.join("keys.db")] {
        use std::os::unix::fs::PermissionsExt;
        let mode = std::fs::metadata(&file).unwrap().permissions().mode() & 0o777;
        assert!(mode & 0o077 == 0 || file.starts_with(&made), "{} has mode {mode:o}", file.display());
    }
    let mut command = vitalog();
    command.args(["backup", "--data"]).arg(&data).arg("--to").arg(dir.path().join("other")).arg("--keys").arg(data.join("keys"));
    let (status, _, err) = told(&mut command);
    assert_eq!(status, Some(2), "{err}");
    assert!(err.contains("lies in the data directory") && !dir.path().join("other").exists(), "{err}");
    // Without keys it is restored, and says that they are missing; a server does not start without.
    let put_back = dir.path().join("restored");
    let (status, restored, err) = told(&mut restoring(&made, &put_back, None));
    assert_eq!((status, restored["keys"].as_bool()), (Some(0), Some(false)), "{err}");
    let said = refused(&put_back);
    assert!(said.contains("keys.db"), "{said}");
    for name in ["kek", "keys.db"] {
        copy(&keys.join(name), &put_back.join(name));
    }
    assert!(is_sound(&put_back));

    let token = |id: &str, scopes: &str| {
        let (status, out, err) = run(vitalog().args(["token", "--data"]).arg(&data).args(["add", id, "--scopes", scopes]));
        assert_eq!(status, Some(0), "{err}");
        out.trim().to_owned()
    };
    let (operator, reader) = (token("operator", "operate"), token("reader", "read,write,list,query,rule"));
    let backups = dir.path().join("backups");
    let serve = |more: &[&str]| {
        let mut command = vitalog();
        command.args(["serve", "--listen", "127.0.0.1:0", "--data"]).arg(&data).args(more);
        Server::spawn(command)
    };
    let ask = |server: &Server, token: &str| {
        let (status, _, err) = run(vitalog().args(["backup", "--url", &server.url, "--token", token]));
        (status, err)
    };
    let server = serve(&[]);
    let (status, err) = ask(&server, &operator);
    assert!(status == Some(1) && err.contains("--backups DIR"), "{err}");
    // Who has the directory is the server: a command beside it is sent there.
    let mut command = vitalog();
    command.args(["backup", "--data"]).arg(&data).arg("--to").arg(dir.path().join("other"));
    let (status, _, err) = told(&mut command);
    assert!(status == Some(1) && err.contains("held by another process"), "{err}");
    assert_eq!(server.stop(), Some(0));
    let server = serve(&["--backups", backups.to_str().unwrap()]);
    let (status, err) = ask(&server, &reader);
    assert!(status == Some(1) && err.contains("may not make backups") && !backups.exists(), "{err}");
    assert_eq!(ask(&server, &operator), (Some(0), String::new()));
    assert_eq!(server.stop(), Some(0));
    let made = std::fs::read_dir(&backups).unwrap().next().unwrap().unwrap().path();
    assert_eq!(names(&made), ["access.db", "journal.db", "manifest.json", "partitions"]);
}
