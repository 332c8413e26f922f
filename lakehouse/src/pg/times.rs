//! Instants, days and spans as PostgreSQL writes them.

use jiff::civil::{Date, DateTime};
use jiff::{SignedDuration, Span};

use crate::pg::fault::Fault;

/// From 1970 to 2000, where PostgreSQL counts from.
pub const EPOCH_DAYS: i32 = 10_957;
pub const EPOCH_MICROS: i64 = 946_684_800_000_000;

const FIRST: Date = Date::constant(1970, 1, 1);

fn beyond() -> Fault {
    Fault::new("22008", "an instant before the year 1 or after the year 9999 can't be written")
        .hint("leave it out, or cast it to text")
}

/// Microseconds since 1970, with what stands behind them.
pub fn instant(micros: i64, zone: &str) -> Result<String, Fault> {
    let at = DateTime::from_parts(FIRST, jiff::civil::Time::midnight());
    let at = at.checked_add(SignedDuration::from_micros(micros)).map_err(|_| beyond())?;
    if at.year() < 1 {
        return Err(beyond());
    }
    let fraction = fraction(i64::from(at.subsec_nanosecond() / 1_000));
    Ok(format!(
        "{:04}-{:02}-{:02} {:02}:{:02}:{:02}{fraction}{zone}",
        at.year(),
        at.month(),
        at.day(),
        at.hour(),
        at.minute(),
        at.second()
    ))
}

/// Days since 1970.
pub fn date(days: i32) -> Result<String, Fault> {
    let day = Span::new().try_days(days).and_then(|span| FIRST.checked_add(span)).map_err(|_| beyond())?;
    if day.year() < 1 { Err(beyond()) } else { Ok(format!("{:04}-{:02}-{:02}", day.year(), day.month(), day.day())) }
}

/// Microseconds since midnight.
pub fn time(micros: i64) -> Result<String, Fault> {
    if !(0..=86_400_000_000).contains(&micros) {
        return Err(beyond());
    }
    Ok(clock(micros))
}

fn clock(micros: i64) -> String {
    let seconds = micros / 1_000_000;
    format!("{:02}:{:02}:{:02}{}", seconds / 3_600, seconds / 60 % 60, seconds % 60, fraction(micros % 1_000_000))
}

fn fraction(micros: i64) -> String {
    if micros == 0 { String::new() } else { format!(".{micros:06}").trim_end_matches('0').to_owned() }
}

/// In the style `postgres`: `1 mon -2 days 03:04:05`.
pub fn interval(months: i32, days: i32, micros: i64) -> String {
    let (years, months) = (months / 12, months % 12);
    let mut parts = Vec::new();
    for (count, one, many) in [(years, "year", "years"), (months, "mon", "mons"), (days, "day", "days")] {
        if count != 0 {
            parts.push(format!("{count} {}", if count == 1 { one } else { many }));
        }
    }
    if micros != 0 || parts.is_empty() {
        let sign = if micros < 0 { "-" } else { "" };
        let micros = i64::try_from(micros.unsigned_abs()).unwrap_or(i64::MAX);
        parts.push(format!("{sign}{}", clock(micros)));
    }
    parts.join(" ")
}
