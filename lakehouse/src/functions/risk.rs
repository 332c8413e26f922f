//! The risk that lies in a concentration of glucose, and the indices of low and of high glucose.
//!
//! Source: Kovatchev et al. 2006, Diabetes Care 29:2433: f(G) = 1.509 × (ln(G)^1.084 - 5.381) with G in mg/dL, risk 10 × f(G)², of a low where f < 0, of a
//! high where f > 0. The scale is made for 20 to 600 mg/dL, where the risk runs to about 100; it is not cut off there. Below 1 mg/dL it has no value.

use datafusion::common::Result;
use vitalog_elog::Unit;

use super::args::{Constants, Kind, Shape};
use super::moments::mg_dl;
use super::sums::{MOST, Measure};

/// Parts of a risk in the sums.
const PARTS: f64 = 1e15;

/// Risk of a low, risk of a high; one of them is nothing.
pub fn risks(value: f64, unit: Unit) -> Option<(f64, f64)> {
    let glucose = mg_dl(value, unit).filter(|g| *g >= 1.0)?;
    let f = 1.509 * (glucose.ln().powf(1.084) - 5.381);
    let risk = 10.0 * f * f;
    Some(if f < 0.0 { (risk, 0.0) } else { (0.0, risk) })
}

fn mean_risk(count: i64, sum: i128) -> Option<f64> {
    Some(sum as f64 / PARTS / count as f64)
}

fn part(risk: f64) -> Option<[i128; MOST]> {
    Some([(risk * PARTS) as i128, 0, 0, 0])
}

/// `lbgi(value)`: the mean over all readings of the risk of a low.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Lbgi;

impl Measure for Lbgi {
    type Setting = Unit;

    fn shape(&self) -> Shape {
        Shape { name: "lbgi", kinds: &[Kind::Number, Kind::Unit], required: 1 }
    }

    fn setting(&self, constants: &Constants) -> Result<Unit> {
        constants.glucose_unit()
    }

    fn parts(unit: &Unit, row: &[f64]) -> Option<[i128; MOST]> {
        part(risks(row[0], *unit)?.0)
    }

    fn result(count: i64, sums: &[i128; MOST]) -> Option<f64> {
        mean_risk(count, sums[0])
    }
}

/// `hbgi(value)`: the mean over all readings of the risk of a high.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Hbgi;

impl Measure for Hbgi {
    type Setting = Unit;

    fn shape(&self) -> Shape {
        Shape { name: "hbgi", kinds: &[Kind::Number, Kind::Unit], required: 1 }
    }

    fn setting(&self, constants: &Constants) -> Result<Unit> {
        constants.glucose_unit()
    }

    fn parts(unit: &Unit, row: &[f64]) -> Option<[i128; MOST]> {
        part(risks(row[0], *unit)?.1)
    }

    fn result(count: i64, sums: &[i128; MOST]) -> Option<f64> {
        mean_risk(count, sums[0])
    }
}
