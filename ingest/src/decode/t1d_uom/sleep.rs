//! Nights, and what the watch measured every five minutes.
//!
//! Both files show UTC, although a column of the first gives the local offset and the description says nothing: the instants in the stage maps of every night
//! begin exactly at `start_date_ts` read as UTC, and the daily step count of the second starts anew at midnight of local time, which it shows as 23:00
//! in summer.

use std::borrow::Cow;

use vitalog_elog::{Refusal, Span};

use super::super::raw::{RawReading, Scalar};
use super::clock::utc;
use super::row::Row;

pub(super) const NIGHT: &[&str] = &[
    "calendar_date",
    "duration_in_sec",
    "start_date_ts",
    "start_time_offset_s",
    "unmeasurable_sleep_s",
    "deep_sleep_s",
    "light_sleep_s",
    "rem_sleep_s",
    "awake_s",
    "validation",
];

pub(super) const WEARABLE: &[&str] = &[
    "sleep_ts",
    "step_count",
    "heart_rate",
    "current_activity_type_intensity",
    "stress_level_value",
    "sleep_level",
    "resting_heart_rate",
];

const LONGEST_S: i64 = 2 * 86_400;

/// A night ends after what was slept and what was lain awake: the stage maps of every night end there. The maps themselves are left out.
pub(super) fn night<'a>(row: &Row<'_, 'a>) -> Result<RawReading<'a>, Refusal> {
    let start = utc("start_date_ts", row.needed("start_date_ts")?)?;
    let lasted = row.whole("duration_in_sec")?.saturating_add(row.whole("awake_s")?);
    if !(0..=LONGEST_S).contains(&lasted) {
        let message = "no night lasts so long";
        let shown = row.cell("duration_in_sec");
        return Err(Refusal::of(
            "out_of_range",
            "duration_in_sec",
            shown,
            message,
            "it is between 0 and 172800 seconds, waking included",
        ));
    }
    let fields = [
        ("deep", row.quantity("deep_sleep_s", "s")),
        ("light", row.quantity("light_sleep_s", "s")),
        ("rem", row.quantity("rem_sleep_s", "s")),
        ("awake", row.quantity("awake_s", "s")),
        ("unmeasured", row.quantity("unmeasurable_sleep_s", "s")),
        ("validation", row.text("validation")),
    ];
    Ok(RawReading {
        stream: Some(Scalar::Text(Cow::Borrowed("sleep"))),
        id: Some(row.name("night")),
        start: Some(Scalar::Instant(start)),
        end: Some(Scalar::Instant(start + Span::seconds(lasted))),
        fields: fields.into_iter().filter_map(|(name, value)| Some((Cow::Borrowed(name), value?))).collect(),
        ..RawReading::default()
    })
}

/// Zero stands for "not measured" in the heart rates, a negative number in the stress level (-1 off the wrist, -2 too much movement).
pub(super) fn wearable<'a>(row: &Row<'_, 'a>) -> Result<RawReading<'a>, Refusal> {
    let at = utc("sleep_ts", row.needed("sleep_ts")?)?;
    let rate = |column: &str| row.quantity(column, "bpm").filter(|_| !row.is_zero(column));
    let asleep = match &**row.cell("sleep_level") {
        "1" => Some(Scalar::Bool(true)),
        "0" => Some(Scalar::Bool(false)),
        "" => None,
        other => {
            return Err(Refusal::of(
                "unknown_word",
                "sleep_level",
                other,
                "it is no sleep level",
                "write 1 for asleep or 0 for awake",
            ));
        }
    };
    let stress = row.number("stress_level_value").filter(|_| !row.cell("stress_level_value").trim().starts_with('-'));
    let fields = [
        ("heart_rate", rate("heart_rate")),
        ("resting_heart_rate", rate("resting_heart_rate")),
        ("stress", stress),
        ("steps", row.number("step_count")),
        ("intensity", row.number("current_activity_type_intensity")),
        ("asleep", asleep),
    ];
    Ok(RawReading {
        stream: Some(Scalar::Text(Cow::Borrowed("wearable"))),
        id: Some(row.name("wear")),
        at: Some(Scalar::Instant(at)),
        fields: fields.into_iter().filter_map(|(name, value)| Some((Cow::Borrowed(name), value?))).collect(),
        ..RawReading::default()
    })
}
