//! The order: what stands in the first partition, read in blocks, and searched by the journal's offsets.
//!
//! Records that count come in the order of the journal, so a group is found by halving. Those that count for nothing are passed over, and those before the first that is there are none.

use std::collections::VecDeque;
use std::sync::Arc;

use super::lanes::Lanes;
use super::record::{Head, Note, Opening, Record};
use crate::journal::error::JournalError;

/// The partition of the order.
pub(super) const ORDER: i32 = 0;
/// Records of a block.
const BLOCK: u64 = 256;
/// Blocks that are kept.
const KEPT: usize = 64;

/// What was read of it.
pub(super) struct Order {
    /// The offset of the first record that is there.
    low: u64,
    /// With their numbers, the one that was read first in front.
    blocks: VecDeque<(u64, Arc<Vec<Record>>)>,
    /// Where the group ends that was found last, and the block that it is in: what follows is asked for next.
    near: (u64, u64),
}

/// What ends the order.
pub(super) enum Last {
    Opening(Opening),
    Head(Head),
    Note(Note),
}

impl Last {
    /// Where the journal ends behind it.
    pub fn end(&self) -> (u64, [u8; 32]) {
        match self {
            Last::Opening(opening) => (opening.next, opening.chain),
            Last::Head(head) => head.end(),
            Last::Note(note) => (note.next, note.chain),
        }
    }

    /// Where the note stands that is in force.
    pub fn note(&self) -> Option<u64> {
        match self {
            Last::Opening(opening) => opening.note,
            Last::Head(head) => head.note,
            Last::Note(note) => Some(note.own),
        }
    }

    /// Who took the journal over, or trimmed it, and where it says so.
    pub fn writer(&self) -> Option<(u128, u64)> {
        match self {
            Last::Opening(opening) => Some((opening.writer, opening.own)),
            Last::Head(_) => None,
            Last::Note(note) => Some((note.writer, note.own)),
        }
    }
}

impl Order {
    /// One whose first record stands at `low`.
    pub fn from_low(low: u64) -> Order {
        Order { low, blocks: VecDeque::new(), near: (0, low / BLOCK) }
    }

    /// The number of the first block that has a record.
    fn first_block(&self) -> u64 {
        self.low / BLOCK
    }

    /// The records of a block, of an order that ends at `end`.
    fn block(&mut self, lanes: &mut Lanes, number: u64, end: u64) -> Result<Arc<Vec<Record>>, JournalError> {
        if let Some((_, block)) = self.blocks.iter().find(|(kept, _)| *kept == number) {
            return Ok(block.clone());
        }
        let mut records = Vec::new();
        for offset in (number * BLOCK).max(self.low)..((number + 1) * BLOCK).min(end) {
            let Some(bytes) = lanes.read(ORDER, offset)? else { break };
            records.push(match Record::read(offset, &bytes) {
                Record::Newer(found) => {
                    return Err(JournalError::NewerFormat { found: u32::from(found), known: u32::from(super::record::VERSION) });
                }
                record => record,
            });
        }
        let block = Arc::new(records);
        if self.blocks.len() >= KEPT {
            self.blocks.pop_front();
        }
        self.blocks.push_back((number, block.clone()));
        Ok(block)
    }

    /// The last record that counts, before `end`.
    pub fn last(&mut self, lanes: &mut Lanes, end: u64) -> Result<Option<Last>, JournalError> {
        for number in (self.first_block()..end.div_ceil(BLOCK)).rev() {
            let found = self.block(lanes, number, end)?.iter().rev().find_map(|record| match record {
                Record::Opening(opening) => Some(Last::Opening(opening.clone())),
                Record::Head(head) => Some(Last::Head(head.clone())),
                Record::Note(note) => Some(Last::Note(note.clone())),
                _ => None,
            });
            if found.is_some() {
                return Ok(found);
            }
        }
        Ok(None)
    }

    /// The last group that begins before the journal's offset `first`.
    pub fn before(&mut self, lanes: &mut Lanes, end: u64, first: u64) -> Result<Option<Head>, JournalError> {
        for number in (self.first_block()..self.first_from(lanes, end, first)?).rev() {
            let found = self.block(lanes, number, end)?.iter().rev().find_map(|record| match record {
                Record::Head(head) if head.first < first => Some(head.clone()),
                _ => None,
            });
            if found.is_some() {
                return Ok(found);
            }
        }
        Ok(None)
    }

    /// The first group that begins at the journal's offset `first` or behind it.
    pub fn from(&mut self, lanes: &mut Lanes, end: u64, first: u64) -> Result<Option<Head>, JournalError> {
        let begin = match self.near {
            (next, block) if next == first => block,
            _ => self.first_from(lanes, end, first)?.saturating_sub(1).max(self.first_block()),
        };
        for number in begin..end.div_ceil(BLOCK) {
            let found = self.block(lanes, number, end)?.iter().find_map(|record| match record {
                Record::Head(head) if head.first >= first => Some(head.clone()),
                _ => None,
            });
            if let Some(head) = found {
                self.near = (head.end().0, number);
                return Ok(Some(head));
            }
        }
        Ok(None)
    }

    /// The number of the first block that begins at or behind a journal's offset.
    fn first_from(&mut self, lanes: &mut Lanes, end: u64, first: u64) -> Result<u64, JournalError> {
        let (mut low, mut high) = (self.first_block(), end.div_ceil(BLOCK));
        while low < high {
            let middle = low + (high - low) / 2;
            match self.key_of(lanes, end, middle, high)? {
                Some(key) if key < first => low = middle + 1,
                _ => high = middle,
            }
        }
        Ok(low)
    }

    /// Where a block begins; where nothing in it counts, where the next does.
    fn key_of(&mut self, lanes: &mut Lanes, end: u64, block: u64, before: u64) -> Result<Option<u64>, JournalError> {
        for number in block..before {
            let key = self.block(lanes, number, end)?.iter().find_map(Record::key);
            if key.is_some() {
                return Ok(key);
            }
        }
        Ok(None)
    }
}
