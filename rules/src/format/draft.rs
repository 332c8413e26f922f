//! A file as the formatter sees it: tokens and comments in one row, with what the parser said of each.

use crate::diagnostic::{Code, Diagnostic};
use crate::lexer::{Kind, Token};
use crate::parser::{Mark, parse_whole};
use crate::source::FileId;

/// A token or a comment.
#[derive(Clone, Copy, Debug)]
pub struct Piece<'a> {
    pub text: &'a str,
    /// `None`: a comment.
    pub kind: Option<Kind>,
    /// Line breaks between it and the piece before.
    pub breaks: usize,
    /// White space of any sort stands before it.
    pub apart: bool,
    /// A declaration, clause, field or line begins here.
    pub begins: Option<Mark>,
    /// It belongs to the unit of the token before it.
    pub in_unit: bool,
    /// It is a function's name, or a unit's first word behind a number.
    pub role: Role,
    pub start: usize,
    pub end: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    Plain,
    Function,
    Unit,
}

/// One declaration: a range of pieces, and whether it can be written anew.
#[derive(Clone, Copy, Debug)]
pub struct Block {
    pub first: usize,
    pub end: usize,
    /// It could not be read: its text is kept.
    pub broken: bool,
}

#[derive(Debug)]
pub struct Draft<'a> {
    pub text: &'a str,
    pub pieces: Vec<Piece<'a>>,
    pub blocks: Vec<Block>,
}

impl<'a> Draft<'a> {
    pub fn read(text: &'a str) -> Draft<'a> {
        let mut diagnostics = Vec::new();
        let whole = parse_whole(FileId(0), text, &mut diagnostics);
        let mut pieces = Vec::new();
        let mut places = Vec::new();
        let mut comments = whole.lexed.comments.iter().peekable();
        for (i, token) in whole.lexed.tokens.iter().enumerate() {
            while let Some(comment) = comments.next_if(|c| c.before as usize <= i) {
                let words = text.get(comment.start as usize..comment.end as usize).unwrap_or("").trim_end();
                pieces.push(piece(words, None, comment.start as usize));
            }
            places.push(pieces.len());
            if token.kind != Kind::End {
                pieces.push(of_token(text, *token));
            }
        }
        gaps(text, &mut pieces);
        mark(&whole.marks, &places, &mut pieces);
        let blocks = blocks(&pieces, &diagnostics);
        Draft { text, pieces, blocks }
    }
}

fn piece(text: &str, kind: Option<Kind>, start: usize) -> Piece<'_> {
    let end = start + text.len();
    Piece { text, kind, breaks: 0, apart: true, begins: None, in_unit: false, role: Role::Plain, start, end }
}

fn of_token(text: &str, token: Token) -> Piece<'_> {
    let (start, end) = (token.start as usize, token.end as usize);
    piece(text.get(start..end).unwrap_or(""), Some(token.kind), start)
}

/// What stands between each piece and the one before it.
fn gaps(text: &str, pieces: &mut [Piece<'_>]) {
    let mut before = 0;
    for piece in pieces {
        let gap = text.get(before..piece.start).unwrap_or("");
        piece.breaks = gap.matches('\n').count();
        piece.apart = !gap.is_empty();
        before = piece.end;
    }
}

fn mark(marks: &[(u32, Mark)], places: &[usize], pieces: &mut [Piece<'_>]) {
    for (token, mark) in marks {
        let Some(place) = places.get(*token as usize).copied().filter(|p| *p < pieces.len()) else { continue };
        match mark {
            Mark::Unit(length) => {
                pieces[place].role = Role::Unit;
                let end = (place + usize::from(*length)).min(pieces.len());
                pieces[place + 1..end].iter_mut().for_each(|p| p.in_unit = true);
            }
            Mark::Call => pieces[place].role = Role::Function,
            begins => pieces[place].begins = Some(*begins),
        }
    }
}

/// The declarations. One is broken where a part of it could not be read.
fn blocks(pieces: &[Piece<'_>], diagnostics: &[Diagnostic]) -> Vec<Block> {
    let starts: Vec<usize> = (0..pieces.len()).filter(|i| pieces[*i].begins == Some(Mark::Item)).collect();
    let mut blocks: Vec<Block> = Vec::new();
    for (n, first) in starts.iter().enumerate() {
        let mut end = starts.get(n + 1).copied().unwrap_or(pieces.len());
        // Comments between two declarations belong to neither.
        while end > first + 1 && pieces[end - 1].kind.is_none() {
            end -= 1;
        }
        blocks.push(Block { first: *first, end, broken: false });
    }
    for d in diagnostics.iter().filter(|d| d.is_error()) {
        for label in &d.labels {
            let at = label.loc.start as usize;
            let next = blocks.partition_point(|b| pieces[b.first].start <= at);
            if let Some(block) = next.checked_sub(1).and_then(|i| blocks.get_mut(i)) {
                block.broken = true;
            }
            // What is missing at the end of one is told at the beginning of the next.
            if next >= 2 && pieces[blocks[next - 1].first].start == at && d.code == Code::MISSING_BRACE {
                blocks[next - 2].broken = true;
            }
        }
    }
    for block in &mut blocks {
        block.broken |= !balanced(&pieces[block.first..block.end]);
    }
    blocks
}

fn balanced(pieces: &[Piece<'_>]) -> bool {
    let count = |kind| pieces.iter().filter(|p| p.kind == Some(kind)).count();
    count(Kind::OpenBrace) == count(Kind::CloseBrace)
        && count(Kind::OpenParen) == count(Kind::CloseParen)
        && count(Kind::Bad) == 0
}
