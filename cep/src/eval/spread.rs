//! How values spread and move: deviations, percentiles, slopes, turns. Exact: from sums of integers, from sorted values.

use std::cmp::Ordering;
use std::ops::Range;

use super::aggregate::{means, number};
use super::line::Line;
use super::ratio::Ratio;
use super::root::Root;
use super::timed::WHOLE;
use super::value::Value;
use crate::plan::{Func, Measure, Rational};
use crate::timeline::{Column, Table};

/// What the readings come to, where nothing but they decide.
pub fn of<'a>(func: Func, table: &Table, rows: impl Iterator<Item = usize>, what: Measure) -> Value<'a> {
    let mut points = rows.filter_map(|row| Some((table.at(row), number(table, row, what)?)));
    match func {
        Func::Stddev | Func::Cv => {
            let mut sums = Sums::default();
            points.all(|(_, v)| sums.add(v));
            deviation(func, &sums)
        }
        Func::Median => Value::number(percentile(points.map(|(_, v)| v).collect(), Rational { n: 1, d: 2 })),
        Func::Percentile(share) => Value::number(percentile(points.map(|(_, v)| v).collect(), share)),
        Func::Slope => {
            let points: Vec<(i64, i64)> = points.collect();
            let origin = points.first().map_or(0, |p| p.0);
            Value::number(Line::through(points.into_iter(), origin).and_then(|line| line.slope()))
        }
        Func::Rate => Value::number(rate(&means(points))),
        Func::Reversals => Value::number(reversals(&means(points)).map(Ratio::whole)),
        _ => Value::Unknown,
    }
}

/// The same of numbers none of which is missing, where no two are of one instant. `None` says nothing.
pub fn straight<'a>(func: Func, instants: &[i64], numbers: &[i64]) -> Option<Value<'a>> {
    if func == Func::Slope {
        return Some(Value::number(Line::along(instants, numbers, *instants.first()?).and_then(|line| line.slope())));
    }
    if instants.windows(2).any(|pair| pair[0] == pair[1]) {
        return None;
    }
    if func == Func::Reversals {
        let (mut turns, mut heading) = (0, Ordering::Equal);
        let mut last = *numbers.first()?;
        for &next in &numbers[1..] {
            let way = next.cmp(&last);
            if way.is_ne() {
                turns += i64::from(heading == way.reverse());
                heading = way;
            }
            last = next;
        }
        return Some(Value::Number(Ratio::whole(turns)));
    }
    let ends = [(*instants.first()?, *numbers.first()?), (*instants.last()?, *numbers.last()?)];
    Some(Value::number(rate(&ends.map(|(at, n)| (at, Ratio::whole(n))))))
}

/// Sums of values and of their squares.
#[derive(Clone, Copy, Debug, Default)]
pub struct Sums {
    pub count: i128,
    pub sum: i128,
    /// `None`: they do not fit.
    pub squares: Option<i128>,
}

impl Sums {
    fn add(&mut self, value: i64) -> bool {
        let value = i128::from(value);
        let square = value.checked_mul(value);
        self.squares = match self.count {
            0 => square,
            _ => self.squares.zip(square).and_then(|(a, b)| a.checked_add(b)),
        };
        self.count += 1;
        self.sum += value;
        true
    }
}

/// The deviation of the rows of a column that keeps its sums.
pub fn from_sums<'a>(func: Func, column: &Column, rows: Range<usize>) -> Option<Value<'a>> {
    let (sum, squares, count) = column.moments(rows.start, rows.end)?;
    Some(deviation(func, &Sums { count: i128::from(count), sum, squares: Some(squares) }))
}

fn deviation<'a>(func: Func, sums: &Sums) -> Value<'a> {
    root(func, sums).map_or(Value::Unknown, Value::Root)
}

fn root(func: Func, sums: &Sums) -> Option<Root> {
    let Sums { count, sum, squares } = *sums;
    let spread = count.checked_mul(squares?)?.checked_sub(sum.checked_mul(sum)?)?;
    let variance = Ratio::new(spread, count.checked_mul(count - 1)?)?;
    if func == Func::Stddev {
        return Some(Root { radicand: variance, factor: 1 });
    }
    let mean = Ratio::new(sum, count).filter(|mean| mean.n > 0)?.reduced();
    let radicand = variance.reduced().div(mean.mul(mean)?)?;
    Some(Root { radicand, factor: WHOLE })
}

/// Between two values by a straight line: of n values, p of the n - 1 steps from the least to the greatest.
fn percentile(mut values: Vec<i64>, share: Rational) -> Option<Ratio> {
    let steps = i128::try_from(values.len()).ok()? - 1;
    let way = Ratio::new(i128::from(share.n).checked_mul(steps)?, i128::from(share.d))?;
    let place = usize::try_from(way.floor()).ok()?;
    let rest = way.sub(Ratio { n: way.floor(), d: 1 })?;
    if place >= values.len() {
        return None;
    }
    let (_, &mut low, above) = values.select_nth_unstable(place);
    match above.iter().min() {
        Some(&high) if rest.n > 0 => Ratio::whole(low).add(rest.mul(Ratio { n: i128::from(high) - i128::from(low), d: 1 })?),
        _ if rest.n > 0 => None,
        _ => Some(Ratio::whole(low)),
    }
}

/// The last minus the first by the time between, per microsecond.
pub fn rate(means: &[(i64, Ratio)]) -> Option<Ratio> {
    let (first, last) = (means.first()?, means.last()?);
    let time = Ratio { n: i128::from(last.0) - i128::from(first.0), d: 1 };
    last.1.sub(first.1)?.div(time)
}

/// How often the values turn; one that stays where it is turns nothing.
pub fn reversals(means: &[(i64, Ratio)]) -> Option<i64> {
    means.first()?;
    let (mut turns, mut heading) = (0, Ordering::Equal);
    for pair in means.windows(2) {
        let next = pair[1].1.compare(pair[0].1);
        if next.is_ne() {
            turns += i64::from(heading == next.reverse());
            heading = next;
        }
    }
    Some(turns)
}
