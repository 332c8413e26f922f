//! `X if C, otherwise Y`: both values must be of one kind.

use vitalog_cep::plan::Expr as Plan;

use super::Checker;
use super::value::{Ty, Typed};
use crate::diagnostic::{Code, Diagnostic};
use crate::source::Loc;
use crate::syntax::Expr;

impl Checker<'_> {
    pub fn choice(&mut self, then: &Expr, condition: &Expr, otherwise: &Expr, loc: Loc, hint: Option<&Ty>) -> Typed {
        let condition = self.condition(condition, "what follows `if`");
        let (a, b) = if self.needs_hint(then) && self.needs_hint(otherwise) {
            (self.infer(then, hint), self.infer(otherwise, hint))
        } else {
            self.pair(then, otherwise, hint)
        };
        if condition.is_error() || a.is_error() || b.is_error() {
            return Typed::error(loc);
        }
        let (a, b) = match (&a.ty, &b.ty) {
            (Ty::Number(_), Ty::Number(_)) => match self.aligned(a, b, "an alternative to") {
                Some(both) => both,
                None => return Typed::error(loc),
            },
            (x, y) if x == y => (a, b),
            _ => {
                let message = format!("{} is an alternative to {}", b.ty, a.ty);
                let d = Diagnostic::new(Code::TYPE, message, b.loc, format!("this is {}", b.describe()));
                self.diagnostics.push(d.label(a.loc, format!("this is {}", a.describe())));
                return Typed::error(loc);
            }
        };
        let ty = a.ty.clone();
        let unit = a.unit.or(b.unit);
        let (condition, then, otherwise) = (Box::new(condition.expr), Box::new(a.expr), Box::new(b.expr));
        Typed { unit, ..Typed::new(Plan::If { condition, then, otherwise }, ty, loc) }
    }
}
