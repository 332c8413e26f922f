//! Retention from outside: what is past is answered by no door of the lake and gone from its files, what is held stays, findings are what they were; what was said once holds for every command, and for longer is fed again.

use std::path::Path;

use serde_json::{Value, json};

use crate::support::server::{Server, run, vitalog};
use crate::support::story::{ndjson, readings};

const GONE: &str = "a-gone-7731";
const HELD: &str = "p-held";

/// An instant so many months ago, in the middle of the month.
fn ago(months: i32) -> String {
    let today = jiff::Timestamp::now().to_zoned(jiff::tz::TimeZone::UTC).date();
    let month = today.first_of_month().checked_sub(jiff::Span::new().months(months)).expect("a month");
    // The middle of this month may be yet to come.
    let day = if months == 0 { 1 } else { 15 };
    format!("{:04}-{:02}-{day:02}T00:00:01Z", month.year(), month.month())
}

fn glucose(subject: &str, at: &str, value: u32) -> Value {
    json!({"subject": subject, "stream": "bg", "at": at, "value": value})
}

/// Readings of two who have nothing else than old ones, and of one who has old ones and new ones; a low among each.
fn lived(data: &Path) -> Server {
    let server = Server::start(data, &["--land-every", "1"]);
    let mut all = Vec::new();
    for subject in [GONE, HELD, "p-1"] {
        all.extend([glucose(subject, &ago(4), 50), glucose(subject, &ago(3), 120)]);
        all.push(json!({"subject": subject, "stream": "bp", "at": ago(4), "systolic": 120, "diastolic": 80, "id": "bp-1"}));
    }
    all.extend([glucose("p-1", &ago(2), 51), glucose("p-1", &ago(0), 110)]);
    server.readings(&ndjson(&all)).ok();
    server
}

fn counts(server: &Server) -> Value {
    server.sql("select subject, stream, count(*) as n from readings where stream in ('bg', 'bp') group by 1, 2 order by 1, 2")
}

fn row(subject: &str, stream: &str, n: u64) -> Value {
    json!({"subject": subject, "stream": stream, "n": n})
}

fn everything() -> Value {
    let all = [GONE, HELD, "p-1"].map(|who| [row(who, "bg", if who == "p-1" { 4 } else { 2 }), row(who, "bp", 1)]);
    let mut all = all.concat();
    all.sort_by_key(|row| (row["subject"].to_string(), row["stream"].to_string()));
    Value::from(all)
}

/// What is kept of it for two months, pressures for ever.
fn kept() -> Value {
    json!([row(GONE, "bp", 1), row("p-1", "bg", 2), row("p-1", "bp", 1), row(HELD, "bg", 2), row(HELD, "bp", 1)])
}

fn sorted(mut rows: Value) -> Value {
    rows.as_array_mut().expect("rows").sort_by_key(|row| (row["subject"].to_string(), row["stream"].to_string()));
    rows
}

fn findings(server: &Server) -> Vec<Vec<Value>> {
    [GONE, HELD, "p-1"].map(|who| server.recommendations(who)).into()
}

/// Asks until it is so: a pass runs at the start, beside what is answered.
fn until(what: &str, is_so: impl Fn() -> bool) {
    for _ in 0..200 {
        if is_so() {
            return;
        }
        std::thread::sleep(std::time::Duration::from_millis(100));
    }
    panic!("{what} did not come about within 20 s");
}

/// Files of the lake in which a text is, as far as their bytes say it.
fn naming(dir: &Path, text: &str) -> Vec<String> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(dir).expect("a folder").map(|entry| entry.expect("an entry").path()) {
        if entry.is_dir() {
            found.extend(naming(&entry, text));
        } else if std::fs::read(&entry).expect("read").windows(text.len()).any(|w| w == text.as_bytes()) {
            found.push(entry.display().to_string());
        }
    }
    found
}

/// What is left of the oldest readings: files of their months, and bounds that name their days. (Who they are about is heard of this month, too.)
fn traces(data: &Path) -> Vec<String> {
    let lake = data.join("lake");
    let mut found: Vec<String> = [4, 3].iter().flat_map(|months| naming(&lake, &ago(*months)[..10])).collect();
    let folders = [4, 3].map(|months| lake.join("readings").join(format!("month={}", &ago(months)[..7])));
    let files = folders.iter().filter(|folder| folder.is_dir()).flat_map(|folder| naming(folder, "PAR1"));
    found.extend(files);
    found
}

fn audited(data: &Path) {
    let (status, out, err) = run(vitalog().args(["audit", "--data"]).arg(data));
    assert_eq!(status, Some(0), "{out}{err}");
    assert!(out.contains("past retention"), "{out}");
}

fn hold(data: &Path, what: &str) {
    let (status, _, err) = run(vitalog().args(["hold", "--data"]).arg(data).args([what, HELD, "--reason", "order 12/26"]));
    assert_eq!(status, Some(0), "{err}");
}

fn receipt(server: &Server, subject: &str) -> Value {
    server.get(&format!("/v1/subjects/{subject}/readings/bp-1/receipt")).ok().json()
}

#[test]
fn what_is_past_goes_and_nothing_else_changes() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    let server = lived(&data);
    assert_eq!(sorted(counts(&server)), sorted(everything()));
    let found = findings(&server);
    assert!(found.iter().all(|of| !of.is_empty()), "{found:?}");
    assert_eq!(server.stop(), Some(0));
    hold(&data, "add");
    assert!(!traces(&data).is_empty());

    let server = Server::start(&data, &["--land-every", "1", "--retain", "2months", "--retain", "bp=forever"]);
    assert_eq!(sorted(counts(&server)), sorted(kept()), "from the first statement on");
    assert_eq!(server.sql(&format!("select count(*) as n from matches where subject = '{GONE}'")), json!([{"n": 0}]));
    assert_eq!(server.sql(&format!("select count(*) > 0 as is from matches where subject = '{HELD}'")), json!([{"is": true}]));
    assert_eq!(findings(&server), found, "what was found stands");
    // One that comes late is taken, and not answered by the lake.
    let answer = server.readings(&ndjson(&[glucose(GONE, &ago(5), 99)])).ok().json();
    assert_eq!(answer["accepted"], 1, "{answer}");
    assert_eq!(sorted(counts(&server)), sorted(kept()), "late");
    let account = server.get("/v1/accounting?limit=0").ok().json();
    assert_eq!((&account["equal"], &account["differences"]), (&json!(true), &json!([])), "{account}");
    assert_eq!(receipt(&server, GONE)["revisions"][0]["past_retention"], false, "of a stream that is kept");
    until("a pass", || dropped(&server) > 0);
    assert_eq!(server.stop(), Some(0));
    let note: Value = serde_json::from_slice(&std::fs::read(data.join("retention.json")).unwrap()).unwrap();
    assert_eq!((&note["policy"], &note["to_purge"]), (&json!(["2months", "bp=forever"]), &json!(false)), "{note}");

    // It holds for commands on the directory, and for a server that is not told again.
    audited(&data);
    let sql = "select count(*) as n from readings where stream = 'bg'";
    let (status, out, err) = run(vitalog().args(["sql", "--format", "csv", "--data"]).arg(&data).arg(sql));
    assert_eq!((status, out.as_str()), (Some(0), "n\n4\n"), "{err}");
    let (_, out, err) = run(vitalog().args(["doctor", "--data"]).arg(&data));
    assert!(out.contains("2months bp=forever; the last that went were"), "{out}{err}");
    // What is brought from files comes in by the same way.
    let file = dir.path().join("late.ndjson");
    std::fs::write(&file, ndjson(&[glucose(GONE, &ago(6), 98)])).unwrap();
    let (status, out, err) = run(vitalog().arg("ingest").arg("--to").arg(&data).arg(&file));
    assert_eq!(status, Some(0), "{out}{err}");
    // Who is let go goes, while a server runs; and then the pressures, of which nothing had gone.
    let server = Server::start(&data, &["--land-every", "1"]);
    assert_eq!(sorted(counts(&server)), sorted(kept()), "not said again");
    hold(&data, "release");
    let let_go = json!([row(GONE, "bp", 1), row("p-1", "bg", 2), row("p-1", "bp", 1), row(HELD, "bp", 1)]);
    until("letting go", || sorted(counts(&server)) == sorted(let_go.clone()));
    assert_eq!(server.stop(), Some(0));
    let server = Server::start(&data, &["--land-every", "1", "--retain", "2months"]);
    assert_eq!(counts(&server), json!([row("p-1", "bg", 2)]));
    assert_eq!(receipt(&server, GONE)["revisions"][0]["past_retention"], true);
    until("a pass", || dropped(&server) > 0);
    assert_eq!(server.stop(), Some(0));
    assert_eq!(traces(&data), Vec::<String>::new());
    audited(&data);

    // For longer: fed again from the journal, what came late included, twice.
    let server = Server::start(&data, &["--land-every", "1", "--retain", "forever"]);
    let all = json!([
        row(GONE, "bg", 4),
        row(GONE, "bp", 1),
        row("p-1", "bg", 4),
        row("p-1", "bp", 1),
        row(HELD, "bg", 2),
        row(HELD, "bp", 1)
    ]);
    assert_eq!(sorted(counts(&server)), sorted(all));
    assert_eq!(findings(&server)[1..], found[1..], "what was found stands");
    assert_eq!(server.stop(), Some(0));
}

/// Rows that this process took from files.
fn dropped(server: &Server) -> u64 {
    let text = server.get("/metrics").body;
    let line = text.lines().find_map(|line| line.strip_prefix("vitalog_lake_dropped_rows_total "));
    line.and_then(|n| n.parse().ok()).unwrap_or_else(|| panic!("no such metric: {text}"))
}

/// INVARIANT (the engine asks no lake): the same history under any policy comes to the same findings.
#[test]
fn the_same_is_found_however_little_is_kept() {
    let dir = tempfile::tempdir().unwrap();
    let mut said = Vec::new();
    for (name, flags) in [("all", &[][..]), ("little", &["--retain", "1month"])] {
        let data = dir.path().join(name);
        let server = Server::start(&data, &[&["--land-every", "1", "--horizon", "1"][..], flags].concat());
        let (originals, corrections) = readings("p-1", 3);
        for (round, pieces) in [originals, corrections].into_iter().enumerate() {
            server.readings(&ndjson(&pieces)).ok();
            if round == 0 {
                // Corrections come when nothing of what they correct is in the lake any more.
                std::thread::sleep(std::time::Duration::from_millis(1_500));
            }
        }
        let mut found: Vec<String> =
            server.recommendations("p-1").iter().map(|f| format!("{} {} {}", f["id"], f["state"], f["text"])).collect();
        found.sort();
        let n = server.sql("select count(*) as n from readings where stream <> 'contact'")[0]["n"].as_u64().unwrap();
        assert_eq!(n == 0, name == "little", "{n} readings");
        said.push(found);
        let account = server.get("/v1/accounting?limit=0").ok().json();
        assert_eq!(account["equal"], true, "{account}");
        assert_eq!(server.stop(), Some(0));
    }
    assert!(!said[0].is_empty());
    assert_eq!(said[0], said[1]);
}

/// Killed at random moments of starts that make passes, it ends as if nobody had.
#[test]
fn killed_in_the_middle_it_is_made_by_the_next() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    assert_eq!(lived(&data).stop(), Some(0));
    for (round, policy) in ["4months", "3months", "2months", "2months"].into_iter().enumerate() {
        let server = Server::start(&data, &["--land-every", "1", "--retain", policy]);
        std::thread::sleep(std::time::Duration::from_millis(150 * round as u64));
        server.kill_now();
        drop(server);
    }
    let server = Server::start(&data, &["--land-every", "1"]);
    assert_eq!(counts(&server), json!([row("p-1", "bg", 2)]));
    // A pass runs at the start, and an orderly end removes what is left.
    std::thread::sleep(std::time::Duration::from_millis(1_000));
    assert_eq!(server.stop(), Some(0));
    assert_eq!(traces(&data), Vec::<String>::new());
    audited(&data);
}

#[test]
fn what_is_no_policy_is_refused_with_flag_value_and_remedy() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    for (values, named, remedy) in [
        (&["0months"][..], "0months", "write at least 1month"),
        (&["1201months"], "1201months", "write at least 1month"),
        (&["90days"], "90days", "write whole months or years"),
        (&["24"], "\"24\"", "write whole months or years"),
        (&[""], "\"\"", "write whole months or years"),
        (&["bg=-3months"], "bg=-3months", "write whole months or years"),
        (&["24months", "36months"], "said twice", "say each once"),
        (&["bg=24months", "bg=2years"], "bg is said twice", "say each once"),
        (&["=24months"], "=24months", "write STREAM=LIMIT"),
        (&["24months", "bgg=36months"], "no stream \"bgg\"", "name one of"),
    ] {
        let mut command = vitalog();
        command.args(["serve", "--open", "--listen", "127.0.0.1:0", "--data"]).arg(&data);
        command.args(values.iter().map(|value| format!("--retain={value}")));
        let (status, out, err) = run(&mut command);
        assert_eq!(status, Some(2), "{values:?}: {out}{err}");
        assert!(err.contains("--retain") && err.contains(named) && err.contains(remedy), "{values:?}: {err}");
        assert!(!data.join("retention.json").exists(), "{values:?}");
    }
}

/// A start does not guess for how long.
#[test]
fn a_note_that_is_none_keeps_a_server_from_starting() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    assert_eq!(Server::start(&data, &["--retain", "24months"]).stop(), Some(0));
    std::fs::write(
        data.join("retention.json"),
        "{\"policy\": [\"0months\"], \"as_of\": null, \"last\": null, \"to_purge\": false}",
    )
    .unwrap();
    let (status, _, err) = run(vitalog().args(["serve", "--open", "--listen", "127.0.0.1:0", "--data"]).arg(&data));
    assert!(status == Some(1) && err.contains("retention.json") && err.contains("restore it from a backup"), "{status:?} {err}");
    let (status, out, _) = run(vitalog().args(["doctor", "--data"]).arg(&data));
    assert!(status == Some(1) && out.contains("retention.json"), "{out}");
}
