//! From acceptance to a person: a reading that opens a finding, until its webhook arrives, and until SQL sees it.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use crate::client::Client;
use crate::population::Tempo;
use crate::server::Server;

const TRIALS: u64 = 300;
/// Other readings per second meanwhile.
const BACKGROUND_PER_SECOND: u64 = 5_000;

pub fn run() {
    let folder = tempfile::tempdir().expect("a folder");
    let (host, arrivals) = receiver();
    let config = folder.path().join("webhooks.json");
    let endpoint = format!(
        r#"{{"settle_s":0,"endpoints":[{{"name":"bench","url":"http://{host}/","secrets":["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"],"allow_loopback":true,"min_severity":"info"}}]}}"#
    );
    std::fs::write(&config, endpoint).expect("a file");
    let server = Server::start(&folder.path().join("data"), &["--webhooks", config.to_str().expect("a path")]);
    let background = server.host.clone();
    let stop = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let mut client = Client::connect(&background);
            let mut number = 0;
            while !stop.load(std::sync::atomic::Ordering::Acquire) {
                let began = Instant::now();
                let body = crate::population::batch(Tempo::HISTORY, 7, number, BACKGROUND_PER_SECOND / 10);
                client.post("/v1/readings?receipts=summary", "application/x-ndjson", &body);
                number += 1;
                std::thread::sleep(Duration::from_millis(100).saturating_sub(began.elapsed()));
            }
        });
        let (mut told, mut seen) = (Vec::new(), Vec::new());
        let mut client = Client::connect(&server.host);
        for trial in 0..TRIALS {
            let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("after 1970").as_micros() as i64;
            let subject = format!("latency-{trial}");
            // A glucose below 54 mg/dL opens a finding at once.
            let body = format!(r#"{{"subject":"{subject}","stream":"bg","at":"{}","value":45}}"#, vitalog_elog::Time(now));
            let (status, answer) = client.post("/v1/readings", "application/json", body.as_bytes());
            let accepted = Instant::now();
            assert_eq!(status, 200, "{answer}");
            let sql = format!(r#"{{"sql":"select count(*) as n from bg where subject = '{subject}'"}}"#);
            loop {
                let (status, answer) = client.post("/v1/sql", "application/json", sql.as_bytes());
                assert_eq!(status, 200, "{answer}");
                if answer.contains(":1") {
                    break;
                }
            }
            seen.push(accepted.elapsed());
            told.push(wait_for(&arrivals, &subject).saturating_duration_since(accepted));
        }
        stop.store(true, std::sync::atomic::Ordering::Release);
        println!("acceptance to webhook: {}", quantiles(&mut told));
        println!("acceptance to SQL (the query included): {}", quantiles(&mut seen));
    });
    server.stop();
}

fn wait_for(arrivals: &Receiver<(Instant, String)>, subject: &str) -> Instant {
    loop {
        let (at, body) = arrivals.recv_timeout(Duration::from_secs(30)).expect("a webhook");
        if body.contains(&format!("\"{subject}\"")) {
            return at;
        }
    }
}

pub fn quantiles(all: &mut [Duration]) -> String {
    all.sort();
    let at = |share: f64| all[((all.len() - 1) as f64 * share).round() as usize];
    format!("p50 {:.1?}, p99 {:.1?}, max {:.1?} over {} trials", at(0.5), at(0.99), at(1.0), all.len())
}

/// Takes webhooks in and says when each came.
fn receiver() -> (String, Receiver<(Instant, String)>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let host = listener.local_addr().expect("an address").to_string();
    let (tell, told) = channel();
    std::thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            let tell = tell.clone();
            std::thread::spawn(move || -> Option<()> {
                let mut reader = BufReader::new(stream);
                loop {
                    let mut length = 0;
                    let mut line = String::new();
                    loop {
                        line.clear();
                        if reader.read_line(&mut line).ok()? == 0 {
                            return None;
                        }
                        if line == "\r\n" {
                            break;
                        }
                        if let Some(n) = line.to_ascii_lowercase().strip_prefix("content-length:") {
                            length = n.trim().parse().ok()?;
                        }
                    }
                    let mut body = vec![0; length];
                    reader.read_exact(&mut body).ok()?;
                    tell.send((Instant::now(), String::from_utf8_lossy(&body).into_owned())).ok()?;
                    reader.get_mut().write_all(b"HTTP/1.1 204 No Content\r\n\r\n").ok()?;
                }
            });
        }
    });
    (host, told)
}
