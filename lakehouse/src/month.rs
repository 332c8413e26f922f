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

/// The first instant of a month.
pub fn start_of(month: i64) -> Time {
    let (year, from_march) = ((month - 2).div_euclid(12), (month - 2).rem_euclid(12));
    let leap_days = year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400);
    let days = year * 365 + leap_days + (153 * from_march + 2) / 5 - 719_468;
    Time(days.saturating_mul(DAY))
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

    #[test]
    fn a_month_begins_where_the_one_before_ends() {
        for month in 1_900 * 12..2_500 * 12 {
            let start = start_of(month);
            assert_eq!(month_of(start), month);
            assert_eq!(month_of(Time(start.0 - 1)), month - 1);
            assert_eq!(start.to_string(), format!("{}-01T00:00:00Z", month_name(month)));
        }
        // The ends of what can be said.
        assert_eq!(start_of(month_of(Time::MIN)), Time::MIN);
        assert!(start_of(month_of(Time::MAX)) < Time::MAX);
    }
}
