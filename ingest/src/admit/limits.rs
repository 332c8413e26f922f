//! What a gateway lets in, whatever the streams.

use vitalog_elog::{Span, Time};

/// Bounds of admission.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// How far a reading's time may lie ahead of the clock: senders' clocks are never quite right.
    pub ahead: Span,
    /// The earliest time that is taken for one. A device that lost its clock begins again in 1970 or 1980.
    pub earliest: Time,
    /// The longest an interval may last.
    pub longest: Span,
    /// The longest text of a field, in bytes.
    pub text_bytes: usize,
}

impl Default for Limits {
    /// 10 minutes ahead; from 1985 on (the oldest public diabetes records are of 1988); intervals of a year; texts of 4 KiB.
    fn default() -> Limits {
        Limits { ahead: Span::minutes(10), earliest: Time(473_385_600_000_000), longest: Span::days(366), text_bytes: 4096 }
    }
}
