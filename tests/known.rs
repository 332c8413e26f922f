//! What was known: the doors say of every instant what the lake says of it, while it goes on and after a kill.

use serde_json::Value;

use crate::support::server::Server;
use crate::support::story::{Numbers, ndjson, readings};

/// What held, by name, in a form that both ways of asking give.
type Known = Vec<(String, u64, String, i64)>;

fn by_doors(server: &Server, subject: &str, as_of: &str) -> Known {
    let path = format!("/v1/subjects/{subject}/readings?limit=5000&as_of={as_of}");
    let answer = server.get(&path);
    if answer.status == 404 {
        return Known::new();
    }
    let page = answer.ok().json();
    assert!(page["next"].is_null(), "one page holds all");
    sorted(&page["readings"], |r| micros(r["accepted"].as_str().unwrap()))
}

fn by_sql(server: &Server, subject: &str, instant: &str) -> Known {
    let columns = "coalesce(id, '-') as given, rev, stream, arrival::bigint as arrival";
    let rows = server.sql(&format!("select {columns} from readings_as_known('{instant}') where subject = '{subject}'"));
    sorted(&rows, |r| r["arrival"].as_i64().unwrap())
}

fn sorted(rows: &Value, arrival: impl Fn(&Value) -> i64) -> Known {
    let text = |r: &Value, name: &str| r[name].as_str().unwrap_or("-").to_owned();
    let rows = rows.as_array().expect("a list").iter();
    let mut all: Known = rows.map(|r| (text(r, "given"), r["rev"].as_u64().unwrap(), text(r, "stream"), arrival(r))).collect();
    all.sort_unstable();
    all
}

fn micros(instant: &str) -> i64 {
    instant.parse::<jiff::Timestamp>().expect("an instant").as_microsecond()
}

#[test]
fn the_doors_and_the_lake_agree_on_what_was_known() {
    let (subject, data) = ("p-001", tempfile::tempdir().unwrap());
    let (originals, corrections) = readings(subject, 5);
    let mut all: Vec<Value> = originals.into_iter().chain(corrections).collect();
    Numbers(11).shuffle(&mut all);
    let flags = ["--land-every", "1"];
    let server = Server::start(data.path(), &flags);
    // Of each round the position after it, when the last of it had arrived, and what was current then.
    let mut rounds = Vec::new();
    for part in all.chunks(75) {
        let answer = server.readings(&ndjson(part)).ok();
        let position = answer.headers["vitalog-position"].to_str().unwrap().to_owned();
        let current = by_doors(&server, subject, &position);
        let last = current.iter().map(|known| known.3).max().expect("readings");
        rounds.push((position, jiff::Timestamp::from_microsecond(last).unwrap(), current));
    }
    let removed = rounds.windows(2).filter(|two| two[0].2.iter().any(|known| !two[1].2.contains(known))).count();
    assert!(removed > 3, "corrections took the place of what was known: {removed}");
    let check = |server: &Server, when: &str| {
        for (position, instant, current) in &rounds {
            assert_eq!(by_doors(server, subject, position), *current, "{when}, at position {position}");
            for instant in [*instant, *instant - jiff::Span::new().microseconds(1)] {
                let instant = instant.to_string();
                let known = by_doors(server, subject, &instant);
                assert_eq!(known, by_sql(server, subject, &instant), "{when}, at {instant}: doors (left) and lake (right)");
            }
            assert_eq!(by_doors(server, subject, &instant.to_string()), *current, "{when}, at {instant}");
        }
    };
    check(&server, "live");
    server.kill_now();
    drop(server);
    // The views are made again from the journal.
    for file in ["views.db", "views.db-wal", "views.db-shm"] {
        let _ = std::fs::remove_file(data.path().join(file));
    }
    let server = Server::start(data.path(), &flags);
    check(&server, "made again");
    let ahead = server.get(&format!("/v1/subjects/{subject}/readings?as_of=2999-01-01T00:00:00Z"));
    assert_eq!((ahead.status, ahead.json()["code"].as_str()), (400, Some("not_over")));
    assert_eq!(server.stop(), Some(0));
}
