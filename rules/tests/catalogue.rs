//! The manual's list of the shipped rules is what is shipped: `docs/packs.md` is held against the packs, and written anew with `UPDATE_EXPECT=1`.
//!
//! What stands between `<!-- rules -->` and `<!-- end -->`, and between `<!-- profile -->` and `<!-- end -->`, follows from the packs. The table of topics is written by hand; it
//! must name every shipped rule, and nothing that is not there.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use vitalog_cep::plan::{Library, Rule};
use vitalog_elog::quantity::format_atoms;
use vitalog_elog::{FieldKind, Value};
use vitalog_rules::{Source, compile, packs};

fn page() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/packs.md")
}

fn library() -> Library {
    let files: Vec<Source> = packs::ALL.iter().map(|p| Source::new(&format!("{}.rules", p.name), p.text)).collect();
    compile(&files, &Library::default()).library.expect("the packs compile")
}

/// Rules as a file declares them: name and documentation, in order.
fn declared(text: &str) -> Vec<(&str, String)> {
    let (mut all, mut doc) = (Vec::new(), String::new());
    for line in text.lines() {
        if let Some(words) = line.strip_prefix("///") {
            doc = format!("{doc} {}", words.trim()).trim().to_owned();
        } else if let Some(rest) = line.strip_prefix("rule ") {
            all.push((rest.split([' ', '{']).next().unwrap_or(rest), std::mem::take(&mut doc)));
        } else if !line.starts_with("//") {
            doc.clear();
        }
    }
    all
}

fn severities(rule: &Rule) -> String {
    let mut all: Vec<&str> = rule.grades.iter().map(|g| g.severity.name()).collect();
    all.dedup();
    all.join(", ")
}

fn rules(library: &Library) -> String {
    let mut out = String::new();
    for pack in packs::ALL {
        let declared = declared(pack.text);
        if declared.is_empty() {
            continue;
        }
        let _ = writeln!(out, "### {}\n\n| rule | what it finds | severity | source |\n|---|---|---|---|", pack.name);
        for (name, doc) in declared {
            let Some(rule) = library.rule(name) else { continue };
            let cite = rule.cite.as_deref().unwrap_or_default();
            let _ = writeln!(out, "| `{name}`: {} | {doc} | {} | {cite} |", rule.title, severities(rule));
        }
        out.push('\n');
    }
    out
}

fn profile(library: &Library) -> String {
    let mut out = String::from("| field | what is set | default | from, to |\n|---|---|---|---|\n");
    for field in &library.profile {
        let shown = |value: &Value| match (value, &field.kind) {
            (Value::Quantity(amount), FieldKind::Quantity(unit)) => format_atoms(i128::from(amount.atoms()), 1, *unit),
            (Value::Enum(i), FieldKind::Enum(words)) => words[usize::from(*i)].to_string(),
            (Value::Text(text), _) => format!("\"{text}\""),
            (Value::Bool(yes), _) => yes.to_string(),
            (Value::TimeOfDay(time), _) => time.to_string(),
            (other, kind) => panic!("{}: {other:?} of {kind:?}", field.name),
        };
        let default = field.default.as_ref().map_or("unknown until it is set".to_owned(), shown);
        let range = match (&field.kind, field.range) {
            (FieldKind::Quantity(unit), Some((low, high))) => {
                format!("{}, {}", format_atoms(i128::from(low), 1, *unit), format_atoms(i128::from(high), 1, *unit))
            }
            (FieldKind::Enum(words), _) => words.iter().map(|w| &**w).collect::<Vec<_>>().join(", "),
            _ => String::new(),
        };
        let _ = writeln!(out, "| `{}` | {} | {default} | {range} |", field.name, field.doc.as_deref().unwrap_or_default());
    }
    out
}

/// The page with what stands behind a mark put anew.
fn with(page: &str, mark: &str, text: &str) -> String {
    let begin = format!("<!-- {mark} -->\n");
    let (before, rest) = page.split_once(&begin).unwrap_or_else(|| panic!("docs/packs.md has no {begin}"));
    let (_, after) = rest.split_once("<!-- end -->").unwrap_or_else(|| panic!("docs/packs.md: {mark} does not end"));
    format!("{before}{begin}\n{}\n\n<!-- end -->{after}", text.trim())
}

#[test]
fn the_manual_lists_what_is_shipped() {
    let library = library();
    let is = fs::read_to_string(page()).expect("docs/packs.md");
    let should = with(&with(&is, "rules", &rules(&library)), "profile", &profile(&library));
    if is != should && std::env::var_os("UPDATE_EXPECT").is_some() {
        fs::write(page(), &should).expect("docs/packs.md can be written");
        return;
    }
    assert!(
        is == should,
        "docs/packs.md is not what is shipped; UPDATE_EXPECT=1 cargo test -p vitalog-rules catalogue writes it anew"
    );
}

#[test]
fn every_shipped_rule_says_what_it_finds_and_where_it_is_from() {
    let library = library();
    let silent = |rule: &Rule| rule.cite.as_deref().is_none_or(|cite| cite.len() < 8);
    let without: Vec<&str> = library.rules.iter().filter(|r| silent(r)).map(|r| &*r.name).collect();
    assert_eq!(without, [""; 0], "rules without a source");
    let undocumented: Vec<&str> =
        packs::ALL.iter().flat_map(|p| declared(p.text)).filter(|(_, doc)| doc.len() < 20).map(|(name, _)| name).collect();
    assert_eq!(undocumented, [""; 0], "rules without documentation");
    let fields: Vec<&str> = library.profile.iter().filter(|f| f.doc.is_none()).map(|f| &*f.name).collect();
    assert_eq!(fields, [""; 0], "profile fields without documentation");
}

/// The rows of the table of topics: number, and the rules named in back quotes.
fn topics(page: &str) -> Vec<(usize, Vec<String>)> {
    let row = |line: &str| {
        let (number, rest) = line.strip_prefix("| ")?.split_once('|')?;
        let named = rest.split('`').skip(1).step_by(2).map(ToOwned::to_owned).collect();
        Some((number.trim().parse().ok()?, named))
    };
    page.lines().filter_map(row).collect()
}

#[test]
fn every_topic_has_rules_and_every_rule_a_topic() {
    let page = fs::read_to_string(page()).expect("docs/packs.md");
    let topics = topics(&page);
    let numbers: Vec<usize> = topics.iter().map(|(n, _)| *n).collect();
    assert_eq!(numbers, (1..=44).collect::<Vec<_>>());
    let empty: Vec<usize> = topics.iter().filter(|(_, rules)| rules.is_empty()).map(|(n, _)| *n).collect();
    assert_eq!(empty, [0; 0], "topics without a rule");
    let named: BTreeSet<&str> = topics.iter().flat_map(|(_, rules)| rules.iter().map(String::as_str)).collect();
    let library = library();
    let shipped: BTreeSet<&str> = library.rules.iter().map(|r| &*r.name).collect();
    let missing: Vec<_> = shipped.difference(&named).collect();
    let invented: Vec<_> = named.difference(&shipped).collect();
    assert!(missing.is_empty() && invented.is_empty(), "not in the table of topics: {missing:?}; not shipped: {invented:?}");
}

/// Each shipped rule has at least three tests: it fires, it stays silent, it is taken back or ends.
#[test]
fn every_shipped_rule_is_shown_firing_silent_and_ending() {
    let files: Vec<Source> = packs::ALL.iter().map(|p| Source::new(&format!("{}.rules", p.name), p.text)).collect();
    let compiled = compile(&files, &Library::default());
    let mut thin = Vec::new();
    for rule in &library().rules {
        let expectations = || {
            let tests = compiled.tests.iter().filter(|t| t.rule == rule.name);
            tests.flat_map(|t| &t.script).filter_map(|step| match &step.action {
                vitalog_rules::Action::Expect(e) if e.rule == rule.name => Some(e),
                _ => None,
            })
        };
        let tests = compiled.tests.iter().filter(|t| t.rule == rule.name).count();
        let fires = expectations().any(|e| !e.absent && e.state != Some(vitalog_elog::FindingState::Rescinded));
        let silent = expectations().any(|e| e.absent);
        let back = expectations().any(|e| e.state == Some(vitalog_elog::FindingState::Rescinded));
        if tests < 3 || !fires || !silent || !back {
            thin.push(format!("{}: {tests} tests, fires {fires}, silent {silent}, taken back {back}", rule.name));
        }
    }
    assert!(thin.is_empty(), "rules that are not shown enough:\n{}", thin.join("\n"));
}
