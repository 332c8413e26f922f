//! The grammars for editors follow the compiler: they are written from its own tables, and colour what its lexer sees.
//!
//! A TextMate grammar of plain `match` patterns is a list of regular expressions: of those that match first, the first. That is done here, so the grammar is held
//! against the lexer without an editor.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs};

use regex::Regex;
use serde_json::{Value, json};
use vitalog_elog::{Dimension, Unit};
use vitalog_rules::highlight::{Class, highlight, keywords};
use vitalog_rules::packs;

use crate::manual::examples;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("editors")
}

/// The longest first, so that the first that fits is the longest that does.
fn sorted(mut names: Vec<&'static str>) -> Vec<&'static str> {
    names.sort_by_key(|n| (std::cmp::Reverse(n.len()), *n));
    names.dedup();
    // What the lexer does not read as a unit (`mm[Hg]`, `1`) is one only between machines.
    let read = |n: &str| !n.starts_with(|c: char| c.is_ascii_digit()) && n.chars().all(|c| c.is_alphanumeric() || c == '/');
    names.retain(|n| *n == "%" || read(n));
    names
}

/// The names of all units, and those of units of time.
fn units() -> (Vec<&'static str>, Vec<&'static str>) {
    let all = Unit::all().flat_map(|u| u.names().iter().copied()).collect();
    (sorted(all), sorted(Dimension::Time.units().flat_map(|u| u.names().iter().copied()).collect()))
}

/// A unit as a pattern, with or without a unit of time behind it.
fn unit_pattern() -> String {
    let (all, times) = units();
    let (words, signs): (Vec<&str>, Vec<&str>) = all.into_iter().partition(|n| n.ends_with(char::is_alphanumeric));
    format!("(?:(?:{})(?:/(?:{}))?\\b|{})", words.join("|"), times.join("|"), signs.join("|"))
}

/// The grammar as TextMate has it.
fn text_mate() -> Value {
    let name = |pattern: &str, scope: &str| json!({"match": pattern, "name": format!("{scope}.rules")});
    json!({
        "$schema": "https://raw.githubusercontent.com/martinring/tmlanguage/master/tmlanguage.json",
        "name": "Vitalog rules",
        "scopeName": "source.rules",
        "fileTypes": ["rules"],
        "patterns": [
            name("///.*$", "comment.line.documentation"),
            name("//.*$", "comment.line.double-slash"),
            {
                "match": "\"(?:\\\\.|[^\"\\\\])*\"",
                "captures": {"0": {
                    "name": "string.quoted.double.rules",
                    "patterns": [
                        name("\\\\.", "constant.character.escape"),
                        name("\\{\\{|\\}\\}", "constant.character.escape"),
                        name("\\{[^{}]*\\}", "meta.template.expression"),
                    ],
                }},
            },
            name("\\b\\d{4}-\\d{2}-\\d{2}(?:[0-9TZ:+-]|\\.\\d)*", "constant.other.date"),
            name("\\b\\d{1,2}:\\d{2}(?::\\d{2})?", "constant.other.time"),
            {
                "match": format!("(\\b\\d+(?:\\.\\d+)?(?:[eE][+-]?\\d+)?)[ \\t]*({})", unit_pattern()),
                "captures": {"1": {"name": "constant.numeric.rules"}, "2": {"name": "keyword.other.unit.rules"}},
            },
            name("\\b\\d+(?:\\.\\d+)?(?:[eE][+-]?\\d+)?", "constant.numeric"),
            {"match": "\\.\\s*([\\p{L}_]\\w*)", "captures": {"1": {"name": "variable.other.member.rules"}}},
            name(&format!("\\b(?:{})\\b", keywords().join("|")), "keyword.control"),
            {"match": "\\b([\\p{L}_]\\w*)\\(", "captures": {"1": {"name": "support.function.rules"}}},
            name("[\\p{L}_]\\w*", "variable.other"),
            name("<=|>=|!=|==|\\.\\.|[=<>+\\-*/%|]", "keyword.operator"),
        ],
    })
}

/// The words that the tree-sitter grammar has to know.
fn words_for_tree_sitter() -> String {
    let (units, times) = units();
    let mut out = String::from(
        "// The compiler's words, written by `UPDATE_EXPECT=1 cargo test -p vitalog-rules editors`.\nmodule.exports = {\n",
    );
    for (name, words) in [("keywords", keywords()), ("units", units), ("times", times)] {
        let _ = writeln!(out, "  {name}: [\n    '{}',\n  ],", words.join("',\n    '"));
    }
    out + "};\n"
}

fn kept(file: &str, wanted: &str) {
    let path = folder().join(file);
    if env::var_os("UPDATE_EXPECT").is_some() {
        fs::write(&path, wanted).expect("written");
    }
    let found = fs::read_to_string(&path).unwrap_or_default();
    assert!(found == wanted, "editors/{file} does not follow the compiler (UPDATE_EXPECT=1 rewrites it)");
}

#[test]
fn grammars_are_written_from_the_compilers_tables() {
    let grammar = serde_json::to_string_pretty(&text_mate()).expect("JSON");
    kept("vscode/syntaxes/rules.tmLanguage.json", &format!("{grammar}\n"));
    kept("tree-sitter/words.js", &words_for_tree_sitter());
}

/// Each pattern with the scopes of its groups.
type Patterns = [(Regex, Vec<(usize, String)>)];

/// What the grammar makes of a line.
fn painted(patterns: &Patterns, line: &str) -> Vec<(std::ops::Range<usize>, Class)> {
    let mut out: Vec<(std::ops::Range<usize>, Class)> = Vec::new();
    let mut at = 0;
    while at <= line.len() {
        let best = patterns
            .iter()
            .enumerate()
            .filter_map(|(i, (regex, scopes))| {
                regex.captures_at(line, at).map(|c| (c.get(0).map_or(0, |m| m.start()), i, c, scopes))
            })
            .min_by_key(|(start, i, ..)| (*start, *i));
        let Some((_, _, captures, scopes)) = best else { break };
        for (group, scope) in scopes {
            if let Some(found) = captures.get(*group) {
                out.push((found.range(), class_of(scope)));
            }
        }
        at = captures.get(0).map_or(at, |m| m.end()).max(at + 1);
        while !line.is_char_boundary(at) {
            at += 1;
        }
    }
    out
}

fn class_of(scope: &str) -> Class {
    let classes = [
        ("comment", Class::Comment),
        ("string", Class::Text),
        ("constant.numeric", Class::Number),
        ("constant.other", Class::Time),
        ("keyword.other.unit", Class::Unit),
        ("keyword.control", Class::Keyword),
        ("keyword.operator", Class::Operator),
        ("support.function", Class::Function),
        ("variable", Class::Name),
    ];
    classes.iter().find(|(prefix, _)| scope.starts_with(prefix)).map(|(_, class)| *class).expect("a scope that is known")
}

/// The patterns of the grammar, with the scope of each group.
fn patterns() -> Vec<(Regex, Vec<(usize, String)>)> {
    let grammar = text_mate();
    let one = |pattern: &Value| {
        let regex = Regex::new(pattern["match"].as_str().expect("a pattern")).expect("a regular expression");
        let scopes = match (pattern["name"].as_str(), pattern["captures"].as_object()) {
            (Some(name), _) => vec![(0, name.to_owned())],
            (None, Some(groups)) => groups
                .iter()
                .map(|(n, g)| (n.parse().expect("a group"), g["name"].as_str().expect("a scope").to_owned()))
                .collect(),
            _ => Vec::new(),
        };
        (regex, scopes)
    };
    grammar["patterns"].as_array().expect("patterns").iter().map(one).collect()
}

/// Each character that is not white space with its class.
fn letters(text: &str, spans: impl Iterator<Item = (std::ops::Range<usize>, Class)>) -> Vec<Option<Class>> {
    let mut all = vec![None; text.len()];
    for (range, class) in spans {
        for (i, c) in text[range.clone()].char_indices().filter(|(_, c)| !c.is_whitespace()) {
            all[range.start + i..range.start + i + c.len_utf8()].fill(Some(class));
        }
    }
    all
}

fn colours_alike(patterns: &Patterns, name: &str, text: &str) {
    let ours = letters(text, highlight(text).into_iter().map(|s| (s.range, s.class)));
    let mut theirs = Vec::new();
    let mut start = 0;
    for line in text.split_inclusive('\n') {
        let words = line.trim_end_matches(['\n', '\r']);
        theirs.extend(painted(patterns, words).into_iter().map(|(r, c)| (r.start + start..r.end + start, c)));
        start += line.len();
    }
    let theirs = letters(text, theirs.into_iter());
    if let Some(i) = (0..text.len()).find(|i| ours[*i] != theirs[*i]) {
        let line = text[..i].rfind('\n').map_or(0, |n| n + 1);
        let words = text[line..].lines().next().unwrap_or("");
        panic!("{name}: at {} of\n{words}\nthe lexer says {:?}, the grammar {:?}", i - line, ours[i], theirs[i]);
    }
}

#[test]
fn the_grammar_colours_what_the_lexer_sees() {
    let patterns = patterns();
    for pack in packs::ALL {
        colours_alike(&patterns, pack.name, pack.text);
    }
    for example in examples() {
        colours_alike(&patterns, &format!("docs/language.md:{}", example.line), &example.text);
    }
    colours_alike(&patterns, "cases/language.rules", include_str!("cases/language.rules"));
    colours_alike(
        &patterns,
        "by hand",
        "rule r { when 5%<x.value and min(a) in(b) } // é\ntest r \"a \\\" {b} }}\" { 2026-01-05T02:00:00.5Z 2:15:30 x 60 /min 2 mg/dL/min 1e3 -4 3..5 µg.x over.when 1 h 30 min }\n",
    );
}

/// What the extension declares is there.
#[test]
fn the_extension_is_whole() {
    let text = fs::read_to_string(folder().join("vscode/package.json")).expect("the manifest");
    let manifest: Value = serde_json::from_str(&text).expect("JSON");
    let contributes = &manifest["contributes"];
    for file in [&contributes["grammars"][0]["path"], &contributes["languages"][0]["configuration"], &manifest["main"]] {
        let path = folder().join("vscode").join(file.as_str().expect("a path"));
        assert!(path.is_file(), "{}", path.display());
    }
    assert_eq!(contributes["grammars"][0]["scopeName"], text_mate()["scopeName"]);
    assert_eq!(manifest["version"], env!("CARGO_PKG_VERSION"));
    let configuration = fs::read_to_string(folder().join("vscode/language-configuration.json")).expect("the configuration");
    let configuration: Value = serde_json::from_str(&configuration).expect("JSON");
    assert_eq!(configuration["comments"]["lineComment"], "//");
}
