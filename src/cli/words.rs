//! What is said behind an option, where it is no plain number, text or path.

use std::num::NonZeroU32;

use vitalog_elog::Time;

use crate::failure::Failure;

/// An instant as it is given to `--at`, `--from`, `--to` and `--now`.
///
/// # Errors
/// Where it is none.
pub fn instant(text: &str) -> Result<Time, Failure> {
    Time::parse(text).map_err(|_| {
        Failure::usage(format!("{text:?} is no instant")).hint("write it like 2026-11-20T08:00:00Z, with its offset from UTC")
    })
}

/// How many subjects an answer rests on at least.
pub fn study_floor(text: &str) -> Result<NonZeroU32, String> {
    text.parse().map_err(|_| {
        "write a whole number of subjects from 1 on; with 1 rows of single subjects leave, under pseudonyms".to_owned()
    })
}
