//! One field of one stream of one subject, as a column beside the instants.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use vitalog_elog::{Atoms, Value};

use super::datum::Datum;
use super::extremes::Extremes;
use super::turns::Turns;
use crate::grow;

/// What a field says, in atoms.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cell<'a> {
    Number(i64),
    /// Numerator and denominator.
    Fraction(i64, i64),
    Enum(u16),
    Bool(bool),
    Text(&'a str),
}

impl<'a> Cell<'a> {
    /// What a reading said; a quotient only a finding says.
    pub fn atoms(self) -> Option<Atoms<'a>> {
        match self {
            Cell::Number(atoms) => Some(Atoms::Quantity(atoms)),
            Cell::Enum(place) => Some(Atoms::Enum(place)),
            Cell::Bool(b) => Some(Atoms::Bool(b)),
            Cell::Text(text) => Some(Atoms::Text(text)),
            Cell::Fraction(..) => None,
        }
    }
}

/// What all cells of a column are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
enum Kind {
    Number,
    /// Numbers with denominators beside them: only findings say such.
    Fraction,
    Enum,
    Bool,
    Text,
}

impl Kind {
    fn of(value: &Value) -> Kind {
        match value {
            Value::Quantity(_) | Value::TimeOfDay(_) => Kind::Number,
            Value::Enum(_) => Kind::Enum,
            Value::Bool(_) => Kind::Bool,
            Value::Text(_) => Kind::Text,
        }
    }
}

/// The values of one field, by row. A value of another kind than the first one seen counts as absent (admission refuses it anyway).
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Column {
    kind: Option<Kind>,
    /// So many rows, as long as none says anything: many fields are optional, and nobody sends them. Then nothing else is kept.
    silent: usize,
    values: Vec<i64>,
    /// Whether a rule sums or averages this field.
    summed: bool,
    /// What was counted up for those who asked; nothing, where nobody did.
    #[serde(skip)]
    kept: RefCell<Option<Box<Kept>>>,
    /// `None`: every row has a value.
    gaps: Option<Box<Gaps>>,
    words: Option<Box<Words>>,
    /// Denominators, of fractions.
    parts: Option<Box<Parts>>,
}

/// As far as anybody asked and nothing changed since.
#[derive(Debug, Default)]
struct Kept {
    /// After each row the sum of all values up to it.
    sums: Vec<i128>,
    /// The same of the squares; shorter than `sums` where they do not fit.
    squares: Vec<i128>,
    extremes: Extremes,
    turns: Turns,
}

/// By row; 1 where there is no value.
#[derive(Debug, Serialize, Deserialize)]
struct Parts {
    denominators: Vec<i64>,
}

/// Which rows have a value.
#[derive(Debug, Serialize, Deserialize)]
struct Gaps {
    present: Vec<bool>,
    /// After each row the number of values up to it.
    counts: Vec<u32>,
}

/// Texts, each kept once.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Words {
    list: Vec<Arc<str>>,
    places: BTreeMap<Arc<str>, u32>,
}

impl Column {
    /// A column for a table that has `rows` rows already.
    pub fn absent(rows: usize) -> Column {
        Column { silent: rows, ..Column::default() }
    }

    /// Looks at itself, for whoever comes next; see `engine::foresee`.
    pub fn glance(&self) -> u64 {
        (self.silent ^ self.values.len()) as u64 ^ u64::from(self.gaps.is_some())
    }

    /// The same of some rows and the last ones.
    pub fn glance_at(&self, rows: impl Iterator<Item = usize>) -> u64 {
        let Some(last) = self.values.len().checked_sub(1) else { return 0 };
        let said = self.gaps.as_ref().and_then(|gaps| Some(u64::from(*gaps.present.last()?) ^ u64::from(*gaps.counts.last()?)));
        let of = |row: usize| self.values.get(row).map_or(0, |n| *n as u64);
        rows.chain([last, last.saturating_sub(8)]).fold(said.unwrap_or(0), |seen, row| seen ^ of(row))
    }

    /// Of the same kind, and with the same sums.
    pub fn without_rows(&self) -> Column {
        Column { kind: self.kind, summed: self.summed, ..Column::default() }
    }

    /// The same after so many rows that say nothing; it has none yet.
    pub fn with_absent(mut self, rows: usize) -> Column {
        self.silent = rows;
        if self.kind.is_some() {
            self.speak();
        }
        self
    }

    /// Gives back room that nothing uses.
    pub fn shrink(&mut self) {
        self.values.shrink_to_fit();
        if let Some(gaps) = &mut self.gaps {
            gaps.present.shrink_to_fit();
            gaps.counts.shrink_to_fit();
        }
    }

    /// From now on it says something.
    fn speak(&mut self) {
        let rows = std::mem::take(&mut self.silent);
        if rows > 0 {
            self.values = vec![0; rows];
            self.gaps = Some(Box::new(Gaps { present: vec![false; rows], counts: vec![0; rows] }));
        }
    }

    /// Whether no row says anything.
    pub fn is_silent(&self) -> bool {
        self.kind.is_none()
    }

    /// The number at a row: the way that nearly every condition takes.
    #[inline]
    pub fn number(&self, row: usize) -> Option<i64> {
        match (&self.gaps, self.kind) {
            (None, Some(Kind::Number)) => Some(self.values[row]),
            (Some(gaps), Some(Kind::Number)) if gaps.present[row] => Some(self.values[row]),
            _ => None,
        }
    }

    /// The numbers of neighbouring rows, if each has one.
    #[inline]
    pub fn numbers(&self, rows: Range<usize>) -> Option<&[i64]> {
        if self.kind == Some(Kind::Number) && self.gaps.is_none() { self.values.get(rows) } else { None }
    }

    /// The first of some rows with a number between two, both included; the end of them if there is none. `None` where it is not a column of numbers.
    pub fn first_between(&self, rows: Range<usize>, low: i64, high: i64) -> Option<usize> {
        let inside = |n: i64| low <= n && n <= high;
        let end = rows.end;
        if let Some(numbers) = self.numbers(rows.clone()) {
            return Some(numbers.iter().position(|n| inside(*n)).map_or(end, |i| rows.start + i));
        }
        let mut rows = rows;
        (self.kind == Some(Kind::Number)).then(|| rows.find(|row| self.number(*row).is_some_and(inside)).unwrap_or(end))
    }

    /// Whether a row says of it what a reading said.
    #[inline]
    pub fn can_hold(&self, value: &Value) -> bool {
        // A time of day is kept as the number it comes to.
        !matches!(value, Value::TimeOfDay(_)) && self.kind.is_none_or(|kind| kind == Kind::of(value))
    }

    #[inline]
    pub fn has(&self, row: usize) -> bool {
        self.kind.is_some() && self.gaps.as_ref().is_none_or(|g| g.present[row])
    }

    pub fn cell(&self, row: usize) -> Option<Cell<'_>> {
        if !self.has(row) {
            return None;
        }
        let value = self.values[row];
        Some(match self.kind? {
            Kind::Number => Cell::Number(value),
            Kind::Fraction => Cell::Fraction(value, self.parts.as_ref()?.denominators[row]),
            Kind::Enum => Cell::Enum(value as u16),
            Kind::Bool => Cell::Bool(value != 0),
            Kind::Text => Cell::Text(self.words.as_ref()?.list.get(value as usize)?),
        })
    }

    /// Sum and number of the values in the rows `from..to`, where sums are kept and it is a column of numbers.
    #[inline]
    pub fn total(&self, from: usize, to: usize) -> Option<(i128, u32)> {
        if !self.summed {
            return None;
        }
        if from >= to || self.kind.is_none() {
            return Some((0, 0));
        }
        let mut kept = self.kept.borrow_mut();
        let sums = &mut kept.get_or_insert_default().sums;
        if sums.len() < to {
            self.sum_up(sums, to);
        }
        let count = match &self.gaps {
            None => (to - from) as u32,
            Some(gaps) => gaps.counts[to - 1] - from.checked_sub(1).map_or(0, |row| gaps.counts[row]),
        };
        Some((sums[to - 1] - from.checked_sub(1).map_or(0, |row| sums[row]), count))
    }

    /// Sum, sum of squares and number of the values in the rows `from..to`, where sums are kept, it is a column of numbers, and the squares fit.
    pub fn moments(&self, from: usize, to: usize) -> Option<(i128, i128, u32)> {
        let (sum, count) = self.total(from, to)?;
        // Of what says nothing nothing is kept: rows that come later begin with the first.
        if from >= to || self.kind.is_none() {
            return Some((0, 0, 0));
        }
        let mut kept = self.kept.borrow_mut();
        let squares = &mut kept.get_or_insert_default().squares;
        let mut last = squares.last().copied().unwrap_or(0);
        for row in squares.len()..to {
            let value = self.number(row).map_or(0, i128::from);
            last = last.checked_add(value.checked_mul(value)?)?;
            grow::push(squares, last);
        }
        Some((sum, squares[to - 1] - from.checked_sub(1).map_or(0, |row| squares[row]), count))
    }

    /// The least and the greatest number in the rows `from..to`; `None` of none, or where it is not a column of numbers.
    pub fn extremes(&self, from: usize, to: usize) -> Option<(i64, i64)> {
        if self.kind != Some(Kind::Number) {
            return None;
        }
        // Of a few the blocks would not help.
        if let Some(few) = self.numbers(from..to).filter(|all| all.len() < 64) {
            return Some((*few.iter().min()?, *few.iter().max()?));
        }
        self.kept.borrow_mut().get_or_insert_default().extremes.between(from, to, |row| self.number(row))
    }

    /// How often the numbers of some rows turn, where each has one, no two are of one instant, and there are many; `at` are the instants of all rows.
    pub fn turns(&self, rows: Range<usize>, at: &[i64]) -> Option<u32> {
        // A few are walked through.
        if rows.len() < 64 || self.kind != Some(Kind::Number) || self.gaps.is_some() {
            return None;
        }
        self.kept.borrow_mut().get_or_insert_default().turns.between(rows, at, &self.values)
    }

    /// Puts a value before those of a row; after the last row, the way that nearly every reading takes, it only appends.
    #[inline]
    pub fn insert(&mut self, row: usize, value: Option<&Value>) {
        let code = match value {
            Some(Value::Quantity(amount)) if self.kind == Some(Kind::Number) => Some(amount.atoms()),
            other => other.and_then(|v| self.encode(v)),
        };
        if row < self.values.len() || self.silent > 0 || self.gaps.is_some() || code.is_none() {
            return self.insert_between(row, code);
        }
        grow::push(&mut self.values, code.unwrap_or(0));
    }

    fn insert_between(&mut self, row: usize, code: Option<i64>) {
        if self.kind.is_none() {
            self.silent += 1;
            return;
        }
        self.speak();
        grow::insert(&mut self.values, row, code.unwrap_or(0));
        match &mut self.gaps {
            Some(gaps) => grow::insert(&mut gaps.present, row, code.is_some()),
            None if code.is_none() => {
                let mut present = vec![true; self.values.len()];
                present[row] = false;
                self.gaps = Some(Box::new(Gaps { present, counts: Vec::new() }));
            }
            None => {}
        }
        self.count_from(row);
        if let Some(kept) = self.kept.get_mut() {
            kept.sums.truncate(row);
            kept.squares.truncate(row);
            kept.extremes.changed(row);
            kept.turns.changed(row);
        }
    }

    /// As [`Column::insert`], of what another column says.
    pub fn insert_cell(&mut self, row: usize, cell: Option<Cell<'_>>) {
        let code = cell.and_then(|cell| {
            let (kind, code) = match cell {
                Cell::Number(n) => (Kind::Number, n),
                Cell::Enum(place) => (Kind::Enum, i64::from(place)),
                Cell::Bool(b) => (Kind::Bool, i64::from(b)),
                Cell::Text(text) => (Kind::Text, i64::from(self.words.get_or_insert_default().place(&Arc::from(text)))),
                // Only findings say such, and they have no table by starts.
                Cell::Fraction(..) => return None,
            };
            (*self.kind.get_or_insert(kind) == kind).then_some(code)
        });
        self.insert_between(row, code);
    }

    /// Puts what a finding says before the value of a row.
    pub fn put(&mut self, row: usize, datum: &Datum) {
        let (kind, code, part) = match datum {
            Datum::Unknown => (None, 0, 1),
            Datum::Whole(n) if self.kind == Some(Kind::Fraction) => (Some(Kind::Fraction), *n, 1),
            Datum::Whole(n) => (Some(Kind::Number), *n, 1),
            Datum::Fraction(n, d) => (Some(Kind::Fraction), *n, *d),
            Datum::Enum(place) => (Some(Kind::Enum), i64::from(*place), 1),
            Datum::Bool(b) => (Some(Kind::Bool), i64::from(*b), 1),
            Datum::Text(text) => (Some(Kind::Text), i64::from(self.words.get_or_insert_default().place(text)), 1),
        };
        if kind.is_some() {
            self.speak();
        }
        if kind == Some(Kind::Fraction) && matches!(self.kind, None | Some(Kind::Number)) {
            self.kind = kind;
            self.parts = Some(Box::new(Parts { denominators: vec![1; self.values.len()] }));
        }
        if let Some(parts) = &mut self.parts {
            parts.denominators.insert(row, part);
        }
        let fits = kind.is_some_and(|kind| *self.kind.get_or_insert(kind) == kind);
        self.insert_between(row, fits.then_some(code));
    }

    /// Whether its numbers are quotients, which `number` and `total` say nothing of.
    pub fn is_fractional(&self) -> bool {
        self.kind == Some(Kind::Fraction)
    }

    pub fn remove(&mut self, row: usize) {
        if self.kind.is_none() {
            self.silent -= 1;
            return;
        }
        self.values.remove(row);
        if let Some(parts) = &mut self.parts {
            parts.denominators.remove(row);
        }
        if let Some(gaps) = &mut self.gaps {
            gaps.present.remove(row);
        }
        self.count_from(row);
        if let Some(kept) = self.kept.get_mut() {
            kept.sums.truncate(row);
            kept.squares.truncate(row);
            kept.extremes.changed(row);
            kept.turns.changed(row);
        }
    }

    /// From now on with sums.
    pub fn keep_sums(&mut self) {
        self.summed = true;
    }

    fn encode(&mut self, value: &Value) -> Option<i64> {
        let code = match value {
            Value::Quantity(amount) => amount.atoms(),
            Value::Enum(place) => i64::from(*place),
            Value::Bool(b) => i64::from(*b),
            Value::TimeOfDay(time) => time.micros(),
            Value::Text(text) => i64::from(self.words.get_or_insert_default().place(text)),
        };
        let kind = Kind::of(value);
        (*self.kind.get_or_insert(kind) == kind).then_some(code)
    }

    fn sum_up(&self, sums: &mut Vec<i128>, to: usize) {
        let mut sum = sums.last().copied().unwrap_or(0);
        for row in sums.len()..to {
            sum += self.number(row).map_or(0, i128::from);
            grow::push(sums, sum);
        }
    }

    fn count_from(&mut self, row: usize) {
        let Some(gaps) = &mut self.gaps else { return };
        let row = row.min(gaps.counts.len());
        gaps.counts.truncate(row);
        let mut count = gaps.counts.last().copied().unwrap_or(0);
        for present in &gaps.present[row..] {
            count += u32::from(*present);
            grow::push(&mut gaps.counts, count);
        }
    }
}

impl Words {
    fn place(&mut self, text: &Arc<str>) -> u32 {
        if let Some(&place) = self.places.get(text) {
            return place;
        }
        let place = self.list.len() as u32;
        self.list.push(text.clone());
        self.places.insert(text.clone(), place);
        place
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(t: &str) -> Value {
        Value::Text(Arc::from(t))
    }

    #[test]
    fn a_late_column_knows_nothing_of_earlier_rows() {
        let mut column = Column::absent(2);
        column.insert(2, Some(&text("x")));
        column.insert(1, Some(&text("x")));
        column.insert(0, Some(&Value::Bool(true)));
        let cells: Vec<_> = (0..5).map(|row| column.cell(row)).collect();
        assert_eq!(cells, [None, None, Some(Cell::Text("x")), None, Some(Cell::Text("x"))]);
    }

    #[test]
    fn a_column_that_nobody_fills_keeps_nothing_until_somebody_does() {
        let mut column = Column::default();
        column.keep_sums();
        (0..3).for_each(|row| column.insert(row, None));
        column.remove(1);
        assert_eq!((column.values.capacity(), column.gaps.is_none(), column.silent), (0, true, 2));
        assert_eq!((column.total(0, 2), column.extremes(0, 2), column.cell(1)), (Some((0, 0)), None, None));
        // In front of all that said nothing.
        let unit = vitalog_elog::Dimension::Count.usual_unit();
        column.insert(0, Some(&Value::Quantity(vitalog_elog::Amount { digits: 8, scale: 0, unit })));
        column.insert(3, None);
        let atoms = column.number(0).expect("it was said");
        assert_eq!((0..4).map(|row| column.number(row)).collect::<Vec<_>>(), [Some(atoms), None, None, None]);
        assert_eq!(column.total(0, 4), Some((i128::from(atoms), 1)));
    }

    #[test]
    fn the_first_number_between_two_is_found_over_gaps() {
        let unit = vitalog_elog::Dimension::Count.usual_unit();
        let amount = |digits| Value::Quantity(vitalog_elog::Amount { digits, scale: 0, unit });
        let (mut whole, mut gaps) = (Column::default(), Column::default());
        let digits = [5, 9, 2, 7, 9];
        for (row, n) in digits.into_iter().enumerate() {
            whole.insert(row, Some(&amount(n)));
            gaps.insert(row, (row != 3).then(|| amount(n)).as_ref());
        }
        let atoms = |n: i64| whole.number(0).expect("it was said") / 5 * n;
        let between = |column: &Column, from, low, high| column.first_between(from..5, atoms(low), atoms(high));
        assert_eq!((between(&whole, 0, 6, 8), between(&gaps, 0, 6, 8)), (Some(3), Some(5)));
        assert_eq!((between(&whole, 2, 9, 9), between(&gaps, 2, 9, 9)), (Some(4), Some(4)));
        assert_eq!((between(&whole, 0, 5, 5), between(&whole, 5, 0, 9)), (Some(0), Some(5)));
        let mut words = Column::default();
        words.insert(0, Some(&text("x")));
        assert_eq!((words.first_between(0..1, 0, 9), Column::absent(1).first_between(0..1, 0, 9)), (None, None));
    }

    #[test]
    fn totals_follow_insertions_and_removals() {
        let unit = vitalog_elog::Dimension::Count.usual_unit();
        let amount = |n| Value::Quantity(vitalog_elog::Amount { digits: n, scale: 0, unit });
        let mut column = Column::default();
        column.insert(0, Some(&amount(5)));
        column.keep_sums();
        column.insert(1, None);
        column.insert(1, Some(&amount(7)));
        column.insert(0, Some(&amount(-1)));
        assert_eq!(column.total(0, 4), Some((11, 3)));
        assert_eq!(column.total(1, 3), Some((12, 2)));
        column.remove(1);
        assert_eq!(column.total(0, 3), Some((6, 2)));
        assert_eq!(column.total(2, 2), Some((0, 0)));
    }
}
