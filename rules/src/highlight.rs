//! What each stretch of a rule file is, for colouring: the lexer's tokens with the few words that mean something, whatever the file means.
//!
//! The grammars for editors are held against this, so that a file looks alike everywhere.

use std::ops::Range;

use crate::lexer::{Kind, Token, lex};
use crate::parser::{CLAUSES, RESERVED};
use crate::source::FileId;
use vitalog_elog::{Dimension, Unit};

/// What a stretch is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Class {
    Comment,
    Text,
    Number,
    /// A time of day or an instant.
    Time,
    /// Behind a number.
    Unit,
    Keyword,
    /// A name right before a parenthesis.
    Function,
    Name,
    Operator,
}

/// A stretch of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Span {
    pub range: Range<usize>,
    pub class: Class,
}

/// Words that are not reserved and yet belong to the language, wherever they stand.
const SOFT: &[&str] = &["check", "default", "known", "optional", "amend", "remove", "set", "silent", "usually"];

/// All words that are keywords wherever they stand, in order: what a grammar for an editor has to know.
pub fn keywords() -> Vec<&'static str> {
    let mut all: Vec<&str> = [RESERVED, CLAUSES, SOFT].concat();
    all.sort_unstable();
    all.dedup();
    all
}

/// The stretches of a file in order; white space and signs that only part (`,`, `{`) are none.
pub fn highlight(text: &str) -> Vec<Span> {
    let mut ignored = Vec::new();
    let lexed = lex(FileId(0), text, 0..text.len(), &mut ignored);
    let tokens = &lexed.tokens;
    let mut spans: Vec<Span> = lexed
        .comments
        .iter()
        .map(|c| Span { range: c.start as usize..text_end(text, c.start, c.end), class: Class::Comment })
        .collect();
    let mut unit_until = 0;
    for (i, token) in tokens.iter().enumerate() {
        let before = i.checked_sub(1).map(|b| tokens[b]);
        let range = token.start as usize..token.end as usize;
        if before.is_some_and(|b| b.kind == Kind::Number) && !token.first_on_line {
            unit_until = unit_end(text, tokens, i).unwrap_or(unit_until);
        }
        let class = if range.start < unit_until { Some(Class::Unit) } else { class(text, tokens, i) };
        spans.extend(class.map(|class| Span { range, class }));
    }
    spans.sort_by_key(|s| s.range.start);
    spans
}

fn text_end(text: &str, start: u32, end: u32) -> usize {
    let words = text.get(start as usize..end as usize).unwrap_or("");
    start as usize + words.trim_end_matches('\r').len()
}

/// Where the unit ends that begins at a token, if one does.
fn unit_end(text: &str, tokens: &[Token], first: usize) -> Option<usize> {
    let mut end = first;
    while end < tokens.len() && matches!(tokens[end].kind, Kind::Word | Kind::Slash | Kind::Percent) {
        if end > first && tokens[end - 1].end != tokens[end].start {
            break;
        }
        end += 1;
    }
    let start = tokens[first].start as usize;
    (first..end).rev().map(|i| tokens[i].end as usize).find(|end| is_unit(text.get(start..*end).unwrap_or("")))
}

fn is_unit(words: &str) -> bool {
    let known = |w: &str| Unit::any_named(w).next().is_some();
    known(words) || words.rsplit_once('/').is_some_and(|(unit, per)| known(unit) && Unit::named(Dimension::Time, per).is_some())
}

fn class(text: &str, tokens: &[Token], i: usize) -> Option<Class> {
    let token = tokens[i];
    let word = text.get(token.start as usize..token.end as usize).unwrap_or("");
    Some(match token.kind {
        Kind::Text => Class::Text,
        Kind::Number => Class::Number,
        Kind::Clock | Kind::Instant => Class::Time,
        Kind::Word => {
            let dotted = i > 0 && tokens[i - 1].kind == Kind::Dot;
            let called = tokens.get(i + 1).is_some_and(|n| n.kind == Kind::OpenParen && n.start == token.end);
            if dotted {
                Class::Name
            } else if RESERVED.contains(&word) || CLAUSES.contains(&word) || SOFT.contains(&word) {
                Class::Keyword
            } else if called {
                Class::Function
            } else {
                Class::Name
            }
        }
        Kind::Eq | Kind::EqEq | Kind::Ne | Kind::Lt | Kind::Le | Kind::Gt | Kind::Ge => Class::Operator,
        Kind::Plus | Kind::Minus | Kind::Star | Kind::Slash | Kind::Percent | Kind::Pipe | Kind::DotDot => Class::Operator,
        Kind::OpenBrace | Kind::CloseBrace | Kind::OpenParen | Kind::CloseParen | Kind::Comma | Kind::Dot => return None,
        Kind::Bad | Kind::End => return None,
    })
}
