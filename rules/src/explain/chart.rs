//! The automaton of a rule: states, and the ways between them.

use vitalog_cep::plan::{Episode, Pattern, Rule, RuleKind, Silence};
use vitalog_elog::Schema;

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

/// More repeats of a step than this are one state with a way to itself.
const MOST_REPEATS: u16 = 4;

pub fn of(rule: &Rule, schema: &Schema) -> Chart {
    match &rule.kind {
        RuleKind::Episode(e) => episode(e, rule, schema),
        RuleKind::Silence(s) => silence(s, rule, schema),
        RuleKind::Match(p) => pattern(p, rule, schema),
    }
}

impl Chart {
    fn state(&mut self, name: impl Into<String>, stands: bool) -> usize {
        self.states.push(State { name: name.into(), stands });
        self.states.len() - 1
    }

    fn way(&mut self, from: usize, to: usize, label: impl Into<String>) {
        self.ways.push(Way { from, to, label: label.into() });
    }
}

fn episode(e: &Episode, rule: &Rule, schema: &Schema) -> Chart {
    let name = &schema.get(e.driver).name;
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

fn silence(s: &Silence, rule: &Rule, schema: &Schema) -> Chart {
    let names: Vec<&str> = s.streams.iter().map(|ix| &*schema.get(*ix).name).collect();
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

fn pattern(p: &Pattern, rule: &Rule, schema: &Schema) -> Chart {
    let mut chart = Chart::default();
    let mut at = chart.state("looking", false);
    let mut partial = Vec::new();
    for (n, step) in (1..).zip(&p.steps) {
        let name = &schema.get(step.stream).name;
        let fits = if step.filter.is_some() { format!("{name} that fits") } else { name.to_string() };
        let shown = if step.count <= MOST_REPEATS { step.count } else { 1 };
        for k in 1..=shown {
            let mut state = if p.steps.len() == 1 { name.to_string() } else { format!("step {n}") };
            if step.count > 1 {
                state.push_str(&format!(" {k}/{}", step.count));
            }
            let next = chart.state(state, false);
            chart.way(at, next, fits.clone());
            partial.push(next);
            if step.in_a_row && k > 1 {
                chart.way(at, 0, format!("another {name}"));
            }
            at = next;
        }
        if shown < step.count {
            chart.way(at, at, format!("{fits}, {} in all", step.count));
        }
    }
    partial.pop();
    let last = chart.states.len() - 1;
    chart.states[last].stands = true;
    if rule.filter.is_some() {
        let way = chart.ways.iter_mut().rev().find(|w| w.to == last && w.from != last);
        way.into_iter().for_each(|w| w.label.push_str(", where holds"));
    }
    for state in partial {
        chart.way(state, state, "anything else");
        if let Some(within) = p.within {
            let mut given_up = vec![format!("{within} over")];
            given_up.extend(p.absences.iter().map(|a| schema.get(a.stream).name.to_string()));
            chart.way(state, 0, given_up.join(", or "));
        }
    }
    chart
}
