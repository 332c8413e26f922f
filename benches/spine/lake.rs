//! Bytes per reading in the lake, on continuous glucose with meals, doses, pressure and devices; beside the bytes that were sent.

use std::path::Path;

use crate::client::Client;
use crate::population::{Tempo, batch};
use crate::server::Server;

const BATCHES: u64 = 500;
const LINES: u64 = 1_000;

pub fn run() {
    let data = tempfile::tempdir().expect("a folder");
    let server = Server::start(data.path(), &[]);
    let mut client = Client::connect(&server.host);
    let mut sent = 0;
    for number in 0..BATCHES {
        let body = batch(Tempo::HISTORY, 0, number, LINES);
        sent += body.len();
        let (status, answer) = client.post("/v1/readings?receipts=summary", "application/x-ndjson", &body);
        assert_eq!(status, 200, "{answer}");
    }
    drop(client);
    server.stop();
    let readings = BATCHES * LINES;
    let stored = bytes_of(&data.path().join("lake/readings"), "parquet");
    println!(
        "lake: {:.1} bytes per reading in `readings` ({readings} readings; {:.1} were sent)",
        stored as f64 / readings as f64,
        sent as f64 / readings as f64
    );
}

fn bytes_of(folder: &Path, ending: &str) -> u64 {
    let entries = std::fs::read_dir(folder).expect("the table's folder").map_while(Result::ok);
    let sizes = entries.map(|entry| {
        let path = entry.path();
        if path.is_dir() {
            return bytes_of(&path, ending);
        }
        let counts = path.extension().is_some_and(|e| e == ending);
        if counts { entry.metadata().map_or(0, |m| m.len()) } else { 0 }
    });
    sizes.sum()
}
