//! Of a few readings more a count is at most so many higher.
//!
//! Each reading that comes adds one to a count and at most one turn, and what leaves takes some away. So a comparison that needs more of them than there are stays false for as many readings as are missing.

use super::calm::Asked;
use super::rests::{Rest, Rests};
use crate::eval::short;
use crate::plan::{Anchor, Compare, Expr, Func, Measure, Rational};

/// For fewer readings it is not worth it: whoever is asked at the next but one is as well asked at the next.
const LEAST: i64 = 2;

impl<'a> Asked<'_, 'a> {
    /// As long as so few readings come, a condition is false that asks for more of them. `None`: it may be true, or nothing is known of it.
    pub fn lacks(&self, condition: &'a Expr) -> Option<Rests> {
        let Expr::Compare { op, left, right } = condition else { return None };
        self.lacking(*op, left, right).or_else(|| self.lacking(op.mirrored(), right, left)).map(Rests::from)
    }

    fn lacking(&self, op: Compare, left: &Expr, right: &Expr) -> Option<Rest> {
        let (Expr::Window(w), Expr::Number(Rational { n, d: 1 })) = (left, right) else { return None };
        let counts = matches!((w.func, w.what), (Func::Count, Measure::Itself) | (Func::Reversals, Measure::Field(_)));
        let is_ours = w.stream == self.stream && w.anchor == Anchor::Decision;
        if !counts || !is_ours {
            return None;
        }
        let first = match op {
            Compare::Ge | Compare::Eq => *n,
            Compare::Gt => n.checked_add(1)?,
            _ => return None,
        };
        let there = i64::try_from(short(w, self.case.line, self.table.at(self.row))?.floor()).ok()?;
        let more = first.checked_sub(there)?.checked_sub(1)?;
        (more >= LEAST).then(|| Rest::Rows((self.table.len() as i64).saturating_add(more)))
    }
}
