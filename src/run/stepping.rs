//! The two threads around the workers: one gives them each journaled group, the other acknowledges and hands what followed to the sinks.
//!
//! Snapshots and questions stand in the same queues as groups, so each is about the state between two of them.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, SyncSender};

use vitalog_cep::plan::Library;
use vitalog_elog::port::Accepted;
use vitalog_elog::{Input, Position, Record, Time};

use super::asking::ForEngine;
use super::collector::Collector;
use super::due::Due;
use super::in_force::InForce;
use super::inlet::{Message, Waiting};
use super::journaling::{Group, Kept};
use super::queue::Giver;
use super::router::{Asked, Router, Ticket};
use super::snapshot::{Taken, Wish};
use crate::failure::Failure;
use crate::metrics::Metrics;
use crate::traces::{Caused, Traces};

/// What followed from one group: what sinks are fed with.
#[derive(Clone)]
pub struct Fed {
    pub records: Arc<[Record]>,
    pub position: Position,
    /// The schema that the records' readings are laid out by.
    pub library: Arc<Library>,
}

/// What is under way, in its order.
pub enum Handed {
    Group { ticket: Ticket, waiting: Vec<Waiting>, arrival: Time, position: Position, kept: Kept },
    Snapshot(Asked),
}

/// The thread that gives work out.
pub struct Stepping {
    pub router: Router,
    pub inbox: Receiver<ForEngine>,
    pub handed: SyncSender<Handed>,
    pub wish: Arc<Wish>,
}

impl Stepping {
    /// Runs until the journal's thread is gone; then asks for a last snapshot, where the newest (`saved`) is of before: also of what a start has decided again.
    pub fn run(mut self, start: Position, mut saved: u64) {
        let mut position = start;
        while let Ok(message) = self.inbox.recv() {
            let group = match message {
                ForEngine::Group(group) => group,
                ForEngine::Why(question) => {
                    self.router.why(question).unwrap_or_else(|error| end(&error));
                    continue;
                }
            };
            position = group.position;
            if !self.give(group) {
                return;
            }
            if self.wish.is_due() && position.next > saved {
                self.save(position);
                saved = position.next;
            }
        }
        if position.next > saved {
            self.save(position);
        }
    }

    fn give(&mut self, mut group: Group) -> bool {
        let mut entries = std::mem::take(&mut group.entries).into_iter();
        let gone = || Failure::new("a group ended early");
        let given = self.router.give(group.first..group.position.next, |_, _| entries.next().ok_or_else(gone));
        let ticket = given.unwrap_or_else(|error| end(&error));
        let Group { waiting, arrival, position, kept, .. } = group;
        self.handed.send(Handed::Group { ticket, waiting, arrival, position, kept }).is_ok()
    }

    fn save(&mut self, position: Position) {
        let asked = self.router.ask_for_snapshot(position, self.wish.take()).unwrap_or_else(|error| end(&error));
        // Nobody takes it only where the process is on its way out.
        let _ = self.handed.send(Handed::Snapshot(asked));
    }
}

/// Rules are checked before they are journaled, by the same compiler, and a worker ends only with the process: a defect of ours leads here.
fn end(error: &Failure) -> ! {
    tracing::error!(%error, "a journaled input cannot be applied; the process ends");
    std::process::abort();
}

/// The thread that takes what followed.
pub struct Collecting {
    pub collector: Collector,
    pub handed: Receiver<Handed>,
    pub sinks: Vec<Giver<Fed>>,
    pub due: Arc<Due>,
    pub journaling: Sender<Message>,
    /// The library that the doors check by.
    pub in_force: Arc<InForce>,
    /// Where snapshots are written.
    pub snapshots: SyncSender<Taken>,
    pub metrics: Arc<Metrics>,
    pub traces: Option<Arc<Traces>>,
}

impl Collecting {
    /// Runs until nothing is under way and nothing will be.
    pub fn run(mut self) {
        while let Ok(handed) = self.handed.recv() {
            match handed {
                Handed::Group { ticket, waiting, arrival, position, kept } => {
                    if !self.take(ticket, waiting, arrival, (position, kept)) {
                        return;
                    }
                }
                Handed::Snapshot(asked) => {
                    let taken = self.collector.snapshot(asked).unwrap_or_else(|error| end(&error));
                    if self.snapshots.send(taken).is_err() {
                        return;
                    }
                }
            }
        }
    }

    fn take(&mut self, ticket: Ticket, waiting: Vec<Waiting>, arrival: Time, (position, kept): (Position, Kept)) -> bool {
        let records = self.collector.take(&ticket).unwrap_or_else(|error| end(&error));
        self.in_force.set(&ticket.library, &ticket.versions);
        self.tell_due(&ticket, position);
        let (mut rest, mut caused) = (&records[..], Vec::new());
        for Waiting { inputs, done, cause } in waiting {
            let begin = records.len() - rest.len();
            caused.extend(cause.map(|cause| Caused { cause, places: begin..begin + inputs }));
            let (mine, others) = rest.split_at(inputs);
            let first = mine.first().map_or(position.next, |r| r.offset);
            let outcomes = mine.iter().map(|r| r.reading().map(|(_, outcome)| outcome.clone())).collect();
            done(Ok(Accepted { first, arrival, outcomes, position }));
            rest = others;
        }
        if let Some(traces) = &self.traces {
            traces.decided(&caused, kept.stages, &records);
        }
        self.metrics.keeping.decided.observe(kept.at.elapsed().as_secs_f64());
        self.metrics.intake.count(&records, &ticket.library.schema);
        let fed = Fed { records: records.into(), position, library: ticket.library };
        self.sinks.iter().all(|sink| sink.give(fed.clone(), fed.records.len()))
    }

    fn tell_due(&mut self, ticket: &Ticket, position: Position) {
        let is_tick = ticket.batch.entries.iter().any(|entry| matches!(entry.input, Input::Tick));
        if self.due.tell(self.collector.next_due(), self.collector.owes(), position.next) || is_tick {
            // The journal's thread may be gone already when the process ends; then nobody waits for deadlines.
            let _ = self.journaling.send(Message::DueChanged);
        }
    }
}
