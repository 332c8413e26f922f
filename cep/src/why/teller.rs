//! Who answers: one version of a rule before one timeline, with names for what plans know by number.

use std::sync::Arc;

use vitalog_elog::{FieldKind, Span, StreamIx, Time};

use super::{Asked, Clause, MOST_READINGS, MOST_TIED, Part, Seen};
use crate::decide::Case;
use crate::eval::{Lets, Rows, Scope, measure_of_rows, shown};
use crate::plan::{Expr, Library, Measure, Place, Rule, Show};
use crate::timeline::Table;

#[derive(Clone, Copy)]
pub struct Teller<'a> {
    pub case: Case<'a>,
    /// For the names of streams.
    pub library: &'a Library,
}

impl<'a> Teller<'a> {
    pub fn rule(&self) -> &'a Rule {
        &self.case.version.terms.rule
    }

    pub fn stream(&self, stream: StreamIx) -> Arc<str> {
        match stream.derived() {
            Some(place) => self.library.derived.get(place).map(|d| d.rule.clone()),
            None => self.library.schema.streams.get(usize::from(stream.0)).map(|s| s.name.clone()),
        }
        .unwrap_or_else(|| Arc::from("?"))
    }

    /// The first of some rows of a stream.
    pub fn seen(&self, stream: StreamIx, rows: &Rows<'_>) -> Seen {
        let (table, row) = (rows.table, rows.row());
        let (at, begin) = (Time(table.at(row)), Time(table.begin(row)));
        Seen {
            stream: self.stream(stream),
            ids: table.evidence(row).iter().take(MOST_READINGS).copied().collect(),
            at,
            start: (begin != at).then_some(begin),
            goes_on: rows.endless || (table.is_by_edge() && table.end(row).is_none()),
            value: None,
        }
    }

    pub fn seen_row(&self, stream: StreamIx, table: &Table, row: usize) -> Seen {
        self.seen(stream, &Rows::one(table, row))
    }

    /// A reading with what it says of a measure.
    pub fn saying<'s>(&self, stream: StreamIx, table: &'s Table, row: usize, what: Measure, scope: &Scope<'a, '_>) -> Seen {
        let value = self.form(stream, what).map(|show| shown(measure_of_rows(table, std::iter::once(row), what), &show, scope));
        Seen { value, ..self.seen_row(stream, table, row) }
    }

    /// How a measure of a stream is written.
    fn form(&self, stream: StreamIx, what: Measure) -> Option<Show> {
        match what {
            Measure::Duration => return Some(Show::Span),
            Measure::Start => return Some(Show::Instant),
            Measure::Field(_) => {}
            _ => return None,
        }
        let (Measure::Field(field), None) = (what, stream.derived()) else { return None };
        let declared = self.library.schema.streams.get(usize::from(stream.0))?.fields.get(usize::from(field.0))?;
        Some(match &declared.kind {
            FieldKind::Quantity(unit) => Show::Quantity(*unit),
            FieldKind::Enum(words) => Show::Enum(words.clone()),
            FieldKind::Text => Show::Text,
            FieldKind::Bool => Show::Bool,
            FieldKind::TimeOfDay => Show::TimeOfDay,
        })
    }

    /// An expression asked in a scope, the rule's `let`s evaluated there.
    pub fn ask(&self, part: Part, expr: &'a Expr, scope: &Scope<'a, '_>, of: Option<Seen>) -> Asked {
        let lets = Lets::of(scope);
        let place = if let Part::Step(step) = part { self.place(usize::from(step)) } else { Place::ANY };
        let clause = self.clause(expr, !matches!(part, Part::Let(_)), place, &scope.with(&lets));
        let what = match part {
            Part::Let(place) => self.rule().phrasing.lets.get(usize::from(place)).cloned().unwrap_or_default(),
            Part::Step(step) => self.step(usize::from(step)),
            _ => Arc::default(),
        };
        Asked { part, what, at: Time(scope.now), of, clause }
    }

    /// A condition asked of the readings of an episode's instant: of the first few, and of one that it is true for.
    pub fn ask_each(&self, part: Part, expr: &'a Expr, stream: StreamIx, rows: &Rows<'a>, onset: i64) -> Vec<Asked> {
        let scope = |row| self.case.scope(rows.table.at(row), onset).driven_by(Rows::one(rows.table, row));
        let ask = |row| self.ask(part, expr, &scope(row), Some(self.seen_row(stream, rows.table, row)));
        let mut all: Vec<Asked> = rows.all().take(MOST_TIED).map(ask).collect();
        if failed(&all).is_some() {
            all.extend(rows.all().skip(MOST_TIED).find(|row| scope(*row).holds(expr)).map(ask));
        }
        all
    }

    /// The `let`s and grades of the rule in a scope.
    pub fn ask_rest(&self, scope: &Scope<'a, '_>) -> Vec<Asked> {
        let rule = self.rule();
        let lets = rule.lets.iter().enumerate().map(|(i, e)| (Part::Let(i as u16), e));
        let grades = rule.grades.iter().filter_map(|g| Some((Part::Severity(g.severity), g.when.as_ref()?)));
        lets.chain(grades).map(|(part, expr)| self.ask(part, expr, scope, None)).collect()
    }

    /// As it is written, or by its number.
    pub fn step(&self, step: usize) -> Arc<str> {
        let written = self.rule().phrasing.steps.get(step).map(|(text, _)| text.clone());
        written.unwrap_or_else(|| Arc::from(format!("step {}", step + 1)))
    }

    fn place(&self, step: usize) -> Place {
        self.rule().phrasing.steps.get(step).map_or(Place::ANY, |(_, place)| *place)
    }
}

/// How long from one instant to another.
pub fn between(from: i64, to: i64) -> Span {
    Span(to.saturating_sub(from))
}

/// The first that is not true, if none is: then nothing held.
pub fn failed(asked: &[Asked]) -> Option<&Asked> {
    if asked.iter().any(|a| a.clause.holds()) { None } else { asked.first() }
}

/// The asked clause narrowed to the part that was not true.
pub fn narrowed(asked: &Asked) -> Asked {
    let clause = asked.clause.first_failed().cloned().unwrap_or_else(Clause::default);
    Asked { clause, ..asked.clone() }
}
