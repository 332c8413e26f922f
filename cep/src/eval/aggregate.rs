//! Aggregates over the readings of a window or of a step.
//!
//! Sums are 128 bits wide and averages stay quotients, so nothing hangs on the order in which readings came.

use std::ops::Range;

use super::Scope;
use super::clock::{is_clock, of_times};
use super::fraction;
use super::ratio::Ratio;
use super::spread;
use super::value::Value;
use crate::plan::{Func, Measure};
use crate::timeline::{Column, Table};

/// An aggregate over all readings that a step bound.
pub fn bound<'a>(func: Func, step: usize, what: Measure, scope: &Scope<'a, '_>) -> Value<'a> {
    let Some(bound) = scope.bound.get(step) else { return Value::Unknown };
    let Some(table) = bound.table(scope.line) else { return of_nothing(func) };
    if is_clock(what) {
        return of_times(func, table, &bound.rows, what, scope);
    }
    fold(func, table, bound.rows.iter().copied(), what)
}

/// The rows taken as one: the mean, unknown where one says nothing; of starts the least; of what is no number the shared value.
pub fn measure_of_rows(table: &Table, mut rows: impl Iterator<Item = usize> + Clone, what: Measure) -> Value<'_> {
    match what {
        Measure::Start => rows.map(|row| table.begin(row)).min().map_or(Value::Unknown, |s| Value::Number(Ratio::whole(s))),
        Measure::At if !table.is_by_edge() => {
            rows.next().map_or(Value::Unknown, |row| Value::Number(Ratio::whole(table.at(row))))
        }
        Measure::Itself | Measure::AtClock | Measure::StartClock => Value::Unknown,
        Measure::Field(_) | Measure::Duration | Measure::At | Measure::End => {
            if let Some(column) = fractional(table, what) {
                return fraction::together(column, rows);
            }
            if rows.clone().any(|row| !has(table, row, what)) {
                return Value::Unknown;
            }
            mean_or_shared(table, rows, what)
        }
    }
}

/// Ways that need not look at each reading. `None` says nothing.
#[inline]
pub fn unfiltered<'a>(func: Func, table: &'a Table, rows: Range<usize>, what: Measure) -> Option<Value<'a>> {
    let field = match (func, what) {
        (Func::Count, Measure::Itself | Measure::At | Measure::Start) => {
            return Some(Value::Number(Ratio { n: rows.len() as i128, d: 1 }));
        }
        (_, Measure::Field(field)) => field,
        _ => return None,
    };
    let column = table.column(field)?;
    let number = match func {
        Func::Sum => Ratio { n: column.total(rows.start, rows.end)?.0, d: 1 },
        Func::Avg => {
            let (sum, count) = column.total(rows.start, rows.end)?;
            return Some(Value::number(Ratio::new(sum, i128::from(count))));
        }
        Func::First => Ratio::whole(first_alone(table, column, rows)?),
        Func::Last => Ratio::whole(last_alone(table, column, rows)?),
        Func::Delta => {
            Ratio::whole(last_alone(table, column, rows.clone())?).sub(Ratio::whole(first_alone(table, column, rows)?))?
        }
        Func::Min | Func::Max => {
            let (least, greatest) = column.extremes(rows.start, rows.end)?;
            Ratio::whole(if func == Func::Min { least } else { greatest })
        }
        Func::Stddev | Func::Cv => return spread::from_sums(func, column, rows),
        Func::Reversals if let Some(turns) = column.turns(rows.clone(), table.instants(0..rows.end)) => {
            Ratio::whole(i64::from(turns))
        }
        Func::Slope | Func::Rate | Func::Reversals => {
            return spread::straight(func, table.instants(rows.clone()), column.numbers(rows)?);
        }
        _ => return None,
    };
    Some(Value::Number(number))
}

/// The number of the first row, if no other of the rows is of its instant.
#[inline]
fn first_alone(table: &Table, column: &Column, rows: Range<usize>) -> Option<i64> {
    let alone = rows.len() == 1 || (rows.len() > 1 && table.at(rows.start) != table.at(rows.start + 1));
    if alone { column.number(rows.start) } else { None }
}

#[inline]
fn last_alone(table: &Table, column: &Column, rows: Range<usize>) -> Option<i64> {
    let alone = rows.len() == 1 || (rows.len() > 1 && table.at(rows.end - 1) != table.at(rows.end - 2));
    if alone { column.number(rows.end - 1) } else { None }
}

pub fn of_nothing<'a>(func: Func) -> Value<'a> {
    match func {
        Func::Count | Func::Sum | Func::DecayedSum(_) | Func::Days => Value::Number(Ratio::ZERO),
        _ => Value::Unknown,
    }
}

pub fn fold<'a>(func: Func, table: &'a Table, rows: impl DoubleEndedIterator<Item = usize> + Clone, what: Measure) -> Value<'a> {
    if let Some(column) = fractional(table, what) {
        return fraction::fold(func, table, column, rows);
    }
    match func {
        Func::Count => {
            let count = rows.filter(|&row| has(table, row, what)).count();
            Value::Number(Ratio { n: count as i128, d: 1 })
        }
        Func::Sum => Value::Number(Ratio { n: sum(table, rows, what).0, d: 1 }),
        Func::Avg => {
            let (sum, count) = sum(table, rows, what);
            Value::number(Ratio::new(sum, count))
        }
        Func::Min => Value::number(rows.filter_map(|row| number(table, row, what)).min().map(Ratio::whole)),
        Func::Max => Value::number(rows.filter_map(|row| number(table, row, what)).max().map(Ratio::whole)),
        Func::First => end(table, rows, what),
        Func::Last => end(table, rows.rev(), what),
        Func::Delta => {
            let last = end(table, rows.clone().rev(), what).as_number();
            let first = end(table, rows, what).as_number();
            Value::number(last.zip(first).and_then(|(last, first)| last.sub(first)))
        }
        _ => spread::of(func, table, rows, what),
    }
}

fn sum(table: &Table, rows: impl Iterator<Item = usize>, what: Measure) -> (i128, i128) {
    rows.filter_map(|row| number(table, row, what)).fold((0, 0), |(sum, count), n| (sum + i128::from(n), count + 1))
}

/// Each instant with the mean of its numbers, ascending.
pub fn means(points: impl Iterator<Item = (i64, i64)>) -> Vec<(i64, Ratio)> {
    let mut all: Vec<(i64, Ratio)> = Vec::new();
    for (at, n) in points {
        match all.last_mut().filter(|(last, _)| *last == at) {
            // Unreduced until the instant is over: sum and count.
            Some((_, sum)) => *sum = Ratio { n: sum.n + i128::from(n), d: sum.d + 1 },
            None => all.push((at, Ratio::whole(n))),
        }
    }
    all
}

/// The readings of the first instant, in the order of `rows`, at which any has the measure, taken as one.
fn end<'a>(table: &'a Table, rows: impl Iterator<Item = usize> + Clone, what: Measure) -> Value<'a> {
    let having = rows.filter(|&row| has(table, row, what));
    let Some(at) = having.clone().next().map(|row| table.at(row)) else { return Value::Unknown };
    mean_or_shared(table, having.take_while(|&row| table.at(row) == at), what)
}

/// The mean of numbers, the shared value of anything else; all rows have the measure.
fn mean_or_shared<'a>(table: &'a Table, mut rows: impl Iterator<Item = usize> + Clone, what: Measure) -> Value<'a> {
    let (sum, count) = sum(table, rows.clone(), what);
    if count > 0 {
        return Value::number(Ratio::new(sum, count));
    }
    let Measure::Field(field) = what else { return Value::Unknown };
    let cell = |row| Value::cell(table.column(field).and_then(|c| c.cell(row)));
    let Some(first) = rows.next().map(cell) else { return Value::Unknown };
    if rows.all(|row| cell(row).same(first)) { first } else { Value::Unknown }
}

#[inline]
pub fn number(table: &Table, row: usize, what: Measure) -> Option<i64> {
    match what {
        Measure::Field(field) => table.column(field)?.number(row),
        Measure::At => table.instant(row),
        Measure::End => table.end(row),
        Measure::Start => Some(table.begin(row)),
        Measure::Duration => Some(table.end(row)?.saturating_sub(table.begin(row))),
        Measure::Itself | Measure::AtClock | Measure::StartClock => None,
    }
}

pub fn has(table: &Table, row: usize, what: Measure) -> bool {
    match what {
        Measure::Field(field) => table.column(field).is_some_and(|c| c.has(row)),
        Measure::At | Measure::AtClock => table.instant(row).is_some(),
        Measure::End | Measure::Duration => table.end(row).is_some(),
        Measure::Start | Measure::StartClock | Measure::Itself => true,
    }
}

/// The column of a measure, if it holds quotients.
pub fn fractional(table: &Table, what: Measure) -> Option<&Column> {
    let Measure::Field(field) = what else { return None };
    table.column(field).filter(|c| c.is_fractional())
}
