//! A small life of a data directory, cut off behind any change of it.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use serde_json::{Value, json};
use vitalog_elog::Time;

use super::disk::Disk;
use super::{Watched, cases, cuts, seed};
use crate::support::server::{Server, run, vitalog};
use crate::support::story::{at, ndjson};
use crate::trimming::{House, ago};

/// An endpoint that nobody answers at, so that messages wait.
const WEBHOOKS: &str = r#"{"settle_s": 0, "endpoints": [
    {"name": "nobody", "url": "http://127.0.0.1:9/", "secrets": ["whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="], "min_severity": "info", "allow_loopback": true}]}"#;
const PEOPLE: [&str; 3] = ["a", "b", "c"];
/// Who is erased in the end.
const GONE: &str = "b";

pub fn reading(subject: &str, n: u64, value: u64) -> Value {
    json!({"id": format!("g{n}"), "subject": subject, "stream": "bg", "at": at(n * 5), "value": value})
}

/// What a reading says; `None`: it was removed, or never came.
type Said = Option<u64>;

/// What was asked, while the log grew from `began` to `answered`; the reading's id with its subject, and what it says then.
struct Step {
    began: u64,
    answered: u64,
    says: Vec<((String, String), Said)>,
    is_erasure: bool,
}

fn said(lines: &[Value]) -> Vec<((String, String), Said)> {
    let text = |line: &Value, name: &str| line[name].as_str().expect("text").to_owned();
    lines.iter().map(|line| ((text(line, "subject"), text(line, "id")), line["value"].as_u64())).collect()
}

pub struct Life {
    pub watched: Watched,
    /// Of each server.
    flags: Vec<String>,
    steps: Vec<Step>,
}

impl Life {
    /// In a directory `data` that is made.
    pub fn begin(dir: &Path) -> Option<Life> {
        let data = dir.join("data");
        std::fs::create_dir(&data).expect("made");
        let webhooks = dir.join("webhooks.json");
        std::fs::write(&webhooks, WEBHOOKS).expect("written");
        let flags = ["--horizon", "1", "--webhooks", webhooks.to_str().expect("a path")];
        Some(Life { watched: Watched::new(&data)?, flags: flags.map(str::to_owned).into(), steps: vec![] })
    }

    pub fn serving(&self) -> Command {
        let mut command = self.watched.vitalog();
        command.args(["serve", "--open", "--listen", "127.0.0.1:0", "--land-every", "1"]).args(&self.flags);
        command.arg("--data").arg(&self.watched.root);
        command
    }

    fn start(&self) -> Server {
        Server::spawn(self.serving())
    }

    /// Sends readings and notes what they say. Whether they were taken.
    pub fn send(&mut self, server: &Server, lines: &[Value]) -> bool {
        let began = self.watched.now();
        let is_taken = server.try_readings(&ndjson(lines)).is_some_and(|answer| answer.status == 200);
        let answered = if is_taken { self.watched.now() } else { u64::MAX };
        self.steps.push(Step { began, answered, says: said(lines), is_erasure: false });
        is_taken
    }

    /// Sends a reading again and again until there are so many snapshots and increments.
    fn send_until_snapshots(&self, server: &Server, reading: &Value, wanted: usize) {
        for _ in 0..600 {
            server.readings(&ndjson(std::slice::from_ref(reading))).ok();
            let files = std::fs::read_dir(self.watched.root.join("snapshots")).expect("a folder");
            if files.count() >= wanted {
                return;
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        panic!("no snapshot was written");
    }

    /// Three servers, one after the other: readings alone and together, amended and removed, old and late; landings, snapshots, messages; before the last somebody is erased.
    fn live(&mut self) {
        let server = self.start();
        for (i, subject) in (0..).zip(PEOPLE) {
            let lines: Vec<Value> = (0..60).map(|n| reading(subject, n, 60 + (n * 7 + i) % 200)).collect();
            assert!(self.send(&server, &lines));
        }
        self.send_until_snapshots(&server, &reading("a", 0, 60), 1);
        let amended = json!({"id": "g7", "subject": "a", "rev": 2, "stream": "bg", "at": at(35), "value": 41});
        let removed = json!({"id": "g9", "subject": "c", "rev": 2, "removed": true});
        assert!(self.send(&server, &[amended]) && self.send(&server, &[removed]));
        for n in 700..708 {
            assert!(self.send(&server, &[reading("c", n, 45)]));
        }
        self.send_until_snapshots(&server, &reading("a", 0, 60), 2);
        assert!(self.send(&server, &[reading("a", 61, 300), reading("b", 61, 301)]));
        assert_eq!(server.stop(), Some(0));

        let server = self.start();
        assert!(self.send(&server, &[reading("a", 62, 52), reading("b", 62, 53)]));
        assert_eq!(server.stop(), Some(0));

        let began = self.watched.now();
        let (status, _, err) = run(self.watched.vitalog().args(["erase", "--subject", GONE, "--data"]).arg(&self.watched.root));
        assert_eq!(status, Some(0), "{err}");
        self.steps.push(Step { began, answered: self.watched.now(), says: vec![], is_erasure: true });

        let server = self.start();
        assert!(self.send(&server, &[reading("a", 63, 54)]));
        assert_eq!(server.stop(), Some(0));
    }

    /// What may be found of each reading after a cut where the log was so long, the erasure left out; and whether the erased one must be gone, and may be.
    fn allowed(&self, cut: u64) -> (BTreeMap<(String, String), Vec<Said>>, bool, bool) {
        let mut allowed: BTreeMap<(String, String), Vec<Said>> = BTreeMap::new();
        let (mut must, mut may) = (false, false);
        for step in &self.steps {
            let (is_answered, has_begun) = (step.answered <= cut, step.began < cut);
            if step.is_erasure {
                (must, may) = (is_answered, has_begun);
            }
            for (reading, said) in &step.says {
                let known = allowed.entry(reading.clone()).or_insert_with(|| vec![None]);
                if is_answered {
                    *known = vec![*said];
                } else if has_begun {
                    known.push(*said);
                }
            }
        }
        (allowed, must, may)
    }

    /// Starts a server on what a cut left, and holds what it says against what was answered before the cut.
    pub fn is_whole(&self, data: &Path, cut: u64, what: &str) {
        let flags: Vec<&str> = self.flags.iter().map(String::as_str).collect();
        let server = Server::start(data, &flags);
        let end = server.journal_end().to_string();
        let headers = [("content-type", "application/json"), ("vitalog-position", end.as_str())];
        let sql = json!({"sql": "select subject, id, value from bg"}).to_string();
        let rows = server.try_send("POST", "/v1/sql", &headers, sql).expect("an answer").ok().json();
        let mut found = BTreeMap::new();
        for row in rows.as_array().expect("rows") {
            let text = |name: &str| row[name].as_str().expect("text").to_owned();
            let value = row["value"].as_f64().expect("a number") as u64;
            assert!(found.insert((text("subject"), text("id")), value).is_none(), "{what}: doubled: {row}");
        }
        let (allowed, must, may) = self.allowed(cut);
        let is_gone = may && !found.keys().any(|(subject, _)| subject == GONE);
        assert!(is_gone || !must, "{what}: the erased one is there");
        for (reading, allowed) in &allowed {
            let said = found.remove(reading);
            if reading.0 == GONE && is_gone {
                continue;
            }
            assert!(allowed.contains(&said), "{what}: {reading:?} is {said:?}, and may be {allowed:?}");
        }
        assert!(found.is_empty(), "{what}: nobody sent {found:?}");
        let (status, out, err) = run(vitalog().args(["audit", "--url", &server.url]));
        assert_eq!(status, Some(0), "{what}: {out}{err}");
        // It goes on.
        server.readings(&ndjson(&[json!({"subject": "new", "stream": "bg", "at": at(3), "value": 99})])).ok();
        assert_eq!(server.stop(), Some(0), "{what}");
    }
}

/// What a life left is cut off behind some of its changes, and each time a server is started on it.
fn cut_off(life: &Life, mut disk: Disk, dir: &Path, wanted: usize) {
    let records = life.watched.records();
    let mut done = 0;
    for (i, (behind, keep)) in cuts(&records, wanted).into_iter().enumerate() {
        for record in &records[done..=behind] {
            disk.take(record);
        }
        done = done.max(behind + 1);
        let data = dir.join(format!("cut-{i}"));
        std::fs::create_dir(&data).unwrap();
        disk.crash(keep, &data);
        let record = &records[behind];
        let what = format!("seed {}, cut {i} behind change {behind} of {}, {keep:?}", seed(), records.len());
        life.is_whole(&data, record.ends, &what);
        std::fs::remove_dir_all(&data).unwrap();
    }
}

/// Twenty-eight cuts; all of them by `tests/run --long losing`.
#[test]
fn a_power_cut_loses_nothing_that_was_answered_and_a_server_starts() {
    let dir = tempfile::tempdir().unwrap();
    let Some(mut life) = Life::begin(dir.path()) else { return };
    let disk = Disk::of(&life.watched.root);
    life.live();
    cut_off(&life, disk, dir.path(), cases(16));
}

/// Readings that arrived months ago, and are not in the journal any more: snapshots, layers and the lake are all that is left of them.
#[test]
fn a_power_cut_while_a_journal_is_trimmed_loses_nothing() {
    let house = House::new("use health\nrule low { severity warning when bg.value < 54 mg/dL }\n");
    let data = house.path("data");
    let mut steps = Vec::new();
    for month in [7, 6, 5, 1] {
        // A day of it, so that there are layers.
        let of_day = |n: u64| json!({"id": format!("m{month}-{n}"), "subject": "a", "stream": "bg", "at": Time(ago(month).0 + n as i64 * 300_000_000).to_string(), "value": 50 + n});
        let lines: Vec<Value> = (0..120).map(of_day).collect();
        house.arrive(&data, Time(ago(month).0 + 90_000_000_000), &lines);
        house.settle(&data);
        steps.push(Step { began: 0, answered: 0, says: said(&lines), is_erasure: false });
    }
    let Some(watched) = Watched::new(&data) else { return };
    let flags = ["--horizon", "1", "--rules", house.rules()];
    let mut life = Life { watched, flags: flags.map(str::to_owned).into(), steps };
    let disk = Disk::of(&life.watched.root);

    let server = life.start();
    assert!(life.send(&server, &[reading("a", 1, 45), reading("c", 2, 46)]));
    assert_eq!(server.stop(), Some(0));
    let (status, out, err) =
        run(life.watched.vitalog().args(["trim", "--retain-journal", "3months", "--data"]).arg(&life.watched.root));
    assert_eq!(status, Some(0), "{out}{err}");
    let (_, out, _) = run(vitalog().args(["audit", "journal", "--data"]).arg(&life.watched.root));
    assert!(out.contains("begins at offset "), "nothing was trimmed: {out}");
    let server = life.start();
    assert!(life.send(&server, &[reading("a", 3, 47)]));
    assert_eq!(server.stop(), Some(0));
    cut_off(&life, disk, house.path("").as_path(), cases(8));
}
