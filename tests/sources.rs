//! One reading at every stage, and one source: where it is, what never arrived of it, and whether it is silent.

use serde_json::{Value, json};

use crate::support::server::{Server, run, vitalog};
use crate::support::story::{at, ndjson};

fn reading(id: &str, minute: u64, value: u64) -> Value {
    json!({"id": id, "subject": "p-1", "stream": "bg", "at": at(minute), "value": value, "source": "g7", "seq": minute})
}

#[test]
fn a_receipt_shows_a_reading_at_every_stage() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    // Rows stay in memory until it ends.
    let server = Server::start(&data, &["--land-every", "3600"]);
    server.readings(&ndjson(&[reading("r1", 0, 100), reading("r2", 5, 101)])).ok();
    server.readings(&ndjson(&[json!({"id": "r1", "subject": "p-1", "rev": 2, "stream": "bg", "at": at(1), "value": 120})])).ok();
    server.readings(&ndjson(&[json!({"id": "r2", "subject": "p-1", "rev": 2, "removed": true})])).ok();
    // Once views and lake have seen it.
    server.recommendations("p-1");
    server.sql("select 1 as one");
    let of = |server: &Server, id: &str| server.get(&format!("/v1/subjects/p-1/readings/{id}/receipt")).ok().json();
    let receipt = of(&server, "r1");
    let revisions = receipt["revisions"].as_array().unwrap();
    assert_eq!(revisions.len(), 2, "{receipt}");
    for (revision, (rev, standing, table)) in
        revisions.iter().zip([(2, "current", "readings"), (1, "former", "readings_history")])
    {
        assert_eq!((&revision["rev"], &revision["standing"]), (&json!(rev), &json!(standing)), "{receipt}");
        let weight = &revision["journal"]["weight"];
        assert_eq!((weight, weight), (&revision["views"]["weight"], &revision["lake"][0]["weight"]), "{receipt}");
        assert_eq!((&revision["lake"][0]["hot"], &revision["lake"][0]["table"]), (&json!(true), &json!(table)), "{receipt}");
        assert_eq!(revision["lake"].as_array().unwrap().len(), 1, "{receipt}");
    }
    assert_eq!(of(&server, "r2")["revisions"][0]["removed"], true);
    for (path, expected) in [("nobody", 404), (".hidden", 400), ("r%001", 400)] {
        assert_eq!(server.get(&format!("/v1/subjects/p-1/readings/{path}/receipt")).status, expected, "{path}");
    }
    assert_eq!(server.stop(), Some(0));
    let told = |id: &str| {
        let (status, out, err) = run(vitalog().args(["receipt", "--subject", "p-1", "--id", id, "--data"]).arg(&data));
        (status, out + &err)
    };
    let (status, out) = told("r1");
    assert_eq!(status, Some(0), "{out}");
    assert!(out.contains("r1 of p-1, revision 2: current"), "{out}");
    // Rows of a table are counted through its file, by its order: of readings this is the first of this subject and stream, of the history the first that was superseded. (Row groups,
    // and what is pruned of them, are tried in lakehouse/tests/trace.rs.)
    let places = |out: &str| -> Vec<String> {
        let mut all: Vec<String> = out.lines().filter_map(|line| Some(line.split_once("row group ")?.1.to_owned())).collect();
        all.sort();
        all
    };
    let place = |row: u64| format!("0, row {row} (1 of 1 row groups read)");
    assert_eq!(places(&out), [place(0), place(0)], "{out}");
    let removed = told("r2").1;
    assert_eq!(places(&removed), [place(1), place(2)], "{removed}");
    assert!(out.contains("readings/month=2026-03/part-") && out.contains("readings_history/part-"), "{out}");
    assert_eq!(told("nobody").0, Some(1));
    assert_eq!(told("../r1").0, Some(2));
}

#[test]
fn gaps_are_seen_and_closed() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    let sent = |numbers: &[u64]| -> String {
        let each = numbers
            .iter()
            .map(|n| json!({"subject": "p-1", "stream": "bg", "at": at(n * 5), "value": 100, "source": "g7", "seq": n}));
        ndjson(&each.collect::<Vec<_>>())
    };
    let server = Server::start(&data, &[]);
    server.readings(&sent(&[1, 2, 3, 7, 8, 20])).ok();
    server.readings(&ndjson(&[json!({"subject": "p-2", "stream": "bg", "at": at(0), "value": 90, "source": "g7"})])).ok();
    server.recommendations("p-1");
    let g7 = |server: &Server| {
        let page = server.get("/v1/sources?subject=p-1").ok().json();
        assert_eq!((page["total"].as_u64(), &page["sources"][0]["source"]), (Some(1), &json!("g7")), "{page}");
        page["sources"][0].clone()
    };
    let seq = |first: u64, last: u64, missing: u64, gaps: Value| json!({"first": first, "last": last, "missing": missing, "gaps": gaps, "gaps_left_out": 0});
    assert_eq!(g7(&server)["seq"], seq(1, 20, 14, json!([{"from": 4, "to": 6}, {"from": 9, "to": 19}])));
    assert!(server.get("/metrics").ok().body.contains("vitalog_sources_missing_readings 14.0"));
    // Late, in any order, and one that says again what was there.
    server.readings(&sent(&[6, 4, 5, 5])).ok();
    server
        .readings(&ndjson(&[json!({"subject": "p-1", "stream": "bg", "at": at(5), "value": 100, "source": "g7", "seq": 9})]))
        .ok();
    server.recommendations("p-1");
    assert_eq!(g7(&server)["seq"], seq(1, 20, 10, json!([{"from": 10, "to": 19}])));
    let page = server.get("/v1/sources?gaps=true").ok().json();
    assert_eq!((page["total"].as_u64(), &page["sources"][0]["subject"]), (Some(1), &json!("p-1")), "{page}");
    // They were heard just now; `bg` is expected every five minutes.
    let source = g7(&server);
    assert_eq!((&source["silent"], &source["every_s"]), (&json!(false), &json!(300)), "{source}");
    assert_eq!(server.get("/v1/sources?silent=true").ok().json()["total"], 0);
    for query in ["silent=maybe", "subject=..", "limit=0", "limit=x", "sauce=g7"] {
        assert_eq!(server.get(&format!("/v1/sources?{query}")).status, 400, "{query}");
    }
    let before = g7(&server);
    assert_eq!(server.stop(), Some(0));
    // It is the same when the views are made again.
    for file in ["views.db", "views.db-wal", "views.db-shm"] {
        let _ = std::fs::remove_file(data.join(file));
    }
    let server = Server::start(&data, &[]);
    assert_eq!(g7(&server), before);
    assert_eq!(server.stop(), Some(0));
}

/// A clock that is ahead is measured by the reading that says most, one behind by the one that was the shortest on its way; after a restart the same.
#[test]
fn clocks_are_measured() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::start(dir.path(), &[]);
    let ago = |seconds: i64| (jiff::Timestamp::now() - jiff::SignedDuration::from_secs(seconds)).to_string();
    let one = |source: &str, seconds: i64, value: u64| json!({"subject": "p-1", "stream": "bg", "at": ago(seconds), "value": value, "source": source});
    let nap = json!({"subject": "p-1", "stream": "sleep", "start": ago(60), "source": "bed"});
    let sent = [
        one("fast", 20, 100),
        one("fast", -150, 101),
        one("fast", -90, 102),
        one("slow", 7_400, 103),
        one("slow", 3_600, 104),
        nap,
    ];
    server.readings(&ndjson(&sent)).ok();
    server.recommendations("p-1");
    let measured = |server: &Server| -> Vec<(String, Option<i64>, Option<i64>)> {
        let page = server.get("/v1/sources?subject=p-1").ok().json();
        let sources = page["sources"].as_array().unwrap().iter();
        let delay = |source: &Value| {
            let streams = source["streams"].as_array().unwrap().iter();
            // The gateway's own word of a contact has no delay.
            streams.filter(|s| s["stream"] != "contact").find_map(|s| s["least_delay_s"].as_i64())
        };
        sources.map(|s| (s["source"].as_str().unwrap().to_owned(), s["clock_ahead_s"].as_i64(), delay(s))).collect()
    };
    let first = measured(&server);
    let [bed, fast, slow] = &first[..] else { panic!("{first:?}") };
    assert_eq!(bed.2, None, "what goes on has no instant: {first:?}");
    assert!((100..=150).contains(&fast.1.unwrap()) && fast.2 == fast.1.map(|ahead| -ahead), "{first:?}");
    assert!(slow.1 == Some(0) && (3_600..3_650).contains(&slow.2.unwrap()), "{first:?}");
    assert!(server.get("/metrics").ok().body.contains("vitalog_sources_clock_ahead 1.0"));
    assert_eq!(server.stop(), Some(0));
    let server = Server::start(dir.path(), &[]);
    assert_eq!(measured(&server), first);
    assert_eq!(server.stop(), Some(0));
}

#[test]
fn the_silent_are_named() {
    let dir = tempfile::tempdir().unwrap();
    let rules = dir.path().join("rules");
    std::fs::create_dir_all(&rules).unwrap();
    let declared =
        "stream tick every 1 s silent after 5 s { v count }\nstream note every 1 h { v count }\nstream word { v count }\n";
    std::fs::write(rules.join("own.rules"), declared).unwrap();
    let server = Server::start(&dir.path().join("data"), &["--rules", rules.to_str().unwrap()]);
    let one = |stream: &str| json!({"subject": "p-1", "stream": stream, "at": at(0), "v": 1, "source": format!("of-{stream}")});
    server.readings(&ndjson(&[one("tick"), one("note"), one("word")])).ok();
    server.recommendations("p-1");
    std::thread::sleep(std::time::Duration::from_millis(5_200));
    let page = server.get("/v1/sources").ok().json();
    let said: Vec<Value> =
        page["sources"].as_array().unwrap().iter().map(|s| json!([s["source"], s["silent_after_s"], s["silent"]])).collect();
    assert_eq!(said, [json!(["of-note", 10_800, false]), json!(["of-tick", 5, true]), json!(["of-word", null, null])]);
    assert_eq!(server.get("/v1/sources?silent=true").ok().json()["total"], 1);
    let metrics = server.get("/metrics").ok().body;
    assert!(
        metrics.contains("vitalog_sources{state=\"silent\"} 1.0") && metrics.contains("vitalog_sources{state=\"heard\"} 2.0")
    );
    server.readings(&ndjson(&[json!({"subject": "p-1", "stream": "tick", "at": at(1), "v": 2, "source": "of-tick"})])).ok();
    server.recommendations("p-1");
    assert_eq!(server.get("/v1/sources?silent=true").ok().json()["total"], 0);
    assert_eq!(server.stop(), Some(0));
}
