//! Silences: nothing heard for a while.
//!
//! Whether one stands after an instant hangs only on the next instant, the clock, and the decision when the time is over. So each is judged by itself, and a
//! change of the timeline judges again those around it.

use serde::{Deserialize, Serialize};
use vitalog_elog::{FindingState, StreamIx};

use super::fact::{Fact, Facts, evidence};
use super::rests::{Rest, Rests};
use super::version::Case;
use crate::eval::{Lets, Rows, render, said, truth};
use crate::newest::first_not;
use crate::plan::{Expr, Heard, Silence};
use crate::timeline::{Floors, Table, Touch};

/// One silence rule for one subject.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Silences {
    pub facts: Facts,
}

impl Silences {
    /// A reading came or went; `alone`: nothing else did. Returns whether a fact changed.
    pub fn touched(&mut self, case: &Case<'_>, silence: &Silence, touch: &Touch, alone: bool) -> bool {
        let mut changed = false;
        let heard = touch.at.filter(|_| silence.streams.iter().any(|h| h.stream == touch.stream));
        if let Some(t) = heard.filter(|t| !self.lies_between(case, silence, touch, *t)) {
            // A finding that waited for the end of its moment may go when its readings are gone, and the enrolment lies after it by then.
            let until = case.line.enrolled().map_or(t, |enrolled| t.max(enrolled));
            changed |= self.judge_but(case, silence, self.counting_before(case, silence, t), until, Some(touch));
        }
        let sight = case.version.sight(touch).filter(|(from, until)| !self.is_quiet(case, silence, *from, *until));
        if let Some((from, until)) = sight.and_then(|_| case.version.glimpse(case, touch, alone)) {
            changed |= self.doubted_but(case, silence, from, until, Some(touch));
        }
        changed
    }

    /// Whether nothing is silent that hangs on what is decided in `[from, until]`, nor may be.
    fn is_quiet(&self, case: &Case<'_>, silence: &Silence, from: i64, until: i64) -> bool {
        // Nothing is decided during an interval that ends before it begins.
        if until < from {
            return true;
        }
        let (from, until) = (from.saturating_sub(silence.span.0), until.saturating_sub(silence.span.0));
        silence.streams.iter().all(|h| h.filter.is_none())
            && self.facts.beginning_in(from, until).is_empty()
            && beginnings(case, silence, from, until).is_empty()
    }

    /// Judges again what may come out otherwise when conditions are decided otherwise in `[from, until]`.
    pub fn doubted(&mut self, case: &Case<'_>, silence: &Silence, from: i64, until: i64) -> bool {
        self.doubted_but(case, silence, from, until, None)
    }

    /// The same for a reading that came or went.
    fn doubted_but(&mut self, case: &Case<'_>, silence: &Silence, from: i64, until: i64, touch: Option<&Touch>) -> bool {
        let span = silence.span.0;
        let mut range = (from.saturating_sub(span), until.saturating_sub(span));
        if silence.streams.iter().any(|h| h.filter.is_some()) {
            // Other readings may be heard, and the silences before them resolved elsewhere.
            range = (range.0.min(self.counting_before(case, silence, from)), range.1.max(until));
        }
        self.judge_but(case, silence, range.0, range.1, touch)
    }

    /// Judges all silences again that count from an instant in `[from, to]`.
    pub fn judge(&mut self, case: &Case<'_>, silence: &Silence, from: i64, to: i64) -> bool {
        self.judge_but(case, silence, from, to, None)
    }

    /// The same for a reading that came or went: what was told of one that still stands, and has the same end, is told again where it does not hang on that reading.
    fn judge_but(&mut self, case: &Case<'_>, silence: &Silence, from: i64, to: i64, touch: Option<&Touch>) -> bool {
        from <= to && self.judge_those(case, silence, (from, to), beginnings(case, silence, from, to), touch)
    }

    /// Judges those again that count from these instants, which are all of a range.
    fn judge_those(
        &mut self,
        case: &Case<'_>,
        silence: &Silence,
        (from, to): (i64, i64),
        those: Vec<i64>,
        touch: Option<&Touch>,
    ) -> bool {
        let touch = touch.filter(|t| !case.version.tells_of(t.stream) && silence.streams.iter().all(|h| h.filter.is_none()));
        let kept = |p: i64| self.facts.beginning_in(p, p).first().filter(|_| touch.is_some_and(|t| t.at != Some(p)));
        let stands = |p: i64| match p.checked_add(silence.span.0)? {
            // That was decided, and what it hung on is cut off; only its end may be another.
            due if due < case.line.since() && !case.version.looks_up() => self.still(case, silence, p),
            _ => silent_since(case, silence, p, kept(p)),
        };
        let found: Vec<Fact> = those.into_iter().filter_map(stands).collect();
        let list = self.facts.list();
        let range = first_not(list, |f| f.onset < from)..first_not(list, |f| f.onset <= to);
        // Mostly they are those that were there.
        let says = |fact: &Fact, other: &Fact| fact.same(other) && fact.said == other.said;
        if range.len() == found.len() && list[range.clone()].iter().zip(&found).all(|(was, is)| says(was, is)) {
            return false;
        }
        self.facts.replace(range, found);
        true
    }

    /// The clock moved: the newest silence may have begun.
    pub fn tick(&mut self, case: &Case<'_>, silence: &Silence) -> bool {
        if self.open().is_some() {
            return false;
        }
        let Some(p) = newest(case, silence) else { return false };
        let is_due = p.checked_add(silence.span.0).is_some_and(|due| due <= case.clock);
        // Whatever came after it and does not count may be cut off.
        is_due && self.judge_those(case, silence, (p, p), vec![p], None)
    }

    pub fn next_due(&self, case: &Case<'_>, silence: &Silence) -> Option<i64> {
        if self.open().is_some() {
            return None;
        }
        let due = newest(case, silence)?.checked_add(silence.span.0)?;
        (due > case.clock && case.version.owns(due)).then_some(due)
    }

    /// The quick way: the newest reading of the only stream came soon after the one before. Then it neither ends a silence nor shows one, and the next
    /// would open at the instant returned, if it belongs to the version. `None` says nothing.
    ///
    /// Windows of the stream see an instant only from there on: they are asked when a silence is over, and none is while its span reaches over this reading. An
    /// interval is seen from its start, and by what asks for intervals at any instant that it names, so these take the long way.
    #[inline]
    pub fn goes_on(&self, case: &Case<'_>, silence: &Silence, touch: &Touch) -> Option<Option<i64>> {
        let [Heard { stream, filter: None }] = silence.streams[..] else { return None };
        if touch.stream != stream
            || case.version.asks_for(stream)
            || (case.version.looks_at(stream) && touch.at != Some(touch.from))
        {
            return None;
        }
        let table = case.line.table(stream)?;
        let last = table.len().checked_sub(1)?;
        let (t, previous) = (table.at(last), table.at(last.checked_sub(1)?));
        let due = t.checked_add(silence.span.0)?;
        let quiet = touch.at == Some(t) && t.saturating_sub(previous) <= silence.span.0 && due > case.clock;
        // A silence that counts from the reading before would be the last fact.
        let told = self.facts.list().last().is_some_and(|f| f.onset >= previous);
        (quiet && !told).then_some(case.version.owns(due).then_some(due))
    }

    /// Whether a reading came late between two of the only stream that are close to it, and nothing was silent there: then nothing is.
    fn lies_between(&self, case: &Case<'_>, silence: &Silence, touch: &Touch, t: i64) -> bool {
        let ([Heard { stream, filter: None }], true) = (&silence.streams[..], touch.came && touch.from == t) else {
            return false;
        };
        let Some(table) = case.line.table(*stream).filter(|_| case.line.enrolled().is_some_and(|enrolled| enrolled <= t)) else {
            return false;
        };
        let tie = table.rows_at(t);
        let (Some(before), true) = (tie.start.checked_sub(1).map(|row| table.at(row)), tie.end < table.len()) else {
            return false;
        };
        let is_close = |from: i64, to: i64| to.saturating_sub(from) <= silence.span.0;
        is_close(before, t) && is_close(t, table.at(tie.end)) && self.facts.beginning_in(before, t).is_empty()
    }

    /// The silence that goes on: nothing was heard since its onset.
    pub fn open(&self) -> Option<&Fact> {
        self.facts.list().last().filter(|f| f.state == FindingState::Open)
    }

    /// The silence that counts from `p`, decided before all that may change, with its end as it is now.
    fn still(&self, case: &Case<'_>, silence: &Silence, p: i64) -> Option<Fact> {
        let was = self.facts.beginning_in(p, p).first()?;
        let heard = silence.streams.iter().filter_map(|h| next_heard(case, h, p)).min();
        let state = if heard.is_some() { FindingState::Resolved } else { FindingState::Open };
        Some(Fact { end: heard, resolved: heard, state, fed: false, ended: false, known: None, ..was.clone() })
    }

    /// The last instant before `t` that a silence may count from; of none the beginning of time.
    fn counting_before(&self, case: &Case<'_>, silence: &Silence, t: i64) -> i64 {
        if let Some(open) = self.open().filter(|f| f.onset < t) {
            return open.onset;
        }
        let last = silence.streams.iter().filter_map(|h| last_heard(case, h, t.checked_sub(1)?)).max();
        last.or_else(|| case.line.enrolled().filter(|e| *e < t)).unwrap_or(i64::MIN)
    }
}

/// Whether the clock looks at it by the deadline that readings to come in order leave it.
pub fn is_awaited(case: &Case<'_>, silence: &Silence, noted: i64) -> bool {
    let counting = silence.streams.iter().filter(|heard| heard.filter.is_none());
    let newest = counting.filter_map(|heard| case.line.table(heard.stream)?.last()).max();
    newest.and_then(|newest| newest.checked_add(silence.span.0)).is_some_and(|due| noted <= due)
}

/// By what one that waits for a stream rests: nothing was silent between two readings that count and come soon after each other.
pub fn lasts(silence: &Silence, stream: StreamIx) -> Rests {
    if silence.counts_all_of(stream) { Rests::from(Rest::Near(silence.span.0)) } else { Rests::default() }
}

/// See [`super::State::decided_until`].
pub fn decided_until(case: &Case<'_>, silence: &Silence, but: Option<StreamIx>) -> i64 {
    let beside = silence.streams.iter().filter(|heard| but != Some(heard.stream));
    let others = beside.clone().count();
    let last = beside.filter_map(|heard| case.line.table(heard.stream)?.last()).max();
    if others < silence.streams.len() {
        // A reading that it waits for: what was silent before the others spoke may be another.
        return last.unwrap_or(i64::MIN);
    }
    let Some(last) = last.or_else(|| case.line.enrolled()) else { return i64::MIN };
    let due = last.saturating_add(silence.span.0);
    match silence.streams.iter().all(|heard| heard.filter.is_none()) {
        // Since then nothing was decided but that silence.
        true if due > case.clock => last,
        // Which readings count is not looked up for this.
        _ => due.min(case.clock),
    }
}

/// The silence that counts from `p`, if it stands. `known`: what was found of it, if nothing but whether it stands and its end may be another.
fn silent_since(case: &Case<'_>, silence: &Silence, p: i64, known: Option<&Fact>) -> Option<Fact> {
    let due = p.checked_add(silence.span.0)?;
    if due > case.clock || !case.version.owns(due) {
        return None;
    }
    let heard = silence.streams.iter().filter_map(|h| next_heard(case, h, p)).min();
    if heard.is_some_and(|q| q <= due) {
        return None;
    }
    let scope = case.scope(due, p);
    let lets = Lets::of(&scope);
    let scope = scope.with(&lets);
    if case.version.terms.rule.filter.as_ref().is_some_and(|f| !scope.holds(f)) {
        return None;
    }
    if let Some(known) = known.filter(|known| known.end == heard) {
        return Some(Fact { fed: false, ended: false, known: None, ..known.clone() });
    }
    let last = silence.streams.iter().flat_map(|h| {
        let table = case.line.table(h.stream);
        table.into_iter().flat_map(move |t| {
            let rows = t.rows_at(p).filter(move |&row| fits(case, h, t, row));
            rows.flat_map(move |row| t.evidence(row).iter().copied())
        })
    });
    Some(Fact {
        onset: p,
        at: due,
        end: heard,
        resolved: heard,
        state: if heard.is_some() { FindingState::Resolved } else { FindingState::Open },
        severity: scope.severity(),
        evidence: evidence(last.collect()),
        words: render(&scope),
        said: said(&scope),
        fed: false,
        ended: false,
        known: None,
    })
}

/// Pins, of each stream that it waits for, the last reading before an instant that counts. From where on it may look at other readings.
pub fn pin_last(case: &Case<'_>, silence: &Silence, before: i64, floors: &mut Floors) -> i64 {
    let (mut from, mut counts) = (before, None);
    for heard in &silence.streams {
        let last = before.checked_sub(1).and_then(|t| last_heard(case, heard, t));
        if let Some(at) = last {
            floors.pin(heard.stream, at);
            counts = counts.max(last);
        }
        if heard.filter.as_ref().is_some_and(Expr::looks_elsewhere) {
            // Whether a reading counts is asked again, of each back to that one.
            from = from.min(last.unwrap_or(i64::MIN));
        }
    }
    // What readings alone decide is not asked again, only its end is another some day.
    let asked = counts.or_else(|| case.line.enrolled()).filter(|_| case.version.looks_up());
    from.min(asked.unwrap_or(from))
}

/// The instants in `[from, to]` that a silence may count from, ascending.
fn beginnings(case: &Case<'_>, silence: &Silence, from: i64, to: i64) -> Vec<i64> {
    // What was decided before anything was cut off stands, whatever follows.
    let cut = if case.version.looks_up() { i64::MIN } else { case.line.since() };
    let mut all: Vec<i64> = Vec::new();
    for heard in &silence.streams {
        let Some(table) = case.line.table(heard.stream) else { continue };
        // Of what was cut off the last that counts is left.
        let rows = table.left_from(from)..table.after(to);
        if heard.filter.is_some() {
            all.extend(rows.filter(|&row| fits(case, heard, table, row)).map(|row| table.at(row)));
            continue;
        }
        let (asked, instants) = (rows.len(), table.instants(rows.start.min(table.len())..table.len()));
        // After most something comes soon, and none counts from there.
        let is_heard_soon = |at: i64, next: i64| {
            let due = at.saturating_add(silence.span.0);
            due >= cut && next <= due
        };
        for pair in instants[..instants.len().min(asked + 1)].windows(2) {
            if !is_heard_soon(pair[0], pair[1]) {
                all.push(pair[0]);
            }
        }
        all.extend(instants.last().filter(|_| asked == instants.len()));
    }
    if let Some(enrolled) = case.line.enrolled().filter(|e| (from..=to).contains(e))
        && silence.streams.iter().all(|h| last_heard(case, h, enrolled).is_none())
    {
        all.push(enrolled);
    }
    all.sort_unstable();
    all.dedup();
    all
}

/// The last instant that a silence may count from.
fn newest(case: &Case<'_>, silence: &Silence) -> Option<i64> {
    silence.streams.iter().filter_map(|h| last_heard(case, h, i64::MAX)).max().or(case.line.enrolled())
}

/// The last instant not after `t` at which there is a reading that counts.
pub fn last_heard(case: &Case<'_>, heard: &Heard, t: i64) -> Option<i64> {
    let table = case.line.table(heard.stream)?;
    let mut rows = (0..table.left_after(t)).rev();
    rows.find(|&row| fits(case, heard, table, row)).map(|row| table.at(row))
}

/// The first instant after `p` at which there is a reading that counts.
pub fn next_heard(case: &Case<'_>, heard: &Heard, p: i64) -> Option<i64> {
    let table = case.line.table(heard.stream)?;
    let mut rows = table.left_after(p)..table.len();
    rows.find(|&row| fits(case, heard, table, row)).map(|row| table.at(row))
}

/// Whether a reading is one that the silence waits for.
fn fits<'a>(case: &Case<'a>, heard: &'a Heard, table: &'a Table, row: usize) -> bool {
    let Some(filter) = &heard.filter else { return true };
    let at = table.at(row);
    // A `let` is decided with the silence, not with a reading.
    truth(filter, &case.scope(at, at).with_candidate(Rows::one(table, row), at)) == Some(true)
}
