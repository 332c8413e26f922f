//! The journal: every input that decides, in the one order in which it was accepted, on stable storage.
//!
//! A row per group commit, in one of two homes behind one port ([`home`]): a SQLite database, or a topic of Kafka ([`kafka`]). A row carries the BLAKE3 checksum of its payload and a hash chained to its
//! predecessor's, so that a missing, exchanged or altered row is found when it is read; the home tells where the journal ends,
//! and a mark in the data directory tells what was acknowledged, so that a lost end is found too. The journal refuses to
//! hand out anything that does not verify.
//!
//! What it says of a subject is sealed under the subject's key ([`crate::keys`]); what holds it together (offsets, counts, arrivals, kinds, checksums, chain) is in clear, and is
//! verified without any key. Where a key was destroyed, a replay yields [`vitalog_elog::Input::Erased`].
//!
//! Synchronous, and owned by one thread. It reads no clock: entries bring their arrival.

mod audit;
mod codec;
mod copy;
mod error;
mod home;
pub mod kafka;
mod mark;
mod peek;
mod read;
mod row;
mod store;
mod trim;

use std::path::Path;

use vitalog_elog::{Entry, Position, Schema, Subject, Time};

pub use audit::{Audit, KeyAudit, audit};
pub use codec::{Kind, PAYLOAD_VERSION};
pub use copy::{Copy, RestorePoint, Slice, put_back};
pub use error::JournalError;
pub use home::Placing;
pub use peek::{Peek, open_unchanged, peek};
pub use read::{Group, Groups};
pub use trim::{About, Beginning, Swept};

use crate::keys::{KekPlace, KeyError, Keys};
use home::Home;
use mark::Mark;
use read::Bounds;
use row::Row;
use store::Store;

/// The version of the file's layout. A newer one is refused.
///
/// Format 1 had payloads in clear; they stay as they are, and what follows is sealed. From format 3 on it says what became of dead letters, from format 4 on
/// what requests were answered that are to have one effect, from format 5 on whom readings are put down to. From format 6 on it may begin later than at its first input ([`Beginning`]).
pub const FORMAT: u32 = 6;

/// The first format with keys.
const SEALED: u32 = 2;

/// The largest encoded group, in bytes.
pub const MAX_GROUP_BYTES: usize = 256 << 20;

/// How often a home that others write too is looked at anew before it is given up.
const ATTEMPTS: usize = 5;

/// An open journal. There is one per data directory, in one process.
pub struct Journal {
    home: Box<dyn Home>,
    keys: Keys,
    mark: Mark,
    position: Position,
    /// Where it begins, if it was trimmed.
    beginning: Option<Beginning>,
    last_arrival: Time,
    /// A commit failed: what is kept is unknown, so nothing more may be written.
    failed: bool,
    /// Where it ends if that commit was kept all the same.
    unsure: Option<(Position, Time)>,
}

impl Journal {
    /// [`Journal::open_with`] the key-encryption key in a file `kek` beside it.
    ///
    /// # Errors
    /// As there.
    pub fn open(path: &Path) -> Result<Journal, JournalError> {
        Journal::open_with(path, &KekPlace::beside(path))
    }

    /// Opens the journal at `path` and the key store `keys.db` beside it, or makes them, and verifies where it ends.
    ///
    /// # Errors
    /// A format newer than this program's, a file of something else, one that another process has open, an end that does not verify,
    /// an end before what was acknowledged, or a key store that is missing, damaged or locked with another key.
    pub fn open_with(path: &Path, kek: &KekPlace) -> Result<Journal, JournalError> {
        let mark = Mark::open(path)?;
        if let Some(told) = mark.told() {
            // SQLite would take an empty file for a new database and drop the log beside it, and with that what may yet be saved.
            mark::check_file(told, path)?;
        }
        Journal::of(Box::new(Store::open(path)?), mark, path, kek)
    }

    /// Opens the journal in a topic of Kafka, or makes it; key store and mark lie beside `path`. Whoever wrote it until now, anywhere, can write it no more.
    ///
    /// # Errors
    /// As [`Journal::open_with`], of the topic; where the brokers can't be reached or refuse, or the topic's settings would lose something.
    pub fn open_kafka(
        settings: &kafka::Settings,
        placing: Placing,
        path: &Path,
        kek: &KekPlace,
    ) -> Result<Journal, JournalError> {
        let mark = Mark::open(path)?;
        let home = kafka::open(settings, placing, mark.told(), true)?;
        Journal::of(home, mark, path, kek)
    }

    fn of(mut home: Box<dyn Home>, mark: Mark, path: &Path, kek: &KekPlace) -> Result<Journal, JournalError> {
        // A journal of format 1 has no keys yet; one that holds anything sealed must have them.
        let may_be_new = home.head()?.next == 0 || home.format() < SEALED;
        let keys = Keys::open(&path.with_file_name("keys.db"), kek, may_be_new)?;
        for _ in 0..ATTEMPTS {
            let head = home.head()?;
            let position = Position { incarnation: home.incarnation(), next: head.next, chain: head.chain };
            if let Some(told) = mark.told() {
                mark::check(told, &position)?;
            }
            let beginning = home.beginning()?;
            let last_arrival = read::verify_end(&*home, &Bounds::of(beginning.as_ref(), position), &keys)?;
            if home.take()? {
                let mut journal = Journal { home, keys, mark, position, beginning, last_arrival, failed: false, unsure: None };
                journal.mark.tell(&position)?;
                return Ok(journal);
            }
        }
        Err(JournalError::InUse)
    }

    /// Where the next entry goes.
    pub fn position(&self) -> Position {
        self.position
    }

    /// The arrival of the last entry; [`Time::MIN`] before the first. Whoever stamps entries must not go behind it.
    pub fn last_arrival(&self) -> Time {
        self.last_arrival
    }

    /// Writes the entries as one group. When it returns they are on stable storage. Nothing is written for an empty slice.
    ///
    /// # Errors
    /// [`JournalError::ArrivalBackwards`], [`JournalError::GroupTooLarge`] and [`JournalError::NotInSchema`] leave the journal as it was. After any other error it is unknown
    /// whether the group is kept, and every further call is refused. Where [`JournalError::may_pass`], [`Journal::recover`] finds out. Else ([`JournalError::is_fatal`]) **the process must end**,
    /// so that a new one reads what is really there: the operating system may have dropped what it could not write.
    pub fn append(&mut self, schema: &Schema, entries: &[Entry]) -> Result<Position, JournalError> {
        if self.failed {
            return Err(JournalError::Failed);
        }
        let Some(last) = entries.last() else { return Ok(self.position) };
        let mut latest = self.last_arrival;
        for (i, entry) in entries.iter().enumerate() {
            if entry.arrival < latest {
                let offset = self.position.next + i as u64;
                return Err(JournalError::ArrivalBackwards { offset, arrival: entry.arrival, last: latest });
            }
            latest = entry.arrival;
        }
        self.make_keys(entries)?;
        let place = codec::Place { incarnation: self.position.incarnation, first: self.position.next };
        let payload = codec::seal(schema, entries, place, &self.keys, self.home.placing())?;
        if payload.len() > MAX_GROUP_BYTES {
            return Err(JournalError::GroupTooLarge { bytes: payload.len() });
        }
        let row = Row::next(&self.position, entries.len() as u64, last.arrival, payload);
        let position = row.position_after(self.position.incarnation);
        // INVARIANT (acknowledged is synced): `commit` returns after the group is on stable storage; only then is anything told.
        let written = self.home.commit(&row).and_then(|()| self.mark.tell(&position));
        if let Err(error) = written {
            self.failed = true;
            self.unsure = error.may_pass().then_some((position, latest));
            return Err(error);
        }
        self.position = position;
        self.last_arrival = latest;
        Ok(position)
    }

    /// Finds out, after an append or a trim whose error may pass, what became of it: `true` where there was a group, and it is kept, and the journal ends behind it. Then the journal can be written again.
    ///
    /// # Errors
    /// Where the home is still away ([`JournalError::may_pass`]: to be tried again), or what is there is neither the one nor the other.
    pub fn recover(&mut self) -> Result<bool, JournalError> {
        for _ in 0..ATTEMPTS {
            self.home.look_again()?;
            let head = self.home.head()?;
            let found = Position { incarnation: self.home.incarnation(), next: head.next, chain: head.chain };
            let kept = self.unsure.filter(|(position, _)| *position == found);
            if kept.is_none() {
                mark::check(self.position, &found)?;
                if found != self.position {
                    return Err(JournalError::InUse);
                }
            }
            if !self.home.take()? {
                continue;
            }
            if let Some((position, latest)) = kept {
                (self.position, self.last_arrival) = (position, latest);
                self.mark.tell(&position)?;
            }
            // A trim may have been what was in doubt.
            self.beginning = self.home.beginning()?;
            (self.failed, self.unsure) = (false, None);
            return Ok(kept.is_some());
        }
        Err(JournalError::InUse)
    }

    /// The groups from the one that holds `offset` on, each verified against its predecessor when it is taken.
    ///
    /// # Errors
    /// An offset past the end, one before the beginning ([`JournalError::Trimmed`]), or a predecessor that can't be read.
    pub fn read_from(&self, offset: u64) -> Result<Groups<'_>, JournalError> {
        Groups::from(&*self.home, self.bounds(), &self.keys, offset)
    }

    fn bounds(&self) -> Bounds {
        Bounds::of(self.beginning.as_ref(), self.position)
    }

    /// The keys.
    pub fn keys(&self) -> &Keys {
        &self.keys
    }

    /// The same, to exchange them.
    pub fn keys_mut(&mut self) -> &mut Keys {
        &mut self.keys
    }

    /// Erases a subject: destroys its keys, so that whatever the journal and any copy of it have of it can't be read any more. Gives the number of keys. What was derived from it
    /// must go as well: `unfinished` is what is needed for that, kept until it is done ([`Keys::unfinished`], [`Keys::finish`]).
    ///
    /// # Errors
    /// [`JournalError::InClear`] where groups of format 1 name the subject; where there is no such subject, or the key store can't be written.
    pub fn erase(&mut self, subject: &Subject, at: Time, unfinished: &[u8]) -> Result<usize, JournalError> {
        self.check_erasable(subject)?;
        Ok(self.keys.destroy(subject, at, unfinished)?)
    }

    /// Whether destroying a subject's keys erases it.
    ///
    /// # Errors
    /// [`JournalError::InClear`] where groups of format 1 name the subject; [`KeyError::UnknownSubject`] where there is no key of it.
    pub fn check_erasable(&self, subject: &Subject) -> Result<(), JournalError> {
        if let Some(offset) = read::named_in_clear(&*self.home, &self.bounds(), subject)? {
            return Err(JournalError::InClear { offset });
        }
        match self.keys.current(Some(subject)) {
            Some(_) => Ok(()),
            None => Err(KeyError::UnknownSubject.into()),
        }
    }

    /// INVARIANT (keys before groups): the key of every subject of a group is on stable storage before the group is.
    fn make_keys(&mut self, entries: &[Entry]) -> Result<(), JournalError> {
        let fresh = codec::subjects_without_key(entries, &self.keys);
        if fresh.is_empty() {
            return Ok(());
        }
        let fresh: Vec<Option<Subject>> = fresh.into_iter().map(Some).collect();
        let made = self.keys.make(&fresh);
        self.failed = made.is_err();
        self.unsure = None;
        Ok(made?)
    }

    /// The position at an offset where a group ends (or the beginning), to compare a sink's with; `None` where no group ends there.
    ///
    /// # Errors
    /// [`JournalError::Trimmed`] before the beginning; where the group can't be read or does not verify.
    pub fn position_at(&self, offset: u64) -> Result<Option<Position>, JournalError> {
        read::position_at(&*self.home, &self.bounds(), &self.keys, offset)
    }

    /// Whether a position is one of this journal, and not before its beginning. One that can't be looked up is none.
    pub fn has(&self, position: &Position) -> bool {
        matches!(self.position_at(position.next), Ok(Some(ours)) if ours == *position)
    }

    /// Reads and verifies everything there is; the number of groups.
    ///
    /// # Errors
    /// The first thing that does not verify.
    pub fn verify(&self) -> Result<u64, JournalError> {
        let mut groups = 0;
        for group in self.read_from(self.first())? {
            group?;
            groups += 1;
        }
        Ok(groups)
    }
}
