//! The long figure of the language: what no input may do. A million byte strings and a hundred thousand mutated rule files go through all that reads rule files: the
//! compiler with its diagnostics, the formatter, colours, and the language server. None may panic, take more than a second, or make the process larger than
//! 256 MB.
//!
//! `cargo run --release -p vitalog-rules --example hostile`. `VITALOG_CASES` is the number of byte strings (a tenth of it that of files), `VITALOG_SEED` the seed.

#![allow(clippy::disallowed_methods, reason = "it measures, and is told by its environment how much to try")]

use std::process::ExitCode;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use vitalog_cep::plan::Library;
use vitalog_rules::format::format;
use vitalog_rules::highlight::highlight;
use vitalog_rules::server::Server;
use vitalog_rules::{Source, compile, packs};

const LONGEST: Duration = Duration::from_secs(1);
const MOST_KIB: u64 = 256 << 10;

/// A small generator of numbers (splitmix64): the same seed gives the same inputs on every machine.
struct Chance(u64);

impl Chance {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, n: usize) -> usize {
        usize::try_from(self.next() % n.max(1) as u64).unwrap_or(0)
    }
}

/// Bytes: anything, or letters and signs of the language, or its words.
fn bytes(chance: &mut Chance, words: &[&str]) -> Vec<u8> {
    const SIGNS: &[u8] = b"{}()\".,<>=+-*/%| \n0123456789abcxyz_:\\\xc2\xb5";
    let length = chance.below(400);
    match chance.below(3) {
        0 => (0..length).map(|_| chance.next().to_le_bytes()[0]).collect(),
        1 => (0..length).map(|_| SIGNS[chance.below(SIGNS.len())]).collect(),
        _ => {
            let mut out = Vec::new();
            while out.len() < length {
                out.extend_from_slice(words[chance.below(words.len())].as_bytes());
                out.push(b" \n"[chance.below(2)]);
            }
            out
        }
    }
}

/// A file with a few of its words cut, doubled, swapped or put elsewhere, and a few of its bytes changed.
fn mutated(chance: &mut Chance, file: &str, words: &[&str]) -> Vec<u8> {
    let mut parts: Vec<String> = file.split_inclusive([' ', '\n']).map(str::to_owned).collect();
    for _ in 0..1 + chance.below(12) {
        let at = chance.below(parts.len());
        match chance.below(5) {
            0 => drop(parts.remove(at)),
            1 => parts.insert(at, parts[at].clone()),
            2 => {
                let other = chance.below(parts.len());
                parts.swap(at, other);
            }
            3 => parts.insert(at, format!("{} ", words[chance.below(words.len())])),
            _ => parts.truncate(at.max(1)),
        }
        if parts.is_empty() {
            parts.push(String::new());
        }
    }
    let mut out = parts.concat().into_bytes();
    for _ in 0..chance.below(4) {
        let at = chance.below(out.len());
        if let Some(byte) = out.get_mut(at) {
            *byte = chance.next().to_le_bytes()[0];
        }
    }
    out
}

/// Sends an input through everything; gives the longest that a part took.
fn survive(input: &[u8], server: &mut Server, line: usize) -> Duration {
    let mut longest = Duration::ZERO;
    let mut timed = |what: &mut dyn FnMut()| {
        let began = Instant::now();
        what();
        longest = longest.max(began.elapsed());
    };
    let source = Source::from_bytes("any.rules", input);
    timed(&mut || {
        let compiled = compile(std::slice::from_ref(&source), &Library::default());
        assert_eq!(compiled.library.is_none(), compiled.has_errors());
        assert!(!compiled.render(true).contains('\0'));
        compiled.diagnostics.iter().for_each(|d| drop(d.to_json(&compiled.sources)));
    });
    timed(&mut || {
        let once = format(&source.text);
        assert_eq!(format(&once), once, "formatting twice differs from formatting once");
    });
    timed(&mut || drop(highlight(&source.text)));
    let change = json!({"jsonrpc": "2.0", "method": "textDocument/didChange", "params": {
        "textDocument": {"uri": "file:///any.rules", "version": 1}, "contentChanges": [{"text": &*source.text}]}});
    timed(&mut || drop(server.handle(&change)));
    for method in ["completion", "hover", "rename", "documentSymbol"] {
        let at = json!({"line": line, "character": line % 60});
        let request = json!({"jsonrpc": "2.0", "id": 1, "method": format!("textDocument/{method}"),
            "params": {"textDocument": {"uri": "file:///any.rules"}, "position": at, "newName": "another"}});
        timed(&mut || drop(server.handle(&request)));
    }
    longest
}

/// The largest that this process ever was, where the system tells.
fn peak_kib() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    status.lines().find_map(|l| l.strip_prefix("VmHWM:"))?.split_whitespace().next()?.parse().ok()
}

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

fn main() -> ExitCode {
    let cases = number("VITALOG_CASES").unwrap_or(20_000);
    let seed = number("VITALOG_SEED").unwrap_or(1);
    let mut chance = Chance(seed);
    let files: Vec<&str> = packs::ALL.iter().map(|p| p.text).chain([include_str!("../tests/cases/language.rules")]).collect();
    let mut words: Vec<&str> = files.iter().flat_map(|f| f.split_whitespace()).collect();
    words.sort_unstable();
    words.dedup();
    let mut server = Server::new();
    let start: Value = json!({"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": {"capabilities": {}}});
    server.handle(&start);
    let document = json!({"uri": "file:///any.rules", "version": 0, "text": ""});
    server.handle(&json!({"jsonrpc": "2.0", "method": "textDocument/didOpen", "params": {"textDocument": document}}));
    let mut longest = Duration::ZERO;
    for kind in ["byte strings", "mutated files"] {
        let count = if kind == "byte strings" { cases } else { cases / 10 };
        let (mut slowest, began) = (Duration::ZERO, Instant::now());
        for _ in 0..count {
            let input = match kind {
                "byte strings" => bytes(&mut chance, &words),
                _ => {
                    let file = files[chance.below(files.len())];
                    mutated(&mut chance, file, &words)
                }
            };
            let line = chance.below(80);
            slowest = slowest.max(survive(&input, &mut server, line));
        }
        println!(
            "{count} {kind} of seed {seed} in {:.0} s: no panic; the slowest part took {:.1} ms",
            began.elapsed().as_secs_f64(),
            slowest.as_secs_f64() * 1e3
        );
        longest = longest.max(slowest);
    }
    let peak = peak_kib();
    println!("peak memory {}", peak.map_or("not told by this system".to_owned(), |kib| format!("{} MiB", kib >> 10)));
    if longest > LONGEST || peak.is_some_and(|kib| kib > MOST_KIB) {
        eprintln!("more than a second, or more than 256 MB");
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}
