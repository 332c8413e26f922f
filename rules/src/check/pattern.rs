//! Rules with `match`.

use vitalog_cep::plan::{Absence, Expr as Plan, Pattern, RuleKind, Step};
use vitalog_elog::StreamIx;

use super::Checker;
use super::scope::{Candidate, Place, StepName};
use crate::diagnostic::{Code, Diagnostic};
use crate::syntax::{self, Expr, Name};

const MOST_STEPS: usize = 32;

impl Checker<'_> {
    pub fn pattern(&mut self, decl: &syntax::Rule, pattern: &syntax::Pattern) -> Option<(RuleKind, Vec<Plan>)> {
        if let Some(extra) =
            pattern.steps.get(MOST_STEPS).map(|s| s.stream.loc).or(pattern.absences.get(MOST_STEPS).map(|a| a.stream.loc))
        {
            self.diagnostics.push(Diagnostic::new(
                Code::TOO_MANY,
                "a pattern of too many steps",
                extra,
                format!("at most {MOST_STEPS}"),
            ));
            return None;
        }
        let streams: Vec<Option<StreamIx>> = pattern.steps.iter().map(|s| self.stream_named(&s.stream)).collect();
        let absent: Vec<Option<StreamIx>> = pattern.absences.iter().map(|a| self.stream_named(&a.stream)).collect();
        let streams: Vec<StreamIx> = streams.into_iter().collect::<Option<_>>()?;
        let absent: Vec<StreamIx> = absent.into_iter().collect::<Option<_>>()?;
        for (step, stream) in pattern.steps.iter().zip(&streams) {
            self.declare_step(step, *stream);
        }
        self.scope.bound = streams.len();
        let lets = self.lets(decl);

        let mut steps = Vec::new();
        for (i, (step, stream)) in pattern.steps.iter().zip(&streams).enumerate() {
            self.scope.bound = i;
            let filter = self.filter(Place::Step, *stream, step.alias.as_ref(), Some(i), step.filter.as_ref());
            steps.push(Step::repeated(*stream, filter, step.count, step.in_a_row.is_some() && step.count > 1));
        }
        self.scope.bound = streams.len();
        let absences = pattern.absences.iter().zip(&absent).map(|(absence, stream)| {
            let filter = self.filter(Place::Absence, *stream, None, None, absence.filter.as_ref());
            Absence { stream: *stream, filter }
        });
        let absences = absences.collect();
        self.scope.place = Place::Decision;
        self.scope.candidate = None;
        let within = self.within(decl, pattern, &steps);
        Some((RuleKind::Match(Pattern { absences, ..Pattern::sequence(steps, within) }), lets))
    }

    fn declare_step(&mut self, step: &syntax::Step, stream: StreamIx) {
        if let Some(alias) = &step.alias {
            let steps = self.scope.steps.iter().filter_map(|s| s.alias.as_ref());
            let clash = steps.into_iter().find(|n| n.text == alias.text).map(|n| n.loc);
            let clash = clash.or(self.world.stream(&alias.text).filter(|s| s.ix != stream).map(|s| s.loc));
            if let Some(first) = clash {
                let d = Diagnostic::new(
                    Code::DECLARED_TWICE,
                    format!("`{}` already means something", alias.text),
                    alias.loc,
                    "declared again",
                );
                self.diagnostics.push(d.label(first, "first declared here").help("give the step another name"));
            }
        }
        self.scope.steps.push(StepName { alias: step.alias.clone(), stream_name: step.stream.clone(), stream, used: false });
    }

    fn filter(
        &mut self,
        place: Place,
        stream: StreamIx,
        alias: Option<&Name>,
        step: Option<usize>,
        filter: Option<&Expr>,
    ) -> Option<Plan> {
        let filter = filter?;
        self.scope.place = place;
        self.scope.candidate = Some(Candidate { stream, alias: alias.map(|a| a.text.clone()), step });
        let typed = self.condition(filter, "`where`");
        self.never(&typed, if step.is_some() { "so the rule never fires" } else { "so it keeps nothing out" });
        self.scope.candidate = None;
        Some(typed.expr)
    }

    /// The bound in time, which only a single reading can do without.
    fn within(&mut self, decl: &syntax::Rule, pattern: &syntax::Pattern, steps: &[Step]) -> Option<vitalog_elog::Span> {
        if let [Step { count: 1, .. }] = steps {
            if let Some(absence) = pattern.absences.first() {
                let d = Diagnostic::new(
                    Code::NEVER,
                    "`without` has nothing to look at",
                    absence.stream.loc,
                    "nothing lies within a single reading",
                );
                self.diagnostics.push(d.help("ask for it with a window, as in `where count(S over D) = 0`"));
            }
            return None;
        }
        if pattern.within.is_none() {
            let loc = decl.pattern.as_ref().map_or(decl.name.loc, |(_, loc)| *loc);
            let d =
                Diagnostic::new(Code::NO_WITHIN, "a pattern without a bound in time", loc, "how far apart may its readings be?");
            self.diagnostics.push(d.fix("end it with `within` and a span", loc.after(), " within 2 h"));
        }
        pattern.within.map(|w| w.span)
    }
}
