//! Backups: what can't be made again, copied while it is written, and put back.
//!
//! | file | has |
//! |---|---|
//! | `manifest.json` | which journal, up to where, and length and checksum of every other file |
//! | `journal.db` | the journal up to the position at which the backup began, sealed as it is |
//! | `access.db`, `partitions`, `retention.json` | who may come in, into how many parts subjects are split, and for how long what can be asked for is kept |
//!
//! Views, lake, outbox and snapshots are made again from the journal, unless it was trimmed: then they are in the backup, too ([`state`]). Keys are no part of it: they are copied to a place of their own, and only the newest copy is kept, so that what is
//! erased is erased in every backup.
//!
//! INVARIANT (nothing or whole): a backup, and what is restored, is put together beside its place under another name, synced, and moved there. Whoever is killed half way leaves that name
//! alone, and the next takes it away.
//!
//! It refuses to restore what is not what was backed up, naming the file.

mod draft;
mod make;
mod manifest;
mod restore;
mod source;
mod state;

pub use make::{Keyed, Made, Source, make};
pub use restore::restore;
pub use source::{Held, Running};

use std::path::PathBuf;

use serde::Serialize;
use utoipa::ToSchema;

use crate::run::RETENTION;

/// The journal's file in a backup, as in a data directory.
const JOURNAL: &str = "journal.db";
/// Who may come in. It may be written while it is copied.
const ACCESS: &str = "access.db";
/// What is copied as it is, where it is there.
const AS_THEY_ARE: [&str; 2] = ["partitions", RETENTION];
/// What a copy of the keys is made of.
const KEYS: &str = "keys.db";
const KEK: &str = "kek";

/// What was made, for programs.
#[derive(Serialize, ToSchema)]
pub struct BackupMade {
    #[schema(value_type = String)]
    path: PathBuf,
    /// It has the journal up to here.
    position: u64,
    bytes: u64,
    made: String,
    /// Where the keys were copied to; `null`: they were not.
    #[schema(value_type = Option<String>)]
    keys: Option<PathBuf>,
    /// Whether the key of the keys lies beside them.
    kek: bool,
    took_s: f64,
}

impl From<&Made> for BackupMade {
    fn from(made: &Made) -> BackupMade {
        let (keys, kek) = match &made.keys {
            Keyed::Not => (None, false),
            Keyed::Whole(path) => (Some(path), true),
            Keyed::WithoutKek(path) => (Some(path), false),
        };
        BackupMade {
            path: made.path.clone(),
            position: made.manifest.position,
            bytes: made.manifest.bytes(),
            made: made.manifest.made.clone(),
            keys: keys.cloned(),
            kek,
            took_s: made.took.as_secs_f64(),
        }
    }
}
