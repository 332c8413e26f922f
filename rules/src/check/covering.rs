//! `X during S` and `X overlaps S`: what intervals lie over.

use vitalog_cep::plan::{Cover, Expr as Plan, Measure, Ref};
use vitalog_elog::StreamIx;

use super::Checker;
use super::scope::Target;
use super::value::{Ty, Typed};
use crate::diagnostic::{Code, Diagnostic};
use crate::source::Loc;
use crate::syntax::{Covering, ExprKind, Name};

impl Checker<'_> {
    pub fn covering(&mut self, it: &Covering, loc: Loc) -> Typed {
        let stream = self.intervals(&it.stream);
        let (condition, span) = match &it.what {
            None => (None, Some(self.at_hand())),
            Some(what) => match &what.bare().kind {
                ExprKind::Name(name) if matches!(self.target(&name.text), Ok(Target::Reading(..))) => {
                    (None, self.reading(name).map(|(of, stream)| whole(of, stream)))
                }
                _ => {
                    let typed = self.infer(what, None);
                    match typed.ty {
                        Ty::Error => (None, None),
                        Ty::Instant => (None, Some((typed.expr.clone(), typed.expr))),
                        // `bg.value < 54 mg/dL during sleep`: that, and at that time.
                        Ty::Bool => (Some(typed.expr), Some(self.at_hand())),
                        _ => {
                            self.not_in_time(&typed);
                            (None, None)
                        }
                    }
                }
            },
        };
        let (Some(stream), Some((from, to))) = (stream, span) else { return Typed::error(loc) };
        let filter = match &it.filter {
            None => None,
            Some(filter) => {
                let typed = self.of_each(stream, |c| c.condition(filter, "the `where` of an interval"));
                self.never(&typed, "no interval is ever meant");
                if typed.is_error() {
                    return Typed::error(loc);
                }
                Some(Box::new(typed.expr))
            }
        };
        let how = if it.overlaps { Cover::Overlaps } else { Cover::During };
        let covered = Plan::Covered { how, from: Box::new(from), to: Box::new(to), stream, filter };
        Typed::bool(condition.map_or(covered.clone(), |c| Plan::And(vec![c, covered])), loc)
    }

    /// A stream of intervals by its name, or a report that it is none.
    pub fn intervals(&mut self, name: &Name) -> Option<StreamIx> {
        let stream = self.stream_named(name)?;
        if self.has_length(stream) {
            return Some(stream);
        }
        let message = format!("the readings of `{}` are instants", name.text);
        let d = Diagnostic::new(Code::TYPE, message, name.loc, "nothing lies within one");
        self.diagnostics.push(d.help("`during` and `overlaps` ask for intervals, as `sleep` and `exercise` are"));
        None
    }

    /// Whether its readings are intervals, as findings are too.
    pub fn has_length(&self, stream: StreamIx) -> bool {
        stream.derived().is_some() || self.world.declared(stream).is_interval()
    }

    /// From the start to the end of the reading that is at hand; of none the instant decided.
    fn at_hand(&self) -> (Plan, Plan) {
        let scope = &self.scope;
        match (scope.item, &scope.candidate, scope.driver) {
            (Some(stream), ..) => whole(Ref::Item, stream),
            (_, Some(candidate), _) => whole(Ref::Candidate, candidate.stream),
            (.., Some(stream)) => whole(Ref::Driver, stream),
            _ => (Plan::Now, Plan::Now),
        }
    }

    fn not_in_time(&mut self, typed: &Typed) {
        let d = Diagnostic::new(
            Code::TYPE,
            "`during` and `overlaps` ask for an instant or a reading",
            typed.loc,
            format!("this is {}", typed.describe()),
        );
        self.diagnostics
            .push(d.help("as in `bg.at during sleep`, `exercise overlaps sleep`, `bg.value < 54 mg/dL during sleep`"));
    }
}

/// A reading of a stream from its start to its end; a finding lies at the instant that opened it, and ends elsewhere.
pub fn whole(of: Ref, stream: StreamIx) -> (Plan, Plan) {
    let end = if stream.derived().is_some() { Measure::End } else { Measure::At };
    (Plan::Get { of, what: Measure::Start }, Plan::Get { of, what: end })
}
