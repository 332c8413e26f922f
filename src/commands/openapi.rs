//! `vitalog openapi`: the HTTP API, described.

use crate::server::openapi::text;

/// Prints it.
pub fn run() {
    say!("{}", text());
}
