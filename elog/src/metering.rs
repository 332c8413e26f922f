//! Who used how much: whom it is put down to, what is journaled of it, and what is counted beside.
//!
//! What was taken in is journaled with the readings themselves, in one group, so that it follows from the journal and from nothing else: nothing is counted twice or lost, whatever ends a process,
//! and it is there still when a subject is erased, of whom it says nothing. All else (requests, bytes, statements) is counted where it happens.

use std::num::NonZeroU32;
use std::ops::AddAssign;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::time::Time;

/// Whom it is put down to.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Party {
    /// `None`: the house.
    pub tenant: Option<Arc<str>>,
    /// The id of the account; of a program, of its token.
    pub account: Arc<str>,
    /// By which token, where it was by one.
    pub token: Option<Arc<str>>,
}

/// Whose a quota is.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Holder {
    Token(Arc<str>),
    /// All accounts and tokens of a tenant together.
    Tenant(Arc<str>),
}

/// How many readings a day somebody may send.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Quota {
    pub holder: Holder,
    /// Of names that were not there: a revision of what is there spends nothing.
    pub per_day: NonZeroU32,
}

/// What came of a request that sent readings. It stands behind them in the journal.
///
/// One without anything stands behind another, and says of it that what was put down there was *mended* and not sent (moved, or a dead letter that was tried again): it spends nothing of a quota.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sent {
    pub by: Party,
    /// How many readings and removals were taken in, those that were there already among them.
    pub readings: u32,
    /// How many were refused.
    pub refused: u32,
}

impl Sent {
    /// What stands behind another that was mended.
    pub fn mended(by: Party) -> Sent {
        Sent { by, readings: 0, refused: 0 }
    }

    pub fn says_mended(&self) -> bool {
        self.readings == 0 && self.refused == 0
    }
}

impl Holder {
    /// Whether what is put down to somebody counts for this one.
    pub fn counts(&self, by: &Party) -> bool {
        match self {
            Holder::Token(id) => by.token.as_ref() == Some(id),
            Holder::Tenant(id) => by.tenant.as_ref() == Some(id),
        }
    }

    /// `token` or `tenant`.
    pub fn kind(&self) -> &'static str {
        match self {
            Holder::Token(_) => "token",
            Holder::Tenant(_) => "tenant",
        }
    }

    pub fn id(&self) -> &Arc<str> {
        let (Holder::Token(id) | Holder::Tenant(id)) = self;
        id
    }
}

/// What is counted where it happens.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Used {
    pub requests: u64,
    /// Bytes of requests, as they came.
    pub bytes_in: u64,
    /// Bytes of answers.
    pub bytes_out: u64,
    /// Statements of SQL.
    pub statements: u64,
    /// Rows of their answers.
    pub rows: u64,
    /// Of the readings that were taken in, those that were there already.
    pub duplicates: u64,
}

/// A day by UTC, as its number since 1970-01-01.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Day(pub i64);

impl Day {
    const MICROS: i64 = 86_400_000_000;

    pub fn of(at: Time) -> Day {
        Day(at.0.div_euclid(Day::MICROS))
    }

    /// When it begins.
    pub fn start(self) -> Time {
        Time(self.0.saturating_mul(Day::MICROS))
    }

    /// The day after.
    #[must_use]
    pub fn next(self) -> Day {
        Day(self.0.saturating_add(1))
    }
}

impl AddAssign for Used {
    fn add_assign(&mut self, more: Used) {
        for (sum, more) in [
            (&mut self.requests, more.requests),
            (&mut self.bytes_in, more.bytes_in),
            (&mut self.bytes_out, more.bytes_out),
            (&mut self.statements, more.statements),
            (&mut self.rows, more.rows),
            (&mut self.duplicates, more.duplicates),
        ] {
            *sum = sum.saturating_add(more);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Day;
    use crate::time::Time;

    #[test]
    fn a_day_begins_at_midnight() {
        let midnight = Time::parse("2026-03-10T00:00:00Z").expect("a time");
        assert_eq!(Day::of(midnight).start(), midnight);
        assert_eq!(Day::of(Time(midnight.0 - 1)).0 + 1, Day::of(midnight).0);
        assert_eq!(Day::of(Time(-1)), Day(-1));
    }
}
