//! The alarms: what is told of each finding, to whom, and when. Stepped right after the engine, on the same thread.
//!
//! A [`Notifier`] sees every journaled input and the findings' changes that the engine made of it, keeps one [`Alarm`] per finding, and
//! appends an [`Effect::Delivery`] for every message. Which message an endpoint gets depends on what it was told before
//! ([`Heard`]): nobody hears of the end of something whose beginning they were not told.
//!
//! INVARIANT (function of the journal): the deliveries are a function of the configuration and the entries, byte for byte; there is no
//! clock here but the arrivals.
//! INVARIANT (told once): of one transition, and of one step of a policy, an endpoint is told at most once, under an id derived from finding,
//! revision, kind, step, repetition and endpoint.
//! INVARIANT (one message): of one finding an endpoint is told one thing at a time: what a step would say is left out where the same entry, or a
//! message that is still on its way, says it.

mod alarm;
mod heard;
mod ladder;
mod message;
mod snapshot;
mod tell;

use std::collections::btree_map::Entry as Known;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use alarm::without_evidence;
pub use alarm::{Alarm, Stage};
pub use heard::{Heard, Kind, Standing};
pub use ladder::Ladder;
pub use snapshot::SnapshotError;
use vitalog_elog::effect::Delivery;
use vitalog_elog::input::{Command, DeliveryOutcome, DeliveryReceipt};
use vitalog_elog::policy::Policy;
use vitalog_elog::{Change, Effect, Effects, Entry, FindingChange, Input, MatchId, Time};

use crate::config::Config;
use crate::roles::Roles;

/// Decides what is told.
#[derive(Clone, Debug)]
pub struct Notifier {
    config: Config,
    /// Follows from the configuration.
    roles: Roles,
    state: State,
    /// Alarms that wait until things have settled, or for a step of their policy, by when that is. Follows from the state.
    due: BTreeSet<(Time, MatchId)>,
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
    /// Those of the rules in force, by name.
    policies: BTreeMap<Arc<str>, Arc<Policy>>,
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

    /// When the next alarm will have settled, or the next step of a policy is due; a tick that arrives then tells it.
    pub fn next_due(&self) -> Option<Time> {
        self.due.first().map(|(due, _)| *due)
    }

    /// The alarm of a finding, while it is remembered.
    pub fn alarm(&self, id: MatchId) -> Option<&Alarm> {
        self.state.alarms.get(&id)
    }

    /// All remembered alarms, by id.
    pub fn alarms(&self) -> impl Iterator<Item = (MatchId, &Alarm)> {
        self.state.alarms.iter().map(|(id, alarm)| (*id, alarm))
    }

    /// Steps over an entry, given what the engine made of it, and appends deliveries. `policies` are those of the rules that are in force from this
    /// entry on, where it changes them. An entry that was stepped over before changes nothing.
    pub fn step(&mut self, offset: u64, arrival: Time, entry: &Entry, policies: Option<&[Policy]>, effects: &mut Effects) {
        if offset < self.state.next {
            return;
        }
        self.state.next = offset + 1;
        self.state.clock = self.state.clock.max(arrival);
        if let Some(policies) = policies {
            self.state.policies = policies.iter().map(|policy| (policy.name.clone(), Arc::new(policy.clone()))).collect();
        }
        let mut told = Vec::new();
        for effect in effects.iter() {
            if let Effect::Finding(change) = effect {
                self.changed(change, &mut told);
            }
        }
        match &entry.input {
            Input::Command(command) => self.commanded(command, &mut told),
            Input::Receipt(receipt) => self.received(receipt),
            _ => {}
        }
        // After the changes: what this very entry ended was not still standing, and what it acknowledged needs nobody else.
        self.attend(&mut told);
        self.forget();
        effects.extend(told.into_iter().map(|delivery| Effect::Delivery(Box::new(delivery))));
    }

    fn changed(&mut self, change: &FindingChange, told: &mut Vec<Delivery>) {
        let id = change.finding.id;
        // A change of something forgotten: what was told of it is not known any more, so nothing is.
        if !self.state.alarms.contains_key(&id) && change.change != Change::Opened {
            return;
        }
        let now = self.state.clock;
        self.unindex(id);
        let finding = without_evidence(&change.finding);
        let alarm = match self.state.alarms.entry(id) {
            Known::Vacant(entry) => entry.insert(Alarm::unheard_of(finding, now)),
            Known::Occupied(entry) => {
                let alarm = entry.into_mut();
                alarm.finding = finding;
                alarm
            }
        };
        let occasion = alarm.change(now, self.config.settle);
        self.tell(id, occasion, None, told);
        self.index(id);
    }

    fn commanded(&mut self, command: &Command, told: &mut Vec<Delivery>) {
        let id = command.finding;
        self.unindex(id);
        if let Some(alarm) = self.state.alarms.get_mut(&id)
            && let Some(occasion) = alarm.command(command.action, self.state.clock)
        {
            self.tell(id, occasion, Some(&command.by), told);
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

    /// Tells what has stood for long enough, and what policies have told by now.
    fn attend(&mut self, told: &mut Vec<Delivery>) {
        while let Some((due, id)) = self.due.first().copied()
            && due <= self.state.clock
        {
            self.unindex(id);
            match self.state.alarms.get_mut(&id) {
                Some(alarm) if matches!(alarm.stage, Stage::Settling { .. }) => {
                    let occasion = alarm.settled();
                    self.tell(id, occasion, None, told);
                }
                _ => self.climb(id, told),
            }
            self.index(id);
        }
    }

    fn forget(&mut self) {
        let alarms = self.state.alarms.len();
        while let Some((changed, id)) = self.fading.first().copied()
            && self.state.clock.since(changed) > self.config.keep
        {
            self.unindex(id);
            self.state.alarms.remove(&id);
        }
        if self.state.alarms.len() < alarms {
            let State { underway, alarms, .. } = &mut self.state;
            underway.retain(|_, (finding, _)| alarms.contains_key(finding));
        }
    }

    fn unindex(&mut self, id: MatchId) {
        let Some(alarm) = self.state.alarms.get(&id) else { return };
        if let Some(due) = alarm.due(&self.roles) {
            self.due.remove(&(due, id));
        }
        self.fading.remove(&(alarm.changed, id));
    }

    fn index(&mut self, id: MatchId) {
        let Some(alarm) = self.state.alarms.get(&id) else { return };
        if let Some(due) = alarm.due(&self.roles) {
            self.due.insert((due, id));
        }
        if alarm.fades() {
            self.fading.insert((alarm.changed, id));
        }
    }

    fn with_state(config: Config, state: State) -> Notifier {
        let roles = Roles::of(&config.endpoints);
        let mut notifier = Notifier { config, roles, state, due: BTreeSet::new(), fading: BTreeSet::new() };
        for id in notifier.state.alarms.keys().copied().collect::<Vec<_>>() {
            notifier.index(id);
        }
        notifier
    }
}
