//! Whatever is derived can be taken away: it is made again from the journal, says the same to the hash, and nobody is told anything twice. And what is of another journal is refused.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::support::server::{Server, refused, run};
use crate::support::story::{Numbers, at, ndjson, readings};
use crate::telling::Receiver;

const RULES: &str = "
use health
policy once { notify patient by push }
rule low { severity urgent when bg.value < 54 mg/dL until bg.value >= 60 mg/dL say \"low\" notify once }
rule high { severity warning when bg.value > 250 mg/dL for 15 min gap 20 min say \"high\" }
rule silent { severity info when no bg for 6 h }
rule dip { severity advisory match carbs as meal then bg as b where b.value < 70 mg/dL within 4 h }
rule daily { severity info every day at 06:00 when avg(bg.value over 24 h) > 140 mg/dL }
rule lows { severity warning match low{2..} within 1 d }
";

const TABLES: [&str; 5] = ["readings", "readings_history", "matches", "recommendations", "dead_letters"];

struct House {
    dir: tempfile::TempDir,
    receiver: Receiver,
    flags: Vec<String>,
}

impl House {
    fn new() -> House {
        let dir = tempfile::tempdir().unwrap();
        let (receiver, url) = Receiver::start();
        let rules = dir.path().join("rules");
        std::fs::create_dir_all(&rules).unwrap();
        std::fs::write(rules.join("own.rules"), RULES).unwrap();
        let endpoint = json!({"name": "anna", "url": format!("{url}/anna"), "role": "patient", "channel": "push", "allow_loopback": true,
            "secrets": ["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"]});
        let webhooks = dir.path().join("webhooks.json");
        std::fs::write(&webhooks, json!({ "endpoints": [endpoint] }).to_string()).unwrap();
        let flags =
            ["--rules", rules.to_str().unwrap(), "--webhooks", webhooks.to_str().unwrap(), "--horizon", "1", "--land-every", "1"];
        let flags = flags.map(str::to_owned).to_vec();
        House { dir, receiver, flags }
    }

    fn start(&self, data: &Path) -> Server {
        Server::start(data, &self.flags.iter().map(String::as_str).collect::<Vec<_>>())
    }

    /// Once everything is told and its receipts are journaled, and every sink has all.
    fn settle(&self, server: &Server) {
        let deadline = Instant::now() + Duration::from_secs(60);
        let (mut last, mut since) = (String::new(), Instant::now());
        loop {
            let ready = server.get("/readyz").ok().json();
            let metrics = server.get("/metrics").ok().body;
            let is_told = metrics.contains("vitalog_deliveries_waiting{channel=\"push\"} 0.0");
            let is_fed = ready["checks"]["sinks"].as_object().unwrap().values().all(|sink| sink["behind_inputs"] == 0);
            let now = format!("{} {is_told} {is_fed}", ready["position"]);
            if now != last {
                (last, since) = (now, Instant::now());
            }
            if is_told && is_fed && since.elapsed() > Duration::from_millis(1_500) {
                return;
            }
            assert!(Instant::now() < deadline, "it does not come to rest: {last}");
            std::thread::sleep(Duration::from_millis(50));
        }
    }
}

/// A directory with a life in it: layers, snapshots, messages told, something refused, something answered.
fn lived(house: &House) -> PathBuf {
    let data = house.dir.path().join("data");
    let server = house.start(&data);
    let mut numbers = Numbers(17);
    let long: Vec<Value> = (0..2_880_u64)
        .map(|n| json!({"id": format!("c{n}"), "subject": "p-0", "stream": "bg", "at": at(n * 5), "value": 50 + numbers.below(240)}))
        .collect();
    server.readings(&ndjson(&long)).ok();
    for person in 1..4 {
        let (originals, corrections) = readings(&format!("p-{person}"), person);
        server.readings(&ndjson(&originals)).ok();
        server.readings(&ndjson(&corrections)).ok();
    }
    server.readings(&ndjson(&[json!({"subject": "p-1", "stream": "bg", "at": at(3), "value": "5 parsecs"})]));
    let fresh = |id: &str, value: u64| json!({"id": id, "subject": "p-1", "stream": "bg", "at": jiff::Timestamp::now().to_string(), "value": value});
    server.readings(&ndjson(&[fresh("now-1", 44)])).ok();
    house.receiver.wait_for("low", "patient:opened/1");
    house.settle(&server);
    let open = server.recommendations("p-1").into_iter().find(|r| r["state"] == "open" && r["rule"] == "low").expect("a low");
    let path = format!("/v1/recommendations/{}/acknowledge", open["id"].as_str().unwrap());
    server.try_send("POST", &path, &[], "").unwrap().ok();
    server.readings(&ndjson(&[fresh("now-2", 120)])).ok();
    house.receiver.wait_for("low", "patient:resolved");
    house.settle(&server);
    assert_eq!(server.stop(), Some(0));
    data
}

/// A hash of what each part says.
fn said(house: &House, data: &Path) -> BTreeMap<String, String> {
    let server = house.start(data);
    house.settle(&server);
    let hash = |what: &Value| blake3::hash(what.to_string().as_bytes()).to_hex().to_string();
    let mut said = BTreeMap::new();
    for table in TABLES {
        // A table has no order of its own.
        let rows = server.sql(&format!("select * from {table}"));
        let mut rows: Vec<String> = rows.as_array().unwrap().iter().map(Value::to_string).collect();
        rows.sort();
        assert!(!rows.is_empty(), "{table} says nothing");
        said.insert(format!("lake {table}"), hash(&rows.into()));
    }
    let get = |path: &str| server.get(path).ok().json();
    let mut found = Vec::new();
    for person in 0..4 {
        let subject = format!("p-{person}");
        let recommendations = server.recommendations(&subject);
        found.extend(recommendations.iter().take(25).map(|r| get(&format!("/v1/recommendations/{}", r["id"].as_str().unwrap()))));
        said.insert(format!("views recommendations {subject}"), hash(&recommendations.into()));
        let mut timeline = get(&format!("/v1/subjects/{subject}/timeline?from={}&to={}", at(0), at(14_000)));
        // When it was asked.
        timeline.as_object_mut().unwrap().remove("now");
        said.insert(format!("views timeline {subject}"), hash(&timeline));
        for rule in ["low", "high", "silent", "dip", "lows"] {
            let why = get(&format!("/v1/subjects/{subject}/why?rule={rule}&at={}", at(800)));
            said.insert(format!("engine {rule} of {subject}"), hash(&why));
        }
    }
    assert!(found.iter().any(|r| !r["deliveries"].as_array().unwrap().is_empty()), "nothing was told");
    said.insert("views findings".to_owned(), hash(&found.into()));
    said.insert("views dead letters".to_owned(), hash(&get("/v1/dead-letters")));
    assert_eq!(server.stop(), Some(0));
    let outbox = rusqlite::Connection::open(data.join("outbox.db")).unwrap();
    let mut statement = outbox.prepare("SELECT hex(id), endpoint, kind, body, state FROM delivery ORDER BY id").unwrap();
    let rows = statement.query_map([], |r| {
        Ok(json!([
            r.get::<_, String>(0)?,
            r.get::<_, String>(1)?,
            r.get::<_, String>(2)?,
            r.get::<_, String>(3)?,
            r.get::<_, i64>(4)?
        ]))
    });
    let rows: Vec<Value> = rows.unwrap().map(Result::unwrap).collect();
    assert!(rows.len() >= 2, "{rows:?}");
    said.insert("outbox".to_owned(), hash(&rows.into()));
    said
}

/// A copy without what begins with any of these names.
fn without(data: &Path, gone: &[&str]) -> PathBuf {
    let copy = data.with_file_name(format!("without-{}", gone.join("-")));
    assert_eq!(run(std::process::Command::new("cp").arg("-a").arg(data).arg(&copy)).0, Some(0));
    for entry in std::fs::read_dir(&copy).unwrap().map(Result::unwrap) {
        let name = entry.file_name().into_string().unwrap();
        if gone.iter().any(|gone| name.starts_with(gone)) {
            if entry.path().is_dir() { std::fs::remove_dir_all(entry.path()) } else { std::fs::remove_file(entry.path()) }
                .unwrap();
        }
    }
    copy
}

#[test]
fn whatever_is_derived_is_made_again_the_same_and_nobody_is_told_twice() {
    let house = House::new();
    let data = lived(&house);
    let cold = std::fs::read_dir(data.join("cold")).unwrap().count();
    let snapshots = std::fs::read_dir(data.join("snapshots")).unwrap().count();
    assert!(cold > 0 && snapshots > 0, "there is nothing to take away: {cold} files beyond the horizon, {snapshots} snapshots");
    let told = house.receiver.count();
    let expected = said(&house, &without(&data, &[]));
    let taken: [&[&str]; 8] = [
        &["views.db"],
        &["lake"],
        &["snapshots"],
        &["cold"],
        &["outbox.db"],
        &["partitions", "snapshots"],
        &["journal.db.mark"],
        &["views.db", "lake", "snapshots", "cold", "outbox.db", "partitions"],
    ];
    for gone in taken {
        let again = said(&house, &without(&data, gone));
        let differs: Vec<&String> = expected.keys().filter(|part| expected[*part] != again[*part]).collect();
        assert!(differs.is_empty(), "without {gone:?}, these say something else: {differs:?}");
        assert_eq!(house.receiver.count(), told, "without {gone:?}, something was told again");
    }
}

#[test]
fn what_is_of_another_journal_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let [one, other] = ["one", "other"].map(|name| dir.path().join(name));
    for data in [&one, &other] {
        let server = Server::start(data, &[]);
        server.readings(&ndjson(&readings("p-1", 2).0[..40])).ok();
        assert_eq!(server.stop(), Some(0));
    }
    for sink in ["views.db", "outbox.db", "lake"] {
        let mixed = without(&one, &[sink]);
        for file in std::fs::read_dir(&other).unwrap().map(|entry| entry.unwrap().path()) {
            if file.file_name().unwrap().to_str().unwrap().starts_with(sink) {
                assert_eq!(run(std::process::Command::new("cp").arg("-a").arg(&file).arg(&mixed)).0, Some(0));
            }
        }
        let said = refused(&mixed);
        println!("{said}");
        assert!(said.contains("another journal") || said.contains("belongs to journal"), "{sink}: {said}");
    }
}
