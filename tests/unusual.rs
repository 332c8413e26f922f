//! What is usual, from outside: a reading that is not is taken, flagged wherever it is read, counted, and found by rules like any other.

use std::path::Path;

use serde_json::{Value, json};

use crate::support::server::{Server, run, vitalog};
use crate::support::story::at;

const RULES: &str = r#"
rule low "Low" { severity urgent when bg.value < 70 mg/dL }
rule double_low "Twice very low" { severity critical match bg as first where first.value < 54 mg/dL then bg as second where second.value < 54 mg/dL within 1 h }
rule average "High on the whole" { severity info when avg(bg.value over 1 h) > 200 mg/dL }
"#;

/// A server whose glucose is usually so.
fn start(dir: &Path, usually: &str) -> Server {
    let rules = dir.join("rules");
    std::fs::create_dir_all(&rules).unwrap();
    let stream = format!("stream bg every 5 min {{ value glucose in mg/dL from 20 mg/dL to 1000 mg/dL {usually} }}\n");
    std::fs::write(rules.join("own.rules"), stream + RULES).unwrap();
    Server::start(&dir.join("data"), &["--rules", rules.to_str().unwrap(), "--land-every", "1"])
}

fn readings() -> Vec<Value> {
    let values = ["110 mg/dL", "25 mg/dL", "1.8 mmol/L", "700 mg/dL", "640 mg/dL", "33 mg/dL", "120 mg/dL"];
    let one = |(n, value): (usize, &&str)| json!({"subject": "p-1", "stream": "bg", "at": at(5 * n as u64), "value": value, "id": format!("r{n}")});
    values.iter().enumerate().map(one).collect()
}

fn found(server: &Server) -> Vec<Value> {
    let all = server.recommendations("p-1");
    let mut said: Vec<Value> = all.iter().map(|r| json!([r["rule"], r["state"], r["onset"], r["end"], r["severity"]])).collect();
    said.sort_by_key(ToString::to_string);
    said
}

#[test]
fn it_is_flagged_wherever_it_is_read_and_found_by_rules_like_any_other() {
    let [with, without] = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
    let server = start(with.path(), "usually 34 mg/dL to 600 mg/dL");
    let other = start(without.path(), "");
    let body = |server: &Server| {
        server.try_sent("application/json", Value::from(readings()).to_string()).expect("an answer").ok().json()
    };
    let (told, plain) = (body(&server), body(&other));
    assert_eq!(
        (&told["accepted"], &told["flagged"], &plain["accepted"], &plain["flagged"]),
        (&json!(7), &json!(5), &json!(7), &json!(0))
    );
    let flagged = |one: &Value| one["flags"].as_array().is_some_and(|flags| flags.iter().any(|flag| flag["code"] == "unusual"));
    let of = |told: &Value| told["receipts"].as_array().unwrap().iter().map(flagged).collect::<Vec<_>>();
    assert_eq!(of(&told), [false, true, true, true, true, true, false]);
    let position = told["position"].to_string();
    let get = |path: &str| server.try_send("GET", path, &[("vitalog-position", &position)], "").expect("an answer").ok().json();
    let one = get("/v1/subjects/p-1/readings/r1");
    let flag = &one["current"]["flags"][0];
    assert_eq!((&flag["field"], &flag["value"]), (&json!("value"), &json!("25 mg/dL")));
    assert!(flag["remedy"].as_str().is_some_and(|text| text.starts_with("if 25 mmol/L was meant")), "{flag}");
    let page = get("/v1/subjects/p-1/readings?stream=bg");
    assert_eq!(page["readings"].as_array().unwrap().iter().filter(|one| flagged(one)).count(), 5);
    let metrics = server.get("/metrics").ok().body;
    assert!(metrics.contains("vitalog_flagged_total{stream=\"bg\"} 5"), "{metrics}");
    assert!(!other.get("/metrics").ok().body.contains("vitalog_flagged_total{"));
    // Whatever is usual: the same is found.
    let same = found(&server);
    assert!(same.len() >= 4, "{same:?}");
    assert_eq!(same, found(&other));
    // A file says how many; sent again they are known, and as unusual as before.
    let file = with.path().join("all.ndjson");
    std::fs::write(&file, readings().iter().map(|r| format!("{r}\n")).collect::<String>()).unwrap();
    let (status, out, err) = run(vitalog().args(["ingest", "--to", &server.url]).arg(&file));
    assert_eq!(status, Some(0), "{out}{err}");
    assert!(out.contains("7 duplicate") && out.contains("5 unusual"), "{out}");
    // Put in force without it, nothing is flagged any more, also of what was there; and put back, it is again.
    let put = |usually: &str| {
        let text = format!("stream bg every 5 min {{ value glucose in mg/dL from 20 mg/dL to 1000 mg/dL {usually} }}\n") + RULES;
        let headers = [("content-type", "text/plain")];
        let answer = server.try_send("PUT", "/v1/rules/own.rules", &headers, text).expect("an answer").ok();
        answer.headers["vitalog-position"].to_str().expect("a number").to_owned()
    };
    for (usually, count) in [("", 0), ("usually 30 mg/dL to 650 mg/dL", 2)] {
        let position = put(usually);
        let page = server
            .try_send("GET", "/v1/subjects/p-1/readings?stream=bg", &[("vitalog-position", &position)], "")
            .expect("an answer");
        let page = page.ok().json();
        assert_eq!(page["readings"].as_array().unwrap().iter().filter(|one| flagged(one)).count(), count, "{usually}");
    }
    assert_eq!(found(&server), same, "nothing that was found has changed");
}
