//! Which rules look at which: found in the syntax, so that each is checked after those whose fields it asks.
//!
//! INVARIANT (no circle): no rule looks at itself, not by way of others, and not by way of what any of them looked at in an earlier library: dated versions
//! go on to decide what was before them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use vitalog_cep::plan::{Derived, DerivedField};
use vitalog_elog::StreamIx;

use super::found::{FoundStream, MOST_DERIVED};
use super::world::{StreamInfo, World};
use crate::diagnostic::{Code, Diagnostic};
use crate::source::Loc;
use crate::syntax::{Expr, ExprKind, Hole, Name, Rule, Schedule, TimeOfDay, When};

/// So many are reported in one run; a rule file has seldom more than one.
const MOST_CIRCLES: usize = 8;

/// So many rules of a circle are named.
const MOST_NAMES: usize = 12;

/// What a rule looks at: the place of each rule, and where it says so first.
type Uses = BTreeMap<usize, Loc>;

/// The rules in the order in which they are checked, by their places in `rules`; those in a circle are left out, and reported.
pub fn order(world: &mut World, rules: &[&Rule], out: &mut Vec<Diagnostic>) -> Vec<usize> {
    let mut first: BTreeMap<Arc<str>, usize> = BTreeMap::new();
    for (place, rule) in rules.iter().enumerate() {
        first.entry(rule.name.text.clone()).or_insert(place);
    }
    let uses: Vec<Uses> = rules.iter().map(|rule| uses_of(world, rule, &first)).collect();
    let earlier = earlier_uses(world, &first, &uses);
    if !register(world, rules, &uses)
        && let Some(loc) = rules.first().map(|r| r.name.loc)
    {
        let what = format!("at most {MOST_DERIVED}");
        out.push(Diagnostic::new(Code::TOO_MANY, "too many rules that look at each other", loc, what));
    }
    let mut edges: Vec<Vec<(usize, Option<Loc>)>> =
        uses.iter().map(|all| all.iter().map(|(used, loc)| (*used, Some(*loc))).collect()).collect();
    for (from, used) in earlier {
        edges[from].push((used, None));
    }
    let state = vec![State::New; rules.len()];
    let mut walk = Walk { rules, edges: &edges, state, path: Vec::new(), order: Vec::new(), circles: 0, out };
    for place in 0..rules.len() {
        walk.visit(place);
    }
    walk.order
}

/// What rules looked at in earlier libraries and do not any more.
fn earlier_uses(world: &World, first: &BTreeMap<Arc<str>, usize>, uses: &[Uses]) -> Vec<(usize, usize)> {
    let mut all = Vec::new();
    for it in &world.derived {
        let Some(&from) = first.get(&it.rule) else { continue };
        let used = it.uses.iter().filter_map(|s| first.get(&world.derived.get(s.derived()?)?.rule)).copied();
        all.extend(used.filter(|used| !uses[from].contains_key(used)).map(|used| (from, used)));
    }
    all
}

/// Gives every rule that looks at another, or is looked at, its derived stream, and notes what it looks at. Whether all have one.
fn register(world: &mut World, rules: &[&Rule], uses: &[Uses]) -> bool {
    let looked_at: BTreeSet<usize> = uses.iter().flat_map(BTreeMap::keys).copied().collect();
    let mut places: BTreeMap<Arc<str>, usize> = world.derived.iter().enumerate().map(|(i, d)| (d.rule.clone(), i)).collect();
    for (place, all) in uses.iter().enumerate() {
        let rule = &rules[place].name.text;
        if (all.is_empty() && !looked_at.contains(&place)) || places.contains_key(rule) {
            continue;
        }
        if world.derived.len() >= MOST_DERIVED {
            return false;
        }
        places.insert(rule.clone(), world.derived.len());
        let severity = DerivedField { name: Arc::from("severity"), kind: Arc::from("severity") };
        world.derived.push(Derived { rule: rule.clone(), fields: vec![severity], uses: Vec::new() });
    }
    for (place, all) in uses.iter().enumerate().filter(|(_, all)| !all.is_empty()) {
        let Some(own) = places.get(&rules[place].name.text).and_then(|own| world.derived.get_mut(*own)) else { continue };
        let now = all.keys().filter_map(|used| places.get(&rules[*used].name.text)).map(|used| Derived::stream(*used));
        let ever: BTreeSet<StreamIx> = own.uses.iter().copied().chain(now).collect();
        own.uses = ever.into_iter().collect();
    }
    for place in looked_at {
        let name = &rules[place].name;
        let Some(ix) = places.get(&name.text).map(|place| Derived::stream(*place)) else { continue };
        let info = StreamInfo { ix, loc: name.loc, fields: BTreeMap::new(), broken: true };
        world.streams.insert(name.text.clone(), info);
        world.found.insert(ix, FoundStream::new(&name.text));
    }
    true
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    New,
    Open,
    Done,
    /// In a circle.
    Bad,
}

/// A walk down from each rule to those it looks at.
struct Walk<'a> {
    rules: &'a [&'a Rule],
    /// Without a place: of an earlier library.
    edges: &'a [Vec<(usize, Option<Loc>)>],
    state: Vec<State>,
    path: Vec<(usize, Option<Loc>)>,
    order: Vec<usize>,
    circles: usize,
    out: &'a mut Vec<Diagnostic>,
}

impl Walk<'_> {
    /// Without recursion, for the files may chain any number of rules.
    fn visit(&mut self, root: usize) {
        if self.state[root] != State::New {
            return;
        }
        let mut stack: Vec<(usize, usize)> = vec![(root, 0)];
        self.state[root] = State::Open;
        self.path.push((root, None));
        while let Some((place, next)) = stack.last_mut() {
            let place = *place;
            let Some(&(used, loc)) = self.edges[place].get(*next) else {
                stack.pop();
                self.path.pop();
                if self.state[place] == State::Open {
                    self.state[place] = State::Done;
                    self.order.push(place);
                }
                continue;
            };
            *next += 1;
            match self.state[used] {
                State::New => {
                    self.state[used] = State::Open;
                    self.path.push((used, loc));
                    stack.push((used, 0));
                }
                State::Open => self.circle(used, loc),
                State::Bad | State::Done => {}
            }
        }
    }

    /// `used` is on the way that led here.
    fn circle(&mut self, used: usize, loc: Option<Loc>) {
        let from = self.path.iter().position(|(place, _)| *place == used).unwrap_or(0);
        let circle: Vec<(usize, Option<Loc>)> = self.path[from..].to_vec();
        for (place, _) in &circle {
            self.state[*place] = State::Bad;
        }
        self.circles += 1;
        if self.circles <= MOST_CIRCLES {
            let d = self.told(&circle, used, loc);
            self.out.push(d);
        }
    }

    /// A circle that ends by looking at its first rule.
    fn told(&self, circle: &[(usize, Option<Loc>)], first: usize, last: Option<Loc>) -> Diagnostic {
        let name = |place: usize| format!("`{}`", self.rules[place].name.text);
        // Each rule, the one it looks at, and where it says so.
        let nexts = circle.iter().skip(1).copied().chain([(first, last)]);
        let looks: Vec<(String, String, Option<Loc>)> =
            circle.iter().zip(nexts).map(|((place, _), (next, loc))| (name(*place), name(next), loc)).collect();
        let primary = looks.iter().rev().find_map(|(_, _, loc)| *loc).unwrap_or(self.rules[first].name.loc);
        let mut d = match &looks[..] {
            [(own, _, _)] => Diagnostic::new(Code::CIRCLE, format!("{own} looks at itself"), primary, "its own findings"),
            _ => Diagnostic::new(Code::CIRCLE, "rules that look at each other in a circle", primary, "closes the circle"),
        };
        for (rule, next, loc) in looks.iter().take(MOST_NAMES) {
            match loc {
                Some(loc) if *loc != primary => d = d.label(*loc, format!("{rule} looks at {next}")),
                Some(_) => {}
                None => {
                    let what = format!("{rule} looked at {next} in an earlier version, which goes on to decide what was before");
                    d = d.note(what).help("give one of them another name");
                }
            }
        }
        let shown: Vec<String> = looks.iter().take(MOST_NAMES).map(|(rule, _, _)| rule.clone()).collect();
        let dots = if looks.len() > MOST_NAMES { " → …" } else { "" };
        d.note(format!("the way round: {}{dots} → {}", shown.join(" → "), name(first)))
    }
}

/// The rules that a rule looks at, each with the place where it first says so.
fn uses_of(world: &World, rule: &Rule, rules: &BTreeMap<Arc<str>, usize>) -> Uses {
    let mut own: BTreeSet<&str> = rule.lets.iter().map(|l| &*l.name.text).collect();
    if let Some((pattern, _)) = &rule.pattern {
        own.extend(pattern.whole.steps().into_iter().filter_map(|s| s.alias.as_ref()).map(|n| &*n.text));
    }
    let mut found = Uses::new();
    each_stream(rule, &mut |name, is_value| {
        let Some(&used) = rules.get(&name.text) else { return };
        if world.stream(&name.text).is_none() && !(is_value && own.contains(&*name.text)) {
            found.entry(used).or_insert(name.loc);
        }
    });
    found
}

/// The names of fields that anything in the rules asks of anything: of a rule that is looked at, only these are kept. Of what a step says (`meal.amount`) also
/// each part: the step may bind findings that say it.
pub fn asked_fields(rules: &[&Rule]) -> BTreeSet<Arc<str>> {
    let mut all = BTreeSet::new();
    for rule in rules {
        for expr in exprs(rule) {
            walk(expr, &mut |e| {
                if let ExprKind::Field { field, .. } = &e.kind {
                    let rest = |at: usize| Arc::from(&field.text[at..]);
                    all.insert(field.text.clone());
                    all.extend(field.text.match_indices('.').map(|(i, _)| rest(i + 1)));
                }
            });
        }
    }
    all
}

/// Calls `f` with every name that may be a stream's; `is_value`: one that a `let` or step may hide.
fn each_stream<'r>(rule: &'r Rule, f: &mut dyn FnMut(&'r Name, bool)) {
    let mut plain: Vec<&Name> = Vec::new();
    plain.extend(rule.at_each.iter().map(|(n, _)| n));
    if let Some((When::Silence { streams, .. }, _)) = &rule.when {
        plain.extend(streams.iter().map(|h| &h.stream));
    }
    plain.extend(rule.lapse.iter().map(|(n, _)| n));
    if let Some((pattern, _)) = &rule.pattern {
        plain.extend(pattern.whole.steps().into_iter().map(|s| &s.stream));
        plain.extend(pattern.whole.absences().into_iter().map(|a| &a.stream));
    }
    plain.into_iter().for_each(|n| f(n, false));
    for expr in exprs(rule) {
        walk(expr, &mut |e| match &e.kind {
            ExprKind::Field { of, .. } => f(of, true),
            ExprKind::Call(call) => {
                if let ExprKind::Name(of) = &call.argument.bare().kind {
                    f(of, true);
                }
                call.during.iter().for_each(|interval| f(interval, true));
            }
            ExprKind::Covering(it) => f(&it.stream, false),
            _ => {}
        });
    }
}

/// All expressions of a rule.
fn exprs(rule: &Rule) -> Vec<&Expr> {
    let mut all: Vec<&Expr> = Vec::new();
    match &rule.when {
        Some((When::Condition(watch), _)) => all.push(&watch.condition),
        Some((When::Silence { streams, .. }, _)) => all.extend(streams.iter().filter_map(|h| h.filter.as_ref())),
        None => {}
    }
    if let Some((Schedule::At { times, .. }, _)) = &rule.every {
        all.extend(times.iter().filter_map(|t| if let TimeOfDay::Value(e) = t { Some(e) } else { None }));
    }
    all.extend(rule.until.iter().map(|(w, _)| &w.condition));
    if let Some((pattern, _)) = &rule.pattern {
        all.extend(pattern.whole.steps().into_iter().filter_map(|s| s.filter.as_ref()));
        all.extend(pattern.whole.absences().into_iter().filter_map(|a| a.filter.as_ref()));
    }
    all.extend(rule.lets.iter().map(|l| &l.value));
    all.extend(rule.filter.iter().map(|(e, _)| e));
    all.extend(rule.severity.iter().flat_map(|(grades, _)| grades).filter_map(|g| g.when.as_ref()));
    let texts = rule.say.iter().map(|(say, _)| say).chain(rule.wordings.iter().map(|w| &w.say));
    all.extend(texts.flat_map(|say| &say.pieces).filter_map(|p| match p {
        Hole::Expr(e) => Some(e),
        Hole::Text(_) => None,
    }));
    all
}

fn walk<'e>(expr: &'e Expr, f: &mut dyn FnMut(&'e Expr)) {
    f(expr);
    expr.children().into_iter().for_each(|e| walk(e, f));
}
