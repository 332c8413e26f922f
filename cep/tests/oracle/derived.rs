//! A rule as a stream: the findings of all its versions as readings for the rules that look at it.

use vitalog_cep::plan::{Derived, Expr, Rule, RuleKind};
use vitalog_elog::{FieldIx, ReadingId, Severity, StreamIx};

use super::eval::eval;
use super::findings::Found;
use super::number::Number;
use super::scene::{Known, Scene};
use super::timeline::Seen;

/// What a finding says in its fields beside the severity.
pub type Said = Vec<(FieldIx, Option<Known>)>;

pub fn said(rule: &Rule, scene: &Scene<'_>) -> Said {
    rule.outputs.iter().map(|o| (o.field, eval(&o.expr, scene).and_then(as_number).filter(is_kept))).collect()
}

/// Where a root is kept it is taken to the nearest millionth.
fn as_number(known: Known) -> Option<Known> {
    match known {
        Known::Root { square } => square.root().map(Known::Number),
        other => Some(other),
    }
}

/// A number is kept if numerator and denominator fit into 64 bits.
fn is_kept(known: &Known) -> bool {
    let fits = |n: i128| i64::try_from(n).is_ok();
    match known {
        Known::Number(n) => Number::parts(*n).is_some_and(|(n, d)| fits(n) && fits(d)),
        _ => true,
    }
}

/// A finding as a reading: at the instant that opened it, from its onset to its end.
pub fn row(stream: StreamIx, version: usize, found: &Found) -> Seen {
    let severity = Severity::ALL.iter().position(|s| *s == found.severity).expect("a severity");
    let mut values = vec![Some(Known::Enum(severity as u16))];
    for (field, known) in &found.said {
        let place = usize::from(field.0);
        values.resize(values.len().max(place + 1), None);
        values[place] = known.clone();
    }
    Seen {
        id: ReadingId((version as u128) << 96 | (found.onset as u128 & u128::from(u64::MAX))),
        stream,
        start: found.onset,
        instant: Some(found.at),
        end: found.end,
        values,
        rests_on: found.evidence.clone(),
    }
}

/// The derived streams that a rule looks at.
pub fn uses(rule: &Rule) -> Vec<StreamIx> {
    streams(rule).into_iter().filter(|s| s.derived().is_some()).collect()
}

/// All streams that a rule looks at.
pub fn streams(rule: &Rule) -> Vec<StreamIx> {
    let mut all: Vec<StreamIx> = match &rule.kind {
        RuleKind::Episode(e) => vec![e.driver],
        RuleKind::Silence(s) => s.streams.iter().map(|h| h.stream).collect(),
        RuleKind::Match(p) => p.steps.iter().map(|s| s.stream).chain(p.absences().into_iter().map(|a| a.stream)).collect(),
        RuleKind::Schedule(_) => vec![],
    };
    for expr in rule.exprs() {
        expr.walk(&mut |e| match e {
            Expr::Window(w) => all.push(w.stream),
            Expr::Covered { stream, .. } => all.push(*stream),
            _ => {}
        });
    }
    all
}

/// The stream that a rule's findings are.
pub fn stream_of(rule: &str, derived: &[Derived]) -> Option<StreamIx> {
    derived.iter().position(|d| *d.rule == *rule).map(Derived::stream)
}
