//! The alarms: what is told of each finding, to whom, and when. Stepped right after the engine, on the same thread.
//!
//! A [`Notifier`] sees every journaled input and the findings' changes that the engine made of it, keeps one [`Alarm`] per finding, and
//! appends an [`Effect::Delivery`] for every message. Which message an endpoint gets depends on what it was told before
//! ([`Heard`]): nobody hears of the end of something whose beginning they were not told.
//!
//! INVARIANT (function of the journal): the deliveries are a function of the configuration and the entries, byte for byte; there is no
//! clock here but the arrivals.
//! INVARIANT (told once): of one transition an endpoint is told at most once, under an id derived from finding, revision, kind
//! and endpoint.

mod alarm;
mod heard;
mod message;
mod snapshot;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

pub use alarm::{Alarm, Stage};
pub use heard::{Heard, Kind, Standing};
pub use snapshot::SnapshotError;
use vitalog_elog::effect::Delivery;
use vitalog_elog::input::{Command, DeliveryOutcome, DeliveryReceipt};
use vitalog_elog::{Change, Effect, Entry, FindingChange, Input, MatchId, Time};

use crate::config::Config;
use alarm::Occasion;

/// Decides what is told.
#[derive(Clone, Debug)]
pub struct Notifier {
    config: Config,
    state: State,
    /// Alarms that wait until things have settled, by when they will have. Follows from the state.
    settling: BTreeSet<(Time, MatchId)>,
    /// Alarms that nothing more is expected of, by their last change: the first to be forgotten. Follows from the state.
    fading: BTreeSet<(Time, MatchId)>,
}

/// What a snapshot holds.
#[derive(Clone, Debug, Default, PartialEq, serde::Serialize, serde::Deserialize)]
struct State {
    /// The offset of the first entry not yet stepped over.
    next: u64,
    /// The greatest arrival seen.
    clock: Time,
    alarms: BTreeMap<MatchId, Alarm>,
    /// Deliveries of which it is not known yet whether they arrived: the finding, and the endpoint's name.
    underway: BTreeMap<u128, (MatchId, Arc<str>)>,
}

impl Notifier {
    pub fn new(config: Config) -> Notifier {
        Notifier::with_state(config, State { clock: Time::MIN, ..State::default() })
    }

    /// The offset of the first entry not yet stepped over.
    pub fn next(&self) -> u64 {
        self.state.next
    }

    /// When the next alarm will have settled; a tick that arrives then tells it.
    pub fn next_due(&self) -> Option<Time> {
        self.settling.first().map(|(due, _)| *due)
    }

    /// The alarm of a finding, while it is remembered.
    pub fn alarm(&self, id: MatchId) -> Option<&Alarm> {
        self.state.alarms.get(&id)
    }

    /// All remembered alarms, by id.
    pub fn alarms(&self) -> impl Iterator<Item = (MatchId, &Alarm)> {
        self.state.alarms.iter().map(|(id, alarm)| (*id, alarm))
    }

    /// Steps over an entry, given what the engine made of it, and appends deliveries. An entry that was stepped over before changes
    /// nothing.
    pub fn step(&mut self, offset: u64, arrival: Time, entry: &Entry, effects: &mut Vec<Effect>) {
        if offset < self.state.next {
            return;
        }
        self.state.next = offset + 1;
        self.state.clock = self.state.clock.max(arrival);
        let mut out = Vec::new();
        for effect in effects.iter() {
            if let Effect::Finding(change) = effect {
                self.changed(change, &mut out);
            }
        }
        match &entry.input {
            Input::Command(command) => self.commanded(command, &mut out),
            Input::Receipt(receipt) => self.received(receipt),
            _ => {}
        }
        // After the changes: what this very entry ended was not still standing.
        self.settle(&mut out);
        self.forget();
        effects.extend(out.into_iter().map(Effect::Delivery));
    }

    fn changed(&mut self, change: &FindingChange, out: &mut Vec<Delivery>) {
        let id = change.finding.id;
        // A change of something forgotten: what was told of it is not known any more, so nothing is.
        if !self.state.alarms.contains_key(&id) && change.change != Change::Opened {
            return;
        }
        let now = self.state.clock;
        self.unindex(id);
        let alarm = self.state.alarms.entry(id).or_insert_with(|| Alarm::unheard_of(&change.finding, now));
        let occasion = alarm.change(&change.finding, now, self.config.settle);
        self.tell(id, occasion, out);
        self.index(id);
    }

    fn commanded(&mut self, command: &Command, out: &mut Vec<Delivery>) {
        let id = command.finding;
        self.unindex(id);
        if let Some(alarm) = self.state.alarms.get_mut(&id)
            && let Some(occasion) = alarm.command(command.action, self.state.clock)
        {
            self.tell(id, occasion, out);
        }
        self.index(id);
    }

    fn received(&mut self, receipt: &DeliveryReceipt) {
        if matches!(receipt.outcome, DeliveryOutcome::Failed(_)) {
            return;
        }
        let Some((id, endpoint)) = self.state.underway.remove(&receipt.delivery) else { return };
        let Some(alarm) = self.state.alarms.get_mut(&id) else { return };
        let reached = receipt.outcome == DeliveryOutcome::Delivered;
        if let Some(heard) = alarm.heard.get_mut(&endpoint) {
            heard.reached |= reached;
            // What it was never reached with, it has not heard: the end would be a riddle to it.
            if !heard.reached && heard.last == receipt.delivery {
                alarm.heard.remove(&endpoint);
            }
        }
    }

    /// Tells what has stood for long enough.
    fn settle(&mut self, out: &mut Vec<Delivery>) {
        while let Some((due, id)) = self.settling.first().copied()
            && due <= self.state.clock
        {
            self.unindex(id);
            if let Some(alarm) = self.state.alarms.get_mut(&id) {
                let occasion = alarm.settled();
                self.tell(id, occasion, out);
            }
            self.index(id);
        }
    }

    /// Appends what each endpoint is to hear, in the order of the configuration.
    fn tell(&mut self, id: MatchId, occasion: Occasion, out: &mut Vec<Delivery>) {
        let now = self.state.clock;
        let Some(alarm) = self.state.alarms.get_mut(&id) else { return };
        for endpoint in &self.config.endpoints {
            let before = alarm.heard.get(&endpoint.name);
            let wanted = endpoint.filter.wants(&alarm.finding);
            let Some(kind) = heard::kind(occasion, before, &alarm.finding, wanted) else { continue };
            let delivery = message::delivery(&alarm.finding, kind, &endpoint.name, now);
            let after = Heard::after(kind, before, &alarm.finding, delivery.id);
            alarm.heard.insert(endpoint.name.clone(), after);
            self.state.underway.insert(delivery.id, (id, endpoint.name.clone()));
            out.push(delivery);
        }
        alarm.told(occasion);
    }

    fn forget(&mut self) {
        let alarms = self.state.alarms.len();
        while let Some((changed, id)) = self.fading.first().copied()
            && self.state.clock.since(changed) > self.config.keep
        {
            self.fading.remove(&(changed, id));
            self.state.alarms.remove(&id);
        }
        if self.state.alarms.len() < alarms {
            let State { underway, alarms, .. } = &mut self.state;
            underway.retain(|_, (finding, _)| alarms.contains_key(finding));
        }
    }

    fn unindex(&mut self, id: MatchId) {
        let Some(alarm) = self.state.alarms.get(&id) else { return };
        if let Stage::Settling { due } = alarm.stage {
            self.settling.remove(&(due, id));
        }
        self.fading.remove(&(alarm.changed, id));
    }

    fn index(&mut self, id: MatchId) {
        let Some(alarm) = self.state.alarms.get(&id) else { return };
        if let Stage::Settling { due } = alarm.stage {
            self.settling.insert((due, id));
        }
        if alarm.fades() {
            self.fading.insert((alarm.changed, id));
        }
    }

    fn with_state(config: Config, state: State) -> Notifier {
        let mut notifier = Notifier { config, state, settling: BTreeSet::new(), fading: BTreeSet::new() };
        for id in notifier.state.alarms.keys().copied().collect::<Vec<_>>() {
            notifier.index(id);
        }
        notifier
    }
}
