//! Tokens to syntax tree: recursive descent, tolerant of errors.
//!
//! A part that cannot be read is reported once and given up ([`Failed`]); reading goes on at the next clause, field, script line or
//! declaration, whichever the part belonged to.

mod call;
mod cursor;
mod declaration;
mod expr;
mod functions;
mod literal;
mod marks;
mod meant;
mod pattern;
mod policy;
mod rule;
mod say;
mod schedule;
mod script;
mod step;

use crate::diagnostic::Diagnostic;
use crate::lexer::{Kind, Lexed, lex};
use crate::source::FileId;
use crate::syntax::File;

pub use cursor::{CLAUSES, RESERVED};
#[cfg(test)]
pub use functions::FUNCTIONS;
pub use literal::{dimension_named, unknown_unit};
pub use marks::Mark;

/// A part could not be read, and that has been reported.
#[derive(Debug)]
pub struct Failed;

type Parsed<T> = Result<T, Failed>;

/// Where the parser stands in a file.
struct Parser<'a> {
    file: FileId,
    text: &'a str,
    lexed: &'a Lexed,
    at: usize,
    /// How many expressions are open.
    depth: u32,
    /// A part of the clause at hand could not be read, though the rest of it could.
    partly: bool,
    /// What is aggregated is at hand: `fresh` behind it belongs to the window.
    aggregated: bool,
    /// What is behind the last token.
    ends: &'static str,
    /// Where parts begin, in the order in which they were met.
    marks: Vec<(u32, Mark)>,
    diagnostics: &'a mut Vec<Diagnostic>,
}

/// A file as it was read, with everything that a tool needs to write it again.
#[derive(Debug)]
pub struct Whole {
    pub file: File,
    pub lexed: Lexed,
    pub marks: Vec<(u32, Mark)>,
}

/// Reads a file, as far as it can be read.
pub fn parse(file: FileId, text: &str, diagnostics: &mut Vec<Diagnostic>) -> File {
    parse_whole(file, text, diagnostics).file
}

/// As [`parse`], with the tokens and where the parts begin.
pub fn parse_whole(file: FileId, text: &str, diagnostics: &mut Vec<Diagnostic>) -> Whole {
    let lexed = lex(file, text, 0..text.len(), diagnostics);
    let ends = Kind::End.describe();
    let mut parser = Parser {
        file,
        text,
        lexed: &lexed,
        at: 0,
        depth: 0,
        partly: false,
        aggregated: false,
        ends,
        marks: Vec::new(),
        diagnostics,
    };
    let tree = parser.file();
    let marks = std::mem::take(&mut parser.marks);
    Whole { file: tree, lexed, marks }
}
