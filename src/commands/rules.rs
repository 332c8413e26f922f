//! `vitalog rules`: the rules of a running server, how they came to be as they are, and back to how they were.

use reqwest::Method;
use serde_json::{Value, json};

use crate::cli::{Format, Rules, RulesAction};
use crate::commands::remote::{Question, Remote, left, text};
use crate::failure::Failure;

/// Asks and prints.
///
/// # Errors
/// Where the server can't be reached or refuses.
pub fn run(args: &Rules) -> Result<(), Failure> {
    let remote = Remote { url: &args.url, token: args.token.as_deref() };
    let ask = |method, path: &[&str], body: Option<Value>| {
        let path = [&["rules"], path].concat();
        let body = body.map(|body| ("application/json", body.to_string().into_bytes()));
        remote.ask(Question { method, path: &path, body, ..Question::default() })
    };
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
