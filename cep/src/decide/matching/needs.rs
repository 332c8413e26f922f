//! What a search may know before any reading: how much of what each step bound is still asked for at each place, what can be checked at once, and where
//! the earliest choice is as good as any.

use super::program::{Check, Need, Op, bound_by, names_first};
use super::shape::refers;
use crate::plan::{Absence, Around, Expr, Node, Pattern, Ref, Rule};

/// Finds out which checks can be asked at once: no later operation binds a step that they name, or a reading of their streams.
pub fn settle(pattern: &Pattern, ops: &[Op], checks: &mut [Check]) {
    for (pc, op) in ops.iter().enumerate() {
        let (Op::Close { check: Some(check), .. } | Op::Quiet { check, .. }) = op else { continue };
        let later: Vec<usize> = ops[pc + 1..].iter().flat_map(|op| bound_by(op).iter().copied()).collect();
        let names = |a: &Absence, i: usize| {
            pattern.steps[i].stream == a.stream || a.filter.as_ref().is_some_and(|f| refers(f, None, i as u8) || !in_itself(f))
        };
        let absences = &checks[*check].absences;
        checks[*check].at_once = absences.iter().all(|a| !later.iter().any(|i| names(a, *i)));
    }
}

/// Whether it asks for no `let`: those are the rule's, and may name any step.
fn in_itself(expr: &Expr) -> bool {
    let mut own = true;
    expr.walk(&mut |e| own &= !matches!(e, Expr::Let(_)));
    own
}

/// Whether two steps may be asked for one reading: of one stream, and not one after the other at the same edge.
pub fn shares(pattern: &Pattern) -> bool {
    fn is_ordered(node: &Node) -> bool {
        !matches!(node, Node::And(_) | Node::Or(_)) && node.children().into_iter().all(is_ordered)
    }
    let steps = &pattern.steps;
    let twice = (0..steps.len()).any(|i| steps[..i].iter().any(|s| s.stream == steps[i].stream));
    let edges = (0..steps.len()).any(|i| steps[..i].iter().any(|s| s.stream == steps[i].stream && s.edge != steps[i].edge));
    edges || (twice && !is_ordered(&pattern.tree))
}

fn need_of(rule: &Rule, pattern: &Pattern, expr: &Expr, step: usize) -> Need {
    let mut need = Need::Nothing;
    let mut note = |e: &Expr| {
        need =
            need.max(match e {
                Expr::Get { of: Ref::Step(s), .. } if usize::from(*s) == step => Need::Last,
                Expr::Bound { step: s, .. } if usize::from(*s) == step => Need::All,
                Expr::Window(w) if refers(&Expr::Window(w.clone()), None, step as u8) => {
                    if w.stream == pattern.steps[step].stream { Need::All } else { Need::Last }
                }
                _ => Need::Nothing,
            });
    };
    let mut asked = Vec::new();
    expr.walk(&mut |e| {
        note(e);
        if let Expr::Let(i) = e {
            asked.push(usize::from(*i));
        }
    });
    for e in rule.lets.iter().take(asked.into_iter().max().map_or(0, |i| i + 1)) {
        e.walk(&mut note);
    }
    need
}

/// What is asked at each operation and later of what each step bound.
pub fn needs(rule: &Rule, pattern: &Pattern, ops: &[Op], checks: &[Check], around: &[Around], shares: bool) -> Vec<Vec<Need>> {
    let steps = 0..pattern.steps.len();
    let of = |expr: &Expr, i: usize| need_of(rule, pattern, expr, i);
    let absence = |a: &Absence, i: usize| {
        if a.stream == pattern.steps[i].stream { Need::All } else { a.filter.as_ref().map_or(Need::Nothing, |f| of(f, i)) }
    };
    let list = |all: &[Absence], i: usize| all.iter().map(|a| absence(a, i)).max().unwrap_or(Need::Nothing);
    let last = steps.clone().map(|i| {
        let mut need = rule.filter.as_ref().map_or(Need::Nothing, |f| of(f, i)).max(list(&pattern.absences, i));
        for a in around {
            need = need.max(absence(&a.absence, i)).max(if usize::from(a.step) == i { Need::Last } else { Need::Nothing });
        }
        checks.iter().filter(|c| !c.at_once).map(|c| list(&c.absences, i)).fold(need, Need::max)
    });
    let mut all = vec![last.collect::<Vec<Need>>()];
    for op in ops.iter().rev() {
        let mut here = all[all.len() - 1].clone();
        for i in steps.clone() {
            for j in bound_by(op) {
                let step = &pattern.steps[*j];
                let asked = step.filter.iter().chain(&step.again).map(|e| of(e, i)).max().unwrap_or(Need::Nothing);
                let shared = if shares && step.stream == pattern.steps[i].stream { Need::All } else { Need::Nothing };
                here[i] = here[i].max(asked).max(shared);
            }
            if let Op::Close { check: Some(check), .. } | Op::Quiet { check, .. } = op {
                here[i] = here[i].max(list(&checks[*check].absences, i));
            }
        }
        all.push(here);
    }
    all.reverse();
    all
}

/// Whether the earliest choice at a step is as good as any: nothing that follows asks what it bound, and all that follows only begins the earlier.
pub fn is_free(pattern: &Pattern, ops: &[Op], needs: &[Vec<Need>], pc: usize, bare: bool) -> bool {
    let Op::Step(i) = &ops[pc] else { return false };
    let step = &pattern.steps[*i];
    let framed = ops[..pc].iter().fold(0, |open, op| match op {
        Op::Begin { .. } => open + 1,
        Op::Close { .. } => open - 1,
        _ => open,
    });
    let is_last = pc + 1 == ops.len();
    framed == 0
        && step.again.is_none()
        && !step.in_a_row
        && !names_first(step)
        && needs[pc + 1][*i] == Need::Nothing
        && ops[pc + 1..].iter().all(|op| matches!(op, Op::Then | Op::Step(_)))
        && (!is_last || bare)
}
