//! What follows from one journaled input, as plain data: each sink takes from it what is its own.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use smallvec::SmallVec;

use crate::finding::FindingChange;
use crate::id::MatchId;
use crate::input::Entry;
use crate::reading::Reading;
use crate::schema::StreamIx;
use crate::time::Time;

/// What follows from one input, in order. Mostly it is one thing, the outcome of a reading, and takes no room of its own.
pub type Effects = SmallVec<[Effect; 1]>;

/// One effect of one input.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Effect {
    /// What the reading was to the current set of readings. Exactly one for each journaled reading.
    Reading(Outcome),
    Finding(Box<FindingChange>),
    /// Something is to be delivered to someone.
    Delivery(Box<Delivery>),
}

/// What a reading's revision was to the revisions before it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Outcome {
    /// The first revision of its id: it is current (or, a removal, it waits for its original).
    New,
    /// This very revision was there.
    Duplicate,
    /// It is current now; `was` is superseded.
    Superseded { was: Box<Former> },
    /// A greater revision was there: this one is history from the start.
    Outdated,
}

impl Outcome {
    pub fn superseded(was: Former) -> Outcome {
        Outcome::Superseded { was: Box::new(was) }
    }
}

/// Where to find the revision that was current until now.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Former {
    pub rev: u32,
    pub hash: u128,
    /// `None`: it was a removal, so there is no row of it.
    pub place: Option<(StreamIx, Time)>,
}

/// A message for one recipient by one channel.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Delivery {
    /// Derived from finding, revision, step, repetition, recipient and channel: the receiver dedupes by it.
    pub id: u128,
    /// What it is about: messages about one finding reach an endpoint in their order.
    pub finding: MatchId,
    /// Which endpoint of the configuration; empty where it has none for whom a policy names.
    pub endpoint: Arc<str>,
    /// Whom a policy reaches by it; `None` for an endpoint that hears of findings whatever their policies say.
    pub to: Option<Addressee>,
    /// `finding.opened`, `finding.amended`, …
    pub kind: Arc<str>,
    /// The JSON to send.
    pub body: Arc<str>,
    /// Not before.
    pub not_before: Time,
}

/// Whom a policy tells.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Addressee {
    /// `patient`, `on_call`, …
    pub role: Arc<str>,
    /// `push`, `sms`, …; all that were asked for, where there is no endpoint.
    pub channel: Arc<str>,
    /// Which step of the policy sent it; `None` for what is told to all who were told before.
    pub step: Option<Step>,
}

/// A step of a policy that fell due.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// From 1 on, in the order written; a step that names two roles counts twice.
    pub number: u32,
    /// 0 at first, then how often the policy has begun anew.
    pub repeat: u32,
    pub due: Time,
    /// It is told later than it was due.
    pub late: bool,
}

/// A journaled input and all that followed from it, in order: what sinks are fed with.
#[derive(Clone, Debug)]
pub struct Record {
    pub offset: u64,
    pub entry: Arc<Entry>,
    pub effects: Effects,
}

impl Record {
    pub fn reading(&self) -> Option<(&Reading, &Outcome)> {
        let crate::input::Input::Reading(reading) = &self.entry.input else { return None };
        self.effects.iter().find_map(|e| match e {
            Effect::Reading(outcome) => Some((reading, outcome)),
            _ => None,
        })
    }

    pub fn changes(&self) -> impl Iterator<Item = &FindingChange> {
        self.effects.iter().filter_map(|e| match e {
            Effect::Finding(change) => Some(&**change),
            _ => None,
        })
    }
}
