//! How findings keep their identity while what stands changes, and who is told.
//!
//! Works on the two sets alone, what stood and what stands: nothing of how either was found.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use vitalog_cep::plan::Rule;
use vitalog_elog::id::digest;
use vitalog_elog::{Change, MatchId, Quiet, Subject, Time};

use super::Standing;

/// A finding as people know it.
#[derive(Clone, Debug, PartialEq)]
pub struct Known {
    pub id: MatchId,
    pub revision: u32,
    pub content: Standing,
    pub quiet: Option<Quiet>,
    pub is_rescinded: bool,
}

/// All findings that ever stood, and the rules that decide how they are told, by version.
#[derive(Clone, Debug, Default)]
pub struct History {
    pub known: Vec<Known>,
    rules: BTreeMap<u64, Arc<Rule>>,
    /// Since when which rules are on trial, in the order in which libraries came.
    trials: Vec<(Time, BTreeSet<Arc<str>>)>,
}

impl History {
    pub fn learn(&mut self, effective: Time, rules: &[Arc<Rule>]) {
        self.rules.extend(rules.iter().map(|r| (r.meaning, r.clone())));
        let from = self.trials.last().map_or(effective, |(last, _)| effective.max(*last));
        self.trials.push((from, rules.iter().filter(|r| r.shadow).map(|r| r.name.clone()).collect()));
    }

    /// What changed when this came to stand: withdrawn, then changed, then opened, of each rule and subject.
    pub fn advance(&mut self, standing: &[Standing], clock: Time) -> Vec<(Change, Known)> {
        let mut groups: Vec<(String, String)> = self.known.iter().map(|k| &k.content).chain(standing).map(group_of).collect();
        groups.sort();
        groups.dedup();
        let mut changes = Vec::new();
        for group in groups {
            self.advance_group(&group, standing, clock, &mut changes);
        }
        changes
    }

    fn advance_group(
        &mut self,
        group: &(String, String),
        standing: &[Standing],
        clock: Time,
        changes: &mut Vec<(Change, Known)>,
    ) {
        let mut new: Vec<&Standing> = standing.iter().filter(|s| group_of(s) == *group).collect();
        let mut former: Vec<usize> = (0..self.known.len()).filter(|i| group_of(&self.known[*i].content) == *group).collect();
        former.retain(|i| !self.known[*i].is_rescinded);
        // What did not change is nobody else's.
        former.retain(|i| match new.iter().position(|n| **n == self.known[*i].content) {
            Some(place) => {
                new.remove(place);
                false
            }
            None => true,
        });
        former.sort_by_key(|i| order(&self.known[*i].content));
        new.sort_by_key(|s| order(s));
        let mut paired: Vec<(usize, &Standing)> = Vec::new();
        for f in former {
            match new.iter().position(|n| is_same(&self.known[f].content, n)) {
                Some(place) => paired.push((f, new.remove(place))),
                None => {
                    self.known[f].is_rescinded = true;
                    self.known[f].revision += 1;
                    changes.push((Change::Rescinded, self.known[f].clone()));
                }
            }
        }
        for (f, now) in paired {
            changes.push(self.amend(f, now, clock));
        }
        for now in new {
            let opened = self.open(now, standing, clock);
            changes.push((Change::Opened, opened));
        }
    }

    fn amend(&mut self, f: usize, now: &Standing, clock: Time) -> (Change, Known) {
        let was = &self.known[f];
        let rises = now.severity > was.content.severity;
        let quiet = if rises { self.stale(now, clock).or_else(|| self.on_trial(now)) } else { was.quiet };
        let change = match (was.content.state, now.state) {
            ("open", "resolved") => Change::Resolved,
            ("open", "lapsed") => Change::Lapsed,
            _ => Change::Amended,
        };
        let known = Known { revision: was.revision + 1, content: now.clone(), quiet, ..was.clone() };
        self.known[f] = known.clone();
        (change, known)
    }

    /// Under the id of its onset; if that stands already, under a hash of it and a count, and so on. An id that stood before counts on from there.
    fn open(&mut self, now: &Standing, standing: &[Standing], clock: Time) -> Known {
        let quiet = self
            .stale(now, clock)
            .or_else(|| self.other_open(now, standing))
            .or_else(|| self.spoke_lately(now))
            .or_else(|| self.on_trial(now));
        let mut id = MatchId::new(&now.rule, &Subject::new(&now.subject), now.onset);
        let mut others = 0_u32;
        let revision = loop {
            match self.known.iter().position(|k| k.id == id) {
                None => break 1,
                Some(i) if self.known[i].is_rescinded => break self.known.remove(i).revision + 1,
                Some(_) => {
                    others += 1;
                    id = MatchId(digest(b"match", &[&id.0.to_le_bytes(), &others.to_le_bytes()]));
                }
            }
        };
        let known = Known { id, revision, content: now.clone(), quiet, is_rescinded: false };
        self.known.push(known.clone());
        known
    }

    fn stale(&self, now: &Standing, clock: Time) -> Option<Quiet> {
        let age = i128::from(clock.0) - i128::from(now.at.0);
        (age > i128::from(self.rules[&now.version].stale_after.0)).then_some(Quiet::Stale)
    }

    /// A finding of another rule about the same subject covers the instant at which this one opened; of what is an instant or a span of
    /// readings the end too. One that opened on trial keeps nobody quiet.
    fn other_open(&self, now: &Standing, standing: &[Standing]) -> Option<Quiet> {
        let others = &self.rules[&now.version].quiet_while;
        let goes_on = |s: &Standing| match s.end {
            None => true,
            Some(end) if s.kind == "match" || s.kind == "schedule" => now.at <= end,
            Some(end) => now.at < end,
        };
        let heard = |s: &Standing| self.on_trial(s).is_none();
        let covers = |s: &Standing| s.subject == now.subject && s.onset <= now.at && goes_on(s) && heard(s);
        standing.iter().any(|s| others.iter().any(|o| **o == *s.rule) && covers(s)).then_some(Quiet::OtherOpen)
    }

    fn spoke_lately(&self, now: &Standing) -> Option<Quiet> {
        let once_per = self.rules[&now.version].once_per?;
        // On trial it counts what it would have told as told.
        let would = self.on_trial(now);
        let spoke = |k: &Known| k.quiet.is_none() || (would.is_some() && k.quiet == would);
        let told = self.known.iter().filter(|k| !k.is_rescinded && spoke(k) && group_of(&k.content) == group_of(now));
        let near = |at: Time| (i128::from(at.0) - i128::from(now.at.0)).abs() < i128::from(once_per.0);
        told.into_iter().any(|k| near(k.content.at)).then_some(Quiet::SpokeLately)
    }

    /// Whether the library that was in force at the instant at which it opened has its rule on trial.
    fn on_trial(&self, s: &Standing) -> Option<Quiet> {
        let (_, on_trial) = self.trials.iter().rev().find(|(from, _)| *from <= s.at)?;
        on_trial.contains(&*s.rule).then_some(Quiet::Shadow)
    }
}

fn group_of(s: &Standing) -> (String, String) {
    (s.rule.clone(), s.subject.clone())
}

fn order(s: &Standing) -> (Time, Time, u64) {
    (s.onset, s.at, s.version)
}

/// Matches that share a reading; what rests on none, episodes and silences that overlap, or begin at the same instant.
fn is_same(was: &Standing, now: &Standing) -> bool {
    let rests = |s: &Standing| s.kind == "match" && !s.evidence.is_empty();
    if rests(was) && rests(now) {
        return was.evidence.iter().any(|id| now.evidence.contains(id));
    }
    let before_end = |t: Time, s: &Standing| s.end.is_none_or(|end| t < end);
    was.kind == now.kind && (was.onset == now.onset || (before_end(was.onset, now) && before_end(now.onset, was)))
}
