//! Where the parts of a file begin, by token: what a formatter must know and a tree does not say.
//!
//! The parser notes it wherever it begins a part, so a new clause or kind of line is known here without a word. What the parser could not
//! read has no marks; a formatter then keeps the author's lines.

use super::Parser;

/// A part that begins at a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mark {
    /// A declaration, or whatever stands in its place.
    Item,
    /// A clause of a rule.
    Clause,
    /// A field of a stream or profile.
    Field,
    /// A line of a test, or another line of a block.
    Line,
    /// A unit behind its number, of that many tokens: it holds together.
    Unit(u8),
    /// A function, its parenthesis behind it.
    Call,
}

impl Parser<'_> {
    /// A part begins at the next token.
    pub fn mark(&mut self, mark: Mark) {
        self.marks.push((self.at as u32, mark));
    }

    /// The unit that ends before the next token.
    pub fn mark_unit(&mut self, first: usize) {
        let length = u8::try_from(self.at - first).unwrap_or(u8::MAX);
        self.marks.push((first as u32, Mark::Unit(length)));
    }
}
