//! The alarms as bytes: versioned, and with a checksum, so that a torn or foreign snapshot is refused instead of believed.
//!
//! Layout: 8 bytes of magic, the format's version as a little-endian `u16`, 16 bytes of BLAKE3 over all the rest, the state in postcard.

use std::collections::BTreeSet;
use std::fmt;

use vitalog_elog::MatchId;
use vitalog_elog::id::digest;

use super::{Notifier, State};
use crate::config::Config;

const MAGIC: &[u8; 8] = b"vtlg-ntf";
const VERSION: u16 = 3;
const HEAD: usize = MAGIC.len() + 2 + 16;

/// Why a snapshot was refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SnapshotError {
    /// It is not a snapshot of the alarms.
    Foreign,
    /// Another version of this program wrote it.
    Version(u16),
    /// It is not what was written.
    Damaged,
}

impl fmt::Display for SnapshotError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            SnapshotError::Foreign => f.write_str("this is no snapshot of alarms; restore an older one, or replay the journal"),
            SnapshotError::Version(found) => {
                write!(f, "the snapshot of alarms has format {found}, and this program reads {VERSION}; replay the journal")
            }
            SnapshotError::Damaged => {
                f.write_str("the snapshot of alarms is damaged; restore an older one, or replay the journal")
            }
        }
    }
}

impl std::error::Error for SnapshotError {}

impl Notifier {
    /// Everything but the configuration.
    pub fn snapshot(&self) -> Vec<u8> {
        written(&self.state)
    }

    /// A snapshot as if there had never been these findings.
    ///
    /// # Errors
    /// Where the bytes are not a snapshot that this program wrote.
    pub fn without(bytes: &[u8], findings: &[MatchId]) -> Result<Vec<u8>, SnapshotError> {
        let gone: BTreeSet<MatchId> = findings.iter().copied().collect();
        let mut state = read(bytes)?;
        state.alarms.retain(|id, _| !gone.contains(id));
        state.underway.retain(|_, (id, _)| !gone.contains(id));
        Ok(written(&state))
    }

    /// Goes on from a snapshot. Under another configuration than it was taken with, endpoints that are gone are told nothing more, and new
    /// ones hear of what opens, and of steps that fall due, from here on.
    ///
    /// # Errors
    /// Where the bytes are not a snapshot that this program wrote.
    pub fn restore(bytes: &[u8], config: Config) -> Result<Notifier, SnapshotError> {
        Ok(Notifier::with_state(config, read(bytes)?))
    }
}

fn written(state: &State) -> Vec<u8> {
    // Maps, numbers and texts of bounded depth: postcard refuses none of them.
    let state = postcard::to_stdvec(state).expect("the state of alarms is plain data");
    let mut out = Vec::with_capacity(HEAD + state.len());
    out.extend_from_slice(MAGIC);
    out.extend_from_slice(&VERSION.to_le_bytes());
    out.extend_from_slice(&checksum(VERSION, &state).to_le_bytes());
    out.extend_from_slice(&state);
    out
}

fn read(bytes: &[u8]) -> Result<State, SnapshotError> {
    let rest = bytes.strip_prefix(MAGIC).ok_or(SnapshotError::Foreign)?;
    let (version, rest) = rest.split_first_chunk::<2>().ok_or(SnapshotError::Damaged)?;
    let version = u16::from_le_bytes(*version);
    if version != VERSION {
        return Err(SnapshotError::Version(version));
    }
    let (sum, state) = rest.split_first_chunk::<16>().ok_or(SnapshotError::Damaged)?;
    if u128::from_le_bytes(*sum) != checksum(version, state) {
        return Err(SnapshotError::Damaged);
    }
    postcard::from_bytes(state).map_err(|_| SnapshotError::Damaged)
}

fn checksum(version: u16, state: &[u8]) -> u128 {
    digest(b"alarms", &[&version.to_le_bytes(), state])
}
