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
    w.count(rule.say.len());
    for piece in &rule.say {
        match piece {
            Piece::Text(text) => w.tagged(0).text(text),
            Piece::Hole { expr, show } => {
                w.tagged(1).expr(expr);
                w.show(show);
            }
        };
    }
    w.text(rule.notify.as_deref().unwrap_or(""));
    w.text(rule.cite.as_deref().unwrap_or(""));
    w.span(rule.once_per);
    w.span(Some(rule.stale_after));
    rule.quiet_while.iter().for_each(|name| w.tagged(0).text(name));
    digest_of(&w.out) as u64
}

struct Writer<'w> {
    world: &'w World,
    /// The stream of the driver or candidate.
    at_hand: Option<StreamIx>,
    /// The stream of the window whose condition is written.
    item: Option<StreamIx>,
    steps: Vec<StreamIx>,
    out: Vec<u8>,
}

impl Writer<'_> {
    fn tagged(&mut self, tag: u8) -> &mut Self {
        self.out.push(tag);
        self
    }

    fn number(&mut self, n: i64) {
        self.out.extend_from_slice(&n.to_le_bytes());
    }

    fn count(&mut self, n: usize) {
        self.number(n as i64);
    }

    fn text(&mut self, text: &str) {
        self.count(text.len());
        self.out.extend_from_slice(text.as_bytes());
    }

    fn span(&mut self, span: Option<Span>) {
        self.number(span.map_or(i64::MIN, |s| s.0));
    }

    fn stream(&mut self, ix: StreamIx) {
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
                let mut names: Vec<&str> = s.streams.iter().map(|ix| &*self.world.declared(*ix).name).collect();
                names.sort_unstable();
                self.count(names.len());
                names.iter().for_each(|n| self.text(n));
            }
            RuleKind::Match(p) => {
                self.steps = p.steps.iter().map(|s| s.stream).collect();
                self.tagged(2).count(p.steps.len());
                for step in &p.steps {
                    self.at_hand = Some(step.stream);
                    self.stream(step.stream);
                    self.option(step.filter.as_ref());
                    self.number(i64::from(step.count));
                    self.tagged(u8::from(step.in_a_row));
                }
                self.count(p.absences.len());
                for absence in &p.absences {
                    self.at_hand = Some(absence.stream);
                    self.stream(absence.stream);
                    self.option(absence.filter.as_ref());
                }
                self.span(p.within);
            }
            RuleKind::Schedule(s) => {
                self.tagged(3).tagged(s.days);
                self.list(&s.at);
                self.option(s.when.as_ref());
            }
        }
    }

    fn option(&mut self, expr: Option<&Expr>) {
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
                    Ref::Driver | Ref::Candidate => self.at_hand,
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
                self.item = outer;
                self.span(Some(w.over));
                match w.anchor {
                    Anchor::Decision => self.number(-1),
                    Anchor::Until => self.number(-2),
                    Anchor::Before(step) => self.number(i64::from(step)),
                }
            }
            Expr::Bound { func, step, what } => {
                self.tagged(10).func(*func);
                self.number(i64::from(*step));
                self.measure(*what, self.steps.get(usize::from(*step)).copied());
            }
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
        }
    }

    fn reference(&mut self, at: Ref) {
        match at {
            Ref::Driver => self.number(-1),
            Ref::Candidate => self.number(-2),
            Ref::Item => self.number(-3),
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
                        self.tagged(6).text(&field.name);
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
            Measure::End => {
                self.tagged(5);
            }
        }
    }

    fn func(&mut self, func: Func) {
        self.tagged(func as u8);
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
        }
    }
}
