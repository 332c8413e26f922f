//! What a running server tells those who watch it: metrics, readiness, and what becomes of both when the disk runs full.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::support::server::{Server, root, run, vitalog};
use crate::support::story::{at, ndjson, readings};

/// A scrape: the kind of each family, and each sample by its name with labels.
struct Scrape {
    kinds: BTreeMap<String, String>,
    samples: BTreeMap<String, f64>,
}

/// What may follow a family's name in its samples.
const SUFFIXES: [&str; 6] = ["_total", "_bucket", "_sum", "_count", "_info", ""];

impl Scrape {
    fn of(server: &Server) -> Scrape {
        let answer = server.get("/metrics").ok();
        let kind = answer.headers["content-type"].to_str().unwrap();
        assert_eq!(kind, "application/openmetrics-text; version=1.0.0; charset=utf-8");
        Scrape::read(&answer.body)
    }

    /// Holds a text to the format: an end, one declaration for each family before its samples, no sample twice.
    fn read(text: &str) -> Scrape {
        let mut scrape = Scrape { kinds: BTreeMap::new(), samples: BTreeMap::new() };
        let body = text.strip_suffix("# EOF\n").expect("it ends as it should");
        let mut family = String::new();
        for line in body.lines() {
            if let Some(said) = line.strip_prefix("# TYPE ") {
                let (name, kind) = said.split_once(' ').expect("a name and a kind");
                assert!(scrape.kinds.insert(name.to_owned(), kind.to_owned()).is_none(), "{name} is declared twice");
                name.clone_into(&mut family);
            } else if !line.starts_with('#') {
                let (name, value) = line.rsplit_once(' ').expect("a name and a value");
                let bare = name.split('{').next().unwrap();
                assert!(SUFFIXES.iter().any(|suffix| bare == format!("{family}{suffix}")), "{line} is no sample of {family}");
                let value = value.parse().unwrap_or_else(|e| panic!("{line}: {e}"));
                assert!(scrape.samples.insert(name.to_owned(), value).is_none(), "{name} is told twice");
            } else {
                assert!(line.starts_with("# HELP ") || line.starts_with("# UNIT "), "{line}");
            }
        }
        scrape
    }

    fn get(&self, sample: &str) -> f64 {
        *self.samples.get(sample).unwrap_or_else(|| panic!("{sample} is not told"))
    }

    /// The names as they are asked for: of counters with `_total`, of what only informs with `_info`.
    fn names(&self) -> BTreeMap<String, (String, BTreeSet<String>)> {
        let asked = |name: &str, kind: &str| match kind {
            "counter" => format!("{name}_total"),
            "info" => format!("{name}_info"),
            _ => name.to_owned(),
        };
        self.kinds.iter().map(|(name, kind)| (asked(name, kind), (kind.clone(), self.labels(name)))).collect()
    }

    fn labels(&self, family: &str) -> BTreeSet<String> {
        let of = |name: &&String| SUFFIXES.iter().any(|suffix| name.split('{').next().unwrap() == format!("{family}{suffix}"));
        let mut labels = BTreeSet::new();
        for name in self.samples.keys().filter(of) {
            let Some((_, inside)) = name.split_once('{') else { continue };
            labels.extend(inside.split("\",").filter_map(|label| Some(label.split_once('=')?.0.to_owned())));
        }
        labels.remove("le");
        labels
    }
}

fn wait_for(what: &str, is_so: impl Fn() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(30);
    while !is_so() {
        assert!(Instant::now() < deadline, "{what} within 30 s");
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// A server that had something of everything: readings new, corrected, doubled and refused, landings, a snapshot, findings, and somebody who can't be reached.
fn busy(dir: &Path) -> Server {
    let webhooks = json!({ "endpoints": [{ "name": "gone", "url": "http://127.0.0.1:9/", "allow_loopback": true,
        "secrets": ["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"] }] });
    let file = dir.join("webhooks.json");
    std::fs::write(&file, webhooks.to_string()).unwrap();
    let server = Server::start(&dir.join("data"), &["--land-every", "1", "--workers", "2", "--webhooks", file.to_str().unwrap()]);
    let (originals, corrections) = readings("p-watched", 5);
    server.readings(&ndjson(&originals)).ok();
    server.readings(&ndjson(&originals[..7])).ok();
    server.readings(&ndjson(&corrections)).ok();
    let bad = json!({"subject": "p-watched", "stream": "bg", "at": at(3), "value": "5 parsecs"});
    assert_eq!(server.readings(&ndjson(&[bad])).status, 422);
    server
}

#[test]
fn metrics_say_what_came_in_and_what_followed() {
    let dir = tempfile::tempdir().unwrap();
    let server = busy(dir.path());
    let (originals, _) = readings("p-watched", 5);
    let position = server.sql("select count(*) as n from readings where stream = 'bg' and rev = 1")[0]["n"].as_u64();
    assert!(position > Some(100));
    wait_for("all sinks at the journal's end", || {
        let scrape = Scrape::of(&server);
        ["lake", "views", "outbox"].iter().all(|sink| scrape.get(&format!("vitalog_sink_lag_inputs{{sink=\"{sink}\"}}")) == 0.0)
    });
    let scrape = Scrape::of(&server);
    let of = |outcome: &str| {
        let ends = format!("outcome=\"{outcome}\"}}");
        let counted = scrape.samples.iter().filter(|(name, _)| {
            name.starts_with("vitalog_readings_total{") && name.ends_with(&ends) && !name.contains("\"contact\"")
        });
        counted.map(|(_, count)| *count).sum::<f64>()
    };
    assert_eq!(of("new"), originals.len() as f64);
    assert_eq!(of("duplicate"), 7.0);
    assert!(of("superseded") > 0.0);
    assert_eq!(scrape.get("vitalog_refused_total{code=\"unknown_unit\"}"), 1.0);
    let found: Value = server.recommendations("p-watched").len().into();
    let opened = |severity: &str| scrape.get(&format!("vitalog_findings_opened_total{{severity=\"{severity}\"}}"));
    assert!(["info", "advisory", "warning", "urgent", "critical"].map(opened).iter().sum::<f64>() > 5.0, "{found}");
    assert_eq!(scrape.get("vitalog_journal_offset"), scrape.get("vitalog_sink_position{sink=\"views\"}"));
    assert_eq!(scrape.get("vitalog_ready"), 1.0);
    let subjects = |worker: u8| scrape.get(&format!("vitalog_subjects{{worker=\"{worker}\"}}"));
    assert_eq!(subjects(0) + subjects(1), 1.0);
    let route = "method=\"POST\",route=\"/v1/readings\"";
    assert_eq!(scrape.get(&format!("vitalog_http_request_duration_seconds_count{{{route},status=\"200\"}}")), 3.0);
    assert_eq!(scrape.get(&format!("vitalog_http_request_duration_seconds_count{{{route},status=\"422\"}}")), 1.0);
    assert!(scrape.get("vitalog_journal_group_inputs_sum") >= scrape.get("vitalog_journal_offset") - 2.0);
    assert!(scrape.get("vitalog_process_resident_memory_bytes") > 1e6 && scrape.get("vitalog_process_open_files") > 5.0);
    // Nobody is named, whatever was asked about whom.
    server.get("/v1/subjects/p-watched/summary").ok();
    let text = server.get("/metrics").ok().body;
    assert!(text.contains("route=\"/v1/subjects/{subject}/summary\"") && !text.contains("p-watched"), "{text}");
    assert_eq!(server.stop(), Some(0));
}

/// A row of the table of metrics in the manual: name, kind, labels.
fn documented() -> BTreeMap<String, (String, BTreeSet<String>)> {
    let page = std::fs::read_to_string(root().join("docs/operations.md")).unwrap();
    let rows = page.lines().filter(|line| line.starts_with("| `vitalog_"));
    rows.map(|row| {
        let cells: Vec<&str> = row.trim_matches('|').split(" | ").map(|cell| cell.trim().trim_matches('`')).collect();
        let labels = cells[2].split(", ").map(|label| label.trim_matches('`').to_owned()).filter(|label| !label.is_empty());
        (cells[0].to_owned(), (cells[1].to_owned(), labels.collect()))
    })
    .collect()
}

/// The names in a text.
fn named(text: &str) -> BTreeSet<String> {
    let words = text.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_'));
    words.filter(|word| word.starts_with("vitalog_")).map(str::to_owned).collect()
}

#[test]
fn every_metric_is_in_the_manual_and_what_watches_them_names_no_other() {
    let dir = tempfile::tempdir().unwrap();
    let server = busy(dir.path());
    server.get("/v1/subjects").ok();
    wait_for("an attempt to deliver, a landing and a snapshot", || {
        // A low of just now is told at once; and an input that follows a landing makes a snapshot.
        let low = json!({"subject": "p-watched", "stream": "bg", "at": jiff::Timestamp::now().to_string(), "value": 41});
        server.readings(&ndjson(&[low])).ok();
        let scrape = Scrape::of(&server);
        scrape.get("vitalog_deliveries_total{channel=\"webhook\",outcome=\"failed\"}") > 0.0
            && scrape.get("vitalog_lake_landing_duration_seconds_count") > 0.0
            && scrape.get("vitalog_snapshot_duration_seconds_count") > 0.0
    });
    let (told, documented) = (Scrape::of(&server).names(), documented());
    // Only there while something is due.
    let sometimes = ["vitalog_deadline_overdue_seconds"];
    for (name, said) in &documented {
        assert!(
            told.get(name).is_some_and(|is| is == said) || sometimes.contains(&&**name),
            "{name}: {said:?}, told {:?}",
            told.get(name)
        );
    }
    for name in told.keys() {
        assert!(documented.contains_key(name), "{name} is not in docs/operations.md");
    }
    let known = |name: &str| {
        let base = ["_bucket", "_sum", "_count"].iter().find_map(|suffix| name.strip_suffix(suffix));
        documented.contains_key(name)
            || base.is_some_and(|base| documented.get(base).is_some_and(|(kind, _)| kind == "histogram"))
    };
    for file in ["grafana.json", "alerts.yml"] {
        let text = std::fs::read_to_string(root().join("docs/monitoring").join(file)).unwrap();
        let names = named(&text);
        assert!(names.len() > 10, "{file} watches little");
        for name in names {
            assert!(known(&name), "docs/monitoring/{file} names {name}, which there is not");
        }
    }
    let board: Value =
        serde_json::from_str(&std::fs::read_to_string(root().join("docs/monitoring/grafana.json")).unwrap()).unwrap();
    let panels = board["panels"].as_array().unwrap();
    assert!(panels.len() > 15 && panels.iter().all(|panel| panel["targets"][0]["expr"].is_string()));
    assert_eq!(server.stop(), Some(0));
}

#[test]
fn metrics_take_the_right_to_operate() {
    let dir = tempfile::tempdir().unwrap();
    let token = |id: &str, scopes: &str| {
        let (status, out, err) = run(vitalog().args(["token", "--data"]).arg(dir.path()).args(["add", id, "--scopes", scopes]));
        assert_eq!(status, Some(0), "{err}");
        format!("Bearer {}", out.trim())
    };
    let (watcher, reader) = (token("prometheus", "operate"), token("reader", "read,list,query"));
    let mut command = vitalog();
    command.args(["serve", "--listen", "127.0.0.1:0", "--data"]).arg(dir.path());
    let server = Server::spawn(command);
    let asked = |headers: &[(&str, &str)]| server.try_send("GET", "/metrics", headers, "").expect("an answer");
    assert_eq!(asked(&[]).status, 401);
    let refused = asked(&[("authorization", &reader)]);
    assert_eq!((refused.status, refused.json()["code"].as_str()), (403, Some("forbidden")));
    let scrape = Scrape::read(&asked(&[("authorization", &watcher)]).ok().body);
    let route = "vitalog_http_request_duration_seconds_count{method=\"GET\",route=\"/metrics\"";
    assert_eq!([401, 403].map(|status| scrape.get(&format!("{route},status=\"{status}\"}}"))), [1.0, 1.0]);
    assert_eq!(server.stop(), Some(0));
}

#[test]
fn readiness_says_what_is_checked() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::start(dir.path(), &["--drain-time", "3"]);
    server.readings(&ndjson(&readings("p-1", 2).0)).ok();
    let ready = server.get("/readyz").ok().json();
    assert_eq!(ready["status"], "ready");
    for check in ["journal", "snapshot", "disk", "drain"] {
        assert_eq!(ready["checks"][check]["status"], "ok", "{ready}");
    }
    for sink in ["lake", "views", "outbox"] {
        assert_eq!(ready["checks"]["sinks"][sink]["status"], "ok", "{ready}");
    }
    assert!(ready["checks"]["disk"]["free_bytes"].as_u64() > ready["checks"]["disk"]["floor_bytes"].as_u64(), "{ready}");
    // Asked to end, it says so for a while, and answers all the same.
    run(std::process::Command::new("kill").args(["-TERM", &server.id().to_string()]));
    wait_for("not ready", || server.get("/readyz").status == 503);
    let draining = server.get("/readyz").json();
    assert_eq!((draining["code"].as_str(), draining["checks"]["drain"]["status"].as_str()), (Some("draining"), Some("draining")));
    assert_eq!(server.readings(&ndjson(&readings("p-2", 2).0[..3])).ok().json()["accepted"], 3);
    assert_eq!(server.wait(), Some(0));
}

/// A file system whose room this test alone takes.
fn small_disk() -> Option<tempfile::TempDir> {
    tempfile::tempdir_in("/dev/shm").ok()
}

#[test]
fn below_the_floor_readings_are_refused_and_taken_again_when_there_is_room() {
    let Some(dir) = crate::support::need::need("a file system in memory at /dev/shm", small_disk()) else { return };
    let free = free_mib(dir.path());
    // 120 MiB are above the floor, and 200 are taken away.
    let (floor, taken) = (free.saturating_sub(120), 200);
    assert!(floor > 0, "there is too little room to try");
    let data = dir.path().join("data");
    let server = Server::start(&data, &["--free-space", &floor.to_string()]);
    let (originals, _) = readings("p-1", 3);
    server.readings(&ndjson(&originals)).ok();
    let before = server.sql("select count(*) as n from readings");
    let ballast = dir.path().join("ballast");
    std::fs::write(&ballast, vec![1_u8; taken << 20]).unwrap();
    wait_for("not ready", || server.get("/readyz").status == 503);

    let ready = server.get("/readyz").json();
    assert_eq!(
        (ready["code"].as_str(), ready["checks"]["disk"]["status"].as_str()),
        (Some("disk_full"), Some("full")),
        "{ready}"
    );
    let reading = json!({"id": "late", "subject": "p-1", "stream": "bg", "at": at(4000), "value": 99});
    let refused = server.readings(&ndjson(std::slice::from_ref(&reading)));
    assert_eq!((refused.status, refused.json()["code"].as_str()), (507, Some("disk_full")), "{}", refused.body);
    assert!(refused.json()["remedy"].as_str().unwrap().contains("free space"), "{}", refused.body);
    assert_eq!(refused.headers["retry-after"], "60");
    let rules = server.try_send("PUT", "/v1/rules/more.rules", &[], "rule x { severity info when no bg for 6 h }").unwrap();
    assert_eq!(rules.status, 507, "{}", rules.body);
    // What is there can be read, who watches sees it, and people's answers are taken.
    assert_eq!(server.sql("select count(*) as n from readings"), before);
    let scrape = Scrape::of(&server);
    assert_eq!(scrape.get("vitalog_ready"), 0.0);
    assert_eq!(scrape.get("vitalog_door_turned_away_total{reason=\"disk_full\"}"), 2.0);
    let found = server.recommendations("p-1");
    let id = found[0]["id"].as_str().unwrap();
    server.try_send("POST", &format!("/v1/recommendations/{id}/acknowledge"), &[], "").unwrap().ok();

    std::fs::remove_file(&ballast).unwrap();
    wait_for("ready again", || server.get("/readyz").status == 200);
    assert_eq!(server.readings(&ndjson(&[reading])).ok().json()["accepted"], 1);
    assert_eq!(server.stop(), Some(0));
}

fn free_mib(dir: &Path) -> u64 {
    let (status, out, err) = run(std::process::Command::new("df").args(["-m", "--output=avail"]).arg(dir));
    assert_eq!(status, Some(0), "{err}");
    out.lines().nth(1).and_then(|line| line.trim().parse().ok()).expect("a number of MiB")
}
