//! Durable ingest over HTTP: NDJSON batches of 1,000 from four connections, with the shipped rules and the lake running.

use std::time::Instant;

use crate::client::Client;
use crate::population::batch;
use crate::server::Server;

const CONNECTIONS: u64 = 4;
const BATCHES: u64 = 250;
const LINES: u64 = 1_000;

pub fn run() {
    let bodies: Vec<Vec<Vec<u8>>> =
        (0..CONNECTIONS).map(|part| (0..BATCHES).map(|number| batch(part, number, LINES)).collect()).collect();
    let readings = CONNECTIONS * BATCHES * LINES;

    let folder = tempfile::tempdir().expect("a folder");
    let bound = crate::bound::start(std::fs::File::create(folder.path().join("bound")).expect("a file"));
    let took = send(&bound, &bodies, |_| {});
    println!("bound (append, sync, answer): {:.0} readings/s", readings as f64 / took);

    let data = tempfile::tempdir().expect("a folder");
    let server = Server::start(data.path(), &[]);
    let took = send(&server.host, &bodies, |answer| {
        assert!(answer.contains("\"rejected\":0"), "{answer}");
    });
    let cpu = server.cpu_seconds();
    println!("durable ingest: {readings} readings, {:.0} readings/s acknowledged", readings as f64 / took);
    let began = Instant::now();
    let (status, count) =
        Client::connect(&server.host).post("/v1/sql", "application/json", br#"{"sql":"select count(*) as n from readings"}"#);
    assert_eq!(status, 200, "{count}");
    println!(
        "  all in SQL {:.2} s after the last acknowledgement ({}); server used {cpu:.1} CPU s, peak {} MB",
        began.elapsed().as_secs_f64(),
        count.trim(),
        server.peak_mb()
    );
    server.stop();
}

/// Sends each connection's bodies in order; the seconds until all are acknowledged.
fn send(host: &str, bodies: &[Vec<Vec<u8>>], check: impl Fn(&str) + Sync) -> f64 {
    let began = Instant::now();
    let check = &check;
    std::thread::scope(|scope| {
        for part in bodies {
            scope.spawn(move || {
                let mut client = Client::connect(host);
                for body in part {
                    let (status, answer) = client.post("/v1/readings?receipts=summary", "application/x-ndjson", body);
                    assert_eq!(status, 200, "{answer}");
                    check(&answer);
                }
            });
        }
    });
    began.elapsed().as_secs_f64()
}
