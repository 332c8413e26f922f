//! Entries as a segment has them: mirrors of the inputs, without what the segment says already.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use vitalog_elog::input::{Command, DeliveryReceipt, Mending, MendingOutcome};
use vitalog_elog::metering::{Party, Sent};
use vitalog_elog::once::{Once, Request};
use vitalog_elog::{Subject, Time, Value};

use super::Kind;
use super::names::{StoredContent, StoredRules};

#[derive(Serialize, Deserialize)]
pub(super) struct StoredReading {
    pub id: [u8; 16],
    pub given: Option<Arc<str>>,
    pub rev: u32,
    pub hash: [u8; 16],
    pub content: Option<StoredContent>,
}

#[derive(Serialize, Deserialize)]
pub(super) struct StoredProfile {
    pub field: Arc<str>,
    pub value: Option<Value>,
    pub at: Time,
}

#[derive(Serialize, Deserialize)]
pub(super) struct StoredLetter {
    pub code: Arc<str>,
    pub field: Option<Arc<str>>,
    pub message: Arc<str>,
    pub raw: Arc<[u8]>,
    pub sender: Arc<str>,
}

/// From format 3 on.
#[derive(Serialize, Deserialize)]
pub(super) struct StoredMending {
    letter: u64,
    by: Arc<str>,
    mended: bool,
    outcome: StoredOutcome,
}

#[derive(Serialize, Deserialize)]
enum StoredOutcome {
    Taken(Arc<str>, u32),
    Refused(Arc<str>, Option<Arc<str>>, Arc<str>),
}

/// From format 4 on.
#[derive(Serialize, Deserialize)]
pub(super) struct StoredOnce {
    request: Option<StoredRequest>,
    answer: Arc<[u8]>,
}

#[derive(Serialize, Deserialize)]
struct StoredRequest {
    by: Arc<str>,
    key: [u8; 16],
    asked: [u8; 16],
    inputs: u32,
}

/// From format 5 on.
#[derive(Serialize, Deserialize)]
pub(super) struct StoredSent {
    tenant: Option<Arc<str>>,
    account: Arc<str>,
    token: Option<Arc<str>>,
    readings: u32,
    refused: u32,
}

/// An entry as its segment has it; which of them it is, the outline says.
pub(super) enum Stored {
    Reading(StoredReading),
    Profile(StoredProfile),
    Rules(StoredRules, Option<Arc<str>>),
    Command(Command),
    Receipt(DeliveryReceipt),
    DeadLetter(StoredLetter),
    Mending(StoredMending),
    Once(StoredOnce),
    Sent(StoredSent),
}

impl Stored {
    pub fn read(kind: Kind, rest: &mut &[u8]) -> Result<Stored, postcard::Error> {
        Ok(match kind {
            Kind::Reading => Stored::Reading(taken(rest)?),
            Kind::Profile => Stored::Profile(taken(rest)?),
            Kind::Rules => {
                let (rules, by) = taken(rest)?;
                Stored::Rules(rules, by)
            }
            Kind::Command => Stored::Command(taken(rest)?),
            Kind::Receipt => Stored::Receipt(taken(rest)?),
            Kind::DeadLetter => Stored::DeadLetter(taken(rest)?),
            Kind::Mending => Stored::Mending(taken(rest)?),
            Kind::Once => Stored::Once(taken(rest)?),
            Kind::Sent => Stored::Sent(taken(rest)?),
            Kind::Tick => return Err(postcard::Error::DeserializeBadEncoding),
        })
    }
}

impl StoredMending {
    pub fn of(mending: &Mending) -> StoredMending {
        let outcome = match mending.outcome.clone() {
            MendingOutcome::Taken { name, rev } => StoredOutcome::Taken(name, rev),
            MendingOutcome::Refused { code, field, message } => StoredOutcome::Refused(code, field, message),
        };
        StoredMending { letter: mending.letter, by: mending.by.clone(), mended: mending.mended, outcome }
    }

    pub fn mending(&self, subject: Option<Subject>) -> Mending {
        let outcome = match &self.outcome {
            StoredOutcome::Taken(name, rev) => MendingOutcome::Taken { name: name.clone(), rev: *rev },
            StoredOutcome::Refused(code, field, message) => {
                MendingOutcome::Refused { code: code.clone(), field: field.clone(), message: message.clone() }
            }
        };
        Mending { letter: self.letter, subject, by: self.by.clone(), mended: self.mended, outcome }
    }
}

impl StoredOnce {
    pub fn of(once: &Once) -> StoredOnce {
        let request = once.request.as_ref().map(|request| StoredRequest {
            by: request.by.clone(),
            key: request.key.to_le_bytes(),
            asked: request.asked.to_le_bytes(),
            inputs: request.inputs,
        });
        StoredOnce { request, answer: once.answer.clone() }
    }

    pub fn once(&self, subject: Option<Subject>) -> Once {
        let request = self.request.as_ref().map(|request| Request {
            by: request.by.clone(),
            key: u128::from_le_bytes(request.key),
            asked: u128::from_le_bytes(request.asked),
            inputs: request.inputs,
        });
        Once { subject, request, answer: self.answer.clone() }
    }
}

impl StoredSent {
    pub fn of(sent: &Sent) -> StoredSent {
        let Party { tenant, account, token } = sent.by.clone();
        StoredSent { tenant, account, token, readings: sent.readings, refused: sent.refused }
    }

    pub fn sent(&self) -> Sent {
        let by = Party { tenant: self.tenant.clone(), account: self.account.clone(), token: self.token.clone() };
        Sent { by, readings: self.readings, refused: self.refused }
    }
}

pub(super) fn taken<'b, T: Deserialize<'b>>(rest: &mut &'b [u8]) -> Result<T, postcard::Error> {
    let (it, after) = postcard::take_from_bytes(rest)?;
    *rest = after;
    Ok(it)
}
