//! The oracle: a naive evaluator of the rule language, written from its definition alone.
//!
//! It shares plan data and the vocabulary with the engine, nothing else. Every operator is its own small file, every definition is
//! spelled out, everything is enumerated and nothing is kept: slow, and obviously right. What stands is a function of its four arguments.

pub mod calendar;
pub mod choice;
pub mod clock;
pub mod decay;
pub mod derived;
pub mod episode;
pub mod eval;
pub mod findings;
pub mod grade;
pub mod history;
pub mod number;
pub mod outcome;
pub mod pattern;
pub mod profile;
pub mod scene;
pub mod schedule;
pub mod silence;
pub mod statistics;
pub mod stretch;
pub mod text;
pub mod timeline;
pub mod versions;
pub mod whole;
pub mod window;

use std::collections::BTreeSet;
use std::sync::Arc;

use vitalog_cep::plan::{Library, RuleKind, Select};
use vitalog_elog::profile::ProfileChange;
use vitalog_elog::{Finding, FindingKind, FindingState, Reading, ReadingId, Severity, Subject, Time, Value};

use findings::Found;
use profile::Profile;
use timeline::{Timeline, micros, time};
use versions::Version;

/// A standing finding without its history: what engine and oracle must agree upon.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Standing {
    pub subject: String,
    pub rule: String,
    pub onset: Time,
    pub at: Time,
    pub version: u64,
    pub kind: &'static str,
    pub state: &'static str,
    pub severity: Severity,
    pub end: Option<Time>,
    pub resolved_at: Option<Time>,
    pub evidence: Vec<ReadingId>,
    /// With what others are told instead.
    pub text: String,
}

/// What stands, sorted. `libraries` are in the order of their effective times, `profile` as journaled.
pub fn standing(
    libraries: &[(Time, Arc<Library>)],
    revisions: &[Reading],
    profile: &[ProfileChange],
    clock: Time,
) -> Vec<Standing> {
    let nothing = vitalog_elog::Schema::default();
    let schema = libraries.last().map_or(&nothing, |(_, library)| &library.schema);
    let mut subjects: BTreeSet<Subject> = revisions.iter().map(|r| r.subject.clone()).collect();
    if schema.streams.iter().any(|s| !s.also_by.is_empty()) {
        subjects.extend(revisions.iter().flat_map(further));
    }
    let rules = libraries.last().map_or(&[][..], |(_, library)| &library.derived);
    let versions = versions::versions(libraries);
    let mut standing = Vec::new();
    for subject in subjects {
        let mut timeline = Timeline::of(&subject, revisions, schema, clock);
        // Those that look at others after these, whose findings are readings by then.
        let mut left: Vec<usize> = (0..versions.len()).collect();
        while !left.is_empty() {
            let is_ready = |place: usize| {
                let uses = derived::uses(&versions[place].rule);
                !left.iter().any(|l| derived::stream_of(&versions[*l].rule.name, rules).is_some_and(|s| uses.contains(&s)))
            };
            let ready: Vec<usize> = left.iter().copied().filter(|place| is_ready(*place)).collect();
            assert!(!ready.is_empty(), "rules that look at each other in a circle");
            left.retain(|place| !ready.contains(place));
            for place in ready {
                let version = &versions[place];
                let profile = Profile::of(&subject, &version.fields, profile, clock);
                let found = found(version, &timeline, &profile, clock);
                if let Some(stream) = derived::stream_of(&version.rule.name, rules) {
                    timeline.readings.extend(found.iter().map(|f| derived::row(stream, place, f)));
                }
                standing.extend(found.into_iter().map(|f| Standing::new(&subject, version, f)));
            }
        }
    }
    standing.sort();
    standing
}

/// Whoever a text of the reading may name.
fn further(reading: &Reading) -> Vec<Subject> {
    let values = reading.content.iter().flat_map(|c| c.values.iter().flatten());
    values.filter_map(|v| if let Value::Text(name) = v { Some(Subject::new(name)) } else { None }).collect()
}

/// What a version found on the whole timeline, of that what completes while it is in force.
fn found(version: &Version, timeline: &Timeline, profile: &Profile<'_>, clock: Time) -> Vec<Found> {
    let rule = &version.rule;
    let mut found = match &rule.kind {
        RuleKind::Episode(e) => episode::episodes(timeline, profile, rule, e, clock),
        RuleKind::Silence(s) => silence::silences(timeline, profile, rule, s, clock),
        RuleKind::Match(p) => {
            let mut matches = pattern::matches(&pattern::Search { timeline, profile, rule, pattern: p, clock: micros(clock) });
            matches.retain(|m| version.is_in_force(m.completion));
            if p.select == Select::Disjoint {
                matches = pattern::disjoint(matches);
            }
            findings::group(&matches)
        }
        RuleKind::Schedule(s) => schedule::firings(timeline, profile, rule, s, clock),
    };
    found.retain(|f| version.is_in_force(f.at));
    found
}

impl Standing {
    fn new(subject: &Subject, version: &Version, found: Found) -> Standing {
        Standing {
            subject: subject.as_str().to_owned(),
            rule: version.rule.name.to_string(),
            onset: time(found.onset),
            at: time(found.at),
            version: version.rule.meaning,
            kind: found.kind.name(),
            state: found.state.name(),
            severity: found.severity,
            end: found.end.map(time),
            resolved_at: found.resolved_at.map(time),
            evidence: found.evidence.into_iter().collect::<BTreeSet<_>>().into_iter().collect(),
            text: found.text,
        }
    }

    /// The same view of a finding that the engine holds.
    pub fn of(finding: &Finding) -> Standing {
        Standing {
            subject: finding.subject.as_str().to_owned(),
            rule: finding.rule.to_string(),
            onset: finding.onset,
            at: finding.at,
            version: finding.version,
            kind: finding.kind.name(),
            state: finding.state.name(),
            severity: finding.severity,
            end: finding.end,
            resolved_at: finding.resolved_at,
            evidence: finding.evidence.to_vec(),
            text: finding.text.to_string() + &finding.wordings.iter().map(|w| text::instead(&w.to, &w.text)).collect::<String>(),
        }
    }
}

/// The kinds and states a standing finding can have, for counting what was seen.
pub const SHAPES: [(FindingKind, FindingState); 7] = [
    (FindingKind::Episode, FindingState::Open),
    (FindingKind::Episode, FindingState::Resolved),
    (FindingKind::Episode, FindingState::Lapsed),
    (FindingKind::Silence, FindingState::Open),
    (FindingKind::Silence, FindingState::Resolved),
    (FindingKind::Match, FindingState::Open),
    (FindingKind::Schedule, FindingState::Open),
];
