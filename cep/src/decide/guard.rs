//! A part of a condition that is cheap to ask and without which the whole cannot be true.
//!
//! Most readings fail it, so most readings cost one comparison of two integers per rule. Often it is the whole condition.

use vitalog_elog::FieldIx;

use super::version::Case;
use crate::eval::{holds, short};
use crate::plan::{Compare, Expr, Measure, Ref, Window};
use crate::timeline::{Set, Table};

/// `left <op> bound`, of the reading at hand.
#[derive(Debug)]
pub struct Guard {
    left: Left,
    op: Compare,
    bound: Bound,
    /// It is the condition, not only a part of it.
    pub is_all: bool,
}

#[derive(Debug)]
enum Left {
    Field(FieldIx),
    Window(Window),
}

#[derive(Debug)]
enum Bound {
    Fixed(i64),
    Profile(u16),
}

impl Guard {
    /// The first such part of a condition, which is asked of `of`.
    pub fn of(condition: &Expr, of: Ref) -> Option<Guard> {
        match condition {
            Expr::And(all) => all.iter().find_map(|e| Guard::of(e, of)).map(|guard| Guard { is_all: false, ..guard }),
            Expr::Compare { op, left, right } => {
                Guard::new(*op, left, right, of).or_else(|| Guard::new(op.mirrored(), right, left, of))
            }
            _ => None,
        }
    }

    fn new(op: Compare, left: &Expr, right: &Expr, of: Ref) -> Option<Guard> {
        let left = match left {
            Expr::Get { of: asked, what: Measure::Field(field) } if *asked == of => Left::Field(*field),
            Expr::Window(w) => Left::Window(Window::clone(w)),
            _ => return None,
        };
        let bound = match right {
            Expr::Number(n) if n.d == 1 => Bound::Fixed(n.n),
            Expr::Profile(field) => Bound::Profile(*field),
            _ => return None,
        };
        Some(Guard { left, op, bound, is_all: true })
    }

    /// Whether it is true for a row, asked at the row's own instant. `None` says nothing.
    #[inline]
    pub fn ask(&self, case: &Case<'_>, table: &Table, row: usize) -> Option<bool> {
        let bound = match self.bound {
            Bound::Fixed(n) => n,
            Bound::Profile(field) => match case.profile(field, table.at(row))? {
                Set::Number(n) => *n,
                _ => return None,
            },
        };
        let order = match &self.left {
            Left::Field(field) => table.column(*field)?.number(row)?.cmp(&bound),
            Left::Window(w) => {
                let value = short(w, case.line, table.at(row))?;
                value.n.cmp(&i128::from(bound).checked_mul(value.d)?)
            }
        };
        Some(holds(self.op, order))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn get(of: Ref) -> Box<Expr> {
        Box::new(Expr::Get { of, what: Measure::Field(FieldIx(0)) })
    }

    #[test]
    fn only_what_must_hold_becomes_a_guard() {
        let driver = || get(Ref::Driver);
        let above = Expr::Compare { op: Compare::Lt, left: Box::new(Expr::number(5)), right: driver() };
        let guard = Guard::of(&Expr::And(vec![Expr::Bool(true), above.clone()]), Ref::Driver);
        assert!(matches!(guard, Some(Guard { op: Compare::Gt, bound: Bound::Fixed(5), is_all: false, .. })));
        assert!(Guard::of(&above, Ref::Driver).is_some_and(|g| g.is_all));
        assert!(Guard::of(&Expr::Or(vec![above.clone(), Expr::Bool(true)]), Ref::Driver).is_none());
        assert!(Guard::of(&Expr::Not(Box::new(above.clone())), Ref::Driver).is_none());
        assert!(Guard::of(&above, Ref::Candidate).is_none());
    }
}
