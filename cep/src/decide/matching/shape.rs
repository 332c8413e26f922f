//! What can be known of a pattern before any reading: which choices are free, and what may be asked before anything is bound.

use vitalog_elog::StreamIx;

use crate::plan::{Anchor, Edge, Expr, Measure, Pattern, Ref, Rule, Window, Within};

/// Facts about a pattern that the search relies on.
#[derive(Debug)]
pub struct Shape {
    /// Per step: nothing that is asked later hangs on what it binds, so its earliest choice is as good as any: what completes after a later choice
    /// completes after the earliest too.
    pub free: Vec<bool>,
    /// The parts of the last step's condition that hang on no binding: asked first.
    pub prefilter: Vec<Expr>,
    /// Nearly all readings show by their own numbers that they complete nothing, so starts are only gathered when one does not.
    pub is_patient: bool,
    /// It begins and ends with readings of one stream.
    pub is_of_one: bool,
    /// The parts of the rule's condition that hang on nothing but where the match begins: what fails them never matches.
    pub settled: Vec<Expr>,
    /// Streams that windows look at which say whether a match begins.
    pub begins_by: Vec<StreamIx>,
    /// Streams that windows look at which say nothing of the end alone: what they see may matter to all that completes later.
    pub midway: Vec<StreamIx>,
    /// Per step: its condition can be asked of a reading when nothing is bound.
    pub alone: Vec<bool>,
    /// Per absence: it hangs on no binding and cannot mean a bound reading, so one reading of it ends all starts before it.
    pub plain: Vec<bool>,
}

impl Shape {
    pub fn of(rule: &Rule, pattern: &Pattern) -> Shape {
        let steps = &pattern.steps;
        let own = |stream: StreamIx| steps.iter().any(|s| s.stream == stream);
        let later = |i: usize| {
            let filters = steps.iter().skip(i + 1).filter_map(|s| s.filter.as_ref());
            filters.chain(pattern.absences.iter().filter_map(|a| a.filter.as_ref())).chain(&rule.filter)
        };
        let free = (0..steps.len()).map(|i| {
            let asked = later(i).any(|e| refers(e, Some(rule), i as u8));
            !asked && pattern.absences.iter().all(|a| a.stream != steps[i].stream)
        });
        let plain = pattern.absences.iter().map(|a| !own(a.stream) && a.filter.as_ref().is_none_or(stands_alone));
        let last = steps.last().and_then(|s| s.filter.as_ref());
        let prefilter: Vec<Expr> =
            last.map_or(Vec::new(), |e| conjuncts(e).into_iter().filter(|e| stands_alone(e)).cloned().collect());
        let single = steps.len() == 1 && steps[0].is_single();
        let begins_alone = steps.len() > 1 && steps[0].is_single();
        let asked = rule.filter.as_ref().filter(|_| begins_alone).map_or(Vec::new(), conjuncts);
        let settled: Vec<Expr> = asked.into_iter().filter(|e| hangs_on_start(e, &rule.lets)).cloned().collect();
        let mut begins_by = Vec::new();
        let begins = steps.first().and_then(|s| s.filter.as_ref());
        begins.into_iter().chain(&settled).for_each(|e| note_windows(e, &rule.lets, &mut begins_by));
        Shape {
            free: free.collect(),
            is_patient: !single && prefilter.iter().any(bounds_a_number),
            is_of_one: steps.first().map(|s| s.stream) == steps.last().map(|s| s.stream),
            prefilter,
            settled,
            begins_by,
            midway: midway(rule, pattern),
            alone: steps.iter().map(|s| s.filter.as_ref().is_none_or(stands_alone)).collect(),
            plain: plain.collect(),
        }
    }
}

/// Whether it is known when the first step is bound, whatever comes and whenever it is decided: it asks for that step and for what lies before it.
fn hangs_on_start(expr: &Expr, lets: &[Expr]) -> bool {
    let mut settled = true;
    expr.walk_within(&mut Vec::new(), &mut |e, within| {
        let inside = within.iter().any(|w| matches!(w, Within::Window(_)));
        settled &= !e.asks_calendar();
        settled &= match e {
            Expr::Get { of, .. } => *of == Ref::Step(0) || (inside && *of == Ref::Item),
            Expr::Window(w) => w.fresh.is_none() && w.anchor == if inside { Anchor::Decision } else { Anchor::Before(0) },
            // Of a window's reading it is asked at the instant of that.
            Expr::Profile(_) => inside,
            Expr::Let(i) => {
                lets.get(..=usize::from(*i)).is_some_and(|all| hangs_on_start(&all[all.len() - 1], &all[..all.len() - 1]))
            }
            Expr::Now | Expr::Bound { .. } | Expr::Fresh { .. } | Expr::Covered { .. } => false,
            Expr::TimeOfDay(_) | Expr::DayOfWeek(_) => false,
            Expr::Bool(_) | Expr::Number(_) | Expr::Enum(_) | Expr::Text(_) | Expr::Onset => true,
            Expr::Not(_) | Expr::Neg(_) | Expr::And(_) | Expr::Or(_) | Expr::IsKnown(_) | Expr::If { .. } => true,
            Expr::Compare { .. } | Expr::Arith { .. } | Expr::Between { .. } | Expr::In { .. } => true,
            Expr::Wrap { .. } | Expr::BetweenTimes { .. } => true,
        };
    });
    settled
}

/// Whether a window that stands in no other's condition, in an expression of a plain sequence, is asked at the single reading that it begins with, and nowhere else.
pub fn is_of_start(pattern: &Pattern, w: &Window, expr: &Expr) -> bool {
    let Some(first) = pattern.steps.first().filter(|first| first.is_single() && first.edge == Edge::End) else { return false };
    let own = first.filter.as_ref().is_some_and(|filter| std::ptr::eq(filter, expr));
    w.anchor == Anchor::Before(0) || (own && w.anchor == Anchor::Decision)
}

/// The streams of windows that are asked of a step before the last one, of an absence, or up to such a step; not of those that are asked at the start alone.
fn midway(rule: &Rule, pattern: &Pattern) -> Vec<StreamIx> {
    let last = pattern.steps.len() - 1;
    let mut streams = Vec::new();
    for filter in pattern.steps[..last].iter().flat_map(|s| s.filter.iter().chain(&s.again)) {
        note_but(filter, &rule.lets, &mut streams, &|w| is_of_start(pattern, w, filter));
    }
    let absent = pattern.absences.iter().filter_map(|a| a.filter.as_ref());
    absent.for_each(|e| note_windows(e, &rule.lets, &mut streams));
    for expr in rule.exprs() {
        expr.walk_within(&mut Vec::new(), &mut |e, within| match e {
            // Of one that stands in another's condition it is not looked up to where that one reaches.
            Expr::Window(w) if !within.is_empty() => streams.push(w.stream),
            Expr::Window(w) if is_of_start(pattern, w, expr) => {}
            Expr::Window(w) if w.anchor != Anchor::Decision && w.anchor != Anchor::Before(last as u8) => streams.push(w.stream),
            _ => {}
        });
    }
    streams
}

/// The streams of windows in an expression, and in the `let`s that it names.
fn note_windows(expr: &Expr, lets: &[Expr], streams: &mut Vec<StreamIx>) {
    note_but(expr, lets, streams, &|_| false);
}

/// The same but for some of those in the expression itself.
fn note_but(expr: &Expr, lets: &[Expr], streams: &mut Vec<StreamIx>, but: &dyn Fn(&Window) -> bool) {
    expr.walk(&mut |e| match e {
        Expr::Window(w) if but(w) => {}
        Expr::Window(w) => streams.push(w.stream),
        Expr::Let(i) => {
            if let Some((named, before)) = lets.get(..=usize::from(*i)).and_then(<[Expr]>::split_last) {
                note_windows(named, before, streams);
            }
        }
        _ => {}
    });
}

/// Whether it compares a number of the reading that it is asked of.
fn bounds_a_number(expr: &Expr) -> bool {
    let number = |e: &Expr| matches!(e, Expr::Get { of: Ref::Candidate, what: Measure::Field(_) });
    match expr {
        Expr::Compare { left, right, .. } => number(left) || number(right),
        Expr::Between { value, .. } => number(value),
        Expr::Or(all) => all.iter().all(bounds_a_number),
        _ => false,
    }
}

fn conjuncts(expr: &Expr) -> Vec<&Expr> {
    match expr {
        Expr::And(all) => all.iter().flat_map(conjuncts).collect(),
        other => vec![other],
    }
}

/// Whether an expression asks what a step bound, itself or through a `let`.
pub fn refers(expr: &Expr, rule: Option<&Rule>, step: u8) -> bool {
    let mut found = false;
    expr.walk(&mut |e| {
        found |= match e {
            Expr::Get { of: Ref::Step(s), .. } | Expr::Bound { step: s, .. } => *s == step,
            Expr::Window(w) => [Anchor::Before(step), Anchor::After(step)].contains(&w.anchor),
            Expr::Let(i) => rule.is_some_and(|r| r.lets.iter().take(usize::from(*i) + 1).any(|e| refers_plainly(e, step))),
            _ => false,
        }
    });
    found
}

/// The same for a `let`, all before it being asked anyway.
fn refers_plainly(expr: &Expr, step: u8) -> bool {
    let mut found = false;
    expr.walk(&mut |e| {
        found |= match e {
            Expr::Get { of: Ref::Step(s), .. } | Expr::Bound { step: s, .. } => *s == step,
            Expr::Window(w) => [Anchor::Before(step), Anchor::After(step)].contains(&w.anchor),
            _ => false,
        }
    });
    found
}

/// Whether it can be asked of a reading when nothing is bound and no start is chosen.
pub fn stands_alone(expr: &Expr) -> bool {
    let mut alone = true;
    expr.walk(&mut |e| {
        alone &= match e {
            Expr::Get { of: Ref::Step(_) | Ref::First | Ref::Previous, .. } | Expr::Bound { .. } | Expr::Let(_) | Expr::Onset => {
                false
            }
            Expr::Window(w) => !matches!(w.anchor, Anchor::Before(_) | Anchor::After(_)),
            _ => true,
        }
    });
    alone
}
