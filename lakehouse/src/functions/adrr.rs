//! `adrr(at, value)`: the average daily risk range.
//!
//! Source: Kovatchev et al. 2006, Diabetes Care 29:2433: for each day the greatest risk of a low plus the greatest risk of a high, and the mean of that over the days.
//! As there, a day counts if it has three readings or more. Days are those of the clock that `at` shows: give it `local_time(at, zone)`.

use datafusion::arrow::datatypes::{DataType, Fields};
use datafusion::common::Result;
use vitalog_elog::Unit;

use super::args::{Constants, DAY, Kind, Shape};
use super::risk::risks;
use super::trace::{Course, Point, Said};

/// Readings that a day must have.
const LEAST: usize = 3;

/// The metric.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Adrr;

impl Course for Adrr {
    type Setting = Unit;

    fn shape(&self) -> Shape {
        Shape { name: "adrr", kinds: &[Kind::Clock, Kind::Number, Kind::Unit], required: 2 }
    }

    fn rows(&self, _: &DataType) -> Option<Fields> {
        None
    }

    fn setting(&self, constants: &Constants) -> Result<Unit> {
        constants.glucose_unit()
    }

    fn answer(unit: &Unit, trace: &[Point]) -> Result<Said> {
        let days = trace.chunk_by(|a, b| a.0.div_euclid(DAY) == b.0.div_euclid(DAY)).filter(|day| day.len() >= LEAST);
        let (mut sum, mut count) = (0.0, 0);
        for day in days {
            let (mut low, mut high) = (0.0_f64, 0.0_f64);
            for &(_, value) in day {
                let Some(risk) = risks(value, *unit) else { return Ok(Said::Number(Some(f64::NAN))) };
                low = low.max(risk.0);
                high = high.max(risk.1);
            }
            sum += low + high;
            count += 1;
        }
        Ok(Said::Number((count > 0).then(|| sum / f64::from(count))))
    }
}
