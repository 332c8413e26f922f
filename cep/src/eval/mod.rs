//! What an expression comes to, at one decision on one timeline.

mod aggregate;
mod calendar;
mod circle;
mod clock;
mod covered;
mod decay;
mod fraction;
mod lets;
mod line;
mod output;
mod ratio;
mod ready;
mod root;
mod say;
mod spread;
mod timed;
mod truth;
mod value;
mod window;
mod zone;

use std::ops::Range;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use vitalog_elog::{Severity, StreamIx};

use crate::plan::{Edge, Expr, Grade, Ref, Rule};
use crate::timeline::{Set, Table, Timeline};

pub use aggregate::{measure_of_rows, number};
pub use calendar::{Calendar, DAY};
pub use covered::{Question, covering};
pub use lets::Lets;
pub use output::said;
pub use ratio::Ratio;
pub use ready::{Condition, satisfying};
pub use say::{Words, render, shown};
pub use truth::{truth, value};
pub use value::{Value, holds};
pub use window::{contents, counting, covered_at_most, level, short};
pub use zone::Zones;

/// What a rule means, apart from the timeline it is asked of.
#[derive(Debug, Serialize, Deserialize)]
pub struct Terms {
    pub rule: Arc<Rule>,
    /// Of each profile field, what holds where nobody set it.
    pub defaults: Vec<Option<Set>>,
    /// The profile field that names the subject's time zone.
    pub zone: Option<u16>,
    /// The profile field that says when it is night.
    pub night: Option<u16>,
    #[serde(skip)]
    pub zones: Zones,
}

/// Everything an expression may speak of: `'a` is the timeline and the rule, `'l` what is at hand at this decision. Copied and changed as one goes down
/// into a window's or step's condition.
#[derive(Clone, Copy)]
pub struct Scope<'a, 'l> {
    pub line: &'a Timeline,
    pub terms: &'a Terms,
    /// The instant decided.
    pub now: i64,
    /// The right end of windows: the instant decided, in the condition of another window that of its reading. An interval that goes on has none.
    pub end: Option<i64>,
    /// First instant of the episode, silence or match.
    pub onset: i64,
    /// When the profile is asked.
    pub profile_at: i64,
    /// The readings an episode decides upon: one, or (in texts) all of the instant.
    pub driver: Option<Rows<'a>>,
    pub candidate: Option<Rows<'a>>,
    pub item: Option<Rows<'a>>,
    /// What the steps bound so far.
    pub bound: &'l [Binding],
    /// What the step at hand bound at the repeats before.
    pub repeats: Option<Repeats<'l>>,
    /// The rule's `let`s, where they are at hand.
    pub lets: Option<&'l Lets<'a, 'l>>,
}

/// Neighbouring rows of one table, of which there are less than 2^32.
#[derive(Clone, Copy)]
pub struct Rows<'a> {
    pub table: &'a Table,
    pub from: u32,
    pub to: u32,
    /// Of intervals that go on: they have no instant and no duration.
    pub endless: bool,
}

/// The readings bound by a step: ascending rows of its stream's table.
#[derive(Clone, Debug)]
pub struct Binding {
    pub stream: StreamIx,
    /// In whose table of starts or of ends the rows are.
    pub edge: Edge,
    pub rows: Vec<usize>,
    /// Where in `rows` those of each bound instant begin.
    pub instants: Vec<usize>,
}

/// What a step that is being filled bound in this round.
#[derive(Clone, Copy)]
pub struct Repeats<'l> {
    pub binding: &'l Binding,
    /// The first of its instants that belongs to the round.
    pub from: usize,
}

impl<'a> Rows<'a> {
    #[inline]
    pub fn one(table: &'a Table, row: usize) -> Rows<'a> {
        Rows { table, from: row as u32, to: row as u32 + 1, endless: false }
    }

    pub fn some(table: &'a Table, rows: Range<usize>) -> Rows<'a> {
        Rows { table, from: rows.start as u32, to: rows.end as u32, endless: false }
    }

    /// The first of them.
    #[inline]
    pub fn row(&self) -> usize {
        self.from as usize
    }

    pub fn all(&self) -> Range<usize> {
        self.from as usize..self.to as usize
    }
}

impl Binding {
    pub fn none(stream: StreamIx) -> Binding {
        Binding { stream, edge: Edge::End, rows: Vec::new(), instants: Vec::new() }
    }

    /// Where its rows are.
    #[inline]
    pub fn table<'a>(&self, line: &'a Timeline) -> Option<&'a Table> {
        line.edge(self.stream, self.edge)
    }

    /// Bound to nothing again.
    pub fn clear(&mut self) {
        self.rows.clear();
        self.instants.clear();
    }

    /// Whether it bound the reading at a row of any table of its stream.
    pub fn has_reading(&self, line: &Timeline, table: &Table, row: usize) -> bool {
        let id = table.id(row);
        self.table(line).is_some_and(|own| self.rows.iter().any(|&r| own.id(r) == id))
    }

    /// Whether it bound the reading at a row of the table of ends of its stream.
    pub fn has(&self, line: &Timeline, table: &Table, row: usize) -> bool {
        match self.edge {
            Edge::End => self.rows.binary_search(&row).is_ok(),
            Edge::Start | Edge::Close => self.has_reading(line, table, row),
        }
    }

    /// The rows of a bound instant.
    pub fn rows_of(&self, instant: usize) -> &[usize] {
        let Some(&from) = self.instants.get(instant) else { return &[] };
        let to = self.instants.get(instant + 1).copied().unwrap_or(self.rows.len());
        &self.rows[from..to]
    }

    /// The rows of the last bound instant.
    pub fn last_rows(&self) -> &[usize] {
        self.instants.last().map_or(&[], |&from| &self.rows[from..])
    }
}

impl<'a, 'l> Scope<'a, 'l> {
    /// A decision at `now` about something that began at `onset`.
    #[inline]
    pub fn at(line: &'a Timeline, terms: &'a Terms, now: i64, onset: i64) -> Scope<'a, 'l> {
        let (driver, candidate, item) = (None, None, None);
        Scope {
            line,
            terms,
            now,
            end: Some(now),
            onset,
            profile_at: now,
            driver,
            candidate,
            item,
            bound: &[],
            repeats: None,
            lets: None,
        }
    }

    #[inline]
    pub fn driven_by(self, rows: Rows<'a>) -> Scope<'a, 'l> {
        Scope { driver: Some(rows), ..self }
    }

    /// The scope of a step's or absence's condition asked of a reading at `t`.
    #[inline]
    pub fn with_candidate(self, rows: Rows<'a>, t: i64) -> Scope<'a, 'l> {
        Scope { candidate: Some(rows), now: t, end: Some(t), profile_at: t, lets: None, ..self }
    }

    /// The scope of a window's condition asked of one of its readings.
    #[inline]
    pub fn with_item(self, rows: Rows<'a>) -> Scope<'a, 'l> {
        let at = rows.table.at(rows.row());
        Scope { item: Some(rows), profile_at: at, end: (!rows.endless).then_some(at), ..self }
    }

    /// The same with `let`s at hand.
    #[inline]
    pub fn with<'m>(&self, lets: &'m Lets<'a, 'm>) -> Scope<'a, 'm>
    where
        'l: 'm,
    {
        Scope { lets: Some(lets), ..*self }
    }

    /// What a condition comes to; `let`s that are not at hand are evaluated in this scope.
    #[inline]
    pub fn ask(&self, expr: &'a Expr) -> Option<bool> {
        if self.lets.is_some() || self.terms.rule.lets.is_empty() {
            return truth(expr, self);
        }
        truth(expr, &self.with(&Lets::of(self)))
    }

    #[inline]
    pub fn holds(&self, expr: &'a Expr) -> bool {
        self.ask(expr) == Some(true)
    }

    /// The gravest of the rule's grades that holds in this scope.
    pub fn severity(&self) -> Severity {
        let grades = &self.terms.rule.grades;
        if let [Grade { severity, when: None }] = grades[..] {
            return severity;
        }
        let holding = grades.iter().filter(|g| g.when.as_ref().is_none_or(|w| self.holds(w)));
        holding.map(|g| g.severity).max().unwrap_or(Severity::Info)
    }

    /// The readings that are at hand by a name; those of steps are bound.
    #[inline]
    pub fn rows(&self, of: Ref) -> Option<Rows<'a>> {
        match of {
            Ref::Driver => self.driver,
            Ref::Candidate => self.candidate,
            Ref::Item => self.item,
            Ref::Step(_) | Ref::First | Ref::Previous => None,
        }
    }

    fn profile(&self, field: u16) -> Option<&'a Set> {
        let set = self.line.profile.at(field, self.profile_at);
        set.or_else(|| self.terms.defaults.get(usize::from(field))?.as_ref())
    }
}
