//! `vitalog letters`: what a running server refused, looked at, and tried again as it came or mended.

use std::io::Read;
use std::path::Path;

use reqwest::Method;
use serde_json::{Map, Value, json};

use crate::cli::{Format, LetterFilter, Letters, LettersAction, instant};
use crate::commands::remote::{Question, Remote, left, text};
use crate::failure::Failure;

/// How much of a letter's bytes a list shows.
const SHOWN: usize = 60;

/// Asks and prints.
///
/// # Errors
/// Where the server can't be reached or refuses, and where a letter is refused again.
pub fn run(args: &Letters) -> Result<(), Failure> {
    let remote = Remote { url: &args.url, token: args.token.as_deref() };
    match &args.action {
        LettersAction::List { filter, mended, limit } => list(args, &remote, filter, *mended, *limit),
        LettersAction::Show { offset } => {
            let answer = remote.ask(Question { path: &["dead-letters", &offset.to_string()], ..Question::default() })?;
            print(args, &answer, shown);
            Ok(())
        }
        LettersAction::Replay { offset: Some(offset), body, .. } => replay(args, &remote, *offset, body.as_deref()),
        LettersAction::Replay { offset: None, filter, all, .. } => {
            if filter.said().is_empty() && !all {
                return Err(Failure::usage("which letters are meant?")
                    .hint("give an offset, or --code, --field, --sender, --subject, --from, --to, or --all"));
            }
            replay_many(args, &remote, filter)
        }
    }
}

impl LetterFilter {
    /// What is asked for, by the names that the server knows.
    fn said(&self) -> Vec<(&'static str, String)> {
        let said = [
            ("code", &self.code),
            ("field", &self.field),
            ("sender", &self.sender),
            ("subject", &self.subject),
            ("from", &self.from),
            ("to", &self.to),
        ];
        said.into_iter().filter_map(|(name, value)| Some((name, value.clone()?))).collect()
    }

    fn check(&self) -> Result<(), Failure> {
        [&self.from, &self.to].into_iter().flatten().try_for_each(|time| instant(time).map(drop))
    }
}

fn print(args: &Letters, answer: &Value, text: impl Fn(&Value) -> String) {
    match args.format {
        Format::Text => say_as_is!("{}", text(answer)),
        Format::Json => say!("{answer}"),
    }
}

fn list(args: &Letters, remote: &Remote<'_>, filter: &LetterFilter, mended: Option<bool>, limit: usize) -> Result<(), Failure> {
    filter.check()?;
    let mut query = filter.said();
    query.extend(mended.map(|mended| ("mended", mended.to_string())));
    query.push(("limit", limit.to_string()));
    let answer = remote.ask(Question { path: &["dead-letters"], query: &query, ..Question::default() })?;
    print(args, &answer, |answer| {
        let mut lines = vec![["offset", "arrived", "sender", "code", "field", "became", "what was sent"].map(str::to_owned)];
        for letter in answer["dead_letters"].as_array().into_iter().flatten() {
            lines.push([
                letter["record"].to_string(),
                text(&letter["arrived"]),
                text(&letter["sender"]),
                text(&letter["code"]),
                text(&letter["field"]),
                became(letter),
                beginning(letter),
            ]);
        }
        let hidden = answer["total"].as_u64().unwrap_or(0).saturating_sub(lines.len() as u64 - 1);
        let more = if hidden > 0 { format!("… and {hidden} more\n") } else { String::new() };
        left(&lines) + &more
    });
    Ok(())
}

fn became(letter: &Value) -> String {
    match (letter["reading"].as_u64(), letter["tries"].as_u64()) {
        (Some(reading), _) => format!("reading at {reading}"),
        (None, Some(0) | None) => String::new(),
        (None, Some(tries)) => format!("refused again {tries}×"),
    }
}

/// The first of the bytes, on one line and without control characters.
fn beginning(letter: &Value) -> String {
    let Some(raw) = letter["raw"].as_str() else { return "(no text)".to_owned() };
    let mut shown: String = raw.chars().take(SHOWN).map(|c| if c.is_control() { ' ' } else { c }).collect();
    if raw.chars().nth(SHOWN).is_some() {
        shown.push('…');
    }
    shown
}

fn shown(letter: &Value) -> String {
    let field = letter["field"].as_str().map_or_else(String::new, |field| format!(" ({field})"));
    let mut out = format!("{}{field}: {}\n", text(&letter["code"]), text(&letter["message"]));
    out += &format!("sent by {} at {}\n", text(&letter["sender"]), text(&letter["arrived"]));
    for tried in letter["history"].as_array().into_iter().flatten() {
        let how = if tried["mended"] == true { "mended" } else { "as it came" };
        let outcome = match tried["outcome"].as_str() {
            Some("taken") => format!("became {} (revision {}, offset {})", text(&tried["id"]), tried["rev"], tried["offset"]),
            _ => format!("refused: {}: {}", text(&tried["code"]), text(&tried["message"])),
        };
        out += &format!("{} {} tried it {how}: {outcome}\n", text(&tried["at"]), text(&tried["by"]));
    }
    match letter["raw"].as_str() {
        Some(raw) => out += &printable(raw),
        None => out += &format!("base64: {}", text(&letter["raw_base64"])),
    }
    out + "\n"
}

/// What somebody sent must not move the cursor of who looks at it.
fn printable(raw: &str) -> String {
    raw.chars().map(|c| if c.is_control() && !matches!(c, '\n' | '\t') { '\u{fffd}' } else { c }).collect()
}

fn replay(args: &Letters, remote: &Remote<'_>, offset: u64, body: Option<&Path>) -> Result<(), Failure> {
    let body = match body {
        None => None,
        Some(path) if path == Path::new("-") => {
            let mut bytes = Vec::new();
            std::io::stdin().lock().read_to_end(&mut bytes)?;
            Some(bytes)
        }
        Some(path) => Some(std::fs::read(path).map_err(|e| Failure::usage(format!("cannot read {}: {e}", path.display())))?),
    };
    if body.as_ref().is_some_and(|body| body.trim_ascii().is_empty()) {
        return Err(Failure::usage("the mended body is empty").hint("leave --body off to try the letter as it came"));
    }
    let path = ["dead-letters", &offset.to_string(), "replay"];
    let body = body.map(|body| ("application/json", body));
    let answer = remote.ask(Question { method: Method::POST, path: &path, body, ..Question::default() })?;
    print(args, &answer, |answer| match answer["status"].as_str() {
        Some("duplicate") => format!("the reading {} was there already (revision {})\n", text(&answer["id"]), answer["rev"]),
        _ => format!("it is the reading {} now (revision {}, offset {})\n", text(&answer["id"]), answer["rev"], answer["offset"]),
    });
    Ok(())
}

/// All that are meant, a request after the other.
fn replay_many(args: &Letters, remote: &Remote<'_>, filter: &LetterFilter) -> Result<(), Failure> {
    const COUNTED: [&str; 5] = ["tried", "accepted", "duplicate", "rejected", "denied"];
    filter.check()?;
    let mut asked: Map<String, Value> = filter.said().into_iter().map(|(name, value)| (name.to_owned(), value.into())).collect();
    let mut sums = [0_u64; COUNTED.len()];
    loop {
        let body = Some(("application/json", Value::Object(asked.clone()).to_string().into_bytes()));
        let path = ["dead-letters", "replay"];
        let answer = remote.ask(Question { method: Method::POST, path: &path, body, ..Question::default() })?;
        for (sum, name) in sums.iter_mut().zip(COUNTED) {
            *sum += answer[name].as_u64().unwrap_or(0);
        }
        if answer["next"].is_null() {
            break;
        }
        asked.insert("after".to_owned(), answer["next"].clone());
    }
    let [tried, accepted, duplicate, rejected, denied] = sums;
    let sum = json!({"tried": tried, "accepted": accepted, "duplicate": duplicate, "rejected": rejected, "denied": denied});
    print(args, &sum, |_| {
        format!(
            "{tried} tried = {accepted} accepted + {duplicate} duplicate + {rejected} refused again + {denied} not permitted\n"
        )
    });
    if rejected + denied > 0 {
        let failure = Failure::new(format!("{} of {tried} letters stay what they are", rejected + denied));
        return Err(failure.hint("look at them with `vitalog letters list --mended false`"));
    }
    Ok(())
}
