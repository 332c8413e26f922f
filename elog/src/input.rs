//! What is journaled: everything that decides, in the one order in which it was accepted.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::id::{MatchId, Subject};
use crate::metering::Sent;
use crate::once::Once;
use crate::profile::ProfileChange;
use crate::reading::Reading;
use crate::time::Time;

/// One journaled input with the time of its acceptance.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    /// When the gateway accepted it. Never runs backwards within a journal.
    pub arrival: Time,
    pub input: Input,
}

/// What happened, as far as it decides anything.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Input {
    Reading(Reading),
    Profile(ProfileChange),
    /// These rule files are in force from `effective` on; they replace all former ones.
    Rules(RuleChange),
    /// A person did something about a finding.
    Command(Command),
    /// What became of a delivery.
    Receipt(DeliveryReceipt),
    /// What could not be accepted, kept so that it can be looked at and mended.
    DeadLetter(DeadLetter),
    /// What became of a dead letter that was tried again.
    Mending(Mending),
    /// What was said to a request that is to have one effect.
    Once(Once),
    /// What came of a request that sent readings, and whom it is put down to.
    Sent(Sent),
    /// Time passed, and something was due.
    Tick,
    /// Something of a subject that was erased. It stands in a replay for what can't be read any more, so that offsets stay; nobody submits it.
    Erased,
}

/// The rule files in force from an instant on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RuleChange {
    pub effective: Time,
    pub files: Vec<RuleFile>,
    /// The id of who put them in force; `None`: they came from the server's own files.
    pub by: Option<Arc<str>>,
}

/// One rule file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RuleFile {
    pub name: Arc<str>,
    pub text: Arc<str>,
}

/// What a person did about a finding.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Command {
    pub finding: MatchId,
    pub action: Action,
    /// The id of who did it.
    pub by: Arc<str>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Action {
    Acknowledge,
    Dismiss,
}

/// What became of one attempt to deliver a message.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DeliveryReceipt {
    /// The derived id of the delivery.
    pub delivery: u128,
    pub attempt: u32,
    pub outcome: DeliveryOutcome,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeliveryOutcome {
    Delivered,
    /// Will be tried again.
    Failed(Arc<str>),
    /// Will not.
    GivenUp(Arc<str>),
}

/// Something refused at the door.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DeadLetter {
    /// The subject, where it could be read.
    pub subject: Option<Subject>,
    pub code: Arc<str>,
    pub field: Option<Arc<str>>,
    pub message: Arc<str>,
    /// The bytes as they came, at most [`DeadLetter::MAX_RAW`] of them.
    pub raw: Arc<[u8]>,
    /// Who sent it: the id of a token or a source.
    pub sender: Arc<str>,
}

impl DeadLetter {
    pub const MAX_RAW: usize = 64 * 1024;
}

/// A dead letter, tried again. Where it was taken, the reading that it became is the input right before this one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Mending {
    /// The offset of the letter.
    pub letter: u64,
    /// Whom it is about, where that could be read.
    pub subject: Option<Subject>,
    /// The id of who had it tried.
    pub by: Arc<str>,
    /// Another body was sent in its place.
    pub mended: bool,
    pub outcome: MendingOutcome,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MendingOutcome {
    /// It became this revision of the reading of this name.
    Taken { name: Arc<str>, rev: u32 },
    /// It was refused again.
    Refused { code: Arc<str>, field: Option<Arc<str>>, message: Arc<str> },
}
