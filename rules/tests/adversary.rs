//! What an adversary would write: each kind of it is a case with the diagnostic that it earns, or compiles; and none of it takes long anywhere that rule files are
//! read: compiler, diagnostics for people and programs, formatter, colours, explanation, language server.
//!
//! How long is told in seconds of an unoptimised build, of the processor where the system tells. What grew with the square of its length would take minutes.

use std::time::Duration;

use serde_json::{Value, json};
use vitalog_cep::plan::Library;
use vitalog_rules::explain::explain;
use vitalog_rules::format::format;
use vitalog_rules::highlight::highlight;
use vitalog_rules::server::Server;
use vitalog_rules::{Source, compile};

use crate::clock::Clock;
use crate::inputs::{Chance, Kind, Matter};
use crate::support::{compiled, with_health};
use crate::through;

const AT_MOST: Duration = Duration::from_secs(if cfg!(debug_assertions) { 12 } else { 2 });

/// Sends a file through everything, each part in time, and gives the codes of what is said of it.
fn everything(what: &str, text: &str) -> Vec<&'static str> {
    let timed = |part: &str, began: Clock| {
        let took = began.elapsed();
        if std::env::var_os("VITALOG_TIMES").is_some() {
            println!("{what:<40} {part:<20} {:>8.1} ms", took.as_secs_f64() * 1e3);
        }
        assert!(took < AT_MOST, "{what}: {part} took {took:?}");
    };
    let began = Clock::now();
    let found = compiled(text);
    timed("compile", began);
    let began = Clock::now();
    let shown = found.render(true);
    assert!(shown.len() < 400_000, "{what}: {} bytes of diagnostics", shown.len());
    found.diagnostics.iter().for_each(|d| drop(d.to_json(&found.sources)));
    timed("render", began);
    let began = Clock::now();
    let once = format(text);
    timed("format", began);
    assert!(format(&once) == once, "{what}: formatting twice differs from formatting once");
    let began = Clock::now();
    drop(highlight(text));
    timed("highlight", began);
    if let Some(rule) = found.library.as_ref().and_then(|l| l.rules.last()) {
        let began = Clock::now();
        let health = Source::new("health.rules", include_str!("fixture/health.rules"));
        assert!(explain(&[Source::new("test.rules", text), health], &rule.name).is_ok(), "{what}: not explained");
        timed("explain", began);
    }
    let mut server = Server::new();
    let mut tell = |method: &str, mut message: Value| {
        let began = Clock::now();
        message["method"] = json!(method);
        drop(server.handle(&message));
        timed(method, began);
    };
    tell("initialize", json!({"id": 0, "params": {"capabilities": {}}}));
    let uri = "file:///rules/test.rules";
    tell("textDocument/didOpen", json!({"params": {"textDocument": {"uri": uri, "version": 1, "text": text}}}));
    let middle = json!({"line": text.lines().count() / 2, "character": text.lines().map(str::len).max().unwrap_or(0) / 2});
    let params = json!({"textDocument": {"uri": uri}, "position": middle, "range": {"start": {"line": 0, "character": 0}, "end": middle},
        "context": {}, "newName": "another"});
    for method in
        ["completion", "hover", "references", "rename", "codeAction", "documentSymbol", "semanticTokens/full", "formatting"]
    {
        tell(&format!("textDocument/{method}"), json!({"id": 1, "params": params}));
    }
    found.diagnostics.iter().map(|d| d.code.0).collect()
}

/// As [`everything`]; of the codes each once.
fn earns(what: &str, text: &str, wanted: &[&str]) {
    let mut codes = everything(what, text);
    codes.sort_unstable();
    codes.dedup();
    assert_eq!(codes, wanted, "{what}");
}

#[test]
fn a_megabyte_on_a_line() {
    let line = |word: &str| word.repeat((1 << 20) / word.len() - 10);
    earns("blanks", &line(" "), &[]);
    earns("one word", &line("a"), &["E0104"]);
    earns("one text", &format!("rule r {{ say \"{}\" }}", "x".repeat(1_000_000)), &["E0108"]);
    earns("one comment", &format!("// {}", line("é")), &[]);
    earns("one number", &with_health(&format!("    when bg.value > {} mg/dL", "9".repeat(1_000_000))), &["E0003"]);
    earns("words", &line("bg "), &["E0104"]);
    earns("signs that are none of ours", &line("§ "), &["E0001"]);
    earns("wide letters", &line("中文 "), &["E0001", "E0104"]);
    let rules: String = (0..12_000).map(|i| format!("rule r{i} {{ severity info when bg.value > 300 mmHg }} ")).collect();
    earns("rules with an error each", &format!("use health {rules}"), &["E0301"]);
    let said: String = (0..20_000).map(|i| format!("when bg.v{i} > 3 é ")).collect();
    assert!(everything("clauses given twice", &with_health(&said)).contains(&"E0001"));
}

#[test]
fn ten_thousand_rules() {
    let rules = |clauses: &dyn Fn(usize) -> String| -> String {
        let each = (0..10_000).map(|i| format!("rule r{i} {{ severity info {} }}\n", clauses(i)));
        std::iter::once("use health\n".to_owned()).chain(each).collect()
    };
    earns("rules", &rules(&|i| format!("when bg.value > {} mg/dL", 100 + i % 300)), &["W0009"]);
    earns(
        "rules that look at the one before",
        &rules(&|i| match i {
            0 => "when bg.value > 300 mg/dL".to_owned(),
            _ => format!("when no r{} for 1 d", i - 1),
        }),
        &[],
    );
    earns("a circle of all rules", &rules(&|i| format!("when no r{} for 1 d", (i + 1) % 10_000)), &["E0404"]);
    earns("rules that look at none there is", &rules(&|i| format!("when no s{i} for 1 d")), &["E0201"]);
    earns("fields that there are not", &rules(&|i| format!("when bg.valu{i} > 3 mg/dL")), &["E0202"]);
    earns("names declared twice", &rules(&|_| "when bg.value > 300 mg/dL".to_owned()).replace("r7", "r8"), &["E0204"]);
    earns("quiet while nobody", &rules(&|i| format!("when bg.value > 300 mg/dL quiet while x{i}")), &["E0209"]);
}

#[test]
fn streams_and_words_without_end() {
    let streams: String =
        (0..4_000).map(|i| format!("stream s{i} {{ a count }}\nrule r{i} {{ severity info when s{i}.b > 3 count }}\n")).collect();
    earns("streams with a wrong field each", &streams, &["E0202"]);
    let words: Vec<String> = (0..256).map(|i| format!("w{i}")).collect();
    let uses: Vec<String> = (0..20_000).map(|i| format!("s.f != x{i}")).collect();
    let text = format!("stream s {{ f {} }}\nrule r {{ severity info when {} }}", words.join(" | "), uses.join(" and "));
    earns("words that an enumeration has not", &text, &["E0207"]);
}

/// The patterns of which a matcher dies: many repeats of the same, with anything between.
#[test]
fn repeats_of_repeats() {
    let refused: &[(&str, &[&str])] = &[
        ("bg{1..} then bg{1..} then bg{1..} within 1 d", &[]),
        ("((bg{2}){10}){10} within 1 d", &[]),
        ("((((bg{10}){10}){10}){10}){10} within 1 d", &["E0403"]),
        ("bg{100000} within 1 d", &["E0402"]),
        ("bg{99999999999999999999} within 1 d", &["E0402"]),
        ("all bg{1..} then bg{1..} within 1 d", &["E0402"]),
        ("bg{0} within 1 d", &["E0402"]),
        ("bg{3..2} within 1 d", &["E0402"]),
        ("bg{2..}", &["E0401"]),
    ];
    for (pattern, wanted) in refused {
        let mut codes = everything(pattern, &with_health(&format!("    match {pattern}")));
        codes.retain(|c| c.starts_with('E'));
        codes.dedup();
        assert_eq!(codes, *wanted, "{pattern}");
    }
}

#[test]
fn letters_that_look_like_others() {
    // A Cyrillic `ѕ`, a Latin script `ɡ`, a division slash, a full-width less-than, a no-break space.
    for (text, wanted) in [
        (with_health("    when bɡ.value < 54 mg/dL"), "E0001"),
        (with_health("    when bg.value < 54 mg∕dL"), "E0001"),
        (with_health("    when bg.value ＜ 54 mg/dL"), "E0001"),
        (with_health("    when\u{a0}bg.value < 54 mg/dL"), "E0001"),
        (with_health("    when bg.value < 54 mg/dL \u{202e}"), "E0001"),
        ("ѕtream bg { value glucose }".to_owned(), "E0001"),
    ] {
        let codes = everything("homoglyphs", &text);
        assert!(codes.contains(&wanted), "{text}: {codes:?}");
    }
}

#[test]
fn texts_that_inject() {
    // A text is shown, never interpreted: what it holds comes out as it went in.
    let text = with_health("    when bg.value < 54 mg/dL\n    say \"<script>alert(1)</script>\\nBcc: a@b.c\"");
    earns("markup and headers", &text, &[]);
    let found = compiled(&text);
    let library = found.library.expect("it compiles");
    assert_eq!(
        format!("{:?}", library.rules.last().map(|r| r.say.clone())),
        r#"Some([Text("<script>alert(1)</script>\nBcc: a@b.c")])"#
    );
    let svg = explain(&[Source::new("a.rules", &text.replace("rule r {", "rule r \"</text><script>&\" {"))], "r")
        .expect("explained")
        .svg;
    assert!(!svg.contains("<script") && svg.contains("&lt;script&gt;&amp;"), "{svg}");
}

#[test]
fn many_files() {
    let files: Vec<Source> =
        (0..10_000).map(|i| Source::new(&format!("f{i}.rules"), &format!("use f{}\n", (i + 1) % 10_000))).collect();
    let began = Clock::now();
    let found = compile(&files, &Library::default());
    assert_eq!(found.diagnostics, []);
    assert!(began.elapsed() < AT_MOST, "{:?}", began.elapsed());
    let files: Vec<Source> = (0..10_000).map(|i| Source::new(&format!("f{i}.rules"), &format!("use g{i}\n"))).collect();
    let began = Clock::now();
    let found = compile(&files, &Library::default());
    assert!(found.diagnostics.iter().all(|d| d.code.0 == "E0205") && found.has_errors());
    assert!(began.elapsed() < AT_MOST, "{:?}", began.elapsed());
}

/// Of the inputs of the long figure (`rules/examples/hostile`) the first few.
#[test]
fn a_sample_of_the_long_figure() {
    let (progress, matter) = (through::Progress::default(), Matter::new());
    let mut through = through::Through::new(&progress, std::time::Instant::now());
    for (kind, count) in [(Kind::Bytes, 400), (Kind::Mutated, 60)] {
        for number in 0..count {
            through.pass(number, &matter.input(1, kind, number), &mut Chance::of(!1, kind, number));
        }
    }
    for (part, (took, number)) in through::PARTS.iter().zip(&through.longest) {
        assert!(*took < AT_MOST, "{part} of input {number} took {took:?}");
    }
}
