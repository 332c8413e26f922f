//! The first command of the README, seen as a newcomer sees it: in a real browser, within a minute.

use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::support::browser::Browser;
use crate::support::server::{Server, vitalog};

fn demo(data: &std::path::Path) -> Server {
    let mut command = vitalog();
    command.args(["demo", "--listen", "127.0.0.1:0", "--data"]).arg(data);
    Server::spawn(command)
}

/// Rules whose wording a clinician knows; the bundled days hold each of these at least once.
const RECOGNISED: [&str; 2] = ["very low glucose", "fast carbohydrate"];

#[test]
fn a_minute_after_its_start_the_page_shows_recommendations() {
    let Some(browser) = Browser::open(1440, 900) else { return };
    let data = tempfile::tempdir().unwrap();
    let began = Instant::now();
    let server = demo(data.path());
    browser.go(&server.url);
    browser.wait("subjects on the overview", 60, "return document.querySelectorAll('[data-subject]').length >= 3");
    let text = browser.script("return document.body.innerText");
    let text = text.as_str().unwrap().to_lowercase();
    assert!(text.contains("not a medical device"), "the notice is missing");
    let list = browser.script("return document.querySelector('#list').innerText");
    let list = list.as_str().unwrap().to_lowercase();
    for word in RECOGNISED {
        assert!(list.contains(word), "no recommendation about {word:?} that a clinician would recognise: {list}");
    }
    assert!(began.elapsed() < Duration::from_secs(60), "it took {:?}", began.elapsed());

    let subject = browser.script("return document.querySelector('[data-subject]').dataset.subject");
    let subject = subject.as_str().unwrap().to_owned();
    browser.go(&format!("{}/subjects/{subject}", server.url));
    browser.wait("the chart", 20, "return document.querySelector('svg, canvas') !== null");
    browser.wait("recommendations in the list", 20, "return document.querySelectorAll('.rec').length > 0");
    assert_eq!(browser.complaints(), Vec::<String>::new(), "the page complained");
    drop(browser);
    assert_eq!(server.stop(), Some(0), "it ends cleanly");
}

#[test]
fn a_correction_on_the_page_takes_a_recommendation_back() {
    let Some(browser) = Browser::open(375, 812) else { return };
    let data = tempfile::tempdir().unwrap();
    let server = Server::start(data.path(), &[]);
    let minute = |m: i64| {
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs() as i64;
        vitalog_elog::Time((now - 3_600 + m * 60) * 1_000_000).to_string()
    };
    let lines: String = [(0, 110), (5, 66), (10, 62), (15, 60), (20, 58), (25, 61)]
        .iter()
        .map(|(m, v)| {
            format!("{{\"id\":\"m{m}\",\"subject\":\"p-1\",\"stream\":\"bg\",\"at\":\"{}\",\"value\":{v}}}\n", minute(*m))
        })
        .collect();
    server.readings(&lines).ok();
    browser.go(&format!("{}/subjects/p-1", server.url));
    browser.wait("the low", 20, "return [...document.querySelectorAll('.rec')].some(e => /low/i.test(e.innerText))");
    for m in [15, 20] {
        let body = format!("{{\"stream\":\"bg\",\"at\":\"{}\",\"value\":101,\"rev\":2}}", minute(m));
        let path = format!("/v1/subjects/p-1/readings/m{m}");
        server.try_send("PUT", &path, &[("content-type", "application/json")], body).unwrap().ok();
    }
    browser.wait(
        "the low shown as taken back, without a reload",
        20,
        "return [...document.querySelectorAll('.rec')].some(e => /low/i.test(e.innerText) && /taken back/i.test(e.innerText))",
    );
    assert_eq!(browser.complaints(), Vec::<String>::new(), "the page complained");
}

#[test]
fn interrupting_the_demo_ends_it_cleanly() {
    let data = tempfile::tempdir().unwrap();
    let mut command = vitalog();
    command.args(["demo", "--listen", "127.0.0.1:0", "--data"]).arg(data.path());
    let server = Server::spawn(command);
    let subjects: Value = server.get("/v1/subjects").ok().json();
    assert!(subjects["subjects"].as_array().is_some_and(|s| !s.is_empty()), "{subjects}");
    let id = server.id().to_string();
    Command::new("kill").args(["-INT", &id]).status().unwrap();
    assert_eq!(server.wait(), Some(0));
}
