//! `vitalog backtest`: what rules find in a history of readings, from files or from the lake.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::json;
use vitalog_cep::plan::Library;
use vitalog_elog::Subject;
use vitalog_rules::compile;
use vitalog_rules::why::finding_json;

use crate::cli::{Backtest, Format, instant};
use crate::commands::check::report;
use crate::failure::Failure;
use crate::offline::backtest::{History, Outcome, run as evaluate};
use crate::offline::load;
use crate::offline::summary::Summary;
use crate::{files, output};

/// Prints one line per finding.
///
/// # Errors
/// Where rules, readings or profiles can't be read.
pub fn run(args: &Backtest) -> Result<(), Failure> {
    let compiled = compile(&files::sources(&files::rules(&args.rules)?), &Library::default());
    let Some(library) = &compiled.library else {
        report(&compiled, args.format)?;
        return Err(Failure::new("the rules do not compile"));
    };
    let library = Arc::new(library.clone());
    let wanted = load::Wanted {
        subject: args.subject.as_deref().map(Subject::new),
        from: args.from.as_deref().map(instant).transpose()?,
        to: args.to.as_deref().map(instant).transpose()?,
    };
    let readings = if args.input == ["lake"] {
        let data = args.data.as_deref().ok_or_else(|| Failure::usage("`--input lake` needs `--data DIR`"))?;
        load::from_lake(data, &library, &wanted)?
    } else {
        let paths: Vec<&Path> = args.input.iter().map(Path::new).collect();
        load::from_files(&paths, &library, &wanted)?
    };
    let profiles = args.profiles.as_ref().map(|path: &PathBuf| load::profiles(path, &library)).transpose()?.unwrap_or_default();
    let now = args.now.as_deref().map(instant).transpose()?;
    let threads = args.threads.unwrap_or_else(|| std::thread::available_parallelism().map_or(1, usize::from));
    let mut outcome = evaluate(History { library, readings, profiles, now }, threads);
    // Of a stream that is seen under several subjects the readings of others were needed as well; what they come to was not asked for.
    if let Some(subject) = &wanted.subject {
        outcome.only(subject);
    }
    print(&outcome, args);
    Ok(())
}

fn print(outcome: &Outcome, args: &Backtest) {
    match (args.summary, args.format) {
        (false, Format::Text) => outcome.findings.iter().for_each(|f| println!("{}", output::finding_line(f))),
        (false, Format::Json) => outcome.findings.iter().for_each(|f| println!("{}", finding_json(f))),
        (true, Format::Text) => print!("{}", Summary::of(outcome).table()),
        (true, Format::Json) => Summary::of(outcome).json().iter().for_each(|row| println!("{row}")),
    }
    if !args.stats {
        return;
    }
    let seconds = outcome.engine_time.as_secs_f64();
    let rate = if seconds > 0.0 { outcome.readings as f64 / seconds } else { 0.0 };
    let peak = peak_memory_bytes().unwrap_or(0);
    match args.format {
        Format::Text => println!(
            "{} readings, {} findings, {seconds:.3} s in the engine, {} readings/s, {} MB at the peak",
            output::grouped(outcome.readings as u64),
            output::grouped(outcome.findings.len() as u64),
            output::grouped(rate as u64),
            peak / 1_000_000,
        ),
        Format::Json => println!(
            "{}",
            json!({"readings": outcome.readings, "findings": outcome.findings.len(), "seconds": seconds,
                "readings_per_second": rate, "peak_memory_bytes": peak})
        ),
    }
}

/// The most memory this process has held, where the system tells.
fn peak_memory_bytes() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|l| l.starts_with("VmHWM:"))?;
    line.split_whitespace().nth(1)?.parse::<u64>().ok().map(|kib| kib * 1024)
}
