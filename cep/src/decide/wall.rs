//! The clock on a wall: when a time zone's local time first comes to a given one.

use jiff::Timestamp;
use jiff::civil::{Date, Time};
use jiff::tz::{AmbiguousOffset, TimeZone};

pub const DAY: i64 = 86_400_000_000;

/// The zone of that name; one that is not known is UTC.
pub fn zone(name: Option<&str>) -> TimeZone {
    name.and_then(|name| TimeZone::get(name).ok()).unwrap_or(TimeZone::UTC)
}

/// The local date at an instant; `None` beyond the calendar.
pub fn date(t: i64, zone: &TimeZone) -> Option<Date> {
    Some(zone.to_datetime(Timestamp::from_microsecond(t).ok()?).date())
}

/// The first instant at which the local time is that one or later: of a doubled time the first, of a skipped one the instant of the skip. `of_day` is in
/// microseconds, within a day.
pub fn first_at(date: Date, of_day: i64, zone: &TimeZone) -> Option<i64> {
    let (seconds, micros) = (of_day / 1_000_000, of_day % 1_000_000);
    let part = |n: i64| i8::try_from(n).ok();
    let time =
        Time::new(part(seconds / 3_600)?, part(seconds / 60 % 60)?, part(seconds % 60)?, i32::try_from(micros * 1_000).ok()?);
    let local = date.to_datetime(time.ok()?);
    let instant = match zone.to_ambiguous_timestamp(local).offset() {
        AmbiguousOffset::Unambiguous { offset } | AmbiguousOffset::Fold { before: offset, .. } => {
            offset.to_timestamp(local).ok()?
        }
        AmbiguousOffset::Gap { after, .. } => {
            // By the later offset the time lies before the skip.
            let before = after.to_timestamp(local).ok()?;
            zone.following(before).next()?.timestamp()
        }
    };
    Some(instant.as_microsecond())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(date: &str, minutes: i64, name: &str) -> String {
        let date: Date = date.parse().expect("a date");
        let t = first_at(date, minutes * 60_000_000, &zone(Some(name))).expect("an instant");
        Timestamp::from_microsecond(t).expect("in range").to_string()
    }

    #[test]
    fn skipped_and_doubled_times() {
        // 02:00 to 03:00 is skipped at 01:00 UTC, and doubled at 01:00 UTC.
        assert_eq!(told("2026-03-29", 150, "Europe/Berlin"), "2026-03-29T01:00:00Z");
        assert_eq!(told("2026-03-29", 180, "Europe/Berlin"), "2026-03-29T01:00:00Z");
        assert_eq!(told("2026-03-29", 119, "Europe/Berlin"), "2026-03-29T00:59:00Z");
        assert_eq!(told("2026-10-25", 150, "Europe/Berlin"), "2026-10-25T00:30:00Z");
        assert_eq!(told("2026-10-25", 180, "Europe/Berlin"), "2026-10-25T02:00:00Z");
        assert_eq!(told("2026-11-01", 90, "America/New_York"), "2026-11-01T05:30:00Z");
        // Half an hour, and a whole day.
        assert_eq!(told("2026-10-04", 135, "Australia/Lord_Howe"), "2026-10-03T15:30:00Z");
        assert_eq!(told("2011-12-30", 720, "Pacific/Apia"), "2011-12-30T10:00:00Z");
        assert_eq!(told("2026-10-25", 150, "nowhere"), "2026-10-25T02:30:00Z");
    }
}
