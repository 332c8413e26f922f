//! Metrics of the mean and the standard deviation of glucose: GMI, coefficient of variation, J-index.
//!
//! The deviation is that of a sample (n - 1). Sums are of atoms and of their squares, so the variance of equal readings is zero and not nearly so.

use datafusion::common::Result;
use vitalog_elog::Unit;

use super::args::{Constants, Kind, Shape};
use super::sums::{MOST, Measure};

/// Atoms of glucose in 1 mg/dL.
const ATOMS: f64 = 100_000.0;
/// Beyond that (10^10 mg/dL) a double does not count atoms any more, nor do squares fit.
const LARGEST: f64 = 1e15;

/// A concentration of glucose in atoms; `None` where it can't be one.
fn atoms(value: f64, unit: Unit) -> Option<i128> {
    let atoms = (value * unit.atoms() as f64).round();
    (atoms.abs() <= LARGEST).then_some(atoms as i128)
}

/// A concentration of glucose in mg/dL, to the atom.
pub fn mg_dl(value: f64, unit: Unit) -> Option<f64> {
    Some(atoms(value, unit)? as f64 / ATOMS)
}

fn mean(count: i64, sums: &[i128; MOST]) -> f64 {
    sums[0] as f64 / count as f64 / ATOMS
}

/// The standard deviation of a sample, in mg/dL.
fn deviation(count: i64, sums: &[i128; MOST]) -> Option<f64> {
    let (n, [sum, squares, ..]) = (i128::from(count), *sums);
    if n < 2 {
        return None;
    }
    let exact = n.checked_mul(squares).zip(sum.checked_mul(sum)).and_then(|(a, b)| a.checked_sub(b));
    let scaled = exact.map_or_else(|| n as f64 * squares as f64 - sum as f64 * sum as f64, |exact| exact as f64);
    Some((scaled.max(0.0) / (n as f64 * (n - 1) as f64)).sqrt() / ATOMS)
}

fn moments(value: f64, unit: Unit) -> Option<[i128; MOST]> {
    let atoms = atoms(value, unit)?;
    Some([atoms, atoms * atoms, 0, 0])
}

/// `gmi(value)`: the glucose management indicator, in percent. Source: Bergenstal et al. 2018, Diabetes Care 41:2275: 3.31 + 0.02392 × mean in mg/dL.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Gmi;

impl Measure for Gmi {
    type Setting = Unit;

    fn shape(&self) -> Shape {
        Shape { name: "gmi", kinds: &[Kind::Number, Kind::Unit], required: 1 }
    }

    fn setting(&self, constants: &Constants) -> Result<Unit> {
        constants.glucose_unit()
    }

    fn parts(unit: &Unit, row: &[f64]) -> Option<[i128; MOST]> {
        moments(row[0], *unit)
    }

    fn result(count: i64, sums: &[i128; MOST]) -> Option<f64> {
        Some(3.31 + 0.02392 * mean(count, sums))
    }
}

/// `cv(value)`: standard deviation in percent of the mean, of two readings or more. Source: Danne et al. 2017, Diabetes Care 40:1631. The unit falls out.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Cv;

impl Measure for Cv {
    type Setting = ();

    fn shape(&self) -> Shape {
        Shape { name: "cv", kinds: &[Kind::Number], required: 1 }
    }

    fn setting(&self, _: &Constants) -> Result<()> {
        Ok(())
    }

    fn parts((): &(), row: &[f64]) -> Option<[i128; MOST]> {
        moments(row[0], vitalog_elog::Dimension::Glucose.usual_unit())
    }

    fn result(count: i64, sums: &[i128; MOST]) -> Option<f64> {
        Some(100.0 * deviation(count, sums)? / mean(count, sums)).filter(|cv| cv.is_finite())
    }
}

/// `j_index(value)`: 0.001 × (mean + standard deviation)², of mg/dL, of two readings or more. Source: Wójcicki 1995, Horm Metab Res 27:41.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct JIndex;

impl Measure for JIndex {
    type Setting = Unit;

    fn shape(&self) -> Shape {
        Shape { name: "j_index", kinds: &[Kind::Number, Kind::Unit], required: 1 }
    }

    fn setting(&self, constants: &Constants) -> Result<Unit> {
        constants.glucose_unit()
    }

    fn parts(unit: &Unit, row: &[f64]) -> Option<[i128; MOST]> {
        moments(row[0], *unit)
    }

    fn result(count: i64, sums: &[i128; MOST]) -> Option<f64> {
        Some(0.001 * (mean(count, sums) + deviation(count, sums)?).powi(2))
    }
}
