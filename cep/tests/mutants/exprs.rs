//! Expressions with exactly one node changed.

use vitalog_cep::plan::{Expr, Piece, Rule, RuleKind, Window};

use super::trees;

/// All rules that differ from `r` by one node of one expression, `change` saying what may become of a node.
pub fn in_exprs(r: &Rule, change: &dyn Fn(&Expr) -> Vec<Expr>) -> Vec<Rule> {
    let mut all = Vec::new();
    let mut copy = r.clone();
    let count = slots(&mut copy).len();
    for place in 0..count {
        let original = slots(&mut copy)[place].clone();
        for variant in variants(&original, change) {
            let mut mutant = r.clone();
            *slots(&mut mutant)[place] = variant;
            all.push(mutant);
        }
    }
    all
}

pub fn in_windows(r: &Rule, change: &dyn Fn(&Window) -> Vec<Window>) -> Vec<Rule> {
    in_exprs(r, &|e| match e {
        Expr::Window(w) => change(w).into_iter().map(|w| Expr::Window(Box::new(w))).collect(),
        _ => vec![],
    })
}

fn variants(e: &Expr, change: &dyn Fn(&Expr) -> Vec<Expr>) -> Vec<Expr> {
    let mut all = change(e);
    let mut copy = e.clone();
    let mut place = 0;
    while let Some(part) = child(&mut copy, place).map(|c| c.clone()) {
        for variant in variants(&part, change) {
            let mut mutant = e.clone();
            child(&mut mutant, place).into_iter().for_each(|c| *c = variant.clone());
            all.push(mutant);
        }
        place += 1;
    }
    all
}

fn child(e: &mut Expr, place: usize) -> Option<&mut Expr> {
    match e {
        Expr::Not(a) | Expr::Neg(a) | Expr::IsKnown(a) | Expr::TimeOfDay(a) | Expr::DayOfWeek(a) => {
            (place == 0).then_some(&mut **a)
        }
        Expr::Wrap { value, .. } => (place == 0).then_some(&mut **value),
        Expr::Fresh { value, at, .. } => [value, at].into_iter().nth(place).map(|e| &mut **e),
        Expr::If { condition: a, then: b, otherwise: c } => [a, b, c].into_iter().nth(place).map(|e| &mut **e),
        Expr::Covered { from, to, filter, .. } => [from, to].into_iter().chain(filter).nth(place).map(|e| &mut **e),
        Expr::And(all) | Expr::Or(all) => all.get_mut(place),
        Expr::Compare { left, right, .. } | Expr::Arith { left, right, .. } => {
            [left, right].into_iter().nth(place).map(|b| &mut **b)
        }
        Expr::Between { value, low, high } | Expr::BetweenTimes { value, low, high } => {
            [value, low, high].into_iter().nth(place).map(|b| &mut **b)
        }
        Expr::In { value, list } => {
            if place == 0 {
                Some(value)
            } else {
                list.get_mut(place - 1)
            }
        }
        Expr::Window(w) => w.asks.iter_mut().chain(&mut w.filter).nth(place),
        _ => None,
    }
}

fn slots(r: &mut Rule) -> Vec<&mut Expr> {
    let mut all: Vec<&mut Expr> = Vec::new();
    match &mut r.kind {
        RuleKind::Episode(e) => {
            all.push(&mut e.when);
            all.extend(&mut e.until);
        }
        RuleKind::Silence(s) => all.extend(s.streams.iter_mut().filter_map(|h| h.filter.as_mut())),
        RuleKind::Match(p) => {
            all.extend(p.steps.iter_mut().flat_map(|s| s.filter.iter_mut().chain(&mut s.again)));
            all.extend(p.absences.iter_mut().filter_map(|a| a.filter.as_mut()));
            all.extend(p.around.iter_mut().filter_map(|a| a.absence.filter.as_mut()));
            trees::absences(&mut p.tree, &mut all);
        }
        RuleKind::Schedule(s) => {
            all.extend(&mut s.at);
            all.extend(&mut s.when);
        }
    }
    all.extend(&mut r.lets);
    all.extend(&mut r.filter);
    all.extend(r.grades.iter_mut().filter_map(|g| g.when.as_mut()));
    let texts = r.wordings.iter_mut().map(|w| &mut w.say).chain([&mut r.say]);
    all.extend(texts.flatten().filter_map(|p| if let Piece::Hole { expr, .. } = p { Some(expr) } else { None }));
    all
}
