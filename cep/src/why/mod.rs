//! Why a rule found something about a subject at an instant, or why it did not.
//!
//! The engine itself is asked: its timeline, the version in force, its log, its evaluator, its search for matches. What comes back is plain data: the clauses of the rule
//! with what each came to, the readings that it looked at, and the first that stood in the way. It speaks of the timeline as it is now: a reading that came late counts
//! as if it had been there.
//!
//! Bounds: at most [`MOST_CLAUSES`] parts of an expression, [`MOST_READINGS`] readings of a clause, [`MOST_TIED`] readings of one instant, [`MOST_STARTS`] starts of a pattern
//! and [`MOST_CHOICES`] choices from each ([`MOST_CHOICES_IN_ALL`] from all) are looked at; what is left out is counted, or said to be.

mod clause;
mod episode;
mod pattern;
mod schedule;
mod silence;
mod teller;

use std::sync::Arc;

use vitalog_elog::{Finding, Quiet, ReadingId, Severity, Span, Subject, Time};

use crate::decide::{Fact, State};
use crate::plan::RuleKind;
pub(crate) use teller::Teller;

pub const MOST_CLAUSES: usize = 256;
pub const MOST_READINGS: usize = 5;
pub const MOST_TIED: usize = 4;
pub const MOST_STARTS: usize = 100;
pub const MOST_CHOICES: usize = 2_000;
pub const MOST_CHOICES_IN_ALL: usize = 20_000;

/// The whole answer.
#[derive(Clone, Debug, PartialEq)]
pub struct Why {
    pub rule: Arc<str>,
    pub title: Arc<str>,
    pub subject: Subject,
    /// What is asked about.
    pub at: Time,
    /// How far the engine's clock has come.
    pub clock: Time,
    pub verdict: Verdict,
    /// The finding that the instant belongs to, or whose end was the last thing that happened.
    pub finding: Option<Finding>,
    /// Why nobody was disturbed by it.
    pub hush: Option<Hush>,
    /// The last one that was decided before.
    pub before: Option<Finding>,
    /// The version that is explained: the finding's, else the one in force.
    pub version: Option<InForce>,
    /// What was asked, and what it came to.
    pub account: Account,
}

/// How it stood.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// A finding was there.
    Fired,
    /// A finding was there, and disturbed nobody.
    Quiet,
    /// A finding has its beginning before and was decided later.
    Pending,
    /// The last thing that happened was the end of a finding.
    Resolved,
    Lapsed,
    /// Nothing.
    Silent,
    /// No version of the rule was in force.
    NotInForce,
    /// The clock has not come so far.
    NotReached,
}

/// Since when a version is in force, and until when.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InForce {
    pub meaning: u64,
    pub from: Time,
    pub to: Option<Time>,
}

/// Why a finding is quiet.
#[derive(Clone, Debug, PartialEq)]
pub struct Hush {
    pub quiet: Quiet,
    /// The finding that spoke a short while before, or that went on; as they are now.
    pub by: Option<Box<Finding>>,
    /// `stale after`, or `at most once per`.
    pub span: Option<Span>,
}

/// What was asked, in the order in which it was.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Account {
    pub asked: Vec<Asked>,
    pub notes: Vec<Note>,
    pub attempts: Vec<Attempt>,
    /// The first thing that stood in the way, where nothing was found.
    pub lack: Option<Lack>,
}

/// A part of a rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// Which version is in force.
    Version,
    /// A reading of the stream at which it decides.
    Driver,
    When,
    /// How long it has to last.
    For,
    /// How far decisions may lie apart.
    Gap,
    Where,
    Until,
    Severity(Severity),
    Let(u16),
    /// What a silence waits for.
    No,
    /// A time of a schedule.
    Every,
    /// The step of that number.
    Step(u8),
    Within,
    Without,
    ThenNo,
    WithNo,
    /// The clock, that a match waits for.
    Clock,
    /// Another match stands in its way.
    Disjoint,
}

/// A condition or value, asked at an instant.
#[derive(Clone, Debug, PartialEq)]
pub struct Asked {
    pub part: Part,
    /// Of a `let` its name, of a step how it is written.
    pub what: Arc<str>,
    pub at: Time,
    /// Of which reading.
    pub of: Option<Seen>,
    pub clause: Clause,
}

/// An expression, and what it came to.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Clause {
    /// As it is written.
    pub text: Arc<str>,
    /// Of a condition.
    pub truth: Option<Truth>,
    /// Of what is none.
    pub value: Option<String>,
    /// What it looked at; of many the last.
    pub readings: Vec<Seen>,
    pub window: Option<Extent>,
    pub parts: Vec<Clause>,
    /// It is true where all its parts are.
    pub is_all: bool,
    /// It has more parts than are told.
    pub cut: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Truth {
    True,
    False,
    Unknown,
}

/// Where a window lies, and how many readings count in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Extent {
    /// The first and the last instant that are in it.
    pub from: Time,
    pub to: Time,
    pub count: usize,
}

/// A reading, or a finding that is looked at like one.
#[derive(Clone, Debug, PartialEq)]
pub struct Seen {
    pub stream: Arc<str>,
    /// Itself; of a finding the first of those that it rests on.
    pub ids: Vec<ReadingId>,
    pub at: Time,
    /// Of an interval.
    pub start: Option<Time>,
    /// An interval whose end is not known; `at` is its start.
    pub goes_on: bool,
    /// What it says.
    pub value: Option<String>,
}

/// Something that no expression says.
#[derive(Clone, Debug, PartialEq)]
pub enum Note {
    /// The condition has held since then, at so many decisions.
    Run { since: Time, decisions: usize, has: Span, needs: Option<Span>, gap: Option<Span> },
    /// Two decisions too far apart: what held before them does not count.
    Broken { from: Time, to: Time, is: Span, most: Span },
    /// The condition of its end has held since then.
    Calm { since: Time, has: Span, needs: Span },
    /// It lapses, if no reading comes before.
    Lapses { at: Time },
    /// The last reading of a stream that counts, if any, and the next.
    Heard { stream: Arc<str>, last: Option<Seen>, next: Option<Seen> },
    /// A silence counts from there: a reading, or the first of all.
    Counts { from: Time, enrolled: bool },
    /// The clock opens it there, if nothing comes before.
    Opens { at: Time },
    /// When it fired last, and when it fires next.
    Fires { last: Option<Time>, next: Option<Time> },
    /// How many instants at which a match may begin were looked at.
    Starts { looked_at: usize },
    /// More was to be looked at than the bounds let.
    Bounded,
}

/// A try at a match.
#[derive(Clone, Debug, PartialEq)]
pub struct Attempt {
    pub start: Time,
    /// What each step took.
    pub took: Vec<Taken>,
    /// When it was complete, or will be by the clock.
    pub done: Option<Time>,
    /// What stopped it.
    pub lack: Option<Lack>,
}

/// Readings that a step took at one instant.
#[derive(Clone, Debug, PartialEq)]
pub struct Taken {
    pub step: u8,
    pub text: Arc<str>,
    pub at: Time,
    pub readings: Vec<Seen>,
}

/// What stood in the way.
#[derive(Clone, Debug, PartialEq)]
pub struct Lack {
    pub part: Part,
    /// Of which stream or step, as it is written.
    pub what: Arc<str>,
    /// The condition that was not true, and the reading of which it was asked.
    pub asked: Option<Asked>,
    /// The readings that stood in the way.
    pub readings: Vec<Seen>,
    pub since: Option<Time>,
    /// Until when it may still come, or could have.
    pub until: Option<Time>,
    pub has: Option<Span>,
    pub needs: Option<Span>,
}

impl Account {
    /// The last instant at which something was decided or heard, as far as the rule has such.
    pub(crate) fn last_heard(&self) -> Option<i64> {
        let asked = self.asked.iter().filter(|a| matches!(a.part, Part::When)).map(|a| a.at.0);
        let counts = self.notes.iter().filter_map(|n| if let Note::Counts { from, .. } = n { Some(from.0) } else { None });
        asked.chain(counts).max()
    }
}

impl Lack {
    pub fn of(part: Part) -> Lack {
        let (asked, readings) = (None, Vec::new());
        Lack { part, what: Arc::from(""), asked, readings, since: None, until: None, has: None, needs: None }
    }
}

impl From<Option<bool>> for Truth {
    fn from(truth: Option<bool>) -> Truth {
        match truth {
            Some(true) => Truth::True,
            Some(false) => Truth::False,
            None => Truth::Unknown,
        }
    }
}

impl Clause {
    pub fn holds(&self) -> bool {
        self.truth == Some(Truth::True)
    }

    /// Of a condition that is not true the first part that is not: of an `and` the first of its parts, of anything else itself.
    pub fn first_failed(&self) -> Option<&Clause> {
        if self.truth.is_none_or(|t| t == Truth::True) {
            return None;
        }
        let part = self.is_all.then(|| self.parts.iter().find_map(Clause::first_failed)).flatten();
        Some(part.unwrap_or(self))
    }
}

/// What the kind of rule has to say about `t`. `fact`: the finding that it belongs to.
pub(crate) fn account(teller: &Teller<'_>, state: &State, t: i64, fact: Option<&Fact>) -> Account {
    match (state, &teller.rule().kind) {
        (State::Episode(state), RuleKind::Episode(rule)) => episode::account(teller, state, rule, t, fact),
        (State::Silence(_), RuleKind::Silence(rule)) => silence::account(teller, rule, t, fact),
        (State::Match(state), RuleKind::Match(rule)) => pattern::account(teller, state, rule, t, fact),
        (State::Schedule(state), RuleKind::Schedule(rule)) => schedule::account(teller, state, rule, t, fact),
        _ => Account::default(),
    }
}
