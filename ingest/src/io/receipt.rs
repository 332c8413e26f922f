//! Receipts: what became of each reading.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use vitalog_elog::once::{Became, Told};
use vitalog_elog::unusual::{UNUSUAL, Unusual, unusual};
use vitalog_elog::{Reading, Refusal, Schema};

/// What became of one reading.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Receipt {
    /// Its place in the body, from 0.
    pub index: usize,
    /// The line on which it began, from 1.
    pub line: u64,
    pub status: Status,
    /// Its name: the given one, or the derived one by which it can be amended.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub rev: Option<u32>,
    /// Where it stands in the journal; of a rejected one, where its dead letter stands.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub offset: Option<u64>,
    /// Of an accepted one: `new`, `superseded` (it replaced an earlier revision), or `outdated` (a later revision was there).
    #[serde(skip_serializing_if = "Option::is_none", default)]
    #[schema(value_type = Option<String>)]
    pub outcome: Option<Cow<'static, str>>,
    /// Why it was rejected.
    #[serde(flatten, skip_serializing_if = "Option::is_none", default)]
    #[schema(value_type = super::said::PerhapsWhy)]
    pub refusal: Option<Refusal>,
    /// What is suspicious about it, and taken all the same.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    #[schema(value_type = Vec<super::said::FlagSaid>)]
    pub flags: Vec<Refusal>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// It is kept, and it was not there before.
    Accepted,
    /// This very revision was there.
    Duplicate,
    /// It is kept as a dead letter only.
    Rejected,
}

/// What became of a body.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Receipts {
    pub accepted: usize,
    pub duplicate: usize,
    pub rejected: usize,
    /// How many of those that are kept or known are flagged as unusual.
    #[serde(default)]
    pub flagged: usize,
    /// The offset after the last; a read that waits for it sees them all.
    pub position: u64,
    /// In the order of the body: each reading's, or (where a summary was asked for) the rejected ones' only.
    pub receipts: Vec<Receipt>,
}

impl Receipt {
    pub(super) fn rejected(index: usize, line: u64, refusal: Refusal) -> Receipt {
        let refusal = Some(refusal);
        let flags = Vec::new();
        Receipt { index, line, status: Status::Rejected, id: None, rev: None, offset: None, outcome: None, refusal, flags }
    }

    /// Of a reading that is to be submitted.
    pub(super) fn waiting(index: usize, line: u64, id: String, rev: u32) -> Receipt {
        Receipt {
            index,
            line,
            status: Status::Accepted,
            id: Some(id),
            rev: Some(rev),
            offset: None,
            outcome: None,
            refusal: None,
            flags: Vec::new(),
        }
    }

    /// The same, with what is suspicious about the reading.
    #[must_use]
    pub(super) fn flagged(self, schema: &Schema, reading: &Reading) -> Receipt {
        let Some(content) = &reading.content else { return self };
        let flag = |it: Unusual<'_>| Refusal::of(UNUSUAL, &it.field.name, &it.amount.to_string(), it.message(), it.remedy());
        Receipt { flags: unusual(schema.get(content.stream), &content.values).map(flag).collect(), ..self }
    }

    /// Of a reading that was taken before; `None` where that was none.
    pub(super) fn again(index: usize, line: u64, offset: u64, told: &Told) -> Option<Receipt> {
        let Told::Reading { id, given, rev, became, .. } = told else { return None };
        let name = given.as_deref().map_or_else(|| id.to_string(), str::to_owned);
        let mut receipt = Receipt::waiting(index, line, name, *rev);
        receipt.settle(offset, *became);
        Some(receipt)
    }

    /// Takes in what came back.
    pub(super) fn settle(&mut self, offset: u64, became: Option<Became>) {
        self.offset = Some(offset);
        if self.status == Status::Rejected {
            return;
        }
        let told = match became {
            Some(Became::Duplicate) => {
                self.status = Status::Duplicate;
                None
            }
            Some(Became::New) => Some("new"),
            Some(Became::Superseded) => Some("superseded"),
            Some(Became::Outdated) => Some("outdated"),
            None => None,
        };
        self.outcome = told.map(Cow::Borrowed);
    }
}

impl Receipts {
    pub(super) fn new(receipts: Vec<Receipt>, position: u64) -> Receipts {
        let count = |status| receipts.iter().filter(|r| r.status == status).count();
        let (accepted, duplicate, rejected) = (count(Status::Accepted), count(Status::Duplicate), count(Status::Rejected));
        let flagged = receipts.iter().filter(|r| !r.flags.is_empty()).count();
        Receipts { accepted, duplicate, rejected, flagged, position, receipts }
    }

    /// Keeps the rejected ones' receipts only.
    pub(super) fn summary(mut self) -> Receipts {
        self.receipts.retain(|r| r.status == Status::Rejected);
        self
    }
}
