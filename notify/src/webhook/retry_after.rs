//! The `Retry-After` header (RFC 9110, section 10.2.3): seconds, or an HTTP date.

use jiff::fmt::rfc2822::DateTimeParser;
use vitalog_elog::{Span, Time};

/// The longest wait that is honoured: a receiver that asks for more is tried after this.
const LONGEST: Span = Span::hours(24);

/// How long the receiver asks to be left alone, counted from `now`; `None` where it is neither seconds nor a date. A date in the past
/// is no wait at all.
pub fn retry_after(value: &str, now: Time) -> Option<Span> {
    let value = value.trim();
    let asked = if !value.is_empty() && value.bytes().all(|b| b.is_ascii_digit()) {
        // More digits than fit ask for longer than is honoured anyway.
        value.parse::<u32>().map_or(LONGEST, |s| Span::seconds(i64::from(s)))
    } else {
        let date = DateTimeParser::new().parse_timestamp(value).ok()?;
        Time(date.as_microsecond()).since(now)
    };
    Some(asked.clamp(Span::ZERO, LONGEST))
}
