//! Which way glucose goes: the slope of the last twenty minutes, and the arrow that is shown for it.
//!
//! The steps of the arrow, 1, 2 and 3 mg/dL a minute, are those that the makers of continuous monitors use (Dexcom G6 and G7 user guides,
//! "trend arrows"). The outcome is for the eye only; no rule is decided by it.

use serde::Serialize;
use utoipa::ToSchema;
use vitalog_elog::{Span, Time};

/// How far back it looks.
pub const LOOK_BACK: Span = Span::minutes(20);
/// A value older than this has no trend.
pub const FRESH: Span = Span::minutes(15);

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Arrow {
    RisingFast,
    Rising,
    RisingSlowly,
    Steady,
    FallingSlowly,
    Falling,
    FallingFast,
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize, ToSchema)]
pub struct Trend {
    pub arrow: Arrow,
    /// In mg/dL a minute.
    pub rate: f64,
}

/// The trend at a time, from points (instant, mg/dL) in the order of their instants. `None` where the last is not fresh, or where fewer than
/// three lie within reach, over less than ten minutes.
pub fn trend(points: &[(Time, f64)], now: Time) -> Option<Trend> {
    let (last, _) = *points.last()?;
    if now.since(last) > FRESH {
        return None;
    }
    let recent = &points[points.partition_point(|(t, _)| *t <= last - LOOK_BACK)..];
    if recent.len() < 3 || last.since(recent[0].0) < Span::minutes(10) {
        return None;
    }
    let minutes = |t: Time| t.since(last).micros() as f64 / 60e6;
    let n = recent.len() as f64;
    let (mean_t, mean_v) = recent.iter().fold((0.0, 0.0), |(t, v), (at, value)| (t + minutes(*at) / n, v + value / n));
    let (over, under) = recent.iter().fold((0.0, 0.0), |(over, under), (at, value)| {
        let dt = minutes(*at) - mean_t;
        (over + dt * (value - mean_v), under + dt * dt)
    });
    if under <= 0.0 {
        return None;
    }
    let rate = over / under;
    Some(Trend { arrow: arrow(rate), rate: (rate * 10.0).round() / 10.0 })
}

fn arrow(rate: f64) -> Arrow {
    match rate {
        r if r > 3.0 => Arrow::RisingFast,
        r if r > 2.0 => Arrow::Rising,
        r if r > 1.0 => Arrow::RisingSlowly,
        r if r < -3.0 => Arrow::FallingFast,
        r if r < -2.0 => Arrow::Falling,
        r if r < -1.0 => Arrow::FallingSlowly,
        _ => Arrow::Steady,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(per_minute: f64, every: i64, count: i64) -> Vec<(Time, f64)> {
        (0..count).map(|i| (Time(0) + Span::minutes(i * every), 100.0 + per_minute * (i * every) as f64)).collect()
    }

    fn at_end(points: &[(Time, f64)]) -> Option<Arrow> {
        trend(points, points.last()?.0).map(|t| t.arrow)
    }

    #[test]
    fn each_arrow_has_its_slope() {
        for (rate, expected) in [
            (3.5, Arrow::RisingFast),
            (2.5, Arrow::Rising),
            (1.5, Arrow::RisingSlowly),
            (0.0, Arrow::Steady),
            (-1.0, Arrow::Steady),
            (-1.5, Arrow::FallingSlowly),
            (-2.5, Arrow::Falling),
            (-3.5, Arrow::FallingFast),
        ] {
            assert_eq!(at_end(&line(rate, 5, 6)), Some(expected), "{rate} mg/dL a minute");
        }
    }

    #[test]
    fn too_little_says_nothing() {
        assert_eq!(at_end(&line(5.0, 5, 2)), None, "two points");
        assert_eq!(at_end(&line(5.0, 1, 5)), None, "five points in four minutes");
        assert_eq!(at_end(&[]), None);
        let points = line(5.0, 5, 5);
        assert_eq!(trend(&points, points[4].0 + Span::minutes(16)), None, "the last is sixteen minutes old");
    }

    #[test]
    fn what_lies_further_back_does_not_count() {
        let mut points = vec![(Time(0) - Span::minutes(60), 400.0)];
        points.extend(line(0.0, 5, 5));
        assert_eq!(at_end(&points), Some(Arrow::Steady));
    }
}
