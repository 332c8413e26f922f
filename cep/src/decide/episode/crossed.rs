//! What a reading makes of an episode that goes on, where the sill of its condition tells all of it.

use super::{Decision, Next, State, gap};
use crate::decide::version::Case;
use crate::plan::{Episode, Grade};

/// The same as [`super::next`] of a decision upon one reading. `None`: there is more to ask.
#[inline]
pub fn crossed(case: &Case<'_>, episode: &Episode, state: &State, decision: &Decision<'_>) -> Option<Next> {
    let sill = case.version.scope.sill.as_ref().filter(|_| decision.at < case.version.to)?;
    let holds = sill.holds(decision.table.column(sill.field)?.number(decision.rows.start)?);
    match state {
        State::Run { .. } if !holds => Some(Next::To(State::Idle)),
        State::Run { from } => {
            let hold = episode.hold?;
            let is_short = !gap(Some(hold.gap.0), decision) && decision.at.saturating_sub(*from) < hold.span.0;
            is_short.then_some(Next::Same)
        }
        State::Open { calm: None, .. } => {
            let is_all = matches!(case.version.terms.rule.grades[..], [Grade { when: None, .. }]);
            let is_asked = is_all && episode.until.is_none() && (holds || episode.until_hold.is_none());
            let end = decision.at;
            is_asked.then_some(if holds { Next::Same } else { Next::Resolved { graver: None, end } })
        }
        State::Open { .. } | State::Idle => None,
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use vitalog_elog::{Amount, Content, Dimension, FieldIx, Reading, Severity, Span, StreamIx, Subject, Time, Value, When};

    use super::super::{Opened, next};
    use super::*;
    use crate::decide::Version;
    use crate::eval::Words;
    use crate::plan::{Compare, Expr, Hold, Library, Measure, Ref, Rule, RuleKind};
    use crate::timeline::Timeline;

    fn amount(digits: i64) -> Amount {
        Amount { digits, scale: 0, unit: Dimension::Count.usual_unit() }
    }

    fn below(bound: i64) -> Expr {
        let left = Box::new(Expr::Get { of: Ref::Driver, what: Measure::Field(FieldIx(0)) });
        Expr::Compare { op: Compare::Lt, left, right: Box::new(Expr::number(amount(bound).atoms())) }
    }

    /// Numbers at instants.
    fn line(rows: [(i64, i64); 2]) -> Timeline {
        let mut line = Timeline::default();
        for (at, number) in rows {
            let values = Box::new([Some(Value::Quantity(amount(number)))]);
            let content = Content { stream: StreamIx(0), when: When::At(Time(at)), values, source: None, seq: None };
            line.put(&Reading::present(Subject::new("s"), None, 1, "bg", content), 99, &mut Vec::new());
        }
        line
    }

    fn states() -> [State; 5] {
        let words = Words { text: Arc::from("It is so."), wordings: None };
        let opened = Opened { onset: 2, at: 3, severity: Severity::Info, words, said: None, evidence: Arc::from([]) };
        let what = Arc::new(opened);
        let open = |calm| State::Open { what: what.clone(), calm };
        [State::Idle, State::Run { from: 2 }, State::Run { from: 9 }, open(None), open(Some(8))]
    }

    #[test]
    fn what_it_tells_is_what_comes_of_asking_all() {
        let hold = |span, gap| Some(Hold { span: Span(span), gap: Span(gap) });
        let graver = Grade { severity: Severity::Urgent, when: Some(below(5)) };
        let (mut told, mut in_all) = (0, 0);
        for n in 0..128 {
            let is = |place: usize| n >> place & 1 == 1;
            let kind = Episode {
                driver: StreamIx(0),
                when: below(10),
                hold: [None, hold(4, 9), hold(20, 9), hold(20, 3)][n / 32],
                until: is(0).then(|| Expr::Not(Box::new(below(20)))),
                until_hold: if is(1) { hold(5, 9) } else { None },
                lapse: None,
            };
            let mut rule = Rule::of(RuleKind::Episode(kind.clone()));
            rule.grades.extend(is(2).then(|| graver.clone()));
            let mut version = Version::new(Arc::new(rule), &Library::default(), 0);
            version.to = if is(3) { 12 } else { i64::MAX };
            for number in [3, 7, 15, 25] {
                let line = line([(10, 7), (if is(4) { 12 } else { 15 }, number)]);
                let table = line.table(StreamIx(0)).expect("it has readings");
                let decision = Decision::newest(table, table.at(1)).expect("it is the newest");
                let case = Case { line: &line, version: &version, clock: 99, more: false };
                for state in states() {
                    let asked = next(&case, &kind, &state, &decision, None);
                    let crossed = crossed(&case, &kind, &state, &decision);
                    assert!(crossed.is_none() || crossed == Some(asked), "{kind:?} {state:?} {number}");
                    told += usize::from(crossed.is_some());
                    in_all += 1;
                }
            }
        }
        assert!(told * 7 > in_all, "{told} of {in_all}");
    }
}
