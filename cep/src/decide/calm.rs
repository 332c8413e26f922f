//! When a reading in order cannot matter to a rule: between which values nothing happens.
//!
//! Most readings change nothing for most rules: glucose is in range, nobody is silent, no pattern has begun. A state that is at rest says between which numbers
//! of a reading's fields its condition cannot be true, whatever else there is on the timeline. As long as readings stay there, nobody asks it again.
//!
//! INVARIANT (calm): for a reading that is later than all of its stream and than what the state decided ([`State::decided_until`]), with an instant only, and of which all holds
//! that it told, updating the state would change neither it nor its facts, and would set no deadline earlier than the one it has. Of other streams later readings may be there: no
//! decision that rests hangs on what they say, but for those streams that it told are to be unheard.

use vitalog_elog::{FieldIx, StreamIx};

use super::State;
use super::episode::Going;
use super::range::{Supposed, hangs_on_no_reading, looks_through};
use super::rests::{Band, Rest, Rests};
use super::silence;
use super::version::Case;
use crate::eval::{Lets, Ratio, Value, holds, truth, value};
use crate::plan::{Anchor, Arith, Compare, Expr, Func, Measure, Rational, Ref, RuleKind, Window};
use crate::timeline::{Set, Table};

impl State {
    /// As long as what holds of the next readings of a stream they change nothing, seen from the newest, which is row `row` of its table and has been taken in. `None`: each is to
    /// be looked at. `noted`: when the clock will look at it. Who rests counts on being looked at by the deadline that readings in order leave it, and a note may be for later: it was made for what is gone.
    pub fn calm(&self, case: &Case<'_>, stream: StreamIx, row: usize, noted: i64) -> Option<Rests> {
        if case.version.heeds(stream) {
            return None;
        }
        let onset = if let State::Episode(state) = self { state.onset() } else { None };
        let asked = Asked { case, stream, table: case.line.table(stream)?, row, onset, anchor: Anchor::Decision };
        let ended = asked.table.at(row) >= case.version.to;
        match (self, &case.version.terms.rule.kind) {
            (State::Episode(state), RuleKind::Episode(episode)) => {
                if !state.is_idle() {
                    return if ended { None } else { state.lasts(episode, &asked, noted) };
                }
                if ended { Some(Rests::default()) } else { asked.never(&episode.when, Ref::Driver) }
            }
            // Each reading only moves its deadline away.
            (State::Silence(state), RuleKind::Silence(silence)) => {
                (state.open().is_none() && silence::is_awaited(case, silence, noted)).then(|| silence::lasts(silence, stream))
            }
            (State::Match(state), RuleKind::Match(pattern)) => state.calm(case, pattern, stream, &asked),
            _ => None,
        }
    }

    /// By what it rests, whatever readings come.
    #[inline]
    pub fn pose(&self) -> Pose {
        let busy = |is: bool| if is { Pose::Busy } else { Pose::Still };
        match self {
            State::Episode(state) => state.going().map_or(Pose::Still, Pose::Going),
            State::Schedule(_) => Pose::Still,
            State::Silence(state) => busy(state.open().is_some()),
            State::Match(state) => busy(state.is_pending()),
        }
    }

    /// The last instant at which it decided something that may hang on what readings say which come by then; of a reading that is the last of its stream, as if it had not come.
    #[inline]
    pub fn decided_until(&self, case: &Case<'_>, but: Option<StreamIx>) -> i64 {
        match (self, &case.version.terms.rule.kind) {
            (State::Episode(state), RuleKind::Episode(episode)) => {
                let last = if but == Some(episode.driver) { None } else { case.line.table(episode.driver).and_then(Table::last) };
                state.decided_until().max(last.unwrap_or(i64::MIN))
            }
            (State::Silence(_), RuleKind::Silence(rule)) => silence::decided_until(case, rule, but),
            (State::Match(state), RuleKind::Match(_)) => state.decided_until(),
            (State::Schedule(state), RuleKind::Schedule(_)) => state.decided_until(),
            _ => i64::MAX,
        }
    }
}

/// What a state is in the middle of, as far as its rest hangs on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pose {
    Still,
    /// An episode goes on, which rests by the numbers that do not end it.
    Going(Going),
    /// Something has begun that readings of other streams may go on with or end: it does not rest.
    Busy,
}

impl Pose {
    /// Whether what rested by this one may not go on to rest by another. A reading of one stream may take an episode back that rested in the stream it is decided upon.
    pub fn ends(self, now: Pose) -> bool {
        self != now && self != Pose::Busy
    }
}

/// A condition is asked of a row.
pub struct Asked<'c, 'a> {
    pub case: &'c Case<'a>,
    pub stream: StreamIx,
    pub table: &'a Table,
    pub row: usize,
    /// Of what goes on.
    pub onset: Option<i64>,
    /// Up to where its windows look: the reading, or what came before the step that it begins.
    pub anchor: Anchor,
}

impl<'a> Asked<'_, 'a> {
    /// As long as what holds of the next readings, a condition of the reading `of` cannot be true. `None`: it may be true, or hangs on something else.
    pub fn never(&self, condition: &'a Expr, of: Ref) -> Option<Rests> {
        match condition {
            // What lasts is better than what holds for a few readings.
            Expr::And(all) => all.iter().find_map(|e| self.lasting(e, of)).or_else(|| all.iter().find_map(|e| self.lacks(e))),
            _ => self.lasting(condition, of).or_else(|| self.lacks(condition)),
        }
    }

    /// The same, whatever number of readings comes.
    fn lasting(&self, condition: &'a Expr, of: Ref) -> Option<Rests> {
        match condition {
            Expr::Bool(false) => Some(Rests::default()),
            Expr::And(all) => all.iter().find_map(|e| self.lasting(e, of)),
            Expr::Or(all) => {
                let mut rests = Rests::default();
                for e in all {
                    rests.extend(self.never(e, of)?);
                }
                Some(rests)
            }
            Expr::Compare { op, left, right } => match [left, right].map(|side| self.hangs_on_readings(side, of)) {
                [false, false] => self.unheard(*op, left, right, of).or_else(|| self.is_fixed(condition, false)),
                hangs => {
                    let rest = self.never_compares(*op, left, right, of, hangs).map(Rests::from);
                    rest.or_else(|| self.balances(*op, left, right))
                }
            },
            Expr::Profile(_) => self.is_fixed(condition, false),
            Expr::Between { value, low, high } => {
                let below = self.bounded(Compare::Ge, value, low, of);
                let band = below.or_else(|| self.bounded(Compare::Le, value, high, of)).map(Rest::Within);
                band.or_else(|| self.unsaid(value, of)).map(Rests::from)
            }
            _ => None,
        }
    }

    /// `hangs`: which of the sides hang on readings of the stream.
    fn never_compares(&self, op: Compare, left: &'a Expr, right: &'a Expr, of: Ref, hangs: [bool; 2]) -> Option<Rest> {
        match hangs.into() {
            (true, false) => self.never_fixed(op, left, right, of),
            (false, true) => self.never_fixed(op.mirrored(), right, left, of),
            (true, true) => {
                // That extremes are the same comes true no sooner than what shows that they are not has left.
                let rest = if op == Compare::Eq { self.outlasts(op, left, right) } else { None };
                let rest = rest.or_else(|| self.kept_within(op, left, right, of).map(Rest::Within));
                let rest = rest.or_else(|| if op == Compare::Eq { None } else { self.outlasts(op, left, right) });
                rest.or_else(|| self.unsaid(left, of)).or_else(|| self.unsaid(right, of))
            }
            (false, false) => None,
        }
    }

    /// The same where readings of the stream are on the left alone: what that is says which ways there are to rest.
    fn never_fixed(&self, op: Compare, left: &'a Expr, right: &'a Expr, of: Ref) -> Option<Rest> {
        let rest = match left {
            Expr::Get { .. } => self.bounded(op, left, right, of).map(Rest::Within).or_else(|| self.unsaid(left, of)),
            Expr::Window(w) => match w.func {
                Func::Slope => return self.paced(op, left, right),
                Func::Reversals => return self.shown(op, left, right),
                Func::Count => return self.apart(op, left, right).or_else(|| self.shown(op, left, right)),
                _ => self.bounded(op, left, right, of).or_else(|| self.swung(op, left, right, of)).map(Rest::Within),
            },
            _ => {
                let band = self.swung(op, left, right, of).map(Rest::Within);
                band.or_else(|| self.paced(op, left, right)).or_else(|| self.too_soon(op, left, right))
            }
        };
        rest.or_else(|| self.kept_within(op, left, right, of).map(Rest::Within)).or_else(|| self.shown(op, left, right))
    }

    /// Whether anything may be known of an expression by which readings come: it asks for the reading, for windows of its stream, or for the time.
    fn hangs_on_readings(&self, expr: &Expr, of: Ref) -> bool {
        match expr {
            Expr::Get { of: asked, .. } => *asked == of,
            Expr::Window(w) => w.stream == self.stream,
            Expr::Arith { left, right, .. } => self.hangs_on_readings(left, of) || self.hangs_on_readings(right, of),
            Expr::Neg(e) => self.hangs_on_readings(e, of),
            Expr::Now => true,
            _ => false,
        }
    }

    /// The band in which `left op right` is false, where the left is a number of the reading or no less decided by it, and the right hangs on no reading.
    pub fn bounded(&self, op: Compare, left: &Expr, right: &'a Expr, of: Ref) -> Option<Band> {
        let field = self.told_by_newest(op, left, of)?;
        let number = self.table.column(field)?.number(self.row)?;
        let bound = self.fixed(right)?;
        let (low, high) = false_around(number, op, bound)?;
        Some(Band { field, low, high })
    }

    /// The field of which the newest number says that `left op bound` is false if it is false of that number: a maximum is no less than it, a minimum no greater.
    fn told_by_newest(&self, op: Compare, left: &Expr, of: Ref) -> Option<FieldIx> {
        match left {
            Expr::Get { of: asked, what: Measure::Field(field) } if *asked == of => Some(*field),
            Expr::Window(w) if self.ends_with_newest(w) => match (w.func, op, w.what) {
                (Func::Max, Compare::Lt | Compare::Le, Measure::Field(field)) => Some(field),
                (Func::Min, Compare::Gt | Compare::Ge, Measure::Field(field)) => Some(field),
                (Func::Last, _, Measure::Field(field)) => Some(field),
                _ => None,
            },
            _ => None,
        }
    }

    /// Whether a window sees all of the stream's readings up to the newest, and that one.
    pub fn ends_with_newest(&self, w: &Window) -> bool {
        let is_plain = w.filter.is_none() && w.fresh.is_none() && w.anchor == Anchor::Decision && self.anchor == Anchor::Decision;
        is_plain && w.stream == self.stream && w.over.0 > 0
    }

    /// The number that an expression comes to which hangs on no reading.
    pub fn fixed(&self, expr: &'a Expr) -> Option<Ratio> {
        let now = self.table.at(self.row);
        match expr {
            Expr::Number(Rational { n, d: 1 }) => return Some(Ratio::whole(*n)),
            // Most bounds are in the profile.
            Expr::Profile(field) => {
                return match self.case.profile(*field, now)? {
                    Set::Number(n) => Some(Ratio::whole(*n)),
                    _ => None,
                };
            }
            _ if !hangs_on_no_reading(expr, &self.case.version.terms.rule.lets) => return None,
            _ => {}
        }
        let scope = self.case.scope(now, now);
        match value(expr, &scope.with(&Lets::of(&scope))) {
            Value::Number(number) => Some(number),
            _ => None,
        }
    }

    /// Whether a condition that hangs on no reading is true, or is not: it stays so.
    pub fn is_fixed(&self, condition: &'a Expr, to_be: bool) -> Option<Rests> {
        let lets = &self.case.version.terms.rule.lets;
        if !hangs_on_no_reading(condition, lets) {
            return None;
        }
        let now = self.table.at(self.row);
        let scope = self.case.scope(now, now);
        let is_true = truth(condition, &scope.with(&Lets::of(&scope))) == Some(true);
        (is_true == to_be).then(Rests::default)
    }

    /// A field of which the reading says nothing: what is compared with it is unknown.
    fn unsaid(&self, side: &Expr, of: Ref) -> Option<Rest> {
        match side {
            Expr::Get { of: asked, what: Measure::Field(field) } if *asked == of => {
                let says = self.table.column(*field).is_some_and(|column| column.has(self.row));
                (!says).then_some(Rest::Without(*field))
            }
            _ => None,
        }
    }

    /// A band around all that windows see of a field, in which a comparison cannot be true: readings that stay in it keep the windows in it.
    fn kept_within(&self, op: Compare, left: &'a Expr, right: &'a Expr, of: Ref) -> Option<Band> {
        let (field, over) = looks_through([left, right], self.stream)?;
        let (column, now) = (self.table.column(field)?, self.table.at(self.row));
        let rows = self.table.window(over, now);
        let (least, greatest) = column.extremes(rows.start, rows.end)?;
        let spread = || Ratio::whole(greatest.saturating_sub(least));
        if matches!(op, Compare::Ge | Compare::Gt)
            && self.is_spread(left)
            && self.fixed(right).is_some_and(|bound| holds(op, spread().compare(bound)))
        {
            // They are as far apart as that in any band around them.
            return None;
        }
        let fixed = self.case.scope(now, now);
        let supposed = Supposed { of, stream: self.stream, field, low: least, high: greatest };
        let by = supposed.room(op, left, right, &fixed)?;
        Some(Band { field, low: least.saturating_sub(by), high: greatest.saturating_add(by) })
    }

    /// `now - onset` is less than what it is to be.
    fn too_soon(&self, op: Compare, left: &Expr, right: &Expr) -> Option<Rest> {
        let (Expr::Arith { op: Arith::Sub, left: now, right: onset }, Expr::Number(Rational { n, d: 1 })) = (left, right) else {
            return None;
        };
        let later = match op {
            Compare::Ge => *n,
            Compare::Gt => n.checked_add(1)?,
            _ => return None,
        };
        let is_age = matches!((&**now, &**onset), (Expr::Now, Expr::Onset));
        let until = self.onset.filter(|_| is_age)?.checked_add(later)?;
        (self.table.at(self.row) < until).then_some(Rest::Before(until))
    }

    /// `count >= 2` of a window: while readings are further apart than it is long.
    fn apart(&self, op: Compare, left: &Expr, right: &Expr) -> Option<Rest> {
        let (Expr::Window(w), Expr::Number(Rational { n, d: 1 })) = (left, right) else { return None };
        let two = (op == Compare::Ge && *n >= 2) || (op == Compare::Gt && *n >= 1);
        let counts = w.func == Func::Count && w.anchor == Anchor::Decision && w.stream == self.stream;
        // As long as they come closer together it is no help.
        let gap = self.row.checked_sub(1).map_or(i64::MAX, |row| self.table.at(self.row).saturating_sub(self.table.at(row)));
        (two && counts && gap >= w.over.0).then_some(Rest::Apart(w.over.0))
    }
}

/// The whole numbers around one for which `number op bound` is false, as far as they lie together.
pub fn false_around(number: i64, op: Compare, bound: Ratio) -> Option<(i64, i64)> {
    let (floor, is_whole) = match bound.d {
        // Without two divisions of 128 bits.
        1 => (bound.n, true),
        d => (bound.n.div_euclid(d), bound.n.rem_euclid(d) == 0),
    };
    let floor = i64::try_from(floor).ok()?;
    let ceiling = if is_whole { floor } else { floor.checked_add(1)? };
    let (low, high) = match op {
        Compare::Lt => (ceiling, i64::MAX),
        Compare::Le => (floor.checked_add(1)?, i64::MAX),
        Compare::Gt => (i64::MIN, floor),
        Compare::Ge => (i64::MIN, ceiling.checked_sub(1)?),
        Compare::Eq if floor != ceiling => (i64::MIN, i64::MAX),
        Compare::Eq if number > floor => (floor.checked_add(1)?, i64::MAX),
        Compare::Eq => (i64::MIN, ceiling.checked_sub(1)?),
        Compare::Ne => (floor, ceiling),
    };
    (low <= number && number <= high && (op != Compare::Ne || floor == ceiling)).then_some((low, high))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_band_is_where_the_comparison_is_false_and_no_wider() {
        let ops = [Compare::Lt, Compare::Le, Compare::Gt, Compare::Ge, Compare::Eq, Compare::Ne];
        for (n, d) in [(6, 1), (-6, 1), (7, 2), (-7, 2), (1, 3), (0, 1)] {
            let is = |number: i64, op| holds(op, (i128::from(number) * d).cmp(&n));
            for (op, number) in ops.into_iter().flat_map(|op| (-12..12).map(move |number| (op, number))) {
                let band = false_around(number, op, Ratio { n, d });
                assert_eq!(band.is_some(), !is(number, op), "{number} {op:?} {n}/{d}");
                let Some((low, high)) = band else { continue };
                assert!((low.max(-12)..=high.min(12)).all(|other| !is(other, op)), "{number} {op:?} {n}/{d}: {low} to {high}");
                assert!(low == i64::MIN || is(low - 1, op), "{number} {op:?} {n}/{d} from {low}");
                assert!(high == i64::MAX || is(high + 1, op), "{number} {op:?} {n}/{d} to {high}");
            }
        }
    }
}
