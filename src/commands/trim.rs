//! `vitalog trim`: lets go of what is past the journal's retention.

use std::time::Duration;

use serde_json::{Value, json};

use crate::cli::{Format, Trim};
use crate::failure::Failure;
use crate::output::grouped;
use crate::run::wall_clock;
use crate::trimming::{Trimmed, limit, trim};

/// Trims and prints.
///
/// # Errors
/// Status 1 where the directory is not as it must be, 2 where the command is used wrongly.
pub fn run(args: &Trim) -> Result<(), Failure> {
    let keep = args.retain_journal.as_deref().map(|text| limit(&[text])).transpose()?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let done = runtime.block_on(trim(&args.data, keep, wall_clock(), args.dry_run));
    runtime.shutdown_timeout(Duration::from_secs(5));
    let done = done?;
    match args.format {
        Format::Json => say!("{}", as_json(&done, args.dry_run)),
        Format::Text => as_text(&done, args.dry_run),
    }
    Ok(())
}

fn as_text(done: &Trimmed, is_dry: bool) {
    let plan = &done.plan;
    match done.before {
        None => say!("the journal is kept for ever"),
        Some(before) => say!("what arrived before {before} is past: {} inputs", grouped(plan.past - plan.from)),
    }
    let gone = grouped(plan.to - plan.from);
    match (is_dry, plan.to > plan.from) {
        (true, _) => say!("{gone} inputs can go; the journal would begin at offset {}", grouped(plan.to)),
        (false, true) => say!("{gone} inputs went; the journal begins at offset {}", grouped(plan.to)),
        (false, false) if done.groups > 0 => say!("what a former trim left lying went"),
        (false, false) => say!("nothing went; the journal begins at offset {}", grouped(plan.to)),
    }
    plan.obstacles.iter().for_each(|obstacle| say!("kept: {}", obstacle.said()));
    match done.bytes {
        Some([before, after]) if done.groups > 0 => say!("{} bytes before, {} after", grouped(before), grouped(after)),
        None if done.groups > 0 => say!("the brokers give its room back file by file (docs/kafka.md)"),
        _ => {}
    }
    if !done.gave_back {
        say!("there is too little room to write the file anew: it keeps its size, and what comes uses the room again");
    }
}

fn as_json(done: &Trimmed, is_dry: bool) -> Value {
    let plan = &done.plan;
    json!({
        "dry_run": is_dry,
        "before": done.before.map(|at| at.to_string()),
        "began": plan.from,
        "begins": plan.to,
        "past": plan.past,
        "kept_by": plan.obstacles.iter().map(|obstacle| obstacle.as_json()).collect::<Vec<_>>(),
        "groups": done.groups,
        "bytes_before": done.bytes.map(|[before, _]| before),
        "bytes_after": done.bytes.map(|[_, after]| after),
        "gave_back": done.bytes.map(|_| done.gave_back),
    })
}
