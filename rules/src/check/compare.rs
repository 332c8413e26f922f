//! Conditions: comparisons, `between`, `in`, `and`, `or`, `not`; and what can be told of them without a reading.

use std::cmp::Ordering;

use vitalog_cep::plan::{Compare, Expr as Plan, Rational};
use vitalog_elog::quantity::format_atoms;

use super::Checker;
use super::clock::time_of_day;
use super::number;
use super::value::{Fact, Ty, Typed};
use crate::diagnostic::{Code, Diagnostic};
use crate::source::Loc;
use crate::syntax::{BinaryOp, Expr};

impl Checker<'_> {
    pub fn compare(&mut self, op: BinaryOp, op_loc: Loc, left: &Expr, right: &Expr, loc: Loc) -> Typed {
        let (a, b) = self.pair(left, right, None);
        self.compared(op, op_loc, a, b, loc)
    }

    fn compared(&mut self, op: BinaryOp, op_loc: Loc, a: Typed, b: Typed, loc: Loc) -> Typed {
        let compare = comparison(op);
        let Some((a, b)) = self.comparable(a, b) else { return Typed::error(loc) };
        let equality = matches!(compare, Compare::Eq | Compare::Ne);
        match &a.ty {
            Ty::Bool if equality => return equal_conditions(compare, a, b, loc),
            Ty::Bool | Ty::Text if !equality => {
                let d =
                    Diagnostic::new(Code::NO_ORDER, format!("{} has no order", a.ty), op_loc, "only `=` and `!=` compare these");
                self.diagnostics.push(d.label(a.loc, format!("this is {}", a.describe())));
                return Typed::error(loc);
            }
            Ty::Enum(words) if !equality && !words.ordered => {
                let d =
                    Diagnostic::new(Code::NO_ORDER, "these words have no order", op_loc, "only `=`, `!=` and `in` compare them")
                        .label(a.loc, format!("this is {}", a.describe()));
                self.diagnostics.push(d.help("declare them with `<` between them if they have one"));
                return Typed::error(loc);
            }
            _ => {}
        }
        let (less, equal, greater) = a.bounds.orders(b.bounds);
        let can_hold = match compare {
            Compare::Lt => less,
            Compare::Le => less || equal,
            Compare::Gt => greater,
            Compare::Ge => greater || equal,
            Compare::Eq => equal,
            Compare::Ne => less || greater,
        };
        let can_fail = match compare {
            Compare::Lt => equal || greater,
            Compare::Le => greater,
            Compare::Gt => less || equal,
            Compare::Ge => less,
            Compare::Eq => less || greater,
            Compare::Ne => equal,
        };
        let truth = match (can_hold, can_fail) {
            (false, _) => Some(false),
            (_, false) => Some(true),
            _ => None,
        };
        let told = truth.is_some() && self.out_of_range(&a, &b, truth == Some(true));
        let facts = facts(compare, &a, &b);
        let expr = Plan::Compare { op: compare, left: Box::new(a.expr), right: Box::new(b.expr) };
        Typed { truth, told, facts, ..Typed::bool(expr, loc) }
    }

    /// Two values of one type, or a report that they are not.
    fn comparable(&mut self, a: Typed, b: Typed) -> Option<(Typed, Typed)> {
        match (&a.ty, &b.ty) {
            (Ty::Error, _) | (_, Ty::Error) => None,
            (Ty::Number(_), Ty::Number(_)) => self.aligned(a, b, "compared with"),
            (Ty::Enum(x), Ty::Enum(y)) if x.words == y.words => Some((a, b)),
            (x, y) if x == y && !matches!(x, Ty::Enum(_)) => Some((a, b)),
            // An instant beside a time of day is meant by its own.
            (Ty::Instant, Ty::TimeOfDay) => Some((time_of_day(a), b)),
            (Ty::TimeOfDay, Ty::Instant) => Some((a, time_of_day(b))),
            _ => {
                let d = Diagnostic::new(
                    if matches!((&a.ty, &b.ty), (Ty::Number(_) | Ty::Instant, Ty::Number(_) | Ty::Instant)) {
                        Code::UNITS
                    } else {
                        Code::TYPE
                    },
                    format!("{} is compared with {}", a.ty, b.ty),
                    b.loc,
                    format!("this is {}", b.describe()),
                );
                self.diagnostics.push(d.label(a.loc, format!("this is {}", a.describe())));
                None
            }
        }
    }

    /// A threshold beyond what the other side can be.
    fn out_of_range(&mut self, a: &Typed, b: &Typed, always: bool) -> bool {
        let (field, threshold) = match (a.plausible, b.as_constant(), b.plausible, a.as_constant()) {
            (true, Some(_), _, _) => (a, b),
            (_, _, true, Some(_)) => (b, a),
            _ => return false,
        };
        let (Some(unit), Some(low), Some(high)) = (field.unit, field.bounds.low, field.bounds.high) else { return false };
        let show = |r: Rational| format_atoms(i128::from(r.n), i128::from(r.d), unit);
        let effect = if always { "so this always holds" } else { "so this never holds" };
        let d = Diagnostic::new(Code::OUT_OF_RANGE, "a threshold outside the plausible range", threshold.loc, effect)
            .label(field.loc, format!("plausible from {} to {}", show(low), show(high)));
        self.diagnostics.push(d.note("readings outside the plausible range are refused at the door"));
        true
    }

    pub fn between(&mut self, value: &Expr, low: &Expr, high: &Expr, loc: Loc) -> Typed {
        let (v, l) = self.pair(value, low, None);
        let h = self.infer(high, Some(if v.is_error() { &l.ty } else { &v.ty }));
        let Some((v, l)) = self.comparable(v, l) else { return Typed::error(loc) };
        let Some((v, h)) = self.comparable(v, h) else { return Typed::error(loc) };
        if v.ty == Ty::TimeOfDay {
            let (value, low, high) = (Box::new(v.expr), Box::new(l.expr), Box::new(h.expr));
            return Typed::bool(Plan::BetweenTimes { value, low, high }, loc);
        }
        if matches!(v.ty, Ty::Bool | Ty::Text) || matches!(&v.ty, Ty::Enum(words) if !words.ordered) {
            let d = Diagnostic::new(Code::NO_ORDER, format!("{} has no order", v.ty), v.loc, "nothing lies between these");
            self.diagnostics.push(d);
            return Typed::error(loc);
        }
        let mut facts = facts(Compare::Ge, &v, &l);
        facts.extend(self::facts(Compare::Le, &v, &h));
        let mut truth = None;
        let mut told = false;
        if let (Some(x), Some(y)) = (l.bounds.low, h.bounds.high)
            && number::compare(x, y) == Ordering::Greater
        {
            truth = Some(false);
            told = true;
            let d = Diagnostic::new(Code::NEVER, "nothing lies between these", l.loc.to(h.loc), "the first is above the second");
            self.diagnostics.push(d.help("write the lower end first; both ends are included"));
        } else if !v.bounds.orders(h.bounds).0 && !v.bounds.orders(h.bounds).1
            || !v.bounds.orders(l.bounds).2 && !v.bounds.orders(l.bounds).1
        {
            truth = Some(false);
            told = self.out_of_range(&v, &l, false);
        }
        let expr = Plan::Between { value: Box::new(v.expr), low: Box::new(l.expr), high: Box::new(h.expr) };
        Typed { truth, told, facts, ..Typed::bool(expr, loc) }
    }

    pub fn in_list(&mut self, value: &Expr, list: &[Expr], loc: Loc) -> Typed {
        let mut value = self.infer(value, None);
        let mut plans = Vec::new();
        let mut failed = value.is_error();
        for item in list {
            let item = self.infer(item, Some(&value.ty));
            if matches!(value.ty, Ty::Bool) {
                let d = Diagnostic::new(Code::TYPE, "a condition is not looked up in a list", value.loc, "this is a condition");
                self.diagnostics.push(d);
                return Typed::error(loc);
            }
            match self.comparable(value.clone(), item) {
                Some((v, item)) => {
                    value = v;
                    plans.push(item.expr);
                }
                None => failed = true,
            }
        }
        if failed {
            return Typed::error(loc);
        }
        Typed::bool(Plan::In { value: Box::new(value.expr), list: plans }, loc)
    }

    pub fn not(&mut self, inner: &Expr, loc: Loc) -> Typed {
        let a = self.condition(inner, "what follows `not`");
        if a.is_error() {
            return Typed::error(loc);
        }
        Typed { truth: a.truth.map(|t| !t), told: a.told, ..Typed::bool(Plan::Not(Box::new(a.expr)), loc) }
    }

    pub fn and(&mut self, all: &[Expr], loc: Loc) -> Typed {
        let parts: Vec<Typed> = all.iter().map(|e| self.condition(e, "each side of `and`")).collect();
        if parts.iter().any(Typed::is_error) {
            return Typed::error(loc);
        }
        let never = parts.iter().find(|p| p.truth == Some(false));
        let mut truth = never.map(|_| false);
        let mut told = never.is_some_and(|p| p.told);
        if truth.is_none() && parts.iter().all(|p| p.truth == Some(true)) {
            truth = Some(true);
        }
        if truth.is_none()
            && let Some((i, j)) = contradiction(&parts)
        {
            let d = Diagnostic::new(Code::NEVER, "two conditions that exclude each other", parts[j].loc, "this cannot hold")
                .label(parts[i].loc, "where this holds");
            self.diagnostics.push(d.help("did you mean `or`?"));
            (truth, told) = (Some(false), true);
        }
        let facts = parts.iter().flat_map(|p| p.facts.clone()).collect();
        Typed { truth, told, facts, ..Typed::bool(Plan::And(parts.into_iter().map(|p| p.expr).collect()), loc) }
    }

    pub fn or(&mut self, all: &[Expr], loc: Loc) -> Typed {
        let parts: Vec<Typed> = all.iter().map(|e| self.condition(e, "each side of `or`")).collect();
        if parts.iter().any(Typed::is_error) {
            return Typed::error(loc);
        }
        let truth = if parts.iter().any(|p| p.truth == Some(true)) {
            Some(true)
        } else if parts.iter().all(|p| p.truth == Some(false)) {
            Some(false)
        } else {
            None
        };
        let told = parts.iter().any(|p| p.told && p.truth == truth);
        Typed { truth, told, ..Typed::bool(Plan::Or(parts.into_iter().map(|p| p.expr).collect()), loc) }
    }
}

fn comparison(op: BinaryOp) -> Compare {
    match op {
        BinaryOp::Lt => Compare::Lt,
        BinaryOp::Le => Compare::Le,
        BinaryOp::Gt => Compare::Gt,
        BinaryOp::Ge => Compare::Ge,
        BinaryOp::Ne => Compare::Ne,
        _ => Compare::Eq,
    }
}

/// `a = true` is `a`; of two conditions: both or neither.
fn equal_conditions(op: Compare, a: Typed, b: Typed, loc: Loc) -> Typed {
    let negate = |e: Plan| Plan::Not(Box::new(e));
    let same = match (&a.expr, &b.expr) {
        (_, Plan::Bool(true)) => a.expr,
        (_, Plan::Bool(false)) => negate(a.expr),
        (Plan::Bool(true), _) => b.expr,
        (Plan::Bool(false), _) => negate(b.expr),
        _ => Plan::Or(vec![Plan::And(vec![a.expr.clone(), b.expr.clone()]), Plan::And(vec![negate(a.expr), negate(b.expr)])]),
    };
    Typed::bool(if op == Compare::Eq { same } else { negate(same) }, loc)
}

/// What a comparison with a constant says of the other side.
fn facts(op: Compare, a: &Typed, b: &Typed) -> Vec<Fact> {
    let constant = |t: &Typed| match t.expr {
        Plan::Number(r) => Some(r),
        Plan::Enum(i) => Some(number::whole(i64::from(i))),
        _ => None,
    };
    let turned = match op {
        Compare::Lt => Compare::Gt,
        Compare::Le => Compare::Ge,
        Compare::Gt => Compare::Lt,
        Compare::Ge => Compare::Le,
        other => other,
    };
    match (constant(a), constant(b)) {
        (None, Some(value)) => vec![Fact { key: a.expr.clone(), op, value }],
        (Some(value), None) => vec![Fact { key: b.expr.clone(), op: turned, value }],
        _ => Vec::new(),
    }
}

/// Two parts of an `and` that say of one thing what cannot both be.
fn contradiction(parts: &[Typed]) -> Option<(usize, usize)> {
    const MOST: usize = 64;
    let all: Vec<(usize, &Fact)> =
        parts.iter().enumerate().flat_map(|(i, p)| p.facts.iter().map(move |f| (i, f))).take(MOST).collect();
    for (n, (i, a)) in all.iter().enumerate() {
        for (j, b) in &all[n + 1..] {
            if i != j && a.key == b.key && excludes(a, b) {
                return Some((*i, *j));
            }
        }
    }
    None
}

fn excludes(a: &Fact, b: &Fact) -> bool {
    let order = number::compare(a.value, b.value);
    let upper = |op| matches!(op, Compare::Lt | Compare::Le);
    let lower = |op| matches!(op, Compare::Gt | Compare::Ge);
    match (a.op, b.op) {
        (Compare::Eq, Compare::Eq) => order != Ordering::Equal,
        (Compare::Eq, Compare::Ne) | (Compare::Ne, Compare::Eq) => order == Ordering::Equal,
        (Compare::Eq, _) | (_, Compare::Eq) => {
            let (value, other) = if a.op == Compare::Eq { (a.value, b) } else { (b.value, a) };
            !admits(other, value)
        }
        (x, y) if upper(x) && lower(y) => {
            order == Ordering::Less || (order == Ordering::Equal && !(x == Compare::Le && y == Compare::Ge))
        }
        (x, y) if lower(x) && upper(y) => {
            order == Ordering::Greater || (order == Ordering::Equal && !(x == Compare::Ge && y == Compare::Le))
        }
        _ => false,
    }
}

fn admits(fact: &Fact, value: Rational) -> bool {
    let order = number::compare(value, fact.value);
    match fact.op {
        Compare::Lt => order == Ordering::Less,
        Compare::Le => order != Ordering::Greater,
        Compare::Gt => order == Ordering::Greater,
        Compare::Ge => order != Ordering::Less,
        Compare::Eq => order == Ordering::Equal,
        Compare::Ne => order != Ordering::Equal,
    }
}
