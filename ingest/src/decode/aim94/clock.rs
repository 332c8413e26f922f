//! The clock of the rows: `MM-DD-YYYY` and `H:MM`, as it hung on the subject's wall.
//!
//! Nothing says in which zone, nor whether it was put forward in summer; diaries on paper have but four times, 08:00, 12:00, 18:00 and 22:00, for
//! breakfast, lunch, supper and bedtime. So the clock is read as if it were UTC: the time of day, which rules ask for, is the one that was written (the profile's
//! time zone stays UTC), spans are right but over a change of clocks, and no hour of a spring night is refused or doubled.

use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use vitalog_elog::{Refusal, Time};

/// The instant of a row.
///
/// # Errors
/// Where the row does not say it, or says none that exists.
pub(super) fn instant(date: &str, time: &str) -> Result<Time, Refusal> {
    if date.is_empty() {
        let message = "the row has no date";
        return Err(Refusal::of(
            "missing",
            "date",
            date,
            message,
            "see what the diary says: the date of the row before is not taken for it",
        ));
    }
    let bad = |field: &str, value: &str, message: &str| {
        Refusal::of("malformed_time", field, value, message, "write it as MM-DD-YYYY and H:MM, with a tab between")
    };
    let [month, day, year] = numbers(date, '-', [1..=2, 1..=2, 4..=4]).ok_or_else(|| bad("date", date, "it is no date"))?;
    let [hour, minute] = numbers(time, ':', [1..=2, 1..=2]).ok_or_else(|| bad("time", time, "it is no time of day"))?;
    let small = |n: i16| i8::try_from(n).unwrap_or(i8::MAX);
    DateTime::new(year, small(month), small(day), small(hour), small(minute), 0, 0)
        .and_then(|civil| TimeZone::UTC.to_timestamp(civil))
        .map(|t| Time(t.as_microsecond()))
        .map_err(|_| bad("date", &format!("{date} {time}"), "there is no such day or time"))
}

/// As many numbers as are expected, each with as many digits.
fn numbers<const N: usize>(text: &str, by: char, digits: [std::ops::RangeInclusive<usize>; N]) -> Option<[i16; N]> {
    let mut numbers = [0; N];
    let mut parts = text.split(by);
    for (number, digits) in numbers.iter_mut().zip(digits) {
        let part = parts.next()?;
        if !digits.contains(&part.len()) || !part.bytes().all(|b| b.is_ascii_digit()) {
            return None;
        }
        *number = part.parse().ok()?;
    }
    parts.next().is_none().then_some(numbers)
}
