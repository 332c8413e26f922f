//! The identity of a rule: unmoved by looks, moved by every change of meaning.

use vitalog_cep::plan::Library;
use vitalog_rules::{Source, compile};

use crate::support::{library, rule};

fn meaning(clauses: &str) -> u64 {
    rule(clauses).meaning
}

const EPISODE: &str = "    when bg.value < profile.bg_low for 15 min gap 20 min until bg.value > 80 mg/dL for 10 min\n    where onset > now - 1 d\n    say \"low {bg.value}\"\n    notify urgent\n    cite \"c\"";
const MATCH: &str = "    match carbs as meal where meal.amount > 30 g then bg{2} in a row as high where high.value > 10 mmol/L without exercise where exercise.intensity > light within 2 h\n    let b = last(bg.value over 30 min before meal)\n    where high.value - b > 3 mmol/L";

const TOLD: &str =
    "    when bg.value < 54 mg/dL\n    say to caretaker \"low {bg.value}\"\n    say to neighbour \"low\"\n    notify urgent";

#[test]
fn looks_do_not_matter() {
    let same = [
        (
            TOLD.to_owned(),
            TOLD.replace("say to neighbour \"low\"", "").replace("say to care", "say to neighbour \"low\" say to care"),
        ),
        (EPISODE.to_owned(), EPISODE.replace("    ", "\n\n\t").replace("for 15 min", "// comment\nfor 15 min")),
        (EPISODE.to_owned(), EPISODE.replace("15 min", "900 s").replace("80 mg/dL", "80.0 mg/dL")),
        (MATCH.to_owned(), MATCH.replace("meal", "dinner")),
        (MATCH.to_owned(), MATCH.replace("let b", "let base").replace("- b >", "- base >")),
        (MATCH.to_owned(), MATCH.replace("high.value > 10 mmol/L", "(each.value > 10.0 mmol/L)")),
        (EPISODE.to_owned(), format!("{EPISODE}\n    shadow")),
        ("    when no bg or bp for 6 h".to_owned(), "    when no bp or bg for 360 min".to_owned()),
    ];
    for (a, b) in same {
        assert_eq!(meaning(&a), meaning(&b), "{a}\n---\n{b}");
    }
}

#[test]
fn every_change_of_meaning_matters() {
    let edits = [
        (EPISODE, "bg.value < profile", "bg.value <= profile"),
        (EPISODE, "profile.bg_low", "profile.bg_very_low"),
        (EPISODE, "for 15 min", "for 16 min"),
        (EPISODE, " gap 20 min", ""),
        (EPISODE, "80 mg/dL", "81 mg/dL"),
        (EPISODE, "for 10 min", "for 11 min"),
        (EPISODE, "    where onset > now - 1 d\n", ""),
        (EPISODE, "low {bg.value}", "low {bg.value}!"),
        (EPISODE, "notify urgent", "say to caretaker \"\" notify urgent"),
        (TOLD, "say to caretaker", "say to on_call"),
        (TOLD, "{bg.value}", "{now}"),
        (EPISODE, "notify urgent", "notify routine"),
        (EPISODE, "cite \"c\"", "cite \"d\""),
        (EPISODE, "cite \"c\"", "cite \"c\" at most once per 1 d"),
        (EPISODE, "cite \"c\"", "cite \"c\" stale after 2 d"),
        (MATCH, "30 g", "31 g"),
        (MATCH, "{2}", "{3}"),
        (MATCH, " in a row", ""),
        (MATCH, "without exercise", "without activity"),
        (MATCH, "exercise.intensity > light", "exercise.intensity >= light"),
        (MATCH, "within 2 h", "within 3 h"),
        (MATCH, "last(bg", "first(bg"),
        (MATCH, "over 30 min", "over 31 min"),
        (MATCH, " before meal", ""),
        (MATCH, "carbs as meal where meal.amount", "carbs as meal where meal.protein"),
    ];
    for (text, from, to) in edits {
        let changed = text
            .replace(from, to)
            .replace("intensity > light", if to == "without activity" { "active > 1 min" } else { "intensity > light" });
        let changed =
            if to == "without activity" { changed.replace("where exercise.active", "where activity.active") } else { changed };
        assert_ne!(text, changed);
        assert_ne!(meaning(text), meaning(&changed), "{from} -> {to}");
    }
    assert_ne!(meaning("    when no bg for 6 h"), meaning("    when no bp for 6 h"));
}

/// A backtest begins with an empty schema, a server with one that has grown: the rule is the same.
#[test]
fn places_do_not_matter() {
    let text = "stream a { x glucose in mg/dL  y glucose in mg/dL }\nprofile { p glucose in mg/dL default 70 mg/dL }\nrule r { severity info when a.y > profile.p and count(a over 1 h where a.x > 3 mg/dL) > 1 }";
    let prior = library("stream z { t text }\nstream a { y glucose in mg/dL }\nprofile { q bool }");
    let fresh = library(text);
    let grown = compile(&[Source::new("t.rules", text)], &prior).library.expect("compiles");
    assert_ne!(fresh.rules[0].kind, grown.rules[0].kind, "the places differ");
    assert_eq!(fresh.rules[0].meaning, grown.rules[0].meaning);
}

#[test]
fn another_default_is_another_meaning() {
    let text = |v: &str| {
        format!(
            "stream a {{ x glucose in mg/dL }}\nprofile {{ p glucose in mg/dL default {v} mg/dL }}\nrule r {{ severity info when a.x > profile.p }}"
        )
    };
    assert_ne!(library(&text("70")).rules[0].meaning, library(&text("71")).rules[0].meaning);
}

/// The number is journaled with every finding, so it is the same on every machine and in every release; a change of the writing bumps its
/// version on purpose.
#[test]
fn the_number_is_stable() {
    let library: Library = library("stream a { x glucose in mg/dL }\nrule r { severity info when a.x > 3 mg/dL for 5 min }");
    expect_test::expect!["9def7c151d2d1179"].assert_eq(&format!("{:016x}", library.rules[0].meaning));
}

#[test]
fn a_trial_is_said_once_and_anywhere() {
    assert!(!rule("    when bg.value < 54 mg/dL").shadow);
    for clauses in [
        "    shadow when bg.value < 54 mg/dL",
        "    when bg.value < 54 mg/dL shadow notify urgent",
        "    when no bg for 6 h\n    shadow",
    ] {
        assert!(rule(clauses).shadow, "{clauses}");
    }
    let twice = "use health\nrule r { severity info when bg.value < 54 mg/dL shadow shadow }";
    let said = compile(&[Source::new("a.rules", twice)], &Library::default());
    assert!(said.library.is_none());
    assert_eq!(said.diagnostics[0].message, "`shadow` is said twice");
}
