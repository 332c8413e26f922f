//! Which rows a window holds.

use std::ops::Range;

use super::Table;
use crate::newest::first_not;

/// The length of a window, and the row at which it began.
#[derive(Clone, Copy, Debug, Default)]
pub struct Guess {
    pub span: i64,
    pub row: u32,
}

impl Table {
    /// The rows of a half open window `(to - span, to]`.
    #[inline]
    pub fn window(&self, span: i64, to: i64) -> Range<usize> {
        let (end, after) = (self.after(to), to.saturating_sub(span));
        self.look(after.saturating_add(1));
        let known = self.begins.iter().find(|g| g.get().span == span);
        if let Some(guess) = known {
            let row = guess.get().row as usize;
            let row = if row < end && self.at[row] <= after { row + 1 } else { row };
            if row <= end && (row == 0 || self.at[row - 1] <= after) && (row == end || self.at[row] > after) {
                guess.set(Guess { span, row: row as u32 });
                return row..end;
            }
        }
        let row = first_not(&self.at[..end], |at| *at <= after);
        // A length that is new takes a free place, or that of another.
        let free = || self.begins.iter().find(|g| g.get().span == 0).unwrap_or(&self.begins[end % 4]);
        known.unwrap_or_else(free).set(Guess { span, row: row as u32 });
        row..end
    }

    /// The first row of such a window that ends at a row: looked for from there.
    pub fn begin_of_window(&self, span: i64, row: usize) -> usize {
        let after = self.at[row].saturating_sub(span);
        self.look(after.saturating_add(1));
        first_not(&self.at[..=row], |at| *at <= after)
    }
}
