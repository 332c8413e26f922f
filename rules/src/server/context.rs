//! What is written before the cursor: in which declaration and clause it stands, and the words that lead up to it.

use super::index::{Said, said};
use crate::compile::Understood;
use crate::lexer::Kind;
use crate::parser::Mark;
use crate::source::FileId;

/// What kind of declaration the cursor is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Home {
    /// Between declarations.
    File,
    Use,
    Stream,
    Profile,
    Rule,
    Test,
    Other,
}

/// The words before the cursor.
#[derive(Debug)]
pub struct Context<'a> {
    pub home: Home,
    /// Of the declaration at hand, without the word that is being typed.
    pub before: Vec<Said<'a>>,
    /// The word that begins the clause at hand.
    pub clause: &'a str,
    /// The word being typed is the first on its line.
    pub first_on_line: bool,
    /// The name behind the declaration's first word.
    pub name: &'a str,
}

impl<'a> Context<'a> {
    pub fn new(understood: &'a Understood, file: FileId, offset: usize) -> Context<'a> {
        let text: &'a str = &understood.compiled.sources.get(file).text;
        let all = said(file, text, &understood.wholes[usize::from(file.0)]);
        let typed = |s: &Said<'_>| s.token.kind == Kind::Word && s.token.end as usize >= offset;
        let mut before: Vec<Said<'a>> =
            all.into_iter().take_while(|s| (s.token.start as usize) < offset && s.token.kind != Kind::End).collect();
        // The text whose hole is being filled is around the cursor, not before it.
        if before.last().is_some_and(typed) {
            before.pop();
        }
        let last = before.last().map_or(0, |s| s.token.end as usize);
        let first_on_line = text.get(last..offset).is_none_or(|gap| gap.contains('\n')) || before.is_empty();
        let start = before.iter().rposition(|s| s.begins == Some(Mark::Item)).unwrap_or(0);
        let before = before.split_off(start);
        let open = before.iter().filter(|s| s.text == "{").count() > before.iter().filter(|s| s.text == "}").count();
        let head = !before.iter().any(|s| s.text == "{");
        let kind = before.iter().map(|s| s.text).find(|t| *t != "interval");
        let home = match kind {
            None => Home::File,
            Some("use") if before.len() == 1 => Home::Use,
            _ if !open && (first_on_line || !head) => Home::File,
            Some("stream") => Home::Stream,
            Some("profile") => Home::Profile,
            Some("rule") => Home::Rule,
            Some("test") => Home::Test,
            _ => Home::Other,
        };
        let clause = before.iter().rev().find(|s| s.begins == Some(Mark::Clause)).map_or("", |s| s.text);
        let name = before.get(1).map_or("", |s| s.text);
        Context { home, before, clause, first_on_line, name }
    }

    /// The word that many places before the cursor; 1 is the one right before it.
    pub fn back(&self, n: usize) -> &'a str {
        self.before.len().checked_sub(n).and_then(|i| self.before.get(i)).map_or("", |s| s.text)
    }

    pub fn back_kind(&self, n: usize) -> Option<Kind> {
        self.before.len().checked_sub(n).and_then(|i| self.before.get(i)).map(|s| s.token.kind)
    }

    /// The words since the last comparison's left side: `bg . value` of `bg.value < 54`. `None` where nothing is compared.
    pub fn compared(&self) -> Option<(&'a str, &'a str)> {
        let signs = [Kind::Lt, Kind::Le, Kind::Gt, Kind::Ge, Kind::Eq, Kind::EqEq, Kind::Ne, Kind::Plus, Kind::Minus];
        let is_sign = |s: &Said<'_>| signs.contains(&s.token.kind) || s.text == "between" || s.text == "in";
        let sign = self.before.iter().rposition(is_sign)?;
        let left = &self.before[..sign];
        // Of a call, the field in it.
        let end = if left.last()?.text == ")" { left.iter().rposition(|s| s.text == "(")? } else { left.len().checked_sub(3)? };
        let dot = (end..left.len()).find(|i| left[*i].text == ".")?;
        Some((left.get(dot.checked_sub(1)?)?.text, left.get(dot + 1)?.text))
    }
}
