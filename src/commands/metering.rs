//! `vitalog metering`: who used how much, asked of a running server.

use serde_json::{Value, json};

use crate::cli::{Format, Metering};
use crate::commands::remote::{Question, Remote, left, text};
use crate::failure::Failure;

/// What is told of each, as the server calls it.
const COLUMNS: [&str; 8] = ["readings", "refused", "duplicates", "requests", "bytes_in", "bytes_out", "statements", "rows"];

/// Asks and prints.
///
/// # Errors
/// Where the server can't be reached or refuses.
pub fn run(args: &Metering) -> Result<(), Failure> {
    let said = [("from", &args.from), ("to", &args.to), ("by", &args.by)];
    let query: Vec<(&str, String)> = said.into_iter().filter_map(|(name, value)| Some((name, value.clone()?))).collect();
    let remote = Remote { url: &args.url, token: args.token.as_deref() };
    let answer = remote.ask(Question { path: &["metering"], query: &query, ..Question::default() })?;
    let usage = answer["usage"].as_array().cloned().unwrap_or_default();
    let quotas = answer["quotas"].as_array().cloned().unwrap_or_default();
    match args.format {
        Format::Json => {
            usage.iter().for_each(|one| say!("{one}"));
            quotas.iter().for_each(|one| say!("{}", json!({ "quota": one })));
        }
        Format::Text => {
            let head = ["period", "tenant", "account", "token"].into_iter().chain(COLUMNS).map(str::to_owned);
            let lines: Vec<[String; 12]> = std::iter::once(head.collect())
                .chain(usage.iter().map(words))
                .filter_map(|line: Vec<String>| line.try_into().ok())
                .collect();
            say!("{}", left(&lines).trim_end());
            quotas.iter().for_each(|one| say!("{}", quota(one)));
        }
    }
    Ok(())
}

fn quota(one: &Value) -> String {
    let (kind, id, used, most) = (text(&one["kind"]), text(&one["id"]), &one["used"], &one["most"]);
    match one["opens"].as_str() {
        Some(opens) => format!("{kind} {id}: {used} of {most} new readings today, anew from {opens} on"),
        None => format!("{kind} {id}: {used} of {most} subjects"),
    }
}

fn words(one: &Value) -> Vec<String> {
    let named = |name: &str| one[name].as_str().map_or_else(|| "-".to_owned(), str::to_owned);
    let party = [text(&one["period"]), named("tenant"), text(&one["account"]), named("token")];
    party.into_iter().chain(COLUMNS.map(|name| one[name].to_string())).collect()
}
