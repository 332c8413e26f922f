//! The words of a rule: each expression as it is written, for explanations to quote, and how its value is.

use std::collections::BTreeMap;
use std::sync::Arc;

use vitalog_cep::plan::{Expr as Plan, Phrase, Phrasing, Place, Show};
use vitalog_elog::Span;

use super::Checker;
use super::dimension::Dim;
use super::value::{Ty, Typed};
use crate::source::{Loc, Sources};
use crate::syntax::{self, Edge, ExprKind};

/// All expressions of a rule that were understood, as far as they are kept.
#[derive(Debug, Default)]
pub struct Notes {
    kept: Vec<Noted>,
    /// How long they are together, and from where to where they reach.
    length: usize,
    reach: Option<(u32, u32)>,
}

/// What a rule's expressions may be together, as often as it is long: each stands in all that it is part of. Beyond that parts go unquoted.
const MOST_OFTEN: usize = 6;
/// Whatever its length.
const ENOUGH: usize = 4_096;

#[derive(Debug)]
struct Noted {
    expr: Plan,
    /// The word before it that belongs to it.
    lead: &'static str,
    loc: Loc,
    show: Option<Show>,
    per: Option<Span>,
}

impl Checker<'_> {
    pub fn note(&mut self, expr: &syntax::Expr, typed: &Typed) {
        // What stands in parentheses was noted by itself.
        if matches!(expr.kind, ExprKind::Paren(_)) {
            return;
        }
        let lead = match &expr.kind {
            ExprKind::Covering(it) if it.what.is_none() => {
                if it.overlaps {
                    "overlaps "
                } else {
                    "during "
                }
            }
            _ => "",
        };
        if typed.is_error() {
            return;
        }
        let notes = &mut self.noted;
        let (from, to) = notes.reach.unwrap_or((typed.loc.start, typed.loc.end));
        let (from, to) = (from.min(typed.loc.start), to.max(typed.loc.end));
        notes.reach = Some((from, to));
        let length = notes.length + (typed.loc.end - typed.loc.start) as usize;
        if length > MOST_OFTEN * (to - from) as usize + ENOUGH {
            return;
        }
        notes.length = length;
        let (show, per) = form(typed);
        notes.kept.push(Noted { expr: typed.expr.clone(), lead, loc: typed.loc, show, per });
    }

    /// The words of a rule whose expressions have all been understood.
    pub fn phrasing(&mut self, decl: &syntax::Rule, lets: usize, sources: &Sources) -> Phrasing {
        let mut exprs: Vec<Phrase> = Vec::new();
        let mut known: BTreeMap<(u32, u32), Vec<usize>> = BTreeMap::new();
        for Noted { expr, lead, loc, show, per } in std::mem::take(&mut self.noted).kept {
            // Where the other side tells the type, one is understood twice.
            let same = known.entry((loc.start, loc.end)).or_default();
            if !same.iter().any(|place| exprs[*place].expr == expr) {
                same.push(exprs.len());
                exprs.push(Phrase {
                    expr,
                    text: Arc::from(format!("{lead}{}", said(sources, loc))),
                    place: place(loc),
                    show,
                    per,
                });
            }
        }
        let steps = decl.pattern.iter().flat_map(|(p, _)| p.whole.steps());
        let steps = steps.map(|s| (Arc::from(step(s, sources)), step_place(s))).collect();
        let heard = match &decl.when {
            Some((syntax::When::Silence { streams, .. }, _)) => streams.as_slice(),
            _ => &[],
        };
        let heard = heard.iter().filter_map(|h| Some((h.stream.text.clone(), place(h.filter.as_ref()?.loc)))).collect();
        let named = self.scope.lets.iter().filter_map(|l| match l.value.expr {
            Plan::Let(place) => Some((usize::from(place), l.name.text.clone())),
            _ => None,
        });
        let mut names = vec![Arc::from(""); lets];
        named.filter(|(place, _)| *place < lets).for_each(|(place, name)| names[place] = name);
        Phrasing { exprs, steps, heard, lets: names }
    }
}

/// How a value of a type is written, and of a rate in how long.
fn form(typed: &Typed) -> (Option<Show>, Option<Span>) {
    let single = |dim: Dim| {
        let dimension = dim.single()?;
        let unit = typed.unit.filter(|u| u.dimension() == dimension);
        Some(Show::Quantity(unit.unwrap_or(dimension.usual_unit())))
    };
    let show = match &typed.ty {
        Ty::Error => None,
        Ty::Bool => Some(Show::Bool),
        Ty::Text => Some(Show::Text),
        Ty::Instant => Some(Show::Instant),
        Ty::TimeOfDay => Some(Show::TimeOfDay),
        Ty::Enum(words) => Some(Show::Enum(words.words.clone())),
        Ty::Number(dim) if dim.is_plain() => Some(Show::Number),
        Ty::Number(dim) if *dim == Dim::time() => Some(Show::Span),
        Ty::Number(dim) => match single(*dim) {
            Some(show) => Some(show),
            // A slope: what it comes to in a minute.
            None => return (dim.times(Dim::time()).and_then(single), Some(Span::minutes(1))),
        },
    };
    (show, None)
}

fn place(loc: Loc) -> Place {
    Place { from: loc.start, to: loc.end }
}

/// From a step's stream to the end of its condition.
fn step_place(step: &syntax::Step) -> Place {
    let to = step.filter.as_ref().map_or(step.stream.loc.end, |f| f.loc.end);
    Place { from: step.stream.loc.start, to }
}

/// `S{n..m} in a row as x where …`.
fn step(step: &syntax::Step, sources: &Sources) -> String {
    let mut text = step.stream.text.to_string();
    match step.edge {
        Some((Edge::Starts, _)) => text.push_str(" starts"),
        Some((Edge::Ends, _)) => text.push_str(" ends"),
        None => {}
    }
    match (step.count, step.most) {
        (1, Some(1)) => {}
        (n, Some(m)) if n == m => text.push_str(&format!("{{{n}}}")),
        (n, Some(m)) => text.push_str(&format!("{{{n}..{m}}}")),
        (n, None) => text.push_str(&format!("{{{n}..}}")),
    }
    if step.in_a_row.is_some() {
        text.push_str(" in a row");
    }
    if let Some(alias) = &step.alias {
        text.push_str(&format!(" as {}", alias.text));
    }
    if let Some(filter) = &step.filter {
        text.push_str(&format!(" where {}", said(sources, filter.loc)));
    }
    text
}

/// What stands at a place, on one line and without comments.
fn said(sources: &Sources, loc: Loc) -> String {
    let text = sources.get(loc.file).text.get(loc.start as usize..loc.end as usize).unwrap_or_default();
    let mut out = String::new();
    for line in text.lines() {
        let words = bare(line).split_whitespace();
        for word in words {
            if !out.is_empty() {
                out.push(' ');
            }
            out.push_str(word);
        }
    }
    out
}

/// A line without the comment at its end.
fn bare(line: &str) -> &str {
    let mut quoted = false;
    let mut previous = ' ';
    for (i, c) in line.char_indices() {
        match c {
            '"' if previous != '\\' => quoted = !quoted,
            '/' if !quoted && previous == '/' => return &line[..i - 1],
            _ => {}
        }
        previous = c;
    }
    line
}

#[cfg(test)]
mod tests {
    use super::bare;

    #[test]
    fn a_comment_is_no_part_of_what_is_said() {
        assert_eq!(bare("bg.value < 54 mg/dL // level 2"), "bg.value < 54 mg/dL ");
        assert_eq!(bare("note = \"http://x\""), "note = \"http://x\"");
        assert_eq!(bare("a / b"), "a / b");
    }
}
