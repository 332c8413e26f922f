//! A clause that its author wrote on one line, and that is too long for one: where it is broken.
//!
//! A clause that is broken somewhere already is left to its author, so that formatting twice changes nothing.

use std::ops::Range;

use super::WIDTH;
use super::draft::Piece;
use crate::lexer::Kind;

/// Words that begin the next part of a pattern.
const STEPS: &[&str] = &["then", "next", "without", "with", "within"];

/// The pieces of a clause before which a line begins. `width` is what the clause takes on one line.
pub fn breaks(pieces: &[Piece<'_>], clause: Range<usize>, width: usize) -> Vec<usize> {
    let inside = &pieces[clause.start + 1..clause.end];
    if width <= WIDTH || inside.iter().any(|p| p.breaks > 0 || p.kind.is_none()) {
        return Vec::new();
    }
    let steps = places(pieces, clause.clone(), |_, p| STEPS.contains(&p.text));
    if pieces[clause.start].text == "match" && !steps.is_empty() {
        return steps;
    }
    let grades = places(pieces, clause.clone(), |before, _| before.kind == Some(Kind::Comma));
    if pieces[clause.start].text == "severity" && !grades.is_empty() {
        return grades;
    }
    let mut between = 0;
    places(pieces, clause, |_, p| match p.text {
        "between" => {
            between += 1;
            false
        }
        "and" if between > 0 => {
            between -= 1;
            false
        }
        "and" | "or" => true,
        _ => false,
    })
}

/// The words outside of parentheses and counts that `wanted` wants, given the piece before.
fn places<'a>(pieces: &[Piece<'a>], clause: Range<usize>, mut wanted: impl FnMut(&Piece<'a>, &Piece<'a>) -> bool) -> Vec<usize> {
    let mut depth = 0_i32;
    let mut found = Vec::new();
    for i in clause.start + 1..clause.end {
        let piece = &pieces[i];
        match piece.kind {
            Some(Kind::OpenParen | Kind::OpenBrace) => depth += 1,
            Some(Kind::CloseParen | Kind::CloseBrace) => depth -= 1,
            Some(Kind::Word) if depth == 0 && wanted(&pieces[i - 1], piece) => found.push(i),
            _ => {}
        }
    }
    found
}
