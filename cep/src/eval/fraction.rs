//! Aggregates over columns of quotients, which only findings have. The same as over whole numbers, without their short ways.

use super::ratio::Ratio;
use super::value::Value;
use crate::plan::Func;
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
    })
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
