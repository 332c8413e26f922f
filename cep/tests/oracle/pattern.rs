//! Matches: for every start, every choice is tried.

use vitalog_cep::plan::{Absence, Anchor, Expr, Node, Part, Pattern, Piece, Rule, Select};

use super::choice::{Choice, Entry, Way, ways};
use super::derived::said;
use super::eval::{holds, holds_if_any};
use super::findings::Matched;
use super::grade::gravest;
use super::profile::Profile;
use super::scene::Scene;
use super::text::render;
use super::timeline::{Micros, Seen, Timeline};

/// What all choices of one rule look at.
#[derive(Clone, Copy)]
pub struct Search<'a> {
    pub timeline: &'a Timeline,
    pub profile: &'a Profile<'a>,
    pub rule: &'a Rule,
    pub pattern: &'a Pattern,
    pub clock: Micros,
}

pub fn matches(search: &Search<'_>) -> Vec<Matched> {
    let mut starts: Vec<Micros> = search.pattern.steps.iter().flat_map(|s| search.instants(s)).collect();
    starts.sort_unstable();
    starts.dedup();
    starts.into_iter().flat_map(|start| search.from(start)).collect()
}

/// Of matches the earliest completed, of equals the earliest start, then only what starts after its last reading.
pub fn disjoint(mut matches: Vec<Matched>) -> Vec<Matched> {
    matches.sort_by_key(|m| (m.completion, m.first));
    let mut taken: Vec<Matched> = Vec::new();
    for m in matches {
        if taken.last().is_none_or(|t| m.first > t.last) {
            taken.push(m);
        }
    }
    taken
}

impl<'a> Search<'a> {
    /// The matches that begin at `start`.
    fn from(&self, start: Micros) -> Vec<Matched> {
        let mut all = ways(self, &self.pattern.tree, &Choice::empty(start, self.pattern.steps.len()), Entry::At(start));
        all.retain(|w| self.pattern.within.is_none_or(|d| w.last - w.first < i128::from(d.0)));
        if self.pattern.select == Select::All {
            all.sort_by_key(|w| (self.completion(w), w.choice.decisions.clone()));
            return all.iter().filter(|w| self.holds(w)).map(|w| self.matched(&[w])).collect();
        }
        let growing = last_step(&self.pattern.tree).filter(|i| !self.pattern.steps[*i].is_single());
        let is_least = |w: &&Way<'a>| growing.is_none_or(|i| w.choice.steps[i].len() == usize::from(self.pattern.steps[i].count));
        let complete = all.iter().filter(is_least).filter(|w| self.holds(w));
        let Some(first) = complete.min_by_key(|w| (self.completion(w), w.choice.decisions.clone())) else { return vec![] };
        let mut stages = vec![first];
        if let Some(i) = growing {
            self.grow(i, &all, &mut stages);
        }
        vec![self.matched(&stages)]
    }

    /// Takes further instants at which the last step fits, each while all holds with it.
    fn grow<'w>(&self, i: usize, all: &'w [Way<'a>], stages: &mut Vec<&'w Way<'a>>) {
        for t in self.instants(&self.pattern.steps[i]) {
            let now = stages[stages.len() - 1];
            let longer = all.iter().find(|w| is_longer_by(&now.choice, &w.choice, i, t));
            match longer {
                None => {}
                Some(longer) if self.holds(longer) => stages.push(longer),
                Some(_) => return,
            }
        }
    }

    /// Whether all that is asked of the whole choice holds, and the clock has reached its completion.
    fn holds(&self, way: &Way<'a>) -> bool {
        let choice = &way.choice;
        let between = |absences: &'a [Absence], first, last| absences.iter().all(|x| !self.is_broken(choice, x, first, last));
        let quiet = choice.quiets.iter().all(|(absences, from, to)| between(absences, *from, *to));
        let groups = choice.groups.iter().all(|(absences, first, last)| between(absences, *first, *last));
        let whole = between(&self.pattern.absences, way.first, way.last);
        let around = self.arounds(way).into_iter().all(|(absence, from, to)| !self.is_broken(choice, absence, from, to));
        self.completion(way) <= self.clock
            && quiet
            && groups
            && whole
            && around
            && holds_if_any(self.rule.filter.as_ref(), &self.decided(way))
    }

    /// Every `with no … from … to`, of those whose step bound something.
    fn arounds(&self, way: &Way<'a>) -> Vec<(&'a Absence, Micros, Micros)> {
        let all = self.pattern.around.iter().chain(way.choice.around.iter().copied());
        all.filter_map(|a| {
            let at = way.choice.steps[usize::from(a.step)].last()?.0;
            Some((&a.absence, at + i128::from(a.from.0), at + i128::from(a.to.0)))
        })
        .collect()
    }

    /// When its last reading is there, and every time in which something must be absent is over.
    fn completion(&self, way: &Way<'a>) -> Micros {
        let quiets = way.choice.quiets.iter().map(|(_, _, to)| *to);
        let arounds = self.arounds(way).into_iter().map(|(_, _, to)| to);
        quiets.chain(arounds).chain(self.waits(way)).fold(way.last, Micros::max)
    }

    /// When the stretches are over that windows `after` a step look at, of those windows that the match itself is decided by.
    fn waits(&self, way: &Way<'a>) -> Vec<Micros> {
        let rule = self.rule;
        let mut decides: Vec<&Expr> = rule.lets.iter().chain(&rule.filter).collect();
        decides.extend(rule.grades.iter().filter_map(|g| g.when.as_ref()));
        let texts = rule.wordings.iter().map(|w| &w.say).chain([&rule.say]);
        decides.extend(texts.flatten().filter_map(|p| if let Piece::Hole { expr, .. } = p { Some(expr) } else { None }));
        let mut ends = Vec::new();
        for expr in decides {
            expr.walk(&mut |e| {
                if let Expr::Window(w) = e
                    && let Anchor::After(step) = w.anchor
                {
                    let at = way.choice.steps.get(usize::from(step)).and_then(|bound| bound.last());
                    ends.extend(at.map(|(t, _)| t + i128::from(w.over.0)));
                }
            });
        }
        ends
    }

    /// Something that the absence forbids lies strictly between the two, and is not the match's own.
    fn is_broken(&self, choice: &Choice<'a>, absence: &Absence, from: Micros, to: Micros) -> bool {
        self.timeline.readings.iter().any(|r| {
            let now = r.instant.unwrap_or(r.start);
            let scene = Scene { candidate: Some(r), steps: choice.steps.clone(), ..self.scene(choice.start, now) };
            r.stream == absence.stream
                && lies_between(r, from, to)
                && !choice.has(r)
                && absence.filter.as_ref().is_none_or(|f| holds(f, &scene))
        })
    }

    fn decided(&self, way: &Way<'a>) -> Scene<'a> {
        Scene { steps: way.choice.steps.clone(), ..self.scene(way.first, self.completion(way)) }
    }

    pub fn scene(&self, start: Micros, now: Micros) -> Scene<'a> {
        Scene { onset: Some(start), ..Scene::new(self.timeline, self.profile, self.rule, now) }
    }

    /// The match whose stages these are: the gravest of their severities, the text of the first that is so grave.
    fn matched(&self, stages: &[&Way<'a>]) -> Matched {
        let grave = |w: &&&Way<'a>| gravest(self.rule, &[self.decided(w)]);
        let severity = stages.iter().map(|w| grave(&w)).max().expect("a stage");
        let told = stages.iter().find(|w| grave(w) == severity).expect("that one");
        let (first, last) = (stages[0], stages[stages.len() - 1]);
        Matched {
            first: first.first,
            completion: self.completion(first),
            last: last.last,
            severity,
            evidence: last
                .choice
                .steps
                .iter()
                .flatten()
                .flat_map(|(_, readings)| readings.iter().flat_map(|r| r.rests_on.clone()))
                .collect(),
            text: render(self.rule, &self.decided(told)),
            // Fields are those with which it opened.
            said: said(self.rule, &self.decided(first)),
        }
    }
}

/// The step that ends the pattern.
fn last_step(node: &Node) -> Option<usize> {
    match node {
        Node::Step(i) => Some(usize::from(*i)),
        Node::Sequence { first, rest } => match rest.last() {
            None => last_step(first),
            Some(Part::Then(node) | Part::Next(node)) => last_step(node),
            Some(Part::ThenNo(_)) => None,
        },
        Node::Group(group) => last_step(&group.node),
        Node::And(_) | Node::Or(_) | Node::Repeat { .. } => None,
    }
}

/// Whether the other choice is the same with `t` more at step `i`.
fn is_longer_by(short: &Choice<'_>, long: &Choice<'_>, i: usize, t: Micros) -> bool {
    let instants = |c: &Choice<'_>, s: usize| c.steps[s].iter().map(|(t, _)| *t).collect::<Vec<_>>();
    (0..short.steps.len()).all(|s| {
        let mut wanted = instants(short, s);
        if s == i {
            if wanted.last().is_some_and(|last| *last >= t) {
                return false;
            }
            wanted.push(t);
        }
        instants(long, s) == wanted
    })
}

/// Whether the reading, from start to end or without one, has a point in common with the open interval.
fn lies_between(reading: &Seen, first: Micros, last: Micros) -> bool {
    let is_empty = first >= last;
    !is_empty && reading.start < last && reading.end.is_none_or(|end| end > first)
}
