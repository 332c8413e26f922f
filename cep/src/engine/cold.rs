//! One subject without what lies before a horizon.
//!
//! What is cut off is a *layer*: readings, and what was found on them. As long as nothing before an instant is touched, all goes on without it exactly as with it; before
//! something is, layers are put back, the newest first, until the instant is covered. So a layer says nothing that is not in the journal: it is a
//! part of the state that lies elsewhere.

use serde::{Deserialize, Serialize};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use vitalog_elog::id::digest_of;
use vitalog_elog::{Span, StreamIx};

use super::rulebook::Rulebook;
use super::subject::{Person, row};
use crate::decide::{Case, ColdState};
use crate::lazy::Blank;
use crate::timeline::{ColdLine, Depth, Floors, Sieve, Timeline};

/// What is to be kept at hand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Horizon {
    /// How late a reading may be that needs nothing put back.
    pub keep: Span,
    /// A subject of whom less readings are at hand is let be.
    pub least: usize,
    /// A subject is looked at again when its readings at hand are twice as many, or after this long.
    pub pause: Span,
}

/// A layer by the digest of its bytes: the same name is the same layer, whenever it was cut off.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct LayerId(pub u128);

/// The layers that were cut off one subject.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Cold {
    layers: Vec<Layer>,
    /// It is looked at again when so many readings are at hand, or at that instant.
    rows: u32,
    at: i64,
    /// Since when the rows of derived streams are there.
    found: Vec<(StreamIx, i64)>,
}

#[derive(Debug, Serialize, Deserialize)]
struct Layer {
    id: LayerId,
    sieve: Sieve,
    /// Since when all was at hand before it was cut off.
    since: i64,
}

/// A layer as bytes.
#[derive(Debug, Serialize, Deserialize)]
struct Written<L, S> {
    line: L,
    states: Vec<(u32, S)>,
    found: Vec<(StreamIx, i64)>,
}

/// Why bytes are not the layer that is missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotThatLayer {
    /// The one that was to be given; of none the subject gave more than was wanted.
    pub id: Option<LayerId>,
}

/// From where on what is needed.
struct Plan {
    floors: Floors,
    /// By version: what it may decide again, or look at, begins here; and its findings.
    anchors: Vec<i64>,
    findings: Vec<i64>,
}

static NOTHING: Cold = Cold { layers: Vec::new(), rows: 0, at: 0, found: Vec::new() };

impl Blank for Cold {
    fn blank() -> &'static Cold {
        &NOTHING
    }

    fn is_blank(&self) -> bool {
        self.layers.is_empty() && self.rows == 0
    }
}

impl Person {
    pub fn is_cold(&self) -> bool {
        !self.cold.layers.is_empty()
    }

    /// The layers that are to be put back before a reading is taken in, the newest first.
    pub fn layers_for(&mut self, depth: impl FnOnce(&mut Timeline) -> Depth) -> Vec<LayerId> {
        if !self.is_cold() {
            return Vec::new();
        }
        let Depth { least, stranger } = depth(&mut self.line);
        self.layers_until(|since, rest| since <= least && !stranger.is_some_and(|id| rest.iter().any(|l| id.may_be_in(&l.sieve))))
    }

    /// The same for a change of a profile field from an instant on.
    pub fn layers_for_profile(&self, rules: &Rulebook, field: u16, at: i64) -> Vec<LayerId> {
        let doubted = rules.versions.iter().filter_map(|version| version.doubted_from(field, at)).min();
        self.layers_until(|since, _| doubted.is_none_or(|from| since <= from))
    }

    /// All of them.
    pub fn all_layers(&self) -> Vec<LayerId> {
        self.layers_until(|_, _| false)
    }

    /// The newest layers, as many as it takes; `enough` is asked with the instant since when all would be at hand, and the layers that would be left.
    fn layers_until(&self, enough: impl Fn(i64, &[Layer]) -> bool) -> Vec<LayerId> {
        let layers = &self.cold.layers;
        let (mut left, mut since) = (layers.len(), self.line.since());
        while left > 0 && !enough(since, &layers[..left]) {
            left -= 1;
            since = layers[left].since;
        }
        layers[left..].iter().rev().map(|l| l.id).collect()
    }

    /// Whether it is time to look whether something can be cut off.
    #[inline]
    pub fn is_ripe(&self, horizon: &Horizon, clock: i64) -> bool {
        let rows = self.line.rows();
        rows >= horizon.least && (rows >= self.cold.rows as usize || clock >= self.cold.at)
    }

    /// Cuts off what lies before the horizon, if it is worth it: the layer's name and bytes.
    pub fn part(
        &mut self,
        rules: &Rulebook,
        clock: i64,
        horizon: &Horizon,
        missed: &Arc<AtomicBool>,
    ) -> Option<(LayerId, Vec<u8>)> {
        let since = clock.saturating_sub(horizon.keep.0).min(self.line.least_ahead().unwrap_or(i64::MAX));
        let rows = self.line.rows();
        self.cold.rows = (2 * rows).min(u32::MAX as usize) as u32;
        self.cold.at = clock.saturating_add(horizon.pause.0);
        if since <= self.line.since() {
            return None;
        }
        let plan = self.plan(rules, clock, since);
        if self.line.parting(since, &plan.floors) < (rows / 4).max(1) {
            return None;
        }
        let before = self.line.since();
        let (line, sieve) = self.line.part(since, &plan.floors, missed);
        self.unwatch_found(missed);
        let states = self.part_states(rules, &plan);
        let found = std::mem::replace(&mut self.cold.found, plan.found(rules));
        self.watch_found(missed);
        self.cold.rows = (2 * self.line.rows()) as u32;
        self.unsettled();
        // Into memory, and no type of ours refuses to be written.
        let bytes = postcard::to_stdvec(&Written { line, states, found }).unwrap_or_default();
        let id = LayerId(digest_of(&bytes));
        self.cold.layers.push(Layer { id, sieve, since: before });
        Some((id, bytes))
    }

    /// Puts the newest layer back.
    ///
    /// # Errors
    /// Where the bytes are not those that were cut off; nothing has changed then.
    pub fn unite(
        &mut self,
        rules: &Rulebook,
        clock: i64,
        bytes: &[u8],
        missed: &Arc<AtomicBool>,
    ) -> Result<LayerId, NotThatLayer> {
        let Some(layer) = self.cold.layers.last() else { return Err(NotThatLayer { id: None }) };
        let id = layer.id;
        let wrong = NotThatLayer { id: Some(id) };
        if LayerId(digest_of(bytes)) != id {
            return Err(wrong);
        }
        let (Written { line, states, found }, []) =
            postcard::take_from_bytes::<Written<ColdLine, ColdState>>(bytes).map_err(|_| wrong)?
        else {
            return Err(wrong);
        };
        self.cold.layers.pop();
        self.unwatch_found(missed);
        self.line.unite(line, missed);
        for (place, state) in states {
            self.states[place as usize].unite(state);
            self.feed_silently(rules, place);
        }
        self.cold.found = found;
        self.watch_found(missed);
        // What begins there may be completed again.
        self.settle_down(rules, clock);
        // Since a restore nobody knows of what was decided there.
        self.raise_fronts(rules, clock);
        self.cold.rows = (2 * self.line.rows()) as u32;
        self.unsettled();
        Ok(id)
    }

    /// A copy with all layers put back.
    ///
    /// # Errors
    /// Where the bytes are not those that were cut off.
    pub fn whole(&self, rules: &Rulebook, clock: i64, layers: &[Vec<u8>]) -> Result<Person, NotThatLayer> {
        let wrong = |_| NotThatLayer { id: None };
        let bytes = postcard::to_stdvec(self).map_err(wrong)?;
        let mut copy: Person = postcard::from_bytes(&bytes).map_err(wrong)?;
        copy.restore(rules, clock);
        let missed = Arc::default();
        layers.iter().try_for_each(|bytes| copy.unite(rules, clock, bytes, &missed).map(drop))?;
        if let Some(layer) = copy.cold.layers.last() { Err(NotThatLayer { id: Some(layer.id) }) } else { Ok(copy) }
    }

    /// After a restore.
    pub fn watch(&mut self, missed: &Arc<AtomicBool>) {
        self.line.watch(missed);
        self.watch_found(missed);
    }

    fn unwatch_found(&mut self, missed: &Arc<AtomicBool>) {
        for (stream, _) in &self.cold.found {
            self.line.cut_found(*stream, None, missed);
        }
    }

    fn watch_found(&mut self, missed: &Arc<AtomicBool>) {
        for (stream, floor) in &self.cold.found {
            self.line.cut_found(*stream, Some(*floor).filter(|floor| *floor > i64::MIN), missed);
        }
    }

    fn part_states(&mut self, rules: &Rulebook, plan: &Plan) -> Vec<(u32, ColdState)> {
        let mut parted = Vec::new();
        for place in 0..self.states.len() {
            let cold = self.states[place].part(plan.anchors[place], plan.findings[place]);
            if let Some(stream) = rules.ranks.feeds(place as u32) {
                let mut gone = Vec::new();
                for fact in cold.facts.iter().filter(|f| f.fed) {
                    self.line.remove_found(stream, &row(place as u32, fact), &mut gone);
                }
            }
            if !cold.is_empty() {
                parted.push((place as u32, cold));
            }
        }
        parted
    }

    /// From where on everything is needed when nothing before `since` is touched.
    fn plan(&self, rules: &Rulebook, clock: i64, since: i64) -> Plan {
        let count = rules.versions.len();
        let mut plan = Plan { floors: Floors::default(), anchors: vec![since; count], findings: vec![since; count] };
        // What findings may change begins here, by version.
        let mut open = vec![since; count];
        for &place in rules.ranks.ground.iter().chain(&rules.ranks.above) {
            let index = place as usize;
            let version = &rules.versions[index];
            let fed = |u: &usize| rules.ranks.feeds(*u as u32).is_some_and(|s| version.scope.streams.binary_search(&s).is_ok());
            let since = (0..count).filter(fed).map(|u| open[u]).fold(since, i64::min);
            let case = Case { line: &self.line, version, clock, more: false };
            let anchor = self.states[index].anchor(&case, since, &mut plan.floors);
            version.needs(anchor, &self.line, &mut plan.floors);
            plan.anchors[index] = anchor;
            open[index] = self.states[index].first_open(anchor);
        }
        for (index, version) in rules.versions.iter().enumerate() {
            let anchor = plan.anchors[index];
            let stream = rules.ranks.feeds(index as u32);
            let floor = stream.and_then(|stream| plan.floors.of(stream)).unwrap_or(anchor);
            plan.findings[index] = plan.findings[index].min(anchor).min(floor);
            // Whether a rule spoke lately, and whether another goes on, is asked of what stands.
            let rule = &version.terms.rule;
            let lately = anchor.saturating_sub(rule.once_per.map_or(0, |span| span.0.saturating_abs()));
            let group = &rules.names[rules.name_of[index] as usize].1;
            let others = rules.names.iter().filter(|(name, _)| rule.quiet_while.contains(name)).flat_map(|(_, group)| group);
            for other in group.iter().chain(others) {
                let known = &mut plan.findings[*other as usize];
                *known = (*known).min(lately);
            }
        }
        plan
    }
}

impl Plan {
    /// Since when the rows of each derived stream are there.
    fn found(&self, rules: &Rulebook) -> Vec<(StreamIx, i64)> {
        let mut all: Vec<(StreamIx, i64)> = Vec::new();
        for (place, floor) in self.findings.iter().enumerate() {
            let Some(stream) = rules.ranks.feeds(place as u32) else { continue };
            match all.iter_mut().find(|(known, _)| *known == stream) {
                // What one version keeps is of no use where another keeps less.
                Some((_, known)) => *known = (*known).max(*floor),
                None => all.push((stream, *floor)),
            }
        }
        all
    }
}
