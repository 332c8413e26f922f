//! Episodes: a condition that holds for a while.
//!
//! The state after a decision is a function of the state before it and of the timeline. It changes rarely, so the changes are logged by instant. A reading in
//! order asks one decision. A late one cuts the log at the first decision it may alter and decides again until, past the last one it may alter, the state is
//! what it was before at that instant: from there on everything is as it was. Where only what was told is
//! another, or by what evidence, it is decided again at the entries of the log alone.

mod cold;
mod crossed;
mod evidence;
mod kept;
mod look;
mod state;

use std::cell::OnceCell;
use std::ops::Range;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use vitalog_elog::{FindingState, Severity};

use super::Seen;
use super::fact::{Fact, Facts};
use super::version::Case;
use crate::eval::{Rows, Scope, Words, render, said};
use crate::lazy::{Blank, Lazy};
use crate::newest::first_not;
use crate::plan::{Episode, Expr, Grade};
use crate::timeline::{Said, Table, Touch};

pub use cold::ColdEpisodes;
use crossed::crossed;
use evidence::evidence_of;
use kept::Kept;
pub use look::{Look, Phase};
use state::{Opened, State};

/// One episode rule for one subject.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Episodes {
    past: Lazy<Past>,
    /// When the last entry of the log is, and whether it is not to [`State::Idle`]: at hand, for this is all that most readings ask.
    changed: Option<i64>,
    busy: bool,
}

/// All that most readings do not look at.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Past {
    log: Vec<Entry>,
    facts: Facts,
}

impl Blank for Past {
    fn blank() -> &'static Past {
        static BLANK: Past = Past { log: Vec::new(), facts: Facts::NONE };
        &BLANK
    }

    fn is_blank(&self) -> bool {
        self.log.is_empty() && self.facts.list().is_empty()
    }
}

/// Entries decided anew, and the state they end in.
struct Log {
    entries: Vec<Entry>,
    state: State,
}

/// From `at` on the state is this one.
#[derive(Debug, Serialize, Deserialize)]
struct Entry {
    at: i64,
    state: State,
}

/// What goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Going {
    Run {
        from: i64,
    },
    /// `calm`: since when the condition of its end holds.
    Open {
        onset: i64,
        severity: Severity,
        calm: Option<i64>,
    },
}

/// What a decision makes of a state.
#[derive(Debug, PartialEq)]
enum Next {
    Same,
    To(State),
    /// `graver`: what is told in place of what was, if its severity rises with the last decision.
    Resolved {
        graver: Option<Arc<Opened>>,
        end: i64,
    },
}

/// Decisions that may be others: those of some rows, which are all in `[from, until]`, or what is left of them.
struct Doubted<'a> {
    table: &'a Table,
    rows: Range<usize>,
    from: i64,
    until: i64,
    /// Nothing goes on where they begin, and the condition may be true of the first.
    is_sifted: bool,
}

/// An instant at which the driver has readings.
struct Decision<'a> {
    table: &'a Table,
    at: i64,
    rows: Range<usize>,
    /// The instant decided before.
    previous: Option<i64>,
}

impl Episodes {
    pub fn facts(&self) -> &Facts {
        &self.past.facts
    }

    pub fn facts_mut(&mut self) -> &mut Facts {
        &mut self.past.facts
    }

    /// Nothing goes on.
    pub fn is_idle(&self) -> bool {
        !self.busy
    }

    /// Nothing goes on from one instant to another: what begins later begins from nothing.
    #[inline]
    pub fn is_idle_between(&self, from: i64, to: i64) -> bool {
        if self.changed < Some(from) {
            return !self.busy;
        }
        let log = &self.past.log;
        let before = first_not(log, |e| e.at < from);
        self.state_before(before).is_idle() && log.get(before).is_none_or(|e| e.at > to)
    }

    /// When its state changed last: that it lapsed is known later than its last reading.
    #[inline]
    pub fn decided_until(&self) -> i64 {
        self.changed.unwrap_or(i64::MIN)
    }

    /// See [`super::State::glance_within`].
    pub fn glance(&self) -> u64 {
        (self.past.log.len() ^ self.past.facts.list().len()) as u64
    }

    /// See [`super::State::glance_at_last`].
    pub fn glance_at_last(&self) -> u64 {
        self.past.log.last().map_or(0, |entry| entry.at as u64)
    }

    /// The quick way: the newest reading of the driver came, alone at its instant, and nobody looks at it but from there on. So it is decided once, and what was
    /// decided before stays, and it has decided until then. `None` says nothing, and nothing is changed then. With what is seen comes whether another state goes on.
    #[inline]
    pub fn decides(&mut self, case: &Case<'_>, episode: &Episode, touch: &Touch) -> Option<(Seen, bool)> {
        if touch.stream != episode.driver || (case.version.scope.sill.is_none() && case.version.heeds(touch.stream)) {
            return None;
        }
        let at = touch.at?;
        let decision = Decision::newest(case.line.table(episode.driver)?, at)?;
        if self.changed >= Some(at) {
            return None;
        }
        let decided = if self.busy {
            let state = self.state();
            if lapsed_before(state, episode, decision.previous, at).is_some() {
                return None;
            }
            let crossed = crossed(case, episode, state, &decision);
            debug_assert!(crossed.as_ref().is_none_or(|crossed| *crossed == next(case, episode, state, &decision, None)));
            crossed.unwrap_or_else(|| next(case, episode, state, &decision, None))
        } else if at < case.version.to && decision.ask_when(case, &episode.when, decision.rows.start, at) == Some(true) {
            goes_on(case, episode, at, &decision, None)
        } else {
            return Some((Seen { changed: false, due: None }, false));
        };
        let turns = !matches!(decided, Next::Same);
        let changed = match decided {
            Next::Same => false,
            // The clock may have passed where it lapses.
            Next::To(next) if next.opened().is_some() && due(episode, at).is_some_and(|due| due <= case.clock) => return None,
            Next::To(next) if self.state().opened().is_none() => self.begin(case, next, at),
            Next::To(next) => self.enter(case, next, at, None),
            Next::Resolved { graver, end } => self.resolve(case, graver.as_deref(), end, at),
        };
        let lapses = if self.state().opened().is_some() { due(episode, at).filter(|due| *due > case.clock) } else { None };
        Some((Seen { changed, due: lapses }, turns))
    }

    /// The same as [`Episodes::enter`] where nothing told goes on.
    #[inline]
    fn begin(&mut self, case: &Case<'_>, state: State, at: i64) -> bool {
        let past = &mut *self.past;
        let opened = state.opened().filter(|what| case.version.owns(what.at));
        if let Some(what) = opened {
            past.facts.push(what.as_it_goes_on());
        }
        let changed = opened.is_some();
        (self.changed, self.busy) = (Some(at), !state.is_idle());
        past.log.push(Entry { at, state });
        changed
    }

    /// The same for what is open and over since `end`.
    #[inline]
    fn resolve(&mut self, case: &Case<'_>, graver: Option<&Opened>, end: i64, at: i64) -> bool {
        if graver.is_none() && self.past.facts.end_last(end, at) {
            (self.changed, self.busy) = (Some(at), false);
            self.past.log.push(Entry { at, state: State::Idle });
            return true;
        }
        let told = graver.or(self.state().opened());
        let over = told.and_then(|what| what.fact(case, Some((end, at, FindingState::Resolved))));
        self.enter(case, State::Idle, at, over)
    }

    /// From `at` on, later than all that was decided, the state is another; `over`: what is over by it. Returns whether a fact changed.
    fn enter(&mut self, case: &Case<'_>, state: State, at: i64, over: Option<Fact>) -> bool {
        // That its end has begun shows in no fact.
        let shows = match (self.state(), &state) {
            (State::Open { what: was, .. }, State::Open { what: now, .. }) => !Arc::ptr_eq(was, now),
            _ => true,
        };
        let found = over.or_else(|| state.opened().filter(|_| shows).and_then(|what| what.fact(case, None)));
        self.changed = Some(at);
        self.busy = !matches!(state, State::Idle);
        let past = &mut *self.past;
        past.log.push(Entry { at, state });
        let stood = shows && past.facts.list().last().is_some_and(|fact| fact.resolved.is_none());
        let changed = stood || (shows && found.is_some());
        if changed {
            past.facts.put_last(stood, found);
        }
        changed
    }

    /// Readings came or went. Whether a fact changed; `None`: nothing is another, neither what stands nor what goes on.
    pub fn touched(&mut self, case: &Case<'_>, episode: &Episode, touches: &[Touch]) -> Option<bool> {
        let table = case.line.table(episode.driver);
        let newest = table.and_then(Table::last);
        let (mut from, mut until) = (i64::MAX, i64::MIN);
        let mut note = |range: (i64, i64)| (from, until) = (from.min(range.0), until.max(range.1));
        for touch in touches {
            if let Some(at) = touch.at.filter(|_| touch.stream == episode.driver) {
                note((at, at));
            }
            // A reading that conditions see matters to decisions that are there.
            if let Some(range) = case.version.sight(touch).filter(|range| newest.is_some_and(|newest| newest >= range.0)) {
                note(range);
            }
        }
        if from > until {
            return None;
        }
        let Some(table) = table else { return Some(self.replay_but(case, episode, (from, until), touches)) };
        let rows = rows_between(table, from, until);
        if self.is_idle_between(from, until) {
            let row = passed_over(case, episode, table, rows.clone());
            let doubt = Doubted { table, rows: row..rows.end, from, until, is_sifted: true };
            return (row < rows.end).then(|| self.decide_again(case, episode, doubt, touches));
        }
        Some(self.decide_again(case, episode, Doubted { table, rows, from, until, is_sifted: false }, touches))
    }

    /// The clock moved: an open episode may have lapsed.
    pub fn tick(&mut self, case: &Case<'_>, episode: &Episode) -> bool {
        match self.lapse_due(case, episode) {
            Some(due) if due <= case.clock => self.replay(case, episode, due, due),
            _ => false,
        }
    }

    /// When the clock alone will decide something.
    pub fn next_due(&self, case: &Case<'_>, episode: &Episode) -> Option<i64> {
        self.lapse_due(case, episode).filter(|due| *due > case.clock)
    }

    fn lapse_due(&self, case: &Case<'_>, episode: &Episode) -> Option<i64> {
        let State::Open { .. } = self.state() else { return None };
        due(episode, case.line.table(episode.driver)?.last()?)
    }

    /// What goes on, if anything does.
    #[inline]
    pub fn going(&self) -> Option<Going> {
        match self.state() {
            State::Run { from } => Some(Going::Run { from: *from }),
            State::Open { what, calm } => Some(Going::Open { onset: what.onset, severity: what.severity, calm: *calm }),
            State::Idle => None,
        }
    }

    /// Since when it does.
    pub fn onset(&self) -> Option<i64> {
        self.going().map(|going| match going {
            Going::Run { from } => from,
            Going::Open { onset, .. } => onset,
        })
    }

    #[inline]
    fn state(&self) -> &State {
        match self.past.log.last() {
            Some(entry) if self.busy => &entry.state,
            _ => &State::Idle,
        }
    }

    /// Decides again from `from` until past `until` and the state is the former one. Returns whether a fact changed.
    pub fn replay(&mut self, case: &Case<'_>, episode: &Episode, from: i64, until: i64) -> bool {
        self.replay_but(case, episode, (from, until), &[])
    }

    /// The same; where readings came or went, and nothing else, what was told of openings is kept.
    fn replay_but(&mut self, case: &Case<'_>, episode: &Episode, (from, until): (i64, i64), touches: &[Touch]) -> bool {
        let nothing = OnceCell::new();
        let table = case.line.table(episode.driver).unwrap_or_else(|| nothing.get_or_init(Table::default));
        let rows = rows_between(table, from, until);
        self.decide_again(case, episode, Doubted { table, rows, from, until, is_sifted: false }, touches)
    }

    /// The same of some rows.
    fn decide_again(&mut self, case: &Case<'_>, episode: &Episode, doubt: Doubted<'_>, touches: &[Touch]) -> bool {
        let Doubted { table, rows: Range { start: mut row, end: doubted }, from, until, mut is_sifted } = doubt;
        let cut = first_not(&self.past.log, |e| e.at < from);
        let mut fresh = Log { entries: Vec::new(), state: self.state_before(cut).clone() };
        let known = first_not(self.past.facts.list(), |f| f.resolved.is_some_and(|r| r < from));
        let mut found = Vec::new();
        let mut previous = row.checked_sub(1).map(|row| table.at(row));
        loop {
            if fresh.state.is_idle() && row < doubted && !std::mem::take(&mut is_sifted) {
                row = passed_over(case, episode, table, row..doubted);
                previous = row.checked_sub(1).map(|row| table.at(row));
            }
            let at = (row < table.len()).then(|| table.at(row));
            if fresh.state.is_idle() && row >= doubted {
                // What is decided from here on hangs on nothing that changed, where nothing went on before either.
                let before = |t: i64| at.is_none_or(|at| t < at);
                let kept = first_not(&self.past.log, |e| before(e.at));
                if self.state_before(kept).is_idle() {
                    self.rewrite(cut..kept, fresh);
                    let kept = first_not(self.past.facts.list(), |f| f.resolved.is_some_and(before)).max(known);
                    return self.tell(known..kept, found);
                }
            }
            let horizon = at.unwrap_or(if fresh.state.opened().is_some() { case.clock.saturating_add(1) } else { i64::MIN });
            if let Some((end, due)) = lapsed_before(&fresh.state, episode, previous, horizon) {
                found.extend(fresh.state.opened().and_then(|w| w.fact(case, Some((end, due, FindingState::Lapsed)))));
                fresh.enter(State::Idle, due);
            }
            let Some(at) = at else { break };
            let decision = Decision { table, at, rows: table.tie(row), previous };
            let kept = (!touches.is_empty()).then_some(Kept { log: &self.past.log, touches });
            match next(case, episode, &fresh.state, &decision, kept) {
                Next::Same => {}
                Next::To(next) => fresh.enter(next, at),
                Next::Resolved { graver, end } => {
                    let told = graver.as_deref().or(fresh.state.opened());
                    found.extend(told.and_then(|what| what.fact(case, Some((end, at, FindingState::Resolved)))));
                    fresh.enter(State::Idle, at);
                }
            }
            if at > until {
                let kept = first_not(&self.past.log, |e| e.at <= at);
                if fresh.state == *self.state_before(kept) && !self.opens_anew(kept, until) {
                    self.rewrite(cut..kept, fresh);
                    let kept = first_not(self.past.facts.list(), |f| f.resolved.is_some_and(|r| r <= at)).max(known);
                    return self.tell(known..kept, found);
                }
                if fresh.state.goes_on_as(self.state_before(kept)) {
                    // Until its next entry.
                    row = self.past.log.get(kept).map_or(table.len(), |next| table.from(next.at));
                    previous = row.checked_sub(1).map(|row| table.at(row));
                    continue;
                }
            }
            previous = Some(at);
            row = decision.rows.end;
        }
        found.extend(fresh.state.opened().and_then(|w| w.fact(case, None)));
        self.rewrite(cut..self.past.log.len(), fresh);
        self.tell(known..self.past.facts.list().len(), found)
    }

    /// The state that the first `entries` of the log end in.
    fn state_before(&self, entries: usize) -> &State {
        self.past.log[..entries].last().map_or(&State::Idle, |e| &e.state)
    }

    /// Whether what the first `entries` end in is a run that a change up to `until` lies in, and that opens: with other evidence, then.
    fn opens_anew(&self, entries: usize, until: i64) -> bool {
        let runs = matches!(self.state_before(entries), State::Run { from } if *from <= until);
        runs && self.past.log.get(entries).is_some_and(|next| matches!(next.state, State::Open { .. }))
    }

    fn rewrite(&mut self, range: Range<usize>, fresh: Log) {
        if !(range.is_empty() && fresh.entries.is_empty()) {
            self.past.log.splice(range, fresh.entries);
        }
        self.changed = self.past.log.last().map(|e| e.at);
        self.busy = self.past.log.last().is_some_and(|e| !e.state.is_idle());
    }

    /// Whether a fact changed, by putting those found in the place of a range.
    fn tell(&mut self, range: Range<usize>, found: Vec<Fact>) -> bool {
        let changed = !range.is_empty() || !found.is_empty();
        if changed {
            self.past.facts.replace(range, found);
        }
        changed
    }
}

impl Log {
    fn enter(&mut self, state: State, at: i64) {
        self.entries.push(Entry { at, state: state.clone() });
        self.state = state;
    }
}

impl<'a> Decision<'a> {
    /// The decision at `t`, if one reading alone stands there and none is later.
    fn newest(table: &'a Table, t: i64) -> Option<Decision<'a>> {
        let row = table.len().checked_sub(1)?;
        let previous = row.checked_sub(1).map(|row| table.at(row));
        (table.at(row) == t && previous != Some(t)).then_some(Decision { table, at: t, rows: row..row + 1, previous })
    }

    /// One scope for each reading.
    fn scopes(&self, case: &Case<'a>, onset: i64) -> impl Iterator<Item = Scope<'a, 'a>> {
        let (case, table, at) = (*case, self.table, self.at);
        self.rows.clone().map(move |row| case.scope(at, onset).driven_by(Rows::one(table, row)))
    }

    /// Whether a condition is true for one of its readings.
    fn holds(&self, case: &Case<'a>, expr: &'a Expr, onset: i64) -> bool {
        self.scopes(case, onset).any(|s| s.holds(expr))
    }

    /// What the episode's condition comes to for one of its readings.
    #[inline]
    fn ask_when(&self, case: &Case<'a>, when: &'a Expr, row: usize, onset: i64) -> Option<bool> {
        let told = case.tells(self.table, row, onset);
        if told.is_some() {
            return told;
        }
        case.scope(self.at, onset).driven_by(Rows::one(self.table, row)).ask(when)
    }

    /// Whether the condition of the episode's end is true for one of its readings.
    #[inline]
    fn ask_until(&self, case: &Case<'a>, until: &'a Expr, row: usize, onset: i64) -> bool {
        let told = case.tells_until(self.table, row, onset);
        told.unwrap_or_else(|| case.scope(self.at, onset).driven_by(Rows::one(self.table, row)).holds(until))
    }

    fn severity(&self, case: &Case<'a>, onset: i64) -> Severity {
        if let [Grade { severity, when: None }] = case.version.terms.rule.grades[..] {
            return severity;
        }
        self.scopes(case, onset).map(|s| s.severity()).max().unwrap_or(Severity::Info)
    }

    /// The severity, if it is graver than one.
    fn graver(&self, case: &Case<'a>, than: Severity, onset: i64) -> Option<Severity> {
        let may = case.version.terms.rule.grades.iter().any(|grade| grade.severity > than);
        may.then(|| self.severity(case, onset)).filter(|severity| *severity > than)
    }

    fn words(&self, case: &Case<'a>, onset: i64) -> Words {
        render(&case.scope(self.at, onset).driven_by(Rows::some(self.table, self.rows.clone())))
    }

    fn said(&self, case: &Case<'a>, onset: i64) -> Said {
        said(&case.scope(self.at, onset).driven_by(Rows::some(self.table, self.rows.clone())))
    }
}

/// When a run or episode in `state` lapsed, if before the decision at `at`: the last decision, and the instant at which it was known.
fn lapsed_before(state: &State, episode: &Episode, previous: Option<i64>, at: i64) -> Option<(i64, i64)> {
    if matches!(state, State::Idle) {
        return None;
    }
    let last = previous?;
    let due = due(episode, last)?;
    (due < at).then_some((last, due))
}

/// When it lapses, if nothing is decided after `last`.
pub fn due(episode: &Episode, last: i64) -> Option<i64> {
    last.checked_add(episode.lapse?.0.max(0))
}

fn next<'a>(case: &Case<'a>, episode: &'a Episode, state: &State, decision: &Decision<'a>, kept: Option<Kept<'_>>) -> Next {
    if let State::Open { what, calm } = state {
        if decision.at >= case.version.to && !case.version.owns(what.at) {
            return Next::To(State::Idle);
        }
        return next_open(case, episode, what, *calm, decision);
    }
    let from = match state {
        State::Run { from } if !gap(episode.hold.map(|h| h.gap.0), decision) => *from,
        _ => decision.at,
    };
    if decision.at >= case.version.to
        || !decision.rows.clone().any(|row| decision.ask_when(case, &episode.when, row, from) == Some(true))
    {
        return if matches!(state, State::Idle) { Next::Same } else { Next::To(State::Idle) };
    }
    match goes_on(case, episode, from, decision, kept) {
        Next::To(State::Run { from }) if matches!(state, State::Run { from: since } if *since == from) => Next::Same,
        next => next,
    }
}

/// What becomes of a run since `from` for whose last decision the condition holds.
fn goes_on<'a>(case: &Case<'a>, episode: &'a Episode, from: i64, decision: &Decision<'a>, kept: Option<Kept<'_>>) -> Next {
    let fulfilled = episode.hold.is_none_or(|h| decision.at.saturating_sub(from) >= h.span.0);
    if fulfilled && case.version.terms.rule.filter.as_ref().is_none_or(|f| decision.holds(case, f, from)) {
        let evidence = evidence_of(case, episode, from, decision);
        let what = match kept.and_then(|kept| kept.opening(case, episode, from, decision.at)) {
            Some(known) => Opened { evidence, ..known.clone() },
            None => Opened {
                onset: from,
                at: decision.at,
                severity: decision.severity(case, from),
                words: decision.words(case, from),
                said: decision.said(case, from),
                evidence,
            },
        };
        return Next::To(State::Open { what: Arc::new(what), calm: None });
    }
    Next::To(State::Run { from })
}

fn next_open<'a>(case: &Case<'a>, episode: &'a Episode, what: &Arc<Opened>, calm: Option<i64>, decision: &Decision<'a>) -> Next {
    let onset = what.onset;
    let graver = decision.graver(case, what.severity, onset);
    let graver = graver.map(|severity| Arc::new(Opened { severity, words: decision.words(case, onset), ..Opened::clone(what) }));
    let over = match &episode.until {
        Some(until) => decision.rows.clone().any(|row| decision.ask_until(case, until, row, onset)),
        None => decision.rows.clone().all(|row| decision.ask_when(case, &episode.when, row, onset) == Some(false)),
    };
    let next_calm = match calm {
        _ if !over => None,
        Some(since) if !gap(episode.until_hold.map(|h| h.gap.0), decision) => Some(since),
        _ => Some(decision.at),
    };
    if let Some(end) = next_calm
        && episode.until_hold.is_none_or(|h| decision.at.saturating_sub(end) >= h.span.0)
    {
        return Next::Resolved { graver, end };
    }
    if next_calm == calm && graver.is_none() {
        return Next::Same;
    }
    Next::To(State::Open { what: graver.unwrap_or_else(|| what.clone()), calm: next_calm })
}

/// The rows decided from one instant to another.
fn rows_between(table: &Table, from: i64, until: i64) -> Range<usize> {
    if from == until {
        return table.rows_at(from);
    }
    let first = table.from(from);
    first..table.after(until).max(first)
}

/// The first of some rows, or of those at its instant, that the condition may be true of; the end if there is none.
fn passed_over(case: &Case<'_>, episode: &Episode, table: &Table, rows: Range<usize>) -> usize {
    if rows.len() == 1
        && let Some(told) = case.tells(table, rows.start, table.at(rows.start))
    {
        return if told { rows.start } else { rows.end };
    }
    let row = case.may_hold(episode.driver, table, rows.clone());
    if row < rows.end { table.from(table.at(row)).max(rows.start) } else { row }
}

/// Whether the step from the decision before is too wide to hold over.
fn gap(widest: Option<i64>, decision: &Decision<'_>) -> bool {
    match (widest, decision.previous) {
        (Some(widest), Some(previous)) => decision.at.saturating_sub(previous) > widest,
        _ => false,
    }
}
