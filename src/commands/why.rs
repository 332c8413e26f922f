//! `vitalog why`: why a rule found something about a subject at an instant, or why it did not.
//!
//! Over files, over the journal of a data directory, or asked of a running server: it is the engine that answers, each time.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use vitalog_cep::plan::Library;
use vitalog_elog::{Subject, Time};
use vitalog_rules::compile;

use crate::cli::{Format, Why, instant};
use crate::commands::check::report;
use crate::failure::Failure;
use crate::files;
use crate::offline::backtest::History;
use crate::offline::load;
use crate::offline::why::{Answer, of_directory, of_history};

/// Asks and prints.
///
/// # Errors
/// Status 1 where there is no such rule or subject, 2 where the command is used wrongly.
pub fn run(args: &Why) -> Result<(), Failure> {
    let at = instant(&args.at)?;
    if let Some(url) = &args.url {
        say_as_is!("{}", asked(args, url.trim_end_matches('/'), at)?);
        return Ok(());
    }
    if !Subject::is_valid(&args.subject) {
        return Err(Failure::usage(format!("{:?} is no subject", args.subject)));
    }
    let subject = Subject::new(&args.subject);
    let answer = match &args.data {
        Some(data) => of_directory(data, &args.rule, &subject, at)?,
        None if !args.input.is_empty() => over_files(args, &subject, at)?,
        None => {
            return Err(Failure::usage("of what?")
                .hint("give --input of a history, --data of a data directory, or --url of a running server"));
        }
    };
    match args.format {
        Format::Text => say_as_is!("{}", answer.text()),
        Format::Json => say!("{}", answer.json()),
    }
    Ok(())
}

fn over_files(args: &Why, subject: &Subject, at: Time) -> Result<Answer, Failure> {
    let compiled = compile(&files::sources(&files::rules(&args.rules)?), &Library::default());
    let Some(library) = &compiled.library else {
        report(&compiled, args.format)?;
        return Err(Failure::new("the rules do not compile"));
    };
    let library = Arc::new(library.clone());
    // Readings of others are seen on a timeline only where a stream is by several fields.
    let only = (!library.schema.shares()).then(|| subject.clone());
    let wanted = load::Wanted { subject: only, ..load::Wanted::default() };
    let paths: Vec<&Path> = args.input.iter().map(std::path::PathBuf::as_path).collect();
    let readings = load::from_files(&paths, &library, &wanted)?;
    let profiles = args.profiles.as_ref().map(|path| load::profiles(path, &library)).transpose()?.unwrap_or_default();
    let now = args.now.as_deref().map(instant).transpose()?;
    of_history(History { library, readings, profiles, now }, &args.rule, subject, at)
}

/// The answer of a running server, as it is to be printed.
fn asked(args: &Why, url: &str, at: Time) -> Result<String, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let format = if args.format == Format::Json { "json" } else { "text" };
    let answer = runtime.block_on(async {
        let mut door = reqwest::Url::parse(url).map_err(|e| Failure::usage(format!("{url:?} is no URL: {e}")))?;
        door.path_segments_mut().map_err(|()| Failure::usage(format!("{url:?} can't be asked")))?.pop_if_empty().extend([
            "v1",
            "subjects",
            &args.subject,
            "why",
        ]);
        door.query_pairs_mut().append_pair("rule", &args.rule).append_pair("at", &at.to_string()).append_pair("format", format);
        let mut request = reqwest::Client::new().get(door);
        if let Some(token) = &args.token {
            request = request.bearer_auth(token);
        }
        let response = request.send().await.map_err(|e| Failure::new(format!("the server can't be reached: {e}")))?;
        let status = response.status();
        let body = response.text().await.map_err(|e| Failure::new(format!("the answer broke off: {e}")))?;
        if status.is_success() {
            return Ok(body);
        }
        let problem: serde_json::Value = serde_json::from_str(&body).unwrap_or_default();
        let failure = Failure::new(problem["detail"].as_str().unwrap_or("the server refused"));
        Err(match problem["remedy"].as_str() {
            Some(remedy) => failure.hint(remedy),
            None => failure,
        })
    });
    runtime.shutdown_timeout(Duration::from_secs(5));
    let mut answer = answer?;
    if !answer.ends_with('\n') {
        answer.push('\n');
    }
    Ok(answer)
}
