//! The live stream: nothing is missed and nothing told twice, however often the line breaks; nobody hears what they may not see.

use std::collections::BTreeSet;
use std::time::Duration;

use futures::StreamExt;
use serde_json::Value as Json;
use vitalog_elog::access::Emergency;
use vitalog_elog::input::{Action, Command, Input};
use vitalog_elog::{Reading, ReadingId, Span, Subject};

use crate::api::{BASE, Stage, glucose_of, stage};

#[derive(Clone, Debug)]
struct Event {
    id: String,
    name: String,
    data: Json,
}

struct Line {
    body: futures::stream::BoxStream<'static, Vec<u8>>,
    text: String,
}

async fn connect(stage: &Stage, who: &str, query: &str, last: Option<&str>) -> Line {
    let mut request = reqwest::Client::new().get(format!("{}/v1/stream{query}", stage.server.url)).header("x-who", who);
    if let Some(last) = last {
        request = request.header("last-event-id", last);
    }
    let response = request.send().await.expect("an answer");
    assert_eq!(response.status(), 200);
    assert_eq!(response.headers()["content-type"], "text/event-stream");
    let body = response.bytes_stream().filter_map(|chunk| async move { chunk.ok().map(|b| b.to_vec()) }).boxed();
    Line { body, text: String::new() }
}

impl Line {
    /// The next event; `None` where none comes within a while.
    async fn next(&mut self) -> Option<Event> {
        loop {
            if let Some(end) = self.text.find("\n\n") {
                let block: String = self.text.drain(..end + 2).collect();
                let field = |name: &str| block.lines().find_map(|l| l.strip_prefix(name)).map(|v| v.trim().to_owned());
                if let Some(data) = field("data:") {
                    return Some(Event {
                        id: field("id:").unwrap_or_default(),
                        name: field("event:").unwrap_or_default(),
                        data: serde_json::from_str(&data).expect("JSON"),
                    });
                }
                continue;
            }
            let chunk = tokio::time::timeout(Duration::from_millis(1500), self.body.next()).await.ok()??;
            self.text.push_str(std::str::from_utf8(&chunk).expect("text"));
        }
    }

    async fn all(&mut self) -> Vec<Event> {
        let mut events = Vec::new();
        while let Some(event) = self.next().await {
            events.push(event);
        }
        events
    }
}

fn names(events: &[Event]) -> Vec<&str> {
    events.iter().map(|e| e.name.as_str()).collect()
}

#[tokio::test]
async fn it_tells_readings_recommendations_and_answers_of_one_subject() {
    let stage = stage().await;
    let mut line = connect(&stage, "root", "?subject=p-1", None).await;
    let later = BASE + Span::minutes(130);
    stage.world.give(later, vec![glucose_of("p-2", later, "140")]);
    stage.world.give(later, vec![glucose_of("p-1", later, "90")]);
    let finding = vitalog_elog::MatchId::new("low_glucose", &Subject::new("p-1"), BASE + Span::minutes(85));
    stage.world.feed(later, Input::Command(Command { finding, action: Action::Acknowledge, by: "nurse".into() }), vec![]);
    let events = line.all().await;
    assert_eq!(names(&events), ["reading", "recommendation", "response"]);
    assert_eq!(events[0].data["point"]["values"][0], 90.0);
    assert_eq!((events[1].data["change"].as_str(), events[1].data["state"].as_str()), (Some("resolved"), Some("resolved")));
    assert_eq!((events[2].data["by"].as_str(), events[2].data["subject"].as_str()), (Some("nurse"), Some("p-1")));
}

#[tokio::test]
async fn a_removal_is_told_without_a_point() {
    let stage = stage().await;
    let mut line = connect(&stage, "root", "?subject=p-1", None).await;
    let removal = Reading::removal(Subject::new("p-1"), "mood-1".into(), 2);
    stage.world.give(BASE + Span::minutes(130), vec![Input::Reading(removal)]);
    let event = line.next().await.expect("an event");
    assert_eq!((event.name.as_str(), event.data["id"].as_str()), ("reading", Some(&*ReadingId::given("mood-1").to_string())));
    assert_eq!(event.data["point"], Json::Null);
}

#[tokio::test]
async fn a_broken_line_is_taken_up_where_it_broke() {
    let stage = stage().await;
    let mut line = connect(&stage, "root", "?subject=p-1", None).await;
    let give = |n: i64| {
        let at = BASE + Span::minutes(200 + n);
        stage.world.give(at, vec![glucose_of("p-1", at, if n % 7 == 0 { "55" } else { "100" })]);
    };
    let mut heard: Vec<String> = Vec::new();
    let mut n = 0;
    for _ in 0..8 {
        for _ in 0..5 {
            n += 1;
            give(n);
        }
        // Some are read, the line breaks, more comes, and then it is taken up again.
        for _ in 0..3 {
            heard.push(line.next().await.expect("an event").id);
        }
        n += 1;
        give(n);
        line = connect(&stage, "root", "?subject=p-1", heard.last().map(String::as_str)).await;
    }
    heard.extend(line.all().await.into_iter().map(|e| e.id));
    let told: BTreeSet<&String> = heard.iter().collect();
    assert_eq!(told.len(), heard.len(), "nothing twice");
    let mut whole = connect(&stage, "root", "?subject=p-1&after=49", None).await;
    let expected: Vec<String> = whole.all().await.into_iter().map(|e| e.id).collect();
    assert_eq!(heard, expected, "nothing missing, and in order");
    assert!(heard.len() >= n as usize);
}

#[tokio::test]
async fn from_the_beginning_it_tells_every_change_there_was() {
    let stage = stage().await;
    let mut line = connect(&stage, "root", "?subject=p-1&after=0", None).await;
    let events = line.all().await;
    assert_eq!(events.iter().filter(|e| e.name == "reading").count(), 25);
    let opened = events.iter().find(|e| e.name == "recommendation").expect("it opened");
    assert_eq!(opened.data["change"], "opened");
}

#[tokio::test]
async fn what_memory_no_longer_has_is_asked_for_anew() {
    let stage = stage().await;
    let folder = tempfile::TempDir::new().expect("a folder");
    // The server was started anew: memory begins where the views are, while the listener remembers an older place.
    let path = folder.path().join("views.sqlite");
    let world = crate::support::world::World::new(&path, crate::support::schema::schema(), Some(crate::support::judge::lows));
    for record in stage.world.records() {
        world.give(record.entry.arrival, vec![record.entry.input.clone()]);
    }
    let restarted = vitalog_dashboards::io::Live::new(vitalog_elog::Position {
        next: stage.world.records().len() as u64,
        ..vitalog_elog::Position::start(crate::support::world::INCARNATION)
    });
    let server = crate::support::server::serve_with(&world, restarted, &path, BASE).await;
    let stage = Stage::of(world, server, folder);
    let mut line = connect(&stage, "root", "?subject=p-1", Some("3.0")).await;
    let events = line.all().await;
    assert!(events.iter().any(|e| e.name == "recommendation"), "changes of findings come from the views");
    assert_eq!(events.last().map(|e| e.name.as_str()), Some("reload"), "and for readings it says so");
    let mut ahead = connect(&stage, "root", "?subject=p-1", Some("99999")).await;
    assert_eq!(names(&ahead.all().await), ["reload"], "a place that is ahead belongs to another journal");
}

#[tokio::test]
async fn nobody_hears_what_they_may_not_see() {
    let stage = stage().await;
    let mut line = connect(&stage, "see-p-1", "", None).await;
    let later = BASE + Span::minutes(130);
    stage.world.give(later, vec![glucose_of("p-2", later, "140"), glucose_of("p-1", later, "61")]);
    let events = line.all().await;
    assert!(!events.is_empty());
    assert!(events.iter().all(|e| e.data["subject"] == "p-1"), "{events:?}");
}

/// Opened so many hours before the server's clock, for an hour.
fn emergency(number: i64, subject: &str, hours_ago: i64) -> Emergency {
    let at = BASE + Span::minutes(120) - Span::hours(hours_ago);
    Emergency {
        number,
        account: "lee".into(),
        subject: Subject::new(subject),
        reason: "unconscious <b>in the ward</b>".to_owned(),
        at,
        until: at + Span::hours(1),
        seen_by: None,
    }
}

/// The numbers in the next event, which tells of emergencies.
async fn opened(line: &mut Line) -> Vec<i64> {
    let event = line.next().await.expect("an event");
    assert_eq!((event.name.as_str(), &event.data["subject"]), ("emergencies", &Json::from("p-1")));
    event.data["emergencies"].as_array().expect("a list").iter().filter_map(|e| e["number"].as_i64()).collect()
}

#[tokio::test]
async fn who_opened_a_subject_lately_is_told_at_the_beginning_and_as_it_happens() {
    let stage = stage().await;
    let world = &stage.world;
    let mut before = connect(&stage, "see-p-1", "?subject=p-1", None).await;
    for (number, hours_ago) in [(1, 7 * 24 + 2), (2, 7 * 24), (3, 0)] {
        world.open(emergency(number, "p-1", hours_ago));
    }
    let mut told = opened(&mut before).await;
    while told != [3, 2] {
        // Of several that come at once the last says all.
        assert!(!told.contains(&1), "it was over for more than a week");
        told = opened(&mut before).await;
    }
    let mut line = connect(&stage, "see-p-1", "?subject=p-1", None).await;
    let event = line.next().await.expect("an event");
    let shown = emergency(3, "p-1", 0);
    let expected = serde_json::json!({
        "number": 3, "account": "lee", "reason": shown.reason, "at": shown.at.to_string(), "until": shown.until.to_string(), "seen_by": null,
    });
    assert_eq!((event.name.as_str(), &event.data["emergencies"][0]), ("emergencies", &expected));
    world.open(emergency(4, "p-2", 0));
    assert!(line.next().await.is_none(), "somebody else's says nothing here");
    world.open(Emergency { seen_by: Some("kim".to_owned()), ..emergency(3, "p-1", 0) });
    assert_eq!(line.next().await.expect("an event").data["emergencies"][0]["seen_by"], "kim");
    // It does not move where the stream is in the journal.
    let later = BASE + Span::minutes(130);
    world.give(later, vec![glucose_of("p-1", later, "90")]);
    assert_eq!(names(&line.all().await), ["reading", "recommendation"]);
}

#[tokio::test]
async fn emergencies_are_told_to_nobody_who_may_not_read_the_subject_and_on_no_stream_of_many() {
    let stage = stage().await;
    let mut many = connect(&stage, "root", "", None).await;
    let mut digest = connect(&stage, "root", "?subject=p-2&digest=true", None).await;
    stage.world.open(emergency(1, "p-2", 0));
    assert!(many.next().await.is_none() && digest.next().await.is_none());
    for who in ["see-p-1", "stranger"] {
        let path = format!("{}/v1/stream?subject=p-2", stage.server.url);
        let refused = reqwest::Client::new().get(path).header("x-who", who).send().await.expect("an answer");
        assert_eq!(refused.status(), 403, "{who}");
        assert!(!refused.text().await.expect("a body").contains("unconscious"), "{who}");
    }
}

#[tokio::test]
async fn a_digest_gathers_who_changed() {
    let stage = stage().await;
    let mut line = connect(&stage, "root", "?digest=true", None).await;
    for step in 0..20 {
        let at = BASE + Span::minutes(130 + step);
        stage.world.give(at, vec![glucose_of("p-2", at, "140"), glucose_of("p-1", at, "61")]);
    }
    let events = line.all().await;
    assert!(events.len() <= 2, "{events:?}");
    assert_eq!(events[0].data["subjects"], serde_json::json!(["p-1", "p-2"]));
    let mut own = connect(&stage, "see-p-1", "?digest=true&after=0", None).await;
    assert_eq!(own.next().await.expect("an event").data["subjects"], serde_json::json!(["p-1"]));
}

#[tokio::test]
async fn closing_ends_the_streams() {
    let stage = stage().await;
    let mut line = connect(&stage, "root", "?subject=p-1", None).await;
    stage.world.live.close();
    let ended = tokio::time::timeout(Duration::from_secs(2), async { while line.body.next().await.is_some() {} }).await;
    assert!(ended.is_ok(), "the stream ended");
}
