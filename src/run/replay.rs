//! The replay at a start: what the sinks lack is decided again from the journal and given to them, in large commits.

use std::collections::VecDeque;
use std::sync::Arc;

use vitalog_elog::{Position, Schema};
use vitalog_ingest::journal::Journal;

use super::mind::Mind;
use super::router::Ticket;
use super::sinks::{LakeFeed, TOGETHER, commit_outbox, commit_views};
use super::start::{Opened, Restored};
use super::stepping::Fed;
use super::workers::QUEUE;
use crate::failure::Failure;

/// How far it has come.
struct Replay {
    feed: LakeFeed,
    /// For the next commit of views and outbox.
    waiting: Vec<Fed>,
    records: usize,
    end: u64,
}

impl Opened {
    /// Steps a restored mind to the journal's end, and says over how many inputs. Each sink passes over what it has.
    ///
    /// # Errors
    /// Where the journal can't be read, or a sink does not take what it is given.
    pub fn replay(&mut self, journal: &Journal, restored: &mut Restored) -> Result<u64, Failure> {
        let lost = |e| Failure::new(format!("journal: {e}"));
        let mind = &mut restored.mind;
        // A restored mind may have nothing to replay, and its lake is to be asked all the same.
        self.lake.set_schema(mind.library().schema.clone()).map_err(|e| Failure::new(format!("lake: {e}")))?;
        let mut replay = Replay { feed: LakeFeed::new(self.lake.clone()), waiting: Vec::new(), records: 0, end: restored.from };
        // Workers step some groups while the next is read and what followed from the last is given to the sinks.
        let mut under_way: VecDeque<(Ticket, Position)> = VecDeque::new();
        for group in journal.read_from(restored.from).map_err(lost)? {
            let group = group.map_err(lost)?;
            let entry = |offset, schema: &Schema| group.entry(offset, schema).map(Arc::new).map_err(lost);
            under_way.push_back((mind.give(group.offsets(), entry)?, group.position));
            if under_way.len() == QUEUE
                && let Some(next) = under_way.pop_front()
            {
                self.take(mind, next, &mut replay)?;
            }
        }
        for next in under_way {
            self.take(mind, next, &mut replay)?;
        }
        self.commit(&replay.waiting)?;
        Ok(replay.end - restored.from)
    }

    fn take(&mut self, mind: &mut Mind, (ticket, position): (Ticket, Position), replay: &mut Replay) -> Result<(), Failure> {
        let records = mind.take(&ticket)?;
        let fed = Fed { records: records.into(), position, library: ticket.library };
        replay.feed.give(&fed).map_err(Failure::new)?;
        replay.end = position.next;
        replay.records += fed.records.len();
        replay.waiting.push(fed);
        if replay.records >= TOGETHER {
            self.commit(&replay.waiting)?;
            replay.waiting.clear();
            replay.records = 0;
        }
        Ok(())
    }

    fn commit(&mut self, waiting: &[Fed]) -> Result<(), Failure> {
        commit_views(&mut self.views, waiting).map_err(Failure::new)?;
        if self.owes { Ok(()) } else { commit_outbox(&self.outbox, waiting).map_err(Failure::new) }
    }
}
