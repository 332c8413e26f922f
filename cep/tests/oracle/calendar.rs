//! The subject's calendar, asked instant by instant: what does the clock on the wall show?

use std::cell::RefCell;
use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;
use vitalog_elog::Value;
use vitalog_elog::profile::Night;

use super::scene::Scene;
use super::timeline::Micros;

pub const MINUTE: Micros = 60_000_000;

pub struct Calendar {
    zone: TimeZone,
}

impl Calendar {
    /// Of the zone that the profile names; UTC where it names none that exists.
    pub fn of(scene: &Scene<'_>) -> Calendar {
        Calendar::at(scene, scene.profile_instant())
    }

    pub fn at(scene: &Scene<'_>, instant: Micros) -> Calendar {
        let zone = match scene.profile.named("time_zone", instant) {
            Some(Value::Text(name)) => TimeZone::get(&name).unwrap_or(TimeZone::UTC),
            _ => TimeZone::UTC,
        };
        Calendar { zone }
    }

    fn wall(&self, instant: Micros) -> Option<DateTime> {
        let stamp = Timestamp::from_microsecond(i64::try_from(instant).ok()?).ok()?;
        Some(stamp.to_zoned(self.zone.clone()).datetime())
    }

    pub fn minute_of_day(&self, instant: Micros) -> Option<Micros> {
        let wall = self.wall(instant)?;
        Some(Micros::from(wall.hour()) * 60 + Micros::from(wall.minute()))
    }

    pub fn day_of_week(&self, instant: Micros) -> Option<u16> {
        Some(self.wall(instant)?.weekday().to_monday_zero_offset() as u16)
    }

    pub fn date(&self, instant: Micros) -> Option<Date> {
        Some(self.wall(instant)?.date())
    }

    /// [`Calendar::sought`], which is asked again and again for the same.
    pub fn first_instant(&self, date: Date, minutes: u16) -> Option<Micros> {
        thread_local! { static KNOWN: RefCell<BTreeMap<(String, Date, u16), Option<Micros>>> = RefCell::default(); }
        let key = (self.zone.iana_name().unwrap_or_default().to_owned(), date, minutes);
        KNOWN.with_borrow_mut(|known| *known.entry(key).or_insert_with(|| self.sought(date, minutes)))
    }

    /// The first instant at which the wall shows this, or later: looked for forwards, by quarters of an hour, then by minutes.
    fn sought(&self, date: Date, minutes: u16) -> Option<Micros> {
        let wanted = date.at((minutes / 60) as i8, (minutes % 60) as i8, 0, 0);
        let utc = wanted.to_zoned(TimeZone::UTC).ok()?.timestamp().as_microsecond();
        let shows = |t: Micros| self.wall(t).is_some_and(|w| w >= wanted);
        let start = Micros::from(utc) - 36 * 60 * MINUTE;
        let quarter = (0..72 * 4).map(|q| start + q * 15 * MINUTE).find(|t| shows(*t))?;
        (0..=15).map(|m| quarter - (15 - m) * MINUTE).find(|t| shows(*t))
    }
}

/// When it is night for the subject.
pub fn night(scene: &Scene<'_>) -> Night {
    match scene.profile.named("night", scene.profile_instant()) {
        Some(Value::Text(text)) => Night::parse(&text).unwrap_or_default(),
        _ => Night::default(),
    }
}
