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

/// What else must stand then, though the overview may show something graver of the same person first.
const STANDING: [(&str, &str); 2] = [("low glucose", "below 70 mg/dl since"), ("low glucose after exercise", "after exercise")];

/// What must be among the recommendations of the overview: title, and words of the advice. The bundled days are moved so that at the start one person is
/// below 54 mg/dL, two below 70 mg/dL, and others had much after a meal.
const RECOGNISED: [(&str, &str); 3] = [
    ("very low glucose", "dangerously low. take 15 g of fast carbohydrate"),
    ("very low soon", "it may be below 55 mg/dl within 20 minutes"),
    ("high after a meal", "of carb"),
];

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
    for (title, advice) in RECOGNISED {
        assert!(list.contains(title) && list.contains(advice), "no {title:?} with {advice:?}: {list}");
    }
    let subjects = server.get("/v1/subjects").ok().json();
    let all = subjects["subjects"].as_array().expect("subjects").iter().flat_map(|s| s["standing"].as_array().expect("a list"));
    let said = |r: &Value, name: &str| r[name].as_str().expect("text").to_lowercase();
    let standing: Vec<(String, String)> = all.map(|r| (said(r, "title"), said(r, "text"))).collect();
    for (title, advice) in STANDING {
        assert!(standing.iter().any(|(t, text)| t == title && text.contains(advice)), "no {title:?}: {standing:?}");
    }
    assert!(began.elapsed() < Duration::from_secs(60), "it took {:?}", began.elapsed());

    let subject = browser.script("return document.querySelector('[data-subject]').dataset.subject");
    let subject = subject.as_str().unwrap().to_owned();
    browser.go(&format!("{}/subjects/{subject}", server.url));
    browser.wait("the chart", 20, "return document.querySelector('svg, canvas') !== null");
    browser.wait("recommendations in the list", 20, "return document.querySelectorAll('.rec').length > 0");
    assert_eq!(browser.complaints(), Vec::<String>::new(), "the page complained");
    drop(browser);
    what_is_said_is_so(&server);
    assert_eq!(server.stop(), Some(0), "it ends cleanly");
}

/// The readings behind each low are as low as it says, and nothing was concluded from half of the history.
fn what_is_said_is_so(server: &Server) {
    let mut lows = 0;
    for subject in server.get("/v1/subjects").ok().json()["subjects"].as_array().expect("subjects") {
        let subject = subject["subject"].as_str().expect("a name");
        for r in server.recommendations(subject) {
            // Silences of a sensor that came back since may have been taken back; what rests on values may not.
            assert!(r["state"] != "rescinded" || r["by_clock"] == true, "said of the history, and taken back: {r}");
            let below = match r["rule"].as_str() {
                Some("very_low_glucose") => 54.0,
                Some("low_glucose") => 70.0,
                _ => continue,
            };
            for id in r["evidence"].as_array().expect("readings").iter().take(10) {
                let path = format!("/v1/subjects/{subject}/readings/{}", id.as_str().expect("an id"));
                let reading = server.get(&path).ok().json();
                assert!(mg_dl(&reading["current"]["value"]) < below, "{r}: {reading}");
                lows += 1;
            }
        }
    }
    assert!(lows > 50, "few lows were looked at: {lows}");
}

fn mg_dl(sent: &Value) -> f64 {
    let (number, unit) = sent.as_str().and_then(|s| s.split_once(' ')).unwrap_or_else(|| panic!("no quantity: {sent}"));
    number.parse::<f64>().expect("a number") * if unit == "mmol/L" { 18.016 } else { 1.0 }
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
    // By keyboard alone: to the reading of 60 mg/dL, into its panel, and a better value.
    browser.script("document.querySelector('#chart').focus()");
    browser.keys(Browser::END);
    for _ in 0..2 {
        browser.keys(Browser::LEFT);
    }
    browser.keys(Browser::ENTER);
    browser.wait("the reading's panel", 20, "return /60/.test(document.querySelector('#panel').innerText)");
    for button in ["Correct…", "Save"] {
        let focused = format!("return document.activeElement.innerText.trim() === '{button}'");
        if button == "Save" {
            browser.keys(&format!("{}a{}101", Browser::CONTROL, Browser::CONTROL));
        }
        for _ in 0..20 {
            if browser.script(&focused) == Value::Bool(true) {
                break;
            }
            browser.keys(Browser::TAB);
        }
        assert_eq!(browser.script(&focused), Value::Bool(true), "{button} can't be reached by Tab");
        browser.keys(Browser::ENTER);
        let now = if button == "Save" {
            "return /101/.test(document.querySelector('#panel').innerText)"
        } else {
            "return document.activeElement.tagName === 'INPUT'"
        };
        browser.wait("what the button does", 20, now);
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
