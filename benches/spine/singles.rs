//! One reading a request, durably, from sixty-four connections that each wait for their answer: what group commit is for.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use vitalog_elog::Time;

use crate::many;
use crate::postgres::Postgres;
use crate::server::Server;

const CONNECTIONS: i64 = 64;
const REQUESTS: i64 = 5_000;
/// Of each connection, as a phone's or a gateway's would be of one or of a ward.
const SUBJECTS: i64 = 50;
/// A stall is told of where answers took longer.
const LONG: Duration = Duration::from_millis(30);

pub fn run() {
    let data = tempfile::tempdir().expect("a folder");
    let server = Server::start(data.path(), &[]);
    // What is made once for a subject, its key among it, is made before.
    send(&server.host, SUBJECTS);
    let before = server.cpu_seconds();
    let began = Instant::now();
    let mut answers = send(&server.host, REQUESTS);
    let took = began.elapsed().as_secs_f64();
    let stalls = stalls(&mut answers);
    let mut waits: Vec<Duration> = answers.into_iter().map(|(_, wait)| wait).collect();
    waits.sort_unstable();
    let at = |share: usize| waits[(waits.len() * share / 1_000).min(waits.len() - 1)].as_secs_f64() * 1e3;
    println!("single readings, {CONNECTIONS} connections: {} requests, {:.0} requests/s", waits.len(), waits.len() as f64 / took);
    println!(
        "  from request to receipt: p50 {:.1} ms, p99 {:.1} ms, p99.9 {:.1} ms, max {:.1} ms; server used {:.1} CPU s",
        at(500),
        at(990),
        at(999),
        at(1_000),
        server.cpu_seconds() - before
    );
    println!("  stalls, in which answers took more than {} ms: {stalls}", LONG.as_millis());
    server.stop();
}

/// When answers took long, how long the longest of them, and how many they were.
fn stalls(answers: &mut [(Instant, Duration)]) -> String {
    answers.sort_unstable();
    let begun = answers.first().map_or_else(Instant::now, |(at, wait)| *at - *wait);
    let long: Vec<_> = answers.iter().filter(|(_, wait)| *wait > LONG).collect();
    let each = long.chunk_by(|(before, _), (after, _)| after.duration_since(*before) < LONG).map(|stall| {
        let worst = stall.iter().map(|(_, wait)| *wait).max().unwrap_or_default();
        format!(
            "{} of {:.0} ms at {:.1} s",
            stall.len(),
            worst.as_secs_f64() * 1e3,
            stall[0].0.duration_since(begun).as_secs_f64()
        )
    });
    each.collect::<Vec<_>>().join(", ")
}

/// The same, kept by PostgreSQL.
pub fn beside(postgres: &Postgres) {
    postgres.singles(CONNECTIONS, REQUESTS);
}

/// Each connection sends so many readings of its subjects in turn, each of the moment at which it is sent; when each receipt came, and the wait for it.
fn send(host: &str, requests: i64) -> Vec<(Instant, Duration)> {
    let body = |connection: i64, n: i64| {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_micros() as i64;
        let (subject, turn) = (n % SUBJECTS, n / SUBJECTS);
        let value = 100 + (subject * 7 + turn) % 60;
        format!(r#"{{"subject":"single-{connection}-{subject}","stream":"bg","at":"{}","value":{value}}}"#, Time(now))
    };
    let check = |answer: &str| assert!(answer.starts_with("HTTP/1.1 200 ") && answer.contains("\"accepted\":1"), "{answer}");
    many::send(host, "/v1/readings", CONNECTIONS, requests, body, check)
}
