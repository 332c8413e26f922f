//! The life of a rule on a server: on trial, in force, changed, and back to how it was; across restarts.

use std::path::Path;

use serde_json::{Value, json};

use crate::support::server::{Server, run, vitalog};

const HIGH: &str = "use health\nrule high \"High\" { severity info when bg.value > 250 mg/dL notify routine }\n";

fn low(below: u32, more: &str) -> String {
    format!("use health\nrule low \"Low\" {{ severity warning when bg.value < {below} mg/dL notify urgent {more} }}\n")
}

fn rules_dir(dir: &Path) -> std::path::PathBuf {
    let rules = dir.join("rules");
    std::fs::create_dir_all(&rules).unwrap();
    std::fs::write(rules.join("high.rules"), HIGH).unwrap();
    std::fs::write(rules.join("low.rules"), low(70, "shadow")).unwrap();
    rules
}

/// So many minutes ago.
fn ago(minutes: i64) -> String {
    (jiff::Timestamp::now() - jiff::SignedDuration::from_mins(minutes)).to_string()
}

struct Node {
    server: Server,
    position: String,
}

impl Node {
    fn start(data: &Path, rules: &Path) -> Node {
        Node { server: Server::start(data, &["--rules", rules.to_str().unwrap()]), position: String::new() }
    }

    fn bg(&mut self, subject: &str, at: &str, value: u32) {
        let line = json!({"subject": subject, "stream": "bg", "at": at, "value": format!("{value} mg/dL")});
        self.note(&self.server.readings(&format!("{line}\n")).ok());
    }

    fn note(&mut self, answer: &crate::support::http::Answer) {
        if let Some(position) = answer.headers.get("vitalog-position") {
            position.to_str().unwrap().clone_into(&mut self.position);
        }
    }

    fn put(&mut self, text: &str) -> Value {
        let answer = self.server.try_send("PUT", "/v1/rules/low.rules", &[], text).unwrap().ok();
        self.note(&answer);
        answer.json()
    }

    fn roll_back(&mut self, body: &Value) -> crate::support::http::Answer {
        let headers = [("content-type", "application/json")];
        let answer = self.server.try_send("POST", "/v1/rules/rollback", &headers, body.to_string()).unwrap();
        self.note(&answer);
        answer
    }

    fn get(&self, path: &str) -> Value {
        let headers = [("vitalog-position", &*self.position)];
        let headers = if self.position.is_empty() { &[][..] } else { &headers[..] };
        self.server.try_send("GET", path, headers, "").unwrap().ok().json()
    }

    /// Rule, state and why it is quiet, the newest first.
    fn found(&self, subject: &str, more: &str) -> Vec<String> {
        let answer = self.get(&format!("/v1/subjects/{subject}/recommendations?limit=100{more}"));
        let all = answer["recommendations"].as_array().unwrap().iter();
        all.map(|r| format!("{} {} {}", r["rule"].as_str().unwrap(), r["state"].as_str().unwrap(), r["quiet"])).collect()
    }

    fn shadow_of(&self, rule: &str) -> Value {
        let rules = self.get("/v1/rules");
        rules["rules"].as_array().unwrap().iter().find(|r| r["name"] == rule).unwrap()["shadow"].clone()
    }
}

#[test]
fn a_rule_on_trial_disturbs_nobody_and_is_counted() {
    let dir = tempfile::tempdir().unwrap();
    let rules = rules_dir(dir.path());
    let mut node = Node::start(&dir.path().join("data"), &rules);
    node.bg("p", &ago(20), 60);
    node.bg("p", &ago(15), 90);
    node.bg("p", &ago(10), 60);
    node.bg("q", &ago(10), 300);
    assert_eq!(node.found("p", ""), Vec::<String>::new(), "pages and lists leave it out");
    assert_eq!(node.found("p", "&shadow=true"), ["low open \"shadow\"", "low resolved \"shadow\""]);
    assert_eq!(node.found("q", ""), ["high open null"]);
    assert_eq!(node.get("/v1/subjects/p/summary")["standing"].as_array().map_or(0, Vec::len), 0);
    let all = node.get("/v1/subjects/p/recommendations?shadow=true")["recommendations"].clone();
    assert_eq!(node.shadow_of("high"), Value::Null);
    let shadow = node.shadow_of("low");
    assert_eq!(shadow, json!({"since": null, "would_have_told": 2, "subjects": 1}));
    // The trial is over: what opened meanwhile stays quiet under its name, what opens from now on is told.
    assert_eq!(node.put(&low(70, "")), json!({"ok": true, "changed": true}));
    node.bg("p", &ago(0), 90);
    std::thread::sleep(std::time::Duration::from_millis(5));
    node.bg("p", &ago(0), 55);
    assert_eq!(node.found("p", ""), ["low open null"]);
    let after = node.get("/v1/subjects/p/recommendations?shadow=true")["recommendations"].clone();
    let ids = |all: &Value| all.as_array().unwrap().iter().map(|r| r["id"].to_string()).collect::<Vec<_>>();
    assert_eq!(ids(&after), ids(&all));
    assert_eq!((&after[0]["state"], &after[0]["quiet"]), (&json!("resolved"), &json!("shadow")));
    assert_eq!(node.shadow_of("low"), Value::Null);
    assert_eq!(node.server.stop(), Some(0));
}

#[test]
fn a_former_version_is_put_in_force_again_and_stays_after_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let (rules, data) = (rules_dir(dir.path()), dir.path().join("data"));
    let mut node = Node::start(&data, &rules);
    node.bg("q", &ago(50), 300);
    let high = node.get("/v1/subjects/q/recommendations")["recommendations"][0].clone();
    node.put(&low(70, ""));
    node.put(&low(80, ""));
    let answer = node.roll_back(&json!({"to": 2})).ok().json();
    assert_eq!(answer, json!({"ok": true, "changed": true, "to": 2, "in_force": 4}));
    let again = node.roll_back(&json!({"to": 2})).ok().json();
    assert_eq!((&again["changed"], &again["in_force"]), (&json!(false), &json!(4)));
    let versions = node.get("/v1/rules/versions");
    assert_eq!(versions["in_force"], 4);
    let told = |v: &Value| ["number", "added", "changed", "out_of_shadow", "files"].map(|key| v[key].to_string()).join(" ");
    let all: Vec<String> = versions["versions"].as_array().unwrap().iter().map(told).collect();
    assert_eq!(all[0], r#"1 ["high","low"] [] [] ["high.rules","low.rules"]"#);
    assert_eq!(
        all[1..],
        [r#"2 [] [] ["low"] ["low.rules"]"#, r#"3 [] ["low"] [] ["low.rules"]"#, r#"4 [] ["low"] [] ["low.rules"]"#]
    );
    let by: Vec<&Value> = versions["versions"].as_array().unwrap().iter().map(|v| &v["by"]).collect();
    assert!(by[0].is_null() && by[1..].iter().all(|by| by.is_string()), "{by:?}");
    assert!(versions["versions"][0]["effective"].is_null() && versions["versions"][3]["effective"].is_string());
    // A rule that means the same goes on: its finding is as it was.
    assert_eq!(node.get("/v1/subjects/q/recommendations")["recommendations"][0], high);
    let text = node.server.get("/v1/rules/low.rules").body;
    assert_eq!(text, low(70, ""));
    node.server.kill_now();
    drop(node);
    // The files of the server did not change meanwhile, so they undo nothing; nor does the loss of the snapshots.
    for lose in [false, true] {
        if lose {
            std::fs::remove_dir_all(data.join("snapshots")).unwrap();
        }
        let node = Node::start(&data, &rules);
        assert_eq!(node.get("/v1/rules/versions"), versions);
        assert_eq!(node.server.get("/v1/rules/low.rules").body, text);
        assert_eq!(node.server.stop(), Some(0));
    }
    // A changed file is put in force.
    std::fs::write(rules.join("low.rules"), low(75, "")).unwrap();
    let node = Node::start(&data, &rules);
    assert_eq!(node.get("/v1/rules/versions")["in_force"], 5);
    assert_eq!(node.get("/v1/rules/versions/5")["texts"][1]["text"], low(75, ""));
}

#[test]
fn what_cannot_be_put_in_force_again_is_refused_with_a_remedy() {
    let dir = tempfile::tempdir().unwrap();
    let mut node = Node::start(&dir.path().join("data"), &rules_dir(dir.path()));
    for (body, status, says) in [
        (json!({"to": 7}), 404, "there is no version 7 of the rules; there are 1 to 1"),
        (json!({"to": 0}), 404, "there is no version 0"),
        (json!({"to": "one"}), 400, "an object with `to`"),
        (json!({"too": 1}), 400, "an object with `to`"),
    ] {
        let answer = node.roll_back(&body);
        assert_eq!(answer.status, status, "{body}: {}", answer.body);
        let problem = answer.json();
        assert!(problem["detail"].as_str().unwrap().contains(says), "{problem}");
        assert!(problem["remedy"].is_string(), "{problem}");
    }
    assert_eq!(node.server.get("/v1/rules/versions/x").status, 404);
}

#[test]
fn the_command_line_shows_versions_and_goes_back() {
    let dir = tempfile::tempdir().unwrap();
    let mut node = Node::start(&dir.path().join("data"), &rules_dir(dir.path()));
    node.bg("p", &ago(50), 60);
    let url = node.server.url.clone();
    let rules = |arguments: &[&str]| {
        let (status, out, err) = run(vitalog().arg("rules").args(arguments).args(["--url", &url]));
        (status, out, err)
    };
    node.get("/v1/subjects/p/summary");
    let (status, out, err) = rules(&["list"]);
    assert_eq!(status, Some(0), "{err}");
    assert_eq!(
        out,
        "version 1\nrule  title  on trial\nhigh  High\nlow   Low    would have told 1 of 1 subjects since the beginning\n"
    );
    node.put(&low(80, ""));
    let (_, out, _) = rules(&["versions"]);
    let lines: Vec<&str> = out.lines().collect();
    assert!(
        lines[1].starts_with("1        the beginning") && lines[1].ends_with("its own files  added: high, low; on trial: low"),
        "{out}"
    );
    assert!(lines[2].ends_with("changed: low; not on trial any more: low"), "{out}");
    assert_eq!(rules(&["show", "1", "low.rules"]).1, low(70, "shadow"));
    assert!(rules(&["show", "2"]).1.contains("// low.rules\nuse health\nrule low \"Low\""));
    assert_eq!(rules(&["rollback", "1"]).1, "the rules of version 1 are in force again, as version 3\n");
    assert_eq!(rules(&["rollback", "1"]).1, "the rules of version 1 are in force already\n");
    let (status, _, err) = rules(&["rollback", "9"]);
    assert_eq!(status, Some(1));
    assert!(err.contains("there is no version 9 of the rules; there are 1 to 3\n  help: see GET /v1/rules/versions"), "{err}");
    let (status, _, err) = rules(&["show", "1", "lows.rules"]);
    assert_eq!(status, Some(2));
    assert!(err.contains("version 1 has no file lows.rules\n  help: it has high.rules, low.rules"), "{err}");
    let (_, out, _) = rules(&["list", "--format", "json"]);
    assert_eq!(serde_json::from_str::<Value>(&out).unwrap()["in_force"], 3);
}
