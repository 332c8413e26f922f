//! With readings in order no finding is ever withdrawn; findings of matches may grow together, and then one of them stays.
//!
//! Rules that look at other rules' findings see them as they stand: one that has since become graver, ended or grown is another, so these are left out.

use std::sync::Arc;

use vitalog_cep::plan::{Expr, Library, Rule, RuleKind};
use vitalog_elog::{Change, FindingChange, FindingKind, FindingState, Subject, Time, When};

use super::for_scripts;
use crate::oracle::derived::uses;
use crate::world::drive::{changes, step};
use crate::world::script::{Given, Line, reading};

#[test]
fn in_order_nothing_is_withdrawn() {
    for_scripts("order kept", 3_000, &|_, lines| {
        let lines = in_order(lines);
        let looks = looking(&lines);
        let mut engine = vitalog_cep::Engine::new();
        for (i, line) in lines.iter().enumerate() {
            let effects = step(&mut engine, i, line);
            let ours = |c: &&FindingChange| !looks.contains(&c.finding.rule);
            for change in changes(&effects).into_iter().filter(ours).filter(|c| c.change == Change::Rescinded) {
                let gone = &change.finding;
                let is_in = |f: &vitalog_elog::Finding| {
                    f.rule == gone.rule && f.subject == gone.subject && f.onset <= gone.onset && f.end >= gone.end
                };
                if gone.kind != FindingKind::Match || !engine.findings().iter().any(is_in) {
                    return Err(format!("input {i} withdraws\n{gone:#?}\nin\n{}", crate::world::show::script(&lines)));
                }
            }
            let is_over = |c: &&FindingChange| c.change == Change::Amended && c.finding.state != FindingState::Open;
            let ended = changes(&effects).into_iter().filter(ours).find(is_over);
            if let Some(change) = ended {
                return Err(format!("input {i} amends what was over\n{change:#?}"));
            }
        }
        Ok(())
    });
}

/// The rules that look at other rules.
fn looking(lines: &[Line]) -> Vec<Arc<str>> {
    let libraries = lines.iter().filter_map(|l| if let Given::Library { library, .. } = &l.input { Some(library) } else { None });
    let rules = libraries.flat_map(|library| &library.rules);
    rules.filter(|r| !uses(r).is_empty()).map(|r| r.name.clone()).collect()
}

/// What is decided by the clock may be so while an interval goes on of which nobody has heard yet.
fn learns_later(rule: &Rule) -> bool {
    let by_clock = match &rule.kind {
        RuleKind::Silence(_) | RuleKind::Schedule(_) => true,
        RuleKind::Match(p) => !rule.waits().is_empty() || !p.around.is_empty() || format!("{:?}", p.tree).contains("ThenNo"),
        RuleKind::Episode(_) => false,
    };
    let mut asks = false;
    rule.exprs().into_iter().for_each(|e| e.walk(&mut |e| asks |= matches!(e, Expr::Covered { .. })));
    by_clock && asks
}

/// The script's readings, each under a name of its own at its own instant, in order and on time. An interval lies wholly after the reading
/// before it: what began earlier is news about the past when it ends.
fn in_order(lines: &[Line]) -> Vec<Line> {
    const STEP: i64 = 60_000_000;
    let subject = Subject::new("s");
    let mut clock = lines.first().map_or(crate::world::EPOCH, |first| first.arrival);
    let mut kept = Vec::new();
    for (i, line) in lines.iter().enumerate() {
        match &line.input {
            Given::Library { library, .. } if kept.is_empty() => {
                let rules = library.rules.iter().filter(|r| !learns_later(r)).cloned().collect();
                let library = Arc::new(Library { rules, ..(**library).clone() });
                kept.push(Line { arrival: clock, input: Given::Library { effective: Time::MIN, library } });
            }
            Given::Reading(r) => {
                let Some(content) = &r.content else { continue };
                // The gaps between readings are those of their hashes: any will do, as long as they differ.
                let start = clock + vitalog_elog::Span(1 + (r.hash % 10) as i64 * STEP);
                let end = start + vitalog_elog::Span((r.hash / 10 % 3) as i64 * STEP);
                let (when, now) = match content.when {
                    When::At(_) => (When::At(end), end),
                    When::During { end: Some(_), .. } => (When::During { start, end: Some(end) }, end),
                    When::During { end: None, .. } => (When::During { start, end: None }, start),
                };
                clock = now;
                let reading = reading(&subject, &format!("n{i}"), 1, content.stream, when, content.values.to_vec());
                kept.push(Line { arrival: now, input: Given::Reading(reading) });
            }
            Given::Tick => {
                clock = clock + vitalog_elog::Span(7 * STEP);
                kept.push(Line { arrival: clock, input: Given::Tick });
            }
            Given::Profile(c) => {
                clock = clock + vitalog_elog::Span(1);
                let change = vitalog_elog::profile::ProfileChange { subject: subject.clone(), at: clock, ..c.clone() };
                kept.push(Line { arrival: clock, input: Given::Profile(change) });
            }
            Given::Library { .. } => {}
        }
    }
    kept
}
