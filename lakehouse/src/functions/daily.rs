//! Metrics of the difference to an earlier time of the same course: `modd` and `conga`.
//!
//! The partner of a reading is the one nearest to the instant so much earlier, at most a tolerance away; of two as near, the earlier. Nothing is interpolated.
//! Five minutes between readings need a tolerance of 2.5 minutes, fifteen one of 7.5, which is what holds where none is given.

use datafusion::arrow::datatypes::{DataType, Fields};
use datafusion::common::Result;

use super::args::{Constants, DAY, Kind, MINUTE, Shape};
use super::mage::sample_deviation;
use super::trace::{Course, Point, Said};

const TOLERANCE: i64 = 15 * MINUTE / 2;

/// `modd(at, value [, tolerance])`: the mean of the absolute differences to 24 hours before. Source: Molnar et al. 1972, Diabetologia 8:342.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Modd;

/// `conga(at, value, lag [, tolerance])`: the standard deviation (n - 1) of the differences to a lag before, usually 1, 2 or 4 hours.
/// Source: McDonnell et al. 2005, Diabetes Technol Ther 7:253.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Conga;

/// How much earlier, and how exactly so.
#[derive(Clone, Copy, Debug)]
pub struct Lag {
    lag: i64,
    tolerance: i64,
}

impl Course for Modd {
    type Setting = Lag;

    fn shape(&self) -> Shape {
        Shape { name: "modd", kinds: &[Kind::Instant, Kind::Number, Kind::Span], required: 2 }
    }

    fn rows(&self, _: &DataType) -> Option<Fields> {
        None
    }

    fn setting(&self, constants: &Constants) -> Result<Lag> {
        Ok(Lag { lag: DAY, tolerance: constants.span(2, TOLERANCE)? })
    }

    fn answer(lag: &Lag, trace: &[Point]) -> Result<Said> {
        let differences = differences(trace, *lag);
        let sum: f64 = differences.iter().map(|d| d.abs()).sum();
        Ok(Said::Number((!differences.is_empty()).then(|| sum / differences.len() as f64)))
    }
}

impl Course for Conga {
    type Setting = Lag;

    fn shape(&self) -> Shape {
        Shape { name: "conga", kinds: &[Kind::Instant, Kind::Number, Kind::Span, Kind::Span], required: 3 }
    }

    fn rows(&self, _: &DataType) -> Option<Fields> {
        None
    }

    fn setting(&self, constants: &Constants) -> Result<Lag> {
        Ok(Lag { lag: constants.positive_span(2, DAY)?, tolerance: constants.span(3, TOLERANCE)? })
    }

    fn answer(lag: &Lag, trace: &[Point]) -> Result<Said> {
        Ok(Said::Number(sample_deviation(differences(trace, *lag).into_iter())))
    }
}

/// Of each reading that has a partner, what it is more than that.
fn differences(trace: &[Point], Lag { lag, tolerance }: Lag) -> Vec<f64> {
    let mut out = Vec::new();
    // The first reading that is not before the instant looked for; instants only grow, so it never goes back.
    let mut next = 0;
    for &(time, value) in trace {
        let wanted = time.saturating_sub(lag);
        while next < trace.len() && trace[next].0 < wanted {
            next += 1;
        }
        let before = next.checked_sub(1).map(|i| trace[i]);
        let after = trace.get(next).copied();
        let away = |p: &Point| (p.0 - wanted).abs();
        // The first of the nearest. A reading is not its own partner, however wide the tolerance.
        let near = before.into_iter().chain(after).filter(|p| p.0 < time && away(p) <= tolerance).min_by_key(away);
        out.extend(near.map(|(_, former)| value - former));
    }
    out
}
