//! Tenants: over no door does anybody of one learn that another's subject exists, whatever their role, and its rate holds nobody else up.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

use serde_json::{Value, json};

use super::{DOORS, ask, serve, told};
use crate::pg::raw as pg;
use crate::support::http::Answer;
use crate::support::server::{Server, run, vitalog};

/// Account, role, and whether it has a subject of its own. The one without a name is a program with every scope.
const ROLES: [(&str, &str, bool); 7] = [
    ("dev", "device", true),
    ("pat", "patient", true),
    ("care", "caretaker", false),
    ("ana", "analyst", false),
    ("ops", "operator", false),
    ("adm", "administrator", false),
    ("", "service", false),
];

/// A tenant with somebody of each role; their tokens.
fn a_tenant(data: &Path, id: &str) -> [String; ROLES.len()] {
    told(data, "tenant", &["add", id]);
    let own = format!("{id}:1");
    let tokens = ROLES.map(|(name, role, has_own)| {
        let account = format!("{name}-{id}");
        if role == "service" {
            return told(data, "token", &["add", &format!("program-{id}"), "--tenant", id]);
        }
        let mut args = vec!["add", &account, "--roles", role, "--no-password", "--tenant", id];
        if has_own {
            args.extend(["--subject", &own]);
        }
        told(data, "user", &args);
        told(data, "token", &["add", &account, "--account", &account])
    });
    told(data, "user", &["assign", &format!("care-{id}"), &own]);
    tokens
}

fn program<const N: usize>(tokens: &[String; N]) -> &str {
    tokens.last().expect("a token")
}

pub fn reading(subject: &str, minute: usize, value: usize) -> String {
    format!(r#"{{"subject":"{subject}","stream":"bg","at":"2026-03-10T08:{minute:02}:00Z","value":{value},"id":"g{minute}"}}"#)
}

/// Lows of which something is found, and one that is refused.
fn filled(server: &Server, token: &str, subject: &str) -> String {
    let all = [0, 20, 40].map(|minute| reading(subject, minute, 41)).join(",");
    let taken = ask(server, token, "POST", "/v1/readings", &format!("[{all}]")).ok().json();
    assert_eq!(taken["accepted"], 3, "{taken}");
    ask(server, token, "POST", "/v1/readings", &reading(subject, 50, 99_999));
    let path = format!("/v1/subjects/{subject}/recommendations");
    for _ in 0..200 {
        let found = ask(server, token, "GET", &path, "").json();
        if let Some(id) = found["recommendations"][0]["id"].as_str() {
            return id.to_owned();
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    panic!("nothing was found about {subject}");
}

fn address(path: &str, subject: &str, reading: &str, finding: &str) -> String {
    let id = if path.contains("/readings/") { reading } else { finding };
    let address = path
        .replace("{s}", subject)
        .replace("{id}", id)
        .replace("{file}", "x.rules")
        .replace("{number}", "1")
        .replace("{offset}", "3");
    if address.ends_with("/why") { format!("{address}?rule=glucose_low") } else { address }
}

/// All that an answer says, but for when it was made; with one word in place of what was asked about.
pub fn said(answer: &Answer, names: &[&str]) -> String {
    let mut headers: Vec<String> = answer
        .headers
        .iter()
        .filter(|(name, _)| !["date", "vitalog-position"].contains(&name.as_str()))
        .map(|(name, value)| format!("{name}: {}", value.to_str().unwrap_or_default()))
        .collect();
    headers.sort();
    let whole = format!("{} {headers:?} {}", answer.status, answer.body);
    names.iter().fold(whole, |whole, name| whole.replace(name, "WHOM"))
}

/// Nobody has ever sent anything of these: one whose name begins as the other tenant's do, and one with any name.
const NOBODYS: [&str; 2] = ["b:999", "p-999"];
const NO_FINDING: &str = "00000000000000000000000000000000";

/// Doors that are asked about one subject behind the question mark.
const BY_QUERY: [&str; 3] =
    ["/v1/stream?subject={s}", "/v1/accounting?subject={s}", "/v1/accounting?subject={s}&source=g7&split="];

#[test]
fn anothers_subject_answers_like_one_that_there_is_not() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path();
    let (ours, theirs) = (a_tenant(data, "a"), a_tenant(data, "b"));
    let root = told(data, "token", &["add", "root"]);
    let server = serve(data, &[]);
    filled(&server, program(&ours), "a:1");
    let finding = filled(&server, program(&theirs), "b:1");
    let of_house = filled(&server, &root, "p-1");
    let before = ask(&server, &root, "GET", "/v1/subjects/b:1/readings", "").ok().body;
    let mut compared = 0;
    let all = DOORS.iter().filter(|(_, path, ..)| *path != "/v1/stream").map(|(method, path, body, _)| (*method, *path, *body));
    for (method, path, body) in all.chain(BY_QUERY.map(|path| ("GET", path, ""))) {
        for ((_, role, _), token) in ROLES.iter().zip(&ours) {
            let of = |subject: &str, finding: &str| {
                let body = body
                    .replace("p-nobody-knows", subject)
                    .replace("\"p-1\"", &format!("\"{subject}\""))
                    .replace("\"p-2\"", &format!("\"{subject}\""));
                let answer = ask(&server, token, method, &address(path, subject, "g0", finding), &body);
                (answer.status, said(&answer, &[subject, finding]))
            };
            let depends = path.contains("{s}") || path.contains("{id}") || body.contains("p-");
            if !depends {
                continue;
            }
            let (status, theirs) = of("b:1", &finding);
            assert!(status >= 400 && status != 401 && status < 500, "{method} {path} to {role}: {theirs}");
            let (_, of_house) = of("p-1", &of_house);
            assert_eq!(theirs, of_house, "{method} {path} to {role}: the house's");
            for nobodys in NOBODYS {
                let (_, nobodys) = of(nobodys, NO_FINDING);
                assert_eq!(theirs, nobodys, "{method} {path} to {role}: nobody's");
            }
            compared += 1;
        }
    }
    assert!(compared > 100, "{compared}");
    assert_eq!(ask(&server, &root, "GET", "/v1/subjects/b:1/readings", "").ok().body, before, "nothing was written");
    // Nobody who was asked about in vain has become somebody's by it.
    assert_eq!(subjects(data, "a"), ["a:1"]);
}

/// The subjects of a tenant, as the command line has them.
pub fn subjects(data: &Path, id: &str) -> Vec<String> {
    let (_, out, err) = run(vitalog().args(["tenant", "--data"]).arg(data).args(["list", "--subjects", "--format", "json"]));
    let lines = out.lines().map(|line| serde_json::from_str::<Value>(line).unwrap_or_else(|_| panic!("{line}{err}")));
    let told = lines.into_iter().find(|told| told["tenant"] == id).unwrap_or_else(|| panic!("{out}"));
    told["names"].as_array().expect("names").iter().map(|name| name.as_str().expect("a name").to_owned()).collect()
}

#[test]
fn a_batch_says_of_anothers_subject_what_it_says_of_nobodys() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path();
    let (ours, theirs) = (a_tenant(data, "a"), a_tenant(data, "b"));
    let server = serve(data, &[]);
    filled(&server, program(&theirs), "b:1");
    for token in [&ours[0], program(&ours)] {
        let of = |other: &str| {
            // What is wrong with it is not told either.
            let batch = [reading("a:1", 0, 100), reading(other, 0, 41), reading(other, 1, 99_999), reading("a:1", 1, 101)];
            let answer = ask(&server, token, "POST", "/v1/readings", &format!("[{}]", batch.join(","))).ok().json();
            let receipts = answer["receipts"].as_array().expect("receipts").clone();
            assert_eq!(
                (&receipts[1]["code"], &receipts[2]["code"]),
                (&json!("not_permitted"), &json!("not_permitted")),
                "{answer}"
            );
            assert_eq!(receipts[1]["offset"], Value::Null, "nothing of it is kept");
            let refused: Vec<String> = receipts[1..3].iter().map(|r| r.to_string().replace(other, "WHOM")).collect();
            (answer["rejected"].clone(), refused)
        };
        assert_eq!(of("b:1"), of("b:999"));
        assert_eq!(of("b:1"), of("p-999"));
        // All of it refused, and nothing else in it.
        let whole = |other: &str| said(&ask(&server, token, "POST", "/v1/readings", &reading(other, 0, 41)), &[other]);
        assert!(whole("b:1").starts_with("403"), "{}", whole("b:1"));
        assert_eq!(whole("b:1"), whole("b:999"));
    }
    assert_eq!((subjects(data, "a"), subjects(data, "b")), (vec!["a:1".to_owned()], vec!["b:1".to_owned()]));
}

const ASKED: [&str; 6] = [
    "select distinct subject from readings order by subject",
    "select count(*) as n, min(subject) as s, max(subject) as t from bg",
    "select subject, rule from recommendations order by 1, 2",
    "select subject, count(*) as n from matches group by subject",
    "select subject, id, rev from readings_history where subject <> 'a:1' or subject is null",
    "select * from dead_letters",
];

#[test]
fn lists_streams_and_statements_stay_within_the_tenant() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path();
    let (ours, theirs) = (a_tenant(data, "a"), a_tenant(data, "b"));
    let root = told(data, "token", &["add", "root"]);
    let server = serve(data, &["--pg", "127.0.0.1:0", "--flight", "127.0.0.1:0"]);
    filled(&server, program(&ours), "a:1");
    filled(&server, program(&theirs), "b:1");
    filled(&server, &root, "house-1");
    landed(&server, &root, 3);
    let clean = |what: &str, said: &str| {
        for trace in ["b:1", "house-1"] {
            assert!(!said.contains(trace), "{what}: {said}");
        }
    };
    // Every door, about our own subject: answers, refusals and headers.
    for (method, path, body, _) in DOORS.iter().filter(|(method, path, ..)| *path != "/v1/stream" && *method != "DELETE") {
        for ((_, role, _), token) in ROLES.iter().zip(&ours) {
            let body = body.replace("p-nobody-knows", "a:9").replace("\"p-1\"", "\"a:1\"").replace("\"p-2\"", "\"a:1\"");
            let answer = ask(&server, token, method, &address(path, "a:1", "g0", NO_FINDING), &body);
            clean(&format!("{method} {path} to {role}"), &format!("{:?} {}", answer.headers, answer.body));
        }
    }
    for (path, member) in [("/v1/subjects", "subjects"), ("/v1/recommendations", "recommendations"), ("/v1/sources", "sources")] {
        let rows = |token: &str| ask(&server, token, "GET", path, "").ok().json()[member].as_array().map_or(0, Vec::len);
        assert!(path == "/v1/sources" || rows(program(&ours)) > 0, "{path}");
        assert!(path == "/v1/sources" || rows(&root) > rows(program(&ours)), "{path}: who runs it sees all");
    }
    for sql in ASKED {
        let body = json!({ "sql": sql }).to_string();
        for token in &ours {
            for path in ["/v1/sql", "/v1/export?format=csv"] {
                let answer = ask(&server, token, "POST", path, &body);
                clean(&format!("{path} {sql}"), &answer.body);
            }
        }
        let (mut raw, _) = pg::Raw::session(&server, "program-a", program(&ours));
        clean(&format!("PostgreSQL {sql}"), &pg::told(&raw.ask(sql)).replace(sql, ""));
        let (_, said) = super::study::over_flight(&server, program(&ours), sql);
        clean(&format!("Flight {sql}"), &said.replace(sql, ""));
    }
    let mine = ask(&server, program(&ours), "POST", "/v1/sql", &json!({ "sql": ASKED[0] }).to_string()).ok().json();
    assert_eq!(mine, json!([{"subject": "a:1"}]));
    let letters = ask(&server, program(&ours), "POST", "/v1/sql", &json!({ "sql": ASKED[5] }).to_string());
    assert_ne!(letters.status, 200, "what was refused names no tenant: {}", letters.body);
    let explained = ask(&server, program(&ours), "POST", "/v1/sql", &json!({"sql": "explain select * from bg"}).to_string());
    assert_ne!(explained.status, 200, "{}", explained.body);
    a_stream_of_ours(&server, program(&ours), program(&theirs));
}

/// Until the lake has the lows of so many subjects.
fn landed(server: &Server, root: &str, subjects: usize) {
    for _ in 0..200 {
        let sql = r#"{"sql":"select count(distinct subject) as n from recommendations"}"#;
        if ask(server, root, "POST", "/v1/sql", sql).ok().json()[0]["n"] == subjects {
            return;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    panic!("the readings are not seen");
}

fn a_stream_of_ours(server: &Server, ours: &str, theirs: &str) {
    use std::io::{BufRead, BufReader, Write};
    let address = server.url.strip_prefix("http://").expect("in the clear");
    let mut stream = std::net::TcpStream::connect(address).expect("connected");
    stream.set_read_timeout(Some(Duration::from_secs(40))).expect("set");
    write!(stream, "GET /v1/stream HTTP/1.1\r\nhost: {address}\r\nauthorization: Bearer {ours}\r\n\r\n").expect("sent");
    let mut lines = BufReader::new(stream).lines();
    assert!(lines.next().expect("a line").expect("read").contains("200"));
    ask(server, theirs, "POST", "/v1/readings", &reading("b:1", 55, 42)).ok();
    ask(server, ours, "POST", "/v1/readings", &reading("a:1", 55, 43)).ok();
    let heard: Vec<String> = lines
        .map_while(Result::ok)
        .scan(false, |over, line| (!std::mem::replace(over, line.contains("\"g55\""))).then_some(line))
        .collect();
    assert!(heard.iter().any(|line| line.contains("a:1")), "{heard:?}");
    assert!(!heard.iter().any(|line| line.contains("b:1")), "{heard:?}");
}

#[test]
fn analysts_study_within_their_tenant() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path();
    let tokens = ["many", "few", "none"].map(|id| a_tenant(data, id));
    told(data, "user", &["add", "ana", "--roles", "analyst", "--no-password"]);
    let of_house = told(data, "token", &["add", "ana", "--account", "ana"]);
    let server = serve(data, &[]);
    for (id, n, tokens) in [("many", 12, &tokens[0]), ("few", 5, &tokens[1])] {
        let all: Vec<String> = (0..n).map(|i| reading(&format!("{id}:{i}"), 0, 110)).collect();
        ask(&server, program(tokens), "POST", "/v1/readings", &format!("[{}]", all.join(","))).ok();
    }
    let count = |token: &str| {
        let sql = r#"{"sql":"select count(*) as n from bg"}"#;
        ask(&server, token, "POST", "/v1/sql", sql).ok().json()
    };
    for _ in 0..200 {
        if count(&of_house)[0]["n"] == 17 {
            break;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    assert_eq!(count(&of_house), json!([{"n": 17}]));
    assert_eq!(count(&tokens[0][3]), json!([{"n": 12}]), "the floor counts the tenant's subjects");
    // Five are too few, however many others there are.
    assert_eq!(count(&tokens[1][3]), count(&tokens[2][3]), "as if there were nobody");
    assert_ne!(count(&tokens[1][3]), json!([{"n": 5}]));
    assert_eq!(server.stop(), Some(0));
    // Under a floor of one pseudonyms leave: those of the tenant are others than those that the house sees.
    let server = serve(data, &["--study-floor", "1"]);
    let named = |token: &str| -> BTreeSet<String> {
        let sql = r#"{"sql":"select distinct subject from bg"}"#;
        for _ in 0..200 {
            let rows = ask(&server, token, "POST", "/v1/sql", sql).ok().json();
            let names: BTreeSet<String> =
                rows.as_array().expect("rows").iter().map(|row| row["subject"].as_str().expect("a name").to_owned()).collect();
            if names.len() >= 5 {
                return names;
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        panic!("nothing is seen");
    };
    let (all, many, few) = (named(&of_house), named(&tokens[0][3]), named(&tokens[1][3]));
    assert_eq!((all.len(), many.len(), few.len()), (17, 12, 5));
    assert!(all.is_disjoint(&many) && all.is_disjoint(&few) && many.is_disjoint(&few));
}

#[test]
fn a_tenant_that_is_shut_is_let_in_by_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path();
    let tokens = a_tenant(data, "a");
    let other = a_tenant(data, "b");
    let password = told(data, "user", &["add", "lee", "--roles", "caretaker", "--tenant", "a"]);
    let server = serve(data, &[]);
    let body = json!({"account": "lee", "password": password}).to_string();
    let log_in =
        || server.try_send("POST", "/v1/session", &[("content-type", "application/json")], body.clone()).expect("an answer");
    let answer = log_in();
    let cookie = answer.headers.get("set-cookie").and_then(|c| c.to_str().ok()).unwrap_or_default();
    let cookie = cookie.split(';').next().unwrap_or_default().to_owned();
    let me = || server.try_send("GET", "/v1/me", &[("cookie", &cookie)], "").expect("an answer");
    assert_eq!(me().ok().json()["tenant"], "a");
    told(data, "tenant", &["shut", "a"]);
    for token in &tokens {
        assert_eq!(ask(&server, token, "POST", "/v1/readings", &reading("a:1", 0, 41)).status, 401);
    }
    assert_eq!((me().status, log_in().status), (401, 401));
    assert_eq!(ask(&server, &other[0], "POST", "/v1/readings", &reading("b:1", 0, 41)).status, 200);
    told(data, "tenant", &["open", "a"]);
    assert_eq!(ask(&server, &tokens[0], "POST", "/v1/readings", &reading("a:1", 0, 41)).status, 200);
    assert_eq!((me().status, log_in().status), (401, 204), "opened again, everyone logs in anew");
}

#[test]
fn a_tenants_rate_is_for_all_of_it_and_holds_nobody_else_up() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path();
    let (fast, slow) = (a_tenant(data, "a"), a_tenant(data, "b"));
    told(data, "tenant", &["set", "b", "--rate", "3"]);
    let own = told(data, "token", &["add", "own", "--tenant", "b", "--rate", "2"]);
    let server = serve(data, &["--pg", "127.0.0.1:0"]);
    let get = |token: &str| ask(&server, token, "GET", "/v1/subjects", "");
    let header =
        |answer: &Answer, name: &str| answer.headers.get(name).and_then(|v| v.to_str().ok()).unwrap_or_default().to_owned();
    let first = get(&own);
    assert_eq!(
        (first.status, header(&first, "ratelimit-policy"), header(&first, "ratelimit")),
        (200, "\"token\";q=2;w=1, \"tenant\";q=3;w=1".to_owned(), "\"token\";r=1;t=1, \"tenant\";r=2;t=1".to_owned())
    );
    // Each by a token of its own: it is the tenant that is too fast.
    let refused = (0..50).map(|n| get(&slow[n % 3])).find(|answer| answer.status == 429).expect("too fast");
    assert_eq!((refused.json()["code"].clone(), header(&refused, "retry-after")), (json!("too_many_requests"), "1".to_owned()));
    assert_eq!(header(&refused, "ratelimit-policy"), "\"tenant\";q=3;w=1");
    assert!(refused.body.contains("your tenant"), "{}", refused.body);
    // By another way in as well.
    let (mut raw, _) = pg::Raw::session(&server, "program-b", program(&slow));
    let states: Vec<String> = (0..50).map(|_| pg::state(&raw.ask("select 1"))).collect();
    assert!(states.iter().any(|state| !state.is_empty()), "{states:?}");
    for _ in 0..30 {
        assert_eq!(get(program(&fast)).status, 200);
    }
    told(data, "tenant", &["set", "b", "--no-rate"]);
    assert!((0..30).all(|_| get(program(&slow)).status == 200));
}

#[test]
fn what_is_said_wrongly_of_tenants_is_refused_with_value_and_remedy() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path();
    told(data, "tenant", &["add", "a"]);
    told(data, "tenant", &["add", "b", "--prefix", "b-"]);
    told(data, "tenant", &["claim", "b", "p-1"]);
    told(data, "user", &["add", "lee", "--roles", "caretaker", "--no-password", "--tenant", "a"]);
    for (command, args, says) in [
        ("tenant", &["add", "a"][..], "there is a tenant a already"),
        ("tenant", &["add", "a b"], "\"a b:\" can't be"),
        ("tenant", &["add", "nobody"], "can't be an id"),
        ("tenant", &["add", "c", "--prefix", "b-x"], "prefix b-x: names of the tenant b begin with \"b-\""),
        ("tenant", &["add", "c", "--prefix", "b"], "neither begins with the other"),
        ("tenant", &["add", "c", "--prefix", ".x"], "can't be what names begin with"),
        ("tenant", &["add", "c", "--prefix", "x", "--any-name"], "cannot be used with"),
        ("tenant", &["add", "c", "--rate", "0"], "invalid value '0'"),
        ("tenant", &["set", "a"], "--no-rate"),
        ("tenant", &["set", "z", "--rate", "1"], "there is no tenant z"),
        ("tenant", &["shut", "z"], "there is no tenant z"),
        ("tenant", &["claim", "a", "p-1"], "subject p-1: it belongs to b"),
        ("tenant", &["claim", "a", "b-7"], "subject b-7: it belongs to b"),
        ("tenant", &["claim", "a", "../p"], "can't be the name of a subject"),
        ("tenant", &["release", "a", "p-1"], "there is no subject of the tenant a called p-1"),
        ("user", &["add", "kim", "--roles", "caretaker", "--tenant", "z"], "there is no tenant z"),
        ("user", &["add", "kim", "--roles", "device", "--subject", "p-1", "--tenant", "a"], "it belongs to b"),
        ("user", &["assign", "lee", "p-1"], "it belongs to b"),
        ("token", &["add", "t", "--tenant", "z"], "there is no tenant z"),
        ("token", &["add", "t", "--tenant", "a", "--account", "lee"], "cannot be used with"),
        ("token", &["add", "t", "--tenant", "a", "--scopes", "read@b-1"], "it belongs to b"),
        ("token", &["add", "t", "--account", "lee", "--scopes", "read@p-1"], "it belongs to b"),
    ] {
        let (status, _, err) = run(vitalog().args([command, "--data"]).arg(data).args(args));
        assert_eq!(status, Some(2), "{command} {args:?}: {err}");
        assert!(err.contains(says), "{command} {args:?}: {err}");
    }
}
