//! Accounting from outside: sums agree at every moment of a busy history; what is lost, doubled or bent in a stage is named and made again; strangers come to the same sums.

use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::{Value, json};

use crate::access::{ask, serve, status, told};
use crate::support::need::{need, python};
use crate::support::server::{Server, root, run, vitalog};
use crate::support::story::{Numbers, at, ndjson, readings};

/// `vitalog audit` over a directory: exit status and answer.
pub fn audit(data: &Path, more: &[&str]) -> (Option<i32>, Value) {
    let (status, out, err) = run(vitalog().args(["audit", "--format", "json", "--data"]).arg(data).args(more));
    (status, serde_json::from_str(&out).unwrap_or_else(|_| panic!("no JSON: {out}{err}")))
}

/// What differs: stage, kind, id and revision.
fn named(answer: &Value, of: &str) -> Vec<String> {
    let text = |d: &Value, member: &str| d[member].as_str().unwrap_or_default().to_owned();
    let list = answer[of].as_array().unwrap_or_else(|| panic!("no {of}: {answer}"));
    let mut all: Vec<String> =
        list.iter().map(|d| format!("{} {} {}/{}", text(d, "stage"), text(d, "kind"), text(d, "id"), d["rev"])).collect();
    all.sort();
    all
}

fn stage<'a>(answer: &'a Value, name: &str) -> &'a Value {
    answer["stages"]
        .as_array()
        .unwrap()
        .iter()
        .find(|stage| stage["stage"] == name)
        .unwrap_or_else(|| panic!("no {name}: {answer}"))
}

fn reading(id: &str, minute: u64, value: u64) -> Value {
    json!({"id": id, "subject": "p-1", "stream": "bg", "at": at(minute), "value": value, "source": "g7", "seq": minute})
}

/// A directory with readings of `p-1`: ten that stay, one amended, one removed, and one without a name.
fn small(data: &Path) {
    let server = Server::start(data, &["--land-every", "1"]);
    let mut all: Vec<Value> = (0..12).map(|n| reading(&format!("r{n}"), n * 5, 100 + n)).collect();
    all.push(json!({"id": "r10", "subject": "p-1", "rev": 2, "stream": "bg", "at": at(50), "value": 120, "source": "g7"}));
    all.push(json!({"id": "r11", "subject": "p-1", "rev": 2, "removed": true}));
    all.push(json!({"subject": "p-2", "stream": "carbs", "at": at(0), "amount": "45.50 g"}));
    server.readings(&ndjson(&all)).ok();
    assert_eq!(server.stop(), Some(0));
}

#[test]
fn sums_agree_at_every_moment_of_a_busy_history() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    let flags = ["--land-every", "1", "--horizon", "1"];
    let mut numbers = Numbers(29);
    let mut asked = 0;
    for round in 0..3 {
        let server = Server::start(&data, &flags);
        let done = AtomicBool::new(false);
        std::thread::scope(|scope| {
            let writing = scope.spawn(|| {
                for person in 0..3 {
                    let (mut originals, mut corrections) = readings(&format!("p-{person}"), 3 * round + person);
                    numbers.shuffle(&mut originals);
                    numbers.shuffle(&mut corrections);
                    // Some corrections come before what they correct, some readings twice, some are refused.
                    let mut all = corrections.split_off(corrections.len() / 2);
                    all.extend(originals.iter().take(40).cloned());
                    all.extend(originals);
                    all.extend(corrections);
                    all.push(json!({"subject": "p-0", "stream": "bg", "at": at(3), "value": "5 parsecs"}));
                    for piece in all.chunks(60) {
                        server.readings(&ndjson(piece));
                    }
                }
                done.store(true, Ordering::Release);
            });
            while !done.load(Ordering::Acquire) {
                let answer = server.get("/v1/accounting?limit=0").ok().json();
                assert_eq!((&answer["equal"], &answer["differences"]), (&json!(true), &json!([])), "{answer}");
                asked += 1;
            }
            writing.join().unwrap();
        });
        // Whatever had not landed is lost to the lake, and given to it again.
        if round == 1 { server.kill_now() } else { assert_eq!(server.stop(), Some(0)) }
    }
    assert!(asked >= 6, "it was asked {asked} times only");
    let (status, answer) = audit(&data, &[]);
    assert_eq!((status, &answer["equal"]), (Some(0), &json!(true)), "{answer}");
    let of = |name: &str, standing: &str| stage(&answer, name)[standing]["count"].as_u64().unwrap();
    assert!(of("journal", "current") > 1_500 && of("journal", "former") > 50, "{answer}");
    for name in ["views", "lake", "queryable"] {
        assert_eq!(of(name, "current"), of("journal", "current"), "{name}");
    }
    // Who is erased is nowhere, and nobody misses them.
    let before = of("journal", "current");
    let (status, _, err) = run(vitalog().args(["erase", "--subject", "p-1", "--data"]).arg(&data));
    assert_eq!(status, Some(0), "{err}");
    let (status, answer) = audit(&data, &[]);
    assert_eq!((status, &answer["equal"]), (Some(0), &json!(true)), "{answer}");
    assert!(stage(&answer, "journal")["current"]["count"].as_u64().unwrap() < before);
}

/// Something done to the views, and what is to be said of it.
type Damage = (&'static str, &'static [&'static str]);

/// `r3` is at minute 15; places are microseconds.
const IN_VIEWS: [Damage; 6] = [
    ("delete from readings where id = (select id from names order by at limit 1 offset 3)", &["views lost r3/1"]),
    ("delete from revisions where rev = 2", &["views lost r11/2"]),
    ("insert into revisions select subject, id, 1, x'00', stream, at, body, null, null from readings where id = (select id from names order by at limit 1 offset 3)", &["views doubled r3/1"]),
    ("update readings set at = at + 60000000 where id = (select id from names order by at limit 1 offset 3)", &["views bent r3/1"]),
    (
        "insert into readings select subject, stream, at, id, body from revisions where rev = 1 and at = (select max(at) from revisions);
         delete from revisions where rev = 1 and at = (select max(at) from revisions)",
        &["views misplaced r11/1"],
    ),
    (
        "insert into readings select subject, stream, at + 1, randomblob(16), body from readings where id = (select id from names order by at limit 1 offset 3)",
        &["views foreign ~"],
    ),
];

#[test]
fn what_is_wrong_in_the_views_is_named_and_made_again() {
    let dir = tempfile::tempdir().unwrap();
    let sound = dir.path().join("sound");
    small(&sound);
    assert_eq!(audit(&sound, &[]).0, Some(0));
    let rows = |data: &Path| -> Vec<String> {
        let views = rusqlite::Connection::open(data.join("views.db")).unwrap();
        let sql = "select 'r', subject, stream, at, hex(id), hex(body) from readings union all select 'h', subject, stream, at, hex(id), hex(body) from revisions \
                   union all select 'n', subject, stream, at, hex(id), '' from names union all select 's', subject, readings, last_at, name, '' from subjects order by 1, 2, 5, 6";
        let mut statement = views.prepare(sql).unwrap();
        let text = |r: &rusqlite::Row<'_>| -> rusqlite::Result<String> {
            let all: Result<Vec<String>, _> =
                (0..6).map(|i| Ok::<_, rusqlite::Error>(format!("{:?}", r.get::<_, rusqlite::types::Value>(i)?))).collect();
            Ok(all?.join(" "))
        };
        statement.query_map([], text).unwrap().map(Result::unwrap).collect()
    };
    let expected = rows(&sound);
    for (i, (sql, found)) in IN_VIEWS.into_iter().enumerate() {
        let data = dir.path().join(format!("views-{i}"));
        assert_eq!(run(Command::new("cp").arg("-a").arg(&sound).arg(&data)).0, Some(0));
        rusqlite::Connection::open(data.join("views.db")).unwrap().execute_batch(sql).unwrap();
        let (status, answer) = audit(&data, &[]);
        let said = named(&answer, "differences");
        assert_eq!(status, Some(1), "{sql}: {answer}");
        let mut found: Vec<&str> = found.to_vec();
        found.sort_unstable();
        assert_eq!(said.len(), found.len(), "{sql}: {said:?}");
        assert!(said.iter().zip(&found).all(|(said, found)| said.starts_with(found)), "{sql}: {said:?}");
        let (status, answer) = audit(&data, &["--repair"]);
        assert_eq!((status, &answer["equal"]), (Some(0), &json!(true)), "{sql}: {answer}");
        assert_eq!(named(&answer, "found"), said, "{sql}");
        assert!(answer["repaired"][0].as_str().unwrap().ends_with("made again"), "{sql}: {answer}");
        assert_eq!(rows(&data), expected, "{sql}");
    }
    // A row that says nobody's name: all is made again.
    let data = dir.path().join("nameless");
    assert_eq!(run(Command::new("cp").arg("-a").arg(&sound).arg(&data)).0, Some(0));
    rusqlite::Connection::open(data.join("views.db"))
        .unwrap()
        .execute("update readings set subject = 99 where at = (select min(at) from readings)", [])
        .unwrap();
    let (status, answer) = audit(&data, &["--repair"]);
    assert_eq!((status, &answer["repaired"]), (Some(0), &json!(["views: made again as a whole"])), "{answer}");
    assert_eq!(rows(&data), expected);
}

/// Done to the lake by another program, with commits of its own: a row left out, one twice, one changed; and the same in the history.
const ELSEWHERE: &str = r#"
import sys, pyarrow as pa, pyarrow.compute as pc
from deltalake import DeltaTable, write_deltalake
lake, what = sys.argv[1:]
readings, history = lake + "/readings", lake + "/readings_history"
def twice(path, where):
    rows = pa.table(DeltaTable(path).to_pyarrow_table())
    write_deltalake(path, rows.filter(where), mode="append")
if what == "lost": DeltaTable(readings).delete("id = 'r3'")
if what == "doubled": twice(readings, pc.field("id") == "r3")
if what == "bent": DeltaTable(readings).update(predicate="id = 'r3'", updates={"bg_value": "99.0"})
if what == "moved": DeltaTable(readings).update(predicate="id = 'r3'", updates={"subject": "'p-2'"})
if what == "history": DeltaTable(history).delete("id = 'r10'")
if what == "again": twice(history, pc.field("reason") == "removal")
"#;

#[test]
fn what_is_wrong_in_the_lake_is_named_and_made_again() {
    let Some(python) = need("a Python with pyarrow and deltalake (VITALOG_PYTHON)", python()) else { return };
    let dir = tempfile::tempdir().unwrap();
    let sound = dir.path().join("sound");
    small(&sound);
    let both = |said: &[&str]| -> Vec<String> {
        let mut all: Vec<String> =
            ["lake", "queryable"].iter().flat_map(|stage| said.iter().map(move |s| format!("{stage} {s}"))).collect();
        all.sort();
        all
    };
    for (what, found) in [
        ("lost", both(&["lost r3/1"])),
        ("doubled", both(&["doubled r3/1"])),
        ("bent", both(&["bent r3/1"])),
        ("moved", both(&["lost r3/1", "foreign r3/1"])),
        ("history", both(&["lost r10/1"])),
        ("again", both(&["doubled r11/2"])),
    ] {
        let data = dir.path().join(what);
        assert_eq!(run(Command::new("cp").arg("-a").arg(&sound).arg(&data)).0, Some(0));
        let (status, _, err) = run(Command::new(&python).args(["-c", ELSEWHERE]).arg(data.join("lake")).arg(what));
        assert_eq!(status, Some(0), "{what}: {err}");
        let (status, answer) = audit(&data, &[]);
        assert_eq!(status, Some(1), "{what}: {answer}");
        assert_eq!(named(&answer, "differences"), found, "{what}");
        let (status, answer) = audit(&data, &["--repair"]);
        assert_eq!((status, &answer["equal"]), (Some(0), &json!(true)), "{what}: {answer}");
        assert!(answer["repaired"][0].as_str().unwrap().starts_with("lake: "), "{what}: {answer}");
        if what != "bent" {
            continue;
        }
        // It goes on from there: what is amended finds its row, and everything lands.
        let server = Server::start(&data, &["--land-every", "1"]);
        server
            .readings(&ndjson(&[json!({"id": "r3", "subject": "p-1", "rev": 2, "stream": "bg", "at": at(15), "value": 140})]))
            .ok();
        assert_eq!(server.stop(), Some(0), "{what}");
        assert_eq!(audit(&data, &[]).0, Some(0), "{what}");
    }
    // What is lost is amended before anybody looks: nothing can land any more, until it is made again.
    let data = dir.path().join("amended");
    assert_eq!(run(Command::new("cp").arg("-a").arg(&sound).arg(&data)).0, Some(0));
    assert_eq!(run(Command::new(&python).args(["-c", ELSEWHERE]).arg(data.join("lake")).arg("lost")).0, Some(0));
    let server = Server::start(&data, &[]);
    server.readings(&ndjson(&[json!({"id": "r3", "subject": "p-1", "rev": 2, "stream": "bg", "at": at(15), "value": 140})])).ok();
    assert_eq!(server.stop(), Some(1), "it could not land what it held");
    let (status, answer) = audit(&data, &[]);
    assert_eq!((status, named(&answer, "differences")), (Some(1), vec!["lake lost r3/1".to_owned()]), "{answer}");
    assert!(stage(&answer, "queryable")["unreadable"].is_string(), "{answer}");
    let (status, answer) = audit(&data, &["--repair"]);
    assert_eq!((status, &answer["equal"]), (Some(0), &json!(true)), "{answer}");
    assert_eq!(audit(&data, &[]).0, Some(0));
    // A file that is not there any more: all is made again.
    let data = dir.path().join("gone");
    assert_eq!(run(Command::new("cp").arg("-a").arg(&sound).arg(&data)).0, Some(0));
    let month = data.join("lake/readings/month=2026-03");
    for file in std::fs::read_dir(&month).unwrap() {
        std::fs::remove_file(file.unwrap().path()).unwrap();
    }
    let (status, answer) = audit(&data, &[]);
    assert!(status == Some(1) && stage(&answer, "lake")["unreadable"].is_string(), "{answer}");
    let (status, answer) = audit(&data, &["--repair"]);
    assert_eq!((status, &answer["repaired"]), (Some(0), &json!(["lake: made again as a whole"])), "{answer}");
}

/// The program of docs/accounting.md, as it stands there.
pub fn program() -> String {
    let page = std::fs::read_to_string(root().join("docs/accounting.md")).expect("the page");
    let after = page.split("```python\n").nth(1).expect("a program");
    after.split("```").next().unwrap_or_default().to_owned()
}

#[test]
fn a_stranger_comes_to_the_same_sums() {
    let Some(python) = need("a Python (VITALOG_PYTHON)", python()) else { return };
    let dir = tempfile::tempdir().unwrap();
    let server = Server::start(&dir.path().join("data"), &[]);
    let all = [
        json!({"subject": "p-1", "stream": "bg", "at": "2026-03-10T08:00:00.5+01:00", "value": "6.10 mmol/L", "source": "g7/8J2K", "seq": 1}),
        json!({"subject": "p-1", "stream": "bg", "at": "2026-03-10T08:05:00+01:00", "value": 110, "source": "g7/8J2K", "seq": 2, "id": "a1"}),
        json!({"subject": "p-1", "stream": "bg", "at": "2026-03-10T08:05:00+01:00", "value": "1.1e2 mg/dL", "source": "g7/8J2K", "seq": 3, "id": "a1", "rev": 2}),
        json!({"subject": "p-1", "stream": "carbs", "at": "2026-03-10T12:00:00Z", "amount": "45 g", "meal": "Zmittag, scho wieder «Rösti» = guet", "source": "phone"}),
        json!({"subject": "p-1", "stream": "sleep", "start": "2026-03-09T23:10:00+01:00", "end": "2026-03-10T06:40:00+01:00", "source": "watch"}),
        json!({"subject": "p-1", "stream": "bp", "at": "2026-03-10T07:00:00Z", "systolic": 128, "diastolic": "82.0 mmHg", "pulse": 64, "source": "omron"}),
    ];
    server.readings(&ndjson(&all)).ok();
    server.readings(&ndjson(&[json!({"id": "gone", "subject": "p-1", "rev": 3, "removed": true})])).ok();
    let file = dir.path().join("sent.ndjson");
    std::fs::write(&file, ndjson(&all) + &ndjson(&[json!({"id": "gone", "subject": "p-1", "rev": 3, "removed": true})])).unwrap();
    let (status, out, err) = run(Command::new(&python).args(["-c", &program()]).arg(&file));
    assert_eq!(status, Some(0), "{err}");
    let answer = server.get("/v1/accounting?subject=p-1").ok().json();
    assert_eq!(answer["equal"], true, "{answer}");
    // The gateway's own readings (`contact`) are of no sender.
    let mut known: Vec<String> = answer["windows"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|w| w["stream"] != "contact")
        .map(|w| {
            let word = |member: &str| w[member].as_str().unwrap_or("-").to_owned();
            let sums = ["current", "former"].map(|s| u128::from_str_radix(w[s]["sum"].as_str().unwrap(), 16).unwrap());
            let count: u64 = ["current", "former"].iter().map(|s| w[s]["count"].as_u64().unwrap()).sum();
            format!("{} {} {} {count} {:032x}", word("stream"), word("source"), word("day"), sums[0].wrapping_add(sums[1]))
        })
        .collect();
    let mut computed: Vec<String> = out.lines().map(str::to_owned).collect();
    known.sort();
    computed.sort();
    assert_eq!(computed, known);
    assert!(computed.len() >= 5, "{computed:?}");
    // And down to single revisions, by digits of their weights.
    let split = |prefix: &str| server.get(&format!("/v1/accounting?subject=p-1&source=g7/8J2K&split={prefix}")).ok().json();
    let of = |part: &Value| part["current"]["count"].as_u64().unwrap() + part["former"]["count"].as_u64().unwrap();
    let all = split("");
    assert_eq!(all["revisions"].as_array().unwrap().len() as u64, all["parts"].as_array().unwrap().iter().map(of).sum::<u64>());
    let first = all["revisions"][0]["weight"].as_str().unwrap().to_owned();
    let one = split(&first[..8]);
    assert_eq!((one["revisions"].as_array().unwrap().len(), &one["revisions"][0]["weight"]), (1, &json!(first)), "{one}");
    assert_eq!(server.stop(), Some(0));
}

#[test]
fn who_may_ask_what_and_what_is_no_question() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path();
    for args in [
        &["add", "dev", "--roles", "device", "--subject", "p-1", "--no-password"][..],
        &["add", "pat", "--roles", "patient", "--subject", "p-1", "--no-password"],
        &["add", "ops", "--roles", "operator", "--no-password"],
        &["add", "adm", "--roles", "administrator", "--no-password"],
    ] {
        told(data, "user", args);
    }
    let [dev, pat, ops, adm] =
        ["dev", "pat", "ops", "adm"].map(|account| told(data, "token", &["add", account, "--account", account]));
    let server = serve(data, &[]);
    let root = told(data, "token", &["add", "root"]);
    ask(&server, &root, "POST", "/v1/readings", &reading("r1", 0, 100).to_string()).ok();
    for (query, of, expected) in [
        ("", &ops, 200),
        ("", &adm, 200),
        ("", &pat, 403),
        ("", &dev, 403),
        ("?subject=p-1", &pat, 200),
        ("?subject=p-1", &dev, 403),
        ("?subject=p-1&source=g7", &dev, 200),
        ("?subject=p-2&source=g7", &dev, 403),
        ("?subject=p-2", &pat, 403),
        ("?subject=p-1", &ops, 403),
        ("?source=g7", &dev, 403),
        ("?source=g7", &ops, 200),
        ("?subject=p-1&split=", &pat, 200),
        ("?split=3f", &dev, 403),
        ("?from=2026-03-10T00:00:00Z&to=2026-03-11T00:00:00Z", &ops, 200),
        ("?from=2026-03-10T00:00:00", &ops, 400),
        ("?from=yesterday", &ops, 400),
        ("?from=2026-03-11T00:00:00Z&to=2026-03-10T00:00:00Z", &ops, 400),
        ("?from=2026-03-11T00:00:00Z&to=2026-03-11T00:00:00Z", &ops, 400),
        ("?subject=..%2Fp-1", &ops, 400),
        ("?subject=", &ops, 400),
        ("?source=", &ops, 400),
        ("?limit=100001", &ops, 400),
        ("?limit=-1", &ops, 400),
        ("?limit=many", &ops, 400),
        ("?split=XY", &ops, 400),
        ("?split=00000000000000000000000000000000", &ops, 400),
        ("?sauce=g7", &ops, 400),
    ] {
        assert_eq!(status(&server, of, "GET", &format!("/v1/accounting{query}"), ""), expected, "{query}");
    }
    // Who may ask about all sees no single reading.
    for (query, of, is_listed) in [("?split=", &ops, false), ("?split=", &adm, false), ("?subject=p-1&split=", &pat, true)] {
        let split = ask(&server, of, "GET", &format!("/v1/accounting{query}"), "").ok().json();
        assert!(!split["parts"].as_array().unwrap().is_empty() && split["revisions"].is_array() == is_listed, "{split}");
    }
    let own = ask(&server, &dev, "GET", "/v1/accounting?subject=p-1&source=g7", "").ok().json();
    let windows: Vec<&str> = own["windows"].as_array().unwrap().iter().map(|w| w["stream"].as_str().unwrap()).collect();
    assert_eq!((&own["equal"], windows), (&json!(true), vec!["bg", "contact"]), "{own}");
    drop(server);
    for args in [
        &["audit"][..],
        &["audit", "--data", "nowhere"],
        &["audit", "--url", "http://127.0.0.1:1", "--repair"],
        &["audit", "--data", "nowhere", "--from", "yesterday"],
        &["audit", "--data", "nowhere", "--from", "2026-03-11T00:00:00Z", "--to", "2026-03-10T00:00:00Z"],
        &["audit", "--data", "nowhere", "--subject", "../p-1"],
    ] {
        let (status, _, err) = run(vitalog().args(args));
        assert_eq!(status, Some(2), "{args:?}: {err}");
    }
}
