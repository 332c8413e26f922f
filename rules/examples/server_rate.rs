//! How long the language server takes over a file of 2,000 lines: each request a hundred times after an edit, the slowest named.
//!
//! `cargo run --release -p vitalog-rules --example server_rate`. The aim: 50 ms per answer.

#![allow(clippy::disallowed_methods, reason = "it measures")]

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use vitalog_rules::packs;
use vitalog_rules::server::Server;

const URI: &str = "file:///rules/large.rules";
const LINES: usize = 2_000;
const ROUNDS: usize = 100;

/// Rules and tests of the shipped packs, again and again under other names.
fn text() -> String {
    let glucose = packs::get("glucose").map_or("", |p| p.text).replace("use health", "");
    let names: Vec<&str> =
        glucose.lines().filter_map(|line| line.strip_prefix("rule ")).filter_map(|rest| rest.split_whitespace().next()).collect();
    let mut out = String::from("use health\n");
    let mut copy = 0;
    while out.lines().count() < LINES {
        let mut text = glucose.clone();
        for name in &names {
            text = text
                .replace(&format!(" {name} "), &format!(" {name}_{copy} "))
                .replace(&format!(" {name}\n"), &format!(" {name}_{copy}\n"));
        }
        out.push_str(&text);
        copy += 1;
    }
    out.lines().take(LINES).map(|l| format!("{l}\n")).collect()
}

struct Slowest {
    total: Duration,
    most: Duration,
}

fn main() {
    let mut server = Server::new();
    server.handle(&json!({"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": {"capabilities": {}}}));
    let text = text();
    let document = json!({"uri": URI, "languageId": "rules", "version": 1, "text": text});
    let began = Instant::now();
    server.handle(&json!({"jsonrpc": "2.0", "method": "textDocument/didOpen", "params": {"textDocument": document}}));
    println!("{} lines, {} KiB; opened in {:.1} ms", text.lines().count(), text.len() >> 10, began.elapsed().as_secs_f64() * 1e3);
    let requests = [
        "didChange",
        "hover",
        "completion",
        "definition",
        "references",
        "rename",
        "formatting",
        "codeAction",
        "documentSymbol",
        "semanticTokens/full",
    ];
    let mut figures: Vec<Slowest> = requests.iter().map(|_| Slowest { total: Duration::ZERO, most: Duration::ZERO }).collect();
    for round in 0..ROUNDS {
        let line = 7 + (round * 19) % (LINES - 20);
        for (request, figure) in requests.iter().zip(&mut figures) {
            let began = Instant::now();
            let out = server.handle(&message(request, line, round));
            let took = began.elapsed();
            assert!(out.iter().all(|m| m.get("id").is_none() || m.get("result").is_some() || *request == "rename"), "{out:?}");
            figure.total += took;
            figure.most = figure.most.max(took);
        }
    }
    for (request, figure) in requests.iter().zip(&figures) {
        let ms = |d: Duration| d.as_secs_f64() * 1e3;
        let mean = figure.total / u32::try_from(ROUNDS).unwrap_or(1);
        println!("{request:<20} mean {:>6.2} ms, slowest {:>6.2} ms", ms(mean), ms(figure.most));
    }
}

fn message(request: &str, line: usize, round: usize) -> Value {
    let at = json!({"line": line, "character": 12});
    let range = json!({"start": {"line": line, "character": 0}, "end": {"line": line + 1, "character": 0}});
    let mut params = json!({"textDocument": {"uri": URI, "version": round + 2}, "position": at, "range": range, "context": {}, "newName": "another_name"});
    if request == "didChange" {
        // A letter is typed, and taken back in the next round.
        let typed = if round.is_multiple_of(2) { (0, "x") } else { (1, "") };
        let place = json!({"start": {"line": 1, "character": 0}, "end": {"line": 1, "character": typed.0}});
        params["contentChanges"] = json!([{"range": place, "text": typed.1}]);
        return json!({"jsonrpc": "2.0", "method": "textDocument/didChange", "params": params});
    }
    json!({"jsonrpc": "2.0", "id": round, "method": format!("textDocument/{request}"), "params": params})
}
