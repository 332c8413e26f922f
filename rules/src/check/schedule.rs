//! Rules with `every`: at which times of the day they are asked.

use vitalog_cep::plan::{Expr as Plan, RuleKind, Schedule};
use vitalog_elog::Span;

use super::Checker;
use super::dimension::Dim;
use super::scope::Place;
use super::value::{Ty, Typed};
use crate::diagnostic::{Code, Diagnostic};
use crate::syntax::{self, Duration, TimeOfDay, When};

const DAY: i64 = Span::days(1).0;
const MINUTE: i64 = Span::minutes(1).0;
const MOST_TIMES: usize = 1440;

impl Checker<'_> {
    pub fn schedule(&mut self, decl: &syntax::Rule, schedule: &syntax::Schedule) -> Option<(RuleKind, Vec<Plan>)> {
        self.scope.place = Place::Schedule;
        let lets = self.lets(decl);
        let (days, at) = match schedule {
            syntax::Schedule::At { days, times } => (*days, self.times(times)),
            syntax::Schedule::Each(span) => (Schedule::ALL_DAYS, self.cut(*span)?),
        };
        let when = match &decl.when {
            None => None,
            Some((When::Condition(watch), _)) => {
                let typed = self.condition(&watch.condition, "`when`");
                self.never(&typed, "so the rule never fires");
                Some(typed.expr)
            }
            Some((When::Silence { .. }, loc)) => {
                let d = Diagnostic::new(Code::MISPLACED_CLAUSE, "a silence on a schedule", *loc, "it opens by the clock anyway");
                self.diagnostics.push(d.help("leave `every` out, or ask `when count(S over D) = 0`"));
                return None;
            }
        };
        Some((RuleKind::Schedule(Schedule { days, at, when }), lets))
    }

    /// Each in microseconds since midnight.
    fn times(&mut self, times: &[TimeOfDay]) -> Vec<Plan> {
        if let Some(extra) = times.get(MOST_TIMES) {
            let loc = match extra {
                TimeOfDay::Clock { loc, .. } => *loc,
                TimeOfDay::Value(expr) => expr.loc,
            };
            self.diagnostics.push(Diagnostic::new(Code::TOO_MANY, "too many times of day", loc, format!("at most {MOST_TIMES}")));
            return Vec::new();
        }
        let mut all = Vec::new();
        for time in times {
            match time {
                TimeOfDay::Clock { micros, .. } => all.push(Plan::number(*micros)),
                TimeOfDay::Value(expr) => {
                    let typed = self.infer(expr, Some(&Ty::Number(Dim::time())));
                    all.extend(self.time(typed));
                }
            }
        }
        all
    }

    /// A value that says a time of day by the profile alone.
    fn time(&mut self, typed: Typed) -> Option<Plan> {
        match typed.ty {
            Ty::Error => return None,
            Ty::Number(dim) if dim == Dim::time() => {}
            Ty::TimeOfDay => {}
            _ => {
                let what = format!("this is {}", typed.describe());
                let d = Diagnostic::new(Code::TYPE, "a schedule asks for a time of day", typed.loc, what);
                self.diagnostics.push(d.help("as in `09:00`, or a span from midnight on, as in `profile.basal_time + 4 h`"));
                return None;
            }
        }
        let mut moves = false;
        typed.expr.walk(&mut |e| moves |= !is_settled(e));
        if moves {
            let d = Diagnostic::new(
                Code::NOT_VISIBLE,
                "a time of day that hangs on readings",
                typed.loc,
                "when it is asked must follow from the profile",
            );
            self.diagnostics.push(d.help("ask for readings in `when`"));
            return None;
        }
        Some(typed.expr)
    }

    /// `every 2 h`: the day cut from midnight on.
    fn cut(&mut self, span: Duration) -> Option<Vec<Plan>> {
        let length = span.span.0;
        if !(MINUTE..=DAY).contains(&length) || DAY % length != 0 {
            let label = format!("a day is no whole number of {}", span.span);
            let d = Diagnostic::new(Code::DURATION, "a day cannot be cut into spans of this length", span.loc, label);
            self.diagnostics.push(d.help(
                "it is counted from midnight: a part of a day such as `15 min`, `2 h` or `12 h`; else say `every day at …`",
            ));
            return None;
        }
        Some((0..DAY / length).map(|n| Plan::number(n * length)).collect())
    }
}

/// Whether an expression, apart from what is inside it, follows from the profile.
fn is_settled(e: &Plan) -> bool {
    let constant = matches!(e, Plan::Number(_) | Plan::Bool(_) | Plan::Enum(_) | Plan::Text(_) | Plan::Profile(_));
    let value = matches!(e, Plan::Neg(_) | Plan::Arith { .. } | Plan::Wrap { .. } | Plan::If { .. });
    let truth = matches!(e, Plan::Not(_) | Plan::And(_) | Plan::Or(_) | Plan::Compare { .. } | Plan::IsKnown(_));
    let range = matches!(e, Plan::Between { .. } | Plan::BetweenTimes { .. } | Plan::In { .. });
    constant || value || truth || range
}
