//! Bad input that devices and strangers send, where no other test has it: each is refused by itself or kept as what it is, and costs nothing else.

use serde_json::Value as Json;
use vitalog_elog::Input;

use super::{Server, bg};

fn codes(json: &Json) -> Vec<&str> {
    json["receipts"].as_array().expect("receipts").iter().map(|r| r["code"].as_str().unwrap_or("kept")).collect()
}

/// With more members.
fn with(line: &str, more: &str) -> String {
    line.replacen('{', &format!("{{{more},"), 1)
}

#[test]
fn names_that_are_none_are_refused_and_their_neighbours_kept() {
    let server = Server::open();
    let good = bg(1, "6.1");
    let names = ["a/../b", "/etc/passwd", "a\\u0000b", "a\\r\\nSet-Cookie: x", ".hidden", "", "\u{202e}a", "ａ"];
    let mut body: Vec<String> = names.iter().map(|name| with(&good, &format!("\"id\":\"{name}\""))).collect();
    body.extend(names.iter().map(|name| good.replace("p-001", name)));
    body.push(with(&bg(2, "6.1"), &format!("\"id\":\"{}\"", "x".repeat(1 << 20))));
    body.push(good.replace("p-001", &"x".repeat(1 << 20)));
    body.push(good.clone());
    let json = server.post("application/json", format!("[{}]", body.join(","))).json();
    let n = names.len();
    let expected = [vec!["bad_id"; n], vec!["bad_subject"; n], vec!["bad_id", "bad_subject", "kept"]].concat();
    assert_eq!(codes(&json), expected);
    let shown = json["receipts"].as_array().expect("receipts").iter().filter_map(|r| r["value"].as_str());
    assert!(
        shown.clone().all(|value| value.chars().count() <= 90 && !value.contains(['\r', '\n', '\0'])),
        "{:?}",
        shown.collect::<Vec<_>>()
    );
    let lines = format!("{}\n{good}\n", with(&bg(2, "6.1"), &format!("\"id\":\"{}\"", "x".repeat(1 << 20))));
    assert_eq!(codes(&server.post("application/x-ndjson", lines).json()), ["line_too_long", "kept"]);
    // In a path the server's own rules of paths come first; nothing of it is a reading.
    for name in ["a%2F..%2Fb", "..%2f..", "%00", "a%0d%0ab", "%ff"] {
        let path = format!("/v1/subjects/p-001/readings/{name}");
        let reply = server.send("PUT", &path, &[("content-type", "application/json")], "{}");
        assert!(matches!(reply.status, 400 | 404 | 422), "{name}: {}", reply.status);
    }
    let kept = server.journaled().into_iter().filter(|input| matches!(input, Input::Reading(_))).count();
    assert_eq!(kept, 2, "the same reading, twice");
}

#[test]
fn times_around_a_change_of_clocks_are_the_instants_that_they_say() {
    let server = Server::open();
    let at = |time: &str, value: &str| bg(1, value).replace("2026-11-20T07:01:00Z", time);
    // Berlin, 29 March 2026: 02:30 was on no clock; with an offset it is an instant all the same. 25 October: 02:30 was twice.
    let lines = [
        at("2026-03-29T02:30:00+01:00", "6.1"),
        at("2026-03-29T03:30:00+02:00", "6.1"),
        at("2026-10-25T02:30:00+02:00", "6.1"),
        at("2026-10-25T02:30:00+01:00", "6.1"),
        at("2026-03-29T02:30:00", "6.1"),
        at("2026-10-25T02:30:00[Europe/Berlin]", "6.1"),
        at("2026-11-21T08:00:00Z", "6.1"),
    ];
    let json = server.post("application/x-ndjson", lines.join("\n")).json();
    assert_eq!(codes(&json), ["kept", "kept", "kept", "kept", "no_zone", "no_zone", "in_the_future"]);
    let outcome = |i: usize| json["receipts"][i]["status"].as_str().unwrap_or_default();
    assert_eq!([0, 1, 2, 3].map(outcome), ["accepted", "duplicate", "accepted", "accepted"]);
}

#[test]
fn a_count_that_goes_back_is_kept_as_it_was_said() {
    let server = Server::open();
    let lines = [(3, 9), (1, 10), (2, 10), (3, 11)]
        .map(|(seq, minute)| with(&bg(minute, &format!("6.{seq}")), &format!("\"seq\":{seq}")));
    let json = server.post("application/x-ndjson", lines.join("\n")).json();
    assert_eq!(json["accepted"], 4, "{json}");
    let seqs: Vec<Option<u64>> = server
        .journaled()
        .iter()
        .filter_map(|input| if let Input::Reading(r) = input { r.content.as_ref().map(|c| c.seq) } else { None })
        .collect();
    assert_eq!(seqs, [Some(3), Some(1), Some(2), Some(3)]);
}

#[test]
fn tables_with_what_a_spreadsheet_would_run_are_texts() {
    let server = Server::open();
    let formulas = ["=HYPERLINK(\"\"http://127.0.0.1/\"\",\"\"x\"\")", "+1+1", "-1+1", "@SUM(A1)", "=cmd|' /C calc'!A0"];
    let rows: String = formulas.iter().map(|f| format!("p-1,carbs,2026-11-20T07:00:00Z,30,\"{f}\"\n")).collect();
    let json = server.post("text/csv", format!("subject,stream,at,amount,note\n{rows}")).json();
    assert_eq!(json["accepted"], 5, "{json}");
    let broken = server.post("text/csv", "subject,stream,at,value\np-1,bg,2026-11-20T07:00:00Z,=1+109\n");
    assert_eq!(broken.assert_problem(422, "not_a_number")["value"], "=1+109");
}
