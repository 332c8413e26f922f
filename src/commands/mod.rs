//! The commands: each reads its arguments, asks the parts to do the work, and prints what came of it.

pub mod audit;
pub mod backtest;
pub mod backup;
pub mod bench;
pub mod check;
pub mod demo;
mod directory;
pub mod doctor;
pub mod erase;
pub mod explain;
pub mod export;
pub mod fmt;
pub mod hold;
pub mod ingest;
pub mod keys;
pub mod letters;
pub mod lsp;
pub mod metering;
pub mod moving;
pub mod openapi;
mod progress;
pub mod receipt;
mod remote;
pub mod rules;
pub mod serve;
pub mod sign_in;
pub mod sql;
pub mod tenant;
pub mod test;
pub mod token;
pub mod trim;
pub mod user;
pub mod why;

use token::{access_failure, limited};
use vitalog_elog::Subject;

use crate::failure::Failure;

/// The subject of a name from the command line.
fn subject_of(text: &str) -> Result<Subject, Failure> {
    if Subject::is_valid(text) {
        return Ok(Subject::new(text));
    }
    Err(Failure::usage(format!("{text:?} can't be the name of a subject"))
        .hint("a name is 1 to 64 of letters, digits and . _ : @ ~ -"))
}
