//! An expression taken apart: each part with what the evaluator makes of it, and the readings that it looked at.

use std::sync::Arc;

use vitalog_elog::{Span, Time};

use super::{Clause, Extent, MOST_CLAUSES, MOST_READINGS, Seen, Teller};
use crate::eval::{Question, Ratio, Scope, Value, contents, covering, number, shown, truth, value};
use crate::plan::{Expr, Func, Phrase, Place, Ref, Show, Window};

impl<'a> Teller<'a> {
    /// What an expression comes to in a scope, part by part. `asked`: it is a condition, whatever it is made of.
    pub fn clause(&self, expr: &'a Expr, asked: bool, place: Place, scope: &Scope<'a, '_>) -> Clause {
        self.part((expr, asked), place, scope, &mut MOST_CLAUSES.clone())
    }

    fn part(&self, (expr, asked): (&'a Expr, bool), place: Place, scope: &Scope<'a, '_>, left: &mut usize) -> Clause {
        *left = left.saturating_sub(1);
        let phrase = self.rule().phrasing.of(expr, place);
        let place = phrase.map_or(place, |w| w.place);
        let mut clause = Clause { text: phrase.map_or_else(|| Arc::from(""), |w| w.text.clone()), ..Clause::default() };
        if asked || is_condition(expr) || phrase.is_some_and(|w| w.show == Some(Show::Bool)) {
            clause.truth = Some(truth(expr, scope).into());
        } else {
            clause.value = Some(self.written(value(expr, scope), phrase, scope));
        }
        clause.is_all = matches!(expr, Expr::And(_));
        self.look(expr, scope, &mut clause);
        let mut parts = Vec::new();
        self.gather(expr, place, scope, &mut parts);
        for part in parts {
            if *left == 0 {
                clause.cut = true;
                break;
            }
            clause.parts.push(self.part(part, place, scope, left));
        }
        clause
    }

    /// The parts that have words of their own, and whether they are conditions; of what has none, those of its parts.
    fn gather(&self, expr: &'a Expr, place: Place, scope: &Scope<'a, '_>, into: &mut Vec<(&'a Expr, bool)>) {
        let phrasing = &self.rule().phrasing;
        for part in parts(expr, scope) {
            if phrasing.exprs.is_empty() || phrasing.of(part, place).is_some() {
                into.push((part, asks(expr, part)));
            } else {
                self.gather(part, place, scope, into);
            }
        }
    }

    fn written(&self, value: Value<'a>, phrase: Option<&Phrase>, scope: &Scope<'a, '_>) -> String {
        let Some(Phrase { show: Some(show), per, .. }) = phrase else { return plainly(value, scope) };
        match per {
            None => shown(value, show, scope),
            Some(per) => {
                let whole = value.as_number().and_then(|n| n.mul(Ratio::whole(per.0)));
                let text = shown(Value::number(whole), show, scope);
                if !value.is_known() {
                    text
                } else if *per == Span::minutes(1) {
                    format!("{text}/min")
                } else {
                    format!("{text} per {per}")
                }
            }
        }
    }

    /// Notes the readings that the expression itself looks at.
    fn look(&self, expr: &'a Expr, scope: &Scope<'a, '_>, clause: &mut Clause) {
        match expr {
            Expr::Get { of: Ref::Step(step), .. } => {
                if let Some(bound) = scope.bound.get(usize::from(*step))
                    && let Some(table) = bound.table(scope.line)
                {
                    let rows = bound.last_rows().iter().take(MOST_READINGS);
                    clause.readings = rows.map(|row| self.seen_row(bound.stream, table, *row)).collect();
                }
            }
            Expr::Window(w) => self.look_in(w, scope, clause),
            Expr::Bound { step, what, .. } => {
                if let Some(bound) = scope.bound.get(usize::from(*step))
                    && let Some(table) = bound.table(scope.line)
                {
                    let first = bound.rows.len().saturating_sub(MOST_READINGS);
                    let rows = bound.rows[first..].iter();
                    clause.readings = rows.map(|row| self.saying(bound.stream, table, *row, *what, scope)).collect();
                    clause.window = extent(bound.rows.iter().map(|row| table.at(*row)));
                }
            }
            Expr::Covered { how, from, to, stream, filter } => {
                let question = Question { how: *how, from, to, stream: *stream, filter: filter.as_deref() };
                let found = covering(&question, scope).flatten();
                clause.readings = found.iter().map(|rows| self.seen(*stream, rows)).collect();
            }
            // Readings at hand are named where the condition is asked of them.
            Expr::Get { .. }
            | Expr::Bool(_)
            | Expr::Number(_)
            | Expr::Enum(_)
            | Expr::Text(_)
            | Expr::Profile(_)
            | Expr::Onset
            | Expr::Now
            | Expr::Let(_)
            | Expr::Not(_)
            | Expr::Neg(_)
            | Expr::And(_)
            | Expr::Or(_)
            | Expr::Compare { .. }
            | Expr::Arith { .. }
            | Expr::Between { .. }
            | Expr::In { .. }
            | Expr::IsKnown(_)
            | Expr::If { .. }
            | Expr::TimeOfDay(_)
            | Expr::DayOfWeek(_)
            | Expr::Wrap { .. }
            | Expr::Fresh { .. }
            | Expr::BetweenTimes { .. } => {}
        }
    }

    fn look_in(&self, w: &'a Window, scope: &Scope<'a, '_>, clause: &mut Clause) {
        let Some((place, rows)) = contents(w, scope) else { return };
        let (from, to) = (place.stretches.first().map(|s| s.from), place.stretches.last().map(|s| s.to));
        clause.window = from.zip(to).map(|(from, to)| Extent { from: Time(from), to: Time(to), count: rows.len() });
        clause.readings = self.telling(w, scope, &rows);
    }

    /// The readings that say most of a window's value: those at the extreme, the first, or the last of all.
    fn telling(&self, w: &Window, scope: &Scope<'a, '_>, rows: &[usize]) -> Vec<Seen> {
        let Some(table) = scope.line.table(w.stream) else { return Vec::new() };
        let numbers = || rows.iter().filter_map(|row| number(table, *row, w.what));
        let extreme = match w.func {
            Func::Min => numbers().min(),
            Func::Max => numbers().max(),
            _ => None,
        };
        let chosen: Vec<usize> = match (w.func, extreme) {
            (_, Some(n)) => {
                rows.iter().copied().filter(|row| number(table, *row, w.what) == Some(n)).take(MOST_READINGS).collect()
            }
            (Func::First, None) => rows.iter().copied().take(1).collect(),
            (Func::Last, None) => rows.iter().copied().rev().take(1).collect(),
            (Func::Delta | Func::Rate, None) if rows.len() > 2 => vec![rows[0], rows[rows.len() - 1]],
            _ => rows[rows.len().saturating_sub(MOST_READINGS)..].to_vec(),
        };
        chosen.into_iter().map(|row| self.saying(w.stream, table, row, w.what, scope)).collect()
    }
}

fn extent(instants: impl Iterator<Item = i64> + Clone) -> Option<Extent> {
    let (from, to) = (instants.clone().min()?, instants.clone().max()?);
    Some(Extent { from: Time(from), to: Time(to), count: instants.count() })
}

/// Whether it is a truth whatever it is made of.
fn is_condition(expr: &Expr) -> bool {
    matches!(
        expr,
        Expr::Bool(_)
            | Expr::Not(_)
            | Expr::And(_)
            | Expr::Or(_)
            | Expr::Compare { .. }
            | Expr::Between { .. }
            | Expr::In { .. }
            | Expr::IsKnown(_)
            | Expr::BetweenTimes { .. }
            | Expr::Covered { .. }
    )
}

/// Whether it asks a part of it as a condition.
fn asks(expr: &Expr, part: &Expr) -> bool {
    match expr {
        Expr::And(_) | Expr::Or(_) | Expr::Not(_) => true,
        Expr::If { condition, .. } => std::ptr::eq(&**condition, part),
        _ => false,
    }
}

/// What it is made of, in this scope; constants are left out. Conditions inside windows and covers are asked of each reading and have no one outcome.
fn parts<'a>(expr: &'a Expr, scope: &Scope<'a, '_>) -> Vec<&'a Expr> {
    let mut all: Vec<&'a Expr> = match expr {
        Expr::And(all) | Expr::Or(all) => return all.iter().collect(),
        Expr::If { condition, then, otherwise } => match truth(condition, scope) {
            Some(true) => vec![condition, then],
            Some(false) => vec![condition, otherwise],
            None => vec![condition],
        },
        Expr::Covered { from, to, .. } => vec![from, to],
        // The instant is the reading's own, which is named beside it.
        Expr::Fresh { value, .. } => vec![value],
        Expr::Window(_) => vec![],
        other => other.children(),
    };
    all.retain(|e| !matches!(e, Expr::Bool(_) | Expr::Number(_) | Expr::Enum(_) | Expr::Text(_)));
    all.dedup();
    all
}

/// A value that nobody said how to write.
fn plainly(value: Value<'_>, scope: &Scope<'_, '_>) -> String {
    match value {
        Value::Unknown => "unknown".to_owned(),
        Value::Bool(_) => shown(value, &Show::Bool, scope),
        Value::Number(_) | Value::Root(_) => shown(value, &Show::Number, scope),
        Value::Enum(place) => format!("word {place}"),
        Value::Text(text) => text.to_owned(),
    }
}
