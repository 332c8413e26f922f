//! Findings, and how matches stand together in them.

use vitalog_elog::{FindingKind, FindingState, ReadingId, Severity};

use super::derived::Said;
use super::timeline::Micros;

/// What one version of a rule found about one subject.
#[derive(Clone, Debug)]
pub struct Found {
    pub kind: FindingKind,
    pub state: FindingState,
    pub severity: Severity,
    pub onset: Micros,
    pub at: Micros,
    pub end: Option<Micros>,
    pub resolved_at: Option<Micros>,
    pub evidence: Vec<ReadingId>,
    pub text: String,
    pub said: Said,
}

/// One match: the closed span from its first reading to its last, and when it was complete.
#[derive(Clone, Debug)]
pub struct Matched {
    pub first: Micros,
    pub completion: Micros,
    pub last: Micros,
    pub severity: Severity,
    pub evidence: Vec<ReadingId>,
    pub text: String,
    pub said: Said,
}

/// Matches whose spans share an instant, transitively, as one finding each.
pub fn group(matches: &[Matched]) -> Vec<Found> {
    let mut groups: Vec<Vec<&Matched>> = matches.iter().map(|m| vec![m]).collect();
    while let Some((a, b)) = touching(&groups) {
        let taken = groups.remove(b);
        groups[a].extend(taken);
    }
    groups.iter().filter_map(|g| finding(g)).collect()
}

fn touching(groups: &[Vec<&Matched>]) -> Option<(usize, usize)> {
    let share = |m: &Matched, n: &Matched| m.first <= n.last && n.first <= m.last;
    let pairs = (0..groups.len()).flat_map(|a| (a + 1..groups.len()).map(move |b| (a, b)));
    pairs.into_iter().find(|(a, b)| groups[*a].iter().any(|m| groups[*b].iter().any(|n| share(m, n))))
}

fn finding(group: &[&Matched]) -> Option<Found> {
    let speaker = group.iter().min_by_key(|m| (m.completion, m.first))?;
    Some(Found {
        kind: FindingKind::Match,
        state: FindingState::Open,
        severity: group.iter().map(|m| m.severity).max()?,
        onset: group.iter().map(|m| m.first).min()?,
        at: speaker.completion,
        end: group.iter().map(|m| m.last).max(),
        resolved_at: None,
        evidence: group.iter().flat_map(|m| m.evidence.iter().copied()).collect(),
        text: speaker.text.clone(),
        said: speaker.said.clone(),
    })
}
