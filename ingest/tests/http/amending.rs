//! One reading by its name: made, amended, removed; and a subject's profile.

use vitalog_elog::{Input, TimeOfDay, Value};

use super::{Reply, Server};

const PATH: &str = "/v1/subjects/p-001/readings/a1";
const JSON: (&str, &str) = ("content-type", "application/json");

fn body(value: &str) -> String {
    format!("{{\"stream\":\"bg\",\"at\":\"2026-11-20T07:00:00Z\",\"value\":{value}}}")
}

#[track_caller]
fn kept(reply: &Reply, status: u16, rev: u32, outcome: &str) {
    let json = reply.json();
    assert_eq!(
        (reply.status, json["rev"].as_u64(), json["outcome"].as_str()),
        (status, Some(rev.into()), Some(outcome)),
        "{json}"
    );
    assert_eq!(json["offset"].as_u64().map(|o| (o + 1).to_string()).as_deref(), Some(reply.header("vitalog-position")));
}

#[test]
fn a_reading_is_made_amended_and_removed() {
    let server = Server::open();
    kept(&server.send("PUT", PATH, &[JSON], body("110")), 201, 1, "new");
    kept(&server.send("PUT", PATH, &[JSON], body("120")), 200, 2, "superseded");
    kept(&server.send("PUT", PATH, &[JSON, ("if-match", "\"2\"")], body("121")), 200, 3, "superseded");
    server.send("PUT", PATH, &[JSON, ("if-match", "\"2\"")], body("122")).assert_problem(412, "rev_is_not_current");
    kept(&server.send("PUT", &format!("{PATH}?rev=9"), &[JSON], body("123")), 200, 9, "superseded");
    kept(&server.send("PUT", PATH, &[JSON], body("124,\"rev\":10")), 200, 10, "superseded");
    kept(&server.send("PUT", &format!("{PATH}?rev=4"), &[JSON], body("125")), 200, 4, "outdated");
    kept(&server.send("DELETE", PATH, &[], ""), 200, 11, "superseded");
    server.send("DELETE", PATH, &[], "").assert_problem(404, "no_such_reading");
    kept(&server.send("PUT", PATH, &[JSON], body("126")), 201, 12, "superseded");
    server.send("DELETE", PATH, &[("if-match", "\"3\"")], "").assert_problem(412, "rev_is_not_current");
    kept(&server.send("DELETE", &format!("{PATH}?rev=20"), &[], ""), 200, 20, "superseded");
    let readings: Vec<_> =
        server.journaled().into_iter().map(|i| if let Input::Reading(r) = i { r } else { panic!("{i:?}") }).collect();
    assert_eq!(readings.iter().map(|r| r.rev).collect::<Vec<_>>(), [1, 2, 3, 9, 10, 4, 11, 12, 20]);
    assert!(readings.iter().all(|r| r.given.as_deref() == Some("a1") && r.subject.as_str() == "p-001"));
    assert_eq!(readings.iter().filter(|r| r.content.is_none()).count(), 2);
}

#[test]
fn a_removal_may_come_before_its_original() {
    let server = Server::open();
    server.send("DELETE", PATH, &[], "").assert_problem(404, "no_such_reading");
    kept(&server.send("DELETE", &format!("{PATH}?rev=2"), &[], ""), 200, 2, "new");
    kept(&server.send("PUT", &format!("{PATH}?rev=1"), &[JSON], body("110")), 200, 1, "outdated");
    server.send("DELETE", &format!("{PATH}?rev=1"), &[], "").assert_problem(422, "bad_rev");
}

#[test]
fn later_writes_are_later_revisions_however_close() {
    let server = Server::open();
    std::thread::scope(|scope| {
        for i in 0..16 {
            let server = &server;
            scope.spawn(move || {
                let reply = server.send("PUT", PATH, &[JSON], body(&(100 + i).to_string()));
                assert!(matches!(reply.status, 200 | 201), "{}", reply.status);
            });
        }
    });
    let mut revs: Vec<u32> = server.journaled().into_iter().map(|i| if let Input::Reading(r) = i { r.rev } else { 0 }).collect();
    revs.sort_unstable();
    assert_eq!(revs, (1..=16).collect::<Vec<_>>(), "no two writes took one revision");
}

#[test]
fn what_is_wrong_is_refused_and_kept() {
    let server = Server::open();
    let put = |path: &str, headers: &[(&str, &str)], body: &str| server.send("PUT", path, headers, body);
    assert_eq!(put(PATH, &[JSON], &body("5.4")).assert_problem(422, "unit_mistake")["offset"], 0);
    assert_eq!(put(PATH, &[JSON], "{").assert_problem(422, "malformed_json")["offset"], 1);
    put(PATH, &[JSON], &body("110,\"subject\":\"p-002\"")).assert_problem(422, "contradiction");
    put(PATH, &[JSON], &body("110,\"id\":\"a2\"")).assert_problem(422, "contradiction");
    put(PATH, &[("content-type", "text/csv")], "a,b").assert_problem(415, "unsupported_media_type");
    put(PATH, &[JSON, ("if-match", "*")], &body("110")).assert_problem(400, "bad_query");
    put(PATH, &[JSON, ("if-match", "\"1\"")], &body("110,\"rev\":2")).assert_problem(400, "bad_query");
    put(&format!("{PATH}?rev=two"), &[JSON], &body("110")).assert_problem(422, "wrong_type");
    put(&format!("{PATH}?rev=1&rev=2"), &[JSON], &body("110")).assert_problem(400, "bad_query");
    put("/v1/subjects/p-001/readings/..%2Fx", &[JSON], &body("110")).assert_problem(422, "bad_id");
    put("/v1/subjects/p-001/readings/a%00b", &[JSON], &body("110")).assert_problem(422, "bad_id");
    put("/v1/subjects/p-001/readings/a%0d%0ab", &[JSON], &body("110")).assert_problem(422, "bad_id");
    put("/v1/subjects/p-001/readings/a%FFb", &[JSON], &body("110")).assert_problem(422, "bad_path");
    put("/v1/subjects/..%2F..%2Fetc/readings/a1", &[JSON], &body("110")).assert_problem(422, "bad_subject");
    assert!(server.journaled().iter().all(|i| matches!(i, Input::DeadLetter(_))));
}

#[test]
fn a_time_of_day_is_set_as_a_clock_shows_it() {
    let server = Server::open();
    let reply = server.send("PUT", "/v1/subjects/p-001/profile", &[JSON], "{\"bedtime\":\"22:05\"}");
    assert_eq!(reply.status, 200);
    let [Input::Profile(change)] = &server.journaled()[..] else { panic!("one change") };
    assert_eq!(change.value, Some(Value::TimeOfDay(TimeOfDay::parse("22:05").expect("a time"))));
}

#[test]
fn a_profile_is_set_whole_or_not_at_all() {
    let server = Server::open();
    let put = |body: &str| server.send("PUT", "/v1/subjects/p-001/profile", &[JSON], body);
    let reply = put("{\"bg_low\":\"4.0 mmol/L\",\"units\":\"mmol_l\"}");
    assert_eq!((reply.status, reply.header("vitalog-position")), (200, "2"));
    assert_eq!(reply.json()["at"], "2026-11-20T08:00:00Z");
    assert_eq!(put("{\"units\":null,\"at\":\"2026-12-01T00:00:00+01:00\"}").json()["at"], "2026-11-30T23:00:00Z");
    for (body, code, field) in [
        ("{\"bg_lo\":70}", "unknown_field", Some("bg_lo")),
        ("{\"bg_low\":70,\"units\":\"furlongs\"}", "unknown_word", Some("units")),
        ("{\"bg_low\":\"4.0 mg/dL\"}", "unit_mistake", Some("bg_low")),
        ("{\"bg_low\":40}", "out_of_range", Some("bg_low")),
        ("{\"bedtime\":\"24:00\"}", "bad_time_of_day", Some("bedtime")),
        ("{\"bedtime\":2200}", "wrong_type", Some("bedtime")),
        ("{\"bg_low\":70,\"bg_low\":80}", "duplicate_key", Some("bg_low")),
        ("{\"bg_low\":70,\"at\":\"2030-12-01T00:00:00Z\"}", "in_the_future", Some("at")),
        ("{\"bg_low\":70,\"at\":\"2026-11-20T08:00:00\"}", "no_zone", Some("at")),
        ("{}", "missing", None),
        ("[]", "malformed_json", None),
    ] {
        assert_eq!(put(body).assert_problem(422, code)["field"].as_str(), field, "{body}");
    }
    assert!(put("{\"bg_lo\":70}").json()["remedy"].as_str().is_some_and(|r| r.contains("bg_low")));
    let changes: Vec<_> =
        server.journaled().into_iter().map(|i| if let Input::Profile(c) = i { c } else { panic!("{i:?}") }).collect();
    assert_eq!(changes.iter().map(|c| &*c.field).collect::<Vec<_>>(), ["bg_low", "units", "units"]);
    assert_eq!((&changes[1].value, &changes[2].value), (&Some(Value::Enum(1)), &None));
}
