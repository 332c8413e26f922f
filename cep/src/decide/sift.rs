//! Which of many readings a condition may be true of: told of all of them at once.
//!
//! A late reading puts all decisions into doubt whose windows see it, and nearly all of them come to nothing, as they did. To ask each costs by what a window holds; to go along
//! the rows once costs a step or two for each, and often none: two neighbours that differ decide of all windows that see both that their numbers are not the same.
//!
//! INVARIANT (sifted): of each row that is passed over the guard's condition is not true when it is decided there, whatever the onset is. That it is true of the others is not said.

use std::ops::Range;

use vitalog_elog::StreamIx;

use super::guard::{Guard, Number, reckoned};
use super::rests::Band;
use super::sieve::{Moving, Sieve, What};
use super::strip::Strip;
use super::version::Case;
use crate::eval::{Ratio, satisfying};
use crate::plan::{Arith, Compare, Measure, Window};
use crate::timeline::Table;

/// Rows of a table, each of which a condition is asked of at its own instant.
#[derive(Clone, Copy)]
pub struct Sifted<'c, 'a> {
    pub case: &'c Case<'a>,
    pub table: &'a Table,
    pub stream: StreamIx,
}

/// So many rows are looked at together: of those that lie behind one that is found, all was for nothing.
const MANY: usize = 128;

impl Sifted<'_, '_> {
    /// The first of some rows that a condition may be true of; the end of them if there is none.
    pub fn first(&self, guard: &Guard, rows: Range<usize>) -> usize {
        let mut row = rows.start;
        while row < rows.end {
            let end = rows.end.min(row + MANY);
            row = self.first_of(guard, row..end);
            if row < end {
                break;
            }
        }
        row.min(rows.end)
    }

    fn first_of(&self, guard: &Guard, rows: Range<usize>) -> usize {
        if rows.is_empty() {
            return rows.end;
        }
        match guard {
            Guard::Fixed(false) => rows.end,
            Guard::Whole(..) => self.in_band(guard, rows.clone()).unwrap_or(rows.start),
            Guard::Numbers { left, right, sieve: Some(sieve), .. } => {
                let bound = if sieve.is_turned { left } else { right };
                self.compared(sieve, bound, rows.clone()).unwrap_or(rows.start)
            }
            Guard::Level(w) => self.level(w, rows.clone()).unwrap_or(rows.start),
            Guard::All { parts, .. } => self.first_of_all(parts, rows),
            Guard::Any { parts, is_whole: true } => parts.iter().fold(rows.end, |end, part| self.first_of(part, rows.start..end)),
            _ => rows.start,
        }
    }

    /// The first row that none of the parts rules out.
    fn first_of_all(&self, parts: &[Guard], rows: Range<usize>) -> usize {
        let mut row = rows.start;
        let mut agreed = 0;
        for part in parts.iter().cycle() {
            let next = self.first_of(part, row..rows.end);
            if next >= rows.end {
                return rows.end;
            }
            agreed = if next == row { agreed + 1 } else { 1 };
            row = next;
            if agreed >= parts.len() {
                break;
            }
        }
        row
    }

    /// From where to where the rows are decided.
    fn stretch(&self, rows: &Range<usize>) -> (i64, i64) {
        (self.table.at(rows.start), self.table.at(rows.end - 1))
    }

    fn in_band(&self, guard: &Guard, rows: Range<usize>) -> Option<usize> {
        let (from, to) = self.stretch(&rows);
        let band = guard.band(self.case, from, to)?;
        if self.table.is_silent_in(band.field) {
            return Some(rows.end);
        }
        self.table.column(band.field)?.first_between(rows, band.low, band.high)
    }

    /// The first row of which what moves may satisfy the comparison with some bound that there may be.
    fn compared(&self, sieve: &Sieve, bound: &Number, rows: Range<usize>) -> Option<usize> {
        let Moving { what, field, window } = sieve.moving;
        if window.is_some_and(|(stream, _)| stream != self.stream) {
            return None;
        }
        let (from, to) = self.stretch(&rows);
        let (least, greatest) = bound.extent(self.case, from, to)?;
        let over = window.map_or(0, |(_, over)| over);
        if let What::Slope(times) = what {
            return Strip::of(self.table, field, over, rows)?.first_sloping(sieve.op, times, least, greatest);
        }
        // Of the bounds that there may be the one that most satisfy.
        let (low, high) = match sieve.op {
            Compare::Lt | Compare::Le => satisfying(sieve.op, greatest),
            Compare::Gt | Compare::Ge => satisfying(sieve.op, least),
            Compare::Eq if least.compare(greatest).is_eq() => satisfying(sieve.op, least),
            Compare::Eq | Compare::Ne => return None,
        };
        if let What::Own = what {
            return self.table.column(field?)?.first_between(rows, low, high);
        }
        let end = rows.end;
        let strip = Strip::of(self.table, field, over, rows)?;
        match what {
            What::Own | What::Slope(_) => None,
            What::Count => strip.first_of(Strip::count, low, high),
            What::Reversals => strip.first_turning(low, high),
            What::Delta => strip.first_of(Strip::delta, low, high),
            What::Greatest => strip.first_of(Strip::greatest, low, high),
            What::Least => strip.first_of(Strip::least, low, high),
            What::Spread | What::Fallen if strip.spread_of_all()? < low => Some(end),
            What::Spread => strip.first_of(Strip::spread, low, high),
            What::Fallen => strip.first_of(Strip::fallen, low, high),
        }
    }

    /// The first row whose window's numbers may be the same.
    fn level(&self, w: &Window, rows: Range<usize>) -> Option<usize> {
        let Measure::Field(field) = w.what else { return None };
        if w.stream != self.stream || w.filter.is_some() {
            return None;
        }
        let numbers = self.table.column(field)?.numbers(0..rows.end)?;
        let mut row = rows.start;
        while row < rows.end {
            let after = self.table.at(row).saturating_sub(w.over.0);
            // The last neighbours that differ, if the window sees both.
            let seen = (0..row).rev().take_while(|before| self.table.at(*before) > after);
            match seen.into_iter().find(|before| numbers[*before] != numbers[*before + 1]) {
                Some(before) => row = self.table.from(self.table.at(before).saturating_add(w.over.0)).max(row + 1),
                None => return Some(row),
            }
        }
        Some(rows.end)
    }
}

impl Guard {
    /// Between which numbers those lie that each reading of a stream says of which it is true, whenever from one instant to another it is asked, if each says one. `None`: that is not known.
    pub fn claims(&self, case: &Case<'_>, stream: StreamIx, from: i64, to: i64) -> Option<Band> {
        match self {
            Guard::Whole(..) => self.band(case, from, to),
            Guard::Numbers { left, right, sieve: Some(sieve), .. } => {
                let Moving { what, field, window } = sieve.moving;
                // A window holds the reading itself.
                let of_own = |is: bool| is && window.is_some_and(|(of, _)| of == stream);
                let is_claim = match what {
                    What::Own => true,
                    What::Greatest => of_own(matches!(sieve.op, Compare::Lt | Compare::Le)),
                    What::Least => of_own(matches!(sieve.op, Compare::Gt | Compare::Ge)),
                    _ => false,
                };
                let bound = if sieve.is_turned { left } else { right };
                let (least, greatest) = bound.extent(case, from, to).filter(|_| is_claim)?;
                let (low, high) = match sieve.op {
                    Compare::Lt | Compare::Le => satisfying(sieve.op, greatest),
                    Compare::Gt | Compare::Ge => satisfying(sieve.op, least),
                    Compare::Eq | Compare::Ne => return None,
                };
                Some(Band { field: field?, low, high })
            }
            Guard::All { parts, .. } => {
                let mut claims = parts.iter().filter_map(|part| part.claims(case, stream, from, to));
                let first = claims.next()?;
                let narrower = |a: Band, b: Band| Band { low: a.low.max(b.low), high: a.high.min(b.high), ..a };
                Some(claims.filter(|other| other.field == first.field).fold(first, narrower))
            }
            _ => None,
        }
    }
}

impl Number {
    /// The least and the greatest that it may be at instants from one to another, if it hangs on no reading but for which of several it is.
    fn extent(&self, case: &Case<'_>, from: i64, to: i64) -> Option<(Ratio, Ratio)> {
        let of = |number: &Number| number.extent(case, from, to);
        match self {
            Number::Whole(whole) => whole.all_along(case, from, to).map(|n| (Ratio::whole(n), Ratio::whole(n))),
            Number::Fixed(n) => Some((*n, *n)),
            Number::Neg(e) => of(e).and_then(|(least, greatest)| Some((greatest.neg()?, least.neg()?))),
            Number::Arith(op, left, right) => {
                let ((a, b), (c, d)) = (of(left)?, of(right)?);
                match op {
                    Arith::Add => Some((a.add(c)?, b.add(d)?)),
                    Arith::Sub => Some((a.sub(d)?, b.sub(c)?)),
                    // Of what is fixed only.
                    _ if a.compare(b).is_eq() && c.compare(d).is_eq() => reckoned(*op, a, c).map(|n| (n, n)),
                    _ => None,
                }
            }
            Number::If(_, then, otherwise) => {
                let ((a, b), (c, d)) = (of(then)?, of(otherwise)?);
                Some((if a.compare(c).is_le() { a } else { c }, if b.compare(d).is_ge() { b } else { d }))
            }
            Number::Window(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use vitalog_elog::{Amount, Content, Dimension, FieldIx, Reading, Span, Subject, Time, Value, When};

    use super::*;
    use crate::decide::Version;
    use crate::eval::Rows;
    use crate::plan::{Anchor, Episode, Expr, Func, Library, Ref, Rule, RuleKind};
    use crate::timeline::Timeline;

    const DRIVER: StreamIx = StreamIx(1);

    struct Dice(u64);

    impl Dice {
        fn below(&mut self, n: u64) -> i64 {
            self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            ((self.0 >> 33) % n) as i64
        }

        fn number(&mut self, n: i64) -> Value {
            Value::Quantity(Amount { digits: n, scale: 0, unit: Dimension::Count.usual_unit() })
        }
    }

    fn one() -> i64 {
        Amount { digits: 1, scale: 0, unit: Dimension::Count.usual_unit() }.atoms()
    }

    fn window(func: Func, over: i64) -> Expr {
        let what = if func == Func::Count { Measure::Itself } else { Measure::Field(FieldIx(0)) };
        let (over, anchor) = (Span(over), Anchor::Decision);
        Expr::Window(Box::new(Window { func, stream: DRIVER, what, asks: None, filter: None, over, anchor, fresh: None }))
    }

    fn less(left: Expr, right: Expr) -> Expr {
        Expr::Arith { op: Arith::Sub, left: Box::new(left), right: Box::new(right) }
    }

    fn condition(dice: &mut Dice, depth: u32) -> Expr {
        if depth > 0 && dice.below(2) == 0 {
            let all = (0..2 + dice.below(2)).map(|_| condition(dice, depth - 1)).collect();
            return if dice.below(3) > 0 { Expr::And(all) } else { Expr::Or(all) };
        }
        let own = || Expr::Get { of: Ref::Driver, what: Measure::Field(FieldIx(0)) };
        let over = 1 + dice.below(30);
        let (left, right) = match dice.below(11) {
            0 => (own(), Expr::number(dice.below(9) * one())),
            1 => (window(Func::Count, over), Expr::number(dice.below(9))),
            2 => (window(Func::Reversals, over), Expr::number(dice.below(6))),
            3 => (window(Func::Delta, over), Expr::number((dice.below(9) - 4) * one())),
            4 => (window(Func::Max, over), window(Func::Min, over)),
            5 => (less(window(Func::Max, over), window(Func::Min, over)), Expr::number(dice.below(8) * one())),
            6 => (less(window(Func::Max, over), own()), Expr::number(dice.below(8) * one())),
            8 => {
                let (then, otherwise) = (Expr::number((dice.below(7) - 3) * one()), Expr::number((dice.below(7) - 3) * one()));
                let condition =
                    Expr::Compare { op: Compare::Lt, left: Box::new(own()), right: Box::new(Expr::number(4 * one())) };
                let (condition, then, otherwise) = (Box::new(condition), Box::new(then), Box::new(otherwise));
                (window(Func::Delta, over), Expr::If { condition, then, otherwise })
            }
            9 | 10 => {
                let (slope, times) = (Box::new(window(Func::Slope, over)), Box::new(Expr::number(1 + dice.below(4))));
                (Expr::Arith { op: Arith::Mul, left: slope, right: times }, Expr::number((dice.below(9) - 4) * one() / 3))
            }
            7 => (window(Func::Max, over), Expr::number(dice.below(9) * one())),
            _ => (window(Func::Min, over), Expr::number(dice.below(9) * one())),
        };
        let ops = [Compare::Lt, Compare::Le, Compare::Gt, Compare::Ge, Compare::Eq, Compare::Ne];
        let op = ops[dice.below(6) as usize];
        let (left, right) = if dice.below(5) > 0 { (left, right) } else { (right, left) };
        Expr::Compare { op, left: Box::new(left), right: Box::new(right) }
    }

    fn version(when: Expr) -> Version {
        let episode = Episode { driver: DRIVER, when, hold: None, until: None, until_hold: None, lapse: None };
        Version::new(Arc::new(Rule::of(RuleKind::Episode(episode))), &Library::default(), i64::MIN)
    }

    #[test]
    fn of_what_is_passed_over_the_condition_is_not_true() {
        let mut dice = Dice(7);
        let (mut passed, mut true_of, mut claimed) = (0, 0, 0);
        for _ in 0..3_000 {
            let (mut line, mut at) = (Timeline::default(), 1_000);
            let (tied, gaps, swing) = (dice.below(5) == 0, dice.below(8) == 0, 1 + dice.below(8) as u64);
            for i in 0..1 + dice.below(60) {
                at += if tied && dice.below(4) == 0 { 0 } else { 1 + dice.below(6) };
                let value = if gaps && dice.below(5) == 0 { None } else { Some(dice.below(swing)) };
                let values = vec![value.map(|n| dice.number(n))].into();
                let content = Content { stream: DRIVER, when: When::At(Time(at)), values, source: None, seq: None };
                let reading = Reading::present(Subject::new("s"), Some(Arc::from(format!("n{i}"))), 1, "s", content);
                line.put(&reading, i64::MAX, &mut Vec::new());
            }
            let version = version(condition(&mut dice, 2));
            let case = Case { line: &line, version: &version, clock: i64::MAX, more: false };
            let (Some(table), RuleKind::Episode(episode)) = (line.table(DRIVER), &version.terms.rule.kind) else { continue };
            let from = dice.below(table.len() as u64) as usize;
            let end = from + 1 + dice.below((table.len() - from) as u64) as usize;
            let first = case.may_hold(DRIVER, table, from..end);
            let holds = |row: usize| {
                let at = table.at(row);
                case.scope(at, at).driven_by(Rows::one(table, row)).holds(&episode.when)
            };
            assert!(!(from..first).any(holds), "{:?}: rows {from}..{first} of {end}", episode.when);
            let numbers = table.column(FieldIx(0)).and_then(|column| column.numbers(0..table.len()));
            if let (Some(claim), Some(numbers)) = (case.claim(DRIVER, i64::MIN, i64::MAX), numbers) {
                let is_outside = |row: &usize| numbers[*row] < claim.band.low || claim.band.high < numbers[*row];
                let mut outside = (0..table.len()).filter(is_outside);
                assert!(!outside.any(&holds), "{:?}: {claim:?}", episode.when);
                claimed += (0..table.len()).filter(is_outside).count();
            }
            passed += first - from;
            true_of += usize::from(first < end && holds(first));
        }
        assert!(passed > 5_000 && true_of > 1_000, "{passed} rows passed over, {true_of} times it was true then");
        assert!(claimed > 5_000, "{claimed} rows outside of what is claimed");
    }
}
