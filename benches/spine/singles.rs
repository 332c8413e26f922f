//! One reading a request, durably, from sixty-four connections that each wait for their answer: what group commit is for.

use std::time::{Duration, Instant};

use vitalog_elog::Time;

use crate::client::Client;
use crate::postgres::Postgres;
use crate::server::Server;

const CONNECTIONS: i64 = 64;
const REQUESTS: i64 = 3_000;

pub fn run() {
    let data = tempfile::tempdir().expect("a folder");
    let server = Server::start(data.path(), &[]);
    // What is made once, keys among it, is made before.
    send(&server.host, 20, 0);
    let before = server.cpu_seconds();
    let began = Instant::now();
    let mut waits = send(&server.host, REQUESTS, 20);
    let took = began.elapsed().as_secs_f64();
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
    server.stop();
}

/// The same, kept by PostgreSQL.
pub fn beside(postgres: &Postgres) {
    postgres.singles(CONNECTIONS, REQUESTS);
}

/// Each connection sends so many readings of its own subject, five seconds apart up to now; the wait for each receipt.
fn send(host: &str, requests: i64, from: i64) -> Vec<Duration> {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("after 1970").as_micros() as i64;
    let of = |connection: i64| {
        let mut client = Client::connect(host);
        let wait = |n: i64| {
            let at = Time(now - (REQUESTS + 20 - from - n) * 5_000_000);
            let body = format!(r#"{{"subject":"single-{connection}","stream":"bg","at":"{at}","value":{}}}"#, 100 + (n * 7) % 60);
            let sent = Instant::now();
            let (status, answer) = client.post("/v1/readings", "application/json", body.as_bytes());
            assert!(status == 200 && answer.contains("\"accepted\":1"), "{answer}");
            sent.elapsed()
        };
        (0..requests).map(wait).collect::<Vec<_>>()
    };
    std::thread::scope(|scope| {
        let of = &of;
        let all: Vec<_> = (0..CONNECTIONS).map(|connection| scope.spawn(move || of(connection))).collect();
        all.into_iter().flat_map(|thread| thread.join().expect("it sends")).collect()
    })
}
