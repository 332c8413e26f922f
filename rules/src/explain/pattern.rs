//! The automaton of a pattern, and what is true of it: both follow the tree of its steps.

use vitalog_cep::plan::{Absence, Edge, Group, Node, Part, Pattern, Quiet, Rule, Select, Step};
use vitalog_elog::Span;

use super::chart::Chart;
use crate::check::World;

/// More repeats than this are one state with a way to itself.
const MOST_REPEATS: u16 = 4;

struct Drawing<'p> {
    pattern: &'p Pattern,
    world: &'p World,
    chart: Chart,
}

/// The automaton.
pub fn chart(pattern: &Pattern, rule: &Rule, world: &World) -> Chart {
    let mut drawing = Drawing { pattern, world, chart: Chart::default() };
    let start = drawing.chart.state("looking", false);
    let last = drawing.node(&pattern.tree, start);
    let given_up = drawing.given_up(pattern.within, &pattern.absences);
    let mut chart = drawing.chart;
    chart.states[last].stands = true;
    if rule.filter.is_some() {
        let ways = chart.ways.iter_mut().filter(|w| w.to == last && w.from != last);
        ways.for_each(|w| w.label.push_str(", where holds"));
    }
    if !rule.waits().is_empty() {
        let ways = chart.ways.iter_mut().filter(|w| w.to == last && w.from != last);
        ways.for_each(|w| w.label.push_str(", its windows over"));
    }
    for state in (1..chart.states.len()).filter(|s| *s != last) {
        chart.way(state, state, "anything else");
        if !given_up.is_empty() {
            chart.way(state, start, given_up.join(", or "));
        }
    }
    chart
}

impl Drawing<'_> {
    fn names(&self, absences: &[Absence]) -> Vec<String> {
        let fits = |a: &Absence| if a.filter.is_some() { " that fits" } else { "" };
        absences.iter().map(|a| format!("{}{}", self.world.declared(a.stream).name, fits(a))).collect()
    }

    fn given_up(&self, within: Option<Span>, absences: &[Absence]) -> Vec<String> {
        within.map(|w| format!("{w} over")).into_iter().chain(self.names(absences)).collect()
    }

    /// What fits a step, in a few words.
    fn fits(&self, step: &Step) -> String {
        let name = &self.world.declared(step.stream).name;
        let edge = match step.edge {
            Edge::Start => " starts",
            Edge::End => "",
            Edge::Close => " ends",
        };
        format!("{name}{edge}{}", if step.filter.is_some() { " that fits" } else { "" })
    }

    /// Draws a node from a state on; gives the state at its end.
    fn node(&mut self, node: &Node, at: usize) -> usize {
        match node {
            Node::Step(i) => self.step(*i, at),
            Node::Sequence { first, rest } => {
                let at = self.node(first, at);
                rest.iter().fold(at, |at, part| self.part(part, at))
            }
            Node::And(all) => {
                let names: Vec<String> = all.iter().map(|n| self.label(n)).collect();
                (1..=all.len()).fold(at, |at, k| {
                    let next = self.chart.state(format!("{k} of {}", all.len()), false);
                    self.chart.way(at, next, format!("what is left of {}", names.join(", ")));
                    next
                })
            }
            Node::Or(all) => {
                let ends: Vec<(usize, String)> = all
                    .iter()
                    .map(|n| if let Node::Step(_) = n { (at, self.label(n)) } else { (self.node(n, at), "then on".to_owned()) })
                    .collect();
                let join = self.chart.state("one of them", false);
                ends.into_iter().for_each(|(end, label)| self.chart.way(end, join, label));
                join
            }
            Node::Group(group) => self.group(group, at),
            Node::Repeat { node, count } => {
                let shown = if *count <= MOST_REPEATS { *count } else { 1 };
                let end = (0..shown).fold(at, |at, _| self.node(node, at));
                if shown < *count {
                    self.chart.way(end, at, format!("again, {count} times in all"));
                }
                end
            }
        }
    }

    fn part(&mut self, part: &Part, at: usize) -> usize {
        match part {
            Part::Then(node) => self.node(node, at),
            Part::Next(node) => {
                let before = self.chart.ways.len();
                let end = self.node(node, at);
                self.chart.ways[before..].iter_mut().filter(|w| w.from == at).for_each(|w| w.label.insert_str(0, "next "));
                end
            }
            Part::ThenNo(quiet) => {
                let names = self.names(&quiet.absences).join(" or ");
                let next = self.chart.state("nothing came", false);
                self.chart.way(at, next, format!("no {names} for {}", quiet.span));
                self.chart.way(at, 0, names);
                next
            }
        }
    }

    fn group(&mut self, group: &Group, at: usize) -> usize {
        let first = self.chart.states.len();
        let end = self.node(&group.node, at);
        let given_up = self.given_up(group.within, &group.absences);
        for state in (first..self.chart.states.len()).filter(|s| *s != end && !given_up.is_empty()) {
            self.chart.way(state, at, given_up.join(", or "));
        }
        end
    }

    fn step(&mut self, i: u8, mut at: usize) -> usize {
        let step = &self.pattern.steps[usize::from(i)];
        let (name, fits) = (self.world.declared(step.stream).name.clone(), self.fits(step));
        let first = at;
        let shown = if step.count <= MOST_REPEATS { step.count } else { 1 };
        for k in 1..=shown {
            let count = if step.count > 1 { format!(" {k}/{}", step.count) } else { String::new() };
            let next = self.chart.state(format!("step {}{count}", i + 1), false);
            self.chart.way(at, next, fits.clone());
            if step.in_a_row && k > 1 {
                self.chart.way(at, first, format!("another {name}"));
            }
            at = next;
        }
        if shown < step.count {
            self.chart.way(at, at, format!("{fits}, {} in all", step.count));
        }
        match step.most {
            Some(most) if most > step.count => self.chart.way(at, at, format!("{fits}, up to {most}")),
            None => self.chart.way(at, at, format!("{fits}, as many as come")),
            _ => {}
        }
        at
    }

    fn label(&self, node: &Node) -> String {
        match node {
            Node::Step(i) => self.fits(&self.pattern.steps[usize::from(*i)]),
            node => node.children().first().map_or_else(String::new, |n| format!("{} …", self.label(n))),
        }
    }
}

/// What is true of it, one sentence after another.
pub fn bounds(p: &Pattern, rule: &Rule, world: &World, say: &mut Vec<String>) {
    say.push(
        match p.select {
            Select::Each => "Any instant may be a start, and every start has its own match: the choice that completes earliest from it; of those completing at one instant, the earliest readings step by step, for counts the most.",
            Select::All => "`all`: every choice of readings that fits is a match of its own.",
            Select::Disjoint => "`disjoint`: the earliest completed is taken, then only what starts after its last reading. A late reading may re-phase all that follows.",
        }
        .to_owned(),
    );
    say.push("Readings that fit no step, and readings that fit but are not chosen, are passed over; they end nothing. No reading serves two steps.".to_owned());
    tree(&p.tree, world, say);
    for step in &p.steps {
        repeats(step, world, say);
    }
    absences("of the match", &p.absences, p.within, world, say);
    for around in &p.around {
        let name = &world.declared(around.absence.stream).name;
        say.push(format!("`with no {name}`: none in the open interval around step {}, its ends excluded; the match completes no earlier than that is over.", around.step + 1));
    }
    if rule.filter.is_some() {
        say.push(
            "`where` is part of the pattern: a choice for which it does not hold is no match, and a later one is looked for."
                .to_owned(),
        );
    }
    say.push(
        "After a match others go on: matches whose spans share an instant stand together as one finding, which grows.".to_owned(),
    );
}

fn repeats(step: &Step, world: &World, say: &mut Vec<String>) {
    let name = &world.declared(step.stream).name;
    if step.in_a_row {
        say.push(format!("`in a row`: no other reading of `{name}`, fitting or not, strictly between the first and the last of the step; at their instants others may stand."));
    }
    if step.most != Some(step.count) {
        let most = step.most.map_or("as many as come".to_owned(), |m| format!("up to {m}"));
        say.push(format!(
            "`{name}` is counted from {} instants on, {most}; at the end of a pattern it completes at {} and grows.",
            step.count, step.count
        ));
    }
    match (step.edge, step.stream.derived()) {
        (Edge::Start, None) => {
            say.push(format!("`{name} starts` stands at the start of its interval, whether or not the end is known."));
        }
        (Edge::Start, Some(_)) => {
            say.push(format!(
                "`{name} starts` stands at the onset of a finding, which may be known only later, when that opens."
            ));
        }
        (Edge::Close, _) => say.push(format!("`{name} ends` stands at the end of a finding; one that goes on is none yet.")),
        (Edge::End, _) => {}
    }
}

fn absences(what: &str, absences: &[Absence], within: Option<Span>, world: &World, say: &mut Vec<String>) {
    for absence in absences {
        let name = &world.declared(absence.stream).name;
        say.push(format!("`without {name}`: none strictly between the first and the last instant {what}; one at either instant does not count, an interval counts if any part of it lies between."));
    }
    if let Some(within) = within {
        say.push(format!(
            "`within`: from the first to the last instant {what} it takes less than {within}; exactly {within} is too long."
        ));
    }
}

/// What the tree says, each form once.
fn tree(node: &Node, world: &World, say: &mut Vec<String>) {
    let mut add = |text: String| {
        if !say.contains(&text) {
            say.push(text);
        }
    };
    match node {
        Node::Step(_) => {}
        Node::Sequence { rest, .. } => {
            for part in rest {
                match part {
                    Part::Then(_) => {
                        add("`then` is strictly later: readings of one instant are simultaneous, and are bound together."
                            .to_owned())
                    }
                    Part::Next(_) => add(
                        "`next` is at the first later instant with a reading of any stream that the steps name, fitting or not."
                            .to_owned(),
                    ),
                    Part::ThenNo(Quiet { absences, span }) => {
                        let names: Vec<String> =
                            absences.iter().map(|a| format!("`{}`", world.declared(a.stream).name)).collect();
                        add(format!(
                            "`then no`: no {} for {span}; one exactly {span} later is in time. It completes by the clock, {span} after what is before it, and what follows counts from there.",
                            names.join(" or ")
                        ));
                    }
                }
            }
        }
        Node::And(_) => add("`and`: all of them, in any order, at one instant too.".to_owned()),
        Node::Or(_) => {
            add("`or`: one of them; single readings that fit at the same instant are bound together, in one match.".to_owned())
        }
        Node::Group(group) => absences("of the group", &group.absences, group.within, world, say),
        Node::Repeat { count, .. } => add(format!("The group is found {count} times, each strictly later than the one before.")),
    }
    node.children().into_iter().for_each(|n| tree(n, world, say));
}

/// How far a pattern reaches beyond its first reading: its `within`, and how long it waits behind it.
pub fn reach(p: &Pattern) -> Span {
    let around = p.around.iter().map(|a| a.to.0.max(0)).max().unwrap_or(0);
    let before = p.around.iter().map(|a| a.from.0.saturating_neg().max(0)).max().unwrap_or(0);
    let own = p.within.map_or_else(|| node_reach(&p.tree), |w| w.0.saturating_add(waits(&p.tree)));
    Span(own.saturating_add(around).saturating_add(before))
}

fn node_reach(node: &Node) -> i64 {
    match node {
        Node::Step(_) => 0,
        Node::Group(group) => group.within.map_or_else(|| node_reach(&group.node), |w| w.0.saturating_add(waits(&group.node))),
        node => node.children().into_iter().map(node_reach).fold(waits_here(node), i64::saturating_add),
    }
}

/// How long its `then no`s wait in all.
fn waits(node: &Node) -> i64 {
    node.children().into_iter().map(waits).fold(waits_here(node), i64::saturating_add)
}

fn waits_here(node: &Node) -> i64 {
    let Node::Sequence { rest, .. } = node else { return 0 };
    rest.iter().map(|p| if let Part::ThenNo(quiet) = p { quiet.span.0 } else { 0 }).fold(0, i64::saturating_add)
}
