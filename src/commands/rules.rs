//! `vitalog rules`: the rules of a running server, how they came to be as they are, and back to how they were.

use reqwest::Method;
use serde_json::{Value, json};

use super::asking;
use crate::cli::{Format, Rules, RulesAction};
use crate::failure::Failure;

/// Asks and prints.
///
/// # Errors
/// Where the server can't be reached or refuses.
pub fn run(args: &Rules) -> Result<(), Failure> {
    let ask = |method, path: &[&str], body| asked(args, method, path, body);
    match &args.action {
        RulesAction::List => print(args, &ask(Method::GET, &[], None)?, list),
        RulesAction::Versions => print(args, &ask(Method::GET, &["versions"], None)?, versions),
        RulesAction::Show { version, file } => {
            let answer = ask(Method::GET, &["versions", &version.to_string()], None)?;
            show(args, &answer, file.as_deref())?;
        }
        RulesAction::Rollback { to } => {
            let answer = ask(Method::POST, &["rollback"], Some(json!({ "to": to })))?;
            print(args, &answer, |answer| match answer["changed"].as_bool() {
                Some(true) => format!("the rules of version {to} are in force again, as version {}\n", answer["in_force"]),
                _ => format!("the rules of version {to} are in force already\n"),
            });
        }
    }
    Ok(())
}

fn print(args: &Rules, answer: &Value, text: impl Fn(&Value) -> String) {
    match args.format {
        Format::Text => say_as_is!("{}", text(answer)),
        Format::Json => say!("{answer}"),
    }
}

fn list(answer: &Value) -> String {
    let mut lines = vec![["rule", "title", "on trial"].map(str::to_owned)];
    for rule in answer["rules"].as_array().into_iter().flatten() {
        let shadow = &rule["shadow"];
        let trial = match shadow.is_null() {
            true => String::new(),
            false => format!(
                "would have told {} of {} subjects since {}",
                shadow["would_have_told"],
                shadow["subjects"],
                shadow["since"].as_str().unwrap_or("the beginning")
            ),
        };
        lines.push([text(&rule["name"]), text(&rule["title"]), trial]);
    }
    format!("version {}\n{}", answer["in_force"], left(&lines))
}

fn versions(answer: &Value) -> String {
    let mut lines = vec![["version", "from", "by", "what"].map(str::to_owned)];
    for version in answer["versions"].as_array().into_iter().flatten() {
        let what: Vec<String> = [
            ("added", "added"),
            ("changed", "changed"),
            ("removed", "removed"),
            ("into_shadow", "on trial"),
            ("out_of_shadow", "not on trial any more"),
        ]
        .into_iter()
        .filter_map(|(key, says)| summed(&version[key]).map(|names| format!("{says}: {names}")))
        .collect();
        let what = if what.is_empty() { "no rule means anything else".to_owned() } else { what.join("; ") };
        lines.push([
            version["number"].to_string(),
            version["effective"].as_str().unwrap_or("the beginning").to_owned(),
            version["by"].as_str().unwrap_or("its own files").to_owned(),
            what,
        ]);
    }
    left(&lines)
}

/// The first few names, and how many more.
fn summed(names: &Value) -> Option<String> {
    const SHOWN: usize = 5;
    let names: Vec<&str> = names.as_array()?.iter().filter_map(Value::as_str).collect();
    let more = names.len().saturating_sub(SHOWN);
    let shown = names[..names.len() - more].join(", ");
    match (names.is_empty(), more) {
        (true, _) => None,
        (_, 0) => Some(shown),
        _ => Some(format!("{shown} and {more} more")),
    }
}

fn show(args: &Rules, answer: &Value, file: Option<&str>) -> Result<(), Failure> {
    let texts = answer["texts"].as_array().cloned().unwrap_or_default();
    let wanted: Vec<&Value> = texts.iter().filter(|t| file.is_none_or(|file| t["name"] == file)).collect();
    if let (Some(file), true) = (file, wanted.is_empty()) {
        let names: Vec<String> = texts.iter().map(|t| text(&t["name"])).collect();
        return Err(Failure::usage(format!("version {} has no file {file}", answer["number"]))
            .hint(format!("it has {}", names.join(", "))));
    }
    match args.format {
        Format::Json => say!("{answer}"),
        // One file is written as it is, so that it can be kept.
        Format::Text if file.is_some() => wanted.iter().for_each(|t| say_as_is!("{}", text(&t["text"]))),
        Format::Text => wanted.iter().for_each(|t| say!("// {}\n{}", text(&t["name"]), text(&t["text"]))),
    }
    Ok(())
}

/// A table of words: all to the left.
fn left<const N: usize>(lines: &[[String; N]]) -> String {
    let width = |column: usize| lines.iter().map(|line| line[column].chars().count()).max().unwrap_or(0);
    let widths: [usize; N] = std::array::from_fn(width);
    let line = |line: &[String; N]| {
        let cells = line.iter().zip(widths).map(|(cell, width)| format!("{cell:<width$}"));
        cells.collect::<Vec<_>>().join("  ").trim_end().to_owned() + "\n"
    };
    lines.iter().map(line).collect()
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

fn asked(args: &Rules, method: Method, path: &[&str], body: Option<Value>) -> Result<Value, Failure> {
    let path: Vec<&str> = ["v1", "rules"].iter().chain(path).copied().collect();
    asking::asked(&args.url, args.token.as_deref(), method, &path, body)
}
