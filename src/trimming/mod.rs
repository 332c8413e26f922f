//! How far the journal may be let go: what is past its retention, as far as nothing needs it any more.
//!
//! | what must be there first | why |
//! |---|---|
//! | two whole snapshots, read through with all that they need | a start goes on from one; losing one file must not lose the house |
//! | views, outbox and lake, on stable storage | they can't be fed from what is gone |
//! | accounts that are equal at every stage | what differs could be made again from the journal until now |
//! | nobody who is held by law, in what goes | it may have to be shown |
//! | no erasure that waits, and no subjects that share readings | to erase one of these takes a replay of everything |
//!
//! INVARIANT (nothing is needed twice): what goes is needed by no start, erasure or sink from then on. What stands in the way is named, and the journal is let go up to there.

mod closed;
mod served;

use std::collections::BTreeSet;
use std::fs::File;
use std::path::Path;

use serde_json::{Value, json};
use vitalog_elog::{Subject, Time};
use vitalog_ingest::journal::{About, Journal, JournalError};
use vitalog_lakehouse::Policy;

pub use closed::{Trimmed, trim};
pub use served::Trimmer;

use crate::backup::Source;
use crate::failure::Failure;

/// What is looked through of the journal at a time: so long, at most, a server's journal waits.
const LOOK: u64 = 1 << 20;

/// What a directory has, by which the journal may go.
pub struct Standing {
    /// How far each sink has come, on stable storage.
    pub sinks: Vec<(&'static str, u64)>,
    /// The whole snapshots that a start could go on from, the newest first.
    pub bases: Vec<u64>,
    /// Subjects share readings.
    pub shares: bool,
    pub held: BTreeSet<Subject>,
    pub is_erasing: bool,
}

/// What keeps some of the journal that is past.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Obstacle {
    /// A sink has come to there only.
    Sink(&'static str, u64),
    /// There is no second snapshot behind that offset.
    Snapshots(u64),
    Shares,
    Erasing,
    /// Somebody is held, and the first that is about them stands there.
    Held(u64),
    /// A stage differs from the journal.
    Differs,
}

/// How far it may go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// Where it begins now.
    pub from: u64,
    /// Where it may begin.
    pub to: u64,
    /// Where it would begin if only time counted.
    pub past: u64,
    pub obstacles: Vec<Obstacle>,
}

/// # Errors
/// Where the journal can't be read.
pub fn plan(source: &impl Source, standing: &Standing, before: Time) -> Result<Plan, Failure> {
    let border = |limit: u64| ask(source, move |journal| journal.border(before, limit));
    let from = source.with(|journal| journal.first())?;
    let past = border(u64::MAX)?;
    let mut obstacles = Vec::new();
    let mut limit = past;
    let mut keep = |at: u64, obstacle: Obstacle| {
        if at < past {
            limit = limit.min(at);
            obstacles.push(obstacle);
        }
    };
    if standing.shares {
        keep(from, Obstacle::Shares);
    }
    if standing.is_erasing {
        keep(from, Obstacle::Erasing);
    }
    let second = standing.bases.get(1).copied().unwrap_or(from);
    keep(second, Obstacle::Snapshots(second));
    for (name, next) in &standing.sinks {
        keep(*next, Obstacle::Sink(name, *next));
    }
    let mut to = border(limit.max(from))?;
    if let Some(at) = first_about(source, &standing.held, from, to)? {
        obstacles.push(Obstacle::Held(at));
        to = at;
    }
    Ok(Plan { from, to, past, obstacles })
}

/// The first group that is about somebody who is held.
fn first_about(source: &impl Source, held: &BTreeSet<Subject>, from: u64, to: u64) -> Result<Option<u64>, Failure> {
    let mut next = from;
    while next < to && !held.is_empty() {
        let held = held.clone();
        match ask(source, move |journal| journal.first_about(&held, next, to, LOOK))? {
            About::Begins(at) => return Ok(Some(at)),
            About::NoneBefore(at) => next = at,
        }
    }
    Ok(None)
}

fn ask<T: Send + 'static>(
    source: &impl Source,
    question: impl FnOnce(&Journal) -> Result<T, JournalError> + Send + 'static,
) -> Result<T, Failure> {
    source.with(question)?.map_err(|e| Failure::new(format!("journal: {e}")))
}

impl Obstacle {
    /// What it is, and what to do about it.
    pub fn said(&self) -> String {
        match self {
            Obstacle::Sink(name, next) => {
                format!("the {name} has come to offset {next} only: start the server and stop it in order")
            }
            Obstacle::Snapshots(_) => {
                "a second whole snapshot is missing behind it: the server writes one when it has taken more in".to_owned()
            }
            Obstacle::Shares => {
                "subjects share readings, so nobody could be erased any more without a replay of everything".to_owned()
            }
            Obstacle::Erasing => "an erasure waits: start the server, which makes it".to_owned(),
            Obstacle::Held(at) => {
                format!("somebody is held by law, and what is about them begins at offset {at}: vitalog hold list")
            }
            Obstacle::Differs => "a stage has not what the journal has: vitalog audit --repair".to_owned(),
        }
    }

    /// A stable name for programs.
    pub fn name(&self) -> &'static str {
        match self {
            Obstacle::Sink(name, _) => name,
            Obstacle::Snapshots(_) => "snapshots",
            Obstacle::Shares => "shared_readings",
            Obstacle::Erasing => "erasure",
            Obstacle::Held(_) => "hold",
            Obstacle::Differs => "accounts",
        }
    }

    pub fn as_json(&self) -> Value {
        json!({"what": self.name(), "said": self.said()})
    }
}

/// For how long a journal is kept, as it is said on the command line or noted.
///
/// # Errors
/// Where it is no time, or of some streams only.
pub fn limit(texts: &[&str]) -> Result<Policy, Failure> {
    let policy = Policy::parse(texts.iter().copied())
        .map_err(|e| Failure::usage(format!("--retain-journal: {}", e.said)).hint(e.remedy))?;
    if policy.of.is_empty() {
        return Ok(policy);
    }
    let said = format!("--retain-journal: {:?} names a stream, and a journal goes as a whole", texts.join(" "));
    Err(Failure::usage(said).hint("write one time, as in 24months, 2years or forever"))
}

/// What a database that is written without waiting for the disk has committed is on stable storage when this returns.
///
/// # Errors
/// What the file system says.
pub fn synced(database: &Path) -> Result<(), Failure> {
    let mut log = database.as_os_str().to_owned();
    log.push("-wal");
    for path in [Path::new(&log), database] {
        match File::open(path) {
            Ok(file) => file.sync_all()?,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}
