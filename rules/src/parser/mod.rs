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

pub use literal::{dimension_named, unknown_unit};

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
    /// What is behind the last token.
    ends: &'static str,
    diagnostics: &'a mut Vec<Diagnostic>,
}

/// Reads a file, as far as it can be read.
pub fn parse(file: FileId, text: &str, diagnostics: &mut Vec<Diagnostic>) -> File {
    let lexed = lex(file, text, 0..text.len(), diagnostics);
    Parser { file, text, lexed: &lexed, at: 0, depth: 0, partly: false, ends: Kind::End.describe(), diagnostics }.file()
}
