//! Durable ingest over HTTP: NDJSON batches of 1,000 from four connections, with the shipped rules and the lake running.

use std::time::Instant;

use crate::client::Client;
use crate::population::{SUBJECTS, Tempo, batch};
use crate::postgres::Postgres;
use crate::server::Server;

const CONNECTIONS: u64 = 4;
const BATCHES: u64 = 250;
const LINES: u64 = 1_000;
const READINGS: u64 = CONNECTIONS * BATCHES * LINES;

pub fn run() {
    let of_each = BATCHES * LINES / SUBJECTS;
    let folder = tempfile::tempdir().expect("a folder");
    let bound = crate::bound::start(std::fs::File::create(folder.path().join("bound")).expect("a file"));
    let took = send(&bound, &bodies(Tempo::HISTORY), |_| {});
    println!("bound (append, sync, answer): {:.0} readings/s", READINGS as f64 / took);
    measure("live (a reading every 2 s of each subject, up to now)", Tempo::live(of_each));
    measure("history (a reading every 5 min of each subject, months ago)", Tempo::HISTORY);
}

/// The same, kept by PostgreSQL.
pub fn beside(postgres: &Postgres) {
    postgres.copies(Tempo::live(BATCHES * LINES / SUBJECTS), CONNECTIONS, BATCHES, LINES);
}

fn bodies(tempo: Tempo) -> Vec<Vec<Vec<u8>>> {
    let of = |part| (0..BATCHES).map(|number| batch(tempo, part, number, LINES)).collect();
    (0..CONNECTIONS).map(of).collect()
}

fn measure(what: &str, tempo: Tempo) {
    let data = tempfile::tempdir().expect("a folder");
    let server = Server::start(data.path(), &[]);
    let took = send(&server.host, &bodies(tempo), |answer| {
        assert!(answer.contains("\"rejected\":0"), "{answer}");
    });
    let cpu = server.cpu_seconds();
    println!("durable ingest, {what}: {READINGS} readings, {:.0} readings/s acknowledged", READINGS as f64 / took);
    let began = Instant::now();
    let ask = |sql: &str| {
        let body = format!(r#"{{"sql":"{sql}"}}"#);
        let (status, answer) = Client::connect(&server.host).post("/v1/sql", "application/json", body.as_bytes());
        assert_eq!(status, 200, "{answer}");
        answer
    };
    let all = format!("[{{\"n\":{READINGS}}}]");
    while ask("select count(*) as n from readings where stream <> 'contact'").trim() != all {}
    println!(
        "  all in SQL {:.2} s after the last acknowledgement; server used {cpu:.1} CPU s, peak {} MB",
        began.elapsed().as_secs_f64(),
        server.peak_mb()
    );
    println!("  changes of findings meanwhile: {}", ask("select count(*) as n from matches").trim());
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
