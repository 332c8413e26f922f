//! The journal's thread: whatever waits is written as one group, synced, and handed on.
//!
//! While one group is being synced, the next gathers; how long it is waited for more is [`super::gathering`]'s. A failed write to a file ends the process, for what the file system
//! then holds is unknown; the journal is read again at the next start. A home that is only away is waited for ([`super::away`]).

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender};
use std::time::{Duration, Instant, SystemTime};

use vitalog_elog::port::Unavailable;
use vitalog_elog::{Entry, Input, Position, Time};
use vitalog_ingest::journal::{Journal, JournalError};

use super::asking::ForEngine;
use super::clock::Clock;
use super::contact::Contacts;
use super::due::Due;
use super::gathering::{Coming, Gathered, gather};
use super::in_force::InForce;
use super::inlet::{Message, Submission, Waiting};
use crate::metrics::Metrics;
use crate::traces::Stages;

/// Stands for the instant of acceptance in a change that is submitted.
pub const WHEN_ACCEPTED: Time = Time::MAX;
/// Between two looks, when it ends, whether all is decided.
const LOOK: Duration = Duration::from_millis(2);
/// Between two looks at the clock where nothing is due.
const LONG: Duration = Duration::from_secs(3_600);

/// A journaled group on its way to the engine.
pub struct Group {
    pub first: u64,
    pub entries: Vec<Arc<Entry>>,
    /// When it was accepted; of an empty one, what the clock said.
    pub arrival: Time,
    /// Who waits for how many entries, in order. A tick belongs to nobody, nor do contacts, which come last.
    pub waiting: Vec<Waiting>,
    pub position: Position,
    pub kept: Kept,
}

/// When a group was on stable storage.
#[derive(Clone, Copy)]
pub struct Kept {
    pub at: Instant,
    /// The same by the machine's clock, and when it began to be written: for traces alone.
    pub stages: Stages,
}

impl Kept {
    pub fn begin() -> Kept {
        let now = SystemTime::now();
        Kept { at: Instant::now(), stages: Stages { began: now, kept: now } }
    }

    fn end(&mut self, at: Instant) {
        self.at = at;
        self.stages.kept = SystemTime::now();
    }
}

/// The thread's state.
pub struct Journaling {
    pub journal: Journal,
    pub clock: Clock,
    pub messages: Receiver<Message>,
    pub waiting: Arc<AtomicUsize>,
    /// The earliest deadline, told by the collector's thread.
    pub due: Arc<Due>,
    /// The library that the doors checked by; its schema names the streams.
    pub in_force: Arc<InForce>,
    /// Held by nobody else for long: when this thread ends, the engine's does.
    pub engine: Arc<SyncSender<ForEngine>>,
    /// Says when devices were heard; `None` where what comes is no device's: a file that is read in.
    pub contacts: Option<Contacts>,
    pub metrics: Arc<Metrics>,
}

impl Journaling {
    /// Runs until told to close or until the engine's thread is gone. Answers every submission that came in before.
    pub fn run(mut self) {
        let mut crowd = 0;
        loop {
            let pause = self.until_due();
            let message = self.messages.recv_timeout(pause);
            let mut gathered = Gathered::default();
            match message {
                Ok(Message::Submit(first)) => gathered = gather(&mut Coming::of(&self.messages), first, &mut crowd),
                Ok(other) => gathered.take(other),
                Err(RecvTimeoutError::Disconnected) => gathered.is_closing = true,
                Err(RecvTimeoutError::Timeout) => {}
            }
            let Gathered { submissions, errands, changes, is_closing: closing, .. } = gathered;
            if !submissions.is_empty() {
                if !self.commit(submissions) {
                    return;
                }
            } else if !closing && self.is_due() && !self.tick() {
                return;
            }
            for errand in errands {
                let now = self.clock.now();
                errand(&self.journal, now);
            }
            for change in changes {
                match change(&mut self.journal) {
                    Ok(()) => {}
                    // The next start finds out.
                    Err(error) if error.may_pass() && closing => tracing::error!(%error, "the journal could not be changed"),
                    Err(error) if error.may_pass() => {
                        if !self.come_back(&error, Vec::new(), Vec::new()) {
                            return;
                        }
                    }
                    Err(error) => end(&error),
                }
            }
            if closing {
                self.pay();
                self.refuse_the_rest();
                return;
            }
        }
    }

    fn until_due(&mut self) -> Duration {
        // Whoever decides the last tick tells when it is done.
        let due = self.due.at().filter(|_| self.due.is_known());
        due.map_or(LONG, |due| Duration::from_micros(u64::try_from(due.since(self.clock.now()).0).unwrap_or(0)).min(LONG))
    }

    /// A deadline is ticked for once: what is due next is known when the last tick is decided.
    fn is_due(&mut self) -> bool {
        self.due.is_known() && self.due.at().is_some_and(|due| due <= self.clock.now())
    }

    /// Ticks until no engine owes anything, at the clock that all of them have.
    ///
    /// INVARIANT (owed to nobody): what is stopped in order owes nothing. So who erases a subject then, and with it what others waited for, takes nothing of theirs from anybody who
    /// goes on from there.
    fn pay(&mut self) {
        loop {
            while !self.due.is_after(self.journal.position().next) {
                match self.messages.recv_timeout(LOOK) {
                    Ok(Message::Submit(submission)) => (submission.done)(Err(Unavailable::Closing)),
                    Ok(_) | Err(RecvTimeoutError::Timeout) => {}
                    Err(RecvTimeoutError::Disconnected) => return,
                }
            }
            if !self.due.owing() {
                return;
            }
            let tick = Entry { arrival: self.journal.last_arrival(), input: Input::Tick };
            match self.journal.append(&self.in_force.get().schema, std::slice::from_ref(&tick)) {
                Ok(position) => {
                    let kept = Kept::begin();
                    self.metrics.follow.journaled(position.next, kept.at);
                    if !self.hand_on(vec![tick], Vec::new(), position, kept) {
                        return;
                    }
                }
                // The next start goes on with it.
                Err(error) if error.may_pass() => return,
                Err(error) => end(&error),
            }
        }
    }

    fn commit(&mut self, submissions: Vec<Submission>) -> bool {
        let arrival = self.clock.now();
        let mut entries = Vec::with_capacity(submissions.iter().map(|s| s.inputs.len()).sum());
        let mut waiting = Vec::with_capacity(submissions.len());
        for Submission { inputs, done, cause } in submissions {
            waiting.push(Waiting { inputs: inputs.len(), done, cause });
            entries.extend(inputs.into_iter().map(|input| Entry { arrival, input: stamped(input, arrival) }));
        }
        self.waiting.fetch_sub(entries.len(), Ordering::AcqRel);
        if let Some(contacts) = &mut self.contacts {
            let heard = contacts.of(&entries, &self.in_force.get().schema, arrival);
            entries.extend(heard);
        }
        self.append(entries, waiting)
    }

    pub(super) fn tick(&mut self) -> bool {
        let arrival = self.clock.now();
        let goes_on = self.append(vec![Entry { arrival, input: Input::Tick }], Vec::new());
        self.due.ticked(self.journal.position().next);
        goes_on
    }

    fn append(&mut self, entries: Vec<Entry>, waiting: Vec<Waiting>) -> bool {
        let mut kept = Kept::begin();
        let written = if entries.is_empty() {
            Ok(self.journal.position())
        } else {
            let library = self.in_force.get();
            let began = self.metrics.keeping.begin_to_write();
            let written = self.journal.append(&library.schema, &entries);
            kept.end(self.metrics.keeping.written(began, entries.len()));
            written
        };
        let position = match written {
            Ok(position) => position,
            Err(error) if error.may_pass() => return self.come_back(&error, entries, waiting),
            Err(error) => end(&error),
        };
        if !entries.is_empty() {
            self.metrics.follow.journaled(position.next, kept.at);
        }
        self.hand_on(entries, waiting, position, kept)
    }

    /// Gives a group that is kept to the engine.
    pub(super) fn hand_on(&mut self, entries: Vec<Entry>, waiting: Vec<Waiting>, position: Position, kept: Kept) -> bool {
        let first = position.next - entries.len() as u64;
        let arrival = entries.last().map_or_else(|| self.clock.now(), |entry| entry.arrival);
        let entries = entries.into_iter().map(Arc::new).collect();
        self.engine.send(ForEngine::Group(Group { first, entries, arrival, waiting, position, kept })).is_ok()
    }

    pub(super) fn refuse_the_rest(&self) {
        while let Ok(message) = self.messages.try_recv() {
            if let Message::Submit(submission) = message {
                (submission.done)(Err(Unavailable::Closing));
            }
        }
    }
}

/// What is kept is unknown, or is not what was written: only a new process reads what is there.
pub(super) fn end(error: &JournalError) -> ! {
    tracing::error!(%error, "the journal could not be written; the process ends so that nothing is acknowledged that is not kept");
    std::process::abort();
}

/// Rules that hold from their acceptance on learn here when that is.
fn stamped(input: Input, arrival: Time) -> Input {
    match input {
        Input::Rules(mut change) if change.effective == WHEN_ACCEPTED => {
            change.effective = arrival;
            Input::Rules(change)
        }
        other => other,
    }
}
