//! All choices of readings that a tree of steps allows, one after the other as it is written.

use std::collections::BTreeSet;

use vitalog_cep::plan::{Absence, Around, Edge, Node, Part, Quiet, Step};

use super::eval::holds_if_any;
use super::pattern::Search;
use super::scene::{Bound, Scene};
use super::timeline::{Micros, Seen};

/// What was chosen so far.
#[derive(Clone)]
pub struct Choice<'a> {
    pub start: Micros,
    /// Of each step, by its number, the instants it binds.
    pub steps: Vec<Bound<'a>>,
    /// What was decided at each place, as written; the choice with the least is preferred.
    pub decisions: Vec<i128>,
    /// Open intervals in which nothing of these may lie.
    pub quiets: Vec<(&'a [Absence], Micros, Micros)>,
    /// The groups, with their first and last instants.
    pub groups: Vec<(&'a [Absence], Micros, Micros)>,
    pub around: Vec<&'a Around>,
}

/// A choice for a part of the tree.
#[derive(Clone)]
pub struct Way<'a> {
    pub choice: Choice<'a>,
    /// Its first reading, its last, and the instant after which the next begins.
    pub first: Micros,
    pub last: Micros,
    pub end: Micros,
}

/// Where a part may begin.
#[derive(Clone, Copy)]
pub enum Entry {
    After(Micros),
    From(Micros),
    At(Micros),
}

impl<'a> Choice<'a> {
    pub fn empty(start: Micros, steps: usize) -> Choice<'a> {
        Choice { start, steps: vec![vec![]; steps], decisions: vec![], quiets: vec![], groups: vec![], around: vec![] }
    }

    pub fn has(&self, reading: &Seen) -> bool {
        self.steps.iter().flatten().any(|(_, readings)| readings.iter().any(|r| r.id == reading.id))
    }
}

impl Entry {
    fn allows(self, t: Micros) -> bool {
        match self {
            Entry::After(e) => t > e,
            Entry::From(e) => t >= e,
            Entry::At(e) => t == e,
        }
    }
}

/// Every way to go on from a choice through a part of the tree.
pub fn ways<'a>(search: &Search<'a>, node: &'a Node, before: &Choice<'a>, entry: Entry) -> Vec<Way<'a>> {
    match node {
        Node::Step(i) => repeats(search, usize::from(*i), before, entry),
        Node::Sequence { first, rest } => {
            let begun = ways(search, first, before, entry);
            rest.iter().fold(begun, |so_far, part| so_far.iter().flat_map(|way| next(search, part, way)).collect())
        }
        Node::And(parts) => and(search, parts, before, entry),
        Node::Or(alternatives) => or(search, alternatives, before, entry),
        Node::Group(group) => {
            let mut all = ways(search, &group.node, before, entry);
            all.retain(|w| group.within.is_none_or(|d| w.last - w.first < i128::from(d.0)));
            for w in &mut all {
                w.choice.groups.push((&group.absences, w.first, w.last));
                w.choice.around.extend(&group.around);
            }
            all
        }
        Node::Repeat { node, count } => {
            let begun = ways(search, node, before, entry);
            (1..*count).fold(begun, |so_far, _| so_far.iter().flat_map(|w| then(search, node, w, Entry::After(w.end))).collect())
        }
    }
}

fn next<'a>(search: &Search<'a>, part: &'a Part, way: &Way<'a>) -> Vec<Way<'a>> {
    match part {
        Part::Then(node) => then(search, node, way, Entry::After(way.end)),
        Part::Next(node) => {
            let named = search.pattern.steps.iter().flat_map(|s| search.instants(s));
            match named.filter(|t| *t > way.end).min() {
                Some(t) => then(search, node, way, Entry::At(t)),
                None => vec![],
            }
        }
        Part::ThenNo(Quiet { absences, span }) => {
            let mut way = way.clone();
            let deadline = way.end + i128::from(span.0);
            way.choice.quiets.push((absences, way.end, deadline));
            way.end = deadline;
            vec![way]
        }
    }
}

fn then<'a>(search: &Search<'a>, node: &'a Node, way: &Way<'a>, entry: Entry) -> Vec<Way<'a>> {
    let later = ways(search, node, &way.choice, entry);
    later.into_iter().map(|w| Way { first: way.first, ..w }).collect()
}

fn and<'a>(search: &Search<'a>, parts: &'a [Node], before: &Choice<'a>, entry: Entry) -> Vec<Way<'a>> {
    let loose = if let Entry::At(t) = entry { Entry::From(t) } else { entry };
    let mut all = ways(search, &parts[0], before, loose);
    for part in &parts[1..] {
        let with = |way: &Way<'a>| {
            let more = ways(search, part, &way.choice, loose);
            let joined = |w: Way<'a>| Way {
                first: way.first.min(w.first),
                last: way.last.max(w.last),
                end: way.end.max(w.end),
                choice: w.choice,
            };
            more.into_iter().map(joined).collect::<Vec<_>>()
        };
        all = all.iter().flat_map(with).collect();
    }
    all.retain(|w| entry.allows(w.first));
    all
}

/// Alternatives that are single readings bind together what fits at an instant; of others one is taken.
fn or<'a>(search: &Search<'a>, alternatives: &'a [Node], before: &Choice<'a>, entry: Entry) -> Vec<Way<'a>> {
    let single = |n: &Node| if let Node::Step(i) = n { search.pattern.steps[usize::from(*i)].is_single() } else { false };
    let singles: Vec<usize> =
        alternatives.iter().filter(|n| single(n)).map(|n| if let Node::Step(i) = n { usize::from(*i) } else { 0 }).collect();
    let mut all = Vec::new();
    let mut together_done = false;
    for (place, alternative) in alternatives.iter().enumerate() {
        let mut chosen = before.clone();
        chosen.decisions.push(place as i128);
        if !single(alternative) {
            all.extend(ways(search, alternative, &chosen, entry));
        } else if !together_done {
            together_done = true;
            all.extend(together(search, &singles, &chosen, entry));
        }
    }
    all
}

fn together<'a>(search: &Search<'a>, singles: &[usize], before: &Choice<'a>, entry: Entry) -> Vec<Way<'a>> {
    let instants: BTreeSet<Micros> = singles.iter().flat_map(|i| search.instants(&search.pattern.steps[*i])).collect();
    let mut all = Vec::new();
    for t in instants.into_iter().filter(|t| entry.allows(*t)) {
        let mut choice = before.clone();
        choice.decisions.push(t);
        let mut fits = false;
        for i in singles {
            // An alternative does not know of the others, but each reading serves one.
            let mut readings = fitting(search, *i, before, &vec![], t);
            readings.retain(|r| !choice.has(r));
            if !readings.is_empty() {
                choice.steps[*i].push((t, readings));
                fits = true;
            }
        }
        if fits {
            all.push(Way { choice, first: t, last: t, end: t });
        }
    }
    all
}

/// A step's repeats: as many as its count allows, at instants one after the other.
fn repeats<'a>(search: &Search<'a>, i: usize, before: &Choice<'a>, entry: Entry) -> Vec<Way<'a>> {
    let step = &search.pattern.steps[i];
    let mut done = Vec::new();
    let mut open: Vec<Bound<'a>> = vec![vec![]];
    while let Some(round) = open.pop() {
        if round.len() >= usize::from(step.count) && (!step.in_a_row || is_row(search, step, &round)) {
            done.push(way(before, i, round.clone()));
        }
        if step.most.is_some_and(|most| round.len() >= usize::from(most)) {
            continue;
        }
        for t in search.instants(step) {
            let fits_in = match round.last() {
                None => entry.allows(t),
                Some((last, _)) => t > *last,
            };
            let is_within = search.pattern.within.is_none_or(|d| t - before.start < i128::from(d.0));
            if !fits_in || !is_within {
                continue;
            }
            let readings = fitting(search, i, before, &round, t);
            if !readings.is_empty() {
                let mut longer = round.clone();
                longer.push((t, readings));
                open.push(longer);
            }
        }
    }
    done
}

fn way<'a>(before: &Choice<'a>, i: usize, round: Bound<'a>) -> Way<'a> {
    let mut choice = before.clone();
    choice.decisions.push(-(round.len() as i128));
    choice.decisions.extend(round.iter().map(|(t, _)| *t));
    let (first, last) = (round[0].0, round[round.len() - 1].0);
    choice.steps[i].extend(round);
    Way { choice, first, last, end: last }
}

/// The readings at an instant that fit a step and serve no step before it.
fn fitting<'a>(search: &Search<'a>, i: usize, before: &Choice<'a>, round: &Bound<'a>, t: Micros) -> Vec<&'a Seen> {
    let step = &search.pattern.steps[i];
    let scene = Scene { steps: before.steps.clone(), repeats: round.clone(), ..search.scene(before.start, t) };
    let mut there = search.at(step, t);
    there.retain(|r| {
        let scene = Scene { candidate: Some(r), ..scene.clone() };
        !before.has(r)
            && !round.iter().any(|(_, readings)| readings.iter().any(|b| b.id == r.id))
            && holds_if_any(step.filter.as_ref(), &scene)
            && (round.is_empty() || holds_if_any(step.again.as_ref(), &scene))
    });
    there
}

/// No reading of the stream strictly between first and last that the step did not bind.
fn is_row(search: &Search<'_>, step: &Step, round: &Bound<'_>) -> bool {
    let (first, last) = (round[0].0, round[round.len() - 1].0);
    let is_bound = |r: &Seen| round.iter().any(|(_, readings)| readings.iter().any(|b| b.id == r.id));
    let between = search.instants(step).into_iter().filter(|t| first < *t && *t < last);
    between.flat_map(|t| search.at(step, t)).all(is_bound)
}

impl<'a> Search<'a> {
    /// The instants at which a step may bind something.
    pub fn instants(&self, step: &Step) -> BTreeSet<Micros> {
        let of_stream = self.timeline.readings.iter().filter(|r| r.stream == step.stream);
        of_stream.filter_map(|r| at_edge(r, step.edge)).collect()
    }

    fn at(&self, step: &Step, t: Micros) -> Vec<&'a Seen> {
        self.timeline.readings.iter().filter(|r| r.stream == step.stream && at_edge(r, step.edge) == Some(t)).collect()
    }
}

fn at_edge(reading: &Seen, edge: Edge) -> Option<Micros> {
    match edge {
        Edge::Start => Some(reading.start),
        Edge::End => reading.instant,
        Edge::Close => reading.end,
    }
}
