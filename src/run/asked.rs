//! Erasures that a running server was asked for: made between two of its rounds, while nobody holds the data directory.
//!
//! INVARIANT (asked is made): what was acknowledged waits in the store of accounts until it is made or can't be; a start makes it before anything else, so a crash between the two loses nothing.

use std::path::Path;

use serde::{Deserialize, Serialize};
use vitalog_ingest::access;

use super::clock;
use super::directory::has_journal;
use super::erasing::{NotErased, Unknown, erase};
use crate::failure::Failure;

/// What came of an erasure, as it is kept: it names nobody.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum Outcome {
    Done {
        keys: usize,
        deliveries: usize,
        kek_exchanged: bool,
        made_again: Vec<String>,
    },
    /// One of the subjects is held by law now.
    Held,
    /// One of them is named in clear by groups of a former format.
    InClear,
}

/// Makes the erasures that wait in a data directory; how many of them failed.
///
/// # Errors
/// Where the store can't be read or written. An erasure that fails goes on waiting, and is said in the log.
pub fn erase_asked(data: &Path) -> Result<usize, Failure> {
    if !has_journal(data) || !data.join("access.db").is_file() {
        return Ok(0);
    }
    let mut failed = 0;
    let store = |e: access::AccessError| Failure::new(e.to_string());
    for (number, subjects) in access::open(data, clock::wall()).and_then(|open| open.waiting_erasures()).map_err(store)? {
        let outcome = match erase(data, &subjects, Unknown::PassOver) {
            Ok(done) => Outcome::Done {
                keys: done.keys,
                deliveries: done.deliveries,
                kek_exchanged: done.exchanged,
                made_again: done.removed.iter().map(|what| (*what).to_owned()).collect(),
            },
            Err(NotErased::Held(_)) => Outcome::Held,
            Err(NotErased::InClear(_)) => Outcome::InClear,
            Err(NotErased::Failed(error)) => {
                tracing::error!(number, %error, "an erasure failed; it waits, and is tried again");
                failed += 1;
                continue;
            }
        };
        tracing::info!(number, ?outcome, "an erasure that was asked for has ended");
        let outcome = serde_json::to_string(&outcome).map_err(|e| Failure::new(format!("the outcome can't be written: {e}")))?;
        access::open(data, clock::wall())
            .and_then(|mut open| open.end_erasure(number, &outcome, clock::wall()))
            .map_err(store)?;
    }
    Ok(failed)
}
