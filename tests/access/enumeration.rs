//! Who is there can't be found out by asking: what somebody may not see is answered as what there is none of, byte for byte but for the name that was asked for.

use std::path::Path;

use serde_json::json;

use super::{LOW, ask, serve, told};
use crate::support::server::Server;

/// What a door says; the name that was asked for is put out of it.
fn said(server: &Server, token: &str, door: (&str, &str, &str), name: &str) -> (u16, String, String) {
    let (method, path, body) = door;
    let answer = ask(server, token, method, &path.replace("NAME", name), &body.replace("NAME", name));
    let mut headers: Vec<String> = answer
        .headers
        .iter()
        .filter(|(key, _)| !["date", "ratelimit", "vitalog-position"].contains(&key.as_str()))
        .map(|(key, value)| format!("{key}: {}", value.to_str().unwrap_or_default()))
        .collect();
    headers.sort();
    (answer.status, answer.body.replace(name, "NAME"), headers.join("\n"))
}

fn accounts(data: &Path) -> [String; 4] {
    let root = told(data, "token", &["add", "root"]);
    told(data, "user", &["add", "lee", "--roles", "caretaker", "--no-password"]);
    told(data, "user", &["assign", "lee", "p-7"]);
    told(data, "user", &["add", "p-9", "--roles", "patient", "--subject", "p-9", "--no-password"]);
    told(data, "user", &["add", "meter", "--roles", "device", "--subject", "p-9", "--no-password"]);
    let [lee, patient, meter] =
        ["lee", "p-9", "meter"].map(|who| told(data, "token", &["add", &format!("{who}-t"), "--account", who]));
    [root, lee, patient, meter]
}

#[test]
fn whom_one_may_not_see_is_answered_as_nobody() {
    let dir = tempfile::tempdir().unwrap();
    let [root, lee, patient, meter] = accounts(dir.path());
    let server = serve(dir.path(), &["--land-every", "1"]);
    let answer = ask(&server, &root, "POST", "/v1/readings", LOW).ok();
    let position = answer.headers["vitalog-position"].to_str().unwrap().to_owned();
    let auth = format!("Bearer {root}");
    let headers = [("authorization", auth.as_str()), ("vitalog-position", position.as_str())];
    let found = server.try_send("GET", "/v1/subjects/p-1/recommendations", &headers, "").unwrap().ok().json();
    let finding = found["recommendations"][0]["id"].as_str().expect("a finding").to_owned();
    let nothing = "0".repeat(finding.len());

    let of_a_subject = [
        ("GET", "/v1/subjects/NAME/summary", ""),
        ("GET", "/v1/subjects/NAME/timeline", ""),
        ("GET", "/v1/subjects/NAME/readings", ""),
        ("GET", "/v1/subjects/NAME/readings/g1", ""),
        ("GET", "/v1/subjects/NAME/readings/g1/receipt", ""),
        ("GET", "/v1/subjects/NAME/recommendations", ""),
        ("GET", "/v1/subjects/NAME/why?rule=low&at=2026-03-10T08:00:00Z", ""),
        ("GET", "/v1/subjects/NAME/profile", ""),
        ("GET", "/v1/subjects/NAME/emergencies", ""),
        ("GET", "/v1/subjects/NAME/export?format=csv", ""),
        ("GET", "/v1/stream?subject=NAME", ""),
        ("GET", "/v1/accounting?subject=NAME", ""),
        ("PUT", "/v1/subjects/NAME/readings/g1", r#"{"stream":"bg","at":"2026-03-10T08:00:00Z","value":100}"#),
        ("DELETE", "/v1/subjects/NAME/readings/g1", ""),
        ("PUT", "/v1/subjects/NAME/profile", r#"{"bg_low": "4.2 mmol/L"}"#),
        ("POST", "/v1/readings", r#"{"subject":"NAME","stream":"bg","at":"2026-03-10T08:00:00Z","value":100,"id":"g1"}"#),
        ("POST", "/v1/readings", r#"{"subject":"NAME","id":"g1","rev":2,"removed":true}"#),
        ("POST", "/v1/subjects/NAME/moves", r#"{"to":"p-7","ids":["g1"]}"#),
        ("POST", "/v1/subjects/p-7/moves", r#"{"to":"NAME","ids":["g1"]}"#),
        ("POST", "/v1/sql", r#"{"sql":"select * from readings where subject = 'NAME'"}"#),
        ("POST", "/v1/erasures", r#"{"subjects":["NAME"]}"#),
    ];
    // p-1 has a reading and a finding; p-4 is nobody.
    for (who, token) in [("lee", &lee), ("p-9", &patient), ("meter", &meter)] {
        for door in of_a_subject {
            let [there, nowhere] = ["p-1", "p-4"].map(|name| said(&server, token, door, name));
            assert_eq!(there, nowhere, "{who} can tell p-1 from nobody: {door:?}");
            let refused = there.0 >= 400 || there.1 == "[]";
            assert!(refused, "{who} is shown something: {door:?} {there:?}");
        }
        for (method, path) in [
            ("GET", "/v1/recommendations/NAME"),
            ("POST", "/v1/recommendations/NAME/acknowledge"),
            ("POST", "/v1/recommendations/NAME/dismiss"),
        ] {
            let [there, nowhere] = [&finding, &nothing].map(|id| said(&server, token, (method, path, ""), id));
            assert_eq!(there, nowhere, "{who} can tell a finding from none: {method} {path}");
            assert!(there.0 >= 400, "{method} {path}: {there:?}");
        }
    }
    // The finding is there, for whoever may see it.
    let shown = ask(&server, &root, "GET", &format!("/v1/recommendations/{finding}"), "").ok().json();
    assert_eq!(shown["subject"], json!("p-1"));
    for answer in ["acknowledged", "dismissed"] {
        assert_eq!(shown.get(answer), Some(&json!(null)), "somebody who may not see it has answered it: {shown}");
    }
}
