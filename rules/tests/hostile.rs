//! Any bytes give plans or diagnostics: never a panic, a hang, or an exhausted stack.

use std::time::{Duration, Instant};

use proptest::prelude::*;
use vitalog_cep::plan::Library;
use vitalog_rules::{Code, Source, compile, packs};

use crate::support::{compiled, with_health};

/// Compiles, renders and serialises whatever it is given, and checks what must hold for all of it.
fn survive(text: &str) {
    let compiled = compile(&[Source::new("any.rules", text)], &Library::default());
    assert_eq!(compiled.library.is_none(), compiled.has_errors());
    for d in compiled.diagnostics.iter().take(20) {
        for colour in [false, true] {
            let shown = d.render(&compiled.sources, colour);
            assert!(shown.chars().all(|c| c == '\n' || (colour && c == '\x1b') || !c.is_control()), "{shown:?}");
        }
        assert!(!d.to_json(&compiled.sources).contains('\n'));
        for label in &d.labels {
            let text = &compiled.sources.get(label.loc.file).text;
            assert!(label.loc.start <= label.loc.end && label.loc.end as usize <= text.len(), "{d:?}");
            assert!(text.is_char_boundary(label.loc.start as usize) && text.is_char_boundary(label.loc.end as usize), "{d:?}");
        }
        assert!(!d.message.is_empty() && !d.message.contains('\n'));
    }
}

fn codes(text: &str) -> Vec<&'static str> {
    compiled(text).diagnostics.iter().map(|d| d.code.0).collect()
}

/// One error, quickly, from a whole heap of the same.
fn refused_quickly(text: &str, code: Code, at_most: usize) {
    let start = Instant::now();
    let found = codes(text);
    assert!(found.contains(&code.0), "{found:?}");
    assert!(found.len() <= at_most, "{} diagnostics: {:?}", found.len(), &found[..10]);
    assert!(start.elapsed() < Duration::from_secs(10), "took {:?}", start.elapsed());
}

#[test]
fn a_hundred_thousand_brackets_are_one_error() {
    for open in ["(", "not ", "-", "- (", "not (", "count(bg over 1 h where "] {
        let text = with_health(&format!("    when {}", open.repeat(1_000_000 / open.len().max(10))));
        refused_quickly(&text, Code::TOO_DEEP, 4);
    }
    for open in ["{", "x in (", ", "] {
        refused_quickly(&with_health(&format!("    when {}", open.repeat(100_000))), Code::EXPECTED, 4);
    }
    refused_quickly(&"{".repeat(100_000), Code::UNKNOWN_CLAUSE, 4);
    refused_quickly(&"}".repeat(100_000), Code::UNKNOWN_CLAUSE, 4);
}

#[test]
fn a_hundred_thousand_operators_are_one_error() {
    for op in [" + ", " - ", " * ", " / "] {
        let chain = vec!["bg.value"; 50_000].join(op);
        refused_quickly(&with_health(&format!("    when {chain} > 3 mg/dL")), Code::TOO_DEEP, 4);
    }
}

#[test]
fn long_lists_of_conditions_compile() {
    let many = |word: &str| vec!["bg.value < 54 mg/dL"; 2_000].join(word);
    for word in [" and ", " or "] {
        assert_eq!(codes(&with_health(&format!("    when {}", many(word)))), Vec::<&str>::new());
    }
}

#[test]
fn a_megabyte_on_a_line_is_shown_in_part() {
    let text = with_health(&format!("    say \"{}\" when bg.value < 3 mmHg", "x".repeat(1_000_000)));
    let compiled = compiled(&text);
    let shown = compiled.render(false);
    assert!(compiled.has_errors());
    assert!(shown.len() < 5_000, "{} bytes", shown.len());
}

#[test]
fn limits_on_files_and_diagnostics() {
    assert_eq!(codes(&" ".repeat((1 << 20) + 1)), ["E0004"]);
    let errors = codes(&with_health(&"    when bg.value < 3 mmHg\n".repeat(5_000)));
    assert!(errors.len() <= 200, "{}", errors.len());
    assert!(errors.iter().all(|c| c.starts_with('E')));
    let steps = vec!["bg"; 33].join(" then ");
    assert_eq!(codes(&with_health(&format!("    match {steps} within 1 d"))), ["E0403"]);
}

#[test]
fn windows_of_nothing_and_of_ages_are_refused() {
    for span in [
        "0 min",
        "0.0001 ms",
        "-5 min",
        "1000000000 d",
        "99999999999999999999 h",
        "365000000000 d",
        "1e300 h",
        "1e18 ms",
        "11 years",
    ] {
        let found = codes(&with_health(&format!("    when avg(bg.value over {span}) > 10 mmol/L")));
        assert!(found.iter().all(|c| ["E0310", "E0304"].contains(c)) && !found.is_empty(), "{span}: {found:?}");
        let found = codes(&with_health(&format!("    when bg.value > 10 mmol/L for {span}")));
        assert!(!found.is_empty(), "{span}");
    }
}

#[test]
fn lets_that_double_do_not_explode() {
    let mut text = String::from("    let a0 = bg.value\n");
    for i in 1..200 {
        text.push_str(&format!("    let a{i} = a{} + a{}\n", i - 1, i - 1));
    }
    text.push_str("    when a199 > 3 mg/dL");
    assert_eq!(codes(&with_health(&text)), Vec::<&str>::new());
    let powers = text.replace(" + ", " * ");
    assert!(codes(&with_health(&powers)).contains(&"E0309"));
}

#[test]
fn ten_thousand_rules_compile() {
    let mut text = String::from("use health\n");
    for i in 0..10_000 {
        text.push_str(&format!("rule r{i} {{ severity info when bg.value > {} mg/dL }}\n", 100 + i % 300));
    }
    let start = Instant::now();
    let compiled = compiled(&text);
    assert_eq!(compiled.library.map(|l| l.rules.len()), Some(10_000), "{:?}", compiled.diagnostics.first());
    assert!(start.elapsed() < Duration::from_secs(20), "took {:?}", start.elapsed());
}

#[test]
fn bytes_that_are_no_text_are_said_to_be() {
    let compiled = compile(&[Source::from_bytes("x.rules", b"use health \xff\xfe rule")], &Library::default());
    assert!(compiled.diagnostics.iter().any(|d| d.code == Code::ENCODING));
}

/// How many of each: `VITALOG_FUZZ` for a long run.
pub fn cases() -> u32 {
    std::env::var("VITALOG_FUZZ").ok().and_then(|n| n.parse().ok()).unwrap_or(96)
}

/// Words, signs and numbers of the language, so that what is made of them gets beyond the lexer.
pub fn scraps() -> impl Strategy<Value = String> {
    const WORDS: &[&str] = &[
        "use",
        "health",
        "stream",
        "interval",
        "profile",
        "rule",
        "test",
        "policy",
        "{",
        "}",
        "(",
        ")",
        "\"",
        "\"t {bg.value} {\"",
        "when",
        "for",
        "gap",
        "until",
        "or",
        "no",
        "and",
        "not",
        "at",
        "each",
        "most",
        "once",
        "per",
        "match",
        "then",
        "without",
        "within",
        "where",
        "let",
        "=",
        "say",
        "notify",
        "cite",
        "severity",
        "warning",
        "urgent",
        ",",
        ".",
        "..",
        "{3}",
        "in a row",
        "as",
        "x",
        "y",
        "bg",
        "bg.value",
        "bp.systolic",
        "carbs.amount",
        "sleep",
        "exercise.intensity",
        "moderate",
        "profile.bg_low",
        "now",
        "onset",
        "is known",
        "between",
        "in",
        "count",
        "avg(bg.value over 3 h)",
        "last(",
        "over",
        "before",
        "15 min",
        "0 h",
        "70 mg/dL",
        "5 mmol/L",
        "3",
        "%",
        "-",
        "+",
        "*",
        "/",
        "<",
        ">",
        "<=",
        "!=",
        "|",
        "02:15",
        "day 2 03:00",
        "expect",
        "amend",
        "remove",
        "set",
        "to",
        "from",
        "default",
        "optional",
        "usually",
        "text",
        "bool",
        "glucose in mg/dL",
        "every",
        "silent after",
        "stale after",
        "\n",
        "// c",
        "/// d\n",
        "é",
        "µg",
        "\u{202e}",
        "\u{0}",
        "2026-01-05T00:00:00Z",
        "r",
        "each.x",
        "age(x)",
        "slope(",
        "previous.x",
        "9999999999999999999",
        "1e400",
    ];
    prop::collection::vec(prop::sample::select(WORDS), 0..120).prop_map(|words| words.join(" "))
}

/// A shipped file with a few bytes cut, doubled or changed.
pub fn mutated() -> impl Strategy<Value = String> {
    let texts: Vec<&'static str> = packs::ALL.iter().map(|p| p.text).chain([include_str!("cases/language.rules")]).collect();
    let edit = (any::<prop::sample::Index>(), 0..30_usize, 0..4_u8, any::<char>());
    (prop::sample::select(texts), prop::collection::vec(edit, 1..8)).prop_map(|(text, edits)| {
        let mut chars: Vec<char> = text.chars().collect();
        for (at, length, how, c) in edits {
            if chars.is_empty() {
                break;
            }
            let at = at.index(chars.len());
            let end = (at + length).min(chars.len());
            match how {
                0 => drop(chars.drain(at..end)),
                1 => chars.insert(at, c),
                2 => {
                    let copy: Vec<char> = chars[at..end].to_vec();
                    chars.splice(at..at, copy);
                }
                _ => chars.truncate(at),
            }
        }
        chars.into_iter().collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(), failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn random_bytes(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        survive(&String::from_utf8_lossy(&bytes));
    }

    #[test]
    fn random_text(text in "\\PC{0,300}") {
        survive(&text);
    }

    #[test]
    fn random_scraps(text in scraps()) {
        survive(&text);
    }

    #[test]
    fn random_clauses(text in scraps()) {
        survive(&with_health(&text));
    }

    #[test]
    fn mutated_files(text in mutated()) {
        survive(&text);
    }

    #[test]
    fn the_same_text_gives_the_same(text in scraps()) {
        let (a, b) = (compiled(&with_health(&text)), compiled(&with_health(&text)));
        prop_assert_eq!(a.diagnostics, b.diagnostics);
        prop_assert_eq!(a.library, b.library);
        prop_assert_eq!(a.tests, b.tests);
    }
}
