//! The views tell the gateway which revision of a reading is current.

use std::sync::Arc;
use std::time::Duration;

use vitalog_dashboards::ask::Readers;
use vitalog_dashboards::io::Live;
use vitalog_elog::{ReadingId, Subject};
use vitalog_ingest::io::{Behind, Current, CurrentRevision};

/// How long the views may take to see what was asked for.
const PATIENCE: Duration = Duration::from_secs(2);

pub struct ViewsTell {
    readers: Readers,
    live: Arc<Live>,
}

impl ViewsTell {
    pub fn new(readers: Readers, live: Arc<Live>) -> ViewsTell {
        ViewsTell { readers, live }
    }

    /// Called from a thread that may block, inside the runtime.
    fn wait_for(&self, after: u64) -> Result<(), Behind> {
        let mut reached = self.live.reached();
        if *reached.borrow_and_update() >= after {
            return Ok(());
        }
        let handle = tokio::runtime::Handle::try_current().map_err(|_| Behind)?;
        let waited = handle.block_on(tokio::time::timeout(PATIENCE, reached.wait_for(|next| *next >= after)));
        matches!(waited, Ok(Ok(_))).then_some(()).ok_or(Behind)
    }
}

impl Current for ViewsTell {
    fn current(&self, subject: &Subject, id: ReadingId, after: u64) -> Result<Option<CurrentRevision>, Behind> {
        self.wait_for(after)?;
        let history = self.readers.take().and_then(|reader| reader.ask(|ask| ask.reading(subject, id)));
        let history = history.map_err(|error| {
            tracing::error!(%error, "the views can't be asked for a reading");
            Behind
        })?;
        let Some(history) = history else { return Ok(None) };
        let revision = match (&history.current, history.history.first()) {
            (Some(current), _) => CurrentRevision { rev: current.rev, removed: false },
            (None, Some(removal)) => CurrentRevision { rev: removal.rev, removed: true },
            (None, None) => return Ok(None),
        };
        Ok(Some(revision))
    }
}
