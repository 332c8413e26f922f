//! Forms of the language that this version recognises and does not carry: each is refused by its own words, so that nobody takes it for a
//! slip of the finger.

use super::{Failed, Parser};
use crate::diagnostic::{Code, Diagnostic};
use crate::source::Loc;

/// Functions that the language has and this version does not carry.
pub const FUNCTIONS: &[(&str, &str)] = &[
    ("stddev", "standard deviation"),
    ("cv", "coefficient of variation"),
    ("median", "median"),
    ("percentile", "percentile"),
    ("slope", "least-squares slope"),
    ("rate", "rate of change"),
    ("share", "share of readings"),
    ("time_in", "time in a range"),
    ("coverage", "share of expected readings"),
    ("decayed_sum", "sum that fades"),
    ("days", "count of days"),
    ("reversals", "count of reversals"),
    ("forecast", "projection"),
    ("time_of_day", "time of day"),
    ("day_of_week", "day of the week"),
];

/// The functions that this version carries.
pub const CARRIED: &[&str] = &["count", "sum", "avg", "min", "max", "first", "last", "delta", "age"];

impl Parser<'_> {
    /// Reports that `what` is not carried; `instead` says how to do without, if there is a way.
    pub fn unavailable(&mut self, loc: Loc, what: &str, instead: &str) -> Failed {
        let mut d =
            Diagnostic::new(Code::UNAVAILABLE, format!("{what} is not available in this version"), loc, "not available yet");
        if !instead.is_empty() {
            d = d.help(instead);
        }
        self.report(d.note("it is part of the language; a later version will carry it"));
        Failed
    }
}
