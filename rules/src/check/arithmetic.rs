//! Sums, differences, products and quotients. Quantities of one dimension share their atoms, so there is nothing to convert but shares.

use vitalog_cep::plan::{Arith, Expr as Plan};
use vitalog_elog::{Dimension, Unit};

use super::Checker;
use super::dimension::Dim;
use super::number::{Bounds, compute, whole};
use super::value::{Ty, Typed};
use crate::diagnostic::{Code, Diagnostic};
use crate::source::Loc;
use crate::syntax::{BinaryOp, Expr};

/// Atoms of the plain number 1 as a ratio.
const RATIO: i64 = 100_000_000;

impl Checker<'_> {
    pub fn arithmetic(&mut self, op: BinaryOp, op_loc: Loc, left: &Expr, right: &Expr, loc: Loc, hint: Option<&Ty>) -> Typed {
        let (a, b) = match op {
            BinaryOp::Add | BinaryOp::Sub => self.pair(left, right, hint),
            // The dimension of a product is that of the factor that has one: the other is a plain number, or the dimensions clash anyway.
            _ if self.needs_hint(left) => (self.infer(left, hint), self.infer(right, None)),
            _ => (self.infer(left, None), self.infer(right, hint)),
        };
        if a.is_error() || b.is_error() {
            return Typed::error(loc);
        }
        match op {
            BinaryOp::Add | BinaryOp::Sub => self.sum(op, op_loc, a, b, loc),
            _ => self.product(op, op_loc, a, b, loc),
        }
    }

    pub fn negate(&mut self, inner: &Expr, loc: Loc, hint: Option<&Ty>) -> Typed {
        let a = self.infer(inner, hint);
        match a.ty {
            Ty::Error => Typed::error(loc),
            Ty::Number(dim) => {
                let expr = match a.as_constant().and_then(|r| compute(Arith::Sub, whole(0), r)) {
                    Some(minus) => Plan::Number(minus),
                    None => Plan::Neg(Box::new(a.expr)),
                };
                Typed { unit: a.unit, bare: a.bare, bounds: a.bounds.negated(), ..Typed::new(expr, Ty::Number(dim), loc) }
            }
            _ => self.no_number(&a, loc),
        }
    }

    fn no_number(&mut self, what: &Typed, loc: Loc) -> Typed {
        let d = Diagnostic::new(Code::TYPE, "a number is needed", what.loc, format!("this is {}", what.describe()));
        self.diagnostics.push(d);
        Typed::error(loc)
    }

    fn sum(&mut self, op: BinaryOp, op_loc: Loc, a: Typed, b: Typed, loc: Loc) -> Typed {
        let minus = op == BinaryOp::Sub;
        let span = |t: &Typed| t.ty == Ty::Number(Dim::time());
        if let Some(typed) = around_the_clock(arith(op), &a, &b, loc) {
            return typed;
        }
        match (&a.ty, &b.ty) {
            (Ty::Instant, Ty::Instant) if minus => self.joined(Arith::Sub, a, b, Ty::Number(Dim::time()), op_loc, loc),
            (Ty::Instant, Ty::Number(_)) if span(&b) => self.joined(arith(op), a, b, Ty::Instant, op_loc, loc),
            (Ty::Number(_), Ty::Instant) if span(&a) && !minus => self.joined(Arith::Add, a, b, Ty::Instant, op_loc, loc),
            (Ty::Instant, _) | (_, Ty::Instant) => {
                let verb = if minus { "subtracted from" } else { "added to" };
                let d = Diagnostic::new(
                    Code::UNITS,
                    format!("{} cannot be {verb} {}", b.ty, a.ty),
                    b.loc,
                    format!("this is {}", b.describe()),
                )
                .label(a.loc, format!("this is {}", a.describe()));
                self.diagnostics
                    .push(d.help("an instant goes with a span of time (`meal.at + 2 h`); two instants only with `-`"));
                Typed::error(loc)
            }
            (Ty::Number(_), Ty::Number(_)) => {
                let verb = if minus { "subtracted from" } else { "added to" };
                match self.aligned(a, b, verb) {
                    Some((a, b)) => {
                        let ty = if a.ty == Ty::Number(Dim::PLAIN) { b.ty.clone() } else { a.ty.clone() };
                        self.joined(arith(op), a, b, ty, op_loc, loc)
                    }
                    None => Typed::error(loc),
                }
            }
            (Ty::Number(_), _) => self.no_number(&b, loc),
            _ => self.no_number(&a, loc),
        }
    }

    /// Brings two numbers to the same atoms, or reports that they do not convert.
    pub fn aligned(&mut self, a: Typed, b: Typed, verb: &str) -> Option<(Typed, Typed)> {
        let (Ty::Number(x), Ty::Number(y)) = (&a.ty, &b.ty) else { return None };
        let (x, y) = (*x, *y);
        let ratio = Dim::of(Dimension::Ratio);
        let count = Dim::of(Dimension::Count);
        if x == y || (x.is_plain() && y == count) || (y.is_plain() && x == count) {
            return Some((a, b));
        }
        // A bare number beside a percentage is a slip: 20 would be 2000 %.
        let percent = |t: &Typed| t.unit.is_some_and(|u| u.atoms() != RATIO);
        if x.is_plain() && y == ratio && !(a.bare && percent(&b)) {
            return Some((self.scaled(a, Arith::Mul, ratio), b));
        }
        if y.is_plain() && x == ratio && !(b.bare && percent(&a)) {
            let b = self.scaled(b, Arith::Mul, ratio);
            return Some((a, b));
        }
        let d = match (a.bare, b.bare) {
            (true, false) if !y.is_plain() => without_unit(&a, &b),
            (false, true) if !x.is_plain() => without_unit(&b, &a),
            _ => Diagnostic::new(Code::UNITS, format!("{} is {verb} {}", b.ty, a.ty), b.loc, format!("this is {}", b.describe()))
                .label(a.loc, format!("this is {}", a.describe()))
                .note(format!("{} and {} do not convert into each other", a.ty, b.ty)),
        };
        self.diagnostics.push(d);
        None
    }

    /// A plain number as a ratio, or a ratio as a plain number.
    fn scaled(&mut self, a: Typed, op: Arith, dim: Dim) -> Typed {
        let factor = whole(RATIO);
        let apply = |r| compute(op, r, factor);
        let bounds = Bounds { low: a.bounds.low.and_then(apply), high: a.bounds.high.and_then(apply) };
        let expr = match a.as_constant().and_then(apply) {
            Some(value) => Plan::Number(value),
            None => Plan::Arith { op, left: Box::new(a.expr), right: Box::new(Plan::Number(factor)) },
        };
        Typed { expr, ty: Ty::Number(dim), unit: None, bounds, plausible: a.plausible, ..Typed::error(a.loc) }
    }

    fn product(&mut self, op: BinaryOp, op_loc: Loc, a: Typed, b: Typed, loc: Loc) -> Typed {
        let (Ty::Number(x), Ty::Number(y)) = (a.ty.clone(), b.ty.clone()) else {
            let wrong = if matches!(a.ty, Ty::Number(_)) { &b } else { &a };
            return self.no_number(wrong, loc);
        };
        let ratio = Dim::of(Dimension::Ratio);
        // Only a share beside a plain number, or divided by a share, keeps its atoms: INVARIANT (ratios are plain in products).
        let keep = match op {
            BinaryOp::Mul => x.is_plain() || y.is_plain(),
            _ => y.is_plain() || (x == ratio && y == ratio),
        };
        let a = if x == ratio && !keep { self.scaled(a, Arith::Div, Dim::PLAIN) } else { a };
        let b = if y == ratio && !keep { self.scaled(b, Arith::Div, Dim::PLAIN) } else { b };
        let (Ty::Number(x), Ty::Number(y)) = (&a.ty, &b.ty) else { return Typed::error(loc) };
        let dim = match op {
            BinaryOp::Mul => x.times(*y),
            _ => x.per(*y),
        };
        let Some(dim) = dim else {
            self.diagnostics.push(Diagnostic::new(
                Code::ARITHMETIC,
                "a product of too many quantities",
                loc,
                "no measurement has such a dimension",
            ));
            return Typed::error(loc);
        };
        if op == BinaryOp::Div && b.as_constant().is_some_and(|r| r.n == 0) {
            self.diagnostics.push(
                Diagnostic::new(Code::ARITHMETIC, "a division by zero", b.loc, "this is zero").label(op_loc, "divided here"),
            );
            return Typed::error(loc);
        }
        let mut product = self.joined(arith(op), a, b, Ty::Number(dim), op_loc, loc);
        product.unit = product.unit.filter(|u| dim.is(u.dimension()));
        product
    }

    /// The node itself; two constants are computed at once.
    fn joined(&mut self, op: Arith, a: Typed, b: Typed, ty: Ty, op_loc: Loc, loc: Loc) -> Typed {
        let unit: Option<Unit> = match (a.as_constant(), b.as_constant()) {
            (Some(_), None) => b.unit.or(a.unit),
            _ => a.unit.or(b.unit),
        };
        let bounds = match op {
            Arith::Add => a.bounds.plus(b.bounds),
            Arith::Sub => a.bounds.plus(b.bounds.negated()),
            Arith::Mul | Arith::Div => Bounds::NONE,
        };
        if let (Some(x), Some(y)) = (a.as_constant(), b.as_constant()) {
            return match compute(op, x, y) {
                Some(value) => Typed {
                    unit,
                    bare: a.bare && b.bare,
                    bounds: Bounds::exactly(value),
                    ..Typed::new(Plan::Number(value), ty, loc)
                },
                None => {
                    let d = Diagnostic::new(Code::ARITHMETIC, "a constant that is too large to be exact", loc, "cannot be kept");
                    self.diagnostics.push(d.label(op_loc, "computed here"));
                    Typed::error(loc)
                }
            };
        }
        let expr = Plan::Arith { op, left: Box::new(a.expr), right: Box::new(b.expr) };
        Typed { unit, bounds, ..Typed::new(expr, ty, loc) }
    }
}

/// A time of day and a span go round the clock; of two times of day the difference is the shorter way.
fn around_the_clock(op: Arith, a: &Typed, b: &Typed, loc: Loc) -> Option<Typed> {
    let span = |t: &Typed| t.ty == Ty::Number(Dim::time());
    let (signed, ty) = match (&a.ty, &b.ty) {
        (Ty::TimeOfDay, Ty::TimeOfDay) if op == Arith::Sub => (true, Ty::Number(Dim::time())),
        (Ty::TimeOfDay, Ty::Number(_)) if span(b) => (false, Ty::TimeOfDay),
        (Ty::Number(_), Ty::TimeOfDay) if span(a) && op == Arith::Add => (false, Ty::TimeOfDay),
        _ => return None,
    };
    let value = Plan::Arith { op, left: Box::new(a.expr.clone()), right: Box::new(b.expr.clone()) };
    Some(Typed::new(Plan::Wrap { value: Box::new(value), signed }, ty, loc))
}

fn arith(op: BinaryOp) -> Arith {
    match op {
        BinaryOp::Add => Arith::Add,
        BinaryOp::Sub => Arith::Sub,
        BinaryOp::Mul => Arith::Mul,
        _ => Arith::Div,
    }
}

/// A bare number beside a quantity.
fn without_unit(bare: &Typed, other: &Typed) -> Diagnostic {
    let d = Diagnostic::new(
        Code::NO_UNIT,
        format!("a number without a unit, where {} is needed", other.ty),
        bare.loc,
        "of what unit?",
    )
    .label(other.loc, format!("this is {}", other.describe()));
    let unit = match (other.unit, &other.ty) {
        (Some(unit), _) => Some(unit.name()),
        (None, Ty::Number(dim)) if *dim == Dim::time() => Some("min"),
        (None, Ty::Number(dim)) => dim.single().map(|d| d.usual_unit().name()),
        _ => None,
    };
    match unit {
        Some(unit) => d.fix(format!("say the unit, for example `{unit}`"), bare.loc.after(), format!(" {unit}")),
        None => d,
    }
}
