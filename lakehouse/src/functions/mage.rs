//! `mage(at, value)`: the mean amplitude of glycemic excursions, in the unit of the value.
//!
//! Source: Service et al. 1970, Diabetes 19:644: of the swings between peaks and nadirs that exceed one standard deviation, the mean amplitude of
//! those in the direction of the first. Here: the deviation is that of the sample (n - 1) over the whole group; a swing begins and ends where the
//! course turns by more than one deviation; where the course begins and ends counts as a turn. Nothing is smoothed. Without such a swing there is none.

use datafusion::arrow::datatypes::{DataType, Fields};
use datafusion::common::Result;

use super::args::{Constants, Kind, Shape};
use super::trace::{Course, Point, Said};

/// The metric.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Mage;

impl Course for Mage {
    type Setting = ();

    fn shape(&self) -> Shape {
        Shape { name: "mage", kinds: &[Kind::Instant, Kind::Number], required: 2 }
    }

    fn rows(&self, _: &DataType) -> Option<Fields> {
        None
    }

    fn setting(&self, _: &Constants) -> Result<()> {
        Ok(())
    }

    fn answer((): &(), trace: &[Point]) -> Result<Said> {
        let Some(deviation) = deviation(trace) else { return Ok(Said::Number(None)) };
        let swings = swings(trace, deviation);
        let Some(first) = swings.first() else { return Ok(Said::Number(None)) };
        let alike: Vec<f64> = swings.iter().filter(|s| (**s > 0.0) == (*first > 0.0)).map(|s| s.abs()).collect();
        Ok(Said::Number(Some(alike.iter().sum::<f64>() / alike.len() as f64)))
    }
}

/// The standard deviation of the sample.
pub fn deviation(trace: &[Point]) -> Option<f64> {
    sample_deviation(trace.iter().map(|p| p.1))
}

/// Of two values or more.
pub fn sample_deviation(values: impl Iterator<Item = f64> + Clone) -> Option<f64> {
    let count = values.clone().count();
    if count < 2 {
        return None;
    }
    let mean = values.clone().sum::<f64>() / count as f64;
    let squares: f64 = values.map(|v| (v - mean).powi(2)).sum();
    Some((squares / (count - 1) as f64).sqrt())
}

/// From turn to turn, up positive, each of more than `least`.
fn swings(trace: &[Point], least: f64) -> Vec<f64> {
    let mut swings = Vec::new();
    let first = trace[0].1;
    let (mut lowest, mut highest) = (first, first);
    // The turn from which the present swing comes, and how far it has come.
    let mut swing: Option<(f64, f64)> = None;
    for &(_, value) in trace {
        match &mut swing {
            None => {
                lowest = lowest.min(value);
                highest = highest.max(value);
                if value - lowest > least {
                    swing = Some((lowest, value));
                } else if highest - value > least {
                    swing = Some((highest, value));
                }
            }
            Some((from, to)) => {
                let up = *to > *from;
                let further = if up { value > *to } else { value < *to };
                if further {
                    *to = value;
                } else if (*to - value).abs() > least {
                    swings.push(*to - *from);
                    swing = Some((*to, value));
                }
            }
        }
    }
    swings.extend(swing.map(|(from, to)| to - from));
    swings
}
