//! Functions: what they are asked of, and over which stretch of time.

use std::sync::Arc;

use super::functions::FUNCTIONS;
use super::{Mark, Parsed, Parser};
use crate::diagnostic::{Code, Diagnostic};
use crate::lexer::Kind;
use crate::parser::Failed;
use crate::syntax::{Call, Expr, ExprKind, Name, Over};

/// The most days or nights of a calendar window: ten years, as for durations.
const MOST_DAYS: u16 = 3660;

impl Parser<'_> {
    pub fn call(&mut self) -> Parsed<Expr> {
        self.mark(Mark::Call);
        let start = self.advance();
        let name = self.slice(start);
        let function = Name { text: Arc::from(name), loc: self.loc(start) };
        if !FUNCTIONS.contains(&name) {
            return self.refuse_function(&function);
        }
        self.advance();
        let argument = self.argument(name)?;
        if self.is(Kind::Comma) {
            let note = match name {
                "percentile" => "which one is said by `at`, as in `percentile(bg.value at 90 % over 14 d)`".to_owned(),
                _ => format!("`{name}` aggregates the readings of one stream or step"),
            };
            return Err(self.expected_noting("`over` or `)`", note));
        }
        let mut call = Call {
            function,
            argument,
            share: None,
            ahead: None,
            half_life: None,
            over: None,
            before: None,
            after: None,
            during: None,
            fresh: None,
            filter: None,
        };
        while self.part(&mut call)? {}
        if self.eat_word("where").is_some() {
            call.filter = Some(self.apart(Parser::expr)?);
        }
        if self.eat(Kind::CloseParen).is_none() {
            return Err(self.call_meant());
        }
        let parts = [Some(&call.argument), call.share.as_ref(), call.filter.as_ref()];
        let below = parts.into_iter().flatten().map(|e| e.depth).max().unwrap_or(0);
        let loc = self.since(start);
        self.node(ExprKind::Call(Box::new(call)), loc, below)
    }

    fn argument(&mut self, function: &str) -> Parsed<Expr> {
        let outside = std::mem::replace(&mut self.aggregated, true);
        let argument = match function {
            "share" | "time_in" => self.nested(Parser::or),
            _ => self.nested(Parser::sum),
        };
        self.aggregated = outside;
        argument
    }

    /// One of the words behind the argument, with what belongs to it; each may stand once.
    fn part(&mut self, call: &mut Call) -> Parsed<bool> {
        match self.word_ahead(0) {
            Some("at") if call.share.is_none() => {
                self.advance();
                call.share = Some(self.nested(Parser::sum)?);
            }
            Some("in") if call.ahead.is_none() => {
                self.advance();
                call.ahead = Some(self.duration("how far ahead")?);
            }
            Some("half_life") if call.half_life.is_none() => {
                self.advance();
                call.half_life = Some(self.duration("after what time half of it is left")?);
            }
            Some("over") if call.over.is_none() => {
                self.advance();
                call.over = Some(self.stretch()?);
            }
            Some("before") if call.before.is_none() => {
                self.advance();
                call.before = Some(self.name("the name of a step")?);
            }
            Some("after") if call.after.is_none() => {
                self.advance();
                call.after = Some(self.name("the name of a step")?);
            }
            Some("during") if call.during.is_none() => {
                self.advance();
                call.during = Some(self.name("the name of an interval")?);
            }
            Some("fresh") if call.fresh.is_none() => {
                self.advance();
                call.fresh = Some(self.duration("how old the newest reading may be")?);
            }
            _ => return Ok(false),
        }
        Ok(true)
    }

    /// `3 h`, `last 7 days`, `last 7 nights`.
    fn stretch(&mut self) -> Parsed<Over> {
        if !self.is_word("last") {
            return self.duration("how far back the window reaches").map(Over::Span);
        }
        let start = self.advance();
        let number = self.need(Kind::Number, "of days or nights")?;
        let count = self.slice(number).parse::<u16>().ok().filter(|n| (1..=MOST_DAYS).contains(n));
        let Some(count) = count else {
            let d = Diagnostic::new(Code::DURATION, "a count of days that is not possible", self.loc(number), "not possible");
            self.report(d.help(format!("a whole number from 1 to {MOST_DAYS}")));
            return Err(Failed);
        };
        let loc = |p: &Self| p.since(start);
        match self.word_ahead(0) {
            Some("days" | "day" | "d") => {
                self.advance();
                Ok(Over::Days(count, loc(self)))
            }
            Some("nights" | "night") => {
                self.advance();
                Ok(Over::Nights(count, loc(self)))
            }
            _ => Err(self.expected_noting("`days` or `nights`", "whole days of the calendar; a span is written without `last`")),
        }
    }

    /// `09:00`, in minutes after midnight.
    pub fn time_of_day(&mut self) -> Parsed<u16> {
        let token = self.advance();
        let mut parts = self.slice(token).split(':').map(str::parse::<u16>);
        let time = match (parts.next(), parts.next(), parts.next()) {
            (Some(Ok(hour)), Some(Ok(minute)), None) if hour < 24 && minute < 60 => Some(hour * 60 + minute),
            _ => None,
        };
        time.ok_or_else(|| {
            let loc = self.loc(token);
            let d = Diagnostic::new(Code::NUMBER, "a time that does not exist", loc, "not a time of day");
            self.report(d.help("from 00:00 to 23:59; times of day are compared without the second"));
            Failed
        })
    }

    /// A function that is not known: reported, and read over with its parentheses.
    fn refuse_function(&mut self, function: &Name) -> Parsed<Expr> {
        let d = Diagnostic::new(
            Code::UNKNOWN_FUNCTION,
            format!("there is no function `{}`", function.text),
            function.loc,
            "not a function",
        );
        let d = match &*function.text {
            "mean" | "average" => d.fix("did you mean `avg`?", function.loc, "avg"),
            "latest" => d.fix("did you mean `last`?", function.loc, "last"),
            "std" | "sd" => d.fix("did you mean `stddev`?", function.loc, "stddev"),
            word => d.did_you_mean(function.loc, word, FUNCTIONS.iter().copied()),
        };
        self.report(d.note(format!("functions: {}", FUNCTIONS.join(", "))));
        let start = self.peek();
        let mut open = 0_u32;
        loop {
            match self.peek().kind {
                Kind::OpenParen => open += 1,
                Kind::CloseParen => open -= 1,
                Kind::End | Kind::CloseBrace => return Err(Failed),
                _ => {}
            }
            self.advance();
            if open == 0 {
                return Ok(Expr::bad(function.loc.to(self.since(start))));
            }
        }
    }
}
