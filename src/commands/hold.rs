//! `vitalog hold`: subjects that may not be erased, for a court or an inquiry wants what is known about them.

use serde_json::json;
use vitalog_ingest::access;

use crate::cli::{Format, Hold, HoldAction};
use crate::commands::{access_failure, subject_of};
use crate::failure::Failure;
use crate::run::{self, wall_clock};

/// Holds, lets go, or lists.
///
/// # Errors
/// Where the store can't be read or written, or it is as it should be already.
pub fn run(args: &Hold) -> Result<(), Failure> {
    // A hold in the wrong place would hold nobody.
    if !run::has_journal(&args.data) {
        return Err(Failure::usage(format!("{} is no data directory", args.data.display()))
            .hint("name the directory that `vitalog serve` was started on"));
    }
    let now = wall_clock();
    let mut store = access::open(&args.data, now).map_err(access_failure)?;
    match &args.action {
        HoldAction::Add { subject, reason } => {
            store.hold(&subject_of(subject)?, reason_of(reason)?, now).map_err(access_failure)?;
            say!("{subject} is held: it can't be erased until it is let go");
        }
        HoldAction::Release { subject, reason } => {
            store.release(&subject_of(subject)?, reason_of(reason)?, now).map_err(access_failure)?;
            say!("{subject} is held no longer");
        }
        HoldAction::List { format } => {
            for hold in store.holds().map_err(access_failure)? {
                let released = hold.released.as_ref();
                match format {
                    Format::Json => say!(
                        "{}",
                        json!({"subject": hold.subject.as_str(), "since": hold.since.to_string(), "reason": hold.reason,
                            "released": released.map(|(at, _)| at.to_string()), "released_for": released.map(|(_, why)| why)})
                    ),
                    Format::Text => match released {
                        None => say!("{}  held since {}: {}", hold.subject, hold.since, hold.reason),
                        Some((at, why)) => {
                            say!("{}  held from {} to {at}: {}; let go: {why}", hold.subject, hold.since, hold.reason);
                        }
                    },
                }
            }
        }
    }
    Ok(())
}

/// The longest reason.
const MOST: usize = 500;

fn reason_of(text: &str) -> Result<&str, Failure> {
    let text = text.trim();
    if text.is_empty() || text.chars().count() > MOST || text.chars().any(char::is_control) {
        return Err(Failure::usage(format!("a reason has 1 to {MOST} characters, on one line"))
            .hint("name the file or the order by its number; say nothing of the person"));
    }
    Ok(text)
}
