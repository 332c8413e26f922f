//! A pattern: the start nearest to the instant and the one that came furthest, what each step took, and what stopped it.

use vitalog_elog::Time;

use super::{Account, Attempt, Lack, MOST_CHOICES, MOST_CHOICES_IN_ALL, MOST_READINGS, MOST_STARTS, Note, Part, Taken, Teller};
use crate::decide::Fact;
use crate::decide::matching::attempt::{End, Furthest};
use crate::decide::matching::{Matches, Program, Search, Walk};
use crate::eval::{Binding, Rows, Scope};
use crate::plan::{Pattern, Select};

mod stopped;

/// One start, looked at.
struct Try {
    /// How many instants were bound.
    bound: usize,
    attempt: Attempt,
}

pub fn account(teller: &Teller<'_>, state: &Matches, pattern: &Pattern, t: i64, fact: Option<&Fact>) -> Account {
    let written;
    let program = match &teller.case.version.scope.program {
        Some(program) => program,
        None => {
            written = Program::of_any(teller.rule(), pattern);
            &written
        }
    };
    let here = Here { teller, state, pattern, program };
    let mut account = Account::default();
    if let Some(fact) = fact {
        here.found(fact, &mut account);
        return account;
    }
    let starts = here.starts(t);
    account.notes.push(Note::Starts { looked_at: starts.len() });
    let mut left = MOST_CHOICES_IN_ALL;
    let tries: Vec<Try> = starts.iter().filter_map(|start| here.attempt(*start, t, &mut left, &mut account)).collect();
    let nearest = tries.iter().position(|a| a.bound > 0).or((!tries.is_empty()).then_some(0));
    // The later of those that came equally far.
    let best = (0..tries.len()).rev().max_by_key(|i| (tries[*i].bound, std::cmp::Reverse(*i)));
    let mut places: Vec<usize> = best.into_iter().chain(nearest).collect();
    places.dedup();
    account.attempts = places.iter().map(|i| tries[*i].attempt.clone()).collect();
    account.lack = account.attempts.first().and_then(|a| a.lack.clone());
    if account.attempts.is_empty() {
        // Nothing to begin with, or nothing after what was found before.
        let opening = program.opening.first().map_or(0, |step| *step);
        let since = starts.first().map(|start| Time(*start));
        account.lack = Some(Lack { what: teller.step(opening), since, ..Lack::of(Part::Step(opening as u8)) });
    }
    account
}

struct Here<'t, 'a> {
    teller: &'t Teller<'a>,
    state: &'t Matches,
    pattern: &'a Pattern,
    program: &'t Program,
}

impl<'t, 'a: 't> Here<'t, 'a> {
    /// The instants up to `t` at which a match that reaches to it may begin, the last first; of none the last of all.
    fn starts(&self, t: i64) -> Vec<i64> {
        let line = self.teller.case.line;
        let mut all = Vec::new();
        for step in self.program.opening.iter().map(|i| &self.pattern.steps[*i]) {
            if let Some(table) = line.edge(step.stream, step.edge) {
                all.extend((0..table.after(t)).rev().take(MOST_STARTS * 2).map(|row| table.at(row)));
            }
        }
        all.sort_unstable_by(|a, b| b.cmp(a));
        all.dedup();
        let live = all.partition_point(|start| start.saturating_add(self.program.horizon) > t);
        all.truncate(live.clamp(1, MOST_STARTS));
        all
    }

    /// How a start came along; `None` of one whose match was over before `t`.
    fn attempt(&self, start: i64, t: i64, left: &mut usize, account: &mut Account) -> Option<Try> {
        let case = self.teller.case;
        if self.state.between(start, start).iter().any(|m| m.at.max(m.last) < t) && self.pattern.select != Select::All {
            return None;
        }
        let mut walk = Walk::new(case, self.pattern, self.program, start);
        let far = walk.furthest(MOST_CHOICES.min(*left))?;
        *left -= far.choices.min(*left);
        if far.is_bounded && !account.notes.contains(&Note::Bounded) {
            account.notes.push(Note::Bounded);
        }
        let bound = far.bound.iter().map(|b| b.instants.len()).sum();
        let mut attempt = Attempt { start: Time(start), took: self.took(&far.bound), done: None, lack: None };
        if let End::Whole = far.end {
            let done = walk.begin().and_then(|begin| walk.best(&begin));
            attempt.done = done.map(Time);
            attempt.lack = self.whole(start, done);
        } else {
            attempt.lack = Some(self.stopped(&mut walk, &far));
        }
        Some(Try { bound, attempt })
    }

    /// Why a choice that is whole is not found.
    fn whole(&self, start: i64, done: Option<i64>) -> Option<Lack> {
        let Some(done) = done else { return Some(Lack { since: Some(Time(start)), ..Lack::of(Part::Within) }) };
        let case = &self.teller.case;
        let part = if !case.version.owns(done) {
            Part::Version
        } else if done > case.clock {
            Part::Clock
        } else if self.pattern.select == Select::Disjoint {
            Part::Disjoint
        } else {
            return None;
        };
        Some(Lack { since: Some(Time(start)), until: Some(Time(done)), ..Lack::of(part) })
    }

    /// The match that a finding opened with.
    fn found(&self, fact: &Fact, account: &mut Account) {
        let case = self.teller.case;
        let last = fact.end.unwrap_or(fact.at).max(fact.onset);
        let matches = self.state.between(fact.onset, last);
        let Some(first) = matches.iter().filter(|m| m.at == fact.at).min_by_key(|m| m.first) else { return };
        let bound = self.bound(first.first);
        let took = self.took(&bound);
        account.attempts = vec![Attempt { start: Time(first.first), took, done: Some(Time(first.at)), lack: None }];
        for (i, step) in self.pattern.steps.iter().enumerate() {
            let (Some(filter), Some(table)) = (&step.filter, bound[i].table(case.line)) else { continue };
            let Some(&row) = bound[i].rows_of(0).first() else { continue };
            // It was asked before the step and those after it had taken anything.
            let before: Vec<Binding> = bound.iter().take(i).cloned().collect();
            let scope = Scope { bound: &before, ..case.scope(table.at(row), first.first) };
            let scope = scope.with_candidate(Rows::one(table, row), table.at(row));
            let of = self.teller.seen_row(step.stream, table, row);
            account.asked.push(self.teller.ask(Part::Step(i as u8), filter, &scope, Some(of)));
        }
        let scope = Scope { bound: &bound, ..case.scope(first.at, first.first) };
        if let Some(filter) = &self.teller.rule().filter {
            account.asked.push(self.teller.ask(Part::Where, filter, &scope, None));
        }
        account.asked.extend(self.teller.ask_rest(&scope));
    }

    /// What the steps of a start's match took.
    fn bound(&self, start: i64) -> Vec<Binding> {
        let case = self.teller.case;
        let none = || self.pattern.steps.iter().map(|s| Binding { edge: s.edge, ..Binding::none(s.stream) }).collect();
        if let Some(shape) = &case.version.scope.shape {
            let mut search = Search::new(case, self.pattern, shape, start);
            return search.earliest(i64::MIN, i64::MAX).map_or_else(none, |_| search.bound().to_vec());
        }
        let mut walk = Walk::new(case, self.pattern, self.program, start);
        if self.pattern.select == Select::All {
            return walk.furthest(MOST_CHOICES).map_or_else(none, |Furthest { bound, .. }| bound);
        }
        walk.found();
        std::mem::take(&mut walk.bound)
    }

    fn took(&self, bound: &[Binding]) -> Vec<Taken> {
        let mut took = Vec::new();
        for (i, binding) in bound.iter().enumerate() {
            let Some(table) = binding.table(self.teller.case.line) else { continue };
            for instant in 0..binding.instants.len().min(MOST_READINGS) {
                let rows = binding.rows_of(instant);
                let Some(&first) = rows.first() else { continue };
                let readings = rows.iter().take(MOST_READINGS).map(|row| self.teller.seen_row(binding.stream, table, *row));
                took.push(Taken {
                    step: i as u8,
                    text: self.teller.step(i),
                    at: Time(table.at(first)),
                    readings: readings.collect(),
                });
            }
        }
        took.sort_by_key(|t| t.at);
        took
    }
}
