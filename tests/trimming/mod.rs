//! Trimming from outside: a journal that lets go of what is past says, finds, tells and answers what its twin does that kept everything; what can't be made again any more is refused by name.
//!
//! Journals are written here, so that what arrived months ago did.

mod limits;
#[cfg(feature = "kafka")]
mod topic;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use serde_json::{Value, json};
use vitalog_cep::driver::{PARTITIONS, partition_of};
use vitalog_cep::plan::Library;
use vitalog_dashboards::views::Views;
use vitalog_elog::input::{RuleChange, RuleFile};
use vitalog_elog::{Entry, Input, Time};
use vitalog_ingest::admit::{Admission, Limits};
use vitalog_ingest::decode::{Format, decode};
use vitalog_ingest::journal::kafka::Settings;
use vitalog_ingest::journal::{Journal, Placing};
use vitalog_ingest::keys::KekPlace;
use vitalog_rules::{Source, compile};

use crate::support::server::{Server, refused, run, vitalog};
use crate::support::story::{Numbers, at, ndjson, readings};

const RULES: &str = "
use health
policy once { notify patient by push }
rule low { severity urgent when bg.value < 54 mg/dL until bg.value >= 60 mg/dL say \"low\" notify once }
rule high { severity warning when bg.value > 250 mg/dL for 15 min gap 20 min say \"high\" }
rule lows { severity warning match low{2..} within 1 d }
";

const TABLES: [&str; 5] = ["readings", "readings_history", "matches", "recommendations", "dead_letters"];

/// So many months ago, in the middle of the month; of this one, its first day.
pub fn ago(months: i32) -> Time {
    let today = jiff::Timestamp::now().to_zoned(jiff::tz::TimeZone::UTC).date();
    let month = today.first_of_month().checked_sub(jiff::Span::new().months(months)).expect("a month");
    let day = if months == 0 { 1 } else { 15 };
    Time::parse(&format!("{:04}-{:02}-{day:02}T00:00:01Z", month.year(), month.month())).expect("an instant")
}

/// The journal of a data directory that nobody serves, wherever it is.
fn opened(data: &Path) -> Journal {
    let note = data.join("journal.kafka");
    if !note.is_file() {
        return Journal::open(&data.join("journal.db")).expect("opened");
    }
    let settings = Settings::read(&note).expect("a place");
    let placing = Placing { partitions: PARTITIONS, of: partition_of };
    Journal::open_kafka(&settings, placing, &note, &KekPlace::beside(&note)).expect("opened")
}

pub struct House {
    dir: tempfile::TempDir,
    rules: PathBuf,
    library: Arc<Library>,
    change: RuleChange,
}

impl House {
    pub fn new(rules: &str) -> House {
        let dir = tempfile::tempdir().unwrap();
        let folder = dir.path().join("rules");
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join("own.rules"), rules).unwrap();
        let library = compile(&[Source::new("own.rules", rules)], &Library::default()).library.expect("it compiles");
        let files = vec![RuleFile { name: "own.rules".into(), text: rules.into() }];
        let change = RuleChange { effective: Time::MIN, files, by: None };
        House { dir, rules: folder, library: Arc::new(library), change }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub fn rules(&self) -> &str {
        self.rules.to_str().expect("a path")
    }

    fn start(&self, data: &Path) -> Server {
        Server::start(data, &["--rules", self.rules.to_str().unwrap(), "--horizon", "1", "--land-every", "1"])
    }

    /// What a server does that starts and ends: every sink has all, and a snapshot is there.
    pub fn settle(&self, data: &Path) {
        assert_eq!(self.start(data).stop(), Some(0));
    }

    /// Groups of readings that arrived one after the other from an instant on; nobody serves the directory.
    pub fn arrive(&self, data: &Path, from: Time, all: &[Value]) {
        std::fs::create_dir_all(data).unwrap();
        let mut journal = opened(data);
        let schema = &self.library.schema;
        let mut arrival = from.max(journal.last_arrival());
        if journal.position().next == 0 {
            let entry = Entry { arrival, input: Input::Rules(self.change.clone()) };
            journal.append(schema, &[entry]).expect("kept");
        }
        let admission = Admission::new(schema.clone(), Limits::default());
        for group in all.chunks(40) {
            arrival = Time(arrival.0 + 1_000_000);
            let text = ndjson(group);
            let format = Format::of_file("x.ndjson", text.as_bytes()).expect("a form");
            let items = decode(&format, text.as_bytes()).unwrap_or_else(|_| panic!("lines"));
            let admit = |raw| admission.admit(&raw, Time(i64::MAX / 2)).unwrap_or_else(|_| panic!("a reading"));
            let entries: Vec<Entry> = items
                .map(|item| Entry { arrival, input: Input::Reading(admit(item.reading.unwrap_or_else(|_| panic!("a line")))) })
                .collect();
            journal.append(schema, &entries).expect("kept");
        }
    }

    /// A directory with a life in it: most arrived four months ago and more, the rest since; and what is to come: late, corrected, taken back, and again.
    fn lived(&self, data: &Path, seed: u64) -> Vec<Value> {
        let mut numbers = Numbers(seed);
        let (mut first, mut corrections) = (Vec::new(), Vec::new());
        for person in 0..4 {
            let (originals, later) = readings(&format!("p-{person}"), seed * 10 + person);
            first.extend(originals);
            corrections.extend(later);
        }
        numbers.shuffle(&mut first);
        numbers.shuffle(&mut corrections);
        let (late, rest) = first.split_at(first.len() / 6);
        let half = rest.len() / 2;
        for (n, piece) in rest[..half].chunks(half / 3 + 1).enumerate() {
            self.arrive(data, ago(7 - n as i32), piece);
        }
        // Somebody of whom engines do not keep all in memory.
        let of_late = |n: u64| Time(ago(4).0 - (2_880 - n as i64) * 300_000_000);
        for day in 0..10 {
            let numbered = day * 288..(day + 1) * 288;
            let one = |n| json!({"id": format!("c{n}"), "subject": "p-9", "stream": "bg", "at": of_late(n).to_string(), "value": 50 + numbers.below(240)});
            let lines: Vec<Value> = numbered.map(one).collect();
            self.arrive(data, of_late((day + 1) * 288), &lines);
        }
        self.settle(data);
        let (now, then) = corrections.split_at(corrections.len() / 2);
        self.arrive(data, ago(2), &[&rest[half..], now].concat());
        self.settle(data);
        self.arrive(data, ago(0), &late[..40]);
        self.settle(data);
        let again = rest.iter().step_by(7).cloned();
        let mut to_come: Vec<Value> = late[40..].iter().chain(then).cloned().chain(again).collect();
        numbers.shuffle(&mut to_come);
        to_come
    }
}

fn copy(from: &Path, to: &Path) {
    let (status, _, err) = run(Command::new("cp").arg("-a").arg(from).arg(to));
    assert_eq!(status, Some(0), "{err}");
}

fn trimming(data: &Path, more: &[&str]) -> (Option<i32>, Value, String) {
    let (status, out, err) = run(vitalog().args(["trim", "--format", "json", "--data"]).arg(data).args(more));
    (status, serde_json::from_str(&out).unwrap_or_default(), err)
}

/// What it says that went.
fn trim(data: &Path, months: u32) -> Value {
    let (status, said, err) = trimming(data, &["--retain-journal", &format!("{months}months")]);
    assert_eq!(status, Some(0), "{err}");
    said
}

fn audit(data: &Path, what: &[&str]) -> (Option<i32>, Value, String) {
    let (status, out, err) = run(vitalog().arg("audit").args(what).args(["--format", "json", "--data"]).arg(data));
    (status, serde_json::from_str(&out).unwrap_or_default(), err)
}

/// Counts and sums of every stage.
fn accounts(data: &Path) -> BTreeMap<String, (Value, Value)> {
    let (status, said, err) = audit(data, &[]);
    assert_eq!((status, &said["equal"]), (Some(0), &json!(true)), "{said}{err}");
    let stages = said["stages"].as_array().unwrap().iter();
    stages.map(|s| (s["stage"].as_str().unwrap().to_owned(), (s["current"].clone(), s["former"].clone()))).collect()
}

/// All that a directory says, but for where its journal begins.
fn said(house: &House, data: &Path) -> BTreeMap<String, String> {
    let server = house.start(data);
    let mut said = BTreeMap::new();
    for table in TABLES {
        let rows = server.sql(&format!("select * from {table}"));
        let mut rows: Vec<String> = rows.as_array().unwrap().iter().map(Value::to_string).collect();
        rows.sort();
        said.insert(format!("lake {table}"), rows.join("\n"));
    }
    for person in 0..4 {
        let who = format!("p-{person}");
        let path = format!("/v1/subjects/{who}/recommendations?limit=1000");
        said.insert(format!("recommendations {who}"), server.get(&path).body);
        let path = format!("/v1/subjects/{who}/why?rule=low&at={}", at(780));
        said.insert(format!("why {who}"), server.get(&path).body);
    }
    said.insert("rules".to_owned(), server.get("/v1/rules/versions").body);
    assert_eq!(server.stop(), Some(0));
    let journal = opened(data);
    let end = journal.position();
    // Seals are drawn, so the chains of two journals differ that say the same.
    said.insert("end".to_owned(), end.next.to_string());
    let views = Views::open(&data.join("views.db"), end.incarnation).expect("opened");
    said.insert("views".to_owned(), format!("{} {:032x}", views.position().next, views.content_hash().expect("a hash")));
    said.insert("outbox".to_owned(), rows_of(&data.join("outbox.db")));
    said
}

/// Every row of a database, but for its place in the journal.
fn rows_of(path: &Path) -> String {
    let db = rusqlite::Connection::open(path).unwrap();
    let mut names = db.prepare("select name from sqlite_schema where type = 'table' order by name").unwrap();
    let names: Vec<String> = names.query_map([], |r| r.get(0)).unwrap().map(Result::unwrap).collect();
    let mut out = String::new();
    for name in names.into_iter().filter(|name| name != "place") {
        let mut rows = db.prepare(&format!("select * from \"{name}\"")).unwrap();
        let columns = rows.column_count();
        let row = |r: &rusqlite::Row<'_>| Ok(format!("{:?}", (0..columns).map(|i| r.get_ref(i)).collect::<Vec<_>>()));
        let mut all: Vec<String> = rows.query_map([], row).unwrap().map(Result::unwrap).collect();
        all.sort();
        out += &format!("{name}: {}\n", all.join("\n"));
    }
    out
}

fn same(one: &BTreeMap<String, String>, other: &BTreeMap<String, String>, what: &str) {
    for (name, said) in one {
        assert!(!said.is_empty() || name == "lake dead_letters", "{what}: {name} says nothing");
        assert_eq!(other.get(name), Some(said), "{what}: {name}");
    }
}

fn is_sound(data: &Path) -> Value {
    let (status, said, err) = audit(data, &["journal"]);
    assert_eq!((status, &said["sound"]), (Some(0), &json!(true)), "{said}{err}");
    said["begins"]["offset"].clone()
}

/// Readings come, and the server is killed behind them or not.
fn arrives_at_both(house: &House, both: [&Path; 2], readings: &[Value], killed: bool) {
    for data in both {
        house.arrive(data, ago(0), readings);
        if killed {
            house.start(data).kill_now();
        }
        house.settle(data);
    }
}

/// LAW: whatever comes after a trim (late, corrected, taken back, sent again; a kill, an erasure), all that is said is what is said where nothing was let go.
///
/// One life, or as many as VITALOG_CASES says: `tests/run --long trimming` has thirty, trimmed to what is kept for four months, five and six.
#[test]
fn what_comes_after_is_what_a_twin_says_that_kept_everything() {
    let house = House::new(RULES);
    let read = |name: &str| std::env::var(name).ok().and_then(|n| n.parse::<u64>().ok()).unwrap_or(1);
    let first = read("VITALOG_SEED");
    for seed in first..first.saturating_add(read("VITALOG_CASES")) {
        let months = [6, 5, 4][(seed % 3) as usize];
        let (kept, data) = (house.path(&format!("kept-{seed}")), house.path(&format!("data-{seed}")));
        let to_come = house.lived(&kept, seed);
        copy(&kept, &data);
        let before = std::fs::metadata(data.join("journal.db")).unwrap().len();
        let gone = trim(&data, months);
        let begins = gone["begins"].as_u64().unwrap();
        assert!(begins > 100 && gone["kept_by"] == json!([]) && gone["gave_back"] == true, "{gone}");
        assert!(std::fs::metadata(data.join("journal.db")).unwrap().len() < before, "{gone}");
        assert_eq!(is_sound(&data), json!(begins));
        let what = format!("seed {seed}, {months} months");
        same(&said(&house, &kept), &said(&house, &data), &what);
        assert_eq!(accounts(&kept), accounts(&data), "{what}");
        // What comes later, in two parts, between them a kill.
        let (one, other) = to_come.split_at(to_come.len() / 2);
        for (part, killed) in [(one, true), (other, false)] {
            arrives_at_both(&house, [&kept, &data], part, killed);
            same(&said(&house, &kept), &said(&house, &data), &format!("{what}, later"));
            assert_eq!(accounts(&kept), accounts(&data), "{what}, later");
        }
        // Again, further: what is gone can't come back, and nothing more is past.
        assert_eq!(trim(&data, months)["begins"], json!(begins));
        for data in [&kept, &data] {
            let (status, _, err) = run(vitalog().args(["erase", "--subject", "p-2", "--data"]).arg(data));
            assert_eq!(status, Some(0), "{err}");
        }
        same(&said_of_others(said(&house, &kept)), &said_of_others(said(&house, &data)), &format!("{what}, erased"));
        assert_eq!(accounts(&kept), accounts(&data), "{what}, erased");
        assert_eq!(is_sound(&data), json!(begins));
    }
}

/// Who is erased is known nowhere, so nothing is answered about them.
fn said_of_others(mut said: BTreeMap<String, String>) -> BTreeMap<String, String> {
    for what in ["why", "recommendations"] {
        let answer = said.remove(&format!("{what} p-2")).unwrap();
        assert!(answer.contains("\"status\":404"), "{answer}");
    }
    said
}

/// The files of one kind, the oldest first.
fn snapshots(data: &Path, kind: &str) -> Vec<PathBuf> {
    let files = std::fs::read_dir(data.join("snapshots")).unwrap().map(|file| file.unwrap().path());
    let mut files: Vec<PathBuf> = files.filter(|path| path.extension().is_some_and(|e| e == kind)).collect();
    files.sort();
    files
}

/// LAW: without any one of the files a start refuses and names what is missing, or says the same.
#[test]
fn what_is_missing_is_refused_by_name_or_made_up_for() {
    let house = House::new(RULES);
    let data = house.path("data");
    house.lived(&data, 4);
    trim(&data, 5);
    let expected = said(&house, &data);
    let mut tried = 0;
    for (gone, named) in [
        (&["views.db"][..], "views"),
        (&["outbox.db"], "the outbox is missing, or begins anew"),
        (&["lake"], "the lake is missing, or begins anew"),
        (&["snapshots"], "no snapshot that could be gone on from"),
        (&["cold", "snapshots"], "no snapshot that could be gone on from"),
    ] {
        let without = house.path("without");
        copy(&data, &without);
        for name in gone {
            let path = without.join(name);
            if path.is_dir() { std::fs::remove_dir_all(path).unwrap() } else { std::fs::remove_file(path).unwrap() }
        }
        for again in 0..2 {
            let err = refused(&without);
            assert!(
                err.contains(named) && err.contains("begins at offset") && err.contains("restore a backup"),
                "{again}: {gone:?}: {err}"
            );
        }
        std::fs::remove_dir_all(&without).unwrap();
        tried += 1;
    }
    assert!(snapshots(&data, "snapshot").len() >= 2);
    for file in [snapshots(&data, "snapshot"), snapshots(&data, "increment")].concat() {
        let without = house.path("without");
        copy(&data, &without);
        std::fs::remove_file(without.join("snapshots").join(file.file_name().unwrap())).unwrap();
        same(&expected, &said(&house, &without), &format!("without {}", file.display()));
        std::fs::remove_dir_all(&without).unwrap();
        tried += 1;
    }
    println!("{tried} files");
}

/// LAW: a backup is enough, with the journal alone gone or all of it.
#[test]
fn a_backup_of_it_is_enough() {
    let house = House::new(RULES);
    let (data, backup, keys) = (house.path("data"), house.path("backup"), house.path("keys"));
    let to_come = house.lived(&data, 5);
    trim(&data, 5);
    let (status, _, err) = run(vitalog().args(["backup", "--data"]).arg(&data).arg("--to").arg(&backup).arg("--keys").arg(&keys));
    assert_eq!(status, Some(0), "{err}");
    // By a server too, while readings come.
    let (backups, other) = (house.path("backups"), house.path("other"));
    copy(&data, &other);
    let flags =
        ["--rules", house.rules.to_str().unwrap(), "--horizon", "1", "--land-every", "1", "--backups", backups.to_str().unwrap()];
    let server = Server::start(&other, &flags);
    for piece in to_come.chunks(200) {
        server.readings(&ndjson(piece)).ok();
    }
    let (status, _, err) = run(vitalog().args(["backup", "--url", &server.url]));
    assert_eq!(status, Some(0), "{err}");
    assert_eq!(server.stop(), Some(0));
    let made = std::fs::read_dir(&backups).unwrap().next().unwrap().unwrap().path();
    for (n, from) in [&backup, &made].into_iter().enumerate() {
        let restored = house.path(&format!("restored-{n}"));
        let (status, _, err) =
            run(vitalog().args(["restore", "--from"]).arg(from).arg("--to").arg(&restored).arg("--keys").arg(&keys));
        assert_eq!(status, Some(0), "{err}");
        is_sound(&restored);
        accounts(&restored);
        if n == 0 {
            same(&said(&house, &data), &said(&house, &restored), "restored");
        }
    }
    // What lies in folders is verified like all else.
    let file = std::fs::read_dir(backup.join("snapshots")).unwrap().next().unwrap().unwrap().path();
    std::fs::write(&file, b"something else").unwrap();
    let (status, _, err) = run(vitalog().args(["restore", "--from"]).arg(&backup).arg("--to").arg(house.path("bent")));
    assert!(status == Some(1) && err.contains("the backup is damaged: snapshots/"), "{err}");
}

/// Readings and findings of a directory, without when and where they came.
fn kept_by(house: &House, data: &Path) -> BTreeSet<String> {
    let server = house.start(data);
    let readings = server.sql("select subject, id, rev, stream, at, bg_value from readings where stream <> 'contact'");
    let found = server.sql("select rule, subject, onset, state, revision from matches");
    assert_eq!(server.stop(), Some(0));
    [readings, found].iter().flat_map(|rows| rows.as_array().unwrap().iter().map(Value::to_string)).collect()
}

/// The value of a metric.
fn metric(server: &Server, name: &str) -> f64 {
    let text = server.get("/metrics").body;
    let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    line.and_then(|n| n.parse().ok()).unwrap_or_else(|| panic!("no {name}: {text}"))
}

/// A server trims while readings come and questions are asked; killed at any moment, the next goes on.
#[test]
fn a_server_lets_go_while_it_runs() {
    let house = House::new(RULES);
    let (kept, data) = (house.path("kept"), house.path("data"));
    let to_come = house.lived(&kept, 9);
    copy(&kept, &data);
    let start = |keep: &str| {
        let rules = house.rules.to_str().unwrap();
        Server::start(&data, &["--rules", rules, "--horizon", "1", "--land-every", "1", "--retain-journal", keep])
    };
    // It needs a second snapshot, and has one made, since something comes.
    let server = start("6months");
    std::thread::sleep(std::time::Duration::from_millis(1_500));
    assert_eq!(metric(&server, "vitalog_journal_first_offset"), 0.0, "one snapshot alone is not enough");
    let mut pieces = to_come.chunks(4);
    let mut acknowledged = 0;
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(60);
    while metric(&server, "vitalog_journal_first_offset") == 0.0 {
        let piece = pieces.next().expect("it takes less long");
        acknowledged += piece.len() as u64;
        server.readings(&ndjson(piece)).ok();
        assert_eq!(server.get("/v1/accounting?limit=0").ok().json()["equal"], true);
        assert!(std::time::Instant::now() < deadline, "nothing went");
        std::thread::sleep(std::time::Duration::from_millis(100));
    }
    let begins = metric(&server, "vitalog_journal_first_offset") as u64;
    assert!(begins > 100 && metric(&server, "vitalog_journal_kept_inputs") == 0.0, "{begins}");
    server.readings(&ndjson(&to_come[..20])).ok();
    assert_eq!(server.stop(), Some(0));
    assert_eq!(is_sound(&data), json!(begins));
    let note: Value = serde_json::from_slice(&std::fs::read(data.join("retention.json")).unwrap()).unwrap();
    assert_eq!(note["journal"], "6months", "{note}");
    let (_, out, err) = run(vitalog().args(["doctor", "--data"]).arg(&data));
    assert!(out.contains(&format!("the journal is kept: 6months; the journal begins at offset {begins}")), "{out}{err}");
    // By a shorter time, killed: not trimmed further, or trimmed, and nothing of what was acknowledged is gone.
    for round in 0..4 {
        let server = start("5months");
        std::thread::sleep(std::time::Duration::from_millis(450 + 150 * round));
        server.kill_now();
        drop(server);
    }
    house.settle(&data);
    assert!(is_sound(&data).as_u64().unwrap() >= begins);
    // Whatever came about, it is what a twin says that kept everything and was sent the same.
    let server = house.start(&kept);
    let sent = &to_come[..acknowledged as usize];
    for piece in sent.chunks(4).chain([&to_come[..20]]) {
        server.readings(&ndjson(piece)).ok();
    }
    assert_eq!(server.stop(), Some(0));
    let (one, other) = (kept_by(&house, &kept), kept_by(&house, &data));
    let differ: Vec<&String> = one.symmetric_difference(&other).collect();
    assert!(differ.is_empty() && one.len() > 3_000, "{} rows, {differ:?}", one.len());
    accounts(&data);
}
