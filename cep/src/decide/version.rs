//! A dated rule: one meaning of one rule, in force for a stretch of event time, and how far what it decides looks.

mod between;
mod claims;
mod floors;
mod glances;
mod telling;

use std::ops::Range;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use vitalog_elog::{FieldIx, StreamIx};

pub use self::claims::Claim;
pub use self::glances::Glimpses;
use self::glances::{Glance, counts_up_to};
use super::guard::{Guard, Here, Source};
use super::matching::{Program, Shape, is_of_start};
use super::sift::Sifted;
use super::sill::Sill;
use crate::eval::{Scope, Terms, Zones};
use crate::plan::{Anchor, Edge, Expr, Func, Library, Measure, Ref, Rule, RuleKind, Window, Within};
use crate::timeline::{Set, Table, Timeline, Touch};

/// One version of a rule. It evaluates the whole timeline; what completes in `[from, to)` belongs to it.
#[derive(Debug, Serialize, Deserialize)]
pub struct Version {
    pub terms: Terms,
    pub from: i64,
    /// `i64::MAX` while it is the newest.
    pub to: i64,
    /// The instants from which it was on trial, and was not any more, in turn.
    trials: Vec<i64>,
    /// Made again from the rule after a restore.
    #[serde(skip)]
    pub scope: Reach,
}

/// What of a timeline a version's decisions hang on.
#[derive(Debug, Default)]
pub struct Reach {
    /// Streams that its windows look at.
    windows: Vec<(StreamIx, Sight)>,
    /// The same windows, one by one.
    glances: Vec<Glance>,
    /// Streams that what it tells looks at.
    told: Vec<StreamIx>,
    /// Streams whose intervals it asks whether they cover or overlap something.
    covers: Vec<(StreamIx, Asked)>,
    /// All streams that decide anything, sorted.
    pub streams: Vec<StreamIx>,
    /// For each of them how long after a reading nothing hangs on it any more that is decided from then on.
    past: Vec<i64>,
    /// Those of a pattern's steps and absences.
    pub decisive: Vec<StreamIx>,
    /// Profile fields that decide anything.
    pub profile: Vec<u16>,
    /// Those of them that are asked of an interval, which may stand later than the decision that sees it.
    ahead: Vec<u16>,
    /// The time zone or the night decides.
    asks_calendar: bool,
    asks_calendar_ahead: bool,
    /// What must not come between, each with the streams that its condition looks at.
    between: Vec<(StreamIx, Vec<StreamIx>)>,
    /// A step stands at the start of an interval.
    begins: bool,
    /// Fields that windows without a condition sum or average.
    pub sums: Vec<(StreamIx, FieldIx)>,
    pub shape: Option<Shape>,
    /// Of a pattern that is more than a plain sequence.
    pub program: Option<Program>,
    /// Streams whose readings are asked for where they begin, or findings where they end.
    pub edges: Vec<(StreamIx, Edge)>,
    /// Of an episode's condition.
    when: Option<Guard>,
    /// Of the condition of its end.
    until: Option<Guard>,
    /// Where the condition of an episode turns, or that of a pattern's only step, if nothing else looks at the stream.
    pub sill: Option<Sill>,
    /// Of each step's condition.
    steps: Vec<Option<Guard>>,
}

/// From how long before a reading's instant to how long after it a decision may see it through a window, in microseconds.
#[derive(Clone, Copy, Debug, Default)]
struct Sight {
    before: i64,
    after: i64,
}

/// Of which instants it is asked whether an interval covers them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Asked {
    /// Of that of the decision.
    Now,
    /// Of any up to the decision.
    Past,
    Any,
}

/// One version before one timeline at one time of the clock.
#[derive(Clone, Copy)]
pub struct Case<'a> {
    pub line: &'a Timeline,
    pub version: &'a Version,
    pub clock: i64,
    /// More is to come at this moment: what a late reading makes doubtful far from itself may wait for it.
    pub more: bool,
}

impl Version {
    pub fn new(rule: Arc<Rule>, library: &Library, from: i64) -> Version {
        let trials = if rule.shadow { vec![from] } else { Vec::new() };
        let mut version = Version { terms: terms(rule, library), from, to: i64::MAX, trials, scope: Reach::default() };
        version.survey();
        version
    }

    /// Goes on from an instant on under a library in which its rule means the same. Whether what it says may be another: to other rules, or of the time of day.
    pub fn renew(&mut self, rule: Arc<Rule>, library: &Library, from: i64) -> bool {
        let was = std::mem::replace(&mut self.terms, terms(rule, library));
        if was.rule.shadow != self.terms.rule.shadow {
            self.trials.push(from);
        }
        self.survey();
        was.rule.outputs != self.terms.rule.outputs || was.zone != self.terms.zone || was.night != self.terms.night
    }

    /// Looks at itself, for whoever comes next; see `engine::foresee`.
    pub fn glance(&self) -> u64 {
        self.to as u64 ^ self.scope.streams.len() as u64 ^ u64::from(self.scope.sill.is_some())
    }

    /// The same, one level further.
    pub fn glance_within(&self) -> u64 {
        let rule = &self.terms.rule;
        let kind = if let RuleKind::Episode(episode) = &rule.kind { episode.lapse.map_or(0, |lapse| lapse.0) } else { 0 };
        rule.meaning ^ (rule.grades.len() ^ rule.say.len()) as u64 ^ kind as u64
    }

    /// Whether what completes at `t` belongs to it.
    #[inline]
    pub fn owns(&self, t: i64) -> bool {
        self.from <= t && t < self.to
    }

    /// Whether it was on trial at `t`: what opened then disturbs nobody.
    pub fn is_on_trial(&self, t: i64) -> bool {
        self.trials.iter().filter(|turn| **turn <= t).count() % 2 == 1
    }

    /// Whether this rule, compiled into this library, means the same: the meaning, and the defaults of the profile fields it asks.
    pub fn means(&self, rule: &Rule, library: &Library) -> bool {
        let default = |i: &u16| library.profile.get(usize::from(*i)).and_then(|f| f.default.as_ref()).map(Set::of);
        // Without a field for it every zone is UTC; a default that says so changes nothing.
        let zone = field(library, "time_zone").and_then(|field| default(&field));
        let zoned = self.terms.zone.is_some() || zone.is_none_or(|zone| matches!(zone, Set::Text(name) if *name == *"UTC"));
        // As without a field for it every night is the usual one.
        let night = field(library, "night").and_then(|field| default(&field));
        let nightly = self.terms.night.is_some() || !self.scope.asks_calendar || night.is_none();
        rule.meaning == self.terms.rule.meaning
            && zoned
            && nightly
            && self.scope.profile.iter().all(|i| self.terms.defaults.get(usize::from(*i)).cloned().flatten() == default(i))
    }

    /// Whether it looks at what other rules find.
    pub fn looks_up(&self) -> bool {
        self.scope.streams.last().is_some_and(|stream| stream.derived().is_some())
    }

    /// Of a step of a pattern.
    fn stream_of(&self, step: usize) -> Option<StreamIx> {
        let RuleKind::Match(pattern) = &self.terms.rule.kind else { return None };
        Some(pattern.steps.get(step)?.stream)
    }

    /// Whether its conditions look at a stream through windows or as intervals.
    pub fn looks_at(&self, stream: StreamIx) -> bool {
        self.scope.windows.iter().any(|(s, _)| *s == stream) || self.covers(stream).is_some()
    }

    /// Whether it asks for intervals of a stream.
    pub fn asks_for(&self, stream: StreamIx) -> bool {
        self.covers(stream).is_some()
    }

    /// The first and the last instant of the decisions whose conditions may see a reading, other than by being decided upon it.
    pub fn sight(&self, touch: &Touch) -> Option<(i64, i64)> {
        let window = self.scope.windows.iter().find(|(s, _)| *s == touch.stream).zip(touch.at);
        let seen = window.map(|((_, sight), at)| (at.saturating_sub(sight.before), at.saturating_add(sight.after)));
        let covered = self.covers(touch.stream).map(|asked| match asked {
            Asked::Now => (touch.from, touch.to),
            Asked::Past => (touch.from, i64::MAX),
            Asked::Any => (i64::MIN, i64::MAX),
        });
        match (seen, covered) {
            (Some(a), Some(b)) => Some((a.0.min(b.0), a.1.max(b.1))),
            _ => seen.or(covered),
        }
    }

    /// The first instant whose decision hangs on what a profile field holds from `at` on; `None`: none does.
    pub fn doubted_from(&self, field: u16, at: i64) -> Option<i64> {
        if !self.scope.profile.contains(&field) {
            return None;
        }
        // What covers a decision, or comes between, may end long after it, and is asked by the profile of its end.
        Some(if self.scope.ahead.contains(&field) { i64::MIN } else { at })
    }

    /// Whether it decides upon the readings of a stream: its driver, what it listens for, a step or an absence. Another reading that is later than all that was
    /// decided is only looked at by what is decided later.
    pub fn is_driven_by(&self, stream: StreamIx) -> bool {
        match &self.terms.rule.kind {
            RuleKind::Episode(e) => e.driver == stream,
            RuleKind::Silence(s) => s.streams.iter().any(|h| h.stream == stream),
            RuleKind::Match(_) => self.scope.decisive.contains(&stream),
            RuleKind::Schedule(_) => false,
        }
    }

    /// Whether readings of a stream may matter to what was decided before them, or at any time: as intervals, or to windows after a step.
    pub fn heeds(&self, stream: StreamIx) -> bool {
        self.asks_for(stream) || self.scope.windows.iter().any(|(s, sight)| *s == stream && sight.before > 0)
    }

    /// Whether nothing that is decided after `newest` hangs on a reading of a stream at `t`: neither through a window nor as a part of what began with it or before.
    pub fn is_past(&self, stream: StreamIx, t: i64, newest: i64) -> bool {
        let place = self.scope.streams.binary_search(&stream).ok();
        let past = place.and_then(|place| self.scope.past.get(place)).copied().unwrap_or(i64::MAX);
        past < i64::MAX && t.saturating_add(past) <= newest
    }

    fn past_after(&self, stream: StreamIx) -> i64 {
        let seen = self.scope.windows.iter().find(|(s, _)| *s == stream).map_or(0, |(_, sight)| sight.after);
        if self.asks_for(stream) || self.asks_between(stream) { i64::MAX } else { seen.saturating_add(self.span()) }
    }

    fn covers(&self, stream: StreamIx) -> Option<Asked> {
        self.scope.covers.iter().filter(|(s, _)| *s == stream).map(|(_, asked)| *asked).max()
    }

    /// Finds out what it hangs on.
    pub fn survey(&mut self) {
        let rule = &*self.terms.rule;
        let begins = matches!(&rule.kind, RuleKind::Match(p) if p.steps.iter().any(|s| s.edge == Edge::Start));
        let mut reach = Reach { begins, ..Reach::default() };
        for expr in rule.exprs() {
            expr.walk_within(&mut Vec::new(), &mut |e, within| reach.note(e, within));
        }
        let says_when = rule.pieces().any(|p| matches!(p, crate::plan::Piece::Hole { show: crate::plan::Show::Instant, .. }));
        if says_when || reach.asks_calendar {
            reach.profile.extend(self.terms.zone);
            reach.profile.extend(self.terms.night);
        }
        reach.streams.extend(reach.windows.iter().map(|(s, _)| *s));
        reach.streams.extend(reach.covers.iter().map(|(s, _)| *s));
        match &rule.kind {
            RuleKind::Episode(e) => {
                reach.streams.push(e.driver);
                let source = Source { of: Ref::Driver, lets: &rule.lets, knows_onset: true };
                reach.when = source.guard(&e.when);
                reach.until = e.until.as_ref().and_then(|until| source.guard(until));
            }
            RuleKind::Silence(s) => reach.streams.extend(s.streams.iter().map(|h| h.stream)),
            RuleKind::Match(p) => {
                reach.decisive.extend(p.steps.iter().map(|s| s.stream));
                reach.decisive.extend(p.absences().into_iter().map(|a| a.stream));
                reach.decisive.sort();
                reach.decisive.dedup();
                reach.streams.extend(&reach.decisive);
                reach.edges.extend(p.steps.iter().filter(|s| s.edge != Edge::End).map(|s| (s.stream, s.edge)));
                reach.program = Program::of(rule, p);
                reach.shape = reach.program.is_none().then(|| Shape::of(rule, p));
                let begun = p.steps.iter().filter(|s| s.edge == Edge::Start).flat_map(|s| s.filter.iter().chain(&s.again));
                let between = p.absences().into_iter().filter_map(|a| a.filter.as_ref());
                begun.chain(between).for_each(|f| reach.look_ahead(f));
                reach.between = between::of(rule, p);
                let source = Source { of: Ref::Candidate, lets: &rule.lets, knows_onset: false };
                reach.steps.extend(p.steps.iter().map(|s| s.filter.as_ref().and_then(|filter| source.guard(filter))));
            }
            RuleKind::Schedule(_) => reach.profile.extend(self.terms.zone),
        }
        for expr in rule.exprs() {
            let counts = counts_up_to(expr);
            expr.walk_within(&mut Vec::new(), &mut |e, within| {
                if let Expr::Window(w) = e {
                    let most = counts.iter().find(|(counting, _)| std::ptr::eq(*counting, &raw const **w)).map(|(_, most)| *most);
                    reach.glance((w, most), within, &rule.kind, expr);
                }
            });
        }
        if reach.asks_calendar_ahead {
            reach.ahead.extend(self.terms.zone);
            reach.ahead.extend(self.terms.night);
        }
        reach.streams.sort();
        reach.streams.dedup();
        reach.told = telling::told(rule);
        self.scope = reach;
        self.scope.past = self.scope.streams.iter().map(|stream| self.past_after(*stream)).collect();
        let driven = |stream: &&StreamIx| self.is_driven_by(**stream);
        let heeds = self.scope.streams.iter().filter(driven).any(|stream| self.heeds(*stream));
        self.scope.sill = Sill::of(&self.terms.rule.kind).filter(|_| !heeds && self.scope.program.is_none());
    }
}

fn terms(rule: Arc<Rule>, library: &Library) -> Terms {
    let defaults = library.profile.iter().map(|f| f.default.as_ref().map(Set::of)).collect();
    Terms { rule, defaults, zone: field(library, "time_zone"), night: field(library, "night"), zones: Zones::default() }
}

fn field(library: &Library, name: &str) -> Option<u16> {
    library.profile.iter().position(|f| &*f.name == name).map(|i| i as u16)
}

impl Reach {
    /// Of which instants this is one.
    fn asked(&self, expr: &Expr) -> Asked {
        match expr {
            Expr::Now | Expr::Get { of: Ref::Driver, what: Measure::At } => Asked::Now,
            // An interval that a step binds at its start ends later than that.
            Expr::Get { what: Measure::At, .. } if self.begins => Asked::Any,
            Expr::Get { of: Ref::Candidate, what: Measure::At } => Asked::Now,
            Expr::Get { what: Measure::At | Measure::Start, .. } | Expr::Onset => Asked::Past,
            _ => Asked::Any,
        }
    }

    /// A condition that is asked of intervals, each by the profile of its own instant.
    fn look_ahead(&mut self, filter: &Expr) {
        filter.walk(&mut |e| {
            self.asks_calendar_ahead |= e.asks_calendar();
            if let Expr::Profile(field) = e {
                self.ahead.push(*field);
            }
        });
    }

    fn note(&mut self, expr: &Expr, within: &[Within<'_>]) {
        // An interval that covers the decision may end long after it, and there its condition is asked.
        let beyond = within.iter().any(|w| matches!(w, Within::Interval));
        self.asks_calendar |= expr.asks_calendar();
        match expr {
            Expr::Covered { from, to, stream, filter, .. } => {
                let asked = if beyond { Asked::Any } else { self.asked(from).max(self.asked(to)) };
                self.covers.push((*stream, asked));
                filter.iter().for_each(|f| self.look_ahead(f));
            }
            Expr::Profile(field) if !self.profile.contains(field) => self.profile.push(*field),
            Expr::Window(w) => {
                if beyond {
                    self.covers.push((w.stream, Asked::Any));
                }
                self.see(w.stream, Sight::within(w, within));
                if let (Func::Sum | Func::Avg | Func::Stddev | Func::Cv, Measure::Field(field), None) =
                    (w.func, w.what, &w.filter)
                {
                    self.sums.push((w.stream, field));
                }
            }
            _ => {}
        }
    }

    /// Of a window in one of the rule's expressions, and from where on its counts are not told apart.
    fn glance(&mut self, (w, most): (&Window, Option<usize>), within: &[Within<'_>], rule: &RuleKind, expr: &Expr) {
        let is_plain = self.program.is_none();
        let glance = match (within, rule) {
            ([], RuleKind::Match(pattern)) => Glance::of(w, rule, is_plain, is_plain && is_of_start(pattern, w, expr), most),
            ([], _) => Glance::of(w, rule, is_plain, false, most),
            _ => Glance::whole(w, Sight::within(w, within)),
        };
        if !self.glances.iter_mut().any(|known| known.join(&glance)) {
            self.glances.push(glance);
        }
    }

    fn see(&mut self, stream: StreamIx, sight: Sight) {
        match self.windows.iter_mut().find(|(s, _)| *s == stream) {
            Some((_, known)) => {
                *known = Sight { before: known.before.max(sight.before), after: known.after.max(sight.after) };
            }
            None => self.windows.push((stream, sight)),
        }
    }
}

impl Sight {
    fn of(w: &Window) -> Sight {
        Sight { before: if let Anchor::After(_) = w.anchor { w.over.0.max(0) } else { 0 }, after: w.reach() }
    }

    /// A window ends at the reading of the one in whose condition it stands: what they see adds up.
    fn within(w: &Window, within: &[Within<'_>]) -> Sight {
        let outer = within.iter().filter_map(|w| if let Within::Window(w) = w { Some(*w) } else { None });
        outer.fold(Sight::of(w), |sight, w| sight.and(Sight::of(w)))
    }

    fn and(self, other: Sight) -> Sight {
        Sight { before: self.before.saturating_add(other.before), after: self.after.saturating_add(other.after) }
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

    /// What an episode's condition comes to for a row, decided there, where its guard can tell.
    #[inline]
    pub fn tells(&self, table: &Table, row: usize, onset: i64) -> Option<bool> {
        if let Some(sill) = &self.version.scope.sill {
            return Some(sill.holds(table.column(sill.field)?.number(row)?));
        }
        self.version.scope.when.as_ref()?.ask(&Here { case: self, table, row, onset })
    }

    /// The same of the condition of its end.
    #[inline]
    pub fn tells_until(&self, table: &Table, row: usize, onset: i64) -> Option<bool> {
        self.version.scope.until.as_ref()?.ask(&Here { case: self, table, row, onset })
    }

    /// The first of some rows of an episode's driver that its condition may be true of; the end of them if there is none.
    pub fn may_hold(&self, driver: StreamIx, table: &'a Table, rows: Range<usize>) -> usize {
        let Some(when) = &self.version.scope.when else { return rows.start };
        Sifted { case: self, table, stream: driver }.first(when, rows)
    }

    /// What the condition of a step comes to for a row of its stream's table of ends when nothing is bound, where its guard can tell.
    #[inline]
    pub fn tells_step(&self, step: usize, table: &Table, row: usize) -> Option<bool> {
        if let Some(sill) = &self.version.scope.sill {
            return Some(sill.holds(table.column(sill.field)?.number(row)?));
        }
        let guard = self.version.scope.steps.get(step)?.as_ref()?;
        guard.ask(&Here { case: self, table, row, onset: table.at(row) })
    }

    /// The first of some rows of a step's table of ends that its condition may be true of, as far as numbers tell; the end of them if there is none. So a search need not ask
    /// readings one by one that are out of the question.
    pub fn may_fit(&self, step: usize, table: &'a Table, rows: Range<usize>) -> usize {
        let stream = self.version.stream_of(step);
        match self.version.scope.steps.get(step).and_then(Option::as_ref).zip(stream) {
            Some((guard, stream)) => Sifted { case: self, table, stream }.first(guard, rows),
            None => rows.start,
        }
    }
}
