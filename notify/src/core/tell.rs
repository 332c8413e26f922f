//! Telling: which messages an occasion, or a step that is due, leads to.

use std::collections::BTreeMap;

use vitalog_elog::effect::{Addressee, Delivery, Step};
use vitalog_elog::{MatchId, Span, Time};

use super::Notifier;
use super::alarm::Occasion;
use super::heard::{self, Heard, Kind};
use super::message::{self, Letter};
use crate::config::Endpoint;
use crate::roles;

/// A step told later than this after it was due says that it is late. Shorter than anybody waits on purpose, longer than a tick takes.
const LATE: Span = Span::seconds(10);

impl Notifier {
    /// Tells each endpoint what it is to hear, in the order of the configuration.
    pub(super) fn tell(&mut self, id: MatchId, occasion: Occasion, by: Option<&str>, told: &mut Vec<Delivery>) {
        let now = self.state.clock;
        let Some(alarm) = self.state.alarms.get_mut(&id) else { return };
        let mut ladder = None;
        if occasion == Occasion::News && !self.roles.is_empty() {
            let policy = alarm.finding.notify.as_ref().and_then(|name| self.state.policies.get(name));
            alarm.begin(policy, now);
            ladder = alarm.ladder.clone();
        }
        let rungs = ladder.as_ref().map_or_else(Vec::new, |ladder| ladder.rungs(&self.roles, &alarm.finding.subject));
        let due = |rung: &super::ladder::Rung<'_>| ladder.as_ref().map_or(Time::MAX, |ladder| ladder.since + rung.after);
        for (place, endpoint) in self.config.endpoints.iter().enumerate() {
            let rung = rungs.iter().find(|rung| rung.carriers.contains(&place) && due(rung) <= now);
            let wanted = match endpoint.reach {
                None => endpoint.filter.wants(&alarm.finding),
                // Whoever was to hear of it by now: also those whom the first message never reached.
                Some(_) => rung.is_some(),
            };
            let Some(kind) = heard::kind(occasion, alarm.heard.get(&endpoint.name), &alarm.finding, wanted) else { continue };
            let step = rung.filter(|_| kind == Kind::Opened);
            let step = step.map(|rung| Step { number: rung.number, repeat: 0, due: due(rung), late: is_late(due(rung), now) });
            let letter = Letter { kind, endpoint: &endpoint.name, to: addressee(endpoint, step), by };
            let delivery = message::delivery(&alarm.finding, letter, now);
            let after = Heard::after(kind, alarm.heard.get(&endpoint.name), &alarm.finding, delivery.id);
            alarm.heard.insert(endpoint.name.clone(), after);
            self.state.underway.insert(delivery.id, (id, endpoint.name.clone()));
            told.push(delivery);
        }
        alarm.told(occasion);
    }

    /// Carries out the steps of an alarm's policy that are due.
    ///
    /// An endpoint is told once, for the first step that it missed, however many have passed since: after a standstill nobody is flooded.
    pub(super) fn climb(&mut self, id: MatchId, told: &mut Vec<Delivery>) {
        let now = self.state.clock;
        let Some(alarm) = self.state.alarms.get_mut(&id) else { return };
        let Some(ladder) = alarm.ladder.clone() else { return };
        let mut firsts: BTreeMap<usize, Step> = BTreeMap::new();
        for rung in ladder.rungs(&self.roles, &alarm.finding.subject) {
            let Some((due, repeat)) = ladder.next(&rung, alarm.answered()).filter(|(due, _)| *due <= now) else { continue };
            let step = Step { number: rung.number, repeat, due, late: is_late(due, now) };
            for &place in &rung.carriers {
                let first = firsts.entry(place).or_insert(step);
                if due < first.due {
                    *first = step;
                }
            }
            if rung.carriers.is_empty() {
                let channel = roles::words(&rung.step.channels).into();
                let to = Some(Addressee { role: rung.step.recipient.clone(), channel, step: Some(step) });
                let letter = Letter { kind: Kind::Opened, endpoint: &"".into(), to, by: None };
                told.push(message::delivery(&alarm.finding, letter, now));
            }
        }
        for (place, step) in firsts {
            let Some(endpoint) = self.config.endpoints.get(place) else { continue };
            let before = alarm.heard.get(&endpoint.name);
            let Some(kind) = heard::kind(Occasion::Step, before, &alarm.finding, true) else { continue };
            let waiting = before.is_some_and(|heard| self.state.underway.contains_key(&heard.last));
            // Also what this very entry tells is on its way.
            if waiting && kind == Kind::Repeated {
                continue;
            }
            let letter = Letter { kind, endpoint: &endpoint.name, to: addressee(endpoint, Some(step)), by: None };
            let delivery = message::delivery(&alarm.finding, letter, now);
            let after = Heard::after(kind, before, &alarm.finding, delivery.id);
            alarm.heard.insert(endpoint.name.clone(), after);
            self.state.underway.insert(delivery.id, (id, endpoint.name.clone()));
            told.push(delivery);
        }
        if let Some(ladder) = &mut alarm.ladder {
            ladder.through = now;
        }
    }
}

fn addressee(endpoint: &Endpoint, step: Option<Step>) -> Option<Addressee> {
    let reach = endpoint.reach.as_ref()?;
    Some(Addressee { role: reach.role.clone(), channel: reach.channel.name().into(), step })
}

fn is_late(due: Time, now: Time) -> bool {
    now.since(due) > LATE
}
