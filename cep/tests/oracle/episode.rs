//! Episodes: `when C for D gap G until R for E`.

use vitalog_cep::plan::{Episode, Expr, Rule};
use vitalog_elog::{FindingKind, FindingState, ReadingId, Severity};

use super::derived::{Said, said};
use super::eval::{holds, holds_if_any, is_false};
use super::findings::Found;
use super::grade::gravest;
use super::profile::Profile;
use super::scene::Scene;
use super::text::render;
use super::timeline::{Micros, Timeline, micros};

use vitalog_elog::Time;

/// A decision: an instant of the driver, and what was asked there.
struct Decisions<'a> {
    timeline: &'a Timeline,
    profile: &'a Profile<'a>,
    rule: &'a Rule,
    episode: &'a Episode,
}

/// A condition that has held at every decision since `start`.
struct Run {
    start: Micros,
    evidence: Vec<ReadingId>,
}

struct Open {
    onset: Micros,
    at: Micros,
    severity: Severity,
    text: String,
    said: Said,
    evidence: Vec<ReadingId>,
    /// Since when R has held.
    until_run: Option<Micros>,
}

enum State {
    Idle,
    Run(Run),
    Open(Open),
}

pub fn episodes(timeline: &Timeline, profile: &Profile<'_>, rule: &Rule, episode: &Episode, clock: Time) -> Vec<Found> {
    let decisions = Decisions { timeline, profile, rule, episode };
    let mut found = Vec::new();
    let mut state = State::Idle;
    let mut last: Option<Micros> = None;
    for t in timeline.instants(episode.driver) {
        // The driver was silent for too long before this decision: what went on is forgotten, or lapsed.
        if let (Some(p), Some(lapse)) = (last, episode.lapse)
            && t > p + i128::from(lapse.0)
        {
            state = lapse_at(state, p, p + i128::from(lapse.0), &mut found);
        }
        state = decisions.decide(state, last, t, &mut found);
        last = Some(t);
    }
    if let (Some(p), Some(lapse)) = (last, episode.lapse)
        && micros(clock) >= p + i128::from(lapse.0)
    {
        state = lapse_at(state, p, p + i128::from(lapse.0), &mut found);
    }
    if let State::Open(open) = state {
        found.push(open.finding(FindingState::Open, None));
    }
    found
}

fn lapse_at(state: State, end: Micros, known: Micros, found: &mut Vec<Found>) -> State {
    if let State::Open(open) = state {
        found.push(open.finding(FindingState::Lapsed, Some((end, known))));
    }
    State::Idle
}

impl Decisions<'_> {
    fn decide(&self, state: State, last: Option<Micros>, t: Micros, found: &mut Vec<Found>) -> State {
        match state {
            State::Idle => self.run(None, t),
            State::Run(run) => {
                let is_gap = self.episode.hold.is_some_and(|h| last.is_some_and(|p| t - p > i128::from(h.gap.0)));
                self.run(if is_gap { None } else { Some(run) }, t)
            }
            State::Open(open) => self.open(open, last, t, found),
        }
    }

    /// Starts or continues a run at `t`, and opens the episode if it is time.
    fn run(&self, run: Option<Run>, t: Micros) -> State {
        let mut run = run.unwrap_or(Run { start: t, evidence: vec![] });
        if !self.holds(&self.episode.when, t, run.start) {
            return State::Idle;
        }
        let scenes = self.scenes(t, run.start);
        run.evidence.extend(scenes.iter().filter(|s| holds(&self.episode.when, s)).flat_map(|s| s.driver[0].rests_on.clone()));
        let fulfils = self.episode.hold.is_none_or(|h| t - run.start >= i128::from(h.span.0));
        if !fulfils || !scenes.iter().any(|s| holds_if_any(self.rule.filter.as_ref(), s)) {
            return State::Run(run);
        }
        State::Open(Open {
            onset: run.start,
            at: t,
            severity: gravest(self.rule, &scenes),
            text: self.say(t, run.start),
            said: said(self.rule, &self.all(t, run.start)),
            evidence: run.evidence,
            until_run: None,
        })
    }

    fn open(&self, mut open: Open, last: Option<Micros>, t: Micros, found: &mut Vec<Found>) -> State {
        let severity = gravest(self.rule, &self.scenes(t, open.onset));
        if severity > open.severity {
            open.severity = severity;
            open.text = self.say(t, open.onset);
        }
        if !self.until_holds(t, open.onset) {
            open.until_run = None;
            return State::Open(open);
        }
        let hold = self.episode.until_hold;
        let is_gap = hold.is_some_and(|h| last.is_some_and(|p| t - p > i128::from(h.gap.0)));
        let start = open.until_run.filter(|_| !is_gap).unwrap_or(t);
        open.until_run = Some(start);
        if hold.is_some_and(|h| t - start < i128::from(h.span.0)) {
            return State::Open(open);
        }
        found.push(open.finding(FindingState::Resolved, Some((start, t))));
        State::Idle
    }

    fn until_holds(&self, t: Micros, onset: Micros) -> bool {
        match &self.episode.until {
            Some(until) => self.holds(until, t, onset),
            None => self.scenes(t, onset).iter().all(|s| is_false(&self.episode.when, s)),
        }
    }

    fn holds(&self, condition: &Expr, t: Micros, onset: Micros) -> bool {
        self.scenes(t, onset).iter().any(|s| holds(condition, s))
    }

    /// One for each of the driver's readings at `t`.
    fn scenes(&self, t: Micros, onset: Micros) -> Vec<Scene<'_>> {
        let readings = self.timeline.at(self.episode.driver, t);
        readings.into_iter().map(|r| Scene { driver: vec![r], ..self.scene(t, onset) }).collect()
    }

    fn say(&self, t: Micros, onset: Micros) -> String {
        render(self.rule, &self.all(t, onset))
    }

    /// All of the driver's readings at `t` together.
    fn all(&self, t: Micros, onset: Micros) -> Scene<'_> {
        Scene { driver: self.timeline.at(self.episode.driver, t), ..self.scene(t, onset) }
    }

    fn scene(&self, t: Micros, onset: Micros) -> Scene<'_> {
        Scene { onset: Some(onset), ..Scene::new(self.timeline, self.profile, self.rule, t) }
    }
}

impl Open {
    fn finding(self, state: FindingState, over: Option<(Micros, Micros)>) -> Found {
        Found {
            kind: FindingKind::Episode,
            state,
            severity: self.severity,
            onset: self.onset,
            at: self.at,
            end: over.map(|(end, _)| end),
            resolved_at: over.map(|(_, known)| known),
            evidence: self.evidence,
            text: self.text,
            said: self.said,
        }
    }
}
