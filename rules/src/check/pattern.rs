//! Rules with `match`: names, conditions and bounds of the steps, and whether the whole is bounded in time.

use vitalog_cep::plan::{Absence, Around, Edge, Expr as Plan, Group, Node, Part, Pattern, Quiet, Ref, RuleKind, Select, Step};
use vitalog_elog::{Span, StreamIx};

use super::Checker;
use super::scope::{Candidate, Place, StepName};
use crate::diagnostic::{Code, Diagnostic};
use crate::syntax::{self, Expr, Name};

const MOST_STEPS: usize = 32;
/// Steps, groups taken as often as they are repeated.
const MOST_IN_ALL: usize = 1000;

impl Checker<'_> {
    pub fn pattern(&mut self, decl: &syntax::Rule, pattern: &syntax::Pattern) -> Option<(RuleKind, Vec<Plan>)> {
        let steps = pattern.whole.steps();
        self.not_too_many(&pattern.whole, &steps)?;
        let streams: Vec<Option<StreamIx>> = steps.iter().map(|s| self.stream_named(&s.stream)).collect();
        let absent: Vec<Option<StreamIx>> = absent(&pattern.whole).into_iter().map(|n| self.stream_named(n)).collect();
        let streams: Vec<StreamIx> = streams.into_iter().collect::<Option<_>>()?;
        absent.into_iter().collect::<Option<Vec<_>>>()?;
        for (step, stream) in steps.iter().zip(&streams) {
            self.declare_step(step, *stream);
        }
        self.scope.bound = streams.len();
        let lets = self.lets(decl);

        self.scope.bound = 0;
        let mut plans = Vec::new();
        let Group { node: tree, absences, around, within } = self.group(&pattern.whole, &mut plans);
        self.scope.bound = streams.len();
        self.scope.place = Place::Decision;
        self.scope.candidate = None;
        let select = match pattern.select {
            None => Select::Each,
            Some((syntax::Select::All, _)) => Select::All,
            Some((syntax::Select::Disjoint, _)) => Select::Disjoint,
        };
        let mut plan = Pattern { steps: plans, tree: in_turn(tree), absences, around, within, select };
        self.open_counts(pattern, &steps, &plan);
        self.within(decl, &steps, pattern, &mut plan);
        Some((RuleKind::Match(plan), lets))
    }

    fn not_too_many(&mut self, whole: &syntax::Group, steps: &[&syntax::Step]) -> Option<()> {
        let absent = absent(whole);
        let extra = steps.get(MOST_STEPS).map(|s| s.stream.loc).or(absent.get(MOST_STEPS).map(|n| n.loc));
        let unrolled = (unrolled(&whole.node) > MOST_IN_ALL).then_some(whole.loc);
        let (loc, most) = match (extra, unrolled) {
            (Some(loc), _) => (loc, MOST_STEPS),
            (None, Some(loc)) => (loc, MOST_IN_ALL),
            (None, None) => return Some(()),
        };
        let d = Diagnostic::new(Code::TOO_MANY, "a pattern of too many steps", loc, format!("at most {most}"));
        self.diagnostics.push(d);
        None
    }

    /// A group's plan; its steps are appended, and are in sight behind it.
    fn group(&mut self, group: &syntax::Group, steps: &mut Vec<Step>) -> Group {
        let node = self.node(&group.node, steps);
        self.scope.bound = steps.len();
        let absences = group.absences.iter().filter_map(|a| self.absence(a)).collect();
        let around = group.around.iter().filter_map(|a| self.around(a)).collect();
        Group { node, absences, around, within: group.within.map(|w| w.span) }
    }

    fn node(&mut self, node: &syntax::Node, steps: &mut Vec<Step>) -> Node {
        match node {
            syntax::Node::Step(step) => self.step(step, steps),
            syntax::Node::Sequence { first, rest } => {
                let first = Box::new(self.node(first, steps));
                let rest = rest.iter().map(|part| self.part(part, steps)).collect();
                Node::Sequence { first, rest }
            }
            syntax::Node::And(all) => Node::And(all.iter().map(|n| self.node(n, steps)).collect()),
            syntax::Node::Or(all) => Node::Or(self.alternatives(all, steps)),
            syntax::Node::Group(group) => Node::Group(Box::new(self.group(group, steps))),
            syntax::Node::Repeat { group, count } => {
                let bare = group.absences.is_empty() && group.around.is_empty() && group.within.is_none();
                let group = self.group(group, steps);
                let node = if bare { group.node } else { Node::Group(Box::new(group)) };
                Node::Repeat { node: Box::new(node), count: *count }
            }
        }
    }

    fn alternatives(&mut self, all: &[syntax::Node], steps: &mut Vec<Step>) -> Vec<Node> {
        let first = steps.len();
        let mut nodes = Vec::new();
        for alternative in all {
            let own = steps.len();
            let hide = |checker: &mut Self, hidden| {
                checker.scope.steps[first..own].iter_mut().for_each(|s| s.hidden = hidden);
            };
            hide(self, true);
            nodes.push(self.node(alternative, steps));
            hide(self, false);
        }
        nodes
    }

    fn part(&mut self, part: &syntax::Part, steps: &mut Vec<Step>) -> Part {
        match part {
            syntax::Part::Then(node) => Part::Then(self.node(node, steps)),
            syntax::Part::Next(node) => Part::Next(self.node(node, steps)),
            syntax::Part::ThenNo(quiet) => {
                self.scope.bound = steps.len();
                let absences = quiet.absences.iter().filter_map(|a| self.absence(a)).collect();
                Part::ThenNo(Quiet { absences, span: quiet.span.span })
            }
        }
    }

    fn step(&mut self, step: &syntax::Step, steps: &mut Vec<Step>) -> Node {
        let i = steps.len();
        self.scope.bound = i;
        let (stream, edge) = self.scope.steps.get(i).map_or((StreamIx(0), Edge::End), |s| (s.stream, s.edge));
        let single = step.most == Some(1);
        let candidate =
            Candidate { stream, edge, repeats: !single, alias: step.alias.as_ref().map(|a| a.text.clone()), step: Some(i) };
        let filter = self.filter(Place::Step, candidate, step.filter.as_ref());
        let (filter, again) = filter.map_or((None, None), split);
        let in_a_row = step.in_a_row.is_some() && !single;
        steps.push(Step { stream, edge, filter, again, count: step.count, most: step.most, in_a_row });
        Node::Step(i as u8)
    }

    fn absence(&mut self, absence: &syntax::Without) -> Option<Absence> {
        let stream = self.world.stream(&absence.stream.text)?.ix;
        let candidate = Candidate { stream, edge: Edge::End, repeats: false, alias: None, step: None };
        let filter = self.filter(Place::Absence, candidate, absence.filter.as_ref());
        Some(Absence { stream, filter })
    }

    /// `with no S from A before n to B after n`.
    fn around(&mut self, around: &syntax::Around) -> Option<Around> {
        let absence = self.absence(&around.without)?;
        let step = self.bound_step(&around.from.step)?;
        if self.bound_step(&around.to.step)? != step {
            let d = Diagnostic::new(Code::TYPE, "both ends are about one step", around.to.step.loc, "another step");
            self.diagnostics.push(d.label(around.from.step.loc, "this one"));
            return None;
        }
        let span = |b: &syntax::Bound| {
            let span = b.span.map_or(0, |d| d.span.0);
            Span(if b.before { -span } else { span })
        };
        let (from, to) = (span(&around.from), span(&around.to));
        if from >= to {
            let loc = around.to.span.map_or(around.to.step.loc, |d| d.loc);
            let d = Diagnostic::new(Code::DURATION, "nothing lies between these ends", loc, "not later than where it begins");
            self.diagnostics.push(d.help("as in `from 20 min before meal to 30 min after meal`"));
            return None;
        }
        Some(Around { absence, step, from, to })
    }

    fn bound_step(&mut self, name: &Name) -> Option<u8> {
        match self.reading(name)? {
            (Ref::Step(i), _) => Some(i),
            _ => {
                let d = Diagnostic::new(Code::NOT_VISIBLE, "the name of a step is needed", name.loc, "not a step");
                self.diagnostics.push(d);
                None
            }
        }
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
        let edge = self.edge_of(step, stream);
        let alias = step.alias.clone();
        self.scope.steps.push(StepName { alias, stream_name: step.stream.clone(), stream, edge, hidden: false, used: false });
    }

    fn edge_of(&mut self, step: &syntax::Step, stream: StreamIx) -> Edge {
        let Some((edge, loc)) = step.edge else { return Edge::End };
        if stream.derived().is_some() {
            return match edge {
                syntax::Edge::Starts => Edge::Start,
                syntax::Edge::Ends => Edge::Close,
            };
        }
        if !self.world.declared(stream).is_interval() {
            let name = &step.stream.text;
            let d = Diagnostic::new(Code::TYPE, format!("the readings of `{name}` are instants"), loc, "only an interval has it");
            self.diagnostics.push(d.help(format!("write `{name}` alone")));
            return Edge::End;
        }
        match edge {
            syntax::Edge::Starts => Edge::Start,
            syntax::Edge::Ends => Edge::End,
        }
    }

    pub fn filter(&mut self, place: Place, candidate: Candidate, filter: Option<&Expr>) -> Option<Plan> {
        let filter = filter?;
        let is_step = candidate.step.is_some();
        self.scope.place = place;
        self.scope.candidate = Some(candidate);
        let typed = self.condition(filter, "`where`");
        let effect = match place {
            Place::Heard => "so nothing is ever heard",
            _ if is_step => "so the step never fits",
            _ => "so it keeps nothing out",
        };
        self.never(&typed, effect);
        self.scope.candidate = None;
        Some(typed.expr)
    }

    /// `match all` needs counts that end.
    fn open_counts(&mut self, pattern: &syntax::Pattern, steps: &[&syntax::Step], plan: &Pattern) {
        let Some((_, all)) = pattern.select.filter(|_| plan.select == Select::All) else { return };
        for step in steps.iter().filter(|s| s.most.is_none()) {
            let d = Diagnostic::new(Code::REPEAT, "an open count with `match all`", step.stream.loc, "any number of repeats")
                .label(all, "every combination");
            self.diagnostics.push(d.help(format!("say how many at most, as in `{}{{{}..5}}`", step.stream.text, step.count)));
        }
    }

    /// The bound in time, which only a pattern that is bounded without it can do without.
    fn within(&mut self, decl: &syntax::Rule, steps: &[&syntax::Step], pattern: &syntax::Pattern, plan: &mut Pattern) {
        let is_single = plan.tree.children().is_empty() && steps.iter().all(|s| s.most == Some(1));
        if is_single || matches!(&plan.tree, Node::Sequence { rest, .. } if rest.is_empty()) && steps[0].most == Some(1) {
            if let Some(absence) = pattern.whole.absences.first() {
                let d = Diagnostic::new(
                    Code::NEVER,
                    "`without` has nothing to look at",
                    absence.stream.loc,
                    "nothing lies within a single reading",
                );
                self.diagnostics.push(d.help("ask for it with a window, as in `where count(S over D) = 0`"));
            }
            plan.within = None;
            return;
        }
        if plan.reach().is_none() {
            let loc = decl.pattern.as_ref().map_or(decl.name.loc, |(_, loc)| *loc);
            let d =
                Diagnostic::new(Code::NO_WITHIN, "a pattern without a bound in time", loc, "how far apart may its readings be?");
            self.diagnostics.push(d.fix("end it with `within` and a span", loc.after(), " within 2 h"));
        }
    }
}

/// A single step is a sequence of one.
fn in_turn(tree: Node) -> Node {
    match tree {
        Node::Step(i) => Node::Sequence { first: Box::new(Node::Step(i)), rest: Vec::new() },
        other => other,
    }
}

/// What is asked of every repeat, and what names the one before and is asked from the second on.
fn split(filter: Plan) -> (Option<Plan>, Option<Plan>) {
    let names_previous = |e: &Plan| {
        let mut found = false;
        e.walk(&mut |e| found |= matches!(e, Plan::Get { of: Ref::Previous, .. }));
        found
    };
    if !names_previous(&filter) {
        return (Some(filter), None);
    }
    let all = conjuncts(filter);
    let (again, each): (Vec<Plan>, Vec<Plan>) = all.into_iter().partition(names_previous);
    (together(each), together(again))
}

fn conjuncts(filter: Plan) -> Vec<Plan> {
    match filter {
        Plan::And(all) => all.into_iter().flat_map(conjuncts).collect(),
        other => vec![other],
    }
}

fn together(mut all: Vec<Plan>) -> Option<Plan> {
    if all.len() > 1 { Some(Plan::And(all)) } else { all.pop() }
}

/// The streams that must be absent somewhere.
fn absent(group: &syntax::Group) -> Vec<&Name> {
    fn of_node<'n>(node: &'n syntax::Node, all: &mut Vec<&'n Name>) {
        match node {
            syntax::Node::Step(_) => {}
            syntax::Node::Sequence { first, rest } => {
                of_node(first, all);
                for part in rest {
                    match part {
                        syntax::Part::Then(node) | syntax::Part::Next(node) => of_node(node, all),
                        syntax::Part::ThenNo(quiet) => all.extend(quiet.absences.iter().map(|a| &a.stream)),
                    }
                }
            }
            syntax::Node::And(nodes) | syntax::Node::Or(nodes) => nodes.iter().for_each(|n| of_node(n, all)),
            syntax::Node::Group(group) | syntax::Node::Repeat { group, .. } => all.extend(absent(group)),
        }
    }
    let mut all = Vec::new();
    of_node(&group.node, &mut all);
    all.extend(group.absences.iter().map(|a| &a.stream).chain(group.around.iter().map(|a| &a.without.stream)));
    all
}

/// How many steps there are, groups taken as often as they are repeated.
fn unrolled(node: &syntax::Node) -> usize {
    match node {
        syntax::Node::Step(_) => 1,
        syntax::Node::Sequence { first, rest } => rest.iter().fold(unrolled(first), |sum, part| match part {
            syntax::Part::Then(node) | syntax::Part::Next(node) => sum.saturating_add(unrolled(node)),
            syntax::Part::ThenNo(_) => sum.saturating_add(1),
        }),
        syntax::Node::And(all) | syntax::Node::Or(all) => all.iter().fold(0, |sum, n| sum.saturating_add(unrolled(n))),
        syntax::Node::Group(group) => unrolled(&group.node),
        syntax::Node::Repeat { group, count } => unrolled(&group.node).saturating_mul(usize::from(*count)),
    }
}
