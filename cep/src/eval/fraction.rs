//! Aggregates over columns of quotients, which only findings have. The same as over whole numbers, without their short ways.

use super::decay;
use super::ratio::Ratio;
use super::root::Root;
use super::spread::{rate, reversals};
use super::timed::WHOLE;
use super::value::Value;
use crate::plan::{Func, Rational};
use crate::timeline::{Cell, Column, Table};

/// An aggregate of a column's values in those of the rows that have one.
pub fn fold<'a>(func: Func, table: &'a Table, column: &Column, rows: impl Iterator<Item = usize>) -> Value<'a> {
    let all: Vec<(i64, Ratio)> = rows.filter_map(|row| Some((table.at(row), number(column, row)?))).collect();
    Value::number(match func {
        Func::Count => Some(Ratio { n: all.len() as i128, d: 1 }),
        Func::Sum => sum(all.iter().map(|(_, n)| *n)),
        Func::Avg => mean(all.iter().map(|(_, n)| *n)),
        Func::Min => all.iter().map(|(_, n)| *n).min_by(|a, b| a.compare(*b)),
        Func::Max => all.iter().map(|(_, n)| *n).max_by(|a, b| a.compare(*b)),
        Func::First => end(&all, all.first()),
        Func::Last => end(&all, all.last()),
        Func::Delta => end(&all, all.last()).zip(end(&all, all.first())).and_then(|(last, first)| last.sub(first)),
        Func::Stddev | Func::Cv => return deviation(func, &all).map_or(Value::Unknown, Value::Root),
        Func::Median => percentile(all.into_iter().map(|(_, n)| n).collect(), Rational { n: 1, d: 2 }),
        Func::Percentile(share) => percentile(all.into_iter().map(|(_, n)| n).collect(), share),
        Func::Slope => line(&all, all.first().map_or(0, |(at, _)| *at)).and_then(|line| line.slope()),
        Func::Rate => means(&all).and_then(|means| rate(&means)),
        Func::Reversals => means(&all).and_then(|means| reversals(&means)).map(Ratio::whole),
        // What asks where the window lies is not decided here.
        Func::Share | Func::TimeIn(_) | Func::Coverage(_) | Func::DecayedSum(_) | Func::Days | Func::Forecast(_) => None,
    })
}

/// Each value by how much of it is left at an instant.
pub fn decayed(column: &Column, table: &Table, rows: &[usize], end: i64, half_life: i64) -> Option<Ratio> {
    let part = |row: &usize| {
        let weight = decay::weight(i128::from(end) - i128::from(table.at(*row)), half_life);
        number(column, *row).map(|n| n.mul(Ratio { n: i128::from(weight), d: decay::ONE }))
    };
    rows.iter().filter_map(part).try_fold(Ratio::ZERO, |sum, part| sum.add(part?))
}

/// The least-squares line, drawn on from an instant.
pub fn forecast(column: &Column, table: &Table, rows: &[usize], end: i64, ahead: i64) -> Option<Ratio> {
    let points: Vec<(i64, Ratio)> = rows.iter().filter_map(|&row| Some((table.at(row), number(column, row)?))).collect();
    let line = line(&points, end)?;
    let way = Ratio::whole(ahead).sub(Ratio::new(line.t, line.count)?)?;
    let mean = line.v.div(Ratio { n: line.count, d: 1 })?;
    mean.add(line.slope()?.reduced().mul(way)?)
}

/// Sums over points; instants count from an origin, so that they stay small.
struct Line {
    count: i128,
    t: i128,
    tt: i128,
    v: Ratio,
    tv: Ratio,
}

fn line(points: &[(i64, Ratio)], origin: i64) -> Option<Line> {
    let mut line = Line { count: 0, t: 0, tt: 0, v: Ratio::ZERO, tv: Ratio::ZERO };
    for (at, v) in points {
        let t = i128::from(*at) - i128::from(origin);
        line.count += 1;
        line.t = line.t.checked_add(t)?;
        line.tt = line.tt.checked_add(t.checked_mul(t)?)?;
        line.v = line.v.add(*v)?;
        line.tv = line.tv.add(v.mul(Ratio { n: t, d: 1 })?)?;
    }
    Some(line)
}

impl Line {
    fn slope(&self) -> Option<Ratio> {
        if self.count < 3 {
            return None;
        }
        let times = |r: Ratio, n: i128| r.mul(Ratio { n, d: 1 });
        let n = times(self.tv, self.count)?.sub(times(self.v, self.t)?)?;
        let d = self.count.checked_mul(self.tt)?.checked_sub(self.t.checked_mul(self.t)?)?;
        n.div(Ratio { n: d, d: 1 })
    }
}

fn deviation(func: Func, all: &[(i64, Ratio)]) -> Option<Root> {
    let count = all.len() as i128;
    let whole = |n: i128| Ratio { n, d: 1 };
    let sum = sum(all.iter().map(|(_, n)| *n))?;
    let squares = all.iter().try_fold(Ratio::ZERO, |sum, (_, n)| sum.add(n.mul(*n)?))?;
    let spread = squares.mul(whole(count))?.sub(sum.mul(sum)?)?;
    let variance = spread.div(whole(count.checked_mul(count - 1)?))?.reduced();
    if func == Func::Stddev {
        return Some(Root { radicand: variance, factor: 1 });
    }
    let mean = sum.div(whole(count)).filter(|mean| mean.n > 0)?.reduced();
    Some(Root { radicand: variance.div(mean.mul(mean)?)?, factor: WHOLE })
}

/// Between two values by a straight line: of n values, p of the n - 1 steps from the least to the greatest.
fn percentile(mut values: Vec<Ratio>, share: Rational) -> Option<Ratio> {
    values.sort_by(|a, b| a.compare(*b));
    let way = Ratio::new(i128::from(share.n).checked_mul(values.len() as i128 - 1)?, i128::from(share.d))?;
    let place = usize::try_from(way.floor()).ok()?;
    let rest = way.sub(Ratio { n: way.floor(), d: 1 })?;
    let low = *values.get(place)?;
    if rest.n == 0 { Some(low) } else { low.add(rest.mul(values.get(place + 1)?.sub(low)?)?) }
}

/// Each instant with the mean of its numbers, ascending.
fn means(all: &[(i64, Ratio)]) -> Option<Vec<(i64, Ratio)>> {
    let instants = all.chunk_by(|a, b| a.0 == b.0);
    instants.map(|there| Some((there.first()?.0, mean(there.iter().map(|(_, n)| *n))?))).collect()
}

/// The mean of all rows, unknown where one says nothing.
pub fn together<'a>(column: &Column, rows: impl Iterator<Item = usize>) -> Value<'a> {
    let all: Option<Vec<Ratio>> = rows.map(|row| number(column, row)).collect();
    Value::number(all.and_then(|all| mean(all.into_iter())))
}

fn number(column: &Column, row: usize) -> Option<Ratio> {
    match column.cell(row)? {
        Cell::Fraction(n, d) => Ratio::new(i128::from(n), i128::from(d)),
        Cell::Number(n) => Some(Ratio::whole(n)),
        _ => None,
    }
}

fn sum(mut all: impl Iterator<Item = Ratio>) -> Option<Ratio> {
    all.try_fold(Ratio::ZERO, |sum, n| sum.add(n))
}

fn mean(all: impl ExactSizeIterator<Item = Ratio>) -> Option<Ratio> {
    let count = Ratio { n: all.len() as i128, d: 1 };
    sum(all)?.div(count)
}

/// The mean of what is of one instant.
fn end(all: &[(i64, Ratio)], of: Option<&(i64, Ratio)>) -> Option<Ratio> {
    let (at, _) = of?;
    let there: Vec<Ratio> = all.iter().filter(|(t, _)| t == at).map(|(_, n)| *n).collect();
    mean(there.into_iter())
}
