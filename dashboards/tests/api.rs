//! The API over a real socket: what it answers, to whom, and how it refuses.

use std::sync::Arc;

use reqwest::{Method, StatusCode};
use serde_json::Value as Json;
use tempfile::TempDir;
use vitalog_elog::effect::{Addressee, Delivery, Step};
use vitalog_elog::input::{DeadLetter, Input, Mending, MendingOutcome};
use vitalog_elog::profile::ProfileChange;
use vitalog_elog::{Effect, MatchId, Reading, Span, Subject, Time, Value, When};

use crate::support::judge;
use crate::support::schema::{self, EXERCISE, MOOD, SLEEP, amount, content, glucose};
use crate::support::server::{Server, serve};
use crate::support::world::World;

pub const BASE: Time = Time(1_790_000_000_000_000);
const HOSTILE: &str = "</script><img src=x onerror=alert(1)>";

pub struct Stage {
    pub world: Arc<World>,
    pub server: Server,
    _folder: TempDir,
}

/// Two subjects: p-1 low for half an hour and going on, p-2 in range.
pub async fn stage() -> Stage {
    let folder = TempDir::new().expect("a folder");
    let path = folder.path().join("views.sqlite");
    let world = World::new(&path, schema::schema(), Some(judge::lows));
    for step in 0..24 {
        let at = BASE + Span::minutes(5 * step);
        let value = if step < 17 { "110" } else { "61" };
        world.give(at, vec![glucose_of("p-1", at, value), glucose_of("p-2", at, "120")]);
    }
    let now = BASE + Span::minutes(120);
    let note = content(
        MOOD,
        When::At(BASE),
        vec![amount("3", schema::unit(vitalog_elog::Dimension::Count, "count")), Some(Value::Text(HOSTILE.into()))],
    );
    world.give(now, vec![Input::Reading(Reading::present(Subject::new("p-1"), Some("mood-1".into()), 1, "mood", note))]);
    let server = serve(&world, &path, now).await;
    Stage { world, server, _folder: folder }
}

pub fn glucose_of(subject: &str, at: Time, value: &str) -> Input {
    Input::Reading(Reading::present(Subject::new(subject), None, 1, "bg", glucose(at, value)))
}

impl Stage {
    pub fn of(world: Arc<World>, server: Server, folder: TempDir) -> Stage {
        Stage { world, server, _folder: folder }
    }
}

pub struct Answer {
    pub status: StatusCode,
    pub headers: reqwest::header::HeaderMap,
    pub body: Json,
}

impl Stage {
    pub async fn ask(&self, who: Option<&str>, method: Method, path: &str, headers: &[(&str, &str)]) -> Answer {
        let mut request = reqwest::Client::new().request(method, format!("{}{path}", self.server.url));
        if let Some(who) = who {
            request = request.header("x-who", who);
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let response = request.send().await.expect("an answer");
        let (status, headers) = (response.status(), response.headers().clone());
        let text = response.text().await.expect("a body");
        Answer { status, headers, body: serde_json::from_str(&text).unwrap_or(Json::Null) }
    }

    pub async fn get(&self, path: &str) -> Json {
        let answer = self.ask(Some("root"), Method::GET, path, &[]).await;
        assert_eq!(answer.status, 200, "{path}: {}", answer.body);
        assert_eq!(answer.headers["content-type"], "application/json");
        assert_eq!(answer.headers["cache-control"], "no-store");
        assert!(answer.headers.contains_key("vitalog-position"));
        answer.body
    }
}

fn low() -> MatchId {
    MatchId::new("low_glucose", &Subject::new("p-1"), BASE + Span::minutes(85))
}

#[tokio::test]
async fn subjects_come_in_the_order_in_which_they_need_a_look() {
    let stage = stage().await;
    let list = stage.get("/v1/subjects").await;
    let names: Vec<&str> =
        list["subjects"].as_array().expect("a list").iter().map(|s| s["subject"].as_str().expect("a name")).collect();
    assert_eq!(names, ["p-1", "p-2"]);
    let first = &list["subjects"][0];
    assert_eq!(first["look"]["severity"], "warning");
    assert_eq!(first["standing"][0]["title"], "Low glucose");
    assert_eq!(first["glucose"]["value"], 61.0);
    assert_eq!(first["glucose"]["trend"]["arrow"], "steady");
    assert_eq!(first["glucose"]["band"]["low"], 70.0);
    assert_eq!(first["readings"], 25);
    assert_eq!(list["subjects"][1]["look"]["severity"], Json::Null);
    let only = stage.get("/v1/subjects?only=p-2").await;
    assert_eq!((only["total"].as_u64(), only["subjects"][0]["subject"].as_str()), (Some(1), Some("p-2")));
    let summary = stage.get("/v1/subjects/p-1/summary").await;
    assert_eq!(&summary, first);
}

#[tokio::test]
async fn readings_come_by_page_and_one_with_its_history() {
    let stage = stage().await;
    let page = stage.get("/v1/subjects/p-1/readings?stream=bg&limit=10").await;
    let first = &page["readings"][0];
    assert_eq!(
        (first["value"].as_str(), first["stream"].as_str(), first["rev"].as_u64()),
        (Some("61 mg/dL"), Some("bg"), Some(1))
    );
    let next = page["next"].as_str().expect("there is more");
    let rest = stage.get(&format!("/v1/subjects/p-1/readings?stream=bg&limit=100&after={next}")).await;
    assert_eq!((rest["readings"].as_array().map(Vec::len), &rest["next"]), (Some(14), &Json::Null));
    let at = (BASE + Span::minutes(10)).to_string();
    let until = (BASE + Span::minutes(20)).to_string();
    let stretch = stage.get(&format!("/v1/subjects/p-1/readings?from={at}&to={until}&order=oldest")).await;
    assert_eq!(stretch["readings"].as_array().map(Vec::len), Some(2), "from is included, to is not");
    assert_eq!(stretch["readings"][0]["at"], at);

    let again = Reading::present(
        Subject::new("p-1"),
        Some("mood-1".into()),
        2,
        "mood",
        content(MOOD, When::At(BASE), vec![amount("5", schema::unit(vitalog_elog::Dimension::Count, "count"))]),
    );
    stage.world.give(BASE, vec![Input::Reading(again)]);
    let one = stage.get("/v1/subjects/p-1/readings/mood-1").await;
    assert_eq!((one["current"]["score"].as_str(), one["current"]["rev"].as_u64()), (Some("5 count"), Some(2)));
    assert_eq!(one["history"][0]["note"], HOSTILE, "text is given as it was sent, as JSON");
    let printed = one["current"]["id"].as_str().expect("an id");
    assert_eq!(stage.get(&format!("/v1/subjects/p-1/readings/{printed}")).await, one);
}

#[tokio::test]
async fn a_timeline_has_everything_a_chart_needs() {
    let stage = stage().await;
    let subject = Subject::new("p-1");
    let night = When::During { start: BASE - Span::hours(6), end: Some(BASE + Span::hours(1)) };
    let beyond = When::During { start: BASE - Span::hours(1), end: Some(BASE + Span::hours(9)) };
    let going_on = When::During { start: BASE + Span::minutes(100), end: None };
    let level = || vec![Some(Value::Enum(1))];
    let spans =
        [(SLEEP, "sleep", night, vec![]), (EXERCISE, "exercise", beyond, level()), (EXERCISE, "exercise", going_on, level())];
    for (ix, name, when, values) in spans {
        let reading = Reading::present(subject.clone(), None, 1, name, content(ix, when, values));
        stage.world.give(BASE + Span::minutes(120), vec![Input::Reading(reading)]);
    }
    let timeline = stage.get(&format!("/v1/subjects/p-1/timeline?from={BASE}&to={}", BASE + Span::minutes(120))).await;
    let series =
        |name: &str| timeline["series"].as_array().and_then(|s| s.iter().find(|s| s["name"] == name)).cloned().expect("a series");
    let bg = series("bg");
    assert_eq!((bg["count"].as_u64(), bg["values"][0][23].as_f64()), (Some(24), Some(61.0)));
    assert_eq!(bg["at"][0].as_i64(), Some(BASE.0 / 1000));
    assert_eq!(bg["fields"][0]["unit"], "mg/dL");
    assert_eq!(bg["fields"][0]["units"][1]["per"], 18.016);
    assert_eq!(series("sleep")["count"], 1, "one that began before is seen");
    assert_eq!(
        series("exercise")["at"],
        serde_json::json!([(BASE + Span::hours(9)).0 / 1000, null]),
        "one that ends after, and one that goes on"
    );
    assert_eq!(series("exercise")["values"][0][0], "moderate");
    assert_eq!(timeline["recommendations"][0]["id"], low().to_string());
    let before =
        stage.get(&format!("/v1/subjects/p-1/timeline?from={}&to={}", BASE - Span::hours(5), BASE - Span::hours(4))).await;
    assert_eq!(
        before["series"].as_array().map(|s| s.iter().map(|s| s["count"].as_u64().unwrap_or(9)).sum()),
        Some(1_u64),
        "only the night"
    );
    assert_eq!(before["recommendations"], serde_json::json!([]));
    let thin = stage.get(&format!("/v1/subjects/p-1/timeline?from={BASE}&points=8")).await;
    let bg = thin["series"].as_array().and_then(|s| s.iter().find(|s| s["name"] == "bg")).expect("a series").clone();
    assert!(bg["at"].as_array().expect("instants").len() < 24 && bg["count"] == 24);
}

#[tokio::test]
async fn a_recommendation_is_explained_and_answered() {
    let stage = stage().await;
    let path = format!("/v1/recommendations/{}", low());
    let one = stage.get(&path).await;
    assert_eq!(
        (one["state"].as_str(), one["severity"].as_str(), one["kind"].as_str()),
        (Some("open"), Some("warning"), Some("episode"))
    );
    assert_eq!(one["readings"].as_array().map(Vec::len), Some(4), "the readings of the first 15 minutes");
    assert_eq!(one["readings"][0]["then"]["value"], "61 mg/dL");
    assert_eq!(one["history"][0]["because"]["kind"], "reading");
    assert!(one["cite"].as_str().is_some_and(|c| c.starts_with("ADA")));

    let answer = stage.ask(Some("root"), Method::POST, &format!("{path}/acknowledge"), &[]).await;
    assert_eq!(answer.status, 200);
    let position = answer.headers["vitalog-position"].to_str().expect("a number").to_owned();
    let read = stage.ask(Some("root"), Method::GET, &path, &[("vitalog-position", &position)]).await;
    assert_eq!(read.body["acknowledged"]["by"], "root");
    let open = stage.get("/v1/recommendations?state=open&answered=false").await;
    assert_eq!(open["recommendations"], serde_json::json!([]));
    let all = stage.get("/v1/subjects/p-1/recommendations").await;
    assert_eq!(all["recommendations"].as_array().map(Vec::len), Some(1));
    assert_eq!(stage.get("/v1/recommendations?state=rescinded").await["recommendations"], serde_json::json!([]));
    assert_eq!(stage.get("/v1/recommendations?severity=urgent").await["recommendations"], serde_json::json!([]));
    let other_site = stage.ask(Some("root"), Method::POST, &format!("{path}/dismiss"), &[("sec-fetch-site", "cross-site")]).await;
    assert_eq!((other_site.status, other_site.body["code"].as_str()), (StatusCode::FORBIDDEN, Some("cross_site")));
}

#[tokio::test]
async fn a_recommendation_says_whom_its_policy_told() {
    let stage = stage().await;
    let now = BASE + Span::minutes(121);
    let delivery = |id: u128, endpoint: &str, to: Option<Addressee>| {
        let (kind, body) = ("finding.opened".into(), "{}".into());
        Effect::Delivery(Box::new(Delivery { id, finding: low(), endpoint: endpoint.into(), to, kind, body, not_before: now }))
    };
    let to = |role: &str, step| Some(Addressee { role: role.into(), channel: "sms".into(), step });
    let late = Step { number: 2, repeat: 3, due: BASE, late: true };
    let sent = vec![
        delivery(1, "ward", None),
        delivery(2, "kin", to("caretaker", Some(late))),
        delivery(3, "anna", to("patient", None)),
        delivery(4, "", to("neighbour", Some(Step { number: 3, late: false, ..late }))),
    ];
    stage.world.feed(now, Input::Tick, sent);
    let one = stage.get(&format!("/v1/recommendations/{}", low())).await;
    let seen = |d: &Json| serde_json::json!([d["endpoint"], d["role"], d["channel"], d["step"], d["repeat"], d["late"]]);
    let seen: Vec<Json> = one["deliveries"].as_array().expect("a list").iter().map(seen).collect();
    let expected = serde_json::json!([
        ["anna", "patient", "sms", null, null, false],
        ["ward", null, null, null, null, false],
        ["kin", "caretaker", "sms", 2, 3, true],
        ["", "neighbour", "sms", 3, 3, false]
    ]);
    assert_eq!(Json::Array(seen), expected);
}

#[tokio::test]
async fn a_profile_holds_at_an_instant() {
    let stage = stage().await;
    let set = |value: Option<&str>, minute: i64| {
        let value = value.and_then(|v| amount(v, schema::mgdl()));
        Input::Profile(ProfileChange {
            subject: Subject::new("p-1"),
            field: "bg_low".into(),
            value,
            at: BASE + Span::minutes(minute),
        })
    };
    stage.world.give(BASE, vec![set(Some("80"), 10), set(None, 20)]);
    let field =
        |json: &Json| json["fields"].as_array().and_then(|f| f.iter().find(|f| f["name"] == "bg_low")).cloned().expect("a field");
    let at = |minute: i64| format!("/v1/subjects/p-1/profile?at={}", BASE + Span::minutes(minute));
    let before = field(&stage.get(&at(5)).await);
    assert_eq!((before["value"].as_str(), &before["since"]), (Some("70 mg/dL"), &Json::Null));
    let during = field(&stage.get(&at(15)).await);
    assert_eq!((during["value"].as_str(), during["number"].as_f64()), (Some("80 mg/dL"), Some(80.0)));
    let after = field(&stage.get(&at(25)).await);
    assert_eq!((after["value"].as_str(), after["changes"].as_array().map(Vec::len)), (Some("70 mg/dL"), Some(2)));
}

#[tokio::test]
async fn dead_letters_are_listed() {
    let stage = stage().await;
    for raw in [b"{\"value\":1}".as_slice(), &[0xff, 0xfe]] {
        let letter = DeadLetter {
            subject: None,
            code: "malformed".into(),
            field: None,
            message: "no".into(),
            raw: raw.into(),
            sender: "t".into(),
        };
        stage.world.give(BASE, vec![Input::DeadLetter(letter)]);
    }
    let page = stage.get("/v1/dead-letters?limit=1").await;
    assert_eq!((page["total"].as_u64(), page["dead_letters"][0]["raw_base64"].as_str()), (Some(2), Some("//4=")));
    let rest = stage.get(&format!("/v1/dead-letters?after={}", page["next"])).await;
    assert_eq!(rest["dead_letters"][0]["raw"], "{\"value\":1}");
}

#[tokio::test]
async fn a_reading_that_says_the_same_as_another_is_flagged() {
    let stage = stage().await;
    let at = BASE + Span::hours(10);
    let reading =
        |given: &str, rev, content| Input::Reading(Reading::present(Subject::new("p-1"), Some(given.into()), rev, "bg", content));
    let mmol = schema::unit(vitalog_elog::Dimension::Glucose, "mmol/L");
    let relayed = vitalog_elog::Content {
        source: Some("phone".into()),
        ..content(schema::BG, When::At(at), vec![amount("6.0", mmol), None])
    };
    let inputs = vec![
        reading("first", 1, glucose(at, "108.096")),
        reading("relayed", 1, relayed.clone()),
        reading("other", 1, glucose(at, "109")),
        reading("later", 1, glucose(at + Span::seconds(1), "108.096")),
        Input::Reading(Reading::present(Subject::new("p-2"), Some("first".into()), 1, "bg", glucose(at, "108.096"))),
    ];
    stage.world.give(at, inputs);
    let flags =
        |one: &Json| one["flags"].as_array().map(|f| f.iter().map(|f| (f["code"].clone(), f["id"].clone())).collect::<Vec<_>>());
    let same = |id: &str| Some(vec![(Json::from("same_meaning"), Json::from(id))]);
    for (id, expected) in [("first", same("relayed")), ("relayed", same("first")), ("other", None), ("later", None)] {
        let one = stage.get(&format!("/v1/subjects/p-1/readings/{id}")).await;
        assert_eq!(flags(&one["current"]), expected, "{id}: {one}");
    }
    let page = stage.get(&format!("/v1/subjects/p-1/readings?from={at}&stream=bg")).await;
    let told: Vec<_> =
        page["readings"].as_array().expect("readings").iter().filter_map(flags).flatten().map(|(_, id)| id).collect();
    assert_eq!(told.len(), 2, "{page}");
    assert!(page["readings"][1]["flags"][0]["message"].as_str().is_none_or(|m| m.contains("may be a double")));
    stage.world.give(at, vec![Input::Reading(Reading::removal(Subject::new("p-1"), "relayed".into(), 2))]);
    assert_eq!(flags(&stage.get("/v1/subjects/p-1/readings/first").await["current"]), None, "what was removed says nothing");
    // What is unusual says so by what is declared now; corrected, it says nothing.
    stage.world.give(at, vec![reading("odd", 1, glucose(at + Span::seconds(2), "601"))]);
    let path = "/v1/subjects/p-1/readings/odd";
    let flag = stage.get(path).await["current"]["flags"][0].clone();
    assert_eq!((&flag["code"], &flag["field"], &flag["value"]), (&"unusual".into(), &"value".into(), &"601 mg/dL".into()));
    assert_eq!(flag["message"], "601 mg/dL is not usual: it is between 34 mg/dL and 600 mg/dL as a rule");
    assert!(flag.get("id").is_none() && flag["remedy"].as_str().is_some_and(|text| text.contains("amend or remove")), "{flag}");
    let page = stage.get(&format!("/v1/subjects/p-1/readings?from={at}&stream=bg")).await;
    assert_eq!(page["readings"].as_array().expect("readings").iter().filter_map(flags).flatten().count(), 1, "{page}");
    stage.world.give(at, vec![reading("odd", 2, glucose(at + Span::seconds(2), "600"))]);
    assert_eq!(flags(&stage.get(path).await["current"]), None);
}

#[tokio::test]
async fn a_dead_letter_tells_what_became_of_it() {
    let stage = stage().await;
    let letter = |sender: &str, subject: Option<&str>| {
        Input::DeadLetter(DeadLetter {
            subject: subject.map(Subject::new),
            code: "missing".into(),
            field: Some("at".into()),
            message: "no".into(),
            raw: b"{}"[..].into(),
            sender: sender.into(),
        })
    };
    let first = stage.world.give(BASE, vec![letter("t", Some("p-1")), letter("u", None)]).first;
    let mending = |outcome| Input::Mending(Mending { letter: first, subject: None, by: "nurse".into(), mended: false, outcome });
    let refused = MendingOutcome::Refused { code: "missing".into(), field: Some("at".into()), message: "still".into() };
    let before =
        format!("/v1/dead-letters?sender=t&mended=false&subject=p-1&code=missing&field=at&from={}", "2020-01-01T00:00:00Z");
    assert_eq!(stage.get(&before).await["total"], 1);
    let record = stage.world.give(BASE, vec![mending(refused)]).first;
    let taken = |name: &str| mending(MendingOutcome::Taken { name: name.into(), rev: 2 });
    stage.world.give(BASE, vec![taken("a1"), taken("a2")]);
    let one = stage.get(&format!("/v1/dead-letters/{first}")).await;
    assert_eq!((one["tries"].as_u64(), one["reading"].as_u64(), one["raw"].as_str()), (Some(3), Some(record), Some("{}")));
    let told: Vec<_> = (0..3).map(|i| (one["history"][i]["outcome"].as_str(), one["history"][i]["id"].as_str())).collect();
    assert_eq!(
        told,
        [(Some("refused"), None), (Some("taken"), Some("a1")), (Some("taken"), Some("a2"))],
        "the first reading counts"
    );
    assert_eq!((&one["history"][0]["message"], &one["history"][1]["offset"]), (&"still".into(), &record.into()));
    assert_eq!(stage.get(&before).await["total"], 0);
    let left = stage.get("/v1/dead-letters?mended=false").await;
    assert_eq!((left["total"].as_u64(), &left["dead_letters"][0]["sender"]), (Some(1), &"u".into()));
    for path in ["/v1/dead-letters/0", "/v1/dead-letters/x", "/v1/dead-letters/-1"] {
        let none = stage.ask(Some("root"), Method::GET, path, &[]).await;
        assert_eq!((none.status.as_u16(), none.body["code"].as_str()), (404, Some("unknown_letter")), "{path}");
    }
}

#[tokio::test]
async fn every_door_asks_who_is_there() {
    let stage = stage().await;
    let one = format!("/v1/recommendations/{}", low());
    let reads = [
        "/v1/subjects",
        "/v1/subjects/p-1/summary",
        "/v1/subjects/p-1/timeline",
        "/v1/subjects/p-1/readings",
        "/v1/subjects/p-1/readings/mood-1",
        "/v1/subjects/p-1/recommendations",
        "/v1/subjects/p-1/profile",
        "/v1/recommendations",
        &one,
        "/v1/dead-letters",
        "/v1/dead-letters/1",
        "/v1/stream",
        "/v1/stream?subject=p-1",
    ];
    for path in reads {
        let nobody = stage.ask(None, Method::GET, path, &[]).await;
        assert_eq!((nobody.status.as_u16(), nobody.body["code"].as_str()), (401, Some("unauthenticated")), "{path}");
        assert_eq!(nobody.headers["content-type"], "application/problem+json");
        let stranger = stage.ask(Some("stranger"), Method::GET, path, &[]).await;
        // Of a recommendation not even its existence is told.
        let expected = if path == one { 404 } else { 403 };
        assert_eq!(stranger.status.as_u16(), expected, "{path}");
    }
    for action in ["acknowledge", "dismiss"] {
        let path = format!("{one}/{action}");
        assert_eq!(stage.ask(None, Method::POST, &path, &[]).await.status, 401);
        assert_eq!(stage.ask(Some("stranger"), Method::POST, &path, &[]).await.status, 404);
        assert_eq!(stage.ask(Some("see-p-1"), Method::POST, &path, &[]).await.status, 403, "who may only read does not answer");
    }
    let seen = stage.ask(Some("see-p-1"), Method::GET, "/v1/subjects", &[]).await.body;
    assert_eq!(
        (seen["total"].as_u64(), seen["subjects"][0]["subject"].as_str()),
        (Some(1), Some("p-1")),
        "others are not even counted"
    );
    assert_eq!(stage.ask(Some("see-p-1"), Method::GET, "/v1/subjects/p-2/summary", &[]).await.status, 403);
    assert_eq!(
        stage.ask(Some("see-p-1"), Method::GET, "/v1/subjects/p-3/summary", &[]).await.status,
        403,
        "the same for one that is not there"
    );
}

#[tokio::test]
async fn what_cannot_be_understood_is_refused_with_field_and_remedy() {
    let stage = stage().await;
    let cases = [
        ("/v1/subjects/p-9/summary", 404, "unknown_subject"),
        ("/v1/subjects/p-9/timeline", 404, "unknown_subject"),
        ("/v1/subjects/p-9/recommendations", 404, "unknown_subject"),
        ("/v1/subjects/p%2F..%2F9/summary", 400, "invalid_subject"),
        ("/v1/subjects/.hidden/summary", 400, "invalid_subject"),
        ("/v1/subjects/p-1/readings/none", 404, "unknown_reading"),
        ("/v1/subjects/p-1/readings/a%0d%0ab", 400, "invalid_id"),
        ("/v1/subjects/p-1/readings?stream=nope", 400, "unknown_stream"),
        ("/v1/subjects/p-1/readings?limit=0", 400, "out_of_range"),
        ("/v1/subjects/p-1/readings?limit=-1", 400, "malformed"),
        ("/v1/subjects/p-1/readings?from=2026-11-20T08:00:00", 400, "malformed"),
        ("/v1/subjects/p-1/readings?after=x.y.z", 400, "malformed"),
        ("/v1/subjects/p-1/readings?colour=red", 400, "malformed"),
        ("/v1/subjects/p-1/timeline?from=2026-11-20T08:00:00Z&to=2026-11-20T08:00:00Z", 400, "out_of_range"),
        ("/v1/subjects/p-1/timeline?from=1900-01-01T00:00:00Z&to=2026-11-20T08:00:00Z", 400, "out_of_range"),
        ("/v1/recommendations/xyz", 404, "unknown_recommendation"),
        ("/v1/recommendations?state=half", 400, "malformed"),
        ("/v1/recommendations?severity=grim", 400, "malformed"),
        ("/v1/recommendations?after=1", 400, "malformed"),
        ("/v1/stream?after=yesterday", 400, "malformed"),
    ];
    for (path, status, code) in cases {
        let answer = stage.ask(Some("root"), Method::GET, path, &[]).await;
        assert_eq!((answer.status.as_u16(), answer.body["code"].as_str()), (status, Some(code)), "{path}: {}", answer.body);
        assert_eq!(answer.headers["content-type"], "application/problem+json", "{path}");
        assert!(answer.body["remedy"].as_str().is_some_and(|r| !r.is_empty()), "{path}");
    }
    let bad = stage.ask(Some("root"), Method::GET, "/v1/subjects", &[("vitalog-position", "soon")]).await;
    assert_eq!((bad.status.as_u16(), bad.body["field"].as_str()), (400, Some("Vitalog-Position")));
}

#[tokio::test]
async fn a_read_waits_for_the_position_it_asks_for() {
    let stage = stage().await;
    let next = stage.world.records().len() as u64;
    let late = stage.world.clone();
    let writer = tokio::spawn(async move {
        tokio::time::sleep(std::time::Duration::from_millis(300)).await;
        late.give(BASE + Span::minutes(125), vec![glucose_of("p-2", BASE + Span::minutes(125), "99")]);
    });
    let position = (next + 1).to_string();
    let answer =
        stage.ask(Some("root"), Method::GET, "/v1/subjects/p-2/readings?limit=1", &[("vitalog-position", &position)]).await;
    writer.await.expect("it wrote");
    assert_eq!(answer.body["readings"][0]["value"], "99 mg/dL", "it saw the write");
    let never = (next + 100).to_string();
    let answer = stage.ask(Some("root"), Method::GET, "/v1/subjects/p-2/readings", &[("vitalog-position", &never)]).await;
    assert_eq!((answer.status.as_u16(), answer.body["code"].as_str()), (503, Some("not_yet_visible")));
    assert!(answer.headers.contains_key("retry-after"));
}
