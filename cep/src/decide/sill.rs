//! Where a condition turns that compares one number of a reading with a constant.
//!
//! Such rules are the many: a low below a bound, a high above one. Their bounds are the same for every subject, so who of them a reading wakes is told by two places in one list
//! that all subjects share (`engine::sills`), and what they rest by is known without a walk over their conditions.

use vitalog_elog::{FieldIx, StreamIx};

use super::State;
use super::episode::Going;
use super::lasting::is_awaited;
use super::matching::is_point;
use super::version::Case;
use crate::plan::{Compare, Edge, Episode, Expr, Measure, Rational, Ref, RuleKind};
use crate::timeline::Table;

/// The condition is true of a number up to `last` and of none above, or the other way round.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sill {
    pub stream: StreamIx,
    pub field: FieldIx,
    pub last: i64,
    is_low: bool,
}

/// What has to hold of the next readings for a rule to rest, besides that its number stays on its side of the sill.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stay {
    /// It comes before this instant.
    pub before: i64,
    /// It comes at most so long after the reading before it.
    pub near: i64,
}

impl Stay {
    pub const EVER: Stay = Stay { before: i64::MAX, near: i64::MAX };
}

impl Sill {
    /// Of a rule, if it has one: of an episode's condition, or of that of a pattern of one step.
    pub fn of(kind: &RuleKind) -> Option<Sill> {
        match kind {
            RuleKind::Episode(episode) => Sill::of_condition(episode.driver, &episode.when, Ref::Driver),
            RuleKind::Match(pattern) if is_point(pattern) && pattern.absences.is_empty() => {
                let only = pattern.steps.first().filter(|step| step.edge == Edge::End)?;
                Sill::of_condition(only.stream, only.filter.as_ref()?, Ref::Candidate)
            }
            _ => None,
        }
    }

    /// Where `field < bound` turns.
    #[cfg(test)]
    pub fn below(field: FieldIx, bound: i64) -> Sill {
        Sill { stream: StreamIx(0), field, last: bound - 1, is_low: true }
    }

    fn of_condition(stream: StreamIx, condition: &Expr, asked: Ref) -> Option<Sill> {
        let Expr::Compare { op, left, right } = condition else { return None };
        let (field, op, bound) = match (&**left, &**right) {
            (Expr::Get { of, what: Measure::Field(field) }, Expr::Number(bound)) if *of == asked => (*field, *op, bound),
            (Expr::Number(bound), Expr::Get { of, what: Measure::Field(field) }) if *of == asked => {
                (*field, op.mirrored(), bound)
            }
            _ => return None,
        };
        Sill::at(stream, field, op, *bound)
    }

    fn at(stream: StreamIx, field: FieldIx, op: Compare, bound: Rational) -> Option<Sill> {
        let (floor, is_whole) = (bound.n.div_euclid(bound.d), bound.n.rem_euclid(bound.d) == 0);
        // The last number that is less than the bound.
        let less = || if is_whole { floor.checked_sub(1) } else { Some(floor) };
        let (last, is_low) = match op {
            Compare::Lt => (less()?, true),
            Compare::Le => (floor, true),
            Compare::Gt => (floor, false),
            Compare::Ge => (less()?, false),
            Compare::Eq | Compare::Ne => return None,
        };
        Some(Sill { stream, field, last, is_low })
    }

    /// Whether the condition is true of a number.
    #[inline]
    pub fn holds(&self, number: i64) -> bool {
        (number <= self.last) == self.is_low
    }
}

impl State {
    /// The same as [`State::calm`] for a rule with a sill, where it rests by that; `table` is the stream's. `None` says nothing.
    #[inline]
    pub fn stays(&self, case: &Case<'_>, (stream, table): (StreamIx, &Table), row: usize, noted: i64) -> Option<Stay> {
        let sill = case.version.scope.sill.as_ref().filter(|sill| sill.stream == stream)?;
        let (number, at) = (table.column(sill.field)?.number(row)?, table.at(row));
        if at >= case.version.to {
            return None;
        }
        match (self, &case.version.terms.rule.kind) {
            (State::Episode(state), RuleKind::Episode(episode)) => match state.going() {
                None => (!sill.holds(number)).then_some(Stay::EVER),
                Some(_) if !sill.holds(number) => None,
                Some(going) => lasting(case, episode, going, at, noted),
            },
            (State::Match(state), _) => (!sill.holds(number) && state.waits_for_nothing()).then_some(Stay::EVER),
            _ => None,
        }
    }
}

/// Of what goes on while its condition holds.
fn lasting(case: &Case<'_>, episode: &Episode, going: Going, at: i64, noted: i64) -> Option<Stay> {
    let stay = match going {
        // Past its time it waits for the rule's `where`, which is asked each time.
        Going::Run { from } => {
            let hold = episode.hold.filter(|hold| at.saturating_sub(from) < hold.span.0)?;
            Stay { before: from.saturating_add(hold.span.0), near: hold.gap.0 }
        }
        Going::Open { severity, calm, .. } => {
            let is_awaited = is_awaited(episode, at, noted);
            let rises = case.version.terms.rule.grades.iter().any(|grade| grade.severity > severity);
            (is_awaited && calm.is_none() && episode.until.is_none() && !rises).then_some(Stay::EVER)?
        }
    };
    let lapse = episode.lapse.map_or(i64::MAX, |lapse| lapse.0.max(0));
    Some(Stay { before: stay.before.min(case.version.to), near: stay.near.min(lapse) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::eval::holds;

    #[test]
    fn it_is_true_on_one_side_alone() {
        let field = FieldIx(3);
        let number = |of| Box::new(Expr::Get { of, what: Measure::Field(field) });
        let of = |condition: &Expr| Sill::of_condition(StreamIx(2), condition, Ref::Driver);
        for op in [Compare::Lt, Compare::Le, Compare::Gt, Compare::Ge] {
            for (n, d) in [(6, 1), (-6, 1), (7, 2), (-7, 2), (1, 3), (0, 1)] {
                let bound = || Box::new(Expr::Number(Rational { n, d }));
                let right = of(&Expr::Compare { op, left: number(Ref::Driver), right: bound() }).expect("it has one");
                let left = of(&Expr::Compare { op: op.mirrored(), left: bound(), right: number(Ref::Driver) });
                assert_eq!(left, Some(right));
                for at in -20..20_i64 {
                    let wanted = holds(op, (i128::from(at) * i128::from(d)).cmp(&i128::from(n)));
                    assert_eq!(right.holds(at), wanted, "{at} {op:?} {n}/{d}");
                }
            }
        }
        let least = |op| Sill::at(StreamIx(2), field, op, Rational { n: i64::MIN, d: 1 });
        assert!(least(Compare::Lt).is_none() && least(Compare::Ge).is_none() && least(Compare::Le).is_some());
        let of = |left, op| of(&Expr::Compare { op, left, right: Box::new(Expr::number(3)) });
        assert!(of(number(Ref::Candidate), Compare::Lt).is_none() && of(number(Ref::Driver), Compare::Eq).is_none());
        assert!(of(Box::new(Expr::Now), Compare::Lt).is_none());
    }
}
