//! When a schedule fires: at times of the subject's day, by the enrolment and the profile alone.
//!
//! INVARIANT (firings): where the zone's offset is the same all around, reckoning with days of one length comes to what the calendar comes to.

use super::version::Case;
use crate::eval::{Calendar, DAY, Ratio, value};
use crate::plan::{Expr, Schedule};

/// No schedule fires before 1970: a reading of a device whose clock was never set enrols nobody for ages.
const FIRST: i64 = 0;

/// Every day of the week, and with it every time of a schedule, comes within so many days, whatever a zone skips.
const WEEK: i64 = 9 * DAY;

/// When a schedule fires, by the enrolment and the profile.
pub struct Firings<'a, 'b> {
    case: &'b Case<'a>,
    schedule: &'a Schedule,
}

/// A stretch `[from, to)` in which the profile says nothing else.
struct Stretch {
    from: i64,
    to: i64,
    calendar: Calendar,
    /// Microseconds since midnight.
    times: Vec<i64>,
}

impl<'a, 'b> Firings<'a, 'b> {
    pub fn of(case: &'b Case<'a>, schedule: &'a Schedule) -> Firings<'a, 'b> {
        Firings { case, schedule }
    }

    /// All firings in `[from, to]`.
    pub fn between(&self, from: i64, to: i64) -> Vec<i64> {
        let mut all: Vec<i64> =
            self.stretches(from, to).iter().flat_map(|s| self.of_stretch(s, s.from, s.to.saturating_sub(1).min(to))).collect();
        all.sort_unstable();
        all.dedup();
        all
    }

    /// The first firing at `from` or later.
    pub fn first_from(&self, from: i64) -> Option<i64> {
        let stretches = self.stretches(from, i64::MAX);
        // Most fire within a day, and a calendar is not asked about the others for nothing.
        let within = |s: &Stretch, span: i64| {
            let until = s.to.saturating_sub(1).min(s.from.saturating_add(span));
            self.of_stretch(s, s.from, until).into_iter().min()
        };
        stretches.iter().filter_map(|s| within(s, DAY).or_else(|| within(s, WEEK))).min()
    }

    /// What lies in `[from, to]`, cut where a field that counts changes, and to where the version decides.
    fn stretches(&self, from: i64, to: i64) -> Vec<Stretch> {
        let (line, version) = (self.case.line, self.case.version);
        let Some(enrolled) = line.enrolled() else { return Vec::new() };
        let from = from.max(enrolled.saturating_add(1)).max(version.from).max(FIRST);
        let to = to.min(version.to.saturating_sub(1));
        if from > to || self.schedule.days & Schedule::ALL_DAYS == 0 {
            return Vec::new();
        }
        let mut cuts = vec![from];
        for field in self.fields() {
            cuts.extend(line.profile.changes(field).filter(|t| from < *t && *t <= to));
        }
        cuts.sort_unstable();
        cuts.dedup();
        let ends = cuts.iter().skip(1).copied().chain([to.saturating_add(1)]);
        cuts.iter().zip(ends).map(|(from, to)| self.stretch(*from, to)).collect()
    }

    /// The profile's fields that say when it fires.
    fn fields(&self) -> Vec<u16> {
        let mut fields: Vec<u16> = self.case.version.terms.zone.into_iter().collect();
        for at in &self.schedule.at {
            at.walk(&mut |e| {
                if let Expr::Profile(field) = e {
                    fields.push(*field);
                }
            });
        }
        fields
    }

    fn stretch(&self, from: i64, to: i64) -> Stretch {
        let scope = self.case.scope(from, from);
        let of_day = |at| value(at, &scope).as_number().map(Ratio::floor).map(|t| t.rem_euclid(i128::from(DAY)) as i64);
        Stretch { from, to, calendar: Calendar::of(&scope), times: self.schedule.at.iter().filter_map(of_day).collect() }
    }

    fn of_stretch(&self, stretch: &Stretch, from: i64, to: i64) -> Vec<i64> {
        if from > to || stretch.times.is_empty() {
            return Vec::new();
        }
        stretch
            .by_one_offset(self.schedule.days, from, to)
            .unwrap_or_else(|| stretch.by_the_calendar(self.schedule.days, from, to))
    }
}

impl Stretch {
    /// The firings in `[from, to]` on some days of the week, where the clock on the wall goes on all the while: then the days are alike. `None`: it may not.
    fn by_one_offset(&self, days: u8, from: i64, to: i64) -> Option<Vec<i64>> {
        // As far as times that a zone skips may reach.
        let ahead = self.calendar.offset_between(from.saturating_sub(2 * DAY), to.saturating_add(2 * DAY))?;
        let mut found = Vec::new();
        for day in (from + ahead).div_euclid(DAY)..=(to + ahead).div_euclid(DAY) {
            // The first of them all was a Thursday, the fourth of the week.
            if days >> (day + 3).rem_euclid(7) & 1 == 1 {
                let instants = self.times.iter().map(|t| day * DAY - ahead + t);
                found.extend(instants.filter(|t| from <= *t && *t <= to));
            }
        }
        Some(found)
    }

    /// The same, whatever the clock does.
    fn by_the_calendar(&self, days: u8, from: i64, to: i64) -> Vec<i64> {
        let mut found = Vec::new();
        // A skipped time may fire on the day after.
        let Some(mut day) = self.calendar.date(from.saturating_sub(2 * DAY)) else { return found };
        let last = self.calendar.date(to);
        loop {
            let weekday = day.weekday().to_monday_zero_offset();
            if days >> weekday & 1 == 1 {
                let instants = self.times.iter().filter_map(|t| self.calendar.first_at(day, *t));
                found.extend(instants.filter(|t| from <= *t && *t <= to));
            }
            match day.tomorrow() {
                Ok(next) if last.is_none_or(|last| day <= last) => day = next,
                _ => return found,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn by_one_offset_it_fires_as_by_the_calendar() {
        let mut dice = 5_u64;
        let mut below = |n: i64| {
            dice = dice.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (dice >> 33) as i64 % n
        };
        let zones = ["UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Pacific/Apia", "Asia/Kathmandu"];
        let (mut told, mut fired) = (0, 0);
        for n in 0..20_000 {
            let calendar = Calendar::in_zone(zones[n % zones.len()]);
            // From before there are days to after those that are reckoned once, at hours and next to them.
            let from = below(140 * 8_766) * 3_600_000_000 + below(3) - 1 - 3 * DAY;
            let to = from + below(3) * DAY + below(49) * 1_800_000_000;
            let times = (0..below(4)).map(|_| below(48) * 1_800_000_000).collect();
            let stretch = Stretch { from, to, calendar, times };
            let days = below(128) as u8;
            if let Some(mut found) = stretch.by_one_offset(days, from, to) {
                let mut wanted = stretch.by_the_calendar(days, from, to);
                found.sort_unstable();
                wanted.sort_unstable();
                assert_eq!(found, wanted, "{} {from} {to} {:?} {days:b}", zones[n % zones.len()], stretch.times);
                told += 1;
                fired += found.len();
            }
        }
        assert!(told > 15_000 && fired > 10_000, "{told} times, {fired} firings");
    }
}
