//! `match`: steps joined by `then`, `next`, `and`, `or`, in groups, and what must not come between.

use super::{Failed, Parsed, Parser};
use crate::diagnostic::{Code, Diagnostic};
use crate::lexer::{Kind, Limits};
use crate::syntax::{Around, Bound, Expr, Group, Name, Node, Part, Pattern, Quiet, Select, Without};

impl Parser<'_> {
    pub fn pattern(&mut self) -> Parsed<Pattern> {
        let select = self.select();
        Ok(Pattern { select, whole: self.pattern_group()? })
    }

    /// `all` or `disjoint`, where a step follows: a stream may be called `all`.
    fn select(&mut self) -> Option<(Select, crate::source::Loc)> {
        const BEHIND_A_STREAM: [&str; 12] =
            ["as", "where", "then", "next", "and", "or", "within", "without", "with", "in", "starts", "ends"];
        let follows = match self.ahead(1).kind {
            Kind::Word => self.word_ahead(1).is_some_and(|w| !BEHIND_A_STREAM.contains(&w)) && !self.ahead(1).first_on_line,
            Kind::OpenParen => true,
            _ => false,
        };
        let select = match self.word_ahead(0) {
            Some("all") if follows => Select::All,
            Some("disjoint") => Select::Disjoint,
            _ => return None,
        };
        let token = self.advance();
        Some((select, self.loc(token)))
    }

    /// Steps, and the bounds behind them.
    fn pattern_group(&mut self) -> Parsed<Group> {
        let start = self.peek();
        let node = self.chain()?;
        let mut group = Group { node, absences: Vec::new(), around: Vec::new(), within: None, loc: self.since(start) };
        loop {
            match self.word_ahead(0) {
                Some("without") if group.within.is_none() => {
                    self.advance();
                    group.absences.push(self.without()?);
                }
                Some("with") if group.within.is_none() => group.around.push(self.around()?),
                Some("within") if group.within.is_none() => {
                    self.advance();
                    group.within = Some(self.duration("how far apart first and last may be")?);
                }
                Some(word @ ("without" | "with")) => return Err(self.behind_within(word)),
                Some(word @ ("then" | "next" | "and" | "or")) => return Err(self.behind_bounds(word)),
                _ => {
                    group.loc = self.since(start);
                    return Ok(group);
                }
            }
        }
    }

    fn behind_within(&mut self, word: &str) -> Failed {
        let loc = self.here();
        let what = if word == "with" { "with no" } else { word };
        self.report(
            Diagnostic::new(Code::EXPECTED, format!("`{what}` stands before `within`"), loc, "expected the next clause")
                .help("move it in front of `within`"),
        );
        Failed
    }

    fn behind_bounds(&mut self, word: &str) -> Failed {
        let loc = self.here();
        self.report(
            Diagnostic::new(Code::EXPECTED, format!("`{word}` behind the bounds of a pattern"), loc, "expected the next clause")
                .note("`without`, `with no` and `within` end a pattern, or a group in parentheses")
                .help(format!("put what they bound into parentheses, as in `(carbs then bg within 2 h) {word} …`")),
        );
        Failed
    }

    /// Steps and groups, all joined by the same kind of word.
    fn chain(&mut self) -> Parsed<Node> {
        let first = self.unit_of_pattern()?;
        let joined = match self.word_ahead(0) {
            Some("then" | "next") => self.sequence(first)?,
            Some(word @ ("and" | "or")) => {
                let mut all = vec![first];
                while self.eat_word(word).is_some() {
                    all.push(self.unit_of_pattern()?);
                }
                if word == "and" { Node::And(all) } else { Node::Or(all) }
            }
            _ => return Ok(first),
        };
        match self.word_ahead(0) {
            Some(word @ ("then" | "next" | "and" | "or")) => {
                let loc = self.here();
                self.report(
                    Diagnostic::new(Code::EXPECTED, "`then`, `and` and `or` do not mix", loc, format!("`{word}` after another"))
                        .help("put parentheses around what belongs together, as in `(carbs and medication) then bg`"),
                );
                Err(Failed)
            }
            _ => Ok(joined),
        }
    }

    fn sequence(&mut self, first: Node) -> Parsed<Node> {
        let mut rest = Vec::new();
        loop {
            if self.eat_word("next").is_some() {
                rest.push(Part::Next(self.unit_of_pattern()?));
            } else if self.eat_word("then").is_some() {
                if self.is_word("no") {
                    rest.push(Part::ThenNo(self.then_no()?));
                } else {
                    rest.push(Part::Then(self.unit_of_pattern()?));
                }
            } else {
                return Ok(Node::Sequence { first: Box::new(first), rest });
            }
        }
    }

    /// A step, or a group in parentheses.
    fn unit_of_pattern(&mut self) -> Parsed<Node> {
        if self.is_word("no") {
            let loc = self.here();
            let d = Diagnostic::new(Code::EXPECTED, "`no` stands behind a step and `then`", loc, "expected a step");
            self.report(d.help("as in `carbs then no bg for 2 h`, or `carbs with no bg from 2 h before carbs to carbs`"));
            return Err(Failed);
        }
        if self.eat(Kind::OpenParen).is_none() {
            return self.step().map(|step| Node::Step(Box::new(step)));
        }
        if self.depth >= Limits::DEPTH {
            let loc = self.here();
            self.report(Diagnostic::new(Code::TOO_DEEP, "a pattern is nested too deeply", loc, "too deep from here"));
            return Err(Failed);
        }
        self.depth += 1;
        let group = self.pattern_group();
        self.depth -= 1;
        let group = group?;
        self.need(Kind::CloseParen, "to close the group")?;
        if self.is(Kind::OpenBrace) {
            let brace = self.peek();
            let (count, most) = self.repeat()?;
            if most != Some(count) {
                let loc = self.since(brace);
                self.report(
                    Diagnostic::new(Code::REPEAT, "a group is repeated a certain number of times", loc, "not a certain number")
                        .help("write `(…){3}`; only a step can have a count like `{2..}`"),
                );
                return Err(Failed);
            }
            return Ok(Node::Repeat { group: Box::new(group), count });
        }
        // Parentheses around one step only keep its `where` together.
        match group.node {
            Node::Step(step) if group.absences.is_empty() && group.around.is_empty() && group.within.is_none() => {
                Ok(Node::Step(step))
            }
            _ => Ok(Node::Group(Box::new(group))),
        }
    }

    fn without(&mut self) -> Parsed<Without> {
        let stream = self.name("a stream")?;
        Ok(Without { stream, filter: self.step_filter()? })
    }

    /// `no S [where E] for D`, `no S or T for D`.
    fn then_no(&mut self) -> Parsed<Quiet> {
        self.advance();
        let mut absences = vec![self.without()?];
        while self.is_word("or") && absences.iter().all(|a| a.filter.is_none()) {
            self.advance();
            absences.push(Without { stream: self.name("a stream")?, filter: None });
        }
        self.need_word("for", "and a span, as in `then no bg for 2 h`")?;
        Ok(Quiet { absences, span: self.duration("how long nothing may come")? })
    }

    /// `with no S [where E] from A before n to B after n`.
    fn around(&mut self) -> Parsed<Around> {
        self.advance();
        self.need_word("no", "as in `with no bolus from 20 min before meal to 30 min after meal`")?;
        let without = self.without()?;
        self.need_word("from", "and where it begins, as in `from 20 min before meal`")?;
        let from = self.bound()?;
        self.need_word("to", "and where it ends, as in `to 30 min after meal`")?;
        Ok(Around { without, from, to: self.bound()? })
    }

    /// `20 min before n`, `30 min after n`, `n`.
    fn bound(&mut self) -> Parsed<Bound> {
        if !self.is(Kind::Number) {
            return Ok(Bound { span: None, before: false, step: self.bound_step()? });
        }
        let span = Some(self.duration("how far from a step")?);
        let before = self.is_word("before");
        if !before && !self.is_word("after") {
            return Err(self.expected("`before` or `after` and the name of a step"));
        }
        self.advance();
        Ok(Bound { span, before, step: self.bound_step()? })
    }

    fn bound_step(&mut self) -> Parsed<Name> {
        self.name("the name of a step")
    }

    pub fn step_filter(&mut self) -> Parsed<Option<Expr>> {
        match self.eat_word("where") {
            Some(_) => self.expr().map(Some),
            None => Ok(None),
        }
    }
}
