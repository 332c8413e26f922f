//! Clients of every door agree while readings keep coming, those of a second ago included: psql, SQLAlchemy, Grafana's questions with its macros expanded, and ADBC over Arrow Flight SQL, all of them with what HTTP says.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::pg::psql::Psql;
use crate::support::need::{need, python_with};
use crate::support::server::{Server, root};
use crate::support::story::ndjson;

/// SQLAlchemy and ADBC, kept open.
pub struct Asking {
    process: Child,
    answers: std::io::Lines<BufReader<std::process::ChildStdout>>,
}

impl Asking {
    /// `None`: a package is missing.
    pub fn of(server: &Server) -> Option<Asking> {
        let packages = "sqlalchemy, psycopg, adbc_driver_flightsql.dbapi";
        let python = need("a Python with SQLAlchemy, psycopg and ADBC's driver of Flight SQL", python_with(packages))?;
        let pg = format!("postgresql+psycopg://root@{}/vitalog", server.pg.as_deref().expect("it takes clients of PostgreSQL"));
        let flight = server.flight.as_deref().expect("it takes clients of Arrow Flight SQL");
        let mut command = Command::new(python);
        command.arg(root().join("tests/support/asking.py")).args([&pg, flight]);
        let mut process = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("it starts");
        let mut answers = BufReader::new(process.stdout.take().expect("piped")).lines();
        assert_eq!(answers.next().expect("a line").expect("text"), "ready");
        Some(Asking { process, answers })
    }

    /// The rows of a statement, asked by `sqlalchemy` or `adbc`.
    pub fn ask(&mut self, who: &str, sql: &str) -> Value {
        writeln!(self.process.stdin.as_mut().expect("piped"), "{}", json!([who, sql])).expect("asked");
        let line = self.answers.next().unwrap_or_else(|| panic!("{who} is gone with {sql}")).expect("text");
        serde_json::from_str(&line).expect("JSON")
    }
}

impl Drop for Asking {
    fn drop(&mut self) {
        drop(self.process.stdin.take());
        let _ = self.process.wait();
    }
}

/// The rows as psql prints them, each cell a number.
fn by_psql(psql: &Psql, sql: &str) -> Value {
    let cell = |cell: &str| cell.parse::<f64>().map_or(json!(cell), |n| json!(n));
    let rows = psql.asked(sql);
    rows.lines().map(|row| row.split('|').map(cell).collect::<Vec<_>>()).collect::<Vec<_>>().into()
}

fn by_http(server: &Server, sql: &str) -> Value {
    let rows = server.sql(sql);
    let cells = |row: &Value| row.as_object().expect("a row").values().cloned().collect::<Vec<_>>();
    rows.as_array().expect("rows").iter().map(cells).collect::<Vec<_>>().into()
}

/// Numbers as numbers: whether one is written with a point is the client's affair.
fn plain(rows: Value) -> Value {
    match rows {
        Value::Array(items) => items.into_iter().map(plain).collect::<Vec<_>>().into(),
        Value::Number(n) => json!(n.as_f64()),
        Value::String(text) => text.parse::<f64>().map_or(Value::String(text), |n| json!(n)),
        other => other,
    }
}

/// A statement with its macros as Grafana's data source of PostgreSQL expands them.
fn expanded(sql: &str, from: &str, to: &str) -> String {
    let (mut out, mut rest) = (String::new(), sql);
    while let Some((before, macro_and_rest)) = rest.split_once("$__") {
        let (name, after) = macro_and_rest.split_once('(').expect("an argument");
        let (arguments, after) = after.split_once(')').expect("its end");
        let arguments: Vec<&str> = arguments.split(',').map(str::trim).collect();
        out.push_str(before);
        out.push_str(&match (name, arguments.as_slice()) {
            ("timeFilter", [column]) => format!("{column} BETWEEN '{from}' AND '{to}'"),
            ("timeFrom", _) => format!("'{from}'"),
            ("timeTo", _) => format!("'{to}'"),
            ("timeGroup", [column, seconds]) => format!("floor(extract(epoch from {column})/{seconds})*{seconds}"),
            ("timeGroupAlias", [column, seconds]) => {
                format!("floor(extract(epoch from {column})/{seconds})*{seconds} AS \"time\"")
            }
            other => panic!("no such macro: {other:?}"),
        });
        rest = after;
    }
    out + rest
}

/// What a panel of Grafana asks.
const PANELS: [&str; 3] = [
    "SELECT $__timeGroupAlias(\"at\",300), sum(value) AS \"value\", count(*) AS \"n\" FROM lake.bg WHERE $__timeFilter(\"at\") AND arrival <= 'UNTIL' GROUP BY 1 ORDER BY 1",
    "SELECT $__timeGroup(\"at\",3600) AS time, max(value), min(value) FROM bg WHERE $__timeFilter(\"at\") AND arrival <= 'UNTIL' GROUP BY $__timeGroup(\"at\",3600) ORDER BY 1",
    "SELECT count(*), sum(value) FROM \"bg\" WHERE \"at\" >= $__timeFrom() AND \"at\" < $__timeTo() AND arrival <= 'UNTIL' LIMIT 50",
];
const FROM: &str = "2026-03-10T00:00:00Z";
const TO: &str = "2026-03-12T00:00:00Z";

/// What each round asks besides.
const COUNTS: &str = "select count(*), count(distinct subject), sum(cast(value as bigint)), min(value), max(value) from bg where arrival <= 'UNTIL'";
const NEWEST: &str = "select count(*), sum(cast(value as bigint)) from bg where subject = 'ROUND'";

const ROUNDS: u64 = 8;
const IN_ONE: u64 = 20;

/// Sends readings one batch after the other until it is told to end.
fn keep_sending(server: &Server, is_over: &AtomicBool, sent: &AtomicU64) {
    while !is_over.load(Ordering::Relaxed) {
        let from = sent.load(Ordering::Relaxed);
        let lines: Vec<Value> =
            (from..from + 10).map(|n| reading(&format!("w-{}", n % 5), &format!("w{n}"), n, 90 + n % 50)).collect();
        let answer = server.try_send("POST", "/v1/readings", &[("content-type", "application/x-ndjson")], ndjson(&lines));
        answer.expect("the server answers").ok();
        sent.fetch_add(10, Ordering::Relaxed);
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn reading(subject: &str, id: &str, minute: u64, value: u64) -> Value {
    let at = format!("2026-03-{:02}T{:02}:{:02}:00Z", 10 + minute / 1_440 % 2, minute / 60 % 24, minute % 60);
    json!({"subject": subject, "stream": "bg", "id": id, "at": at, "value": value})
}

#[test]
fn all_doors_agree_while_readings_keep_coming() {
    let dir = tempfile::tempdir().unwrap();
    let doors = ["--pg", "127.0.0.1:0", "--flight", "127.0.0.1:0", "--land-every", "2"];
    let server = Server::start(dir.path(), &doors);
    let (Some(psql), Some(mut asking)) = (Psql::of(&server, "root", ""), Asking::of(&server)) else { return };
    let (is_over, sent) = (AtomicBool::new(false), AtomicU64::new(0));
    std::thread::scope(|scope| {
        scope.spawn(|| keep_sending(&server, &is_over, &sent));
        let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            for round in 0..ROUNDS {
                agree(&server, &psql, &mut asking, round);
            }
        }));
        is_over.store(true, Ordering::Relaxed);
        if let Err(panic) = outcome {
            std::panic::resume_unwind(panic);
        }
    });
    assert!(sent.load(Ordering::Relaxed) > 100, "readings kept coming: {sent:?}");
    // The clients go before the server does.
    drop(asking);
    assert_eq!(server.stop(), Some(0));
}

/// A round: a batch is accepted, and a second later each client has it, and all agree on everything up to it.
fn agree(server: &Server, psql: &Psql, asking: &mut Asking, round: u64) {
    let subject = format!("round-{round}");
    let batch: Vec<Value> = (0..IN_ONE).map(|n| reading(&subject, &format!("{subject}-{n}"), round * 60 + n, 100 + n)).collect();
    server.readings(&ndjson(&batch)).ok();
    let accepted = Instant::now();
    std::thread::sleep(Duration::from_secs(1));
    let newest = NEWEST.replace("ROUND", &subject);
    let wanted = json!([[IN_ONE as f64, (IN_ONE * 100 + IN_ONE * (IN_ONE - 1) / 2) as f64]]);
    // A second later it is there by itself: nobody says for what they wait.
    let seen = [
        by_psql(psql, &newest),
        asking.ask("sqlalchemy", &newest),
        asking.ask("adbc", &newest),
        by_psql(psql, &grafana_of(&subject)),
    ];
    for (rows, who) in seen.into_iter().zip(["psql", "SQLAlchemy", "ADBC", "Grafana"]) {
        assert_eq!(plain(rows), wanted, "round {round}: {who} after {:?}", accepted.elapsed());
    }
    // What was accepted later has a later arrival, so this moment stands still for all of them.
    let until = server.sql(&format!("select max(arrival) as until from bg where subject = '{subject}'"));
    let until = until[0]["until"].as_str().expect("an instant").to_owned();
    let panels = PANELS.map(|panel| expanded(panel, FROM, TO));
    for sql in panels.iter().map(String::as_str).chain([COUNTS]) {
        let sql = sql.replace("UNTIL", &until);
        let ours = plain(by_http(server, &sql));
        assert!(!ours.as_array().expect("rows").is_empty(), "{sql}");
        assert_eq!(plain(by_psql(psql, &sql)), ours, "round {round}: psql on {sql}");
        for who in ["sqlalchemy", "adbc"] {
            assert_eq!(plain(asking.ask(who, &sql)), ours, "round {round}: {who} on {sql}");
        }
    }
}

/// What a panel of Grafana has of the newest batch.
fn grafana_of(subject: &str) -> String {
    let panel = format!("SELECT count(*), sum(value) FROM lake.bg WHERE $__timeFilter(\"at\") AND subject IN ('{subject}')");
    expanded(&panel, FROM, TO)
}

/// Asks each of these of every client that asks the server; what is told over HTTP is what they are held to.
pub fn others_agree(server: &Server, asked: &[String]) {
    let (Some(psql), Some(mut asking)) = (Psql::of(server, "root", ""), Asking::of(server)) else { return };
    // Nothing is nothing: psql prints it as an empty cell.
    let same = |rows: Value| -> Value { serde_json::from_str(&plain(rows).to_string().replace("\"\"", "null")).expect("JSON") };
    for sql in asked {
        let ours = plain(by_http(server, sql));
        assert_eq!(same(by_psql(&psql, sql)), ours, "psql");
        for who in ["sqlalchemy", "adbc"] {
            assert_eq!(same(asking.ask(who, sql)), ours, "{who}");
        }
    }
}

#[test]
fn macros_are_expanded_as_grafana_does() {
    assert_eq!(
        expanded("SELECT $__timeGroupAlias(at,300), $__timeFilter(t.at) x", "A", "B"),
        "SELECT floor(extract(epoch from at)/300)*300 AS \"time\", t.at BETWEEN 'A' AND 'B' x"
    );
}
