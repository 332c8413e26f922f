//! Schedules as written.

use super::{Duration, Expr};
use crate::source::Loc;

/// `every monday, thursday at 09:00`, `every 2 h`.
#[derive(Clone, Debug)]
pub enum Schedule {
    At {
        /// Bit 0 is Monday.
        days: u8,
        times: Vec<TimeOfDay>,
    },
    /// From midnight on.
    Each(Duration),
}

/// A time of the day.
#[derive(Clone, Debug)]
pub enum TimeOfDay {
    /// `09:00`: microseconds since midnight.
    Clock { micros: i64, loc: Loc },
    /// `profile.basal_time + 4 h`.
    Value(Expr),
}
