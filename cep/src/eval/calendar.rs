//! The subject's calendar: what the clock on the wall shows at an instant, and when it shows something.
//!
//! A local time that is skipped begins with the next that exists; of a local time that comes twice the first is meant. Beyond the years that the
//! calendar knows everything is unknown.

use std::sync::Arc;

use jiff::Span;
use jiff::civil::{Date, DateTime};
use vitalog_elog::profile::Night;

use super::zone::Zone;
use super::{Scope, Zones};
use crate::timeline::Set;

/// A day, in microseconds: the circle of times of day.
pub const DAY: i64 = 86_400_000_000;
const MINUTE: i64 = 60_000_000;

/// The calendar of one time zone.
#[derive(Clone, Debug)]
pub struct Calendar {
    zone: Arc<Zone>,
}

/// Instants from the first to the last, both included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stretch {
    pub from: i64,
    pub to: i64,
}

/// What the clock shows, without the second, so many microseconds after it showed midnight on some day.
pub fn minute_of_day(local: i64) -> i64 {
    let gone = local.rem_euclid(DAY);
    gone - gone % MINUTE
}

impl Calendar {
    /// The calendar of the zone that the profile names; of none, or one that nobody knows, UTC.
    pub fn of(scope: &Scope<'_, '_>) -> Calendar {
        match scope.terms.zone.and_then(|field| scope.profile(field)) {
            Some(Set::Text(name)) => Calendar { zone: scope.terms.zones.get(name) },
            _ => Calendar { zone: Zones::nowhere() },
        }
    }

    #[cfg(test)]
    pub fn in_zone(name: &str) -> Calendar {
        Calendar { zone: Zones::default().get(&Arc::from(name)) }
    }

    pub fn local(&self, t: i64) -> Option<DateTime> {
        self.zone.local(t)
    }

    /// Microseconds since midnight as the clock shows them, without the second.
    pub fn time_of_day(&self, t: i64) -> Option<i64> {
        let time = self.local(t)?.time();
        Some((i64::from(time.hour()) * 60 + i64::from(time.minute())) * MINUTE)
    }

    /// How far the clock on the wall is ahead of that of the zone at zero, in microseconds, if it is the same at all instants from one to another.
    pub fn offset_between(&self, first: i64, last: i64) -> Option<i64> {
        self.zone.offset_between(first, last)
    }

    /// 0 is Monday.
    pub fn day_of_week(&self, t: i64) -> Option<u16> {
        u16::try_from(self.local(t)?.weekday().to_monday_zero_offset()).ok()
    }

    pub fn date(&self, t: i64) -> Option<Date> {
        Some(self.local(t)?.date())
    }

    /// The date of an instant, and an instant up to which it surely stays so.
    pub fn date_until(&self, t: i64) -> Option<(Date, i64)> {
        let local = self.local(t)?;
        let time = local.time();
        let gone = (i64::from(time.hour()) * 60 + i64::from(time.minute())) * MINUTE + i64::from(time.second()) * 1_000_000;
        // The clock may be set forwards over midnight before then.
        let end = t.saturating_add(DAY - gone - 1_000_000);
        let stays = end > t && self.date(end) == Some(local.date());
        Some((local.date(), if stays { end } else { t.saturating_add(1) }))
    }

    /// That many whole days before that of `t`, and the instant at which the last ends.
    pub fn days_before(&self, t: i64, days: u16) -> Option<(Vec<Stretch>, i64)> {
        let today = self.date(t)?;
        let first = today.checked_sub(Span::new().try_days(days).ok()?).ok()?;
        let (from, end) = (self.first_at(first, 0)?, self.first_at(today, 0)?);
        Some((vec![Stretch { from, to: end.checked_sub(1)? }], end))
    }

    /// The last nights that were over at `t`, and the instant at which the last ended.
    pub fn nights_before(&self, t: i64, nights: u16, night: Night) -> Option<(Vec<Stretch>, i64)> {
        let today = self.date(t)?;
        let (begins, ends) = (i64::from(night.from) * MINUTE, i64::from(night.to) * MINUTE);
        let last = if self.first_at(today, ends)? <= t { today } else { today.yesterday().ok()? };
        let mut all = Vec::with_capacity(usize::from(nights));
        for back in (0..nights).rev() {
            let day = last.checked_sub(Span::new().try_days(back).ok()?).ok()?;
            let evening = if night.from < night.to { day } else { day.yesterday().ok()? };
            let (from, end) = (self.first_at(evening, begins)?, self.first_at(day, ends)?);
            all.push(Stretch { from, to: end.checked_sub(1)? });
        }
        Some((all, self.first_at(last, ends)?))
    }

    /// The first instant at which the clock shows so many microseconds after midnight of a date, or later: of a doubled time the first, of a skipped one the
    /// instant of the skip. `of_day` lies within a day.
    pub fn first_at(&self, date: Date, of_day: i64) -> Option<i64> {
        self.zone.first_at(date, of_day)
    }
}

/// The night of the profile at the instant that the scope asks it.
pub fn night(scope: &Scope<'_, '_>) -> Night {
    match scope.terms.night.and_then(|field| scope.profile(field)) {
        Some(Set::Text(text)) => Night::parse(text).unwrap_or_default(),
        _ => Night::default(),
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;

    #[test]
    fn within_one_offset_the_time_of_day_is_reckoned() {
        let zones = ["UTC", "Europe/Berlin", "America/St_Johns", "Asia/Kathmandu", "Pacific/Apia", "Africa/Monrovia"];
        let (mut dice, mut told) = (5_u64, 0);
        for step in 0..6_000 {
            dice = dice.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let calendar = Calendar { zone: Zones::default().get(&Arc::from(zones[step % 6])) };
            let first = (dice >> 8) as i64 % (140 * 365 * DAY) - 70 * 365 * DAY;
            let last = first + (dice >> 40) as i64 * 7_000 % (200 * DAY);
            let Some(offset) = calendar.offset_between(first, last) else { continue };
            for t in [first, last, first + (last - first) / 3, first + (last - first) / 2] {
                assert_eq!(Some(minute_of_day(t + offset)), calendar.time_of_day(t), "{} at {t}", zones[step % 6]);
            }
            told += 1;
        }
        assert!(told > 3_000, "{told}");
    }

    fn told(date: &str, minutes: i64, name: &str) -> String {
        let date: Date = date.parse().expect("a date");
        let calendar = Calendar { zone: Zones::default().get(&Arc::from(name)) };
        let t = calendar.first_at(date, minutes * MINUTE).expect("an instant");
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
