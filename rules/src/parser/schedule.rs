//! `every` and `quiet while`: clauses about when a rule is asked, and when it keeps quiet.

use super::{Failed, Parsed, Parser};
use crate::diagnostic::{Code, Diagnostic};
use crate::lexer::Kind;
use crate::syntax::{MomentKind, Name, Schedule, TimeOfDay};

pub const DAYS: [&str; 7] = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];

const EVERY_DAY: u8 = 0x7f;

impl Parser<'_> {
    /// Behind `every`.
    pub fn schedule(&mut self) -> Parsed<Schedule> {
        if self.is(Kind::Number) {
            return self.duration("how often").map(Schedule::Each);
        }
        let days = if self.eat_word("day").is_some() { EVERY_DAY } else { self.days()? };
        self.need_word("at", "and a time of day, as in `every day at 09:00`")?;
        let mut times = vec![self.time_of_schedule()?];
        while self.eat(Kind::Comma).is_some() {
            times.push(self.time_of_schedule()?);
        }
        Ok(Schedule::At { days, times })
    }

    fn days(&mut self) -> Parsed<u8> {
        let mut days = 0;
        loop {
            let Some(word) = self.word_ahead(0) else {
                return Err(self.expected("`day`, a day of the week, or a span, as in `every day at 09:00` or `every 2 h`"));
            };
            let loc = self.here();
            let Some(day) = DAYS.iter().position(|d| *d == word) else {
                let d = Diagnostic::new(Code::UNKNOWN_WORD, format!("`{word}` is no day of the week"), loc, "not a day");
                let d = d.did_you_mean(loc, word, DAYS.into_iter().chain(["day"]));
                self.report(d.help("`every day at 09:00`, `every monday, thursday at 09:00`, `every 2 h`"));
                return Err(Failed);
            };
            self.advance();
            if days & 1 << day != 0 {
                self.report(Diagnostic::new(Code::DECLARED_TWICE, format!("`{word}` is said twice"), loc, "said again"));
            }
            days |= 1 << day;
            if self.eat(Kind::Comma).is_none() {
                return Ok(days);
            }
        }
    }

    fn time_of_schedule(&mut self) -> Parsed<TimeOfDay> {
        let goes_on = matches!(self.ahead(1).kind, Kind::Plus | Kind::Minus) || self.word_ahead(1) == Some("if");
        if !self.is(Kind::Clock) || goes_on {
            return self.expr().map(TimeOfDay::Value);
        }
        let moment = self.moment()?;
        let seconds = if let MomentKind::OfDay { seconds, .. } = moment.kind { seconds } else { 0 };
        Ok(TimeOfDay::Clock { micros: seconds * 1_000_000, loc: moment.loc })
    }

    /// Behind `quiet`.
    pub fn quiet(&mut self) -> Parsed<Vec<Name>> {
        self.need_word("while", "and the name of another rule")?;
        let mut rules = vec![self.any_name("the name of a rule")?];
        while self.eat_word("or").is_some() {
            rules.push(self.any_name("the name of another rule")?);
        }
        Ok(rules)
    }
}
