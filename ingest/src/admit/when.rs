//! When a reading happened: an instant or an interval, as its stream is declared, and within what the clock allows.

use vitalog_elog::time::TimeError;
use vitalog_elog::{Refusal, Stream, Time, When};

use super::limits::Limits;
use super::{missing, wrong_type};
use crate::decode::{RawReading, Scalar};

pub(super) fn when(stream: &Stream, raw: &RawReading<'_>, now: Time, limits: &Limits) -> Result<When, Refusal> {
    if stream.is_interval() {
        if let Some(at) = &raw.at {
            let message = format!("{} lasts, so it has no single instant", stream.name);
            return Err(Refusal::of("wrong_time", "at", &at.shown(), message, "say start, and end once it is known"));
        }
        let start = raw.start.as_ref().ok_or_else(|| missing("start", "say when it began, and end once it is known"))?;
        let start = instant("start", start, now, limits)?;
        let Some(said) = &raw.end else { return Ok(When::During { start, end: None }) };
        let end = instant("end", said, now, limits)?;
        if end < start {
            return Err(Refusal::of(
                "end_before_start",
                "end",
                &said.shown(),
                "it ends before it begins",
                "see whether start and end were exchanged",
            ));
        }
        if end.since(start) > limits.longest {
            let message = format!("it lasts longer than {}", limits.longest);
            return Err(Refusal::of(
                "out_of_range",
                "end",
                &said.shown(),
                message,
                "see whether start or end has the wrong year",
            ));
        }
        return Ok(When::During { start, end: Some(end) });
    }
    for (name, said) in [("start", &raw.start), ("end", &raw.end)] {
        if let Some(said) = said {
            let message = format!("{} happens at an instant", stream.name);
            return Err(Refusal::of("wrong_time", name, &said.shown(), message, "say at"));
        }
    }
    let at =
        raw.at.as_ref().ok_or_else(|| missing("at", "say when it happened, such as \"at\":\"2026-11-20T08:00:00+01:00\""))?;
    Ok(When::At(instant("at", at, now, limits)?))
}

/// An instant that may be one: not before any device could have sent it, nor further ahead than clocks may differ.
pub(crate) fn instant(field: &str, said: &Scalar<'_>, now: Time, limits: &Limits) -> Result<Time, Refusal> {
    const FORM: &str = "write it as RFC 3339 with its offset from UTC, such as 2026-11-20T08:00:00+01:00";
    let t = match said {
        Scalar::Instant(t) => *t,
        Scalar::Text(text) | Scalar::Cell(text) => Time::parse(text).map_err(|error| match error {
            // A bare day parses as its midnight; what it lacks first is the time of day.
            TimeError::NoZone if text.len() > "2026-11-20".len() => Refusal::of(
                "no_zone",
                field,
                text,
                "the time does not say its offset from UTC, so it is no instant",
                "add the offset, such as +01:00, or Z for UTC",
            ),
            TimeError::NoZone | TimeError::Malformed => {
                Refusal::of("malformed_time", field, text, "it is not a date and time", FORM)
            }
        })?,
        other => {
            let mut refusal = wrong_type(field, other, "a date and time in quotes");
            FORM.clone_into(&mut refusal.remedy);
            return Err(refusal);
        }
    };
    if t < limits.earliest {
        let message = format!("the time lies before {}", limits.earliest);
        return Err(Refusal::of("too_early", field, &said.shown(), message, "set the device's clock: it seems to have lost it"));
    }
    if t > now + limits.ahead {
        let message = format!("the time lies more than {} ahead of the clock here", limits.ahead);
        return Err(Refusal::of(
            "in_the_future",
            field,
            &said.shown(),
            message,
            "set the sender's clock, and see that the offset from UTC is right",
        ));
    }
    Ok(t)
}
