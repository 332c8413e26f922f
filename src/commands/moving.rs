//! `vitalog move`: readings that were recorded about the wrong subject, moved to the right one.

use reqwest::Method;
use serde_json::{Map, Value};

use crate::cli::{Format, Move, instant};
use crate::commands::remote::{Question, Remote, left, text};
use crate::failure::Failure;

/// So many are listed for people.
const SHOWN: usize = 20;

/// Asks the server, and says what was moved.
///
/// # Errors
/// Where the server can't be reached or refuses, and where nothing is meant.
pub fn run(args: &Move) -> Result<(), Failure> {
    let said = [("stream", &args.stream), ("source", &args.source), ("from", &args.from), ("until", &args.until)];
    let mut asked: Map<String, Value> =
        said.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value.clone()?.into()))).collect();
    if !args.id.is_empty() {
        asked.insert("ids".to_owned(), args.id.clone().into());
    }
    if asked.is_empty() {
        return Err(Failure::usage("which readings are meant?").hint("give --id, --stream, --source, --from or --until"));
    }
    [&args.from, &args.until].into_iter().flatten().try_for_each(|time| instant(time).map(drop))?;
    asked.insert("to".to_owned(), args.to.clone().into());
    asked.insert("dry_run".to_owned(), args.dry_run.into());

    let remote = Remote { url: &args.url, token: args.token.as_deref() };
    let path = ["subjects", &args.subject, "moves"];
    let body = Some(("application/json", Value::Object(asked).to_string().into_bytes()));
    let answer = remote.ask(Question { method: Method::POST, path: &path, body, ..Question::default() })?;
    match args.format {
        Format::Json => say!("{answer}"),
        Format::Text => say_as_is!("{}", told(args, &answer)),
    }
    Ok(())
}

fn told(args: &Move, answer: &Value) -> String {
    let readings: Vec<&Value> = answer["readings"].as_array().into_iter().flatten().collect();
    let mut lines = vec![["was", "is", "revision"].map(str::to_owned)];
    lines.extend(readings.iter().take(SHOWN).map(|r| [text(&r["id"]), text(&r["is"]), r["rev"].to_string()]));
    let mut out = if readings.is_empty() { String::new() } else { left(&lines) };
    if readings.len() > SHOWN {
        out += &format!("… and {} more\n", readings.len() - SHOWN);
    }
    let (n, moved) = (readings.len(), if args.dry_run { "would be moved" } else { "moved" });
    out + &format!("{n} {} of {} {moved} to {}\n", if n == 1 { "reading" } else { "readings" }, args.subject, args.to)
}
