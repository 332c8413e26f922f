//! Whether a blank stands between two tokens of a line.

use super::draft::{Piece, Role};
use crate::lexer::Kind;
use crate::parser::RESERVED;

/// Reserved words that stand for a value: a minus behind them subtracts.
const VALUES: &[&str] = &["now", "onset", "true", "false", "each"];

/// What a line has said so far, as far as blanks depend on it.
#[derive(Clone, Copy, Debug, Default)]
pub struct Before<'p, 'a> {
    pub last: Option<&'p Piece<'a>>,
    /// The last was a minus that belongs to what follows.
    pub sign: bool,
    /// The last is a field: whatever word it is, it is a value.
    pub field: bool,
    /// A line begins: no blank, whatever stood before.
    pub fresh: bool,
    /// A count of repeats (`{3}`) is open.
    pub repeat: bool,
    /// No arithmetic is possible here (declarations, tests): a minus is a sign.
    pub plain: bool,
}

impl<'p, 'a> Before<'p, 'a> {
    /// Whether a blank goes before `next`; `counts`: it opens a count of repeats.
    pub fn blank(&self, next: &Piece<'a>, counts: bool) -> bool {
        let Some(last) = self.last.filter(|_| !self.fresh) else { return false };
        let (Some(l), Some(n)) = (last.kind, next.kind) else { return true };
        if next.in_unit || self.sign || self.repeat || counts {
            return false;
        }
        match (l, n) {
            (_, Kind::Comma | Kind::CloseParen | Kind::Dot | Kind::DotDot) => false,
            (Kind::OpenParen | Kind::Dot | Kind::DotDot, _) => false,
            (Kind::Word, Kind::OpenParen) => spaced_parenthesis(last, next),
            _ => true,
        }
    }

    /// The state behind `next`.
    pub fn then(self, next: &'p Piece<'a>, counts: bool) -> Before<'p, 'a> {
        let sign = next.kind == Some(Kind::Minus) && self.is_sign();
        let repeat = match next.kind {
            Some(Kind::OpenBrace) => counts,
            Some(Kind::CloseBrace) => false,
            _ => self.repeat,
        };
        let field = self.last.is_some_and(|l| l.kind == Some(Kind::Dot)) && next.kind == Some(Kind::Word);
        Before { last: Some(next), sign, field, repeat, fresh: false, ..self }
    }

    fn is_sign(&self) -> bool {
        let Some(last) = self.last else { return true };
        if self.plain || self.field {
            return self.plain;
        }
        match last.kind {
            Some(Kind::Word) if last.role == Role::Plain => RESERVED.contains(&last.text) && !VALUES.contains(&last.text),
            Some(Kind::Word | Kind::Number | Kind::Text | Kind::CloseParen | Kind::Clock | Kind::Instant | Kind::Percent) => {
                false
            }
            _ => true,
        }
    }
}

fn spaced_parenthesis(word: &Piece<'_>, next: &Piece<'_>) -> bool {
    if word.role == Role::Function {
        return false;
    }
    if RESERVED.contains(&word.text) || word.role == Role::Unit {
        return true;
    }
    // A word that only a later version knows: as its author has it.
    next.apart
}
