//! `episodes_below(at, value, bound [, lasting [, recovery [, hole]]])` and `episodes_above`: a list with a row for each episode.
//!
//! Source: Danne et al. 2017, Diabetes Care 40:1631, and Battelino et al. 2023, Lancet Diabetes Endocrinol 11:42: an episode begins when glucose has been beyond the bound for 15 minutes, and
//! ends when it has been back for 15. `lasting` and `recovery` are these two; 120 minutes make a prolonged one.
//!
//! - It begins with the first reading of the first stretch beyond the bound that lasts: up to the first reading that is back, if there is one.
//! - It ends with the first reading of the stretch back that lasts. Shorter ones belong to it.
//! - Two readings more than `hole` apart (30 minutes if not given, which is practice) prove nothing of what lies between: an episode ends there, with its last reading beyond the bound or
//!   the first one back, and is not `recovered`. So it is at the end of the readings.
//! - What is equal to the bound is not beyond it.

use std::sync::Arc;

use datafusion::arrow::array::{ArrayRef, BooleanArray, Float64Array, Int64Array};
use datafusion::arrow::datatypes::{DataType, Field, Fields};
use datafusion::common::Result;

use super::args::{Constants, Kind, MINUTE, Shape};
use super::trace::{Course, Point, Said, instants};

/// Episodes on one side of a bound.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Episodes {
    Below,
    Above,
}

/// What makes an episode.
#[derive(Clone, Copy, Debug)]
pub struct Terms {
    side: Episodes,
    bound: f64,
    lasting: i64,
    recovery: i64,
    hole: i64,
}

#[derive(Clone, Copy, Debug, PartialEq)]
struct Episode {
    start: i64,
    end: i64,
    /// Readings beyond the bound, and the farthest of them.
    readings: i64,
    extreme: f64,
    recovered: bool,
}

impl Course for Episodes {
    type Setting = Terms;

    fn shape(&self) -> Shape {
        const KINDS: [Kind; 6] = [Kind::Instant, Kind::Number, Kind::Bound, Kind::Span, Kind::Span, Kind::Span];
        let name = match self {
            Episodes::Below => "episodes_below",
            Episodes::Above => "episodes_above",
        };
        Shape { name, kinds: &KINDS, required: 3 }
    }

    fn rows(&self, instant: &DataType) -> Option<Fields> {
        let fields = [
            Field::new("start_at", instant.clone(), false),
            Field::new("end_at", instant.clone(), false),
            Field::new("minutes", DataType::Float64, false),
            Field::new("readings", DataType::Int64, false),
            Field::new("extreme", DataType::Float64, false),
            Field::new("recovered", DataType::Boolean, false),
        ];
        Some(fields.into_iter().collect())
    }

    fn setting(&self, constants: &Constants) -> Result<Terms> {
        Ok(Terms {
            side: *self,
            bound: constants.bound(2)?,
            lasting: constants.span(3, 15 * MINUTE)?,
            recovery: constants.span(4, 15 * MINUTE)?,
            hole: constants.positive_span(5, 30 * MINUTE)?,
        })
    }

    fn room(_: &Terms, readings: usize, _: (i64, i64)) -> usize {
        readings * size_of::<Episode>()
    }

    fn answer(terms: &Terms, trace: &[Point]) -> Result<Said> {
        let unbroken = trace.chunk_by(|a, b| b.0 - a.0 <= terms.hole);
        let all: Vec<Episode> = unbroken.flat_map(|part| terms.episodes(part)).collect();
        let minutes = all.iter().map(|e| (e.end - e.start) as f64 / MINUTE as f64);
        let columns: Vec<ArrayRef> = vec![
            instants(all.iter().map(|e| e.start)),
            instants(all.iter().map(|e| e.end)),
            Arc::new(Float64Array::from_iter_values(minutes)),
            Arc::new(Int64Array::from_iter_values(all.iter().map(|e| e.readings))),
            Arc::new(Float64Array::from_iter_values(all.iter().map(|e| e.extreme))),
            Arc::new(BooleanArray::from_iter(all.iter().map(|e| Some(e.recovered)))),
        ];
        Ok(Said::Rows(columns))
    }
}

impl Terms {
    fn is_beyond(&self, value: f64) -> bool {
        match self.side {
            Episodes::Below => value < self.bound,
            Episodes::Above => value > self.bound,
        }
    }

    fn farther(&self, a: f64, b: f64) -> f64 {
        match self.side {
            Episodes::Below => a.min(b),
            Episodes::Above => a.max(b),
        }
    }

    /// Those of readings without a hole.
    fn episodes(&self, part: &[Point]) -> Vec<Episode> {
        let mut out: Vec<Episode> = Vec::new();
        // What may become an episode or is one, whether it is, and since when the readings are back.
        let mut open: Option<(Episode, bool, Option<i64>)> = None;
        for &(time, value) in part {
            let beyond = self.is_beyond(value);
            let Some((episode, proven, back)) = &mut open else {
                if beyond {
                    let episode = Episode { start: time, end: time, readings: 1, extreme: value, recovered: false };
                    open = Some((episode, self.lasting == 0, None));
                }
                continue;
            };
            *proven |= time - episode.start >= self.lasting;
            if beyond {
                *back = None;
                episode.end = time;
                episode.readings += 1;
                episode.extreme = self.farther(episode.extreme, value);
            } else if *proven {
                let since = *back.get_or_insert(time);
                episode.end = since;
                if time - since >= self.recovery {
                    out.push(Episode { recovered: true, ..*episode });
                    open = None;
                }
            } else {
                open = None;
            }
        }
        out.extend(open.filter(|(_, proven, _)| *proven).map(|(episode, ..)| episode));
        out
    }
}
