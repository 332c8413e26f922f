//! Time zones as spans of one offset each: rules ask for the clock on the wall at every reading, and to reckon it from a zone's rules is a search in each of them.

use std::cell::RefCell;
use std::sync::Arc;

use jiff::Timestamp;
use jiff::civil::{Date, DateTime, Time};
use jiff::tz::{AmbiguousOffset, Offset, TimeZone};

/// The years whose spans are reckoned once: 1970 up to 2100. Before and after them the library is asked.
const FIRST: i64 = 0;
const LAST: i64 = 4_102_444_800_000_000;
/// More than a subject ever lives in.
const MOST_OF_A_RULE: usize = 64;
/// More than there are zones, whose names may be written in any case.
const MOST: usize = 2_048;

/// A zone.
#[derive(Debug)]
pub struct Zone {
    zone: TimeZone,
    /// From when on the clock on the wall is so far ahead, both in microseconds, in the order of time; the first holds at [`FIRST`].
    spans: Vec<(i64, i64)>,
}

/// Zones that any engine on this thread asked for. What it holds follows from the names alone.
struct Known {
    utc: Arc<Zone>,
    named: RefCell<Vec<(Arc<str>, Arc<Zone>)>>,
}

thread_local! {
    static KNOWN: Known = Known { utc: Arc::new(Zone::of(TimeZone::UTC)), named: RefCell::default() };
}

impl Known {
    /// The zone of that name, or of one that nobody knows, UTC.
    fn get(&self, name: &Arc<str>) -> Arc<Zone> {
        let mut named = self.named.borrow_mut();
        if let Some((_, zone)) = named.iter().find(|(n, _)| n == name) {
            return zone.clone();
        }
        let zone = TimeZone::get(name).map_or_else(|_| self.utc.clone(), |zone| Arc::new(Zone::of(zone)));
        if named.len() >= MOST {
            named.clear();
        }
        named.push((name.clone(), zone.clone()));
        zone
    }
}

/// Zones by name, as far as the conditions of a rule asked for them.
#[derive(Debug, Default)]
pub struct Zones(RefCell<Vec<(Arc<str>, Arc<Zone>)>>);

impl Zones {
    /// The zone of a subject who names none.
    pub fn nowhere() -> Arc<Zone> {
        KNOWN.with(|known| known.utc.clone())
    }

    /// The zone of that name, or of one that nobody knows, UTC.
    pub fn get(&self, name: &Arc<str>) -> Arc<Zone> {
        let mut asked = self.0.borrow_mut();
        if let Some((_, zone)) = asked.iter().find(|(n, _)| n == name) {
            return zone.clone();
        }
        let zone = KNOWN.with(|known| known.get(name));
        if asked.len() >= MOST_OF_A_RULE {
            asked.clear();
        }
        asked.push((name.clone(), zone.clone()));
        zone
    }
}

fn micros(offset: Offset) -> i64 {
    i64::from(offset.seconds()) * 1_000_000
}

impl Zone {
    pub fn of(zone: TimeZone) -> Zone {
        let mut spans = Vec::new();
        if let (Ok(first), Ok(last)) = (Timestamp::from_microsecond(FIRST), Timestamp::from_microsecond(LAST)) {
            spans.push((FIRST, micros(zone.to_offset(first))));
            for change in zone.following(first).take_while(|change| change.timestamp() < last) {
                let ahead = micros(change.offset());
                // Where only the zone's name changes, the clock goes on.
                if spans.last().is_some_and(|(_, before)| *before != ahead) {
                    spans.push((change.timestamp().as_microsecond(), ahead));
                }
            }
        }
        Zone { zone, spans }
    }

    /// The place of the span that an instant lies in.
    fn place(&self, t: i64) -> Option<usize> {
        let is_known = (FIRST..LAST).contains(&t);
        is_known.then(|| self.spans.partition_point(|(from, _)| *from <= t)).and_then(|n| n.checked_sub(1))
    }

    /// When a span ends.
    fn end(&self, place: usize) -> i64 {
        self.spans.get(place + 1).map_or(LAST, |(from, _)| *from)
    }

    pub fn local(&self, t: i64) -> Option<DateTime> {
        match self.place(t) {
            Some(place) => Some(Offset::UTC.to_datetime(Timestamp::from_microsecond(t + self.spans[place].1).ok()?)),
            None => Some(self.zone.to_datetime(Timestamp::from_microsecond(t).ok()?)),
        }
    }

    /// How far the clock on the wall is ahead of that of the zone at zero, in microseconds, if it surely is the same at all instants from one to another.
    pub fn offset_between(&self, first: i64, last: i64) -> Option<i64> {
        match self.place(first) {
            Some(place) => (last < self.end(place)).then(|| self.spans[place].1),
            None => {
                let (first, last) = (Timestamp::from_microsecond(first).ok()?, Timestamp::from_microsecond(last).ok()?);
                let stays = self.zone.following(first).next().is_none_or(|change| change.timestamp() > last);
                stays.then(|| micros(self.zone.to_offset(first)))
            }
        }
    }

    /// The first instant at which the clock shows so many microseconds after midnight of a date, or later: of a doubled time the first, of a skipped one the
    /// instant of the skip. `of_day` lies within a day.
    pub fn first_at(&self, date: Date, of_day: i64) -> Option<i64> {
        let midnight = Offset::UTC.to_timestamp(date.to_datetime(Time::midnight())).ok()?.as_microsecond();
        let shown = midnight.checked_add(of_day)?;
        // No clock is a whole day behind or ahead of another, so the instant lies between these two.
        let (earliest, latest) = (shown.checked_sub(super::DAY)?, shown.checked_add(super::DAY)?);
        if let (Some(first), Some(last)) = (self.place(earliest), self.place(latest)) {
            for place in first..=last {
                let (from, ahead) = self.spans[place];
                let at = shown - ahead;
                if at < self.end(place) {
                    return Some(at.max(from));
                }
            }
        }
        self.first_by_rules(date, of_day)
    }

    fn first_by_rules(&self, date: Date, of_day: i64) -> Option<i64> {
        let (seconds, micros) = (of_day / 1_000_000, of_day % 1_000_000);
        let part = |n: i64| i8::try_from(n).ok();
        let time =
            Time::new(part(seconds / 3_600)?, part(seconds / 60 % 60)?, part(seconds % 60)?, i32::try_from(micros * 1_000).ok()?);
        let local = date.to_datetime(time.ok()?);
        let at = match self.zone.to_ambiguous_timestamp(local).offset() {
            AmbiguousOffset::Unambiguous { offset } | AmbiguousOffset::Fold { before: offset, .. } => {
                offset.to_timestamp(local).ok()?
            }
            // Read with the offset after the jump it lies before the jump, which is the next transition.
            AmbiguousOffset::Gap { after, .. } => self.zone.following(after.to_timestamp(local).ok()?).next()?.timestamp(),
        };
        Some(at.as_microsecond())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::eval::DAY;

    const ZONES: [&str; 9] = [
        "UTC",
        "Europe/Berlin",
        "America/St_Johns",
        "Asia/Kathmandu",
        "Pacific/Apia",
        "Africa/Monrovia",
        "Africa/Casablanca",
        "Antarctica/Troll",
        "Australia/Lord_Howe",
    ];

    /// Beside the library's own reckoning, before, within and after the years whose spans are known, and around each change of the clocks.
    #[test]
    fn by_its_spans_a_zone_tells_what_it_tells_by_its_rules() {
        let mut dice = 5_u64;
        let mut roll = |n: i64| {
            dice = dice.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (dice >> 8) as i64 % n
        };
        let (mut doubled, mut skipped) = (0, 0);
        for name in ZONES {
            let zone = Zone::of(TimeZone::get(name).expect("it is known"));
            let mut instants: Vec<i64> = (0..2_000).map(|_| roll(170 * 365 * DAY) - 20 * 365 * DAY).collect();
            let around = |from: i64| [-DAY, -1, 0, 1].map(|by| from + by);
            instants.extend(zone.spans.iter().flat_map(|(from, _)| around(*from)).chain(around(LAST)));
            instants.extend(zone.spans.iter().map(|(from, _)| from + roll(7_200_000_000)));
            for t in instants {
                let by_rules = zone.zone.to_datetime(Timestamp::from_microsecond(t).expect("in range"));
                assert_eq!(zone.local(t), Some(by_rules), "{name} at {t}");
                let of_day = roll(1_440) * 60_000_000 + roll(2) * 30_000_001;
                // An hour around the clock's own time, where changes are.
                let shown = by_rules.time().hour() as i64 * 3_600_000_000 + roll(3_600_000_000);
                for of_day in [of_day, shown] {
                    let at = zone.first_at(by_rules.date(), of_day).expect("an instant");
                    assert_eq!(
                        Some(at),
                        zone.first_by_rules(by_rules.date(), of_day),
                        "{name} on {} at {of_day}",
                        by_rules.date()
                    );
                    let local = by_rules.date().to_datetime(Time::midnight()) + jiff::SignedDuration::from_micros(of_day);
                    let ambiguous = zone.zone.to_ambiguous_timestamp(local).offset();
                    doubled += i32::from(matches!(ambiguous, AmbiguousOffset::Fold { .. }));
                    skipped += i32::from(matches!(ambiguous, AmbiguousOffset::Gap { .. }));
                }
            }
        }
        assert!(doubled > 100 && skipped > 100, "{doubled}, {skipped}");
    }

    #[test]
    fn of_a_name_in_two_rules_there_is_one_zone() {
        let (one, other) = (Zones::default(), Zones::default());
        let name = Arc::from("Europe/Berlin");
        assert!(Arc::ptr_eq(&one.get(&name), &other.get(&name)));
        assert!(Arc::ptr_eq(&one.get(&name), &one.get(&name)));
        assert_eq!(one.get(&Arc::from("nowhere")).local(0), one.get(&Arc::from("UTC")).local(0));
    }
}
