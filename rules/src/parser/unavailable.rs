//! Forms of the language that this version recognises and does not carry: each is refused by its own words, so that nobody takes it for a
//! slip of the finger.

use super::{Failed, Parser};
use crate::diagnostic::{Code, Diagnostic};
use crate::source::Loc;

/// The functions of the language.
pub const FUNCTIONS: &[&str] = &[
    "count",
    "sum",
    "avg",
    "min",
    "max",
    "first",
    "last",
    "delta",
    "stddev",
    "cv",
    "median",
    "percentile",
    "slope",
    "rate",
    "share",
    "time_in",
    "coverage",
    "decayed_sum",
    "days",
    "reversals",
    "forecast",
    "age",
    "time_of_day",
    "day_of_week",
];

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
