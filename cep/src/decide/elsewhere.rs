//! What readings of other streams decide, as long as none comes or goes there.
//!
//! A count over another stream only falls while nothing comes there, and that at instants that are known. So a rule that finds something only where something was eaten rests while nothing was, and one that
//! finds something only where nothing was until that has left.
//!
//! INVARIANT (elsewhere): while a stream is unheard no window of a later decision counts more of it than lie after where the window at hand begins, and none that is over before the first of
//! some readings leaves counts fewer than these.

use std::ops::Range;

use super::calm::Asked;
use super::rests::{Rest, Rests};
use crate::eval::counting;
use crate::plan::{Anchor, Compare, Expr, Func, Measure, Rational, Ref, Window};
use crate::timeline::{Table, hangs_on_the_reading};

/// Of more readings nothing is said.
const FAR: usize = 64;

impl<'a> Asked<'_, 'a> {
    /// As long as this holds of the next readings, `left op right` is false, as it is now: one side counts readings of another stream. `None`: it may be true, or nothing is known of it.
    pub fn unheard(&self, op: Compare, left: &'a Expr, right: &'a Expr, of: Ref) -> Option<Rests> {
        // What a pattern passed over at rest it makes up for later, and would see then what came meanwhile.
        if of != Ref::Driver {
            return None;
        }
        self.counted(op, left, right).or_else(|| self.counted(op.mirrored(), right, left))
    }

    fn counted(&self, op: Compare, left: &'a Expr, right: &Expr) -> Option<Rests> {
        let (Expr::Window(w), Expr::Number(Rational { n, d: 1 })) = (left, right) else { return None };
        let is_elsewhere = w.stream != self.stream && w.stream.derived().is_none();
        if w.func != Func::Count || !is_elsewhere || w.anchor != Anchor::Decision || w.fresh.is_some() || !hangs_on_itself(w) {
            return None;
        }
        // True of no fewer than `least`, and of no more than `most`.
        let (least, most) = match op {
            Compare::Ge => (*n, i64::MAX),
            Compare::Gt => (n.checked_add(1)?, i64::MAX),
            Compare::Eq => (*n, *n),
            Compare::Le => (i64::MIN, *n),
            Compare::Lt => (i64::MIN, n.checked_sub(1)?),
            Compare::Ne if *n == 0 => (1, i64::MAX),
            Compare::Ne => return None,
        };
        let mut rests = Rests::from(Rest::Unheard(w.stream));
        let Some(table) = self.case.line.table(w.stream) else { return (least > 0).then_some(rests) };
        let now = self.table.at(self.row);
        let seen = table.window(w.over.0, now);
        // Those that come later are there already, and will be seen.
        let all = seen.start..table.len();
        if all.len() > FAR {
            return None;
        }
        if (self.fitting(w, table, all).count() as i64) < least {
            return Some(rests);
        }
        let beyond = usize::try_from(most.max(-1).checked_add(1)?).ok()?;
        // While the last so many are within there are too many.
        let row = self.fitting(w, table, seen).rev().nth(beyond.checked_sub(1)?)?;
        rests.push(Rest::Before(table.at(row).saturating_add(w.over.0)));
        Some(rests)
    }

    /// The rows that a window counts.
    fn fitting(&self, w: &'a Window, table: &'a Table, rows: Range<usize>) -> impl DoubleEndedIterator<Item = usize> {
        let now = self.table.at(self.row);
        counting(w, &self.case.scope(now, now), table, rows).into_iter()
    }
}

/// Whether it is told of a reading by what it says alone, and by the profile of its instant, whether a window counts it.
fn hangs_on_itself(w: &Window) -> bool {
    let mut is_own = matches!(w.what, Measure::Itself | Measure::Field(_));
    w.filter.iter().for_each(|filter| filter.walk(&mut |e| is_own &= hangs_on_the_reading(e)));
    is_own
}
