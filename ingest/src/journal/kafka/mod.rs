//! The journal's home in Kafka: one topic, whose first partition is the order of all groups, and whose others hold what groups say, by subject.
//!
//! ```text
//! partition 0        opening, head, head, …     which group comes when: offsets, checksum, chain, and where its parts lie
//! partition 1 … n    part, part, …              what a group says of the subjects of one partition, sealed
//! ```
//!
//! A group is written parts first; when the brokers have acknowledged them all (`acks=all`), its head is, and when that is acknowledged the group is kept. So a group is there as a whole or not
//! at all, what was cut off leaves parts that nobody points at, and there is one order in which everything came.
//!
//! INVARIANT (own place): a record of the order says at which offset it stands, and counts nowhere else. Offsets of a partition have no holes, so a writer knows the offset of what it writes
//! next; where anybody else wrote meanwhile, its record lands elsewhere, counts for nothing, and the report of its delivery says so before anything is acknowledged. So two writers can't both go on,
//! a record that comes late after all (sent, timed out, given up) is none, and one that was doubled by a retry counts once.
//!
//! Where the journal begins, once it was trimmed, stands in the order as well, and every record behind it says where: so it is where the journal is, whatever becomes of the data directory.
//!
//! Without the feature `kafka` only the settings are here, and opening says what to build.

mod fault;
mod settings;

#[cfg(feature = "kafka")]
mod begins;
#[cfg(feature = "kafka")]
mod client;
#[cfg(feature = "kafka")]
mod lanes;
#[cfg(feature = "kafka")]
mod order;
#[cfg(feature = "kafka")]
mod record;
#[cfg(feature = "kafka")]
mod setup;
#[cfg(feature = "kafka")]
mod topic;
#[cfg(feature = "kafka")]
mod writer;

use std::path::Path;

use vitalog_elog::Position;

pub use fault::Fault;
pub use settings::{Mechanism, Sasl, Settings, Tls};

use super::audit::{Audit, of_home};
use super::error::JournalError;
use super::home::{Home, Placing};
use super::mark;
use super::trim::Beginning;
use crate::keys::KekPlace;

/// Whether this program was built with it.
pub const IS_BUILT: bool = cfg!(feature = "kafka");

/// What a look at a topic saw.
#[derive(Debug)]
pub struct Seen {
    pub format: u32,
    pub end: Position,
    /// Where it ended when something was acknowledged last, as the mark says.
    pub acknowledged: Option<Position>,
    /// Where it begins, if it was trimmed.
    pub beginning: Option<Beginning>,
}

/// Looks at the journal in a topic, and changes nothing.
///
/// # Errors
/// Where the brokers can't be reached, there is none, or less is there than was acknowledged.
pub fn look(settings: &Settings, placing: Placing, path: &Path) -> Result<Seen, JournalError> {
    let acknowledged = mark::read(path);
    let home = open(settings, placing, acknowledged, false)?;
    let head = home.head()?;
    let end = Position { incarnation: home.incarnation(), next: head.next, chain: head.chain };
    if let Some(told) = acknowledged {
        mark::check(told, &end)?;
    }
    Ok(Seen { format: home.format(), end, acknowledged, beginning: home.beginning()? })
}

/// Audits the journal in a topic; its keys and its mark lie beside `path`. Nobody may be writing it.
///
/// # Errors
/// Where there is nothing to audit, or the brokers can't be reached.
pub fn audit(settings: &Settings, placing: Placing, path: &Path, kek: &KekPlace) -> Result<Audit, JournalError> {
    let home = open(settings, placing, mark::read(path), false)?;
    of_home(&*home, path, kek)
}

/// The home in a topic. It is made where it is missing, nothing was ever acknowledged of it, and it may be.
#[cfg(feature = "kafka")]
pub(super) fn open(
    settings: &Settings,
    placing: Placing,
    acknowledged: Option<Position>,
    may_make: bool,
) -> Result<Box<dyn Home>, JournalError> {
    Ok(Box::new(topic::Topic::open(settings, placing, acknowledged, may_make)?))
}

#[cfg(not(feature = "kafka"))]
pub(super) fn open(_: &Settings, _: Placing, _: Option<Position>, _: bool) -> Result<Box<dyn Home>, JournalError> {
    Err(Fault::NotBuilt.into())
}
