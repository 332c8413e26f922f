//! What stopped a start: the reading that does not fit, that came too late, or that must not have been there.

use vitalog_elog::{Span, Time};

use super::Here;
use crate::decide::matching::attempt::{End, Furthest};
use crate::decide::matching::{Form, Obstacle, Op, Walk, first_row};
use crate::eval::{Rows, Scope};
use crate::plan::Absence;
use crate::why::teller::{between, narrowed};
use crate::why::{Lack, Part, Seen};

impl<'t, 'a: 't> Here<'t, 'a> {
    pub fn stopped(&self, walk: &mut Walk<'t>, far: &Furthest<'t>) -> Lack {
        walk.bound.clone_from(&far.bound);
        match far.end {
            End::NoChoice => self.no_choice(walk, far),
            End::Obstacle(Some(Obstacle::Late { first, last, within })) => Lack {
                since: Some(Time(first)),
                has: Some(between(first, last)),
                needs: Some(Span(within)),
                ..Lack::of(Part::Within)
            },
            End::Obstacle(Some(Obstacle::Forbidden { by, absence, form, to })) => {
                let part = match form {
                    Form::Without => Part::Without,
                    Form::ThenNo => Part::ThenNo,
                    Form::WithNo => Part::WithNo,
                };
                Lack { until: Some(Time(to)), ..self.forbidden(part, by, absence) }
            }
            End::Obstacle(Some(Obstacle::Condition { done })) => {
                let scope = Scope { bound: &walk.bound, ..walk.case.scope(done, walk.start) };
                let asked = walk
                    .case
                    .version
                    .terms
                    .rule
                    .filter
                    .as_ref()
                    .map(|f| narrowed(&self.teller.ask(Part::Where, f, &scope, None)));
                Lack { asked, since: Some(Time(walk.start)), ..Lack::of(Part::Where) }
            }
            // A place after which nothing comes any more.
            End::Whole | End::Obstacle(_) => Lack { since: Some(Time(walk.start)), ..Lack::of(Part::Within) },
        }
    }

    fn forbidden(&self, part: Part, by: Rows<'_>, absence: &Absence) -> Lack {
        let readings = vec![self.teller.seen(absence.stream, &by)];
        Lack { what: self.teller.stream(absence.stream), readings, ..Lack::of(part) }
    }

    /// Nothing fits the step at hand: the first reading that might have, or that none came.
    fn no_choice(&self, walk: &Walk<'t>, far: &Furthest<'t>) -> Lack {
        let state = &far.state;
        let Some(step) = self.step_at(state.pc) else { return Lack::of(Part::Within) };
        let this = &self.pattern.steps[step];
        let (limit, barrier) = (walk.limit(state), walk.barrier.max(walk.start));
        let first = state.frames.iter().map(|f| f.first).filter(|t| *t < i64::MAX).min();
        let lack = Lack {
            what: self.teller.step(step),
            since: first.map(Time),
            until: (limit < i64::MAX && first.is_some()).then_some(Time(limit)),
            ..Lack::of(Part::Step(step as u8))
        };
        let Some(table) = self.teller.case.line.edge(this.stream, this.edge) else { return lack };
        let row = first_row(table, state.entry, None);
        let next = (row < table.len()).then(|| table.at(row));
        if let Some(at) = next.filter(|at| walk.reaches(state, limit, *at)) {
            let scope = walk.scope_at(state, step, at).with_candidate(Rows::one(table, row), at);
            let again = this.again.as_ref().filter(|_| state.taken > 0);
            let of = self.teller.seen_row(this.stream, table, row);
            let asked = this.filter.iter().chain(again).map(|f| self.teller.ask(lack.part, f, &scope, Some(of.clone())));
            let failed = asked.into_iter().find(|a| !a.clause.holds()).map(|a| narrowed(&a));
            return Lack { asked: failed, readings: vec![of], ..lack };
        }
        if let Some((by, absence)) = walk.barring().filter(|_| barrier < limit && next.is_none_or(|at| at > barrier)) {
            return self.forbidden(Part::Without, by, absence);
        }
        let late: Vec<Seen> =
            next.filter(|at| *at >= limit).map(|_| self.teller.seen_row(this.stream, table, row)).into_iter().collect();
        let is_over = limit <= self.teller.case.clock || !late.is_empty();
        match first {
            Some(first) if is_over => {
                let has = late.first().map(|seen| between(first, seen.at.0));
                Lack { part: Part::Within, readings: late, has, needs: Some(between(first, limit)), ..lack }
            }
            _ => lack,
        }
    }

    /// The step that is asked for at an operation.
    fn step_at(&self, pc: usize) -> Option<usize> {
        match self.program.ops.get(pc)? {
            Op::Step(step) => Some(*step),
            Op::Together(steps) => steps.first().copied(),
            Op::Or(targets) => targets.iter().find_map(|pc| self.step_at(*pc)),
            _ => None,
        }
    }
}
