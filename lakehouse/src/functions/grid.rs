//! `grid(at, value, every [, longest])`: a course in equal steps, its holes filled as far as they are short.
//!
//! From the first reading's step to the last one's there is a row for each: the mean of its readings, or where it has none, the straight line between the rows
//! before and after, if these are at most `longest` apart (45 minutes if not given, `interval '0'` fills nothing), else null. `filled` tells which were.
//! Steps begin at multiples of `every` since 1970-01-01T00:00Z, as those of `date_bin` do. The 45 minutes are practice, and what the R package iglu takes.

use std::sync::Arc;

use datafusion::arrow::array::{BooleanArray, Float64Array};
use datafusion::arrow::datatypes::{DataType, Field, Fields};
use datafusion::common::{Result, exec_err};

use super::args::{Constants, Kind, MINUTE, Shape};
use super::trace::{Course, Point, Said, instants};

/// Rows of one course: seven years in steps of five minutes, and some.
const MOST: i64 = 1_000_000;

/// The course in steps.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Grid;

/// How long a step is, and a hole that is filled.
#[derive(Clone, Copy, Debug)]
pub struct Steps {
    every: i64,
    longest: i64,
}

impl Course for Grid {
    type Setting = Steps;

    fn shape(&self) -> Shape {
        Shape { name: "grid", kinds: &[Kind::Instant, Kind::Number, Kind::Span, Kind::Span], required: 3 }
    }

    fn rows(&self, instant: &DataType) -> Option<Fields> {
        let at = Field::new("at", instant.clone(), false);
        let value = Field::new("value", DataType::Float64, true);
        Some(vec![at, value, Field::new("filled", DataType::Boolean, false)].into())
    }

    fn setting(&self, constants: &Constants) -> Result<Steps> {
        Ok(Steps { every: constants.positive_span(2, MINUTE)?, longest: constants.span(3, 45 * MINUTE)? })
    }

    fn room(steps: &Steps, _: usize, (first, last): (i64, i64)) -> usize {
        let rows = (last.saturating_sub(first) / steps.every).min(MOST);
        // Instant, value, and what is at hand while it is made.
        rows as usize * 4 * size_of::<f64>()
    }

    fn answer(steps: &Steps, trace: &[Point]) -> Result<Said> {
        let Steps { every, longest } = *steps;
        let step = |p: &Point| p.0.div_euclid(every);
        let first = step(&trace[0]);
        let count = step(&trace[trace.len() - 1]) - first + 1;
        if count > MOST {
            return exec_err!("grid would have {count} rows, at most {MOST} are made: take longer steps or less time");
        }
        let known: Vec<(i64, f64)> = trace
            .chunk_by(|a, b| step(a) == step(b))
            .map(|same| (step(&same[0]) - first, same.iter().map(|p| p.1).sum::<f64>() / same.len() as f64))
            .collect();
        let mut values = vec![None; count as usize];
        let mut filled = vec![false; count as usize];
        known.iter().for_each(|(place, value)| values[*place as usize] = Some(*value));
        for pair in known.windows(2) {
            let ((from, before), (to, after)) = (pair[0], pair[1]);
            if (to - from) * every > longest {
                continue;
            }
            for place in from + 1..to {
                values[place as usize] = Some(before + (after - before) * (place - from) as f64 / (to - from) as f64);
                filled[place as usize] = true;
            }
        }
        let at = instants((first..first + count).map(|step| step * every));
        Ok(Said::Rows(vec![at, Arc::new(Float64Array::from(values)), Arc::new(BooleanArray::from(filled))]))
    }
}
