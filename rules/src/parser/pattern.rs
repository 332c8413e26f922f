//! `match`: steps one after the other, and what must not come between.

use super::cursor::CLAUSES;
use super::{Failed, Parsed, Parser};
use crate::diagnostic::{Code, Diagnostic};
use crate::lexer::Kind;
use crate::syntax::{Expr, Pattern, Step, Without};

/// The most repeats of one step.
const MOST_REPEATS: u16 = 1000;

impl Parser<'_> {
    pub fn pattern(&mut self) -> Parsed<Pattern> {
        if let Some(word @ ("all" | "disjoint")) = self.word_ahead(0)
            && self.ahead(1).kind == Kind::Word
            && !["as", "where", "then", "within", "without", "in"].contains(&self.word_ahead(1).unwrap_or(""))
        {
            let loc = self.here();
            return Err(self.unavailable(
                loc,
                &format!("`match {word}`"),
                "without it every start has its own match, the one that completes first",
            ));
        }
        let mut pattern = Pattern { steps: vec![self.step()?], absences: Vec::new(), within: None };
        loop {
            match self.word_ahead(0) {
                Some("then") => {
                    self.after_absences(&pattern)?;
                    self.advance();
                    if self.is_word("no") {
                        let loc = self.here();
                        return Err(self.unavailable(loc, "`then no S for D`", ""));
                    }
                    pattern.steps.push(self.step()?);
                }
                Some(word @ ("next" | "and" | "or")) => {
                    let loc = self.here();
                    let instead = match word {
                        "next" => "`then` takes any later reading; `in a row` keeps others of the step's stream out",
                        "or" => "write one rule for each alternative, or one step whose `where` says `or`",
                        _ => "",
                    };
                    return Err(self.unavailable(loc, &format!("`{word}` between steps"), instead));
                }
                Some("without") => {
                    self.advance();
                    let stream = self.name("a stream")?;
                    let filter = self.step_filter()?;
                    pattern.absences.push(Without { stream, filter });
                }
                Some("with") => {
                    let loc = self.here();
                    return Err(self.unavailable(
                        loc,
                        "`with no S from … to …`",
                        "`without S` looks between the first and the last step",
                    ));
                }
                Some("within") => {
                    self.advance();
                    pattern.within = Some(self.duration("how far apart first and last may be")?);
                    return self.after_within(pattern);
                }
                _ => return Ok(pattern),
            }
        }
    }

    fn after_absences(&mut self, pattern: &Pattern) -> Parsed<()> {
        if pattern.absences.is_empty() {
            return Ok(());
        }
        let loc = self.here();
        Err(self.unavailable(
            loc,
            "a step behind `without` (a group of its own)",
            "put `without` behind the last step: it looks between first and last",
        ))
    }

    fn after_within(&mut self, pattern: Pattern) -> Parsed<Pattern> {
        match self.word_ahead(0) {
            Some("then") => {
                let loc = self.here();
                Err(self.unavailable(
                    loc,
                    "a step behind `within` (a group of its own)",
                    "give one `within` behind the last step",
                ))
            }
            Some("without") => {
                let loc = self.here();
                self.report(
                    Diagnostic::new(Code::EXPECTED, "`without` stands before `within`", loc, "expected the next clause")
                        .help("move it in front of `within`"),
                );
                Err(Failed)
            }
            _ => Ok(pattern),
        }
    }

    fn step(&mut self) -> Parsed<Step> {
        if self.is(Kind::OpenParen) {
            let loc = self.here();
            return Err(self.unavailable(loc, "a group of steps in parentheses", "write the steps one after the other"));
        }
        let stream = self.name("a stream")?;
        if let Some(word @ ("starts" | "ends")) = self.word_ahead(0) {
            let loc = self.here();
            return Err(self.unavailable(loc, &format!("`{word}` as a step"), "an interval stands at its end"));
        }
        let mut step = Step { stream, count: 1, in_a_row: None, alias: None, filter: None };
        if self.is(Kind::OpenBrace) {
            step.count = self.repeat()?;
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

    fn step_filter(&mut self) -> Parsed<Option<Expr>> {
        match self.eat_word("where") {
            Some(_) => self.expr().map(Some),
            None => Ok(None),
        }
    }

    /// `{n}`.
    fn repeat(&mut self) -> Parsed<u16> {
        self.advance();
        let number = self.need(Kind::Number, "of repeats")?;
        if self.is(Kind::DotDot) {
            let loc = self.here();
            self.unavailable(
                loc,
                "an open count of repeats (`{n..}`, `{n..m}`)",
                "`{n}` matches at the n-th; later ones join the same finding",
            );
            while !matches!(self.peek().kind, Kind::CloseBrace | Kind::End)
                && self.word_ahead(0).is_none_or(|w| !CLAUSES.contains(&w))
            {
                self.advance();
            }
            self.eat(Kind::CloseBrace);
            return Err(Failed);
        }
        self.need(Kind::CloseBrace, "behind the count")?;
        match self.slice(number).parse::<u16>() {
            Ok(count) if (1..=MOST_REPEATS).contains(&count) => Ok(count),
            _ => {
                let d =
                    Diagnostic::new(Code::REPEAT, "a count of repeats that is not possible", self.loc(number), "not possible");
                self.report(d.help(format!("a whole number from 1 to {MOST_REPEATS}")));
                Err(Failed)
            }
        }
    }
}
