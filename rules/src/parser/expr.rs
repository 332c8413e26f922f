//! Expressions: precedence climbing from `or` down to a value.

use std::sync::Arc;

use super::cursor::RESERVED;
use super::{Failed, Parsed, Parser};
use crate::diagnostic::{Code, Diagnostic};
use crate::lexer::{Kind, Limits, Token};
use crate::source::Loc;
use crate::syntax::{BinaryOp, Covering, Expr, ExprKind, Name};

impl Parser<'_> {
    /// The longest expression from here.
    pub fn expr(&mut self) -> Parsed<Expr> {
        let expr = self.nested(Parser::or)?;
        if self.eat_word("if").is_none() {
            return Ok(expr);
        }
        let condition = self.nested(Parser::or)?;
        self.need(Kind::Comma, "and `otherwise`, as in `10 mg/dL if profile.smoker, otherwise 20 mg/dL`")?;
        self.need_word("otherwise", "and the value if it is not so")?;
        let otherwise = self.nested(Parser::expr)?;
        let (loc, below) = (expr.loc.to(otherwise.loc), expr.depth.max(condition.depth).max(otherwise.depth));
        let (then, condition, otherwise) = (Box::new(expr), Box::new(condition), Box::new(otherwise));
        self.node(ExprKind::If { then, condition, otherwise }, loc, below)
    }

    /// Runs a level of the grammar one nesting deeper, up to the limit.
    pub fn nested(&mut self, level: impl FnOnce(&mut Self) -> Parsed<Expr>) -> Parsed<Expr> {
        if self.depth >= Limits::DEPTH {
            return Err(self.too_deep(self.here()));
        }
        self.depth += 1;
        let expr = level(self);
        self.depth -= 1;
        expr
    }

    fn too_deep(&mut self, loc: Loc) -> Failed {
        self.report(
            Diagnostic::new(
                Code::TOO_DEEP,
                "an expression is nested too deeply",
                loc,
                format!("deeper than {} from here", Limits::DEPTH),
            )
            .help("name parts of it with `let`"),
        );
        Failed
    }

    /// A node above others, if it is not too far above.
    pub fn node(&mut self, kind: ExprKind, loc: Loc, below: u32) -> Parsed<Expr> {
        // Chains of operators make deep trees without nesting; they may be longer than what is nested by hand.
        if below >= Limits::DEPTH * 4 {
            return Err(self.too_deep(loc));
        }
        Ok(Expr { kind, loc, depth: below + 1 })
    }

    pub fn or(&mut self) -> Parsed<Expr> {
        let first = self.and()?;
        let mut all = vec![first];
        // `or no S for D` ends the expression: it says when an episode lapses.
        while self.is_word("or") && self.word_ahead(1) != Some("no") {
            self.advance();
            all.push(self.and()?);
        }
        if all.len() > 1
            && let Some(mixed) = all.iter().find(|e| matches!(e.kind, ExprKind::And(_)))
        {
            let d = Diagnostic::new(
                Code::MIXED,
                "`and` and `or` are mixed",
                mixed.loc,
                "`and` binds more tightly: this belongs together",
            )
            .fix("put parentheses around what belongs together", mixed.loc, format!("({})", self.written(mixed.loc)));
            self.report(d);
        }
        self.group(all, ExprKind::Or)
    }

    fn and(&mut self) -> Parsed<Expr> {
        let mut all = vec![self.not()?];
        while self.eat_word("and").is_some() {
            all.push(self.not()?);
        }
        self.group(all, ExprKind::And)
    }

    fn group(&mut self, mut all: Vec<Expr>, kind: fn(Vec<Expr>) -> ExprKind) -> Parsed<Expr> {
        if all.len() == 1 {
            return all.pop().ok_or(Failed);
        }
        let loc = all[0].loc.to(all[all.len() - 1].loc);
        let below = all.iter().map(|e| e.depth).max().unwrap_or(0);
        self.node(kind(all), loc, below)
    }

    fn not(&mut self) -> Parsed<Expr> {
        let Some(token) = self.eat_word("not") else { return self.comparison() };
        let inner = self.nested(Parser::not)?;
        let (loc, depth) = (self.since(token), inner.depth);
        self.node(ExprKind::Not(Box::new(inner)), loc, depth)
    }

    /// A comparison, and what intervals lie over it.
    fn comparison(&mut self) -> Parsed<Expr> {
        let mut expr = self.compared()?;
        while let Some(word @ ("during" | "overlaps")) = self.word_ahead(0) {
            self.advance();
            expr = self.covering(word == "overlaps", Some(expr))?;
        }
        Ok(expr)
    }

    /// The stream behind `during` or `overlaps`, with its condition in parentheses: a `where` without them is a clause of the rule.
    fn covering(&mut self, overlaps: bool, what: Option<Expr>) -> Parsed<Expr> {
        let start = self.peek();
        let (mut filter, open) = (None, self.eat(Kind::OpenParen).is_some());
        let stream = self.name("a stream of intervals")?;
        if open {
            if self.eat_word("where").is_some() {
                filter = Some(self.expr()?);
            }
            self.need(Kind::CloseParen, "to close the parenthesis")?;
        }
        let loc = what.as_ref().map_or(self.since(start), |w| w.loc.to(self.since(start)));
        let below = what.iter().chain(&filter).map(|e| e.depth).max().unwrap_or(0);
        self.node(ExprKind::Covering(Box::new(Covering { what, overlaps, stream, filter })), loc, below)
    }

    fn compared(&mut self) -> Parsed<Expr> {
        let start = self.peek();
        let left = self.sum()?;
        if let Some(op) = self.comparing() {
            let token = self.advance();
            let op_loc = self.loc(token);
            let right = self.sum()?;
            if self.comparing().is_some() {
                return self.chained(&left, &right);
            }
            return self.binary(op, op_loc, left, right);
        }
        match self.word_ahead(0) {
            Some("between") => {
                self.advance();
                let low = self.sum()?;
                self.need_word("and", "and the upper end, as in `between 4 mmol/L and 10 mmol/L`")?;
                let high = self.sum()?;
                let (loc, below) = (self.since(start), left.depth.max(low.depth).max(high.depth));
                let (value, low, high) = (Box::new(left), Box::new(low), Box::new(high));
                self.node(ExprKind::Between { value, low, high }, loc, below)
            }
            Some("in") => {
                self.advance();
                let list = self.list()?;
                let (loc, below) = (self.since(start), list.iter().map(|e| e.depth).max().unwrap_or(0).max(left.depth));
                self.node(ExprKind::In { value: Box::new(left), list }, loc, below)
            }
            Some("is") => {
                self.advance();
                let negated = self.eat_word("not").is_some();
                self.need_word("known", "(the language asks `is known` and `is not known`; equality is `=`)")?;
                let (loc, depth) = (self.since(start), left.depth);
                self.node(ExprKind::IsKnown { value: Box::new(left), negated }, loc, depth)
            }
            _ => Ok(left),
        }
    }

    fn comparing(&self) -> Option<BinaryOp> {
        Some(match self.peek().kind {
            Kind::Lt => BinaryOp::Lt,
            Kind::Le => BinaryOp::Le,
            Kind::Gt => BinaryOp::Gt,
            Kind::Ge => BinaryOp::Ge,
            Kind::Eq | Kind::EqEq => BinaryOp::Eq,
            Kind::Ne => BinaryOp::Ne,
            _ => return None,
        })
    }

    /// `a < b < c` is reported with the way to say it, and read over.
    fn chained(&mut self, left: &Expr, right: &Expr) -> Parsed<Expr> {
        let loc = self.here();
        let (a, b) = (self.written(left.loc).to_owned(), self.written(right.loc).to_owned());
        self.report(
            Diagnostic::new(Code::CHAINED, "comparisons do not chain", loc, "a second comparison of the same value")
                .label(right.loc, "this would be compared twice")
                .help(format!("write `{b} between {a} and …`, or two comparisons joined by `and`"))
                .fix("write two comparisons", right.loc, format!("{b} and {b}")),
        );
        while self.comparing().is_some() {
            self.advance();
            self.sum()?;
        }
        Ok(Expr::bad(left.loc.to(right.loc)))
    }

    fn list(&mut self) -> Parsed<Vec<Expr>> {
        self.need(Kind::OpenParen, "around the list, as in `in (light, moderate)`")?;
        let mut all = vec![self.nested(Parser::sum)?];
        while self.eat(Kind::Comma).is_some() {
            all.push(self.nested(Parser::sum)?);
        }
        self.need(Kind::CloseParen, "or `,` in the list")?;
        Ok(all)
    }

    fn binary(&mut self, op: BinaryOp, op_loc: Loc, left: Expr, right: Expr) -> Parsed<Expr> {
        let (loc, below) = (left.loc.to(right.loc), left.depth.max(right.depth));
        self.node(ExprKind::Binary { op, op_loc, left: Box::new(left), right: Box::new(right) }, loc, below)
    }

    pub fn sum(&mut self) -> Parsed<Expr> {
        let mut left = self.product()?;
        loop {
            let op = match self.peek().kind {
                Kind::Plus => BinaryOp::Add,
                Kind::Minus => BinaryOp::Sub,
                _ => return Ok(left),
            };
            let token = self.advance();
            let op_loc = self.loc(token);
            let right = self.product()?;
            left = self.binary(op, op_loc, left, right)?;
        }
    }

    fn product(&mut self) -> Parsed<Expr> {
        let mut left = self.unary()?;
        loop {
            let op = match self.peek().kind {
                Kind::Star => BinaryOp::Mul,
                Kind::Slash => BinaryOp::Div,
                _ => return Ok(left),
            };
            let token = self.advance();
            let op_loc = self.loc(token);
            let right = self.unary()?;
            left = self.binary(op, op_loc, left, right)?;
        }
    }

    fn unary(&mut self) -> Parsed<Expr> {
        let Some(minus) = self.eat(Kind::Minus) else { return self.value() };
        let inner = self.nested(Parser::unary)?;
        let (loc, depth) = (self.since(minus), inner.depth);
        self.node(ExprKind::Neg(Box::new(inner)), loc, depth)
    }

    fn value(&mut self) -> Parsed<Expr> {
        let start = self.peek();
        match start.kind {
            Kind::Number => {
                let literal = self.literal(true)?;
                self.leaf(ExprKind::Literal(literal), start)
            }
            Kind::Text => {
                let text = self.quoted("a text")?;
                self.leaf(ExprKind::Text(text), start)
            }
            Kind::OpenParen => {
                self.advance();
                let inner = self.apart(Parser::expr)?;
                self.need(Kind::CloseParen, "to close the parenthesis")?;
                let (loc, depth) = (self.since(start), inner.depth);
                self.node(ExprKind::Paren(Box::new(inner)), loc, depth)
            }
            Kind::Clock => {
                let minutes = self.time_of_day()?;
                self.leaf(ExprKind::Clock(minutes), start)
            }
            Kind::Instant => {
                let note = "a rule holds on every day; an instant has its place in a test";
                Err(self.expected_noting("a value", note))
            }
            Kind::Word => self.word_value(start),
            _ => Err(self.expected("a value")),
        }
    }

    fn leaf(&mut self, kind: ExprKind, start: Token) -> Parsed<Expr> {
        Ok(Expr { kind, loc: self.since(start), depth: 1 })
    }

    fn word_value(&mut self, start: Token) -> Parsed<Expr> {
        let word = self.slice(start);
        match word {
            "true" | "false" => {
                self.advance();
                return self.leaf(ExprKind::Bool(word == "true"), start);
            }
            "now" => {
                self.advance();
                return self.leaf(ExprKind::Now, start);
            }
            "onset" => {
                self.advance();
                return self.leaf(ExprKind::Onset, start);
            }
            "profile" => {
                self.advance();
                self.need(Kind::Dot, "and a field of the profile, as in `profile.bg_low`")?;
                let field = self.any_name("a field of the profile")?;
                return self.leaf(ExprKind::Profile(field), start);
            }
            "during" | "overlaps" => {
                self.advance();
                return self.covering(word == "overlaps", None);
            }
            "no" => {
                let note = "`no S for D` is a whole `when` of its own; further conditions go into `where`";
                return Err(self.expected_noting("a value", note));
            }
            _ => {}
        }
        let dotted = self.ahead(1).kind == Kind::Dot;
        if word == "each" && !dotted {
            self.advance();
            return Err(self.expected("`.` and a field behind `each`"));
        }
        if RESERVED.contains(&word) && word != "each" {
            return Err(self.expected("a value"));
        }
        if self.ahead(1).kind == Kind::OpenParen {
            return self.call();
        }
        self.advance();
        let name = Name { text: Arc::from(word), loc: self.loc(start) };
        if self.eat(Kind::Dot).is_some() {
            let field = self.path()?;
            let expr = self.leaf(ExprKind::Field { of: name, field }, start)?;
            return self.fresh(expr, start);
        }
        self.leaf(ExprKind::Name(name), start)
    }

    /// `amount`, or `meal.amount`: what a step of a finding's rule says.
    fn path(&mut self) -> Parsed<Name> {
        let mut path = self.any_name("a field behind the dot")?;
        while self.eat(Kind::Dot).is_some() {
            let next = self.any_name("a field behind the dot")?;
            path = Name { text: Arc::from(format!("{}.{}", path.text, next.text)), loc: path.loc.to(next.loc) };
        }
        Ok(path)
    }

    /// `fresh D` behind a field.
    fn fresh(&mut self, field: Expr, start: Token) -> Parsed<Expr> {
        if self.aggregated || !self.is_word("fresh") {
            return Ok(field);
        }
        self.advance();
        let within = self.duration("how old the reading may be")?;
        let (loc, below) = (self.since(start), field.depth);
        self.node(ExprKind::Fresh { field: Box::new(field), within }, loc, below)
    }

    /// An expression that no window aggregates as it stands.
    pub fn apart(&mut self, level: impl FnOnce(&mut Self) -> Parsed<Expr>) -> Parsed<Expr> {
        let outside = std::mem::replace(&mut self.aggregated, false);
        let expr = level(self);
        self.aggregated = outside;
        expr
    }
}
