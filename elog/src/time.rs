//! Event time and spans of it, in whole microseconds.
//!
//! A [`Time`] is an instant on the UTC time line without leap seconds; a [`Span`] is the distance of two. Integers, so that no
//! sum of spans depends on the order in which it was made.

use std::fmt;
use std::ops::{Add, Neg, Sub};

use serde::{Deserialize, Serialize};

/// An instant, in microseconds since 1970-01-01T00:00:00Z.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, Default)]
pub struct Time(pub i64);

/// A distance in time, in microseconds; may be negative.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, Default)]
pub struct Span(pub i64);

/// Why a text is not an instant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TimeError {
    /// It does not say where on earth, so it is no instant.
    NoZone,
    /// It is not an RFC 3339 date and time.
    Malformed,
}

impl Time {
    /// The earliest and the latest representable instants; saturated arithmetic ends here.
    pub const MIN: Time = Time(i64::MIN);
    pub const MAX: Time = Time(i64::MAX);

    /// Reads an RFC 3339 instant. Digits finer than a microsecond are cut off.
    ///
    /// # Errors
    /// [`TimeError::NoZone`] for a civil time without an offset, else [`TimeError::Malformed`].
    pub fn parse(text: &str) -> Result<Time, TimeError> {
        if let Some(fast) = parse_common(text.as_bytes()) {
            return Ok(fast);
        }
        match text.parse::<jiff::Timestamp>() {
            // Towards the past also before 1970, where cutting digits off would round up.
            Ok(t) => Ok(Time(t.as_nanosecond().div_euclid(1_000) as i64)),
            Err(_) if text.parse::<jiff::civil::DateTime>().is_ok() => Err(TimeError::NoZone),
            Err(_) => Err(TimeError::Malformed),
        }
    }

    /// Milliseconds since the epoch, as many device APIs send them.
    pub fn from_millis(ms: i64) -> Time {
        Time(ms.saturating_mul(1_000))
    }

    pub fn micros(self) -> i64 {
        self.0
    }

    /// `self - earlier`, saturating.
    pub fn since(self, earlier: Time) -> Span {
        Span(self.0.saturating_sub(earlier.0))
    }
}

/// `YYYY-MM-DDThh:mm:ss[.f…](Z|±hh:mm)`: the form nearly every device sends, read without the general parser.
fn parse_common(b: &[u8]) -> Option<Time> {
    let digit = |i: usize| -> Option<i64> { b.get(i).filter(|c| c.is_ascii_digit()).map(|c| i64::from(c - b'0')) };
    let two = |i: usize| -> Option<i64> { Some(digit(i)? * 10 + digit(i + 1)?) };
    let at = |i: usize, c: u8| -> Option<()> { (b.get(i) == Some(&c)).then_some(()) };
    let year = two(0)? * 100 + two(2)?;
    at(4, b'-')?;
    let month = two(5)?;
    at(7, b'-')?;
    let day = two(8)?;
    at(10, b'T')?;
    let hour = two(11)?;
    at(13, b':')?;
    let minute = two(14)?;
    at(16, b':')?;
    let second = two(17)?;
    let mut i = 19;
    let mut micros = 0;
    if b.get(i) == Some(&b'.') {
        i += 1;
        let first = i;
        let mut unit = 100_000;
        while let Some(d) = digit(i) {
            micros += d * unit;
            unit /= 10;
            i += 1;
        }
        if i == first {
            return None;
        }
    }
    let offset_minutes = match b.get(i)? {
        b'Z' if b.len() == i + 1 => 0,
        sign @ (b'+' | b'-') if b.len() == i + 6 => {
            at(i + 3, b':')?;
            let (h, m) = (two(i + 1)?, two(i + 4)?);
            if h > 23 || m > 59 {
                return None;
            }
            if *sign == b'-' { -(h * 60 + m) } else { h * 60 + m }
        }
        _ => return None,
    };
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let days_in_month = match month {
        2 if leap => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => return None,
    };
    if day < 1 || day > days_in_month || hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    // Days since the epoch by the civil calendar, counting years from March so that the leap day comes last.
    let y = if month <= 2 { year - 1 } else { year };
    let era = y.div_euclid(400);
    let year_of_era = y.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let days = era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468;
    let seconds = days * 86_400 + hour * 3_600 + (minute - offset_minutes) * 60 + second;
    Some(Time(seconds * 1_000_000 + micros))
}

impl Span {
    pub const ZERO: Span = Span(0);
    pub const MAX: Span = Span(i64::MAX);

    pub const fn seconds(n: i64) -> Span {
        Span(n * 1_000_000)
    }
    pub const fn minutes(n: i64) -> Span {
        Span::seconds(n * 60)
    }
    pub const fn hours(n: i64) -> Span {
        Span::minutes(n * 60)
    }
    /// Days of exactly 24 hours; a calendar day in a time zone is something else.
    pub const fn days(n: i64) -> Span {
        Span::hours(n * 24)
    }
    pub fn micros(self) -> i64 {
        self.0
    }
}

impl Add<Span> for Time {
    type Output = Time;
    fn add(self, s: Span) -> Time {
        Time(self.0.saturating_add(s.0))
    }
}

impl Sub<Span> for Time {
    type Output = Time;
    fn sub(self, s: Span) -> Time {
        Time(self.0.saturating_sub(s.0))
    }
}

impl Add for Span {
    type Output = Span;
    fn add(self, s: Span) -> Span {
        Span(self.0.saturating_add(s.0))
    }
}

impl Neg for Span {
    type Output = Span;
    fn neg(self) -> Span {
        Span(self.0.saturating_neg())
    }
}

/// RFC 3339 in UTC, with a fraction only where there is one.
impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match jiff::Timestamp::from_microsecond(self.0) {
            Ok(t) => write!(f, "{t}"),
            Err(_) => write!(f, "{} us", self.0),
        }
    }
}

impl fmt::Debug for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// As it reads aloud: `1 d 2 h`, `15 min`, `2.5 s`.
impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0 == 0 {
            return f.write_str("0 s");
        }
        let mut rest = self.0.unsigned_abs();
        let mut lead = if self.0 < 0 { "-" } else { "" };
        for (size, name) in [(86_400_000_000, "d"), (3_600_000_000, "h"), (60_000_000, "min")] {
            if rest >= size {
                write!(f, "{lead}{} {name}", rest / size)?;
                rest %= size;
                lead = " ";
            }
        }
        if rest > 0 {
            let (whole, micros) = (rest / 1_000_000, rest % 1_000_000);
            if micros == 0 {
                write!(f, "{lead}{whole} s")?;
            } else {
                let fraction = format!("{micros:06}");
                write!(f, "{lead}{whole}.{} s", fraction.trim_end_matches('0'))?;
            }
        }
        Ok(())
    }
}

impl fmt::Debug for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
