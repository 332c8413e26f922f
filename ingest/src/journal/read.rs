//! Reading groups back: nothing is handed out that does not follow from what was before it.

use vitalog_elog::{Entry, Position, Schema, Subject, Time};

use super::codec::{self, Kind, Payload};
use super::error::JournalError;
use super::home::Home;
use super::row::Row;
use super::trim::Beginning;
use crate::keys::Keys;

/// From where to where a journal can be read.
#[derive(Clone, Copy)]
pub(super) struct Bounds {
    pub start: Position,
    pub end: Position,
    /// What came before the start had arrived by then.
    before: Time,
}

/// A verified group.
pub struct Group {
    /// The offset of its first entry.
    pub first: u64,
    /// The position after it.
    pub position: Position,
    /// The offset from which on it was asked for: within the group for the first, else `first`.
    from: u64,
    payload: Payload,
}

/// The groups from an offset on, in order. Ends at the journal's end or after the first error.
pub struct Groups<'a> {
    home: &'a dyn Home,
    keys: &'a Keys,
    /// Where the groups read so far end.
    at: Position,
    end: Position,
    from: u64,
    failed: bool,
}

impl Bounds {
    pub fn of(beginning: Option<&Beginning>, end: Position) -> Bounds {
        match beginning {
            Some(beginning) => Bounds { start: beginning.position, end, before: beginning.arrival },
            None => Bounds { start: Position::start(end.incarnation), end, before: Time::MIN },
        }
    }

    /// What is before the start is not there to be read, whether its rows are or not.
    fn check(&self, offset: u64) -> Result<(), JournalError> {
        if offset < self.start.next {
            return Err(JournalError::Trimmed { asked: offset, first: self.start.next, arrival: self.before });
        }
        Ok(())
    }
}

impl Group {
    /// The offsets it was asked for.
    pub fn offsets(&self) -> std::ops::Range<u64> {
        self.from..self.position.next
    }

    /// Of what kind the entry at an offset is.
    pub fn kind(&self, offset: u64) -> Option<Kind> {
        self.payload.kind(offset.saturating_sub(self.first) as usize)
    }

    /// Whether the entry at an offset can't be read any more, because its subject was erased.
    pub fn is_erased(&self, offset: u64) -> bool {
        self.payload.is_erased(offset.saturating_sub(self.first) as usize)
    }

    /// When the entry at an offset was accepted.
    pub fn arrival(&self, offset: u64) -> Option<Time> {
        self.payload.arrival(offset.saturating_sub(self.first) as usize)
    }

    /// Whether it was written before there were keys.
    pub fn is_in_clear(&self) -> bool {
        self.payload.is_in_clear()
    }

    /// The entry at an offset, in terms of the schema at hand. Entries are decoded one by one, since a rule change in a group may declare
    /// what later entries of the same group need.
    ///
    /// # Errors
    /// [`JournalError::NotInSchema`] where it names what the schema does not have.
    pub fn entry(&self, offset: u64, schema: &Schema) -> Result<Entry, JournalError> {
        self.payload.entry(offset.saturating_sub(self.first) as usize, offset, schema)
    }

    /// All entries it was asked for, with their offsets, where one schema does for all.
    ///
    /// # Errors
    /// See [`Group::entry`].
    pub fn entries(&self, schema: &Schema) -> Result<Vec<(u64, Entry)>, JournalError> {
        self.offsets().map(|offset| Ok((offset, self.entry(offset, schema)?))).collect()
    }
}

impl<'a> Groups<'a> {
    pub(super) fn from(home: &'a dyn Home, bounds: Bounds, keys: &'a Keys, offset: u64) -> Result<Groups<'a>, JournalError> {
        let Bounds { start, end, .. } = bounds;
        if offset > end.next {
            return Err(JournalError::PastTheEnd { asked: offset, next: end.next });
        }
        bounds.check(offset)?;
        let mut at = start;
        if offset == end.next {
            at = end;
        } else if let Some(holder) = home.before(offset + 1)? {
            // The group that holds the offset is verified against the end of the one before it.
            if holder.first > start.next
                && let Some(former) = home.before(holder.first)?
            {
                verify_alone(&former)?;
                at = former.position_after(end.incarnation);
            }
        }
        Ok(Groups { home, keys, at, end, from: offset, failed: false })
    }

    fn take(&mut self) -> Result<Group, JournalError> {
        let first = self.at.next;
        let row = self.home.at(first)?.ok_or(JournalError::Gap { offset: first })?;
        verify_alone(&row)?;
        if row.chained_to(&self.at) != row.chain {
            return Err(JournalError::BrokenChain { offset: first });
        }
        let position = row.position_after(self.end.incarnation);
        if position.next > self.end.next {
            return Err(JournalError::BadRow { offset: first, detail: "it reaches past the journal's end" });
        }
        let place = codec::Place { incarnation: self.end.incarnation, first };
        let payload = codec::decode(place, &row.payload, self.keys)?;
        if payload.len() as u64 != row.count {
            return Err(JournalError::BadRow { offset: first, detail: "it holds another number of entries than it says" });
        }
        self.at = position;
        Ok(Group { first, position, from: self.from.max(first), payload })
    }
}

impl Iterator for Groups<'_> {
    type Item = Result<Group, JournalError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.failed {
            return None;
        }
        if self.at.next == self.end.next {
            self.failed = true;
            return (self.at.chain != self.end.chain).then_some(Err(JournalError::BrokenChain { offset: self.end.next }));
        }
        let group = self.take();
        self.failed = group.is_err();
        Some(group)
    }
}

/// What a row says of itself.
pub(super) fn verify_alone(row: &Row) -> Result<(), JournalError> {
    if row.count == 0 || row.first.checked_add(row.count).is_none() {
        return Err(JournalError::BadRow { offset: row.first, detail: "it holds an impossible number of entries" });
    }
    if blake3::hash(&row.payload) != row.checksum {
        return Err(JournalError::BadChecksum { offset: row.first });
    }
    Ok(())
}

/// Verifies the last group against the head, and returns its last arrival.
pub(super) fn verify_end(home: &dyn Home, bounds: &Bounds, keys: &Keys) -> Result<Time, JournalError> {
    let Bounds { start, end, .. } = bounds;
    if home.any_from(end.next)? {
        return Err(JournalError::BadRow { offset: end.next, detail: "it lies after the journal's end" });
    }
    if start.next > 0 && start.next >= end.next {
        return Err(JournalError::BadRow { offset: start.next, detail: "it says that it begins behind its end" });
    }
    if end.next == 0 {
        let fresh = end.chain == [0; 32];
        return if fresh { Ok(Time::MIN) } else { Err(JournalError::BrokenChain { offset: 0 }) };
    }
    let last = home.before(end.next)?.ok_or(JournalError::Gap { offset: end.next - 1 })?;
    if last.first.checked_add(last.count) != Some(end.next) {
        return Err(JournalError::Gap { offset: end.next - 1 });
    }
    let mut arrival = Time::MIN;
    if last.first < start.next {
        return Err(JournalError::Gap { offset: start.next });
    }
    for group in Groups::from(home, *bounds, keys, last.first)? {
        let group = group?;
        arrival = group.payload.arrival(group.payload.len() - 1).unwrap_or(arrival);
    }
    Ok(arrival)
}

/// The position at an offset where a group ends.
pub(super) fn position_at(home: &dyn Home, bounds: &Bounds, keys: &Keys, offset: u64) -> Result<Option<Position>, JournalError> {
    bounds.check(offset)?;
    let Bounds { start, end, .. } = bounds;
    if offset == start.next {
        return Ok(Some(*start));
    }
    if offset == end.next {
        return Ok(Some(*end));
    }
    if offset > end.next {
        return Ok(None);
    }
    let Some(row) = home.before(offset)? else { return Err(JournalError::Gap { offset: 0 }) };
    let group = Groups::from(home, *bounds, keys, row.first)?.next().ok_or(JournalError::Gap { offset: row.first })??;
    Ok((group.position.next == offset).then_some(group.position))
}

/// The first group that names a subject in clear.
pub(super) fn named_in_clear(home: &dyn Home, bounds: &Bounds, subject: &Subject) -> Result<Option<u64>, JournalError> {
    let Bounds { start, end, .. } = bounds;
    let mut first = start.next;
    while first < end.next {
        let row = home.at(first)?.ok_or(JournalError::Gap { offset: first })?;
        verify_alone(&row)?;
        let place = codec::Place { incarnation: end.incarnation, first };
        match codec::named_in_clear(place, &row.payload)? {
            // Behind the first that is sealed all are.
            None => return Ok(None),
            Some(subjects) if subjects.contains(subject) => return Ok(Some(first)),
            Some(_) => first += row.count,
        }
    }
    Ok(None)
}
