//! The identity of a rule: a number that changes when, and only when, what it means does.
//!
//! It is the hash of a canonical writing of the lowered rule, so neither formatting, comments, names of steps and `let`s nor the title take
//! part. Streams, fields and profile fields are written by their names, not their places, so that a backtest in an empty place and
//! a long-lived engine agree. A profile field is written with its default: another default is another meaning.

use vitalog_cep::plan::{Anchor, Expr, Func, Hold, Measure, Piece, Ref, Rule, RuleKind, Show};
use vitalog_elog::id::digest_of;
use vitalog_elog::{Span, StreamIx, Value};

use super::World;

/// The hash of what a rule means.
pub fn meaning(rule: &Rule, world: &World) -> u64 {
    let mut w = Writer { world, at_hand: None, item: None, steps: Vec::new(), out: b"rule 1".to_vec() };
    w.kind(&rule.kind);
    w.list(&rule.lets);
    w.option(rule.filter.as_ref());
    w.count(rule.grades.len());
    for grade in &rule.grades {
        w.text(grade.severity.name());
        w.option(grade.when.as_ref());
    }
    w.pieces(&rule.say);
    w.text(rule.notify.as_deref().unwrap_or(""));
    w.text(rule.cite.as_deref().unwrap_or(""));
    w.span(rule.once_per);
    w.span(Some(rule.stale_after));
    rule.quiet_while.iter().for_each(|name| w.tagged(0).text(name));
    for wording in &rule.wordings {
        w.tagged(1).text(&wording.to);
        w.pieces(&wording.say);
    }
    digest_of(&w.out) as u64
}

pub struct Writer<'w> {
    world: &'w World,
    /// The stream of the driver or candidate.
    pub at_hand: Option<StreamIx>,
    /// The stream of the window whose condition is written.
    item: Option<StreamIx>,
    steps: Vec<StreamIx>,
    out: Vec<u8>,
}

impl Writer<'_> {
    pub fn tagged(&mut self, tag: u8) -> &mut Self {
        self.out.push(tag);
        self
    }

    pub fn number(&mut self, n: i64) {
        self.out.extend_from_slice(&n.to_le_bytes());
    }

    pub fn count(&mut self, n: usize) {
        self.number(n as i64);
    }

    fn text(&mut self, text: &str) {
        self.count(text.len());
        self.out.extend_from_slice(text.as_bytes());
    }

    fn pieces(&mut self, say: &[Piece]) {
        self.count(say.len());
        for piece in say {
            match piece {
                Piece::Text(text) => self.tagged(0).text(text),
                Piece::Hole { expr, show } => {
                    self.tagged(1).expr(expr);
                    self.show(show);
                }
            };
        }
    }

    pub fn span(&mut self, span: Option<Span>) {
        self.number(span.map_or(i64::MIN, |s| s.0));
    }

    pub fn stream(&mut self, ix: StreamIx) {
        let world = self.world;
        if ix.derived().is_some() {
            // A rule and a stream of one name are two things.
            self.text("rule");
        }
        self.text(&world.declared(ix).name);
    }

    fn hold(&mut self, hold: Option<Hold>) {
        self.span(hold.map(|h| h.span));
        self.span(hold.map(|h| h.gap));
    }

    fn kind(&mut self, kind: &RuleKind) {
        match kind {
            RuleKind::Episode(e) => {
                self.at_hand = Some(e.driver);
                self.tagged(0).stream(e.driver);
                self.expr(&e.when);
                self.hold(e.hold);
                self.option(e.until.as_ref());
                self.hold(e.until_hold);
                self.span(e.lapse);
            }
            RuleKind::Silence(s) => {
                self.tagged(1).span(Some(s.span));
                let world = self.world;
                let mut heard: Vec<_> = s.streams.iter().collect();
                heard.sort_by_key(|h| (&*world.declared(h.stream).name, h.stream.derived().is_some()));
                self.count(heard.len());
                for heard in heard {
                    self.stream(heard.stream);
                    self.at_hand = Some(heard.stream);
                    // One without a condition is written as it always was.
                    if heard.filter.is_some() {
                        self.option(heard.filter.as_ref());
                    }
                }
            }
            RuleKind::Match(p) => {
                self.steps = p.steps.iter().map(|s| s.stream).collect();
                self.pattern(p);
            }
            RuleKind::Schedule(s) => {
                self.tagged(3).tagged(s.days);
                self.list(&s.at);
                self.option(s.when.as_ref());
            }
        }
    }

    pub fn option(&mut self, expr: Option<&Expr>) {
        match expr {
            Some(expr) => self.tagged(1).expr(expr),
            None => {
                self.tagged(0);
            }
        }
    }

    fn list(&mut self, all: &[Expr]) {
        self.count(all.len());
        all.iter().for_each(|e| self.expr(e));
    }

    fn expr(&mut self, expr: &Expr) {
        match expr {
            Expr::Bool(b) => {
                self.tagged(0).tagged(u8::from(*b));
            }
            Expr::Number(r) => {
                self.tagged(1).number(r.n);
                self.number(r.d);
            }
            Expr::Enum(i) => self.tagged(2).number(i64::from(*i)),
            Expr::Text(text) => self.tagged(3).text(text),
            Expr::Get { of: at, what } => {
                self.tagged(4).reference(*at);
                let stream = match at {
                    Ref::Driver | Ref::Candidate | Ref::First | Ref::Previous => self.at_hand,
                    Ref::Item => self.item,
                    Ref::Step(i) => self.steps.get(usize::from(*i)).copied(),
                };
                self.measure(*what, stream);
            }
            Expr::Profile(ix) => self.tagged(5).setting(*ix),
            Expr::Onset => {
                self.tagged(6);
            }
            Expr::Now => {
                self.tagged(7);
            }
            Expr::Let(i) => self.tagged(8).number(i64::from(*i)),
            Expr::Window(w) => {
                self.tagged(9).func(w.func);
                self.stream(w.stream);
                self.measure(w.what, Some(w.stream));
                let outer = self.item.replace(w.stream);
                self.option(w.filter.as_ref());
                if w.asks.is_some() {
                    self.option(w.asks.as_ref());
                }
                self.item = outer;
                self.span(Some(w.over));
                match w.anchor {
                    Anchor::Decision => self.number(-1),
                    Anchor::Until => self.number(-2),
                    Anchor::Before(step) => self.number(i64::from(step)),
                    Anchor::After(step) => self.tagged(2).number(i64::from(step)),
                    Anchor::Days(n) => self.tagged(3).number(i64::from(n)),
                    Anchor::Nights(n) => self.tagged(4).number(i64::from(n)),
                }
                if w.fresh.is_some() {
                    self.span(w.fresh);
                }
            }
            Expr::Bound { func, step, what } => {
                self.tagged(10).func(*func);
                self.number(i64::from(*step));
                self.measure(*what, self.steps.get(usize::from(*step)).copied());
            }
            _ => self.made_of_others(expr),
        }
    }

    fn made_of_others(&mut self, expr: &Expr) {
        match expr {
            Expr::Not(a) => self.tagged(11).expr(a),
            Expr::Neg(a) => self.tagged(12).expr(a),
            Expr::And(all) => self.tagged(13).list(all),
            Expr::Or(all) => self.tagged(14).list(all),
            Expr::Compare { op, left, right } => {
                self.tagged(15).tagged(*op as u8).expr(left);
                self.expr(right);
            }
            Expr::Arith { op, left, right } => {
                self.tagged(16).tagged(*op as u8).expr(left);
                self.expr(right);
            }
            Expr::Between { value, low, high } => {
                self.tagged(17).expr(value);
                self.expr(low);
                self.expr(high);
            }
            Expr::In { value, list } => {
                self.tagged(18).expr(value);
                self.list(list);
            }
            Expr::IsKnown(a) => self.tagged(19).expr(a),
            Expr::If { condition, then, otherwise } => {
                self.tagged(20);
                [condition, then, otherwise].into_iter().for_each(|e| self.expr(e));
            }
            Expr::TimeOfDay(a) => self.tagged(21).expr(a),
            Expr::DayOfWeek(a) => self.tagged(22).expr(a),
            Expr::Wrap { value, signed } => self.tagged(23).tagged(u8::from(*signed)).expr(value),
            Expr::BetweenTimes { value, low, high } => {
                self.tagged(24);
                [value, low, high].into_iter().for_each(|e| self.expr(e));
            }
            Expr::Covered { how, from, to, stream, filter } => {
                self.tagged(25).tagged(*how as u8).stream(*stream);
                self.expr(from);
                self.expr(to);
                let outer = self.item.replace(*stream);
                self.option(filter.as_deref());
                self.item = outer;
            }
            Expr::Fresh { value, at, within } => {
                self.tagged(26).span(Some(*within));
                self.expr(value);
                self.expr(at);
            }
            // Written before.
            _ => {}
        }
    }

    fn reference(&mut self, at: Ref) {
        match at {
            Ref::Driver => self.number(-1),
            Ref::Candidate => self.number(-2),
            Ref::Item => self.number(-3),
            Ref::First => self.number(-4),
            Ref::Previous => self.number(-5),
            Ref::Step(i) => self.number(i64::from(i)),
        }
    }

    fn measure(&mut self, what: Measure, stream: Option<StreamIx>) {
        match what {
            Measure::Field(ix) => {
                let world = self.world;
                let found = stream.and_then(StreamIx::derived).and_then(|s| world.derived.get(s)?.fields.get(usize::from(ix.0)));
                match found {
                    Some(field) => {
                        self.tagged(8).text(&field.name);
                        self.text(&field.kind);
                    }
                    None => self.tagged(0).text(stream.map_or("", |s| &*world.declared(s).get(ix).name)),
                }
            }
            Measure::At => {
                self.tagged(1);
            }
            Measure::Start => {
                self.tagged(2);
            }
            Measure::Duration => {
                self.tagged(3);
            }
            Measure::Itself => {
                self.tagged(4);
            }
            Measure::AtClock => {
                self.tagged(5);
            }
            Measure::StartClock => {
                self.tagged(6);
            }
            Measure::End => {
                self.tagged(7);
            }
        }
    }

    fn func(&mut self, func: Func) {
        let tag = match func {
            Func::Count => 0,
            Func::Sum => 1,
            Func::Avg => 2,
            Func::Min => 3,
            Func::Max => 4,
            Func::First => 5,
            Func::Last => 6,
            Func::Delta => 7,
            Func::Stddev => 8,
            Func::Cv => 9,
            Func::Median => 10,
            Func::Percentile(_) => 11,
            Func::Slope => 12,
            Func::Rate => 13,
            Func::Share => 14,
            Func::TimeIn(_) => 15,
            Func::Coverage(_) => 16,
            Func::DecayedSum(_) => 17,
            Func::Days => 18,
            Func::Reversals => 19,
            Func::Forecast(_) => 20,
        };
        self.tagged(tag);
        match func {
            Func::Percentile(share) => {
                self.number(share.n);
                self.number(share.d);
            }
            Func::TimeIn(span) | Func::Coverage(span) | Func::DecayedSum(span) | Func::Forecast(span) => self.span(Some(span)),
            _ => {}
        }
    }

    fn setting(&mut self, ix: u16) {
        let field = &self.world.profile[usize::from(ix)];
        self.text(&field.name);
        match &field.default {
            None => {
                self.tagged(0);
            }
            Some(Value::Quantity(amount)) => self.tagged(1).number(amount.atoms()),
            Some(Value::Enum(i)) => self.tagged(2).number(i64::from(*i)),
            Some(Value::Text(text)) => self.tagged(3).text(text),
            Some(Value::TimeOfDay(time)) => self.tagged(5).number(i64::from(time.minutes())),
            Some(Value::Bool(b)) => {
                self.tagged(4).tagged(u8::from(*b));
            }
        }
    }

    fn show(&mut self, show: &Show) {
        match show {
            Show::Quantity(unit) => {
                self.tagged(0).text(unit.dimension().name());
                self.text(unit.name());
            }
            Show::Number => {
                self.tagged(1);
            }
            Show::Instant => {
                self.tagged(2);
            }
            Show::Span => {
                self.tagged(3);
            }
            Show::Enum(words) => {
                self.tagged(4).count(words.len());
                words.iter().for_each(|w| self.text(w));
            }
            Show::Text => {
                self.tagged(5);
            }
            Show::Bool => {
                self.tagged(6);
            }
            Show::TimeOfDay => {
                self.tagged(7);
            }
        }
    }
}
