//! The automaton of a rule: states, and the ways between them.

use vitalog_cep::plan::{Episode, Heard, Rule, RuleKind, Schedule, Silence};

use super::pattern;
use crate::check::World;

/// A state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct State {
    pub name: String,
    /// A finding stands here.
    pub stands: bool,
}

/// A way from one state to another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Way {
    pub from: usize,
    pub to: usize,
    pub label: String,
}

/// States in order; the first is where it begins.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Chart {
    pub states: Vec<State>,
    pub ways: Vec<Way>,
}

pub fn of(rule: &Rule, world: &World) -> Chart {
    match &rule.kind {
        RuleKind::Episode(e) => episode(e, rule, world),
        RuleKind::Silence(s) => silence(s, rule, world),
        RuleKind::Match(p) => pattern::chart(p, rule, world),
        RuleKind::Schedule(s) => schedule(s, rule),
    }
}

impl Chart {
    pub fn state(&mut self, name: impl Into<String>, stands: bool) -> usize {
        self.states.push(State { name: name.into(), stands });
        self.states.len() - 1
    }

    pub fn way(&mut self, from: usize, to: usize, label: impl Into<String>) {
        self.ways.push(Way { from, to, label: label.into() });
    }
}

fn episode(e: &Episode, rule: &Rule, world: &World) -> Chart {
    let name = &world.declared(e.driver).name;
    let mut chart = Chart::default();
    let idle = chart.state("idle", false);
    let asked = if rule.filter.is_some() { ", where holds" } else { "" };
    let running = e.hold.map(|hold| {
        let running = chart.state("running", false);
        chart.way(idle, running, "when holds");
        chart.way(running, idle, format!("when fails, or a hole over {}", hold.gap));
        (running, hold)
    });
    let open = chart.state("open", true);
    match running {
        Some((running, hold)) => chart.way(running, open, format!("for {}{asked}", hold.span)),
        None => chart.way(idle, open, format!("when holds{asked}")),
    }
    let ends = if e.until.is_some() { "until holds" } else { "when is false" };
    let resolved = match e.until_hold {
        Some(hold) => {
            let ending = chart.state("ending", true);
            chart.way(open, ending, ends);
            chart.way(ending, open, format!("it fails, or a hole over {}", hold.gap));
            let resolved = chart.state("resolved", true);
            chart.way(ending, resolved, format!("for {}", hold.span));
            resolved
        }
        None => {
            let resolved = chart.state("resolved", true);
            chart.way(open, resolved, ends);
            resolved
        }
    };
    if let Some(span) = e.lapse {
        let lapsed = chart.state("lapsed", true);
        chart.way(open, lapsed, format!("no {name} for {span}"));
        chart.way(lapsed, idle, "at once");
    }
    chart.way(resolved, idle, "the next decision");
    chart
}

fn silence(s: &Silence, rule: &Rule, world: &World) -> Chart {
    let name = |h: &Heard| format!("{}{}", world.declared(h.stream).name, if h.filter.is_some() { " that fits" } else { "" });
    let names: Vec<String> = s.streams.iter().map(name).collect();
    let names = names.join(" or ");
    let asked = if rule.filter.is_some() { ", where holds" } else { "" };
    let mut chart = Chart::default();
    let waiting = chart.state("waiting", false);
    let open = chart.state("open", true);
    let resolved = chart.state("resolved", true);
    chart.way(waiting, waiting, format!("{names}: from anew"));
    chart.way(waiting, open, format!("{} over{asked}", s.span));
    chart.way(open, resolved, names);
    chart.way(resolved, waiting, "at once");
    chart
}

fn schedule(s: &Schedule, rule: &Rule) -> Chart {
    let asked = match (&s.when, &rule.filter) {
        (None, None) => "",
        (Some(_), None) => ", when holds",
        (None, Some(_)) => ", where holds",
        (Some(_), Some(_)) => ", when and where hold",
    };
    let mut chart = Chart::default();
    let waiting = chart.state("waiting", false);
    let found = chart.state("found", true);
    chart.way(waiting, found, format!("the time comes{asked}"));
    chart.way(found, waiting, "at once");
    chart
}
