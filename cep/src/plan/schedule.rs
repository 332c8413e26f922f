//! Schedules: decisions at times of the subject's day.

use serde::{Deserialize, Serialize};

use super::expr::Expr;

/// `every monday at 09:00 when C`.
///
/// It fires at every instant, later than the enrolment, at which the clock on the subject's wall first comes to show one of the times, or passes over it, on
/// one of the days. Zone and times are what the profile says at that instant. Windows in its expressions end before it (`Anchor::Until`).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Schedule {
    /// Bit 0 is Monday.
    pub days: u8,
    /// Microseconds since midnight; what lies outside a day is taken around it. Unknown: not on that day.
    pub at: Vec<Expr>,
    /// Asked at the firing; unknown is no.
    pub when: Option<Expr>,
}

impl Schedule {
    pub const ALL_DAYS: u8 = 0x7f;
}
