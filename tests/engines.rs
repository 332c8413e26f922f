//! The lake as other engines read it: DuckDB, polars, deltalake and Spark open its Delta tables by themselves, and come to the figures that our SQL tells, as do psql, SQLAlchemy and ADBC over the server's doors; also while rows land.

use std::io::{BufRead, BufReader, Lines, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use serde_json::{Value, json};
use vitalog_broker::Jars;

use crate::conformance::others_agree;
use crate::support::need::{need, python_with};
use crate::support::server::{Server, root, run, vitalog};
use crate::support::story::{at, ndjson};

/// What the script asks, in our dialect.
const FIGURES: &str = "select stream, count(*) as n, count(distinct subject) as subjects, count(distinct id) as ids, sum(rev) as revs,
    sum(cast(round(coalesce(bg_value, 0) * 1000) as bigint)) as glucose, sum(cast(round(coalesce(carbs_amount, 0) * 1000) as bigint)) as carbs,
    min(cast(floor(extract(epoch from coalesce(at, start_at))) as bigint)) as first, max(cast(floor(extract(epoch from coalesce(at, start_at))) as bigint)) as last
    from TABLE group by stream order by stream";

const TABLES: [&str; 2] = ["readings", "readings_history"];

const SPARK: Jars<'static> = Jars {
    name: "delta-spark-4.4.0",
    pinned: include_str!("support/spark/jars.sha256"),
    pom: concat!(env!("CARGO_MANIFEST_DIR"), "/tests/support/spark/pom.xml"),
};

/// Real readings of several people and months, and after them corrections and removals, some of what is in files already, some of what is not.
fn busy(data: &Path) -> Vec<Value> {
    let files = ["UoMGlucose2301", "UoMGlucose2314", "UoMNutrition2301", "UoMBolus2301", "UoMBasal2314", "UoMsleep2301"];
    let files = files.map(|name| root().join(format!("tests/data/t1d-uom/{name}.csv.gz")));
    let (status, out, err) = run(vitalog().arg("ingest").arg("--to").arg(data).args(files));
    assert!(status == Some(0) || status == Some(1), "{out}{err}");
    let server = Server::start(data, &[&["--land-every", "1"][..], &DOORS].concat());
    let named = |n: u64, rev: u32| -> Value {
        let (subject, id) = (format!("p-{}", n % 3), format!("r{n}"));
        match n % 7 {
            0 => {
                json!({"subject": subject, "id": id, "rev": rev, "stream": "carbs", "at": at(n * 5), "amount": format!("{}.5 g", 10 + n % 60)})
            }
            _ => {
                json!({"subject": subject, "id": id, "rev": rev, "stream": "bg", "at": at(n * 5), "value": 80 + u64::from(rev) + n % 70})
            }
        }
    };
    let removed = |n: u64| json!({"subject": format!("p-{}", n % 3), "id": format!("r{n}"), "rev": 2, "removed": true});
    let first = (0..400).map(|n| named(n, 1));
    let later = (0..200).map(|n| if n % 3 == 0 { removed(n) } else { named(n, 2) });
    for part in first.chain(later).collect::<Vec<_>>().chunks(200) {
        server.readings(&ndjson(part)).ok();
        // Some corrections come to what is in files, some to what is not.
        std::thread::sleep(std::time::Duration::from_millis(1_200));
    }
    figures(server)
}

/// What clients of every kind come in by.
const DOORS: [&str; 4] = ["--pg", "127.0.0.1:0", "--flight", "127.0.0.1:0"];

/// What our SQL tells, and what clients of the other doors come to; then it ends, and before that everything lands.
fn figures(server: Server) -> Vec<Value> {
    let asked = TABLES.map(|table| FIGURES.replace("TABLE", table));
    others_agree(&server, &asked);
    let figures = [0, 1].map(|n| {
        let rows = server.sql(&asked[n]);
        rows.as_array().expect("rows").iter().map(|row| json!([TABLES[n], row])).collect::<Vec<_>>()
    });
    assert_eq!(server.stop(), Some(0));
    in_order(figures.concat())
}

/// By table and stream: engines differ on where rows without a stream come.
fn in_order(mut rows: Vec<Value>) -> Vec<Value> {
    rows.sort_by_key(|row| (row[0].to_string(), row[1]["stream"].to_string()));
    rows
}

/// Engines that answer one question after the other: Spark, or those that are libraries of Python. Starting them takes longer than they do.
struct Others {
    process: Child,
    asked: ChildStdin,
    told: Lines<BufReader<ChildStdout>>,
}

impl Others {
    fn start(python: &Path, how: &[&Path]) -> Others {
        let mut command = Command::new(python);
        command.arg(root().join("tests/support/engines.py")).args(how);
        let mut process = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("it starts");
        let asked = process.stdin.take().expect("piped");
        let told = BufReader::new(process.stdout.take().expect("piped")).lines();
        Others { process, asked, told }
    }

    fn lines(&mut self, engine: &str, lake: &Path, versions: &Value) -> Vec<Value> {
        writeln!(self.asked, "{}", json!({"engine": engine, "lake": lake, "versions": versions})).expect("it listens");
        let lines = self.told.by_ref().map(|line| line.expect("text")).take_while(|line| !line.is_empty());
        lines.filter_map(|line| serde_json::from_str(&line).ok()).collect()
    }

    fn told(&mut self, engine: &str, lake: &Path, versions: &Value) -> Vec<Value> {
        in_order(self.lines(engine, lake, versions))
    }

    fn stop(mut self) {
        drop(self.asked);
        assert!(self.process.wait().expect("it ends").success(), "they failed");
    }
}

/// Corrects and removes some of what landed, and adds to it; what our SQL tells after that.
fn busy_again(data: &Path) -> Vec<Value> {
    let server = Server::start(data, &DOORS);
    let mut later: Vec<Value> = (0..60_u64)
        .map(|n| json!({"subject": format!("p-{}", (n * 2 + 1) % 3), "id": format!("r{}", n * 2 + 1), "rev": 7, "removed": true}))
        .collect();
    later.extend(
        (0..30)
            .map(|n| json!({"subject": "p-2", "id": format!("new-{n}"), "stream": "carbs", "at": at(n * 5), "amount": "12 g"})),
    );
    server.readings(&ndjson(&later)).ok();
    figures(server)
}

#[test]
fn other_engines_come_to_the_same_figures() {
    let Some(python) =
        need("a Python with duckdb and pyspark (VITALOG_PYTHON)", python_with("duckdb, duckdb_extension_delta, pyspark"))
    else {
        return;
    };
    let jars = SPARK.find().map_err(|why| eprintln!("no jars for Spark: {why}")).ok();
    let Some(jars) = need("Spark's jars for Delta", jars) else { return };
    let dir = tempfile::tempdir().unwrap();
    let ours = busy(dir.path());
    let by_stream: Vec<&str> = ours.iter().filter_map(|row| row[1]["stream"].as_str()).collect();
    assert!(by_stream.len() > 5 && ours.iter().any(|row| row[0] == "readings_history"), "{by_stream:?}");
    let lake = dir.path().join("lake");
    let mut others = Others::start(&python, &["answer".as_ref()]);
    let newest = json!({});
    for engine in ["duckdb", "polars", "deltalake"] {
        assert_eq!(others.told(engine, &lake, &newest), ours, "{engine}");
    }
    let mut spark = Others::start(&python, &["spark".as_ref(), &jars]);
    assert_eq!(spark.told("spark", &lake, &newest), ours, "spark");

    // The tables as they were: files and log of former versions are kept for a day.
    let [versions] = &others.lines("versions", &lake, &newest)[..] else { panic!("one line") };
    let now = busy_again(dir.path());
    assert!(now != ours && others.told("duckdb", &lake, &newest) == now);
    for by in ["polars", "deltalake"] {
        assert_eq!(others.told(by, &lake, versions), ours, "{by}, as of {versions}");
    }
    assert_eq!(spark.told("spark", &lake, versions), ours, "spark, as of {versions}");

    // Somebody is erased: the log begins with a checkpoint, and files were rewritten.
    let (status, out, err) = run(vitalog().args(["erase", "--subject", "p-1", "--format", "json", "--data"]).arg(dir.path()));
    assert!(status == Some(0) && out.contains(r#""made_again":[]"#), "{out}{err}");
    let left = others.told("duckdb", &lake, &newest);
    assert_ne!(left, now);
    let then = others.lines("deltalake", &lake, versions);
    let has_failed = then.iter().any(|line| line["failed"].is_string());
    assert!(has_failed, "a former version, which has the erased subject, is read still: {then:?}");
    for by in ["polars", "deltalake"] {
        assert_eq!(others.told(by, &lake, &newest), left, "{by}, after an erasure");
    }
    assert_eq!(spark.told("spark", &lake, &newest), left, "spark, after an erasure");
    assert_eq!(figures(Server::start(dir.path(), &DOORS)), left, "our SQL");

    // Meals are past retention: they went from the files, and from the log before its newest version.
    let server = Server::start(dir.path(), &[&["--retain", "carbs=1month"][..], &DOORS].concat());
    std::thread::sleep(std::time::Duration::from_secs(3));
    let kept = figures(server);
    let without: Vec<Value> = left.iter().filter(|row| row[1]["stream"] != "carbs").cloned().collect();
    assert!(kept == without && kept.len() < left.len(), "{kept:?}");
    for by in ["duckdb", "polars", "deltalake"] {
        assert_eq!(others.told(by, &lake, &newest), kept, "{by}, after a pass");
    }
    assert_eq!(spark.told("spark", &lake, &newest), kept, "spark, after a pass");
    others.stop();
    spark.stop();
}

#[test]
fn what_lands_meanwhile_is_there_once_and_stays() {
    let Some(python) = need("a Python with duckdb (VITALOG_PYTHON)", python_with("duckdb, duckdb_extension_delta")) else {
        return;
    };
    let dir = tempfile::tempdir().unwrap();
    let server = Server::start(dir.path(), &["--land-every", "1"]);
    let send = |round: u64| {
        let each = (0..40).map(|n| json!({"subject": format!("p-{}", n % 4), "stream": "bg", "at": at(round * 40 + n), "value": 100 + n, "id": format!("r{round}-{n}")}));
        server.readings(&ndjson(&each.collect::<Vec<_>>())).ok();
    };
    send(0);
    server.sql("select 1 as one");
    std::thread::sleep(std::time::Duration::from_secs(3));
    let script = root().join("tests/support/engines.py");
    let mut following = Command::new(&python);
    following.arg(script).arg("follow").arg(dir.path().join("lake")).arg("8").stdout(Stdio::piped());
    let following = following.spawn().expect("it starts");
    for round in 1..=12 {
        send(round);
        std::thread::sleep(std::time::Duration::from_millis(500));
    }
    let told = following.wait_with_output().expect("it ends");
    assert!(told.status.success());
    let told = String::from_utf8(told.stdout).expect("text");
    for engine in ["duckdb", "polars"] {
        let lines = told.lines().map(|line| serde_json::from_str::<Value>(line).expect("JSON"));
        let counts: Vec<(u64, u64)> = lines
            .filter(|line| line[0] == engine)
            .map(|line| (line[1][0].as_u64().unwrap(), line[1][1].as_u64().unwrap()))
            .collect();
        assert!(counts.iter().all(|(rows, ids)| rows == ids), "{engine}: rows stand twice: {counts:?}");
        assert!(counts.is_sorted(), "{engine}: rows went again: {counts:?}");
        assert!(counts.first() < counts.last(), "{engine}: nothing landed meanwhile: {counts:?}");
    }
    assert_eq!(server.stop(), Some(0));
}
