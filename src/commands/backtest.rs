//! `vitalog backtest`: what rules find in a history of readings, from files or from the lake.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use serde_json::json;
use vitalog_cep::plan::Library;
use vitalog_elog::profile::ProfileChange;
use vitalog_elog::{Reading, Schema, Span, StreamIx, Subject, Time};
use vitalog_rules::why::finding_json;
use vitalog_rules::{compile, packs};

use super::progress::watched;
use crate::cli::{Backtest, Format, instant};
use crate::commands::check::report;
use crate::failure::Failure;
use crate::offline::backtest::{History, Outcome, clock_at_end, run as evaluate};
use crate::offline::difference::Comparison;
use crate::offline::known::{self, Arrived};
use crate::offline::load;
use crate::offline::measures::Measuring;
use crate::offline::summary::Summary;
use crate::{files, output};

/// Prints one line per finding.
///
/// # Errors
/// Where rules, readings or profiles can't be read.
pub fn run(args: &Backtest) -> Result<(), Failure> {
    let wanted = wanted(args)?;
    if !args.against.is_empty() {
        return against(args, &wanted);
    }
    let library = library(&args.rules, &Library::default(), args.format)?;
    if args.as_known {
        return as_known(args, library, &wanted);
    }
    let measuring = measuring(args, &library)?;
    let readings = readings(args, &library, &wanted)?;
    let history = History { library: library.clone(), readings, profiles: profiles(args, &library)?, now: now(args)? };
    let outcome = outcome(args, history, &wanted, &measuring.actions);
    print(&outcome, &library, &measuring, args);
    Ok(())
}

/// What two libraries find otherwise. The new one is compiled on top of the old one, as a server would that has the old one in force; so the declarations of the
/// old one keep their places.
fn against(args: &Backtest, wanted: &load::Wanted) -> Result<(), Failure> {
    let old = library(&args.against, &Library::default(), args.format)?;
    let new = library(&args.rules, &old, args.format)?;
    let readings = readings(args, &new, wanted)?;
    let declared = old.schema.streams.len();
    let known = |r: &&Reading| r.content.as_ref().is_none_or(|c| usize::from(c.stream.0) < declared);
    let theirs: Vec<Reading> = readings.iter().filter(known).cloned().collect();
    // Both clocks come to the same end, also where the old rules do not know the last stream.
    let now = clock_at_end(now(args)?, &readings);
    let ours = profiles(args, &new)?;
    let history = |library: Arc<Library>, readings| History { library, readings, profiles: ours.clone(), now: Some(now) };
    let old = outcome(args, history(old, theirs), wanted, &[]);
    let new = outcome(args, history(new, readings), wanted, &[]);
    let comparison = Comparison::of(old.findings, new.findings);
    match args.format {
        Format::Text => say_as_is!("{}", comparison.text()),
        Format::Json => comparison.json().iter().for_each(|line| say!("{line}")),
    }
    Ok(())
}

/// What was said when.
fn as_known(args: &Backtest, library: Arc<Library>, wanted: &load::Wanted) -> Result<(), Failure> {
    if args.input != ["lake"] {
        return Err(Failure::usage(format!(
            "--as-known with --input {}: files do not say when their readings were accepted, so nothing tells what was known when",
            args.input.join(" ")
        ))
        .hint("ask a data directory, whose readings have it (received_at): `--input lake --data DIR`"));
    }
    let arrivals = load::as_they_came(data(args)?, &library, wanted)?;
    let (total, done) = (arrivals.len(), AtomicU64::new(0));
    let (now, profiles) = (now(args)?, profiles(args, &library)?);
    let arrived = Arrived { library, arrivals, profiles, now };
    let mut said = watched(total, &done, || known::run(arrived, threads(args), &done));
    said.retain(|change| wanted.subject.as_ref().is_none_or(|subject| change.finding.subject == *subject));
    for change in &said {
        match args.format {
            Format::Text => say!("{}", output::change_line(change)),
            Format::Json => say!(
                "{}",
                json!({"change": change.change.name(), "decided_at": change.decided_at.to_string(), "finding": finding_json(&change.finding)})
            ),
        }
    }
    Ok(())
}

/// Rules, compiled on top of what is declared already.
pub(super) fn library(paths: &[PathBuf], prior: &Library, format: Format) -> Result<Arc<Library>, Failure> {
    let compiled = compile(&files::sources(&files::rules(paths)?), prior);
    let Some(library) = &compiled.library else {
        report(&compiled, format)?;
        return Err(Failure::new("the rules do not compile"));
    };
    Ok(Arc::new(library.clone()))
}

fn wanted(args: &Backtest) -> Result<load::Wanted, Failure> {
    Ok(load::Wanted {
        subject: args.subject.as_deref().map(Subject::new),
        from: args.from.as_deref().map(instant).transpose()?,
        to: args.to.as_deref().map(instant).transpose()?,
    })
}

fn readings(args: &Backtest, library: &Library, wanted: &load::Wanted) -> Result<Vec<Reading>, Failure> {
    if args.input == ["lake"] {
        load::from_lake(data(args)?, library, wanted)
    } else {
        let paths: Vec<&Path> = args.input.iter().map(Path::new).collect();
        load::from_files(&paths, library, wanted)
    }
}

fn data(args: &Backtest) -> Result<&Path, Failure> {
    args.data.as_deref().ok_or_else(|| Failure::usage("`--input lake` needs `--data DIR`"))
}

fn profiles(args: &Backtest, library: &Library) -> Result<Vec<ProfileChange>, Failure> {
    Ok(args.profiles.as_ref().map(|path| load::profiles(path, library)).transpose()?.unwrap_or_default())
}

fn now(args: &Backtest) -> Result<Option<Time>, Failure> {
    args.now.as_deref().map(instant).transpose()
}

fn threads(args: &Backtest) -> usize {
    args.threads.unwrap_or_else(|| std::thread::available_parallelism().map_or(1, usize::from))
}

fn outcome(args: &Backtest, history: History, wanted: &load::Wanted, actions: &[StreamIx]) -> Outcome {
    let (total, done) = (history.readings.len(), AtomicU64::new(0));
    let mut outcome = watched(total, &done, || evaluate(history, actions, threads(args), &done));
    // Of a stream that is seen under several subjects the readings of others were needed as well; what they come to was not asked for.
    if let Some(subject) = &wanted.subject {
        outcome.only(subject);
    }
    outcome
}

/// What is measured, as far as these rules know of it.
fn measuring(args: &Backtest, library: &Library) -> Result<Measuring, Failure> {
    let known = |name: &String| {
        library.schema.stream(name).ok_or_else(|| {
            Failure::usage(format!("--action {name}: the rules declare no such stream"))
                .hint(format!("say one of {}", streams(&library.schema)))
        })
    };
    let actions = if args.actions.is_empty() {
        packs::ACTIONS.iter().filter_map(|name| library.schema.stream(name)).collect()
    } else {
        args.actions.iter().map(known).collect::<Result<_, _>>()?
    };
    let lead_to = match &args.lead_to {
        None => None,
        Some(name) => Some(library.rule(name).map(|rule| rule.name.clone()).ok_or_else(|| {
            Failure::usage(format!("--lead-to {name}: there is no such rule among those that are run"))
                .hint("name a rule of `--rules`, or of the shipped packs where no `--rules` is given")
        })?),
    };
    Ok(Measuring { actions, lead_to, lead_within: Span::minutes(i64::from(args.lead_within)) })
}

fn streams(schema: &Schema) -> String {
    schema.streams.iter().map(|s| &*s.name).collect::<Vec<_>>().join(", ")
}

fn print(outcome: &Outcome, library: &Library, measuring: &Measuring, args: &Backtest) {
    let summary = || Summary::of(outcome, measuring, |rule| library.rule(rule).is_some_and(|r| r.grades.len() > 1));
    match (args.summary, args.format) {
        (false, Format::Text) => outcome.findings.iter().for_each(|f| say!("{}", output::finding_line(f))),
        (false, Format::Json) => outcome.findings.iter().for_each(|f| say!("{}", finding_json(f))),
        (true, Format::Text) => say_as_is!("{}", summary().table()),
        (true, Format::Json) => summary().json().iter().for_each(|row| say!("{row}")),
    }
    if !args.stats {
        return;
    }
    let seconds = outcome.engine_time.as_secs_f64();
    let rate = if seconds > 0.0 { outcome.readings as f64 / seconds } else { 0.0 };
    let peak = peak_memory_bytes().unwrap_or(0);
    match args.format {
        Format::Text => say!(
            "{} readings, {} findings, {seconds:.3} s in the engine, {} readings/s, {} MB at the peak",
            output::grouped(outcome.readings as u64),
            output::grouped(outcome.findings.len() as u64),
            output::grouped(rate as u64),
            peak / 1_000_000,
        ),
        Format::Json => say!(
            "{}",
            json!({"readings": outcome.readings, "findings": outcome.findings.len(), "seconds": seconds,
                "readings_per_second": rate, "peak_memory_bytes": peak})
        ),
    }
}

/// The most memory this process has held, where the system tells.
pub(super) fn peak_memory_bytes() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|l| l.starts_with("VmHWM:"))?;
    line.split_whitespace().nth(1)?.parse::<u64>().ok().map(|kib| kib * 1024)
}
