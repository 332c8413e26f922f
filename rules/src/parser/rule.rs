//! `rule` and its clauses.

use std::sync::Arc;

use vitalog_elog::Severity;

use super::cursor::{CLAUSES, RESERVED};
use super::{Failed, Mark, Parsed, Parser};
use crate::diagnostic::{Code, Diagnostic, nearest};
use crate::lexer::{Kind, Token};
use crate::source::Loc;
use crate::syntax::{Expr, Grade, Heard, Hold, Let, Name, Rule, Watch, When};

impl Parser<'_> {
    pub fn rule(&mut self) -> Parsed<Rule> {
        self.advance();
        let name = match self.name("a name for the rule") {
            Ok(name) => name,
            Err(failed) => {
                self.skip_block();
                return Err(failed);
            }
        };
        let mut rule = Rule::named(name);
        if self.is(Kind::Text) {
            rule.title = self.quoted("a title").ok();
        }
        if self.eat(Kind::Bad).is_some() {
            // A title that does not end takes its line with it, the brace too; the clauses are still there.
            rule.broken = true;
            self.clauses(&mut rule);
            self.eat(Kind::CloseBrace);
            return Ok(rule);
        }
        let open = match self.need(Kind::OpenBrace, "and the clauses of the rule") {
            Ok(open) => self.loc(open),
            Err(Failed) => {
                rule.broken = true;
                self.skip_block();
                return Ok(rule);
            }
        };
        self.clauses(&mut rule);
        self.close_block(open);
        Ok(rule)
    }

    fn clauses(&mut self, rule: &mut Rule) {
        while !matches!(self.peek().kind, Kind::CloseBrace | Kind::End) && !self.at_item() {
            self.mark(Mark::Clause);
            let read = self.clause(rule);
            if std::mem::take(&mut self.partly) || read.is_err() {
                rule.broken = true;
                self.skip_until(|p| p.peek().first_on_line && p.word_ahead(0).is_some_and(begins_clause));
            }
        }
    }

    fn clause(&mut self, rule: &mut Rule) -> Parsed<()> {
        let start = self.peek();
        let Some(word) = self.word_ahead(0) else {
            let failed = self.expected("a clause of the rule (`severity`, `when`, `match`, …)");
            self.advance();
            return Err(failed);
        };
        match word {
            "severity" => self.plain(&mut rule.severity, "severity", Parser::severity),
            "at" => self.at_clause(rule, start),
            "when" => {
                self.plain(&mut rule.when, "when", Parser::when)?;
                self.lapse(rule)
            }
            "until" => {
                self.plain(&mut rule.until, "until", Parser::until)?;
                self.lapse(rule)
            }
            "match" => self.plain(&mut rule.pattern, "match", Parser::pattern),
            "let" => self.let_clause(rule),
            "where" => self.plain(&mut rule.filter, "where", Parser::expr),
            "say" if self.word_ahead(1) == Some("to") => self.wording(rule),
            "say" => self.plain(&mut rule.say, "say", Parser::say),
            "notify" => self.plain(&mut rule.notify, "notify", |p| p.any_name("the name of a policy")),
            "cite" => self.plain(&mut rule.cite, "cite", |p| p.quoted("a text in quotes: where the rule comes from")),
            "stale" => self.plain(&mut rule.stale_after, "stale after", |p| {
                p.need_word("after", "behind `stale`")?;
                p.duration("after how long a finding is stale")
            }),
            "every" => self.plain(&mut rule.every, "every", Parser::schedule),
            "quiet" => self.plain(&mut rule.quiet_while, "quiet while", Parser::quiet),
            "shadow" => self.plain(&mut rule.shadow, "shadow", |_| Ok(())),
            _ => Err(self.no_clause(word, start)),
        }
    }

    /// A clause that begins with its keyword: read behind it, and set.
    fn plain<T>(&mut self, place: &mut Option<(T, Loc)>, what: &str, read: impl FnOnce(&mut Self) -> Parsed<T>) -> Parsed<()> {
        let start = self.advance();
        let value = read(self)?;
        let loc = self.since(start);
        self.once(place, value, loc, what);
        Ok(())
    }

    fn until(&mut self) -> Parsed<Watch> {
        if self.is_word("no") {
            let note = "how an episode ends when readings stop is said by `or no S for D` behind it";
            return Err(self.expected_noting("a condition", note));
        }
        self.watch()
    }

    fn give_up(&mut self) -> Failed {
        self.advance();
        Failed
    }

    fn no_clause(&mut self, word: &str, start: Token) -> Failed {
        let loc = self.loc(start);
        let d = Diagnostic::new(Code::UNKNOWN_CLAUSE, format!("`{word}` begins no clause of a rule"), loc, "expected a clause")
            .note("clauses: severity, when, until, match, every, let, where, say, say to, notify, cite, at each, at most once per, stale after, quiet while, shadow");
        let hints = d.helps.len();
        let d = self.clause_meant(d, word, loc);
        let d = if d.helps.len() == hints { d.did_you_mean(loc, word, CLAUSES.iter().copied()) } else { d };
        self.report(d);
        self.give_up()
    }

    /// Sets a clause; a second one is an error that points at the first.
    fn once<T>(&mut self, place: &mut Option<(T, Loc)>, value: T, loc: Loc, what: &str) {
        if let Some((_, first)) = place {
            let first = *first;
            self.report(
                Diagnostic::new(Code::TWICE, format!("`{what}` is said twice"), loc, "said again")
                    .label(first, "first said here")
                    .help("a rule has each of its clauses once (`let` excepted)"),
            );
            return;
        }
        *place = Some((value, loc));
    }

    fn at_clause(&mut self, rule: &mut Rule, start: Token) -> Parsed<()> {
        self.advance();
        match self.word_ahead(0) {
            Some("each") => {
                self.advance();
                let stream = self.name("a stream")?;
                let loc = self.since(start);
                self.once(&mut rule.at_each, stream, loc, "at each");
                Ok(())
            }
            Some("most") => {
                self.advance();
                self.need_word("once", "as in `at most once per 1 d`")?;
                self.need_word("per", "as in `at most once per 1 d`")?;
                let span = self.duration("how long the rule then keeps quiet")?;
                let loc = self.since(start);
                self.once(&mut rule.once_per, span, loc, "at most once per");
                Ok(())
            }
            _ => Err(self.expected("`each` (at each S when …) or `most` (at most once per D)")),
        }
    }

    fn severity(&mut self) -> Parsed<Vec<Grade>> {
        let mut grades = vec![Grade { severity: self.one_severity()?, when: None }];
        while self.eat(Kind::Comma).is_some() {
            let severity = self.one_severity()?;
            self.need_word("when", "and the condition of this severity")?;
            grades.push(Grade { severity, when: Some(self.expr()?) });
        }
        Ok(grades)
    }

    pub fn one_severity(&mut self) -> Parsed<Severity> {
        let names = Severity::ALL.map(Severity::name);
        let Some(word) = self.word_ahead(0) else {
            return Err(self.expected(&format!("a severity ({})", names.join(", "))));
        };
        let Some(severity) = Severity::ALL.into_iter().find(|s| s.name() == word) else {
            let loc = self.here();
            let d = Diagnostic::new(Code::UNKNOWN_WORD, format!("`{word}` is no severity"), loc, "not a severity");
            self.report(d.did_you_mean(loc, word, names).note(format!("from mild to grave: {}", names.join(", "))));
            return Err(Failed);
        };
        self.advance();
        Ok(severity)
    }

    fn when(&mut self) -> Parsed<When> {
        if self.eat_word("no").is_none() {
            return self.watch().map(When::Condition);
        }
        let mut streams = vec![self.heard()?];
        while self.is_word("or") && self.word_ahead(1) != Some("no") {
            self.advance();
            streams.push(self.heard()?);
        }
        self.need_word("for", "and how long nothing must have been heard")?;
        let span = self.duration("how long nothing must have been heard")?;
        if let Some(word @ ("and" | "or")) = self.word_ahead(0) {
            let loc = self.here();
            self.report(
                Diagnostic::new(
                    Code::EXPECTED,
                    format!("`{word}` cannot go on after `no … for D`"),
                    loc,
                    "the clause ends before this",
                )
                .help("several streams: `no bg or bp for D`; further conditions: a `where` clause"),
            );
            return Err(Failed);
        }
        Ok(When::Silence { streams, span })
    }

    /// `S [where E]`, in parentheses if another follows: `where` takes the longest expression.
    fn heard(&mut self) -> Parsed<Heard> {
        let open = self.eat(Kind::OpenParen).is_some();
        let stream = self.name("a stream")?;
        let filter = match self.eat_word("where") {
            Some(_) => Some(self.expr()?),
            None => None,
        };
        if open {
            self.need(Kind::CloseParen, "to close the parenthesis")?;
        }
        Ok(Heard { stream, filter })
    }

    /// `C [for D [gap G]]`.
    fn watch(&mut self) -> Parsed<Watch> {
        let condition = self.expr()?;
        let hold = match self.eat_word("for") {
            Some(_) => {
                let hold = self.hold();
                // The condition can be checked all the same.
                self.partly |= hold.is_err();
                hold.ok()
            }
            None => None,
        };
        Ok(Watch { condition, hold })
    }

    fn hold(&mut self) -> Parsed<Hold> {
        let span = self.duration("how long it must hold")?;
        let gap = match self.eat_word("gap") {
            Some(_) => Some(self.duration("how far apart two readings may be")?),
            None => None,
        };
        Ok(Hold { span, gap })
    }

    /// `or no S for D` behind `when` or `until`.
    fn lapse(&mut self, rule: &mut Rule) -> Parsed<()> {
        if !(self.is_word("or") && self.word_ahead(1) == Some("no")) {
            return Ok(());
        }
        let start = self.advance();
        self.advance();
        let stream = self.name("the stream whose silence ends the episode")?;
        self.need_word("for", "and how long")?;
        let span = self.duration("after how long without it the episode lapses")?;
        let loc = self.since(start);
        let mut place = rule.lapse.take().map(|l| (l, loc));
        self.once(&mut place, (stream, span), loc, "or no … for");
        rule.lapse = place.map(|(l, _)| l);
        Ok(())
    }

    fn let_clause(&mut self, rule: &mut Rule) -> Parsed<()> {
        self.advance();
        let name = self.name("a name for the value")?;
        let value = self.need(Kind::Eq, "behind the name").and_then(|_| self.expr());
        // A value that cannot be read leaves its name declared.
        let loc = name.loc;
        let failed = value.is_err();
        rule.lets.push(Let { name, value: value.unwrap_or_else(|_| Expr::bad(loc)) });
        if failed { Err(Failed) } else { Ok(()) }
    }
}

/// A word that begins a clause, or was meant to.
fn begins_clause(word: &str) -> bool {
    CLAUSES.contains(&word) || (!RESERVED.contains(&word) && nearest(word, CLAUSES.iter().copied()).is_some())
}

impl Rule {
    fn named(name: Name) -> Rule {
        Rule {
            name,
            title: None,
            broken: false,
            severity: None,
            at_each: None,
            every: None,
            when: None,
            until: None,
            lapse: None,
            pattern: None,
            lets: Vec::new(),
            filter: None,
            say: None,
            wordings: Vec::new(),
            notify: None,
            cite: None,
            once_per: None,
            stale_after: None,
            quiet_while: None,
            shadow: None,
        }
    }

    /// What people call it: its title, or its name in words.
    pub fn title(&self) -> Arc<str> {
        match &self.title {
            Some(title) => title.text.clone(),
            None => Arc::from(self.name.text.replace('_', " ")),
        }
    }
}
