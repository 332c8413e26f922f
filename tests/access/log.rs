//! What is shown is in the log first: killed at any moment, the log has at least what was answered.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use serde_json::json;

use super::{LOW, ask, audit, serve, told};

#[test]
fn killed_under_load_the_log_has_all_that_was_shown() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path();
    let tokens: Vec<String> = (0..4).map(|i| told(data, "token", &["add", &format!("reader-{i}")])).collect();
    let mut shown = vec![0_u64; tokens.len()];
    let mut head = None;
    for round in 0..4_u64 {
        let server = serve(data, &[]);
        let sent = ask(&server, &tokens[0], "POST", "/v1/readings", LOW).ok();
        // Before it can be seen, there is nothing to be shown.
        let position = sent.headers["vitalog-position"].to_str().expect("a text").to_owned();
        let over = AtomicBool::new(false);
        let counts: Vec<AtomicU64> = tokens.iter().map(|_| AtomicU64::new(0)).collect();
        std::thread::scope(|scope| {
            for (token, count) in tokens.iter().zip(&counts) {
                let (server, over, position) = (&server, &over, &position);
                scope.spawn(move || {
                    let auth = format!("Bearer {token}");
                    while !over.load(Ordering::Relaxed) {
                        let headers = [("authorization", &*auth), ("vitalog-position", position)];
                        match server.try_send("GET", "/v1/subjects/p-1/summary", &headers, "") {
                            Some(answer) if answer.status == 200 => drop(count.fetch_add(1, Ordering::Relaxed)),
                            // The views may be further behind than a request waits for.
                            Some(answer) if answer.status == 503 => {}
                            Some(answer) => panic!("{}", answer.status),
                            None => {}
                        }
                    }
                });
            }
            std::thread::sleep(Duration::from_millis(300 + 170 * round));
            server.kill_now();
            over.store(true, Ordering::Relaxed);
        });
        drop(server);
        for (all, count) in shown.iter_mut().zip(&counts) {
            *all += count.load(Ordering::Relaxed);
        }
        let heads: Vec<String> = head.iter().cloned().collect();
        let args: Vec<&str> = std::iter::once("--subject=p-1").chain(heads.iter().flat_map(|h| ["--head", h.as_str()])).collect();
        let (status, about, summary) = audit(data, &args);
        assert_eq!((status, &summary["sound"], &summary["confirmed"]), (Some(0), &json!(true), &json!(heads.len())), "{summary}");
        for (i, shown) in shown.iter().enumerate() {
            let logged = about.iter().filter(|line| {
                line["entry"]["who"] == format!("reader-{i}") && line["entry"]["door"] == "GET /v1/subjects/{subject}/summary"
            });
            let logged = logged.count() as u64;
            assert!(logged >= *shown && *shown > 0, "reader-{i}: {shown} were shown, and {logged} are in the log");
        }
        head = summary["head"].as_str().map(str::to_owned);
    }
}

#[test]
fn a_server_that_can_keep_no_log_does_not_start() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path();
    told(data, "token", &["add", "root"]);
    std::fs::write(data.join("access"), "no folder").expect("written");
    let mut command = crate::support::server::vitalog();
    command.args(["serve", "--listen", "127.0.0.1:0", "--data"]).arg(data);
    let (status, _, err) = crate::support::server::run(&mut command);
    assert_eq!(status, Some(1), "{err}");
    assert!(err.contains("the access log") && err.contains(&data.join("access").display().to_string()), "{err}");
}
