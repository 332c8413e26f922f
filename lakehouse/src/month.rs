//! The month of an instant, in UTC.

use vitalog_elog::Time;

const DAY: i64 = 86_400_000_000;

/// Months since year 0.
pub fn month_of(t: Time) -> i64 {
    // Civil calendar: years counted from March, so that the leap day comes last.
    let days = t.micros().div_euclid(DAY) + 719_468;
    let era = days.div_euclid(146_097);
    let day_of_era = days.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let from_march = (5 * day_of_year + 2) / 153;
    (era * 400 + year_of_era) * 12 + from_march + 2
}

/// `2026-11`.
pub fn month_name(month: i64) -> String {
    format!("{:04}-{:02}", month.div_euclid(12), month.rem_euclid(12) + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn months_end_where_the_calendar_says() {
        for (text, month) in [
            ("1970-01-01T00:00:00Z", "1970-01"),
            ("1969-12-31T23:59:59Z", "1969-12"),
            ("2024-02-29T23:59:59.999999Z", "2024-02"),
            ("2024-03-01T00:00:00Z", "2024-03"),
            ("2026-11-20T08:00:00Z", "2026-11"),
            ("2000-12-31T23:59:59Z", "2000-12"),
            ("2001-01-01T00:00:00Z", "2001-01"),
        ] {
            let t = Time::parse(text).unwrap_or_default();
            assert_eq!(month_name(month_of(t)), month, "{text}");
        }
    }
}
