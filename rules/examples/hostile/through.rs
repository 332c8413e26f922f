//! Everything that reads rule files, as an input passes through it: the compiler with its diagnostics, explanations, the formatter, colours, and the language
//! server with every request, at places of chance.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use vitalog_cep::plan::Library;
use vitalog_rules::explain::explain;
use vitalog_rules::format::format;
use vitalog_rules::highlight::highlight;
use vitalog_rules::server::Server;
use vitalog_rules::{Source, compile};

use crate::clock::Clock;
use crate::inputs::Chance;

const URI: &str = "file:///any.rules";

/// The parts an input passes, by the names they are told under.
pub const PARTS: [&str; 18] = [
    "compile and render",
    "explain",
    "format",
    "highlight",
    "didChange (whole)",
    "didChange (range)",
    "completion",
    "hover",
    "definition",
    "references",
    "documentHighlight",
    "prepareRename",
    "rename",
    "codeAction",
    "documentSymbol",
    "semanticTokens/full",
    "formatting",
    "none",
];

/// Where the work stands, for whoever watches it from beside.
#[derive(Debug, Default)]
pub struct Progress {
    /// The input's number, and microseconds from the beginning at which its part began.
    pub number: AtomicU64,
    pub began: AtomicU64,
    pub part: AtomicUsize,
}

pub struct Through<'p> {
    server: Server,
    progress: &'p Progress,
    epoch: Instant,
    /// The longest that each part took of the processor, with the number of the input.
    pub longest: Vec<(Duration, u64)>,
}

impl<'p> Through<'p> {
    pub fn new(progress: &'p Progress, epoch: Instant) -> Through<'p> {
        let mut server = Server::new();
        server.handle(&json!({"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": {"capabilities": {}}}));
        let document = json!({"uri": URI, "version": 0, "text": ""});
        server.handle(&json!({"jsonrpc": "2.0", "method": "textDocument/didOpen", "params": {"textDocument": document}}));
        Through { server, progress, epoch, longest: vec![(Duration::ZERO, 0); PARTS.len()] }
    }

    /// Sends an input through everything.
    pub fn pass(&mut self, number: u64, input: &[u8], chance: &mut Chance) {
        self.progress.number.store(number, Ordering::Relaxed);
        let source = Source::from_bytes("any.rules", input);
        let rules = self.timed(0, |_| {
            let compiled = compile(std::slice::from_ref(&source), &Library::default());
            assert_eq!(compiled.library.is_none(), compiled.has_errors());
            assert!(!compiled.render(true).contains('\0'));
            compiled.diagnostics.iter().for_each(|d| drop(d.to_json(&compiled.sources)));
            compiled.library.map(|l| l.rules).unwrap_or_default()
        });
        if !rules.is_empty() {
            let name = rules[chance.below(rules.len())].name.clone();
            self.timed(1, |_| {
                assert!(explain(std::slice::from_ref(&source), &name).is_ok(), "`{name}` compiles and is not explained")
            });
        }
        self.timed(2, |_| {
            let once = format(&source.text);
            assert_eq!(format(&once), once, "formatting twice differs from formatting once");
        });
        self.timed(3, |_| drop(highlight(&source.text)));
        self.edited(&source.text, chance);
    }

    /// The same in the language server: all of the text, then a piece of it, then every request somewhere.
    fn edited(&mut self, text: &str, chance: &mut Chance) {
        let document = json!({"uri": URI, "version": 1});
        let change = |content: Value| json!({"jsonrpc": "2.0", "method": "textDocument/didChange", "params": {"textDocument": document, "contentChanges": [content]}});
        let whole = change(json!({"text": text}));
        self.timed(4, |server| drop(server.handle(&whole)));
        let (from, to) = (place(text, chance), place(text, chance));
        let piece = change(json!({"range": {"start": from, "end": to}, "text": (["", "x", "}", "\"", "\n"])[chance.below(5)]}));
        self.timed(5, |server| drop(server.handle(&piece)));
        for (part, method) in PARTS.iter().enumerate().take(PARTS.len() - 1).skip(6) {
            let at = place(text, chance);
            let request = json!({"jsonrpc": "2.0", "id": 1, "method": format!("textDocument/{method}"), "params": {
                "textDocument": {"uri": URI}, "position": at, "range": {"start": at, "end": place(text, chance)}, "context": {}, "newName": "another"}});
            self.timed(part, |server| drop(server.handle(&request)));
        }
    }

    fn timed<T>(&mut self, part: usize, what: impl FnOnce(&mut Server) -> T) -> T {
        let since = |i: Duration| u64::try_from(i.as_micros()).unwrap_or(u64::MAX);
        self.progress.part.store(part, Ordering::Relaxed);
        self.progress.began.store(since(self.epoch.elapsed()), Ordering::Relaxed);
        let began = Clock::now();
        let out = what(&mut self.server);
        let took = began.elapsed();
        self.progress.part.store(PARTS.len() - 1, Ordering::Relaxed);
        if took > self.longest[part].0 {
            self.longest[part] = (took, self.progress.number.load(Ordering::Relaxed));
        }
        out
    }
}

/// A line and column, now and then beyond the end.
fn place(text: &str, chance: &mut Chance) -> Value {
    let line = chance.below(text.lines().count() + 2);
    let width = text.lines().nth(line).map_or(0, |l| l.chars().count());
    json!({"line": line, "character": chance.below(width + 3)})
}
