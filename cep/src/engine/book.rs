//! From what changed in the facts of a rule to what people are told: identity, revisions, and who is disturbed.
//!
//! Identity is history. What stands decides nothing here but its content; which former finding a new fact continues is settled by overlap.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use vitalog_elog::id::digest;
use vitalog_elog::{
    Cause, Change, Effect, Finding, FindingChange, FindingKind, FindingState, MatchId, Quiet, ReadingId, Subject, Time, Wording,
};

use crate::decide::{Fact, Known, State, Version};
use crate::lazy::{Blank, Lazy};
use crate::newest::first_not;
use crate::plan::RuleKind;

/// What is known of one rule's findings about one subject besides the facts.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Book {
    /// Those that do not stand any more: id and last revision.
    rescinded: BTreeMap<MatchId, u32>,
    /// Ids of findings that stand, but are not called by their onset alone: they began elsewhere once, or another stood there.
    strays: BTreeSet<MatchId>,
}

impl Blank for Book {
    fn blank() -> &'static Book {
        static BLANK: Book = Book { rescinded: BTreeMap::new(), strays: BTreeSet::new() };
        &BLANK
    }

    fn is_blank(&self) -> bool {
        self.rescinded.is_empty() && self.strays.is_empty()
    }
}

/// All versions of one rule for one subject, at one time of the clock.
pub struct Desk<'a> {
    pub name: &'a Arc<str>,
    pub subject: &'a Subject,
    /// The places of the rule's versions, oldest first.
    pub group: &'a [u32],
    /// Those of every rule, by its name.
    pub names: &'a [(Arc<str>, Vec<u32>)],
    pub versions: &'a [Version],
    pub states: &'a mut [State],
    pub book: &'a mut Lazy<Book>,
    pub cause: Cause,
    pub clock: Time,
}

/// A fact that was known and was taken away.
struct Former {
    version: usize,
    fact: Box<Fact>,
    known: Known,
}

/// Where a fact without a name stands.
#[derive(Clone, Copy)]
struct Place {
    version: usize,
    index: usize,
}

impl Desk<'_> {
    /// Tells what changed: first what is rescinded, then what is amended, then what is new, each by onset.
    #[inline]
    pub fn settle(mut self, effects: &mut Vec<Effect>) {
        if let Some(version) = self.only_changed() {
            let facts = self.states[version].facts_mut();
            if let Some(index) = facts.take_ended() {
                return self.end(Place { version, index }, effects);
            }
            if let Some((gone, index)) = facts.take_single_change() {
                // So it is with nearly every reading in order that changes anything: one went at most and one came.
                let former = gone.and_then(|fact| fact.known.map(|known| Former { version, known, fact }));
                let is_new = facts.list().get(index).is_some_and(|fact| fact.known.is_none());
                return self.settle_single(former, is_new.then_some(Place { version, index }), effects);
            }
        }
        self.settle_all(effects);
    }

    /// The version whose facts changed, if it is one.
    #[inline]
    fn only_changed(&self) -> Option<usize> {
        let mut changed = self.group.iter().map(|v| *v as usize).filter(|v| self.states[*v].facts().has_changed());
        changed.next().filter(|_| changed.next().is_none())
    }

    /// Whatever changed.
    fn settle_all(mut self, effects: &mut Vec<Effect>) {
        let (mut formers, mut news) = self.changes();
        self.keep_equal(&mut formers, &mut news);
        let mut amended = Vec::new();
        let mut left = Vec::new();
        for former in formers {
            match news.iter().position(|place| self.continues(&former, *place)) {
                Some(i) => amended.push((former, news.remove(i))),
                None => left.push(former),
            }
        }
        for former in left {
            self.rescind(former, effects);
        }
        for (former, place) in amended {
            self.amend(&former, place, effects);
        }
        for place in news {
            self.open(place, effects);
        }
    }

    /// As [`Desk::settle`] does with lists.
    fn settle_single(&mut self, former: Option<Former>, place: Option<Place>, effects: &mut Vec<Effect>) {
        match (former, place) {
            (Some(former), Some(place)) if former.fact.same(self.fact(place)) => self.name(place, former.known),
            (Some(former), Some(place)) if self.continues(&former, place) => self.amend(&former, place, effects),
            (former, place) => {
                former.into_iter().for_each(|former| self.rescind(former, effects));
                place.into_iter().for_each(|place| self.open(place, effects));
            }
        }
    }

    /// What was taken away and what is new, each by onset.
    fn changes(&mut self) -> (Vec<Former>, Vec<Place>) {
        let (mut formers, mut news) = (Vec::new(), Vec::new());
        for &version in self.group {
            let version = version as usize;
            let facts = self.states[version].facts_mut();
            let Some(changes) = facts.take_changes() else { continue };
            let fresh = changes.fresh;
            formers.extend(changes.gone().filter_map(|fact| fact.known.map(|known| Former { version, known, fact })));
            let unnamed = facts.list().iter().enumerate().skip(fresh).filter(|(_, fact)| fact.known.is_none());
            news.extend(unnamed.map(|(index, _)| Place { version, index }));
        }
        formers.sort_by_key(|f| (f.fact.onset, f.fact.at, f.version));
        news.sort_by_key(|place| self.key(*place));
        (formers, news)
    }

    /// What says the same as before keeps its name, and nobody hears of it.
    fn keep_equal(&mut self, formers: &mut Vec<Former>, news: &mut Vec<Place>) {
        formers.retain(|former| {
            let key = (former.fact.onset, former.fact.at, former.version);
            let Ok(i) = news.binary_search_by_key(&key, |place| self.key(*place)) else { return true };
            if !former.fact.same(self.fact(news[i])) {
                return true;
            }
            let place = news.remove(i);
            self.name(place, former.known);
            false
        });
    }

    /// Whether a new fact is a former one as it is now: matches that rest on readings if they share one, others if they overlap in time. What begins at one instant
    /// overlaps, even if one of them ended there.
    fn continues(&self, former: &Former, place: Place) -> bool {
        let (was, now) = (&former.fact, self.fact(place));
        let kind = kind(&self.versions[place.version]);
        if kind != self::kind(&self.versions[former.version]) {
            return false;
        }
        if kind == FindingKind::Match && !was.evidence.is_empty() && !now.evidence.is_empty() {
            return share(&was.evidence, &now.evidence);
        }
        let end = |f: &Fact| f.end.unwrap_or(i64::MAX);
        was.onset == now.onset || (was.onset < end(now) && now.onset < end(was))
    }

    fn rescind(&mut self, former: Former, effects: &mut Vec<Effect>) {
        let known = Known { revision: former.known.revision + 1, ..former.known };
        self.book.rescinded.insert(known.id, known.revision);
        if !self.book.strays.is_empty() {
            self.book.strays.remove(&known.id);
        }
        let fact = Fact { state: FindingState::Rescinded, known: Some(known), ..*former.fact };
        effects.push(self.effect(Change::Rescinded, former.version, &fact));
    }

    fn amend(&mut self, former: &Former, place: Place, effects: &mut Vec<Effect>) {
        let fact = self.fact(place);
        let risen = || self.stale(fact, place.version).or_else(|| self.on_trial(fact, place.version));
        let quiet = if fact.severity > former.fact.severity { risen() } else { former.known.quiet };
        let change = match (former.fact.state, fact.state) {
            (FindingState::Open, FindingState::Resolved) => Change::Resolved,
            (FindingState::Open, FindingState::Lapsed) => Change::Lapsed,
            _ => Change::Amended,
        };
        if fact.onset != former.fact.onset {
            self.book.strays.insert(former.known.id);
        }
        self.name(place, Known { id: former.known.id, revision: former.known.revision + 1, quiet });
        effects.push(self.effect(change, place.version, self.fact(place)));
    }

    /// What was told while it went on is over, and that is all.
    fn end(&mut self, place: Place, effects: &mut Vec<Effect>) {
        if let Some(known) = &mut self.states[place.version].facts_mut().at_mut(place.index).known {
            known.revision += 1;
        }
        effects.push(self.effect(Change::Resolved, place.version, self.fact(place)));
    }

    fn open(&mut self, place: Place, effects: &mut Vec<Effect>) {
        let fact = self.fact(place);
        let quiet = self
            .stale(fact, place.version)
            .or_else(|| self.other_open(fact, place.version))
            .or_else(|| self.spoke_lately(fact, place.version))
            .or_else(|| self.on_trial(fact, place.version));
        let mut id = MatchId::new(self.name, self.subject, Time(fact.onset));
        let mut counter = 0_u32;
        while self.stands(id, fact.onset) {
            counter += 1;
            id = MatchId(digest(b"match", &[&id.0.to_le_bytes(), &counter.to_le_bytes()]));
        }
        if counter > 0 {
            self.book.strays.insert(id);
        }
        let before = if self.book.rescinded.is_empty() { None } else { self.book.rescinded.remove(&id) };
        let revision = before.map_or(1, |last| last + 1);
        self.name(place, Known { id, revision, quiet });
        effects.push(self.effect(Change::Opened, place.version, self.fact(place)));
    }

    fn stale(&self, fact: &Fact, version: usize) -> Option<Quiet> {
        let age = self.clock.since(Time(fact.at));
        (age > self.versions[version].terms.rule.stale_after).then_some(Quiet::Stale)
    }

    /// Whether a finding of a rule that keeps this one quiet goes on where the fact opened.
    fn other_open(&self, fact: &Fact, version: usize) -> Option<Quiet> {
        let others = &self.versions[version].terms.rule.quiet_while;
        if others.is_empty() {
            // Most name nobody, and need not go through all rules for it.
            return None;
        }
        let groups = self.names.iter().filter(|(name, _)| others.contains(name)).flat_map(|(_, group)| group);
        let mut versions = groups.map(|version| *version as usize);
        let covers = |version: usize| {
            let point = kind(&self.versions[version]).is_point();
            let over = |end: i64| if point { end < fact.at } else { end <= fact.at };
            // Nobody was told of what was found on trial, so nobody is to miss something else for it.
            let heard = |f: &Fact| !self.versions[version].is_on_trial(f.at);
            let facts = self.states[version].facts().beginning_in(i64::MIN, fact.at);
            let goes_on = |f: &Fact| !f.end.is_some_and(over) && heard(f);
            // Episodes and silences of one version do not overlap: the last that began tells.
            if point { facts.iter().any(goes_on) } else { facts.last().is_some_and(goes_on) }
        };
        versions.any(covers).then_some(Quiet::OtherOpen)
    }

    fn spoke_lately(&self, fact: &Fact, version: usize) -> Option<Quiet> {
        let once_per = self.versions[version].terms.rule.once_per?;
        // On trial it counts what it would have told.
        let trial = self.versions[version].is_on_trial(fact.at);
        let spoke = |known: Known| known.quiet.is_none() || (trial && known.quiet == Some(Quiet::Shadow));
        let told = |other: &Fact| other.known.is_some_and(spoke) && other.at.abs_diff(fact.at) < once_per.0.unsigned_abs();
        let reach = once_per.0.saturating_abs();
        let (first, last) = (fact.at.saturating_sub(reach), fact.at.saturating_add(reach));
        let near = |version: &u32| {
            let list = self.states[*version as usize].facts().list();
            match kind(&self.versions[*version as usize]) {
                // Which begin and complete in any order.
                FindingKind::Match => list,
                _ => &list[first_not(list, |f| f.at < first)..first_not(list, |f| f.at <= last)],
            }
        };
        self.group.iter().flat_map(near).any(told).then_some(Quiet::SpokeLately)
    }

    fn on_trial(&self, fact: &Fact, version: usize) -> Option<Quiet> {
        self.versions[version].is_on_trial(fact.at).then_some(Quiet::Shadow)
    }

    /// Whether a finding is called so, which can only be one that begins at `onset`, or a stray.
    fn stands(&self, id: MatchId, onset: i64) -> bool {
        let begins = |version: &u32| self.states[*version as usize].facts().beginning_in(onset, onset);
        let named = |f: &Fact| f.known.is_some_and(|k| k.id == id);
        let stands = || self.group.iter().flat_map(begins).any(named);
        if self.group.len() == 1 && self.book.strays.is_empty() {
            // Facts of one version have different onsets.
            debug_assert!(!stands(), "what is new is no other's");
            return false;
        }
        self.book.strays.contains(&id) || stands()
    }

    fn fact(&self, place: Place) -> &Fact {
        &self.states[place.version].facts().list()[place.index]
    }

    fn key(&self, place: Place) -> (i64, i64, usize) {
        let fact = self.fact(place);
        (fact.onset, fact.at, place.version)
    }

    fn name(&mut self, place: Place, known: Known) {
        self.states[place.version].facts_mut().at_mut(place.index).known = Some(known);
    }

    #[inline]
    fn effect(&self, change: Change, version: usize, fact: &Fact) -> Effect {
        let room = Box::new_uninit();
        Effect::Finding(Box::write(
            room,
            FindingChange {
                change,
                finding: finding(&self.versions[version], self.subject, fact),
                cause: self.cause,
                decided_at: self.clock,
            },
        ))
    }
}

/// The record of a fact.
#[inline]
pub fn finding(version: &Version, subject: &Subject, fact: &Fact) -> Finding {
    let rule = &version.terms.rule;
    let kind = kind(version);
    let known = fact.known.unwrap_or(Known { id: MatchId(0), revision: 0, quiet: None });
    Finding {
        id: known.id,
        revision: known.revision,
        rule: rule.name.clone(),
        version: rule.meaning,
        title: rule.title.clone(),
        subject: subject.clone(),
        kind,
        state: fact.state,
        severity: fact.severity,
        onset: Time(fact.onset),
        at: Time(fact.at),
        end: fact.end.map(Time),
        resolved_at: fact.resolved.map(Time),
        evidence: fact.evidence.clone(),
        text: fact.words.text.clone(),
        wordings: fact.words.wordings.as_deref().map_or(Vec::new(), <[Wording]>::to_vec),
        notify: rule.notify.clone(),
        cite: rule.cite.clone(),
        quiet: known.quiet,
        by_clock: match &rule.kind {
            RuleKind::Silence(_) | RuleKind::Schedule(_) => true,
            RuleKind::Match(_) => version.scope.program.as_ref().is_some_and(|program| program.closing.is_none()),
            RuleKind::Episode(_) => false,
        },
    }
}

pub fn kind(version: &Version) -> FindingKind {
    match version.terms.rule.kind {
        RuleKind::Episode(_) => FindingKind::Episode,
        RuleKind::Silence(_) => FindingKind::Silence,
        RuleKind::Match(_) => FindingKind::Match,
        RuleKind::Schedule(_) => FindingKind::Schedule,
    }
}

/// Whether two sorted lists have an element in common.
fn share(a: &[ReadingId], b: &[ReadingId]) -> bool {
    let (mut i, mut j) = (0, 0);
    while let (Some(x), Some(y)) = (a.get(i), b.get(j)) {
        match x.cmp(y) {
            std::cmp::Ordering::Less => i += 1,
            std::cmp::Ordering::Greater => j += 1,
            std::cmp::Ordering::Equal => return true,
        }
    }
    false
}
