//! Aggregates that ask where the window lies: shares and times of a condition, slots, days, sums that fade, lines drawn on.

use std::ops::Range;

use super::aggregate::{fractional, has, number};
use super::calendar::{Calendar, Stretch};
use super::line::Line;
use super::ratio::Ratio;
use super::ready::Condition;
use super::value::Value;
use super::window::Chosen;
use super::{Scope, decay, fraction};
use crate::plan::{Anchor, Measure, Window};
use crate::timeline::Table;

/// Atoms of a whole, as a share.
pub const WHOLE: i64 = 100_000_000;

/// The share of the readings for which the condition is known, for which it is true.
pub fn share<'a>(w: &'a Window, scope: &Scope<'a, '_>, chosen: &Chosen<'a>) -> Value<'a> {
    let (mut known, mut holding) = (0_i128, 0_i128);
    let Some(asks) = asks(w, scope, chosen) else { return Value::Unknown };
    for &row in &chosen.rows {
        if let Some(truth) = asks.ask(scope, chosen.table, row) {
            known += 1;
            holding += i128::from(truth);
        }
    }
    Value::number(Ratio::new(holding * i128::from(WHOLE), known))
}

/// How long the condition is true.
pub fn time_in<'a>(w: &'a Window, scope: &Scope<'a, '_>, chosen: &Chosen<'a>, most: i64) -> Value<'a> {
    let table = chosen.table;
    let (mut total, mut known) = (0_i128, false);
    let mut done = None;
    let Some(asks) = asks(w, scope, chosen) else { return Value::Unknown };
    for &row in &chosen.rows {
        let (at, truth) = (table.at(row), asks.ask(scope, table, row));
        known |= truth.is_some();
        if done == Some(at) || truth != Some(true) {
            continue;
        }
        if w.what == Measure::Duration {
            total += number(table, row, w.what).map_or(0, i128::from);
            continue;
        }
        // Readings of one instant stand for one stretch of time.
        done = Some(at);
        let end = chosen.place.stretches.iter().find(|s| at <= s.to).map_or(at, |s| s.to.min(chosen.place.end));
        let end = if end == chosen.place.end { end } else { end.saturating_add(1) };
        let next = table.next(at).unwrap_or(end).min(end);
        total += i128::from(next.saturating_sub(at).clamp(0, most.max(0)));
    }
    if known { Value::Number(Ratio { n: total, d: 1 }) } else { Value::Unknown }
}

/// The same of all of some neighbouring rows.
pub fn share_among<'a>(w: &'a Window, scope: &Scope<'a, '_>, table: &'a Table, rows: Range<usize>) -> Option<Value<'a>> {
    let asks = Condition::of(w.asks.as_ref()?, scope, table, rows.start, rows.end.checked_sub(1)?);
    let (column, low, high) = asks.band()?;
    let numbers = column.numbers(rows)?;
    let holding = numbers.iter().filter(|n| low <= **n && **n <= high).count();
    Some(Value::number(Ratio::new(holding as i128 * i128::from(WHOLE), numbers.len() as i128)))
}

/// The share of slots that have a value.
pub fn coverage<'a>(w: &Window, chosen: &Chosen<'a>, slot: i64) -> Value<'a> {
    if slot <= 0 {
        return Value::Unknown;
    }
    let table = chosen.table;
    let (mut slots, mut filled) = (0_i128, 0_i128);
    for stretch in &chosen.place.stretches {
        let number = slots_of(w, stretch, slot);
        slots += number;
        let of = |row: &&usize| (stretch.from..=stretch.to).contains(&table.at(**row)) && has(table, **row, w.what);
        filled += filled_of(table, chosen.rows.iter().filter(of).copied(), stretch, slot, number);
    }
    Value::number(Ratio::new(filled * i128::from(WHOLE), slots))
}

/// The same of all of some neighbouring rows that lie in one stretch.
pub fn coverage_among<'a>(w: &Window, table: &Table, rows: Range<usize>, stretch: &Stretch, slot: i64) -> Option<Value<'a>> {
    let slots = (slot > 0 && w.what == Measure::Itself).then(|| slots_of(w, stretch, slot))?;
    let filled = filled_of(table, rows, stretch, slot, slots);
    Some(Value::number(Ratio::new(filled * i128::from(WHOLE), slots)))
}

/// How many slots a stretch has.
fn slots_of(w: &Window, stretch: &Stretch, slot: i64) -> i128 {
    // The open stretch after a step is counted like one that has its end.
    let length = match w.anchor {
        Anchor::After(_) => i128::from(w.over.0),
        _ => i128::from(stretch.to) - i128::from(stretch.from) + 1,
    };
    (length / i128::from(slot)).max(0)
}

/// In how many of the slots of a stretch some rows lie, which ascend.
fn filled_of(table: &Table, rows: impl Iterator<Item = usize>, stretch: &Stretch, slot: i64, slots: i128) -> i128 {
    let (mut filled, mut last) = (0_i128, None);
    for row in rows {
        // The row lies in the stretch, so what is between them fits unsigned.
        let place = stretch.to.abs_diff(table.at(row)) / slot.unsigned_abs();
        // Rows ascend, so readings of one slot are neighbours.
        if last != Some(place) && i128::from(place) < slots {
            filled += 1;
        }
        last = Some(place);
    }
    filled
}

/// Each value by how much of it is left at the window's end.
pub fn decayed<'a>(w: &Window, chosen: &Chosen<'a>, half_life: i64) -> Value<'a> {
    if let Some(column) = fractional(chosen.table, w.what) {
        return Value::number(fraction::decayed(column, chosen.table, &chosen.rows, chosen.place.end, half_life));
    }
    let mut sum = 0_i128;
    for &row in &chosen.rows {
        let Some(value) = number(chosen.table, row, w.what) else { continue };
        let weight = decay::weight(i128::from(chosen.place.end) - i128::from(chosen.table.at(row)), half_life);
        let Some(next) = i128::from(value).checked_mul(i128::from(weight)).and_then(|part| sum.checked_add(part)) else {
            return Value::Unknown;
        };
        sum = next;
    }
    Value::number(Ratio::new(sum, decay::ONE))
}

/// How many days there is a reading on; of a window of nights, in how many of them.
pub fn days<'a>(w: &Window, scope: &Scope<'a, '_>, chosen: &Chosen<'a>) -> Value<'a> {
    let table = chosen.table;
    let rows = chosen.rows.iter().filter(|row| has(table, **row, w.what));
    let count = if matches!(w.anchor, Anchor::Nights(_)) {
        let inside = |at: i64| chosen.place.stretches.iter().position(|s| (s.from..=s.to).contains(&at));
        let mut nights: Vec<Option<usize>> = rows.map(|&row| inside(table.at(row))).collect();
        nights.dedup();
        nights.len()
    } else {
        let calendar = Calendar::of(scope);
        let mut dates = Vec::new();
        // Rows ascend: the next that may be of another day is past the end of this one.
        let mut day_ends = None;
        for at in rows.map(|&row| table.at(row)) {
            if day_ends.is_some_and(|end| at < end) {
                continue;
            }
            let Some((date, end)) = calendar.date_until(at) else { return Value::Unknown };
            dates.push(date);
            day_ends = Some(end);
        }
        // A calendar may have been set back over midnight.
        dates.sort_unstable();
        dates.dedup();
        dates.len()
    };
    Value::Number(Ratio { n: count as i128, d: 1 })
}

/// The same of all of some neighbouring rows.
pub fn days_among<'a>(table: &Table, rows: Range<usize>, scope: &Scope<'a, '_>) -> Value<'a> {
    let calendar = Calendar::of(scope);
    let (mut dates, mut row) = (Vec::new(), rows.start);
    while row < rows.end {
        let Some((date, end)) = calendar.date_until(table.at(row)) else { return Value::Unknown };
        dates.push(date);
        row = table.from(end).max(row + 1);
    }
    dates.sort_unstable();
    dates.dedup();
    Value::Number(Ratio { n: dates.len() as i128, d: 1 })
}

/// The least-squares line of the readings, drawn on.
pub fn forecast<'a>(w: &Window, chosen: &Chosen<'a>, ahead: i64) -> Value<'a> {
    let table = chosen.table;
    if let Some(column) = fractional(table, w.what) {
        return Value::number(fraction::forecast(column, table, &chosen.rows, chosen.place.end, ahead));
    }
    let points = chosen.rows.iter().filter_map(|&row| Some((table.at(row), number(table, row, w.what)?)));
    Value::number(Line::through(points, chosen.place.end).and_then(|line| line.at(ahead)))
}

/// What is asked of each reading; `None`: nothing, or there is none.
fn asks<'a>(w: &'a Window, scope: &Scope<'a, '_>, chosen: &Chosen<'a>) -> Option<Condition<'a>> {
    let (first, last) = (chosen.rows.first()?, chosen.rows.last()?);
    Some(Condition::of(w.asks.as_ref()?, scope, chosen.table, *first, *last))
}
