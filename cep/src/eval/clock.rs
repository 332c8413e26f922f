//! Aggregates of times of day: each as the subject's clock showed it at the reading, taken together on the circle.

use super::Scope;
use super::aggregate::number;
use super::calendar::Calendar;
use super::circle::Mean;
use super::ratio::Ratio;
use super::root::Root;
use super::value::Value;
use crate::plan::{Func, Measure};
use crate::timeline::Table;

pub fn is_clock(what: Measure) -> bool {
    matches!(what, Measure::AtClock | Measure::StartClock)
}

/// `count`, `avg`, `stddev`, `first` and `last` of times of day; nothing else is defined of them.
pub fn of_times<'a>(func: Func, table: &Table, rows: &[usize], what: Measure, scope: &Scope<'a, '_>) -> Value<'a> {
    let rows = match func {
        Func::Count => return Value::Number(Ratio { n: rows.len() as i128, d: 1 }),
        Func::Avg | Func::Stddev => rows,
        Func::First => rows.first().map_or(rows, |&first| &rows[..at_one(table, rows.iter(), first)]),
        Func::Last => rows.last().map_or(rows, |&last| &rows[rows.len() - at_one(table, rows.iter().rev(), last)..]),
        _ => return Value::Unknown,
    };
    let times: Option<Vec<i64>> = rows.iter().map(|&row| time(table, row, what, scope)).collect();
    let Some(mean) = times.and_then(Mean::of) else { return Value::Unknown };
    match func {
        Func::Stddev => mean.variance().map_or(Value::Unknown, |radicand| Value::Root(Root { radicand, factor: 1 })),
        _ => Value::number(mean.shown()),
    }
}

/// How many rows from the front are of the instant of `row`.
fn at_one<'r>(table: &Table, rows: impl Iterator<Item = &'r usize>, row: usize) -> usize {
    rows.take_while(|&&r| table.at(r) == table.at(row)).count()
}

fn time(table: &Table, row: usize, what: Measure, scope: &Scope<'_, '_>) -> Option<i64> {
    let of = if what == Measure::StartClock { Measure::Start } else { Measure::At };
    // The profile is that of the reading, as in a window's condition.
    let there = Scope { profile_at: table.at(row), ..*scope };
    Calendar::of(&there).time_of_day(number(table, row, of)?)
}
