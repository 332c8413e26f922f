//! What a rule tells of a finding, its severity, its texts and what other rules ask of it, may hang on fewer streams than whether there is one: what stands of it stands then.
//!
//! INVARIANT (told the same): of a decision whose own readings, instant and onset are what they were, a reading of a stream that nothing which is told looks at changes nothing that is told.

use vitalog_elog::StreamIx;

use super::Version;
use crate::plan::{Expr, Rule};

impl Version {
    /// Whether what it tells of a finding looks at a stream, through a window or as intervals.
    pub fn tells_of(&self, stream: StreamIx) -> bool {
        self.scope.told.contains(&stream)
    }
}

/// The streams that what a rule tells looks at.
pub fn told(rule: &Rule) -> Vec<StreamIx> {
    let mut streams = Vec::new();
    for expr in rule.told() {
        looked_at(expr, &rule.lets, &mut streams);
    }
    streams.sort();
    streams.dedup();
    streams
}

/// The streams that an expression looks at, with the `let`s that it names.
pub(super) fn looked_at(expr: &Expr, lets: &[Expr], streams: &mut Vec<StreamIx>) {
    expr.walk(&mut |e| match e {
        Expr::Window(w) => streams.push(w.stream),
        Expr::Covered { stream, .. } => streams.push(*stream),
        Expr::Let(i) => {
            if let Some((named, before)) = lets.get(..=usize::from(*i)).and_then(<[Expr]>::split_last) {
                looked_at(named, before, streams);
            }
        }
        _ => {}
    });
}
