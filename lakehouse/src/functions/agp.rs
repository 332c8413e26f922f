//! `agp(at, value [, width])`: the ambulatory glucose profile, a list with a row for each part of the day.
//!
//! Source: Bergenstal et al. 2013, Diabetes Technol Ther 15:198, and Johnson et al. 2019, Diabetes Technol Ther 21:S2-17: percentiles 5, 25, 50, 75 and 95 by time of day, here in parts of
//! `width` (15 minutes if not given; whole parts of a day). A percentile lies on the straight line between the two nearest readings. Nothing is smoothed.
//! Parts without readings have nulls. The day is that of the clock that `at` shows: give it `local_time(at, zone)`.

use std::sync::Arc;

use datafusion::arrow::array::{ArrayRef, Float64Array, Int64Array, Time64MicrosecondArray};
use datafusion::arrow::datatypes::{DataType, Field, Fields, TimeUnit};
use datafusion::common::{Result, plan_err};

use super::args::{Constants, DAY, Kind, MINUTE, Shape};
use super::trace::{Course, Point, Said};

const PERCENTILES: [(&str, f64); 5] = [("p05", 0.05), ("p25", 0.25), ("p50", 0.5), ("p75", 0.75), ("p95", 0.95)];

/// The profile.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Agp;

impl Course for Agp {
    type Setting = i64;

    fn shape(&self) -> Shape {
        Shape { name: "agp", kinds: &[Kind::Clock, Kind::Number, Kind::Span], required: 2 }
    }

    fn rows(&self, _: &DataType) -> Option<Fields> {
        let time = Field::new("time", DataType::Time64(TimeUnit::Microsecond), false);
        let count = Field::new("readings", DataType::Int64, false);
        let percentiles = PERCENTILES.iter().map(|(name, _)| Field::new(*name, DataType::Float64, true));
        Some([time, count].into_iter().chain(percentiles).collect())
    }

    fn setting(&self, constants: &Constants) -> Result<i64> {
        let width = constants.positive_span(2, 15 * MINUTE)?;
        if DAY % width != 0 || width < MINUTE {
            return plan_err!("the parts of agp's day must be whole minutes that divide it, such as 5, 15 or 60");
        }
        Ok(width)
    }

    fn room(width: &i64, _: usize, _: (i64, i64)) -> usize {
        (DAY / width) as usize * (2 + PERCENTILES.len()) * size_of::<f64>()
    }

    fn answer(width: &i64, trace: &[Point]) -> Result<Said> {
        let mut parts: Vec<Vec<f64>> = vec![Vec::new(); (DAY / width) as usize];
        for &(time, value) in trace {
            parts[(time.rem_euclid(DAY) / width) as usize].push(value);
        }
        parts.iter_mut().for_each(|part| part.sort_unstable_by(f64::total_cmp));
        let times = Time64MicrosecondArray::from_iter_values((0..parts.len() as i64).map(|i| i * width));
        let counts = Int64Array::from_iter_values(parts.iter().map(|p| p.len() as i64));
        let mut columns: Vec<ArrayRef> = vec![Arc::new(times), Arc::new(counts)];
        for (_, share) in PERCENTILES {
            columns.push(Arc::new(Float64Array::from_iter(parts.iter().map(|part| percentile(part, share)))));
        }
        Ok(Said::Rows(columns))
    }
}

/// Of values in order: on the line between the two nearest ranks.
fn percentile(ordered: &[f64], share: f64) -> Option<f64> {
    let rank = share * ordered.len().checked_sub(1)? as f64;
    let below = ordered[rank.floor() as usize];
    let above = ordered[rank.ceil() as usize];
    Some(below + (above - below) * rank.fract())
}
