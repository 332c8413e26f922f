//! A horizon: what lies before it is given away, and asked for again when something touches it.
//!
//! The engine does no I/O, so whoever drives it carries layers there and back: before a step it asks what the step [wants](Engine::wants), gives that, steps, and takes what was
//! [parted](Engine::take_parted). An engine with a horizon says the same as one that keeps all, input by input.
//!
//! What may be touched is reckoned from the rules. Should that ever be wrong, whoever looked too far shows it, and the subject is decided again with all layers put back.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use vitalog_elog::{Cause, Effect, Reading, Subject, Time};

use super::cold::{Horizon, LayerId, NotThatLayer};
use super::rulebook::Revision;
use super::shared::Seen;
use super::{Engine, EngineInput};

/// Layers that have to be put back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Want {
    pub subject: Subject,
    /// In the order in which they are to be given.
    pub layers: Vec<LayerId>,
    /// All of the subject is decided again then.
    again: bool,
}

/// A layer that was cut off.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parted {
    pub subject: Subject,
    pub id: LayerId,
    pub bytes: Vec<u8>,
}

/// What is decided again when all layers are there.
#[derive(Debug)]
enum Again {
    All,
    /// What this change of the rules concerns.
    Rules(Arc<Revision>),
}

/// What is under way of that.
#[derive(Debug, Default)]
pub struct Horizons {
    set: Option<Horizon>,
    /// Raised by who looked too far.
    pub missed: Arc<AtomicBool>,
    /// Subjects who are to be decided again with all layers.
    short: BTreeMap<u32, Again>,
    /// Subjects of whom something may be cut off when the moment is over.
    ripe: BTreeSet<u32>,
    parted: Vec<Parted>,
    united: Vec<LayerId>,
    misses: u64,
}

impl Horizons {
    /// A subject has versions that never saw what is cut off: it decides nothing before it has all layers.
    pub fn is_short(&mut self, place: u32, revision: &Arc<Revision>) {
        let known = self.short.insert(place, Again::Rules(revision.clone()));
        if known.is_some() {
            self.is_short_of_all(place);
        }
    }

    /// A subject is decided again, all of it, when it has all layers.
    pub fn is_short_of_all(&mut self, place: u32) {
        self.short.insert(place, Again::All);
    }

    /// Something is cut off, or may be.
    #[inline]
    pub fn is_set(&self) -> bool {
        self.set.is_some()
    }

    /// Somebody waits for what was.
    pub fn is_short_of_any(&self) -> bool {
        !self.short.is_empty()
    }

    pub fn lacks(&self, place: u32) -> bool {
        self.short.contains_key(&place)
    }
}

impl Engine {
    /// From now on with this horizon; layers that were cut off stay so.
    pub fn set_horizon(&mut self, horizon: Option<Horizon>) {
        self.horizons.set = horizon;
    }

    /// What has to be given before a step; asked again until it is nothing.
    pub fn wants(&mut self, arrival: Time, input: &EngineInput<'_>) -> Option<Want> {
        let clock = self.clock.max(arrival).0;
        match input {
            EngineInput::Reading(reading) => {
                let own = self.wants_for(reading, clock);
                if own.is_some() || !self.rules.shares {
                    return own;
                }
                self.seen_elsewhere(reading, clock).iter().find_map(|reading| self.wants_for(reading, clock))
            }
            EngineInput::Profile(change) => {
                let field = self.rules.library.profile.iter().position(|f| f.name == change.field)?;
                let person = &self.people[self.places.get(&change.subject)? as usize];
                want(&person.name, person.layers_for_profile(&self.rules, field as u16, change.at.0), false)
            }
            EngineInput::Library { .. } | EngineInput::Tick => None,
        }
    }

    /// The same before [`Engine::see`].
    pub fn wants_seen(&mut self, seen: &Seen) -> Option<Want> {
        self.wants_for(seen.reading(), self.clock.0)
    }

    /// What has to be given after a step; asked again until it is nothing.
    pub fn wants_again(&mut self) -> Option<Want> {
        let (place, _) = self.horizons.short.first_key_value()?;
        let person = &self.people[*place as usize];
        Some(Want { subject: person.name.clone(), layers: person.all_layers(), again: true })
    }

    /// Takes what it wanted.
    ///
    /// # Errors
    /// Where one of the layers is not what was cut off. Those before it are put back.
    pub fn give(&mut self, want: &Want, layers: &[Vec<u8>], effects: &mut Vec<Effect>) -> Result<(), NotThatLayer> {
        let Some(place) = self.places.get(&want.subject) else { return Ok(()) };
        let until = self.decided_until(place);
        let person = &mut self.people[place as usize];
        for bytes in layers {
            let id = person.unite(&self.rules, until, bytes, &self.horizons.missed)?;
            self.horizons.united.push(id);
        }
        if want.again && !person.is_cold() {
            match self.horizons.short.remove(&place) {
                Some(Again::Rules(revision)) => person.rules_changed(&self.rules, self.clock.0, &revision),
                Some(Again::All) => person.all_again(&self.rules, self.clock.0),
                None => {}
            }
            self.horizons.missed.store(false, Ordering::Relaxed);
            self.touched.clear();
            let enrolled = self.people[place as usize].line.enrolled();
            self.reached(place, enrolled, self.clock.0);
            self.told(place, Cause::Rules, effects);
            self.due(effects);
        }
        Ok(())
    }

    /// The layers that were cut off since the last time.
    pub fn take_parted(&mut self) -> Vec<Parted> {
        std::mem::take(&mut self.horizons.parted)
    }

    /// The layers that were put back since the last time: the state does not need them any more, but states before it do.
    pub fn take_united(&mut self) -> Vec<LayerId> {
        std::mem::take(&mut self.horizons.united)
    }

    /// All layers that the state needs.
    pub fn layers(&self) -> impl Iterator<Item = LayerId> {
        self.people.iter().flat_map(|person| person.all_layers())
    }

    /// How often somebody looked too far.
    pub fn misses(&self) -> u64 {
        self.horizons.misses
    }

    /// How many readings are at hand.
    pub fn rows(&self) -> usize {
        self.people.iter().map(|person| person.line.rows()).sum()
    }

    fn wants_for(&mut self, reading: &Reading, clock: i64) -> Option<Want> {
        let place = self.places.get(&reading.subject)?;
        let person = &mut self.people[place as usize];
        let layers = person.layers_for(|line| line.depth(reading, clock));
        want(&person.name, layers, false)
    }

    /// Something was decided about a subject: whether somebody looked too far, and whether something may be cut off.
    #[inline]
    pub(super) fn look_after(&mut self, place: u32) {
        if self.horizons.missed.load(Ordering::Relaxed) {
            self.note_miss(place);
        }
        if let Some(horizon) = &self.horizons.set
            && self.people[place as usize].is_ripe(horizon, self.clock.0)
        {
            self.horizons.ripe.insert(place);
        }
    }

    #[cold]
    fn note_miss(&mut self, place: u32) {
        self.horizons.missed.store(false, Ordering::Relaxed);
        self.horizons.misses += 1;
        self.horizons.is_short_of_all(place);
    }

    /// Cuts off what may be, once the moment is over.
    pub(super) fn part_ripe(&mut self) {
        let Some(horizon) = self.horizons.set.filter(|_| !self.rules.more && !self.horizons.ripe.is_empty()) else { return };
        for place in std::mem::take(&mut self.horizons.ripe) {
            // Who owes something comes here again when it is decided.
            if self.decided_until(place) < self.clock.0 {
                continue;
            }
            let person = &mut self.people[place as usize];
            if person.waits || self.horizons.lacks(place) {
                continue;
            }
            if let Some((id, bytes)) = person.part(&self.rules, self.clock.0, &horizon, &self.horizons.missed) {
                self.horizons.parted.push(Parted { subject: person.name.clone(), id, bytes });
            }
            // To reckon is to look, too.
            self.horizons.missed.store(false, Ordering::Relaxed);
        }
    }
}

fn want(subject: &Subject, layers: Vec<LayerId>, again: bool) -> Option<Want> {
    (!layers.is_empty()).then(|| Want { subject: subject.clone(), layers, again })
}
