//! Trimming the journal of a directory that no server holds.
//!
//! First it is opened as a server would, so that every stage has all of the journal, and accounts are taken. Then it is closed, and what stands is read from the files alone.

use std::path::Path;

use vitalog_elog::Time;
use vitalog_elog::accounting::Scope;
use vitalog_lakehouse::Policy;

use super::{Obstacle, Plan, Standing, plan, synced};
use crate::accounting::of_directory;
use crate::backup::{Held, Source};
use crate::failure::Failure;
use crate::run::{Bases, ELSEWHERE, FLOOR, RetentionNote, free, has_journal, held_by_law, is_erasing, sinks};

/// What a sweep removes at a time.
const SWEEP: u64 = 8 << 20;

/// What came of it.
#[derive(Debug)]
pub struct Trimmed {
    pub plan: Plan,
    /// Up to when what arrived is past; `None`: nothing ever is.
    pub before: Option<Time>,
    /// Groups that went, this time or left over from one that was cut short.
    pub groups: u64,
    /// What the journal's file took before, and takes now; `None` of a topic, which brokers keep.
    pub bytes: Option<[u64; 2]>,
    /// Whether its room was given back; else what comes uses it again.
    pub gave_back: bool,
}

/// Trims it, or says only how far it could be (`is_dry`). Without a time for which it is kept, that which is noted holds.
///
/// # Errors
/// Where it is none, is held or damaged, or nothing says for how long it is kept.
pub async fn trim(data: &Path, keep: Option<Policy>, now: Time, is_dry: bool) -> Result<Trimmed, Failure> {
    if !has_journal(data) {
        return Err(Failure::usage(format!("{} is no data directory", data.display())));
    }
    let Some(keep) = keep.or(RetentionNote::read(data)?.journal()) else {
        return Err(Failure::usage("nothing says for how long the journal is kept")
            .hint("say --retain-journal TIME, as in 24months; or start the server with it once, which notes it"));
    };
    let before = keep.since(now);
    let report = of_directory(data, &Scope::default()).await?;
    let mut directory = Held::open(data)?;
    let standing = standing(&directory).await?;
    // Nothing ever arrived before that.
    let mut plan = plan(&directory, &standing, before.unwrap_or(Time::MIN))?;
    if !report.is_equal() && plan.to > plan.from {
        plan.to = plan.from;
        plan.obstacles.push(Obstacle::Differs);
    }
    let size = || std::fs::metadata(data.join("journal.db")).map_or(0, |file| file.len());
    let bytes = (!data.join(ELSEWHERE).is_file()).then(|| [size(); 2]);
    let mut done = Trimmed { before, groups: 0, bytes, gave_back: true, plan };
    if is_dry {
        return Ok(done);
    }
    let failed = |e| Failure::new(format!("journal: {e}"));
    let journal = directory.journal_mut();
    journal.trim(done.plan.to, now).map_err(failed)?;
    loop {
        let swept = journal.sweep(SWEEP).map_err(failed)?;
        done.groups += swept.groups;
        if swept.is_done {
            break;
        }
    }
    if done.groups > 0 && !journal.gives_back().map_err(failed)? {
        // What is left, once in the log and once in the file.
        done.gave_back = free(data)? > size().saturating_mul(2).saturating_add(FLOOR);
        if done.gave_back {
            journal.write_anew().map_err(failed)?;
        }
    }
    drop(directory);
    done.bytes = done.bytes.map(|[was, _]| [was, size()]);
    Ok(done)
}

/// What stands in a closed directory.
async fn standing(directory: &Held) -> Result<Standing, Failure> {
    let (folder, journal) = (directory.directory(), directory.journal());
    let (sinks, schema) = sinks(folder, journal).await?;
    for database in [folder.views(), folder.outbox()] {
        synced(&database)?;
    }
    let least = sinks.iter().map(|(_, next)| *next).min().unwrap_or(0);
    Ok(Standing {
        bases: Bases::of(folder)?.found_or_laid(least, |position| journal.has(position))?,
        sinks,
        shares: schema.shares(),
        held: held_by_law(directory.data())?,
        is_erasing: is_erasing(directory.data())?,
    })
}
