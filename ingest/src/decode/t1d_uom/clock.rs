//! The clocks that the files' columns show.
//!
//! Glucose, insulin and meals are written in the civil time of the participants, who live in Manchester: Europe/London. Where the clocks went
//! back, a time that came twice is taken as its first coming (the earlier instant). Where they went forward, a time that never was is refused: a device that
//! shows it did not follow the zone, and guessing would lay one hour's readings over another's.

use std::sync::OnceLock;

use jiff::civil::DateTime;
use jiff::tz::{AmbiguousOffset, TimeZone};
use vitalog_elog::{Refusal, Time};

const ZONE: &str = "Europe/London";

/// `DD/MM/YYYY hh:mm[:ss]`.
pub(super) fn civil(column: &str, text: &str) -> Result<DateTime, Refusal> {
    let bad = |message: &str, remedy: &str| Refusal::of("malformed_time", column, text, message, remedy);
    let (date, time) = text
        .trim()
        .split_once(' ')
        .ok_or_else(|| bad("there is no time of day", "write it as DD/MM/YYYY hh:mm: without a time of day it is no instant"))?;
    let parts = |text: &str, by: char, widths: &[usize]| -> Option<Vec<i16>> {
        let parts: Vec<&str> = text.split(by).collect();
        let fits = parts.len() <= widths.len()
            && parts.iter().zip(widths).all(|(p, w)| p.len() == *w && p.bytes().all(|b| b.is_ascii_digit()));
        if fits { parts.iter().map(|p| p.parse().ok()).collect() } else { None }
    };
    let date = parts(date, '/', &[2, 2, 4]).filter(|d| d.len() == 3);
    let time = parts(time, ':', &[2, 2, 2]).filter(|t| t.len() >= 2);
    let (Some(date), Some(time)) = (date, time) else {
        return Err(bad("it is not a date and time", "write it as DD/MM/YYYY hh:mm, the day first"));
    };
    let small = |n: i16| i8::try_from(n).unwrap_or(i8::MAX);
    let second = time.get(2).copied().unwrap_or(0);
    DateTime::new(date[2], small(date[1]), small(date[0]), small(time[0]), small(time[1]), small(second), 0)
        .map_err(|_| bad("there is no such day or time", "write it as DD/MM/YYYY hh:mm, the day first"))
}

/// An instant written in Europe/London.
pub(super) fn london(column: &str, text: &str) -> Result<Time, Refusal> {
    static LONDON: OnceLock<Option<TimeZone>> = OnceLock::new();
    let at = civil(column, text)?;
    let Some(zone) = LONDON.get_or_init(|| TimeZone::get(ZONE).ok()) else {
        return Err(Refusal::whole(
            "no_time_zone",
            format!("the time zone {ZONE} is not known here"),
            "use a build with the time zone data bundled",
        ));
    };
    let ambiguous = zone.to_ambiguous_timestamp(at);
    match ambiguous.offset() {
        AmbiguousOffset::Gap { .. } => Err(Refusal::of(
            "no_such_time",
            column,
            text,
            format!("the clocks went forward over this time in {ZONE}"),
            "the device's clock did not follow the zone: convert its times to UTC and send them in the native form",
        )),
        AmbiguousOffset::Unambiguous { .. } | AmbiguousOffset::Fold { .. } => match ambiguous.compatible() {
            Ok(t) => Ok(Time(t.as_microsecond())),
            Err(_) => Err(Refusal::of("malformed_time", column, text, "it is out of range", "see what the export should say")),
        },
    }
}

/// An instant written in UTC.
pub(super) fn utc(column: &str, text: &str) -> Result<Time, Refusal> {
    let at = civil(column, text)?;
    match TimeZone::UTC.to_timestamp(at) {
        Ok(t) => Ok(Time(t.as_microsecond())),
        Err(_) => Err(Refusal::of("malformed_time", column, text, "it is out of range", "see what the export should say")),
    }
}
