//! Silences: `when no S or T for D`.

use std::collections::BTreeSet;

use vitalog_cep::plan::{Rule, Silence};
use vitalog_elog::{FindingKind, FindingState, Time};

use super::derived::said;
use super::eval::holds_if_any;
use super::findings::Found;
use super::grade::gravest;
use super::profile::Profile;
use super::scene::Scene;
use super::text::render;
use super::timeline::{Micros, Seen, Timeline, micros};

pub fn silences(timeline: &Timeline, profile: &Profile<'_>, rule: &Rule, silence: &Silence, clock: Time) -> Vec<Found> {
    let is_heard = |r: &&Seen| {
        let Some(now) = r.instant else { return false };
        let scene = Scene { candidate: Some(*r), onset: Some(now), ..Scene::new(timeline, profile, rule, now) };
        silence.streams.iter().any(|h| h.stream == r.stream && holds_if_any(h.filter.as_ref(), &scene))
    };
    let readings: Vec<&Seen> = timeline.readings.iter().filter(is_heard).collect();
    let heard: BTreeSet<Micros> = readings.iter().filter_map(|r| r.instant).collect();
    let mut from = heard.clone();
    // Before any was heard it counts from enrolment.
    from.extend(timeline.enrolment().filter(|e| heard.iter().all(|h| h > e)));
    let mut found = Vec::new();
    for p in from {
        let opens = p + i128::from(silence.span.0);
        if opens > micros(clock) || heard.iter().any(|q| p < *q && *q <= opens) {
            continue;
        }
        let scene = Scene { onset: Some(p), ..Scene::new(timeline, profile, rule, opens) };
        if !holds_if_any(rule.filter.as_ref(), &scene) {
            continue;
        }
        let next = heard.iter().copied().find(|q| *q > opens);
        let heard_last = readings.iter().filter(|r| r.instant == Some(p));
        found.push(Found {
            kind: FindingKind::Silence,
            state: if next.is_some() { FindingState::Resolved } else { FindingState::Open },
            severity: gravest(rule, std::slice::from_ref(&scene)),
            onset: p,
            at: opens,
            end: next,
            resolved_at: next,
            evidence: heard_last.flat_map(|r| r.rests_on.clone()).collect(),
            text: render(rule, &scene),
            said: said(rule, &scene),
        });
    }
    found
}
