//! A step of a pattern: `S starts{2..5} in a row as x where E`.

use super::{Failed, Parsed, Parser};
use crate::diagnostic::{Code, Diagnostic};
use crate::lexer::{Kind, Token};
use crate::syntax::{Edge, Step};

/// The most repeats of one step or group.
pub const MOST_REPEATS: u16 = 1000;

impl Parser<'_> {
    pub fn step(&mut self) -> Parsed<Step> {
        let stream = self.name("a stream")?;
        let mut step = Step { stream, edge: None, count: 1, most: Some(1), in_a_row: None, alias: None, filter: None };
        if let Some(word @ ("starts" | "ends")) = self.word_ahead(0) {
            let token = self.advance();
            step.edge = Some((if word == "starts" { Edge::Starts } else { Edge::Ends }, self.loc(token)));
        }
        if self.is(Kind::OpenBrace) {
            (step.count, step.most) = self.repeat()?;
        }
        loop {
            match self.word_ahead(0) {
                Some("in") if step.in_a_row.is_none() => {
                    let start = self.advance();
                    self.need_word("a", "as in `in a row`")?;
                    self.need_word("row", "as in `in a row`")?;
                    step.in_a_row = Some(self.since(start));
                }
                Some("as") if step.alias.is_none() => {
                    self.advance();
                    step.alias = Some(self.name("a name for the step")?);
                }
                _ => break,
            }
        }
        step.filter = self.step_filter()?;
        Ok(step)
    }

    /// `{n}`, `{n..m}`, `{n..}`: at least and at most.
    pub fn repeat(&mut self) -> Parsed<(u16, Option<u16>)> {
        self.advance();
        let number = self.need(Kind::Number, "of repeats")?;
        let least = self.count_of(number);
        let mut most = least;
        let mut open = false;
        if self.eat(Kind::DotDot).is_some() {
            match self.eat(Kind::Number) {
                Some(number) => most = self.count_of(number),
                None => open = true,
            }
        }
        self.need(Kind::CloseBrace, "behind the count")?;
        let (Some(least), Some(most)) = (least, most) else { return Err(Failed) };
        if most < least && !open {
            let loc = self.loc(number);
            let d = Diagnostic::new(Code::REPEAT, "a count of repeats that is not possible", loc, "more than at most");
            self.report(d.help(format!("write `{{{most}..{least}}}`")));
            return Err(Failed);
        }
        Ok((least, (!open).then_some(most)))
    }

    fn count_of(&mut self, number: Token) -> Option<u16> {
        let count = self.slice(number).parse::<u16>().ok().filter(|n| (1..=MOST_REPEATS).contains(n));
        if count.is_none() {
            let d = Diagnostic::new(Code::REPEAT, "a count of repeats that is not possible", self.loc(number), "not possible");
            self.report(d.help(format!("a whole number from 1 to {MOST_REPEATS}")));
        }
        count
    }
}
