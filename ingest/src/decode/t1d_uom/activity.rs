//! What a watch saw of movement, by quarters of an hour: several rows per quarter, one for each type of activity.
//!
//! `start_time_s` is the instant (seconds since 1970, UTC) and `activity_ts` the local clock then, `start_time_offset_s` ahead of it; a row in which the
//! three disagree is refused.
//!
//! A row counts as *exercise* if the watch called it active and at least ten minutes of it were spent so, the least bout that counted in the
//! Physical Activity Guidelines for Americans of 2008; it then lasts as long as its active time (the watch tells how much of the quarter it
//! took, not where in it, so it is laid at its start). Every other row is a reading of `activity` over its whole quarter.

use std::borrow::Cow;

use vitalog_elog::{Refusal, Span, Time};

use super::super::raw::{RawReading, Scalar};
use super::clock::utc;
use super::row::Row;

pub(super) const COLUMNS: &[&str] = &[
    "activity_ts",
    "activity_type",
    "active_Kcal",
    "step_count",
    "distance_m",
    "duration_s",
    "active_time_s",
    "start_time_s",
    "start_time_offset_s",
    "met",
    "intensity",
    "motion_intensity_mean",
    "motion_intensity_max",
];

/// The least active time that counts as exercise, in seconds.
const BOUT_S: i64 = 600;
/// The longest row in the data set is half a day; a day is more than any watch sums up in a row.
const LONGEST_S: i64 = 86_400;

pub(super) fn reading<'a>(row: &Row<'_, 'a>) -> Result<RawReading<'a>, Refusal> {
    let start = start(row)?;
    let (lasted, active) = (length(row, "duration_s")?, length(row, "active_time_s")?);
    let intensity = row.needed("intensity")?;
    let (rested, exercised) = match &**intensity {
        "SEDENTARY" => ("sedentary", None),
        "ACTIVE" => ("active", Some("moderate")),
        "HIGHLY_ACTIVE" => ("highly_active", Some("vigorous")),
        other => {
            let remedy = "write SEDENTARY, ACTIVE or HIGHLY_ACTIVE";
            return Err(Refusal::of("unknown_word", "intensity", other, "it is no intensity", remedy));
        }
    };
    let (stream, word, end) = match exercised.filter(|_| active >= BOUT_S) {
        Some(word) => ("exercise", word, start + Span::seconds(active)),
        None => ("activity", rested, start + Span::seconds(lasted)),
    };
    let plain = |scalar: Option<Scalar<'a>>| scalar.filter(|_| stream == "activity");
    let fields = [
        ("intensity", Some(Scalar::Text(Cow::Borrowed(word)))),
        ("type", row.text("activity_type")),
        ("active", plain(row.quantity("active_time_s", "s"))),
        ("steps", row.number("step_count")),
        ("distance", row.quantity("distance_m", "m")),
        ("energy", row.quantity("active_Kcal", "kcal")),
        ("met", row.number("met")),
        ("motion_mean", plain(row.number("motion_intensity_mean"))),
        ("motion_max", plain(row.number("motion_intensity_max"))),
    ];
    Ok(RawReading {
        stream: Some(Scalar::Text(Cow::Borrowed(stream))),
        id: Some(row.name("move")),
        start: Some(Scalar::Instant(start)),
        end: Some(Scalar::Instant(end)),
        fields: fields.into_iter().filter_map(|(name, value)| Some((Cow::Borrowed(name), value?))).collect(),
        ..RawReading::default()
    })
}

fn start(row: &Row<'_, '_>) -> Result<Time, Refusal> {
    let column = "start_time_s";
    let (seconds, offset) = (row.whole(column)?, row.whole("start_time_offset_s")?);
    let start = Time::default() + Span(seconds.saturating_mul(1_000_000));
    // The clock shows minutes.
    let clock = utc("activity_ts", row.needed("activity_ts")?)?;
    let apart = (start + Span(offset.saturating_mul(1_000_000))).since(clock).micros();
    if !(0..60_000_000).contains(&apart) {
        let message = "the instant, the offset and the local time contradict each other";
        return Err(Refusal::of(
            "contradiction",
            column,
            row.cell(column),
            message,
            "see which of the three the watch got wrong",
        ));
    }
    Ok(start)
}

fn length(row: &Row<'_, '_>, column: &'static str) -> Result<i64, Refusal> {
    let seconds = row.whole(column)?;
    if (0..=LONGEST_S).contains(&seconds) {
        return Ok(seconds);
    }
    Err(Refusal::of(
        "out_of_range",
        column,
        row.cell(column),
        "no such time fits into a row",
        "it is between 0 and 86400 seconds",
    ))
}
