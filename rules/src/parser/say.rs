//! `say "… {hole} …"`: a text with expressions in it. `{{` and `}}` are braces. `say to ROLE "…"`: the same for somebody else.

use std::sync::Arc;

use super::{Failed, Parsed, Parser};
use crate::diagnostic::{Code, Diagnostic};
use crate::lexer::{Kind, lex};
use crate::source::Loc;
use crate::syntax::{Expr, Hole, Name, Rule, Say, Wording};

impl Parser<'_> {
    /// `say to caretaker "…"`. Each role has one text; the patient's is what `say` alone says.
    pub fn wording(&mut self, rule: &mut Rule) -> Parsed<()> {
        self.advance();
        self.advance();
        let to = self.names("a role: `caretaker` or another that policies tell")?;
        let mut wording = Wording { to: Vec::new(), say: self.say()? };
        for name in to {
            let known = rule.wordings.iter().chain([&wording]).flat_map(|w| &w.to).find(|n| n.text == name.text);
            if let Some(first) = known.map(|n| n.loc) {
                self.report(
                    Diagnostic::new(Code::TWICE, format!("`say to {}` is said twice", name.text), name.loc, "said again")
                        .label(first, "first said here")
                        .help("a role is told one text"),
                );
            } else if &*name.text == "patient" {
                self.not_to_the_patient(&name);
            } else {
                wording.to.push(name);
            }
        }
        rule.wordings.push(wording);
        Ok(())
    }

    fn not_to_the_patient(&mut self, name: &Name) {
        let d =
            Diagnostic::new(Code::EXPECTED, "what the patient is told is said without `to`", name.loc, "expected another role");
        self.report(d.help("`say \"…\"` is for the patient, and for all who have no text of their own"));
    }

    pub fn say(&mut self) -> Parsed<Say> {
        if !self.is(Kind::Text) {
            return Err(self.expected("a text in quotes"));
        }
        let token = self.advance();
        let raw = self.slice(token);
        let start = token.start as usize + 1;
        let inner = raw.strip_prefix('"').unwrap_or(raw);
        let end = start + inner.strip_suffix('"').unwrap_or(inner).len();
        let mut say = Say::default();
        let mut text = String::new();
        let mut at = start;
        let mut failed = false;
        while at < end {
            let rest = &self.text[at..end];
            if rest.starts_with("{{") || rest.starts_with("}}") {
                text.push_str(&rest[..1]);
                at += 2;
            } else if rest.starts_with('{') {
                let Some(length) = rest.find('}') else {
                    let loc = Loc { file: self.file, start: at as u32, end: at as u32 + 1 };
                    self.report(
                        Diagnostic::new(Code::UNTERMINATED, "a hole in a text does not end", loc, "it begins here")
                            .help("close it with `}`; a brace itself is written `{{`"),
                    );
                    return Err(Failed);
                };
                if !text.is_empty() {
                    say.pieces.push(Hole::Text(Arc::from(std::mem::take(&mut text))));
                }
                match self.hole(at + 1..at + length) {
                    Ok(expr) => say.pieces.push(Hole::Expr(expr)),
                    Err(Failed) => failed = true,
                }
                at += length + 1;
            } else if rest.starts_with('}') {
                let loc = Loc { file: self.file, start: at as u32, end: at as u32 + 1 };
                let d = Diagnostic::new(Code::EXPECTED, "a `}` that closes no hole", loc, "closes nothing");
                self.report(d.fix("a brace itself is written `}}`", loc, "}}"));
                failed = true;
                at += 1;
            } else {
                let plain = rest.find(['{', '}']).unwrap_or(rest.len());
                let piece = self.unescape(&rest[..plain], at as u32);
                text.push_str(&piece);
                at += plain;
            }
        }
        if !text.is_empty() {
            say.pieces.push(Hole::Text(Arc::from(text)));
        }
        if failed { Err(Failed) } else { Ok(say) }
    }

    fn hole(&mut self, range: std::ops::Range<usize>) -> Parsed<Expr> {
        if self.text[range.clone()].trim().is_empty() {
            let loc = Loc { file: self.file, start: range.start as u32 - 1, end: range.end as u32 + 1 };
            self.report(
                Diagnostic::new(Code::EXPECTED, "an empty hole in a text", loc, "expected a value")
                    .help("a brace itself is written `{{`"),
            );
            return Err(Failed);
        }
        let lexed = lex(self.file, self.text, range, self.diagnostics);
        let mut inside = Parser {
            file: self.file,
            text: self.text,
            lexed: &lexed,
            at: 0,
            depth: self.depth,
            partly: false,
            aggregated: false,
            ends: "the end of the hole",
            marks: Vec::new(),
            diagnostics: self.diagnostics,
        };
        let expr = inside.expr()?;
        if inside.is(Kind::End) { Ok(expr) } else { Err(inside.expected("`}` behind the value")) }
    }
}
