//! As long as all holds that a condition told of the readings to come, it is not true of any of them; where it is to be true always, it is.

use std::sync::Arc;

use vitalog_elog::{Amount, Content, Dimension, FieldIx, Reading, Span, StreamIx, Subject, Time, Value, When};

use super::calm::Asked;
use super::pace::pace;
use super::rests::{Band, Rest, Rests};
use super::version::{Case, Version};
use crate::eval::Rows;
use crate::plan::{Anchor, Arith, Compare, Episode, Expr, Func, Library, Measure, Ref, Rule, RuleKind, Window};
use crate::timeline::{Table, Timeline};

const DRIVER: StreamIx = StreamIx(0);
const VALUE: Measure = Measure::Field(FieldIx(0));

struct Dice(u64);

impl Dice {
    fn below(&mut self, n: u64) -> i64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((self.0 >> 33) % n) as i64
    }
}

fn amount(digits: i64) -> Amount {
    Amount { digits, scale: 0, unit: Dimension::Count.usual_unit() }
}

fn number(digits: i64) -> Expr {
    Expr::number(amount(digits).atoms())
}

fn window(func: Func, over: i64) -> Expr {
    let what = if func == Func::Count { Measure::Itself } else { VALUE };
    let (over, anchor) = (Span(over), Anchor::Decision);
    Expr::Window(Box::new(Window { func, stream: DRIVER, what, asks: None, filter: None, over, anchor, fresh: None }))
}

fn arith(op: Arith, left: Expr, right: Expr) -> Expr {
    Expr::Arith { op, left: Box::new(left), right: Box::new(right) }
}

fn compare(op: Compare, left: Expr, right: Expr) -> Expr {
    Expr::Compare { op, left: Box::new(left), right: Box::new(right) }
}

/// What may rest by how fast numbers move.
fn steepness(dice: &mut Dice) -> (Expr, Expr) {
    let slope = window(Func::Slope, 1 + dice.below(30));
    let times = Expr::number(dice.below(7) - 3);
    let left = match dice.below(4) {
        0 => slope,
        1 => arith(Arith::Mul, times, slope),
        _ => arith(Arith::Mul, slope, times),
    };
    let (then, otherwise) = (number(dice.below(9) - 4), number(dice.below(9) - 4));
    if dice.below(2) == 0 {
        return (left, then);
    }
    let own = Expr::Get { of: Ref::Driver, what: VALUE };
    let condition = Box::new(compare(Compare::Lt, own, number(dice.below(9) - 4)));
    (left, Expr::If { condition, then: Box::new(then), otherwise: Box::new(otherwise) })
}

/// What may rest by the newest number, and by what windows have seen.
fn extremes(dice: &mut Dice) -> (Expr, Expr) {
    let (over, own) = (1 + dice.below(30), Expr::Get { of: Ref::Driver, what: VALUE });
    let less = |left, right| arith(Arith::Sub, left, right);
    let kind = dice.below(11);
    let mut bound = |n: u64, below: i64| number(dice.below(n) - below);
    match kind {
        0 => (less(window(Func::Max, over), own), bound(12, 2)),
        1 => (less(own, window(Func::Min, over)), bound(12, 2)),
        2 => (less(window(Func::Max, over), window(Func::Min, over)), bound(12, 2)),
        3 => (window(Func::Max, over), window(Func::Min, over)),
        4 => (window(Func::Delta, over), bound(19, 9)),
        5 => (window(Func::Max, over), bound(15, 7)),
        6 => (window(Func::Min, over), bound(15, 7)),
        7 => (window(Func::Last, over), bound(15, 7)),
        8 => (less(own, window(Func::Max, over)), bound(12, 6)),
        9 => (window(Func::Count, over), Expr::number(3)),
        _ => (own, bound(15, 7)),
    }
}

/// What may rest for a few readings.
fn counts(dice: &mut Dice) -> (Expr, Expr) {
    let func = if dice.below(3) > 0 { Func::Reversals } else { Func::Count };
    (window(func, 4 + dice.below(26)), Expr::number(2 + dice.below(5)))
}

fn condition(dice: &mut Dice, sides: fn(&mut Dice) -> (Expr, Expr)) -> Expr {
    let (left, right) = sides(dice);
    let op = [Compare::Lt, Compare::Le, Compare::Gt, Compare::Ge, Compare::Eq, Compare::Ne][dice.below(6) as usize];
    if dice.below(3) > 0 { compare(op, left, right) } else { compare(op, right, left) }
}

fn version(when: Expr) -> Version {
    let episode = Episode { driver: DRIVER, when, hold: None, until: None, until_hold: None, lapse: None };
    Version::new(Arc::new(Rule::of(RuleKind::Episode(episode))), &Library::default(), i64::MIN)
}

fn put(line: &mut Timeline, at: i64, digits: i64) {
    let values = vec![Some(Value::Quantity(amount(digits)))].into();
    let content = Content { stream: DRIVER, when: When::At(Time(at)), values, source: None, seq: None };
    line.put(&Reading::present(Subject::new("s"), None, 1, "s", content), i64::MAX, &mut Vec::new());
}

/// Whether it holds of the last row of a table, as it is meant.
fn keeps(rest: &Rest, table: &Table) -> bool {
    let row = table.len() - 1;
    let number = |field: FieldIx, row: usize| table.column(field).and_then(|column| column.number(row));
    let after = row.checked_sub(1).map_or(i64::MAX, |before| table.at(row) - table.at(before));
    let inside = |band: &Band, n: Option<i64>| n.is_some_and(|n| band.low <= n && n <= band.high);
    match rest {
        Rest::Within(band) => inside(band, number(band.field, row)),
        Rest::Paced(band) => {
            let moved = number(band.field, row - 1).zip(number(band.field, row));
            inside(band, moved.and_then(|(before, now)| pace(before, now, after)))
        }
        Rest::Without(field) => number(*field, row).is_none(),
        Rest::Before(t) => table.at(row) < *t,
        Rest::Apart(span) => after >= *span,
        Rest::Near(span) => after <= *span,
        Rest::Rows(most) => table.len() as i64 <= *most,
        Rest::Unheard(_) => true,
    }
}

/// How many readings a condition was kept at rest by, how often it woke, and how often it was to be told then.
#[derive(Debug, Default)]
struct Seen {
    kept: u32,
    woken: u32,
    told: u32,
}

/// `told`: what is never to be, with what is told of the readings to come.
fn over_readings(
    seed: u64,
    sides: fn(&mut Dice) -> (Expr, Expr),
    rests: impl for<'a> Fn(&Asked<'_, 'a>, &'a Expr) -> Option<Rests>,
    never: bool,
) -> Seen {
    let mut dice = Dice(seed);
    let mut seen = Seen::default();
    for _ in 0..6_000 {
        let (mut line, version) = (Timeline::default(), version(condition(&mut dice, sides)));
        let RuleKind::Episode(Episode { when, .. }) = &version.terms.rule.kind else { continue };
        let (mut at, mut value, swing) = (1_000, 0, 1 + dice.below(9) as u64);
        let (wide, drift) = (1 + dice.below(4) as u64, dice.below(5) - 2);
        let mut resting: Option<Vec<Rest>> = None;
        for _ in 0..14 {
            at += 1 + dice.below(wide);
            value += drift + dice.below(swing) - (swing as i64 - 1) / 2;
            put(&mut line, at, value);
            let case = Case { line: &line, version: &version, clock: i64::MAX, more: false };
            let table = line.table(DRIVER).expect("it has readings");
            let row = table.len() - 1;
            let is_told = case.scope(at, at).driven_by(Rows::one(table, row)).holds(when) == never;
            if let Some(rests) = &resting {
                if rests.iter().all(|rest| keeps(rest, table)) {
                    assert!(!is_told, "{when:?} at row {row}: {rests:?}");
                    seen.kept += 1;
                    continue;
                }
                seen.woken += 1;
                seen.told += u32::from(is_told);
            }
            let asked = Asked { case: &case, stream: DRIVER, table, row, onset: None, anchor: Anchor::Decision };
            resting = rests(&asked, when).map(|rests| rests.into_iter().collect());
            assert!(!is_told || resting.is_none(), "{when:?} at row {row}");
        }
    }
    seen
}

#[test]
fn while_no_step_is_steep_no_line_is() {
    let seen = over_readings(5, steepness, |asked, when| asked.never(when, Ref::Driver), true);
    assert!(seen.kept > 8_000 && seen.woken > 3_000 && seen.told > 60, "{seen:?}");
}

#[test]
fn what_is_never_to_be_true_is_not_while_it_rests() {
    let seen = over_readings(7, extremes, |asked, when| asked.never(when, Ref::Driver), true);
    assert!(seen.kept > 8_000 && seen.woken > 3_000 && seen.told > 500, "{seen:?}");
}

#[test]
fn what_is_always_to_be_true_is_while_it_rests() {
    let seen = over_readings(9, extremes, |asked, when| asked.always(when, Ref::Driver), false);
    assert!(seen.kept > 4_000 && seen.woken > 1_000 && seen.told > 300, "{seen:?}");
}

#[test]
fn of_few_readings_there_are_not_more_than_are_missing() {
    let seen = over_readings(11, counts, |asked, when| asked.lacks(when), true);
    assert!(seen.kept > 4_000 && seen.woken > 1_000 && seen.told > 200, "{seen:?}");
}
