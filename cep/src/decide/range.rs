//! Between which bounds an expression lies as long as the numbers of one field lie between two.
//!
//! A mean lies between the least and the greatest of what it is of, and so do the first, the last and any percentile; a difference is at most their distance. So it
//! is known of many conditions over windows that they cannot come true while a field moves little, however its readings come.

use std::cmp::Ordering;

use vitalog_elog::{FieldIx, StreamIx};

use crate::eval::{Ratio, Scope, Value, value};
use crate::plan::{Anchor, Arith, Compare, Expr, Func, Measure, Ref, Window};

/// From `low` to `high`, both included.
#[derive(Clone, Copy, Debug)]
pub struct Range {
    pub low: Ratio,
    pub high: Ratio,
}

/// What is supposed: each number of this field lies between these, in the reading at hand and in all that windows of the stream see.
#[derive(Clone, Copy, Debug)]
pub struct Supposed {
    pub of: Ref,
    pub stream: StreamIx,
    pub field: FieldIx,
    pub low: i64,
    pub high: i64,
}

impl Supposed {
    /// Whether a comparison cannot be true.
    pub fn never<'a>(&self, op: Compare, left: &'a Expr, right: &'a Expr, fixed: &Scope<'a, '_>) -> bool {
        let (Some(a), Some(b)) = (self.range(left, fixed), self.range(right, fixed)) else { return false };
        let (lows, highs) = (a.low.compare(b.high), a.high.compare(b.low));
        match op {
            Compare::Lt => lows != Ordering::Less,
            Compare::Le => lows == Ordering::Greater,
            Compare::Gt => highs != Ordering::Greater,
            Compare::Ge => highs == Ordering::Less,
            Compare::Eq => lows == Ordering::Greater || highs == Ordering::Less,
            Compare::Ne => false,
        }
    }

    /// Where an expression lies, if anywhere: it may be unknown as well. `fixed` is asked what hangs on no reading.
    fn range<'a>(&self, expr: &'a Expr, fixed: &Scope<'a, '_>) -> Option<Range> {
        match expr {
            Expr::Get { of, what: Measure::Field(field) } if *of == self.of && *field == self.field => Some(self.itself()),
            Expr::Window(w) => self.window(w),
            Expr::Neg(a) => {
                let a = self.range(a, fixed)?;
                Some(Range { low: a.high.neg()?, high: a.low.neg()? })
            }
            Expr::Arith { op: op @ (Arith::Add | Arith::Sub), left, right } => {
                let (a, b) = (self.range(left, fixed)?, self.range(right, fixed)?);
                Some(match op {
                    Arith::Add => Range { low: a.low.add(b.low)?, high: a.high.add(b.high)? },
                    _ => Range { low: a.low.sub(b.high)?, high: a.high.sub(b.low)? },
                })
            }
            expr if hangs_on_no_reading(expr, &[]) => match value(expr, fixed) {
                Value::Number(n) => Some(Range { low: n, high: n }),
                _ => None,
            },
            _ => None,
        }
    }

    fn itself(&self) -> Range {
        Range { low: Ratio::whole(self.low), high: Ratio::whole(self.high) }
    }

    fn window(&self, w: &Window) -> Option<Range> {
        if w.stream != self.stream || w.what != Measure::Field(self.field) || w.anchor != Anchor::Decision {
            return None;
        }
        let all = self.itself();
        match w.func {
            Func::Avg | Func::Min | Func::Max | Func::First | Func::Last | Func::Median | Func::Percentile(_) => Some(all),
            Func::Delta => Some(Range { low: all.low.sub(all.high)?, high: all.high.sub(all.low)? }),
            _ => None,
        }
    }
}

/// Whether an expression hangs on the profile at most; `lets` are those it may name.
pub fn hangs_on_no_reading(expr: &Expr, lets: &[Expr]) -> bool {
    match expr {
        Expr::Number(_) | Expr::Bool(_) | Expr::Enum(_) | Expr::Text(_) | Expr::Profile(_) => true,
        Expr::Let(i) => lets.get(usize::from(*i)).is_some_and(|e| hangs_on_no_reading(e, lets)),
        Expr::Arith { .. }
        | Expr::Neg(_)
        | Expr::If { .. }
        | Expr::Compare { .. }
        | Expr::And(_)
        | Expr::Or(_)
        | Expr::Not(_) => expr.children().into_iter().all(|e| hangs_on_no_reading(e, lets)),
        _ => false,
    }
}

/// The windows of a field that a comparison looks through, by the longest: the field and how far it looks back. `None`: through none, or through several fields.
pub fn looks_through(sides: [&Expr; 2], stream: StreamIx) -> Option<(FieldIx, i64)> {
    let mut found: Option<(FieldIx, i64)> = None;
    let mut several = false;
    for side in sides {
        side.walk(&mut |e| {
            let Expr::Window(w) = e else { return };
            let Measure::Field(field) = w.what else { return };
            if w.stream == stream {
                several |= found.is_some_and(|(known, _)| known != field);
                found = Some((field, found.map_or(0, |(_, over)| over).max(w.over.0)));
            }
        });
    }
    found.filter(|_| !several)
}
