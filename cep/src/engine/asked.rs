//! Asking the engine why: which finding an instant belongs to, which version answers for it, and what that version's clauses came to.
//!
//! It only looks: nothing of the state changes. Of a subject of whom something was cut off a copy is made, whole again, and asked.

use std::sync::Arc;

use vitalog_elog::{FindingKind, FindingState, Quiet, Subject, Time};

use super::Engine;
use super::book;
use super::cold::LayerId;
use super::subject::Person;
use crate::decide::{Case, Fact};
use crate::why::{Hush, InForce, Teller, Verdict, Why, account};

/// Of whom or what nothing is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unknown {
    Rule,
    Subject,
    /// What was cut off the subject was not given, or is not what was cut off.
    Layers,
}

/// A fact, and the place of its version.
type Placed<'p> = (usize, &'p Fact);

impl Engine {
    /// Why a rule found something about a subject at an instant, or why it did not.
    ///
    /// # Errors
    /// Where no version of the rule was ever in force, or nothing ever came of the subject; where layers were cut off the subject ([`Engine::why_with`]).
    pub fn why(&self, rule: &str, subject: &Subject, at: Time) -> Result<Why, Unknown> {
        self.why_with(rule, subject, at, &[])
    }

    /// The layers that were cut off a subject, the newest first.
    pub fn layers_of(&self, subject: &Subject) -> Vec<LayerId> {
        self.places.get(subject).map_or_else(Vec::new, |place| self.people[place as usize].all_layers())
    }

    /// The same with the layers that were cut off the subject.
    ///
    /// # Errors
    /// Those of [`Engine::why`]; where the layers are not those of [`Engine::layers_of`].
    pub fn why_with(&self, rule: &str, subject: &Subject, at: Time, layers: &[Vec<u8>]) -> Result<Why, Unknown> {
        let names = self.rules.names.iter().find(|(name, _)| **name == *rule);
        let (name, group) = names.ok_or(Unknown::Rule)?;
        let place = self.places.get(subject).ok_or(Unknown::Subject)?;
        let (person, clock) = (&self.people[place as usize], Time(self.decided_until(place)));
        if !person.is_cold() {
            return Ok(self.why_of(person, (name, group), at, clock));
        }
        let whole = person.whole(&self.rules, clock.0, layers).map_err(|_| Unknown::Layers)?;
        Ok(self.why_of(&whole, (name, group), at, clock))
    }

    /// `clock`: until when all is decided about the subject.
    fn why_of(&self, person: &Person, (name, group): (&Arc<str>, &[u32]), at: Time, clock: Time) -> Why {
        let (t, subject) = (at.0, &person.name);
        let facts = || group.iter().flat_map(|v| person.states[*v as usize].facts().list().iter().map(|f| (*v as usize, f)));
        let here = facts().filter(|(v, f)| self.covers(*v, f, t)).max_by_key(|(_, f)| (f.at <= t, f.at, f.onset));
        let in_force = group.iter().map(|v| *v as usize).find(|v| self.rules.versions[*v].owns(t));
        let before = facts().filter(|(v, f)| f.at < t && Some((*v, f.onset)) != here.map(|(v, f)| (v, f.onset)));
        let before = before.max_by_key(|(_, f)| (f.at, f.onset));
        let version = here.map(|(v, _)| v).or(in_force);
        let mut why = Why {
            rule: name.clone(),
            title: name.clone(),
            subject: subject.clone(),
            at,
            clock,
            verdict: Verdict::NotInForce,
            finding: here.map(|(v, f)| self.record(person, (v, f))),
            hush: here.and_then(|(v, f)| self.hush(person, group, (v, f))),
            before: before.map(|placed| self.record(person, placed)),
            version: None,
            account: Default::default(),
        };
        if let Some(place) = version {
            let version = &self.rules.versions[place];
            why.title = version.terms.rule.title.clone();
            let to = (version.to < i64::MAX).then_some(Time(version.to));
            why.version = Some(InForce { meaning: version.terms.rule.meaning, from: Time(version.from), to });
            let teller =
                Teller { case: Case { line: &person.line, version, clock: clock.0, more: false }, library: &self.rules.library };
            why.account = account(&teller, &person.states[place], t, here.map(|(_, f)| f));
            why.verdict = self.verdict(here, before, t, &why);
        }
        if matches!(why.verdict, Verdict::Resolved | Verdict::Lapsed) {
            why.finding = why.before.take();
            why.account.lack = None;
        }
        why
    }

    /// Whether an instant belongs to a finding: from its onset to its end, which of a point is in it; and the instant at which it was decided.
    fn covers(&self, version: usize, fact: &Fact, t: i64) -> bool {
        let over = if book::kind(&self.rules.versions[version]).is_point() {
            t > fact.end.unwrap_or(fact.onset).max(fact.at)
        } else {
            fact.end.is_some_and(|end| end <= t)
        };
        fact.at == t || (fact.onset <= t && !over)
    }

    fn verdict(&self, here: Option<Placed<'_>>, before: Option<Placed<'_>>, t: i64, why: &Why) -> Verdict {
        if let Some((_, fact)) = here {
            let quiet = fact.known.is_some_and(|k| k.quiet.is_some());
            return match (fact.at > t, quiet) {
                (true, _) => Verdict::Pending,
                (false, true) => Verdict::Quiet,
                (false, false) => Verdict::Fired,
            };
        }
        if t > why.clock.0 {
            return Verdict::NotReached;
        }
        let Some((version, fact)) = before else { return Verdict::Silent };
        let last = why.account.last_heard();
        let kind = book::kind(&self.rules.versions[version]);
        // Its end was known last: nothing was decided, or heard, since.
        let just = matches!(kind, FindingKind::Episode | FindingKind::Silence)
            && fact.end.is_some_and(|end| end <= t)
            && fact.resolved.is_some_and(|resolved| resolved >= t || last.is_some_and(|last| resolved >= last));
        match fact.state {
            FindingState::Resolved if just => Verdict::Resolved,
            FindingState::Lapsed if just => Verdict::Lapsed,
            _ => Verdict::Silent,
        }
    }

    fn record(&self, person: &Person, (version, fact): Placed<'_>) -> vitalog_elog::Finding {
        book::finding(&self.rules.versions[version], &person.name, fact)
    }

    /// Why a finding is quiet, by what stands now.
    fn hush(&self, person: &Person, group: &[u32], (version, fact): Placed<'_>) -> Option<Hush> {
        let quiet = fact.known?.quiet?;
        let rule = &self.rules.versions[version].terms.rule;
        let all = |group: &[u32]| -> Vec<Placed<'_>> {
            let of = |v: &u32| person.states[*v as usize].facts().list().iter().map(|f| (*v as usize, f)).collect::<Vec<_>>();
            group.iter().flat_map(of).collect()
        };
        let (by, span) = match quiet {
            Quiet::Stale => (None, Some(rule.stale_after)),
            Quiet::Shadow => (None, None),
            Quiet::SpokeLately => {
                let most = rule.once_per.map_or(0, |s| s.0.unsigned_abs());
                let trial = self.rules.versions[version].is_on_trial(fact.at);
                let spoke = |quiet: Option<Quiet>| quiet.is_none() || (trial && quiet == Some(Quiet::Shadow));
                let told = |f: &Fact| f.known.is_some_and(|k| spoke(k.quiet)) && f.at.abs_diff(fact.at) < most;
                (all(group).into_iter().find(|(_, f)| told(f)), rule.once_per)
            }
            Quiet::OtherOpen => {
                let groups = self.rules.names.iter().filter(|(name, _)| rule.quiet_while.contains(name));
                let others: Vec<Placed<'_>> = groups.flat_map(|(_, group)| all(group)).collect();
                let heard = |v: usize, f: &Fact| !self.rules.versions[v].is_on_trial(f.at);
                (others.into_iter().find(|(v, f)| self.covers(*v, f, fact.at) && heard(*v, f)), None)
            }
        };
        Some(Hush { quiet, by: by.map(|placed| Box::new(self.record(person, placed))), span })
    }
}
