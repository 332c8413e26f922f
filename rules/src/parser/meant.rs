//! What was probably meant where something else was expected: the words and signs of other tools, and of everyday speech.
//!
//! Only hints: nothing here makes a wrong file compile.

use super::Parser;
use crate::diagnostic::{Code, Diagnostic};
use crate::lexer::{Kind, Token};
use crate::source::Loc;

/// Words that begin no clause, with the one that was meant.
const CLAUSES: &[(&str, &str)] = &[
    ("if", "when"),
    ("whenever", "when"),
    ("where", "when"),
    ("on", "when"),
    ("condition", "when"),
    ("pattern", "match"),
    ("message", "say"),
    ("text", "say"),
    ("tell", "say"),
    ("print", "say"),
    ("alert", "notify"),
    ("send", "notify"),
    ("source", "cite"),
    ("priority", "severity"),
    ("level", "severity"),
    ("schedule", "every"),
];

/// Words of speech for a comparison, with the sign.
const COMPARISONS: &[(&str, &str)] = &[
    ("below", "<"),
    ("under", "<"),
    ("less", "<"),
    ("lower", "<"),
    ("smaller", "<"),
    ("above", ">"),
    ("more", ">"),
    ("greater", ">"),
    ("higher", ">"),
    ("exceeds", ">"),
    ("equals", "="),
    ("equal", "="),
    ("is", "="),
    ("least", ">="),
    ("most", "<="),
];

impl Parser<'_> {
    /// A word where a clause should begin.
    pub fn clause_meant(&self, d: Diagnostic, word: &str, loc: Loc) -> Diagnostic {
        if let Some((_, meant)) = CLAUSES.iter().find(|(w, _)| *w == word) {
            return d.fix(format!("write `{meant}`"), loc, *meant);
        }
        if let Some((_, sign)) = COMPARISONS.iter().find(|(w, _)| *w == word) {
            return d.help(format!("a comparison is written by its sign: `{sign}`"));
        }
        match word {
            "then" | "next" | "without" | "within" => {
                d.help(format!("`{word}` belongs to a pattern: `match bg where … then carbs within 2 h`"))
            }
            "followed" => d.help("one step after another is written `carbs then bg`"),
            "for" | "gap" => d.help("only a condition lasts: `when … for 15 min`; steps of a pattern are instants"),
            "between" | "during" => {
                d.help("join it to the condition: `… and bg.at between 22:00 and 06:00`, `… and during sleep`")
            }
            "rises" | "increases" | "rose" => d.help("a rise is written `delta(bg.value over 30 min) > 60 mg/dL`"),
            "falls" | "drops" | "fell" => d.help("a fall is written `delta(bg.value over 30 min) < -60 mg/dL`"),
            "or" | "and" => d.help(format!("`{word}` stands between two whole conditions")),
            _ => d,
        }
    }

    /// Where something else was expected at the next token.
    pub fn meant(&self, d: Diagnostic) -> Diagnostic {
        let (token, loc) = (self.peek(), self.here());
        let before = self.at.checked_sub(1).map(|b| self.lexed.tokens[b]);
        let next = self.ahead(1);
        let touches = |a: Token, b: Token| a.end == b.start;
        match (before.map(|b| b.kind), token.kind, next.kind) {
            (Some(Kind::Number), Kind::Comma, Kind::Number)
                if before.is_some_and(|b| touches(b, token)) && touches(token, next) =>
            {
                Diagnostic::new(Code::NUMBER, "a number with a decimal comma", loc, "a comma between digits").fix(
                    "decimals stand behind a point",
                    loc,
                    ".",
                )
            }
            (Some(Kind::Number), Kind::Number, _) => d.help("the digits of a number stand together: `1000`"),
            (_, Kind::Dot, Kind::Number) if touches(token, next) => d.fix("a number begins with a digit: `0.5`", loc, "0."),
            (Some(Kind::Slash), Kind::Star, _) => d.help("a comment begins with `//` and ends with its line"),
            (_, Kind::OpenParen, Kind::Number) => d.help("a count of readings stands in braces: `bg{3}`"),
            (_, Kind::OpenParen, _) => d.help("a block stands in braces: `{ … }`"),
            (_, Kind::Pipe, Kind::Pipe) if touches(token, next) => d.fix("write `or`", Loc { end: next.end, ..loc }, "or"),
            (Some(Kind::Word), Kind::Minus, Kind::Word) => d.fix("names are joined by `_`", loc, "_"),
            (Some(Kind::Word), Kind::Number, Kind::Word)
                if self.slice(token).ends_with(|c: char| c.is_ascii_digit()) && touches(token, next) =>
            {
                d.help("a name begins with a letter")
            }
            (_, Kind::Word, _) => match self.slice(token) {
                "null" | "none" | "nil" | "empty" => d.help("what was not said is asked for by `is known` and `is not known`"),
                word => match COMPARISONS.iter().find(|(w, _)| *w == word) {
                    Some((_, sign)) => d.help(format!("a comparison is written by its sign: `{sign}`")),
                    None => d,
                },
            },
            _ => d,
        }
    }

    /// Where the parenthesis of a call should close.
    pub fn call_meant(&mut self) -> super::Failed {
        let said = self.diagnostics.len();
        let over = matches!(self.word_ahead(0), Some("last" | "for" | "in" | "since" | "within" | "of" | "past"))
            || self.peek().kind == Kind::Comma;
        let loc = self.here();
        let failed = self.expected("`)` to close the call");
        if let Some(d) = self.diagnostics.get_mut(said).filter(|_| over) {
            *d = d.clone().fix("how far a window looks back is written `over 3 h`", loc, "over");
        }
        failed
    }
}
