//! A dated rule: one meaning of one rule, in force for a stretch of event time, and how far what it decides looks.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use vitalog_elog::{FieldIx, StreamIx};

use super::guard::Guard;
use super::matching::Shape;
use crate::eval::{Scope, Terms};
use crate::plan::{Expr, Func, Library, Measure, Ref, Rule, RuleKind};
use crate::timeline::{Set, Table, Timeline};

/// One version of a rule. It evaluates the whole timeline; what completes in `[from, to)` belongs to it.
#[derive(Debug, Serialize, Deserialize)]
pub struct Version {
    pub terms: Terms,
    pub from: i64,
    /// `i64::MAX` while it is the newest.
    pub to: i64,
    /// Made again from the rule after a restore.
    #[serde(skip)]
    pub scope: Reach,
}

/// What of a timeline a version's decisions hang on.
#[derive(Debug, Default)]
pub struct Reach {
    /// Streams that its windows look at, and for how long (in microseconds) after a reading of it a decision may still see it.
    windows: Vec<(StreamIx, i64)>,
    /// All streams that decide anything, sorted.
    pub streams: Vec<StreamIx>,
    /// Profile fields that decide anything.
    pub profile: Vec<u16>,
    /// Fields that windows without a condition sum or average.
    pub sums: Vec<(StreamIx, FieldIx)>,
    pub shape: Option<Shape>,
    /// Of an episode's condition, or that of a pattern's first step.
    pub guard: Option<Guard>,
}

/// One version before one timeline at one time of the clock.
#[derive(Clone, Copy)]
pub struct Case<'a> {
    pub line: &'a Timeline,
    pub version: &'a Version,
    pub clock: i64,
}

impl Version {
    pub fn new(rule: Arc<Rule>, library: &Library, from: i64) -> Version {
        let mut version = Version { terms: terms(rule, library), from, to: i64::MAX, scope: Reach::default() };
        version.survey();
        version
    }

    /// Goes on under a library in which its rule means the same. Whether what it says may be another: to other rules, or of the time of day.
    pub fn renew(&mut self, rule: Arc<Rule>, library: &Library) -> bool {
        let was = std::mem::replace(&mut self.terms, terms(rule, library));
        self.survey();
        was.rule.outputs != self.terms.rule.outputs || was.zone != self.terms.zone
    }

    /// Whether what completes at `t` belongs to it.
    #[inline]
    pub fn owns(&self, t: i64) -> bool {
        self.from <= t && t < self.to
    }

    /// Whether this rule, compiled into this library, means the same: the meaning, and the defaults of the profile fields it asks.
    pub fn means(&self, rule: &Rule, library: &Library) -> bool {
        let default = |i: &u16| library.profile.get(usize::from(*i)).and_then(|f| f.default.as_ref()).map(Set::of);
        // Without a field for it every zone is UTC; a default that says so changes nothing.
        let zone = zone_of(library).and_then(|field| default(&field));
        let zoned = self.terms.zone.is_some() || zone.is_none_or(|zone| matches!(zone, Set::Text(name) if *name == *"UTC"));
        rule.meaning == self.terms.rule.meaning
            && zoned
            && self.scope.profile.iter().all(|i| self.terms.defaults.get(usize::from(*i)).cloned().flatten() == default(i))
    }

    /// How long after a reading of a stream a window may still see it.
    pub fn reach(&self, stream: StreamIx) -> Option<i64> {
        self.scope.windows.iter().find(|(s, _)| *s == stream).map(|(_, reach)| *reach)
    }

    /// Finds out what it hangs on.
    pub fn survey(&mut self) {
        let rule = &*self.terms.rule;
        let mut reach = Reach::default();
        for expr in rule.exprs() {
            expr.walk(&mut |e| reach.note(e));
        }
        if rule.say.iter().any(|p| matches!(p, crate::plan::Piece::Hole { show: crate::plan::Show::Instant, .. })) {
            reach.profile.extend(self.terms.zone);
        }
        reach.streams.extend(reach.windows.iter().map(|(s, _)| *s));
        match &rule.kind {
            RuleKind::Episode(e) => {
                reach.streams.push(e.driver);
                reach.guard = Guard::of(&e.when, Ref::Driver);
            }
            RuleKind::Silence(s) => reach.streams.extend(&s.streams),
            RuleKind::Match(p) => {
                reach.streams.extend(p.steps.iter().map(|s| s.stream));
                reach.streams.extend(p.absences.iter().map(|a| a.stream));
                reach.shape = Some(Shape::of(rule, p));
                reach.guard = p.steps.first().and_then(|s| Guard::of(s.filter.as_ref()?, Ref::Candidate));
            }
            RuleKind::Schedule(_) => reach.profile.extend(self.terms.zone),
        }
        reach.streams.sort();
        reach.streams.dedup();
        self.scope = reach;
    }
}

fn terms(rule: Arc<Rule>, library: &Library) -> Terms {
    let defaults = library.profile.iter().map(|f| f.default.as_ref().map(Set::of)).collect();
    Terms { rule, defaults, zone: zone_of(library) }
}

/// The profile field that names the subject's time zone.
fn zone_of(library: &Library) -> Option<u16> {
    library.profile.iter().position(|f| &*f.name == "time_zone").map(|i| i as u16)
}

impl Reach {
    fn note(&mut self, expr: &Expr) {
        match expr {
            Expr::Profile(field) if !self.profile.contains(field) => self.profile.push(*field),
            Expr::Window(w) => {
                let reach = w.over.0.saturating_sub(1).max(0);
                match self.windows.iter_mut().find(|(s, _)| *s == w.stream) {
                    Some((_, known)) => *known = (*known).max(reach),
                    None => self.windows.push((w.stream, reach)),
                }
                if let (Func::Sum | Func::Avg, Measure::Field(field), None) = (w.func, w.what, &w.filter) {
                    self.sums.push((w.stream, field));
                }
            }
            _ => {}
        }
    }
}

impl<'a> Case<'a> {
    #[inline]
    pub fn scope<'l>(&self, now: i64, onset: i64) -> Scope<'a, 'l> {
        Scope::at(self.line, &self.version.terms, now, onset)
    }

    /// What a profile field holds at `t`.
    pub fn profile(&self, field: u16, t: i64) -> Option<&'a Set> {
        let set = self.line.profile.at(field, t);
        set.or_else(|| self.version.terms.defaults.get(usize::from(field))?.as_ref())
    }

    /// Whether the guard of the rule's condition says that it cannot be true for a row.
    #[inline]
    pub fn excludes(&self, table: &Table, row: usize) -> bool {
        self.version.scope.guard.as_ref().is_some_and(|g| g.ask(self, table, row) == Some(false))
    }

    /// What the rule's condition comes to for a row, where its guard can tell.
    #[inline]
    pub fn tells(&self, table: &Table, row: usize) -> Option<bool> {
        self.version.scope.guard.as_ref().filter(|g| g.is_all)?.ask(self, table, row)
    }
}
