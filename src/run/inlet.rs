//! The door of the run loop: submissions wait here for the journal, and when too much waits they are refused.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Sender, channel};

use vitalog_elog::port::{Answer, Inlet, Past, Reach, Unavailable};
use vitalog_elog::{Input, Time};
use vitalog_ingest::journal::{Journal, JournalError};

use super::room::Room;
use crate::metrics::Metrics;
use crate::traces::{self, Cause};

/// How many inputs may wait; beyond that a sender is told to come back.
const MAX_WAITING: usize = 400_000;

/// What the journal's thread is told.
pub enum Message {
    Submit(Submission),
    /// The earliest deadline changed.
    DueChanged,
    Errand(Errand),
    Change(Change),
    Close,
}

/// Something short to be done with the journal between two groups. Its clock then says this: nothing that is accepted later arrives before.
pub type Errand = Box<dyn FnOnce(&Journal, Time) + Send>;

/// Something short to be changed of the journal between two groups. After an error what is kept is unknown, as after a group that could not be written.
pub type Change = Box<dyn FnOnce(&mut Journal) -> Result<(), JournalError> + Send>;

/// Inputs that are kept together, and whom to tell.
pub struct Submission {
    pub inputs: Vec<Input>,
    pub done: Answer,
    /// The request that hands them in, where it is traced.
    pub cause: Option<Cause>,
}

/// Who waits for a group, for so many of its inputs.
pub struct Waiting {
    pub inputs: usize,
    pub done: Answer,
    pub cause: Option<Cause>,
}

/// Tells somebody that nothing is acknowledged, and counts it.
pub fn turn_away(metrics: &Metrics, done: Answer, why: Unavailable) {
    let reason = match why {
        Unavailable::Overloaded => "overloaded",
        Unavailable::Closing => "closing",
        Unavailable::NoRoom => "disk_full",
        Unavailable::JournalAway => "journal_away",
    };
    metrics.keeping.turned_away.get_or_create(&vec![("reason", reason.to_owned())]).inc();
    done(Err(why));
}

/// The run loop's end of the door, given to the edges.
pub struct Door {
    queue: Sender<Message>,
    waiting: Arc<AtomicUsize>,
    room: Arc<Room>,
    metrics: Arc<Metrics>,
}

impl Door {
    /// The door, the queue behind it, and the count of inputs that wait (the journal's thread takes off what it took).
    pub fn open(room: Arc<Room>, metrics: Arc<Metrics>) -> (Arc<Door>, std::sync::mpsc::Receiver<Message>, Arc<AtomicUsize>) {
        let (queue, messages) = channel();
        let waiting = Arc::new(AtomicUsize::new(0));
        (Arc::new(Door { queue, waiting: waiting.clone(), room, metrics }), messages, waiting)
    }

    /// How many inputs wait for the journal.
    pub fn waiting(&self) -> Arc<AtomicUsize> {
        self.waiting.clone()
    }

    /// For telling the journal's thread anything else.
    pub fn sender(&self) -> Sender<Message> {
        self.queue.clone()
    }
}

impl Inlet for Door {
    fn submit(&self, inputs: Vec<Input>, done: Answer) {
        if self.metrics.keeping.is_journal_away() {
            return turn_away(&self.metrics, done, Unavailable::JournalAway);
        }
        if !self.room.has_room_for(&inputs) {
            return turn_away(&self.metrics, done, Unavailable::NoRoom);
        }
        let count = inputs.len();
        if self.waiting.fetch_add(count, Ordering::AcqRel) > MAX_WAITING {
            self.waiting.fetch_sub(count, Ordering::AcqRel);
            return turn_away(&self.metrics, done, Unavailable::Overloaded);
        }
        if let Err(refused) = self.queue.send(Message::Submit(Submission { inputs, done, cause: traces::here() })) {
            self.waiting.fetch_sub(count, Ordering::AcqRel);
            if let Message::Submit(submission) = refused.0 {
                turn_away(&self.metrics, submission.done, Unavailable::Closing);
            }
        }
    }
}

impl Past for Door {
    fn reach(&self, instant: Time, done: Reach) {
        let errand = move |journal: &Journal, now: Time| done((instant < now).then(|| journal.position().next));
        // Where the journal's thread is gone, nobody can tell: whoever waits sees that the answer was dropped.
        let _ = self.queue.send(Message::Errand(Box::new(errand)));
    }
}
