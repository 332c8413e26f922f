//! Matches: for every start, every choice is tried.

use vitalog_cep::plan::{Absence, Pattern, Rule, Step};

use super::derived::said;
use super::eval::{holds, holds_if_any};
use super::findings::Matched;
use super::grade::gravest;
use super::profile::Profile;
use super::scene::{Bound, Scene};
use super::text::render;
use super::timeline::{Micros, Seen, Timeline};

/// What all choices of one rule look at.
struct Search<'a> {
    timeline: &'a Timeline,
    profile: &'a Profile<'a>,
    rule: &'a Rule,
    pattern: &'a Pattern,
}

/// A choice of instants for every step, with all that fits there.
type Choice<'a> = Vec<Bound<'a>>;

pub fn matches(timeline: &Timeline, profile: &Profile<'_>, rule: &Rule, pattern: &Pattern) -> Vec<Matched> {
    let search = Search { timeline, profile, rule, pattern };
    let starts = timeline.instants(pattern.steps[0].stream);
    starts.into_iter().filter_map(|start| search.earliest(start)).collect()
}

impl<'a> Search<'a> {
    /// Of all choices from `start`: the least completion, then the least instants, step by step.
    fn earliest(&self, start: Micros) -> Option<Matched> {
        let mut choices = Vec::new();
        self.extend(start, &mut vec![], &mut vec![], &mut choices);
        choices.retain(|c| self.is_match(start, c));
        let least = choices.into_iter().min_by_key(|c| (completion(c), instants(c)))?;
        let scene = self.decided(start, &least);
        Some(Matched {
            first: start,
            completion: completion(&least),
            severity: gravest(self.rule, std::slice::from_ref(&scene)),
            evidence: bound(&least).iter().flat_map(|r| r.rests_on.clone()).collect(),
            text: render(&self.rule.say, &scene),
            said: said(self.rule, &scene),
        })
    }

    /// Adds to `done` every way to go on from the steps bound and the repeats of the step under way.
    fn extend(&self, start: Micros, steps: &mut Choice<'a>, repeats: &mut Bound<'a>, done: &mut Vec<Choice<'a>>) {
        let Some(step) = self.pattern.steps.get(steps.len()) else {
            done.push(steps.clone());
            return;
        };
        if repeats.len() == usize::from(step.count) {
            steps.push(std::mem::take(repeats));
            self.extend(start, steps, repeats, done);
            *repeats = steps.pop().unwrap_or_default();
            return;
        }
        let last = repeats.last().or(steps.last().and_then(|s| s.last())).map(|(t, _)| *t);
        for t in self.timeline.instants(step.stream) {
            let is_next = last.map_or(t == start, |last| t > last);
            let is_within = self.pattern.within.is_none_or(|d| t - start < i128::from(d.0));
            if !is_next || !is_within {
                continue;
            }
            let fitting = self.fitting(start, steps, step, t);
            if !fitting.is_empty() {
                repeats.push((t, fitting));
                self.extend(start, steps, repeats, done);
                repeats.pop();
            }
        }
    }

    fn fitting(&self, start: Micros, steps: &Choice<'a>, step: &Step, t: Micros) -> Vec<&'a Seen> {
        let scene = Scene { steps: steps.clone(), ..self.scene(start, t) };
        let mut there = self.timeline.at(step.stream, t);
        there.retain(|r| holds_if_any(step.filter.as_ref(), &Scene { candidate: Some(r), ..scene.clone() }));
        there
    }

    fn is_match(&self, start: Micros, choice: &Choice<'a>) -> bool {
        let rows = self.pattern.steps.iter().zip(choice);
        let within = self.pattern.within.is_none_or(|d| completion(choice) - start < i128::from(d.0));
        within
            && rows.into_iter().all(|(step, bound)| !step.in_a_row || self.is_row(step, bound))
            && self.pattern.absences.iter().all(|x| !self.is_broken(start, choice, x))
            && holds_if_any(self.rule.filter.as_ref(), &self.decided(start, choice))
    }

    /// No reading of the stream strictly between first and last that the step did not bind.
    fn is_row(&self, step: &Step, bound: &Bound<'a>) -> bool {
        let (first, last) = (bound[0].0, bound[bound.len() - 1].0);
        let strictly_between = |r: &&Seen| r.stream == step.stream && r.instant.is_some_and(|i| first < i && i < last);
        let is_bound = |r: &Seen| bound.iter().any(|(_, readings)| readings.iter().any(|b| b.id == r.id));
        self.timeline.readings.iter().filter(strictly_between).all(is_bound)
    }

    /// Something that the absence forbids lies strictly between first and last, and is not the match's own.
    fn is_broken(&self, start: Micros, choice: &Choice<'a>, absence: &Absence) -> bool {
        let last = completion(choice);
        let own = bound(choice);
        self.timeline.readings.iter().any(|r| {
            let scene = Scene { candidate: Some(r), steps: choice.clone(), ..self.scene(start, r.instant.unwrap_or(r.start)) };
            r.stream == absence.stream
                && lies_between(r, start, last)
                && !own.iter().any(|o| o.id == r.id)
                && absence.filter.as_ref().is_none_or(|f| holds(f, &scene))
        })
    }

    fn decided(&self, start: Micros, choice: &Choice<'a>) -> Scene<'a> {
        Scene { steps: choice.clone(), ..self.scene(start, completion(choice)) }
    }

    fn scene(&self, start: Micros, now: Micros) -> Scene<'a> {
        Scene { onset: Some(start), ..Scene::new(self.timeline, self.profile, self.rule, now) }
    }
}

/// Whether the reading, from start to end or without one, has a point in common with the open interval.
fn lies_between(reading: &Seen, first: Micros, last: Micros) -> bool {
    let is_empty = first >= last;
    !is_empty && reading.start < last && reading.end.is_none_or(|end| end > first)
}

fn completion(choice: &Choice<'_>) -> Micros {
    instants(choice).into_iter().max().expect("a choice has an instant")
}

fn instants(choice: &Choice<'_>) -> Vec<Micros> {
    choice.iter().flatten().map(|(t, _)| *t).collect()
}

fn bound<'a>(choice: &Choice<'a>) -> Vec<&'a Seen> {
    choice.iter().flatten().flat_map(|(_, readings)| readings.iter().copied()).collect()
}
