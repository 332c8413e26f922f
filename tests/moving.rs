//! Readings of the wrong subject, moved to the right one: afterwards everything stands as if they had been sent about that one, and a kill leaves none on both timelines or on none.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use serde_json::{Value, json};

use crate::support::server::{Server, run, vitalog};
use crate::support::story::{Numbers, at, ndjson, readings};

const NOW: [&str; 2] = ["--land-every", "1"];

/// What stands about somebody: rule and onset, and how.
fn standing(server: &Server, subject: &str) -> BTreeMap<String, (Value, Value)> {
    let all = server.recommendations(subject).into_iter().filter(|r| r["state"] != "rescinded");
    all.map(|r| (format!("{} {}", r["rule"], r["onset"]), (r["state"].clone(), r["end"].clone()))).collect()
}

fn moved(server: &Server, args: &[&str]) -> (Option<i32>, Value, String) {
    let (status, out, err) = run(vitalog().args(["move", "--format", "json", "--url", &server.url]).args(args));
    (status, serde_json::from_str(&out).unwrap_or_default(), err)
}

/// Two days of a meter, as it sends, under names of its own.
fn of_meter(subject: &str) -> Vec<Value> {
    let (originals, corrections) = readings(subject, 5);
    let whole = originals.into_iter().chain(corrections);
    whole
        .map(|mut reading| {
            if reading["removed"] != true {
                reading["source"] = json!("meter-17");
            }
            if let Some(id) = reading["id"].as_str() {
                reading["id"] = json!(format!("m-{id}"));
            }
            reading
        })
        .collect()
}

/// The lake's readings of the two, without what the server wrote of its own.
fn in_lake(server: &Server) -> Value {
    server.sql(
        "select subject, stream, count(*) as n, min(coalesce(at, start_at)) as first, sum(bg_value) as glucose, sum(carbs_amount) as carbs
         from readings where stream != 'contact' group by subject, stream order by subject, stream",
    )
}

#[test]
fn it_is_as_if_they_had_been_sent_about_the_right_one() {
    let dir = tempfile::tempdir().unwrap();
    let (wrong, right) = (dir.path().join("wrong"), dir.path().join("right"));
    let own = |subject: &str| ndjson(&readings(subject, 8).0);
    let server = Server::start(&wrong, &NOW);
    server.readings(&own("p-1")).ok();
    server.readings(&own("p-2")).ok();
    server.readings(&ndjson(&of_meter("p-1"))).ok();
    let before = standing(&server, "p-1");
    let (status, would, err) = moved(&server, &["p-1", "--to", "p-2", "--source", "meter-17", "--dry-run"]);
    assert_eq!(status, Some(0), "{err}");
    let many = would["moved"].as_u64().expect("a number");
    assert!(many > 400 && would["dry_run"] == true, "{many}");
    assert_eq!(standing(&server, "p-1"), before, "asking moves nothing");
    let (status, told, err) = moved(&server, &["p-1", "--to", "p-2", "--source", "meter-17"]);
    assert_eq!((status, told["moved"].as_u64()), (Some(0), Some(many)), "{err}");
    let (_, none, _) = moved(&server, &["p-1", "--to", "p-2", "--source", "meter-17"]);
    assert_eq!(none["moved"], 0, "they are there already");

    // The same, as it should have been sent.
    let other = Server::start(&right, &NOW);
    other.readings(&own("p-1")).ok();
    other.readings(&own("p-2")).ok();
    other.readings(&ndjson(&of_meter("p-2"))).ok();
    let expected = ["p-1", "p-2"].map(|subject| standing(&other, subject));
    let landed = in_lake(&other);
    assert_eq!(other.stop(), Some(0));
    let after = ["p-1", "p-2"].map(|subject| standing(&server, subject));
    assert_eq!(after, expected);
    assert_ne!(after[0], before, "the meter has told nothing");
    assert_eq!(in_lake(&server), landed);
    assert_eq!(server.stop(), Some(0));

    // Every stage has what the journal has, and a start changes nothing.
    let (status, out, err) = run(vitalog().args(["audit", "--data"]).arg(&wrong));
    assert_eq!(status, Some(0), "{out}{err}");
    let server = Server::start(&wrong, &NOW);
    assert_eq!(["p-1", "p-2"].map(|subject| standing(&server, subject)), expected);
    assert_eq!(in_lake(&server), landed);
    assert_eq!(server.stop(), Some(0));
}

#[test]
fn what_is_asked_wrongly_is_said() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::start(dir.path(), &[]);
    server.readings(&ndjson(&[json!({"subject": "p-1", "stream": "bg", "at": at(0), "value": 100, "id": "a"})])).ok();
    for (args, status, words) in [
        (&["p-1", "--to", "p-2"][..], 2, "which readings are meant?"),
        (&["p-1", "--to", "p-2", "--from", "noon"], 2, "2026-11-20T08:00:00Z"),
        (&["p-1", "--to", "p-1", "--id", "a"], 1, "they are there already"),
        (&["p-1", "--to", "p-2", "--id", "b"], 1, "no such reading"),
        (&["p-9", "--to", "p-2", "--id", "a"], 1, "no such reading"),
        (&["p-1", "--to", "p-2", "--stream", "bgs"], 1, "no such stream"),
    ] {
        let (got, _, err) = moved(&server, args);
        assert!(got == Some(status) && err.contains(words), "{args:?}: {got:?} {err}");
    }
    let (status, out, err) = run(vitalog().args(["move", "p-1", "--to", "p-2", "--id", "a", "--url", &server.url]));
    assert_eq!(status, Some(0), "{err}");
    assert!(out.contains("1 reading of p-1 moved to p-2"), "{out}");
    assert_eq!(server.stop(), Some(0));
}

const KILLS: u64 = 8;
const READINGS: u64 = 400;

/// Moves them there and back until the server dies.
fn to_and_fro(server: &Server, dead: &AtomicBool) {
    let mut here = ["p-a", "p-b"];
    while !dead.load(Ordering::Acquire) {
        let path = format!("/v1/subjects/{}/moves", here[0]);
        let body = json!({"to": here[1], "source": "m"}).to_string();
        let Some(answer) = server.try_send("POST", &path, &[("content-type", "application/json")], body) else { return };
        assert!(matches!(answer.status, 200 | 503), "{}", answer.body);
        here.reverse();
    }
}

/// Each reading is on one of the two timelines, in views and lake, and all on the same.
fn whole(data: &Path, round: u64) {
    let server = Server::start(data, &[]);
    let rows =
        server.sql("select subject, count(*) as n, count(distinct id) as ids from readings where stream = 'bg' group by subject");
    let rows = rows.as_array().expect("rows");
    assert_eq!(rows.len(), 1, "round {round}: a move was done by half: {rows:?}");
    assert_eq!((&rows[0]["n"], &rows[0]["ids"]), (&json!(READINGS), &json!(READINGS)), "round {round}");
    let of = |subject: &str| {
        let answer = server.get(&format!("/v1/subjects/{subject}/readings?stream=bg&limit=1000"));
        answer.json()["readings"].as_array().map_or(0, Vec::len) as u64
    };
    assert_eq!((of("p-a").max(of("p-b")), of("p-a") + of("p-b")), (READINGS, READINGS), "round {round}, views");
    assert_eq!(server.stop(), Some(0));
}

#[test]
fn killed_meanwhile_they_are_all_there_or_all_here() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::start(dir.path(), &[]);
    let all = (0..READINGS).map(|n| json!({"subject": "p-a", "stream": "bg", "at": at(n * 5), "value": 100 + n % 90, "id": format!("m{n}"), "source": "m"}));
    server.readings(&ndjson(&all.collect::<Vec<_>>())).ok();
    assert_eq!(server.stop(), Some(0));
    let mut numbers = Numbers(11);
    for round in 0..KILLS {
        let server = Server::start(dir.path(), &NOW);
        let dead = AtomicBool::new(false);
        std::thread::scope(|scope| {
            let moving = scope.spawn(|| to_and_fro(&server, &dead));
            std::thread::sleep(Duration::from_millis(100 + numbers.below(900)));
            server.kill_now();
            dead.store(true, Ordering::Release);
            moving.join().expect("it ends");
        });
        drop(server);
        whole(dir.path(), round);
    }
    let (status, out, err) = run(vitalog().args(["audit", "--data"]).arg(dir.path()));
    assert_eq!(status, Some(0), "{out}{err}");
}
