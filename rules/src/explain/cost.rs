//! How far back a rule looks, how many readings that keeps at the declared rates, and how many bytes.
//!
//! The engine keeps the whole timeline for now; this is what this rule alone would need of it.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use vitalog_cep::plan::{self, Anchor, Expr, Rule, RuleKind, Within};
use vitalog_elog::{Span, Stream, StreamIx};

use super::pattern;
use crate::check::World;

/// Bytes of a reading without its fields: its instant (8), the place of its mark (4), and the mark: id, hash and revision (48).
const READING: u64 = 60;
/// Of an interval its start as well.
const START: u64 = 8;
/// Of each field; and of an optional one whether it is there and how many were.
const FIELD: u64 = 8;
const OPTIONAL: u64 = 5;

/// How far back a rule looks on each stream it knows of.
pub fn horizons(rule: &Rule) -> BTreeMap<StreamIx, Span> {
    let mut found: BTreeMap<StreamIx, Span> = BTreeMap::new();
    let mut look = |stream: StreamIx, span: Span| {
        let known = found.entry(stream).or_insert(Span(0));
        *known = (*known).max(span);
    };
    // How long before the instant at which it is known a part of it may have been decided.
    let own = match &rule.kind {
        RuleKind::Episode(e) => {
            // At its opening a run has lasted `span`, and at most one more hole.
            let hold = |hold: Option<vitalog_cep::plan::Hold>| hold.map_or(Span(0), |h| Span(h.span.0.saturating_add(h.gap.0)));
            let own = hold(e.hold).max(hold(e.until_hold));
            look(e.driver, own.max(e.lapse.unwrap_or(Span(0))));
            own
        }
        RuleKind::Silence(s) => {
            s.streams.iter().for_each(|heard| look(heard.stream, s.span));
            Span(0)
        }
        RuleKind::Match(p) => {
            // A match waits for the windows after its steps.
            let waits = rule.waits().into_iter().map(|(_, span)| span.0).max().unwrap_or(0);
            let within = Span(pattern::reach(p).0.saturating_add(waits));
            let streams = p.steps.iter().map(|s| s.stream).chain(p.absences().into_iter().map(|a| a.stream));
            streams.for_each(|stream| look(stream, within));
            within
        }
        RuleKind::Schedule(_) => Span(0),
    };
    for expr in rule.exprs() {
        expr.walk_within(&mut Vec::new(), &mut |e, within| {
            match e {
                // It ends at a reading of the window around it.
                Expr::Window(w) => {
                    let around = around(within).fold(0_i64, |sum, w| sum.saturating_add(length(w)));
                    look(w.stream, Span(length(w).saturating_add(around).saturating_add(own.0)));
                }
                // Which intervals cover a stretch of what is decided is seen by their ends, none of which lies before it.
                Expr::Covered { stream, .. } => look(*stream, own),
                _ => {}
            }
        });
    }
    found
}

/// The windows in whose conditions something stands.
fn around<'e>(within: &[Within<'e>]) -> impl Iterator<Item = &'e plan::Window> {
    within.iter().filter_map(|w| if let Within::Window(w) = w { Some(*w) } else { None })
}

/// How far back a window reaches from its end, in microseconds.
fn length(window: &plan::Window) -> i64 {
    match window.anchor {
        Anchor::Decision | Anchor::Until | Anchor::Before(_) => window.over.0,
        // It lies in the match and the wait behind it.
        Anchor::After(_) => 0,
        Anchor::Days(_) | Anchor::Nights(_) => window.reach(),
    }
}

/// Where a window of a rule lies.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Window {
    pub stream: StreamIx,
    pub over: Span,
    pub anchor: Anchor,
    pub fresh: Option<Span>,
    /// It stands in the condition of another, or of an interval.
    pub inner: bool,
}

/// The windows of a rule, each place once.
pub fn windows(rule: &Rule) -> Vec<Window> {
    let mut found = Vec::new();
    for expr in rule.exprs() {
        expr.walk_within(&mut Vec::new(), &mut |e, within| {
            if let Expr::Window(w) = e {
                let inner = !within.is_empty();
                let it = Window { stream: w.stream, over: w.over, anchor: w.anchor, fresh: w.fresh, inner };
                if !found.contains(&it) {
                    found.push(it);
                }
            }
        });
    }
    found
}

fn bytes(stream: &Stream) -> u64 {
    let fields: u64 = stream.fields.iter().map(|f| FIELD + if f.optional { OPTIONAL } else { 0 }).sum();
    READING + fields + if stream.is_interval() { START } else { 0 }
}

/// A table for people.
pub fn of(rule: &Rule, world: &World) -> String {
    let horizons = horizons(rule);
    let furthest = horizons.values().copied().max().unwrap_or(Span(0));
    let mut out = String::new();
    let _ = writeln!(
        out,
        "  looks back {}",
        if furthest.0 == 0 { "on the reading at hand alone".to_owned() } else { furthest.to_string() }
    );
    let mut total = 0;
    let mut unknown = Vec::new();
    for (stream, span) in &horizons {
        let declared = world.declared(*stream);
        let each = bytes(declared);
        match declared.every {
            Some(every) if every.0 > 0 => {
                // Both ends may hold one.
                let readings = u64::try_from(span.0 / every.0).unwrap_or(0) + 1;
                total += readings * each;
                let _ = writeln!(
                    out,
                    "  {}: {readings} reading{} of {each} bytes ({span} at one every {every})",
                    declared.name,
                    if readings == 1 { "" } else { "s" }
                );
            }
            _ => {
                unknown.push(&*declared.name);
                let _ = writeln!(
                    out,
                    "  {}: {each} bytes for each reading of {span}; how often they come is not declared",
                    declared.name
                );
            }
        }
    }
    let rest = if unknown.is_empty() { String::new() } else { format!(", and the readings of {}", unknown.join(", ")) };
    let _ = writeln!(out, "  in all {total} bytes{rest}");
    out
}
