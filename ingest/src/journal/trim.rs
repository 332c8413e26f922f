//! Trimming: a journal that begins later than at its first input, since what came before is past the time for which it is kept.
//!
//! What is left begins at an offset at which a group ended, and says so ([`Beginning`]): where, with which chain hash, and up to when all had arrived that went. So what is left is verified as before, and a position before it is told apart
//! from one that never was. Whether everything that is made from a journal can do without what goes is for whoever asks to see to.
//!
//! INVARIANT (begun is trimmed): the beginning is on stable storage before anything goes, and from then on nothing before it is read, whether it is still there or not. So a trim that is cut short
//! is made or was not begun; what it left lying goes with the next sweep. In a topic the note is a record of the order, so nobody notes it who was taken over from.
//!
//! INVARIANT (an end stays): the last group never goes, for the end is verified by it.

use std::collections::{BTreeSet, HashSet};

use vitalog_elog::{Position, Subject, Time};

use super::error::JournalError;
use super::read::verify_alone;
use super::{Journal, codec};
use crate::keys::KeyId;

/// Where a journal begins that was trimmed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Beginning {
    /// Of the first input that is left; the chain hash is that of the last group that went.
    pub position: Position,
    /// Nothing that went had arrived later.
    pub arrival: Time,
    /// When it was trimmed.
    pub at: Time,
}

/// What one sweep did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Swept {
    /// Groups that went; of a topic, records of the order, which has some besides: starts of writers, former notes.
    pub groups: u64,
    /// Pages of the file that were given back.
    pub pages: u64,
    /// Nothing is left to do.
    pub is_done: bool,
}

/// What a look for subjects saw.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum About {
    /// The group that begins there is the first about one of them.
    Begins(u64),
    /// None before this offset is.
    NoneBefore(u64),
}

impl Journal {
    /// Where it begins, if it was trimmed.
    pub fn beginning(&self) -> Option<&Beginning> {
        self.beginning.as_ref()
    }

    /// The offset of the first input that it has.
    pub fn first(&self) -> u64 {
        self.beginning.map_or(0, |beginning| beginning.position.next)
    }

    /// The greatest offset up to `limit` at which a group begins and before which all had arrived before an instant. Never behind the last group.
    ///
    /// # Errors
    /// Where a group can't be read.
    pub fn border(&self, before: Time, limit: u64) -> Result<u64, JournalError> {
        let mut low = self.first();
        let Some(last) = self.home.outline_before(self.position.next)? else { return Ok(low) };
        let mut high = last.first.min(limit).max(low);
        while low < high {
            // Arrivals never run backwards, so half of what is left is decided by one group.
            let middle = low + (high - low) / 2;
            let row =
                self.home.outline_before(middle + 1)?.filter(|row| row.first >= low).ok_or(JournalError::Gap { offset: low })?;
            let end = row.first.saturating_add(row.count);
            if end <= middle {
                return Err(JournalError::Gap { offset: end });
            }
            if row.arrival >= before {
                high = row.first;
            } else if end > high {
                return Ok(row.first);
            } else {
                low = end;
            }
        }
        Ok(low)
    }

    /// Looks from an offset on at which a group begins for the first that says something of one of these subjects, through about so many bytes, and no further than `until`. It goes by keys, and opens no seal.
    ///
    /// # Errors
    /// Where a group is missing or damaged.
    pub fn first_about(&self, subjects: &BTreeSet<Subject>, from: u64, until: u64, bytes: u64) -> Result<About, JournalError> {
        let is_theirs = |subject: &Option<Subject>| subject.as_ref().is_some_and(|subject| subjects.contains(subject));
        let keys: HashSet<KeyId> = self.keys.held().iter().filter(|key| is_theirs(&key.subject)).map(|key| key.id).collect();
        let (mut next, mut read) = (from, 0);
        while next < until && read < bytes {
            let row = self.home.at(next)?.ok_or(JournalError::Gap { offset: next })?;
            verify_alone(&row)?;
            let place = codec::Place { incarnation: self.position.incarnation, first: row.first };
            let is_about = match codec::outline(place, &row.payload)?.1 {
                Some(sealed) => sealed.iter().any(|key| keys.contains(key)),
                None => {
                    let named = codec::named_in_clear(place, &row.payload)?;
                    named.is_some_and(|named| named.iter().any(|subject| subjects.contains(subject)))
                }
            };
            if is_about {
                return Ok(About::Begins(row.first));
            }
            next = row.first + row.count;
            read += row.payload.len() as u64;
        }
        Ok(About::NoneBefore(next))
    }

    /// From now on it begins at `to`, where a group ends: what came before is not read any more, and [`Journal::sweep`] removes it. Nothing is done where it begins there or later already.
    ///
    /// # Errors
    /// [`JournalError::NoPlaceToBegin`] where no group ends there, or none would be left. After any other error it is unknown where the journal begins: where [`JournalError::may_pass`], [`Journal::recover`] finds out, if it [is to][`Journal::is_in_doubt`]; else **the process must end**.
    pub fn trim(&mut self, to: u64, at: Time) -> Result<(), JournalError> {
        if self.failed {
            return Err(JournalError::Failed);
        }
        if to <= self.first() {
            return Ok(());
        }
        let none = || JournalError::NoPlaceToBegin { offset: to };
        if to >= self.position.next {
            return Err(none());
        }
        let position = self.position_at(to)?.ok_or_else(none)?;
        let arrival = self.home.before(to)?.ok_or_else(none)?.arrival;
        let beginning = Beginning { position, arrival, at };
        let noted = self.home.begin_at(&beginning);
        noted.inspect_err(|error| self.note_failure(error))?;
        self.beginning = Some(beginning);
        Ok(())
    }

    /// Removes about so many bytes of what lies before the beginning, then gives room back; to be called until all is done. Short enough for a writer to wait for.
    ///
    /// # Errors
    /// What the storage says: then **the process must end**, as after a failed write. Where [`JournalError::may_pass`], it is to be tried again, after [`Journal::recover`] if it [is to][`Journal::is_in_doubt`].
    pub fn sweep(&mut self, bytes: u64) -> Result<Swept, JournalError> {
        if self.failed {
            return Err(JournalError::Failed);
        }
        let first = self.first();
        let swept = self.home.sweep(first, bytes);
        swept.inspect_err(|error| self.note_failure(error))
    }

    /// Whether nothing can be written before it was [recovered][`Journal::recover`].
    pub fn is_in_doubt(&self) -> bool {
        self.failed
    }

    /// No group is in doubt by it, but where the journal begins may be.
    fn note_failure(&mut self, error: &JournalError) {
        self.failed = error.is_fatal() || self.home.is_in_doubt();
        self.unsure = None;
    }

    /// Writes the file anew, so that it can give back room from now on; for one that a former program made. It takes as much room again while it lasts.
    ///
    /// # Errors
    /// What the storage says: then the process must end.
    pub fn write_anew(&mut self) -> Result<(), JournalError> {
        let written = self.home.write_anew();
        written.inspect_err(|error| self.note_failure(error))
    }

    /// Whether room that is not needed any more is given back; else it is used again by what comes.
    ///
    /// # Errors
    /// What the storage says.
    pub fn gives_back(&self) -> Result<bool, JournalError> {
        self.home.gives_back()
    }
}
