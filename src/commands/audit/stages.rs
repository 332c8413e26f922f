//! `vitalog audit` by itself: whether every stage has what the journal has; and with `--repair`, that it has.

use std::path::Path;
use std::time::Duration;

use serde_json::{Value, json};
use vitalog_elog::accounting::Scope;
use vitalog_elog::{Subject, Time};

use crate::accounting::{Remedies, audited, lines, repair};
use crate::cli::{AuditStages, Format};
use crate::commands::remote::{Question, Remote};
use crate::failure::Failure;
use crate::run::has_journal;

/// Windows of the journal that are listed for programs.
const WINDOWS: usize = 100_000;

/// Audits and prints.
///
/// # Errors
/// Status 1 where a stage differs, 2 where the command is used wrongly.
pub fn run(args: &AuditStages) -> Result<(), Failure> {
    let scope = scope(args)?;
    if args.repair && args.url.is_some() {
        return Err(
            Failure::usage("a running server is not repaired").hint("stop it, and give its directory: --data DIR --repair")
        );
    }
    let answer = match (&args.url, &args.data) {
        (Some(url), _) => ask(args, url)?,
        (None, Some(data)) => {
            if !has_journal(data) {
                return Err(Failure::usage(format!("{} is no data directory", data.display())));
            }
            let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
            let answer = runtime.block_on(of_directory(data, scope, args.repair));
            runtime.shutdown_timeout(Duration::from_secs(5));
            answer?
        }
        (None, None) => {
            return Err(Failure::usage("what to audit?").hint(
                "give --url of a running server, or --data of a data directory; `audit journal` and `audit access` look at these",
            ));
        }
    };
    match args.format {
        Format::Json => say!("{answer}"),
        Format::Text => {
            lines(&answer).iter().for_each(|line| say!("{line}"));
            answer["repaired"].as_array().into_iter().flatten().for_each(|line| say!("{}", line.as_str().unwrap_or_default()));
        }
    }
    if answer["equal"] == true {
        return Ok(());
    }
    let failure = Failure::new("not every stage has what the journal has");
    Err(if args.repair {
        failure
    } else {
        failure.hint(
            "stop the server, and repair with `vitalog audit --data DIR --repair`: what differs is made again from the journal",
        )
    })
}

fn scope(args: &AuditStages) -> Result<Scope, Failure> {
    let time = |name: &str, text: &Option<String>| match text.as_deref().map(Time::parse) {
        None => Ok(None),
        Some(Ok(at)) => Ok(Some(at)),
        Some(Err(_)) => Err(Failure::usage(format!("--{name} {:?} is not an instant", text.as_deref().unwrap_or_default()))
            .hint("write it as 2026-11-20T08:00:00Z, with its offset from UTC")),
    };
    let subject = match args.subject.as_deref() {
        Some(text) if !Subject::is_valid(text) => {
            return Err(Failure::usage(format!("--subject {text:?} cannot be the name of one")));
        }
        subject => subject.map(Subject::new),
    };
    let scope = Scope {
        subject,
        stream: args.stream.as_deref().map(Into::into),
        source: args.source.as_deref().map(Into::into),
        from: time("from", &args.from)?,
        to: time("to", &args.to)?,
    };
    if scope.from.zip(scope.to).is_some_and(|(from, to)| from >= to) {
        return Err(Failure::usage("--from is not before --to"));
    }
    Ok(scope)
}

fn ask(args: &AuditStages, url: &str) -> Result<Value, Failure> {
    let given =
        [("subject", &args.subject), ("stream", &args.stream), ("source", &args.source), ("from", &args.from), ("to", &args.to)];
    let mut query: Vec<(&str, String)> = given.into_iter().filter_map(|(name, value)| Some((name, value.clone()?))).collect();
    query.push(("limit", WINDOWS.to_string()));
    let remote = Remote { url, token: args.token.as_deref() };
    remote.ask(Question { path: &["accounting"], query: &query, ..Question::default() })
}

/// Opens the directory as a server would, so that what is journaled has come to every stage, and audits; then repairs and audits again, if that is wanted.
async fn of_directory(data: &Path, scope: Scope, is_repair: bool) -> Result<Value, Failure> {
    let (report, schema, stopped) = audited(data, &scope).await?;
    let remedies = Remedies::of(&report);
    if !is_repair || report.is_equal() {
        // What could not land is said, unless it is what was found.
        if report.is_equal() {
            stopped?;
        }
        return Ok(report.as_json(WINDOWS));
    }
    repair(data, schema, &remedies).await?;
    let (again, _, stopped) = audited(data, &scope).await?;
    stopped?;
    let mut answer = again.as_json(WINDOWS);
    answer["found"] = report.as_json(0)["differences"].take();
    let done =
        if remedies.is_none() { vec!["in memory alone: right again with this start".to_owned()] } else { remedies.lines() };
    answer["repaired"] = json!(done);
    Ok(answer)
}
