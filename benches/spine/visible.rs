//! How long until SQL sees what was accepted, while many others send: live readings of 20,000 subjects by four connections, rules, views and lake running. Nobody is told of findings,
//! since a population that lives hours in a minute has more of them than people could be told.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use crate::client::Client;
use crate::latency::quantiles;
use crate::population::{SUBJECTS, Tempo};
use crate::server::Server;

const TRIALS: u64 = 300;
/// Other readings per second meanwhile, if nobody says how many (`--rate=N`).
const RATE: u64 = 50_000;
const SENDERS: u64 = 4;
/// Populations that take turns on each connection.
const PARTS: u64 = 10;
/// Bodies on each connection, a second.
const BODIES_PER_SECOND: u64 = 10;
/// So long there are readings whose time has come.
const LONGEST_SECONDS: u64 = 120;

pub fn run() {
    let given = std::env::args().find_map(|a| a.strip_prefix("--rate=").map(|n| n.parse().expect("a whole number")));
    let rate: u64 = given.unwrap_or(RATE);
    let folder = tempfile::tempdir().expect("a folder");
    let server = Server::start(&folder.path().join("data"), &[]);
    let (stop, sent) = (AtomicBool::new(false), AtomicU64::new(0));
    std::thread::scope(|scope| {
        for sender in 0..SENDERS {
            let (server, stop, sent) = (&server, &stop, &sent);
            scope.spawn(move || {
                let mut client = Client::connect(&server.host);
                let lines = rate / SENDERS / BODIES_PER_SECOND;
                let tempo = Tempo::live(rate / SENDERS * LONGEST_SECONDS / PARTS / SUBJECTS);
                let (mut number, begun) = (0, Instant::now());
                while !stop.load(Ordering::Acquire) {
                    let part = 7 + sender * PARTS + number % PARTS;
                    let body = crate::population::batch(tempo, part, number / PARTS, lines);
                    let (status, answer) = client.post("/v1/readings?receipts=summary", "application/x-ndjson", &body);
                    assert_eq!(status, 200, "{answer}");
                    sent.fetch_add(lines, Ordering::Relaxed);
                    number += 1;
                    // Not so long after the last, but at its own time: whoever was held up catches up.
                    std::thread::sleep(Duration::from_millis(number * 1_000 / BODIES_PER_SECOND).saturating_sub(begun.elapsed()));
                }
            });
        }
        let mut seen = Vec::new();
        let mut client = Client::connect(&server.host);
        let begun = Instant::now();
        for trial in 0..TRIALS {
            let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("after 1970").as_micros() as i64;
            let body = format!(r#"{{"subject":"visible-{trial}","stream":"bg","at":"{}","value":100}}"#, vitalog_elog::Time(now));
            let (status, answer) = client.post("/v1/readings", "application/json", body.as_bytes());
            let accepted = Instant::now();
            assert_eq!(status, 200, "{answer}");
            let sql = format!(r#"{{"sql":"select count(*) as n from bg where subject = 'visible-{trial}'"}}"#);
            loop {
                let (status, answer) = client.post("/v1/sql", "application/json", sql.as_bytes());
                assert_eq!(status, 200, "{answer}");
                if answer.contains(":1") {
                    break;
                }
            }
            seen.push(accepted.elapsed());
            // Spread over a while, so that landings come in between.
            std::thread::sleep(Duration::from_millis(100));
        }
        let had = sent.load(Ordering::Relaxed) as f64 / begun.elapsed().as_secs_f64();
        stop.store(true, Ordering::Release);
        println!("meanwhile: {had:.0} readings a second of {rate} that were wanted");
        println!("acceptance to SQL (the query included): {}", quantiles(&mut seen));
    });
    println!("{:.1} CPU s, {} MB at the peak", server.cpu_seconds(), server.peak_mb());
    server.stop();
}
