//! `vitalog openapi`: the HTTP API, described.

use crate::failure::Failure;
use crate::server::openapi::document;

/// Prints it.
///
/// # Errors
/// Where it can't be written.
pub fn run() -> Result<(), Failure> {
    let text = document().to_pretty_json().map_err(|e| Failure::new(format!("the description can't be written: {e}")))?;
    say!("{text}");
    Ok(())
}
