//! The ends of the ranges: instants, spans and amounts at the limits of 64 bits neither panic nor hang, and what is restored still
//! continues as if never cut.

use std::sync::Arc;

use vitalog_cep::Engine;
use vitalog_cep::plan::{Arith, Expr, Library, Node, Part, Rational, Rule, RuleKind};
use vitalog_elog::id::digest;
use vitalog_elog::{Amount, Reading, Span, Time, Value, When};

use super::{check, seeds};
use crate::draw;
use crate::draw::dice::Dice;
use crate::world::drive;
use crate::world::script::{Given, Line, reading};

const EDGES: [i64; 9] = [i64::MIN, i64::MIN + 1, -1, 0, 1, i64::MAX / 2, i64::MIN / 2, i64::MAX - 1, i64::MAX];

/// Without sense: spans below zero, and intervals that end before they start, which no compiler makes and no gateway lets in.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Sense {
    Kept,
    Lost,
}

struct Stretch {
    dice: Dice,
    sense: Sense,
}

#[test]
fn the_ends_of_the_ranges_are_survived() {
    for seed in seeds(1_000) {
        check("the ends of the ranges", seed, stretched(seed, Sense::Kept), &|_, lines| {
            let cut = lines.len() / 2;
            let (mut whole, effects) = drive::run(lines);
            let (mut half, _) = drive::run(&lines[..cut]);
            let mut restored = Engine::restore(&half.snapshot()).map_err(|e| e.to_string())?;
            for (i, line) in lines.iter().enumerate().skip(cut) {
                if drive::step(&mut restored, i, line) != effects[i] {
                    return Err(format!("cut at {cut}, input {i} has other effects"));
                }
            }
            if restored.snapshot() != whole.snapshot() {
                Err(format!("cut at {cut}, it ends in another snapshot"))
            } else {
                Ok(())
            }
        });
    }
}

#[test]
fn what_makes_no_sense_is_survived() {
    for seed in seeds(1_000) {
        let (mut engine, _) = drive::run(&stretched(seed, Sense::Lost));
        let _ = engine.next_due();
        let mut restored = Engine::restore(&engine.snapshot()).expect("its own snapshot");
        let tick = Line { arrival: Time::MAX, input: Given::Tick };
        drive::step(&mut restored, usize::MAX, &tick);
    }
}

fn stretched(seed: u64, sense: Sense) -> Vec<Line> {
    let mut stretch = Stretch { dice: Dice::either(seed ^ 0xED6E), sense };
    draw::script(seed).into_iter().map(|l| stretch.line(l)).collect()
}

impl Stretch {
    /// The line with some of its numbers moved to an edge.
    fn line(&mut self, line: Line) -> Line {
        let arrival = if self.dice.chance(8) { Time(self.edge()) } else { line.arrival };
        let input = match line.input {
            Given::Reading(r) if self.dice.chance(50) => Given::Reading(self.reading(&r)),
            Given::Profile(mut c) => {
                if self.dice.chance(50) {
                    c.at = Time(self.edge());
                }
                c.value = c.value.map(|v| self.value(v));
                Given::Profile(c)
            }
            Given::Library { effective, library } => {
                let effective = if self.dice.chance(20) { Time(self.edge()) } else { effective };
                let rules = library.rules.iter().map(|r| Arc::new(self.rule(r))).collect();
                Given::Library { effective, library: Arc::new(Library { rules, ..(*library).clone() }) }
            }
            other => other,
        };
        Line { arrival, input }
    }

    fn edge(&mut self) -> i64 {
        *self.dice.pick(&EDGES)
    }

    fn reading(&mut self, r: &Reading) -> Reading {
        let (Some(content), Some(name)) = (&r.content, &r.given) else { return r.clone() };
        let when = match content.when {
            When::At(t) => When::At(self.time(t)),
            When::During { start, end } => {
                let start = self.time(start);
                let end = end.map(|end| self.time(end));
                When::During { start, end: end.map(|end| if self.sense == Sense::Kept { end.max(start) } else { end }) }
            }
        };
        let values = content.values.iter().map(|v| v.clone().map(|v| self.value(v))).collect();
        let rev = if self.dice.chance(20) { u32::MAX } else { r.rev };
        reading(&r.subject, name, rev, content.stream, when, values)
    }

    fn time(&mut self, t: Time) -> Time {
        if self.dice.chance(50) { Time(self.edge()) } else { t }
    }

    fn value(&mut self, value: Value) -> Value {
        match value {
            Value::Quantity(a) if self.dice.chance(60) => {
                let scale = *self.dice.pick(&[0, 0, 1, 18, 30]);
                Value::Quantity(Amount { digits: self.edge(), scale, unit: a.unit })
            }
            other => other,
        }
    }

    fn rule(&mut self, rule: &Rule) -> Rule {
        let mut rule = rule.clone();
        match &mut rule.kind {
            RuleKind::Episode(e) => {
                for hold in e.hold.iter_mut().chain(&mut e.until_hold) {
                    self.span(&mut hold.span);
                    self.span(&mut hold.gap);
                }
                e.lapse.iter_mut().for_each(|s| self.span(s));
            }
            // From one end of time to the other it fires for ever.
            RuleKind::Schedule(s) => s.days = 0,
            RuleKind::Silence(s) => self.span(&mut s.span),
            RuleKind::Match(p) => {
                p.within.iter_mut().for_each(|s| self.span(s));
                p.around.iter_mut().for_each(|a| self.ends(&mut a.from, &mut a.to));
                self.tree(&mut p.tree);
            }
        }
        self.span(&mut rule.stale_after);
        rule.once_per.iter_mut().for_each(|s| self.span(s));
        // What is made of numbers at the edges may be beyond every range, and is then unknown.
        for e in &mut rule.lets {
            if self.dice.chance(50) {
                let n = Expr::Number(Rational { n: self.edge(), d: *self.dice.pick(&[1, 2, i64::MAX]) });
                let op = *self.dice.pick(&[Arith::Add, Arith::Mul, Arith::Div]);
                *e = Expr::Arith { op, left: Box::new(e.clone()), right: Box::new(n) };
            }
        }
        // Two libraries may have stretched it differently: then it does not mean the same.
        rule.meaning = digest(b"stretched", &[format!("{rule:?}").as_bytes()]) as u64;
        rule
    }

    fn tree(&mut self, node: &mut Node) {
        match node {
            Node::Step(_) => {}
            Node::Sequence { first, rest } => {
                self.tree(first);
                for part in rest {
                    match part {
                        Part::Then(n) | Part::Next(n) => self.tree(n),
                        Part::ThenNo(q) => self.span(&mut q.span),
                    }
                }
            }
            Node::And(all) | Node::Or(all) => all.iter_mut().for_each(|n| self.tree(n)),
            Node::Group(group) => {
                self.tree(&mut group.node);
                group.within.iter_mut().for_each(|s| self.span(s));
                group.around.iter_mut().for_each(|a| self.ends(&mut a.from, &mut a.to));
            }
            Node::Repeat { node, .. } => self.tree(node),
        }
    }

    fn ends(&mut self, from: &mut Span, to: &mut Span) {
        for end in [from, to] {
            if self.dice.chance(40) {
                *end = Span(*self.dice.pick(&EDGES));
            }
        }
    }

    fn span(&mut self, s: &mut Span) {
        let edges: &[i64] = match self.sense {
            Sense::Kept => &[i64::MAX, i64::MAX - 1, 0, 1],
            Sense::Lost => &[i64::MAX, 0, -1, i64::MIN + 1, i64::MIN],
        };
        if self.dice.chance(40) {
            *s = Span(*self.dice.pick(edges));
        }
    }
}
