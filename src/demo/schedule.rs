//! What is sent when: all bundled and generated readings, moved in time.
//!
//! Each subject's days are moved by one span, so that the instant chosen in the selection falls on the demonstration's beginning. Local time of day
//! goes along: the subject's time zone is set to the whole hours that keep breakfasts in the morning.

use vitalog_elog::{Span, Time};
use vitalog_ingest::decode::{self, Format, RawReading, Scalar};

use super::bundle::{self, Bundled};
use super::generate::{self, Disk, Persona, Pressure};
use crate::failure::Failure;

/// One reading on its way: when it is sent, and its line of NDJSON.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Event {
    pub at: Time,
    pub line: String,
}

/// Everything that is sent, in order.
pub struct Schedule {
    pub events: Vec<Event>,
    /// Subjects with the names of their time zones.
    pub zones: Vec<(String, String)>,
}

/// Makes the same readings for the same seed and beginning.
const SEED: u64 = 20_231_203;

/// The schedule of a demonstration that begins at `now`.
///
/// # Errors
/// Where the bundled data can't be read, which would be a defect of the build.
pub fn days(now: Time) -> Result<Schedule, Failure> {
    let mut schedule = Schedule { events: Vec::new(), zones: Vec::new() };
    for (i, chosen) in bundle::selection()?.iter().enumerate() {
        let shift = now.since(chosen.now);
        let hours = whole_hours(shift, chosen.offset);
        for file in &chosen.files {
            add_file(&mut schedule.events, file, chosen.from..chosen.until, shift)?;
        }
        let persona = persona(i, &chosen.subject, hours, now);
        let stretch = chosen.from + shift..chosen.until + shift;
        let generated = generate::readings(SEED, &persona, stretch);
        schedule.events.extend(generated.into_iter().map(|g| Event { at: g.at, line: g.line }));
        schedule.zones.push((chosen.subject.clone(), zone_name(hours)));
    }
    schedule.events.sort();
    Ok(schedule)
}

/// The second has high blood pressure, the third a phone that fills up within hours.
fn persona(i: usize, subject: &str, hours: i64, now: Time) -> Persona {
    let pressure = if i == 1 { Pressure::High } else { Pressure::Normal };
    let disk = if i == 2 { Disk::Filling { nearly_full_at: now - Span::hours(2) } } else { Disk::Steady };
    Persona { subject: subject.to_owned(), pressure, disk, offset: Span::hours(hours) }
}

/// The offset from UTC, in whole hours within a day, under which the moved days keep their time of day.
fn whole_hours(shift: Span, offset: Span) -> i64 {
    const HOUR: i64 = 3_600_000_000;
    let of_day = (offset.0 - shift.0).rem_euclid(24 * HOUR);
    let hours = (of_day + HOUR / 2) / HOUR;
    if hours > 12 { hours - 24 } else { hours }
}

/// The name has the sign of POSIX: `Etc/GMT-3` is three hours ahead of UTC.
fn zone_name(hours: i64) -> String {
    match hours {
        0 => "Etc/GMT".to_owned(),
        ahead if ahead > 0 => format!("Etc/GMT-{ahead}"),
        behind => format!("Etc/GMT+{}", -behind),
    }
}

fn add_file(events: &mut Vec<Event>, file: &Bundled, within: std::ops::Range<Time>, shift: Span) -> Result<(), Failure> {
    let wrong = |what: String| Failure::new(format!("bundled file {}: {what}", file.name));
    let bytes = decode::Packing::Gzip.unpack(file.gzip, 64 << 20).map_err(|e| wrong(e.to_string()))?;
    let name = file.name.trim_end_matches(".gz");
    let format = Format::of_file(name, &bytes).ok_or_else(|| wrong("its form is not known".to_owned()))?;
    for item in decode::decode(&format, &bytes).map_err(|e| wrong(e.to_string()))? {
        // A row that can't be read is in the published data; `vitalog ingest` tells of such rows, a demonstration passes over them.
        let Ok(mut reading) = item.reading else { continue };
        let Some(at) = instant(&reading) else { continue };
        if !within.contains(&at) {
            continue;
        }
        for time in [&mut reading.at, &mut reading.start, &mut reading.end].into_iter().flatten() {
            if let Scalar::Instant(t) = time {
                *t = *t + shift;
            }
        }
        events.push(Event { at: at + shift, line: reading.to_json() });
    }
    Ok(())
}

/// When it can be sent: an interval when it is over.
fn instant(reading: &RawReading<'_>) -> Option<Time> {
    [&reading.at, &reading.end, &reading.start].into_iter().flatten().find_map(|time| match time {
        Scalar::Instant(t) => Some(*t),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_days_are_many_and_end_after_now() {
        let now = Time::parse("2026-11-20T14:45:00Z").unwrap();
        let schedule = days(now).unwrap();
        let (before, after): (Vec<_>, Vec<_>) = schedule.events.iter().partition(|e| e.at <= now);
        assert!(before.len() > 30_000, "{}", before.len());
        assert!(after.len() > 5_000, "{}", after.len());
        assert!(schedule.zones.len() >= 4);
        assert!(schedule.events.iter().any(|e| e.line.contains("generated/")));
    }

    #[test]
    fn breakfast_stays_in_the_morning() {
        let chosen = Time::parse("2023-12-03T18:00:00Z").unwrap();
        for (now, zone) in [
            ("2026-11-20T18:00:00Z", "Etc/GMT"),
            ("2026-11-20T15:10:00Z", "Etc/GMT-3"),
            ("2026-11-20T20:00:00Z", "Etc/GMT+2"),
            ("2026-11-20T06:00:00Z", "Etc/GMT-12"),
        ] {
            let shift = Time::parse(now).unwrap().since(chosen);
            assert_eq!(zone_name(whole_hours(shift, Span::ZERO)), zone, "{now}");
        }
    }
}
