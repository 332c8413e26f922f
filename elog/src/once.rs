//! A request that is to have one effect however often it is sent: what is journaled of it beside its effect, and what its answer is made of again.
//!
//! A caller names the request by a key. What it was is journaled behind its inputs, in the same group, so that the one is never there without the other. Whatever of the answer follows from those inputs
//! (offsets, names, what each reading was to those before) is taken from them; only the rest is said here, in bytes that none but the edge that gave the answer understands.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::effect::{Outcome, Record};
use crate::id::{ReadingId, Subject};
use crate::input::Input;
use crate::time::{Span, Time};

/// How long a key stands for its request, by the journal's clock. Then it may be used anew.
pub const LIFE: Span = Span::hours(24);

/// What was said to a request that bears a key. The last input of its submission; before it may stand others without `request`, which say what concerns one subject each.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Once {
    /// Whom it is about, where that is one.
    pub subject: Option<Subject>,
    /// Which request it was; `None` in a part of one.
    pub request: Option<Request>,
    /// What the inputs do not say themselves.
    pub answer: Arc<[u8]>,
}

/// Which request it was.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Request {
    /// The id of who sent it.
    pub by: Arc<str>,
    /// A digest of who sent it and the key.
    pub key: u128,
    /// A digest of the key and all that was asked. Whoever does not know the key can't try what it may have been.
    pub asked: u128,
    /// How many inputs before this one came of it.
    pub inputs: u32,
}

/// All that an answer is made of again.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Answered {
    /// Of the request: see [`Request::asked`].
    pub asked: u128,
    /// When it was accepted.
    pub arrival: Time,
    /// The offset of its first input.
    pub first: u64,
    /// The offset after the last of its group.
    pub position: u64,
    /// What became of each input.
    pub told: Vec<Told>,
    /// What was said of one subject each. What is of people who were erased is not there.
    pub parts: Vec<Said>,
    /// What was said of the whole.
    pub whole: Said,
}

/// What was said, and of whom, where that is one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Said {
    pub subject: Option<Subject>,
    pub answer: Arc<[u8]>,
}

/// What became of one input.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Told {
    Reading {
        subject: Subject,
        id: ReadingId,
        given: Option<Arc<str>>,
        rev: u32,
        became: Option<Became>,
    },
    /// It is no reading.
    Other {
        subject: Option<Subject>,
    },
    /// Its subject was erased.
    Erased,
}

/// What a reading was to those before.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Became {
    New,
    Duplicate,
    Superseded,
    Outdated,
}

impl Answered {
    /// What is known of the request whose [`Once`] is the record at `place` of its group, which ends before the offset `position`. `None` where that is none, or lacks inputs before it.
    pub fn of(group: &[Record], place: usize, position: u64) -> Option<Answered> {
        let record = group.get(place)?;
        let Input::Once(once) = &record.entry.input else { return None };
        let request = once.request.as_ref()?;
        let inputs = group.get(place.checked_sub(request.inputs as usize)?..place)?;
        let part = |record: &Record| match &record.entry.input {
            Input::Once(part) => Some(Said::of(part)),
            _ => None,
        };
        let parts = inputs.iter().filter_map(part).collect();
        let told = inputs.iter().filter(|record| part(record).is_none()).map(Told::of).collect();
        let (first, arrival) = (record.offset - u64::from(request.inputs), record.entry.arrival);
        Some(Answered { asked: request.asked, arrival, first, position, told, parts, whole: Said::of(once) })
    }

    /// What is known of it once a subject was erased; `None`: nothing is.
    pub fn without(mut self, gone: &Subject) -> Option<Answered> {
        if self.whole.subject.as_ref() == Some(gone) {
            return None;
        }
        for told in self.told.iter_mut().filter(|told| told.subject() == Some(gone)) {
            *told = Told::Erased;
        }
        let before = self.parts.len();
        self.parts.retain(|part| part.subject.as_ref() != Some(gone));
        // What was a part can't be told from what was a reading. Parts stand behind all of these.
        self.told.extend(vec![Told::Erased; before - self.parts.len()]);
        Some(self)
    }

    /// Whether its key still stands for it.
    pub fn holds(&self, now: Time) -> bool {
        now.since(self.arrival) < LIFE
    }
}

impl Said {
    fn of(once: &Once) -> Said {
        Said { subject: once.subject.clone(), answer: once.answer.clone() }
    }
}

impl Told {
    /// Whom it is about, where that is known.
    pub fn subject(&self) -> Option<&Subject> {
        match self {
            Told::Reading { subject, .. } => Some(subject),
            Told::Other { subject } => subject.as_ref(),
            Told::Erased => None,
        }
    }

    fn of(record: &Record) -> Told {
        match &record.entry.input {
            Input::Reading(reading) => Told::Reading {
                subject: reading.subject.clone(),
                id: reading.id,
                given: reading.given.clone(),
                rev: reading.rev,
                became: record.reading().map(|(_, outcome)| Became::of(outcome)),
            },
            Input::Erased => Told::Erased,
            Input::Profile(change) => Told::Other { subject: Some(change.subject.clone()) },
            Input::DeadLetter(letter) => Told::Other { subject: letter.subject.clone() },
            Input::Mending(mending) => Told::Other { subject: mending.subject.clone() },
            Input::Once(_) | Input::Sent(_) | Input::Rules(_) | Input::Command(_) | Input::Receipt(_) | Input::Tick => {
                Told::Other { subject: None }
            }
        }
    }
}

impl Became {
    pub fn of(outcome: &Outcome) -> Became {
        match outcome {
            Outcome::New => Became::New,
            Outcome::Duplicate => Became::Duplicate,
            Outcome::Superseded { .. } => Became::Superseded,
            Outcome::Outdated => Became::Outdated,
        }
    }
}
