//! `test` blocks. Each line of a script ends at its line break.

use std::sync::Arc;

use vitalog_elog::{FindingState, Time};

use super::{Failed, Mark, Parsed, Parser};
use crate::diagnostic::{Code, Diagnostic};
use crate::lexer::Kind;
use crate::source::Loc;
use crate::syntax::{End, Expect, Line, LineKind, Moment, MomentKind, Name, Test, Value, ValueKind};

const STATES: [FindingState; 4] = [FindingState::Open, FindingState::Resolved, FindingState::Lapsed, FindingState::Rescinded];

impl Parser<'_> {
    pub fn test(&mut self) -> Parsed<Test> {
        let start = self.advance();
        let rule = match self.name("the rule that is tested") {
            Ok(rule) => rule,
            Err(failed) => {
                self.skip_block();
                return Err(failed);
            }
        };
        let title = if self.is(Kind::Text) { self.quoted("a title").ok() } else { None };
        let mut test = Test { rule, title, lines: Vec::new(), broken: false, loc: self.since(start) };
        let open = match self.need(Kind::OpenBrace, "and the lines of the test") {
            Ok(open) => self.loc(open),
            Err(failed) => {
                self.skip_block();
                return Err(failed);
            }
        };
        while !matches!(self.peek().kind, Kind::CloseBrace | Kind::End) && !self.at_item() {
            let started = self.at;
            self.mark(Mark::Line);
            match self.line() {
                Ok(line) => test.lines.push(line),
                Err(Failed) => {
                    test.broken = true;
                    if self.at == started {
                        self.advance();
                    }
                    self.skip_until(|p| p.peek().first_on_line);
                }
            }
        }
        self.close_block(open);
        Ok(test)
    }

    fn line(&mut self) -> Parsed<Line> {
        let first = self.peek();
        let at = if self.at_moment() { Some(self.moment()?) } else { None };
        let end = match &at {
            Some(_) if self.here_is("to") => Some(self.interval_end()?),
            _ => None,
        };
        let kind = self.line_kind(end)?;
        let stopped = self.peek();
        if !stopped.first_on_line && !matches!(stopped.kind, Kind::CloseBrace | Kind::End) {
            return Err(self.expected("the end of the line"));
        }
        Ok(Line { at, kind, loc: self.since(first) })
    }

    /// Whether this word comes, on the same line.
    fn here_is(&self, word: &str) -> bool {
        self.is_word(word) && !self.peek().first_on_line
    }

    fn eat_here(&mut self, word: &str) -> bool {
        let here = self.here_is(word);
        if here {
            self.advance();
        }
        here
    }

    fn line_kind(&mut self, end: Option<End>) -> Parsed<LineKind> {
        match self.word_ahead(0) {
            Some("expect") => self.expect().map(LineKind::Expect),
            Some("amend") => {
                self.advance();
                let name = self.any_name("the name of a reading (given with `as`)")?;
                self.need_word("to", "and what it says now")?;
                let start = if self.at_moment() { Some(self.moment()?) } else { None };
                let end = if self.here_is("to") { Some(self.interval_end()?) } else { None };
                let (values, _) = self.values()?;
                Ok(LineKind::Amend { name, start, end, values })
            }
            Some("remove") => {
                self.advance();
                Ok(LineKind::Remove { name: self.any_name("the name of a reading (given with `as`)")? })
            }
            Some("set") => {
                self.advance();
                self.need_word("profile", "as in `set profile.bg_low = 80 mg/dL`")?;
                self.need(Kind::Dot, "and a field of the profile")?;
                let field = self.any_name("a field of the profile")?;
                self.need(Kind::Eq, "and its value")?;
                let value = if self.eat_here("default") { None } else { Some(self.script_value()?) };
                Ok(LineKind::Set { field, value })
            }
            Some("until") => {
                self.advance();
                self.moment().map(LineKind::Until)
            }
            Some(_) => {
                let stream = self.name("a stream")?;
                let (values, alias) = self.values()?;
                Ok(LineKind::Reading { end, stream, values, alias })
            }
            None => Err(self.expected("a stream, `expect`, `amend`, `remove`, `set` or `until`")),
        }
    }

    /// Whether a time comes, on this line or as its first word.
    fn at_moment(&self) -> bool {
        match self.peek().kind {
            Kind::Clock | Kind::Instant => true,
            Kind::Word => self.is_word("day") && self.ahead(1).kind == Kind::Number && self.ahead(2).kind == Kind::Clock,
            _ => false,
        }
    }

    pub fn moment(&mut self) -> Parsed<Moment> {
        let start = self.peek();
        let day = match self.at_moment() && self.is_word("day") {
            true => {
                self.advance();
                let number = self.advance();
                match self.slice(number).parse::<i64>() {
                    Ok(day @ 1..=3660) => Some(day),
                    _ => return Err(self.bad_time(self.loc(number), "a day of the script is a whole number from 1 to 3660")),
                }
            }
            false => None,
        };
        let token = self.peek();
        let kind = match token.kind {
            Kind::Clock => {
                self.advance();
                let parts: Vec<i64> = self.slice(token).split(':').filter_map(|p| p.parse().ok()).collect();
                let (hour, minute, second) = (parts[0], parts.get(1).copied().unwrap_or(0), parts.get(2).copied().unwrap_or(0));
                if hour > 23 || minute > 59 || second > 59 {
                    return Err(self.bad_time(self.loc(token), "a time of day goes from 00:00 to 23:59"));
                }
                MomentKind::OfDay { day, seconds: hour * 3600 + minute * 60 + second }
            }
            Kind::Instant => {
                self.advance();
                match Time::parse(self.slice(token)) {
                    Ok(t) => MomentKind::Instant(t),
                    Err(_) => {
                        return Err(self.bad_time(self.loc(token), "an instant is written `2026-01-05T02:00:00Z`, with its zone"));
                    }
                }
            }
            _ => return Err(self.expected("a time, as in `02:15` or `day 2 02:15`")),
        };
        Ok(Moment { loc: self.since(start), kind })
    }

    fn bad_time(&mut self, loc: Loc, help: &str) -> Failed {
        self.report(Diagnostic::new(Code::NUMBER, "a time that does not exist", loc, "not a time").help(help));
        Failed
    }

    fn interval_end(&mut self) -> Parsed<End> {
        self.advance();
        if self.eat_here("now") {
            return Ok(End::Open);
        }
        self.moment().map(End::At)
    }

    /// Values to the end of the line, and the name behind `as`.
    fn values(&mut self) -> Parsed<(Vec<Value>, Option<Name>)> {
        let mut values = Vec::new();
        loop {
            let token = self.peek();
            if token.first_on_line || matches!(token.kind, Kind::CloseBrace | Kind::End) {
                return Ok((values, None));
            }
            if self.eat_here("as") {
                return Ok((values, Some(self.name("a name for the reading")?)));
            }
            values.push(self.script_value()?);
        }
    }

    /// A literal value, or a word.
    pub fn script_value(&mut self) -> Parsed<Value> {
        let start = self.peek();
        let negative = self.eat(Kind::Minus).is_some();
        let kind = match self.peek().kind {
            Kind::Number => ValueKind::Quantity { negative, literal: self.literal(false)? },
            Kind::Clock if !negative => ValueKind::Clock(self.time_of_day()?),
            Kind::Text if !negative => ValueKind::Text(self.quoted("a text")?.text),
            Kind::Word if !negative => match self.word_ahead(0) {
                Some(word @ ("true" | "false")) => {
                    self.advance();
                    ValueKind::Bool(word == "true")
                }
                _ => ValueKind::Word(self.any_name("a value")?),
            },
            _ => return Err(self.expected("a value")),
        };
        Ok(Value { kind, loc: self.since(start) })
    }

    fn expect(&mut self) -> Parsed<Expect> {
        let first = self.advance();
        let absent = self.eat_here("no");
        let rule = self.name("a rule")?;
        let mut expect =
            Expect { rule, absent, onset: None, at: None, until: None, severity: None, state: None, text: Arc::from("") };
        loop {
            let token = self.peek();
            if token.first_on_line || token.kind != Kind::Word {
                break;
            }
            let word = self.slice(token);
            let twice = match word {
                "from" => self.after_word(|p| p.moment())?.map(|m| expect.onset.replace(m).is_some()),
                "at" => self.after_word(|p| p.moment())?.map(|m| expect.at.replace(m).is_some()),
                "until" => self.after_word(|p| p.moment())?.map(|m| expect.until.replace(m).is_some()),
                "severity" => self.after_word(|p| p.one_severity())?.map(|s| expect.severity.replace(s).is_some()),
                _ => match STATES.into_iter().find(|s| s.name() == word) {
                    Some(state) => {
                        self.advance();
                        Some(expect.state.replace(state).is_some())
                    }
                    None => {
                        let loc = self.here();
                        let words = ["from", "at", "until", "severity", "open", "resolved", "lapsed", "rescinded"];
                        let d =
                            Diagnostic::new(Code::EXPECTED, format!("`{word}` says nothing of a finding"), loc, "not understood");
                        self.report(
                            d.did_you_mean(loc, word, words).note(format!("an expectation may go on with {}", words.join(", "))),
                        );
                        return Err(Failed);
                    }
                },
            };
            if twice == Some(true) {
                let loc = self.loc(token);
                self.report(Diagnostic::new(Code::TWICE, format!("`{word}` is said twice"), loc, "said again"));
            }
        }
        let loc = self.since(first);
        expect.text = Arc::from(self.text.get(loc.start as usize..loc.end as usize).unwrap_or(""));
        Ok(expect)
    }

    fn after_word<T>(&mut self, read: impl FnOnce(&mut Self) -> Parsed<T>) -> Parsed<Option<T>> {
        self.advance();
        read(self).map(Some)
    }
}
