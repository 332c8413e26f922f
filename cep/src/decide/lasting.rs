//! Episodes that go on, at rest: while their condition stays true each reading only moves the deadline of their lapse away.
//!
//! A night above the range is a hundred readings of which the first and the last matter. One that runs rests until its time is over, one that is open until a
//! reading leaves the numbers between which nothing ends it and nothing makes it graver, and one whose end has to last until that is over.

use super::calm::Asked;
use super::episode::{Episodes, Going, due};
use super::rests::{Rest, Rests};
use crate::plan::{Compare, Episode, Expr, Ref};

/// Whether the clock looks at one that is open by the deadline that readings to come in order leave it, after one at an instant.
pub fn is_awaited(episode: &Episode, newest: i64, noted: i64) -> bool {
    episode.lapse.is_none() || due(episode, newest).is_some_and(|due| noted <= due)
}

impl Episodes {
    /// See [`crate::decide::State::calm`]; of one that is not idle.
    pub fn lasts<'a>(&self, episode: &'a Episode, asked: &Asked<'_, 'a>, noted: i64) -> Option<Rests> {
        let version = asked.case.version;
        let mut rests = match self.going()? {
            Going::Run { from } => {
                let mut rests = asked.always(&episode.when, Ref::Driver)?;
                match episode.hold.filter(|hold| asked.table.at(asked.row).saturating_sub(from) < hold.span.0) {
                    Some(hold) => rests.push(Rest::Before(from.saturating_add(hold.span.0))),
                    // Past its time it waits for the rule's `where`.
                    None => rests.extend(asked.never(version.terms.rule.filter.as_ref()?, Ref::Driver)?),
                }
                if let Some(hold) = episode.hold {
                    rests.push(Rest::Near(hold.gap.0));
                }
                rests
            }
            Going::Open { severity, calm, .. } => {
                if !is_awaited(episode, asked.table.at(asked.row), noted) {
                    return None;
                }
                let mut rests = match calm {
                    None => self.goes_on(episode, asked)?,
                    Some(since) => self.is_ending(episode, asked, since)?,
                };
                for grade in version.terms.rule.grades.iter().filter(|grade| grade.severity > severity) {
                    rests.extend(asked.never(grade.when.as_ref()?, Ref::Driver)?);
                }
                rests
            }
        };
        if let Some(lapse) = episode.lapse {
            rests.push(Rest::Near(lapse.0.max(0)));
        }
        if version.to < i64::MAX {
            rests.push(Rest::Before(version.to));
        }
        Some(rests)
    }

    /// The condition of its end does not hold.
    fn goes_on<'a>(&self, episode: &'a Episode, asked: &Asked<'_, 'a>) -> Option<Rests> {
        match &episode.until {
            Some(until) => asked.never(until, Ref::Driver),
            None => asked.always(&episode.when, Ref::Driver),
        }
    }

    /// The condition of its end holds since an instant, and not for long enough yet.
    fn is_ending<'a>(&self, episode: &'a Episode, asked: &Asked<'_, 'a>, since: i64) -> Option<Rests> {
        let hold = episode.until_hold.as_ref()?;
        // Without a condition of its own it ends where the other is false, and not where that is unknown.
        let mut rests = asked.always(episode.until.as_ref()?, Ref::Driver)?;
        rests.push(Rest::Before(since.saturating_add(hold.span.0)));
        rests.push(Rest::Near(hold.gap.0));
        Some(rests)
    }
}

impl<'a> Asked<'_, 'a> {
    /// As long as what holds of the next readings, a condition of the reading `of` is true. `None`: it may be false or unknown, or hangs on something else.
    pub fn always(&self, condition: &'a Expr, of: Ref) -> Option<Rests> {
        let band = |op: Compare, left, right| self.bounded(op.negated(), left, right, of).map(Rest::Within);
        match condition {
            Expr::Bool(true) => Some(Rests::default()),
            Expr::Profile(_) => self.is_fixed(condition, true),
            Expr::And(all) => {
                let mut rests = Rests::default();
                for e in all {
                    rests.extend(self.always(e, of)?);
                }
                Some(rests)
            }
            Expr::Or(any) => any.iter().find_map(|e| self.always(e, of)),
            Expr::Compare { op, left, right } => {
                let band = band(*op, left, right).or_else(|| band(op.mirrored(), right, left));
                let rest = band.or_else(|| self.outlasts(op.negated(), left, right)).map(Rests::from);
                let rests = rest.or_else(|| self.balances(op.negated(), left, right));
                let rests = rests.or_else(|| self.unheard(op.negated(), left, right, of));
                rests.or_else(|| self.is_fixed(condition, true))
            }
            Expr::Between { value, low, high } => {
                let mut rests = Rests::from(band(Compare::Ge, value, low)?);
                rests.push(band(Compare::Le, value, high)?);
                Some(rests)
            }
            _ => None,
        }
    }
}
