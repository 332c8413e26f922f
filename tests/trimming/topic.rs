//! A journal in a topic of Kafka that lets go of what is past: it says what a twin says that kept everything, in a file; and whatever is killed, lost, or put back from before is refused by name or says the same.

use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use vitalog_broker::Broker;
use vitalog_ingest::journal::kafka::Settings;

use super::{
    House, RULES, accounts, arrives_at_both, copy, is_sound, kept_by, metric, said, said_of_others, same, trim, trimming,
};
use crate::kafka::{own, shared};
use crate::support::server::{Server, refused, run, vitalog};
use crate::support::story::ndjson;

/// A data directory that says that its journal is in a topic.
fn in_topic(data: &Path, broker: &Broker, topic: &str) {
    let settings = Settings::parse(&format!("kafka://{}/{topic}", broker.address())).expect("an address");
    std::fs::create_dir_all(data).unwrap();
    std::fs::write(data.join("journal.kafka"), Settings { patience_s: 5, ..settings }.text()).unwrap();
}

/// The same journal in a file, and everything made from it: restored from a backup.
fn twin(house: &House, data: &Path, name: &str) -> std::path::PathBuf {
    let (backup, keys, to) = (house.path(&format!("{name}-backup")), house.path(&format!("{name}-keys")), house.path(name));
    let (status, _, err) = run(vitalog().args(["backup", "--data"]).arg(data).arg("--to").arg(&backup).arg("--keys").arg(&keys));
    assert_eq!(status, Some(0), "{err}");
    let (status, _, err) = run(vitalog().args(["restore", "--from"]).arg(&backup).arg("--to").arg(&to).arg("--keys").arg(&keys));
    assert_eq!(status, Some(0), "{err}");
    to
}

/// LAW: whatever comes after a trim, all that is said is what is said where nothing was let go.
#[test]
fn a_topic_says_what_a_twin_says_that_kept_everything() {
    let Some(broker) = shared() else { return };
    let house = House::new(RULES);
    let data = house.path("data");
    in_topic(&data, broker, "trimmed");
    let to_come = house.lived(&data, 21);
    let kept = twin(&house, &data, "kept");
    let before = house.path("before");
    copy(&data, &before);
    let (_, dry, err) = trimming(&data, &["--retain-journal", "5months", "--dry-run"]);
    assert!(dry["begins"].as_u64() > Some(100) && dry["dry_run"] == true && is_sound(&data).is_null(), "{dry}{err}");
    let gone = trim(&data, 5);
    let begins = gone["begins"].as_u64().unwrap();
    assert!(gone["kept_by"] == json!([]) && gone["groups"].as_u64() > Some(2), "{gone}");
    assert_eq!(
        (&gone["begins"], &gone["bytes_after"], &gone["gave_back"]),
        (&dry["begins"], &Value::Null, &Value::Null),
        "{gone}"
    );
    assert_eq!(is_sound(&data), json!(begins));
    let (_, out, err) = run(vitalog().args(["doctor", "--data"]).arg(&data));
    assert!(out.contains(&format!("the journal begins at offset {begins}")), "{out}{err}");
    same(&said(&house, &kept), &said(&house, &data), "trimmed");
    assert_eq!(accounts(&kept), accounts(&data));
    // What comes later, and between two parts of it a kill.
    let (one, other) = to_come.split_at(to_come.len() / 2);
    for (part, killed) in [(one, true), (other, false)] {
        arrives_at_both(&house, [&kept, &data], part, killed);
    }
    same(&said(&house, &kept), &said(&house, &data), "later");
    assert_eq!(accounts(&kept), accounts(&data), "later");
    // A backup of it is a file, and enough.
    let restored = twin(&house, &data, "restored");
    assert_eq!(is_sound(&restored), json!(begins));
    same(&said(&house, &data), &said(&house, &restored), "restored");
    is_refused_or_says_the_same(&house, &data, &before, begins);
    for data in [&kept, &data] {
        let (status, _, err) = run(vitalog().args(["erase", "--subject", "p-2", "--data"]).arg(data));
        assert_eq!(status, Some(0), "{err}");
    }
    same(&said_of_others(said(&house, &kept)), &said_of_others(said(&house, &data)), "erased");
    assert_eq!(accounts(&kept), accounts(&data), "erased");
    assert_eq!(is_sound(&data), json!(begins));
}

/// A machine whose disk is lost comes back with something, and the topic begins where it begins.
fn is_refused_or_says_the_same(house: &House, data: &Path, before: &Path, begins: u64) {
    // A copy of the directory from before the trim has all that it needs: what is missing to it is in the topic, and so is where that begins.
    same(&said(house, data), &said(house, before), "a copy from before");
    assert_eq!(is_sound(before), json!(begins));
    // With the keys alone nothing can be made: at once, and again.
    let bare = house.path("bare");
    std::fs::create_dir_all(&bare).unwrap();
    for name in ["journal.kafka", "keys.db", "kek", "partitions"] {
        std::fs::copy(data.join(name), bare.join(name)).unwrap();
    }
    for again in 0..2 {
        let err = refused(&bare);
        let offset = format!("begins at offset {begins}");
        assert!(err.contains(&offset) && err.contains("restore a backup"), "{again}: {err}");
    }
    // Without them, too, and they are named.
    std::fs::remove_file(bare.join("keys.db")).unwrap();
    let err = refused(&bare);
    assert!(err.contains("key"), "{err}");
    // Each of what is derived is missed by name.
    for (gone, named) in [
        ("views.db", "views"),
        ("outbox.db", "the outbox is missing, or begins anew"),
        ("lake", "the lake is missing, or begins anew"),
        ("snapshots", "no snapshot that could be gone on from"),
    ] {
        let without = house.path("without");
        copy(data, &without);
        let path = without.join(gone);
        if path.is_dir() {
            std::fs::remove_dir_all(path).unwrap()
        } else {
            std::fs::remove_file(path).unwrap()
        }
        let err = refused(&without);
        assert!(err.contains(named) && err.contains("begins at offset") && err.contains("restore a backup"), "{gone}: {err}");
        std::fs::remove_dir_all(&without).unwrap();
    }
}

/// A server trims while readings come; its brokers and itself are killed meanwhile, and nothing of what was acknowledged is gone.
#[test]
fn a_server_lets_go_of_a_topic_while_it_runs() {
    let Some(mut broker) = own() else { return };
    let house = House::new(RULES);
    let data = house.path("data");
    in_topic(&data, &broker, "served");
    let to_come = house.lived(&data, 22);
    let kept = twin(&house, &data, "kept");
    let start = |keep: &str| {
        let rules = house.rules.to_str().unwrap();
        Server::start(&data, &["--rules", rules, "--horizon", "1", "--land-every", "1", "--retain-journal", keep])
    };
    let server = start("6months");
    let first = "vitalog_journal_first_offset";
    let (mut pieces, until) = (to_come.chunks(4), Instant::now() + Duration::from_secs(60));
    let mut sent = 0;
    while metric(&server, first) == 0.0 {
        let piece = pieces.next().expect("it takes less long");
        sent += piece.len();
        server.readings(&ndjson(piece)).ok();
        assert!(Instant::now() < until, "nothing went");
        std::thread::sleep(Duration::from_millis(100));
    }
    let begins = metric(&server, first) as u64;
    assert!(begins > 100, "{begins}");
    server.kill_now();
    drop(server);
    // By a shorter time, killed: not trimmed further, or trimmed.
    for round in 0..3 {
        let server = start("5months");
        std::thread::sleep(Duration::from_millis(500 + 250 * round));
        server.kill_now();
    }
    // The broker goes while it may be noting or removing, and comes back; nothing of it is needed but time.
    let server = start("5months");
    std::thread::sleep(Duration::from_millis(550));
    broker.kill();
    std::thread::sleep(Duration::from_millis(1_500));
    broker.start_again();
    let until = Instant::now() + Duration::from_secs(40);
    while server.get("/readyz").status != 200 {
        assert!(Instant::now() < until, "{}", server.get("/readyz").body);
        std::thread::sleep(Duration::from_millis(100));
    }
    let piece = pieces.next().expect("there is more");
    sent += piece.len();
    let acknowledged = || server.try_readings(&ndjson(piece)).is_some_and(|answer| answer.status == 200);
    while !acknowledged() {
        assert!(Instant::now() < until, "it takes nothing");
        std::thread::sleep(Duration::from_millis(100));
    }
    assert_eq!(server.stop(), Some(0));
    house.settle(&data);
    assert!(is_sound(&data).as_u64().unwrap() >= begins);
    // Whatever came about, it is what a twin says that kept everything and was sent the same.
    let server = house.start(&kept);
    for piece in to_come[..sent].chunks(4) {
        server.readings(&ndjson(piece)).ok();
    }
    assert_eq!(server.stop(), Some(0));
    let (one, other) = (kept_by(&house, &kept), kept_by(&house, &data));
    let differ: Vec<&String> = one.symmetric_difference(&other).collect();
    assert!(differ.is_empty() && one.len() > 3_000, "{} rows, {differ:?}", one.len());
    accounts(&data);
}
