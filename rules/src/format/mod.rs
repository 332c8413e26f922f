//! One style for rule files.
//!
//! A formatter prints what was written, token by token and comment by comment, and decides only about white space: so a form that it has
//! never heard of comes out whole. Where parts begin it learns from the parser's marks. What the parser could not read is left
//! exactly as it stands.
//!
//! | file | does |
//! |---|---|
//! | `draft` | the tokens and comments in order, what the parser said of them, and which declarations are broken |
//! | `space` | whether a blank stands between two tokens |
//! | `split` | where a clause that is too long for a line is broken |
//! | `layout` | lines and their indents |
//! | `align` | columns of fields and of comments beside the text |
//!
//! INVARIANT (same words): what comes out is what went in but for white space; else nothing is changed at all.

mod align;
mod draft;
mod layout;
mod space;
mod split;

use crate::lexer::Limits;
use draft::Draft;

/// The widest line that the formatter makes of its own accord, in characters.
pub const WIDTH: usize = 130;

/// A file in the style of the house. Idempotent; the meaning of no rule changes.
pub fn format(text: &str) -> String {
    if text.len() > Limits::FILE {
        return text.to_owned();
    }
    let draft = Draft::read(text);
    let printed = align::print(layout::lines(&draft));
    // A file that is not understood well enough to be kept is left alone.
    if says(&printed).eq(says(text)) { printed } else { text.to_owned() }
}

/// All that is not white space. What the lexer has no token for counts as well.
fn says(text: &str) -> impl Iterator<Item = char> {
    text.trim_start_matches('\u{feff}').chars().filter(|c| !matches!(c, ' ' | '\t' | '\r' | '\n'))
}
