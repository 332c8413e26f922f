//! Shares of readings within, below and above bounds, in percent, and the glycemia risk index that is made of such shares.
//!
//! Bounds belong to the range: what is equal to one is in it, as Battelino et al. 2019 (Diabetes Care 42:1593) count. Bounds may be columns,
//! so that each reading is held against its own subject's. They are in the unit of the value.

use datafusion::common::Result;
use vitalog_elog::Unit;

use super::args::{Constants, Kind, Shape};
use super::moments::mg_dl;
use super::sums::{MOST, Measure};

fn percent(part: i128, count: i64) -> Option<f64> {
    Some(100.0 * part as f64 / count as f64)
}

fn one_if(holds: bool) -> Option<[i128; MOST]> {
    Some([i128::from(holds), 0, 0, 0])
}

/// `time_in_range(value, low, high)`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct TimeInRange;

impl Measure for TimeInRange {
    type Setting = ();

    fn shape(&self) -> Shape {
        Shape { name: "time_in_range", kinds: &[Kind::Number, Kind::Number, Kind::Number], required: 3 }
    }

    fn setting(&self, _: &Constants) -> Result<()> {
        Ok(())
    }

    fn parts((): &(), row: &[f64]) -> Option<[i128; MOST]> {
        one_if(row[1] <= row[0] && row[0] <= row[2])
    }

    fn result(count: i64, sums: &[i128; MOST]) -> Option<f64> {
        percent(sums[0], count)
    }
}

/// `time_below(value, low)`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct TimeBelow;

impl Measure for TimeBelow {
    type Setting = ();

    fn shape(&self) -> Shape {
        Shape { name: "time_below", kinds: &[Kind::Number, Kind::Number], required: 2 }
    }

    fn setting(&self, _: &Constants) -> Result<()> {
        Ok(())
    }

    fn parts((): &(), row: &[f64]) -> Option<[i128; MOST]> {
        one_if(row[0] < row[1])
    }

    fn result(count: i64, sums: &[i128; MOST]) -> Option<f64> {
        percent(sums[0], count)
    }
}

/// `time_above(value, high)`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct TimeAbove;

impl Measure for TimeAbove {
    type Setting = ();

    fn shape(&self) -> Shape {
        Shape { name: "time_above", kinds: &[Kind::Number, Kind::Number], required: 2 }
    }

    fn setting(&self, _: &Constants) -> Result<()> {
        Ok(())
    }

    fn parts((): &(), row: &[f64]) -> Option<[i128; MOST]> {
        one_if(row[0] > row[1])
    }

    fn result(count: i64, sums: &[i128; MOST]) -> Option<f64> {
        percent(sums[0], count)
    }
}

/// `gri(value)`: the glycemia risk index, 0 to 100. Source: Klonoff et al. 2023, J Diabetes Sci Technol 17:1226:
/// 3.0 × (% below 54) + 2.4 × (% 54 to 69) + 1.6 × (% above 250) + 0.8 × (% 181 to 250 mg/dL), at most 100.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Gri;

impl Measure for Gri {
    type Setting = Unit;

    fn shape(&self) -> Shape {
        Shape { name: "gri", kinds: &[Kind::Number, Kind::Unit], required: 1 }
    }

    fn setting(&self, constants: &Constants) -> Result<Unit> {
        constants.glucose_unit()
    }

    fn parts(unit: &Unit, row: &[f64]) -> Option<[i128; MOST]> {
        let glucose = mg_dl(row[0], *unit)?;
        let is = |holds: bool| i128::from(holds);
        let low = is(glucose < 70.0) - is(glucose < 54.0);
        let high = is(glucose > 180.0) - is(glucose > 250.0);
        Some([is(glucose < 54.0), low, is(glucose > 250.0), high])
    }

    fn result(count: i64, sums: &[i128; MOST]) -> Option<f64> {
        let weights = [3.0, 2.4, 1.6, 0.8];
        let weighted: f64 = sums.iter().zip(weights).map(|(n, weight)| 100.0 * *n as f64 / count as f64 * weight).sum();
        Some(weighted.min(100.0))
    }
}
