//! How long the language server takes over a file of 2,000 lines: each request two hundred times, each time after an edit. And how long all shipped rules take to
//! compile, their tests read.
//!
//! `cargo run --release -p vitalog-rules --example server_rate`. The aim: 50 ms per answer, and 50 ms for the shipped rules.

#![allow(clippy::disallowed_methods, reason = "it measures")]

#[path = "shared/clock.rs"]
mod clock;

use std::time::Duration;

use clock::Clock;
use serde_json::{Value, json};
use vitalog_cep::plan::Library;
use vitalog_rules::server::Server;
use vitalog_rules::{Source, compile, packs};

const URI: &str = "file:///rules/large.rules";
const LINES: usize = 2_000;
const ROUNDS: usize = 200;

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

fn show(what: &str, mut took: Vec<Duration>) {
    took.sort_unstable();
    let at = |percent: usize| took[(took.len() - 1) * percent / 100].as_secs_f64() * 1e3;
    println!("{what:<20} p50 {:>6.2} ms   p99 {:>6.2} ms   max {:>6.2} ms", at(50), at(99), at(100));
}

/// All shipped files, given as a user would give them, so that their tests and warnings are theirs.
fn shipped() {
    let files: Vec<Source> = packs::ALL.iter().map(|p| Source::new(&format!("{}.rules", p.name), p.text)).collect();
    let lines: usize = packs::ALL.iter().map(|p| p.text.lines().count()).sum();
    let (mut took, mut counts) = (Vec::new(), (0, 0));
    for _ in 0..ROUNDS {
        let began = Clock::now();
        let compiled = compile(&files, &Library::default());
        took.push(began.elapsed());
        counts = (compiled.library.map_or(0, |l| l.rules.len()), compiled.tests.len());
    }
    println!("the shipped rules: {} rules and {} tests in {lines} lines", counts.0, counts.1);
    show("compile", took);
}

fn main() {
    shipped();
    let mut server = Server::new();
    server.handle(&json!({"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": {"capabilities": {}}}));
    let text = text();
    let document = json!({"uri": URI, "languageId": "rules", "version": 1, "text": text});
    let began = Clock::now();
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
    let mut figures: Vec<Vec<Duration>> = vec![Vec::new(); requests.len()];
    for round in 0..ROUNDS {
        let line = 7 + (round * 19) % (LINES - 20);
        for (request, figure) in requests.iter().zip(&mut figures) {
            let began = Clock::now();
            let out = server.handle(&message(request, line, round));
            let took = began.elapsed();
            assert!(out.iter().all(|m| m.get("id").is_none() || m.get("result").is_some() || *request == "rename"), "{out:?}");
            figure.push(took);
        }
    }
    for (request, figure) in requests.iter().zip(figures) {
        show(request, figure);
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
