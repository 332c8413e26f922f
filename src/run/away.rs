//! A journal that can't be written just now, because its brokers are away or refuse: nothing is acknowledged, who sends is told to come again, and when it is back it says itself what became of
//! the group that was in doubt.
//!
//! The process goes on meanwhile: what is there can be read, and messages that are under way are delivered. Nothing is decided, for nothing can be journaled, not even that time goes on.

use std::sync::atomic::Ordering;
use std::sync::mpsc::RecvTimeoutError;
use std::time::{Duration, Instant};

use vitalog_elog::Entry;
use vitalog_elog::port::Unavailable;
use vitalog_ingest::journal::JournalError;

use super::inlet::{Message, Waiting, turn_away};
use super::journaling::{Journaling, Kept, end};

/// Between two looks whether it is back.
const PAUSE: Duration = Duration::from_millis(500);

impl Journaling {
    /// Waits until the journal can be written again. False where this thread is to end.
    ///
    /// INVARIANT (doubt is resolved): a group that was not acknowledged and is kept all the same goes on to the engine like any other, before anything that comes after it.
    pub(super) fn come_back(&mut self, error: &JournalError, entries: Vec<Entry>, waiting: Vec<Waiting>) -> bool {
        tracing::error!(%error, "the journal can't be written; nothing is acknowledged until it can");
        self.metrics.keeping.set_journal_away(true);
        for waits in waiting {
            turn_away(&self.metrics, waits.done, Unavailable::JournalAway);
        }
        let was_kept = loop {
            match self.journal.recover() {
                Ok(was_kept) => break was_kept,
                Err(error) if error.may_pass() => tracing::warn!(%error, "the journal is still away"),
                Err(error) => end(&error),
            }
            if self.refuse_meanwhile() {
                return false;
            }
        };
        self.metrics.keeping.set_journal_away(false);
        tracing::warn!(
            was_kept,
            "the journal can be written again; the group that was in doubt was kept, or is to be sent again"
        );
        if was_kept {
            let (position, kept) = (self.journal.position(), Kept::begin());
            self.metrics.follow.journaled(position.next, kept.at);
            if !self.hand_on(entries, Vec::new(), position, kept) {
                return false;
            }
        }
        // What fell due meanwhile, or by a tick that is lost, is due now.
        let now = self.clock.now();
        self.due.at().is_none_or(|due| due > now) || self.tick()
    }

    /// Turns away whoever comes before the next look. True where the thread is to end.
    fn refuse_meanwhile(&mut self) -> bool {
        let until = Instant::now() + PAUSE;
        loop {
            match self.messages.recv_timeout(until.saturating_duration_since(Instant::now())) {
                Ok(Message::Submit(submission)) => {
                    self.waiting.fetch_sub(submission.inputs.len(), Ordering::AcqRel);
                    turn_away(&self.metrics, submission.done, Unavailable::JournalAway);
                }
                // Whoever waits for an errand finds that nobody did it.
                Ok(Message::DueChanged | Message::Errand(_) | Message::Change(_)) => {}
                Ok(Message::Close) | Err(RecvTimeoutError::Disconnected) => {
                    self.refuse_the_rest();
                    return true;
                }
                Err(RecvTimeoutError::Timeout) => return false,
            }
        }
    }
}
