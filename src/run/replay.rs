//! The replay at a start: what the sinks lack is decided again from the journal and given to them, in large commits.

use std::sync::Arc;

use vitalog_elog::Schema;
use vitalog_ingest::journal::Journal;

use super::sinks::{LakeFeed, TOGETHER, commit_outbox, commit_views};
use super::start::{Opened, Restored};
use super::stepping::Fed;
use crate::failure::Failure;

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
        let mut feed = LakeFeed::new(self.lake.clone());
        let (mut waiting, mut records, mut end) = (Vec::new(), 0, restored.from);
        for group in journal.read_from(restored.from).map_err(lost)? {
            let group = group.map_err(lost)?;
            let position = group.position;
            let entry = |offset, schema: &Schema| group.entry(offset, schema).map(Arc::new).map_err(lost);
            let stepped = mind.step(group.offsets(), entry)?;
            let fed = Fed { records: stepped.into(), position, library: mind.library().clone() };
            feed.give(&fed).map_err(Failure::new)?;
            end = position.next;
            records += fed.records.len();
            waiting.push(fed);
            if records >= TOGETHER {
                self.commit(&waiting)?;
                waiting.clear();
                records = 0;
            }
        }
        self.commit(&waiting)?;
        Ok(end - restored.from)
    }

    fn commit(&mut self, waiting: &[Fed]) -> Result<(), Failure> {
        commit_views(&mut self.views, waiting).map_err(Failure::new)?;
        commit_outbox(&self.outbox, waiting).map_err(Failure::new)
    }
}
