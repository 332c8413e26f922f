//! Whether an interval covers or overlaps what is asked of. An interval that goes on covers all that comes.

use super::ratio::Ratio;
use super::{Rows, Scope, truth, value};
use crate::plan::{Cover, Expr};
use crate::timeline::Table;
use vitalog_elog::StreamIx;

/// What is asked.
pub struct Question<'a> {
    pub how: Cover,
    pub from: &'a Expr,
    pub to: &'a Expr,
    pub stream: StreamIx,
    pub filter: Option<&'a Expr>,
}

/// Unknown where one of the ends is.
pub fn covered<'a>(question: &Question<'a>, scope: &Scope<'a, '_>) -> Option<bool> {
    Some(covering(question, scope)?.is_some())
}

/// The first interval that does, those that have ended before those that go on.
pub fn covering<'a>(question: &Question<'a>, scope: &Scope<'a, '_>) -> Option<Option<Rows<'a>>> {
    let from = value(question.from, scope).as_number()?;
    let to = value(question.to, scope).as_number()?;
    // Ends of intervals are whole: at or before `from` is at or before its floor.
    let (begins, ends) = match question.how {
        Cover::During => (floor(from), ceiling(to)?),
        Cover::Overlaps => (floor(to), ceiling(from)?),
    };
    let fits = |rows: &Rows<'a>| question.filter.is_none_or(|f| truth(f, &scope.with_item(*rows)) == Some(true));
    let table = scope.line.table(question.stream);
    let ended = table.and_then(|table| table.meeting(ends, begins).map(|row| Rows::one(table, row)).find(&fits));
    let goes_on =
        |table: &'a Table| (0..table.after(begins)).map(|row| Rows { endless: true, ..Rows::one(table, row) }).find(&fits);
    Some(ended.or_else(|| scope.line.endless(question.stream).and_then(goes_on)))
}

fn floor(n: Ratio) -> i64 {
    i64::try_from(n.floor()).unwrap_or(if n.n < 0 { i64::MIN } else { i64::MAX })
}

/// `None` beyond all instants.
fn ceiling(n: Ratio) -> Option<i64> {
    let minus = Ratio { n: n.n.checked_neg()?, d: n.d };
    i64::try_from(minus.floor().checked_neg()?).ok()
}
