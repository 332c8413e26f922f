//! The engine's thread: steps the mind over each journaled group, acknowledges, and hands what followed to the sinks. Between two groups it answers questions.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::mpsc::{Receiver, Sender, SyncSender};

use vitalog_cep::plan::Library;
use vitalog_elog::port::Accepted;
use vitalog_elog::{Position, Record};

use super::asking::ForEngine;
use super::in_force::InForce;
use super::inlet::Message;
use super::journaling::{Group, NEVER};
use super::mind::Mind;
use super::snapshot;
use crate::failure::Failure;

/// What followed from one group: what sinks are fed with.
#[derive(Clone)]
pub struct Fed {
    pub records: Arc<[Record]>,
    pub position: Position,
    /// The schema that the records' readings are laid out by.
    pub library: Arc<Library>,
}

/// The thread's state.
pub struct Stepping {
    pub mind: Mind,
    pub inbox: Receiver<ForEngine>,
    pub sinks: Vec<SyncSender<Fed>>,
    pub due: Arc<AtomicI64>,
    pub journaling: Sender<Message>,
    /// The library that the doors check by.
    pub in_force: Arc<InForce>,
    pub snapshots: PathBuf,
    /// Set when the lake has landed what it held: a snapshot taken now becomes a restore point with the next landing.
    pub snapshot_wanted: Arc<AtomicBool>,
}

impl Stepping {
    /// Runs until the journal's thread is gone; then takes a last snapshot.
    pub fn run(mut self, start: Position) {
        let mut position = start;
        let mut saved = start.next;
        while let Ok(message) = self.inbox.recv() {
            let group = match message {
                ForEngine::Group(group) => group,
                ForEngine::Why(question) => {
                    question.put_to(&self.mind);
                    continue;
                }
            };
            position = group.position;
            if !self.step(group) {
                break;
            }
            if self.snapshot_wanted.swap(false, Ordering::AcqRel) && position.next > saved {
                self.save(position);
                saved = position.next;
            }
        }
        if position.next > saved {
            self.save(position);
        }
    }

    fn step(&mut self, group: Group) -> bool {
        let mut entries = group.entries.into_iter();
        let gone = || Failure::new("a group ended early");
        let stepped = self.mind.step(group.first..group.position.next, |_, _| entries.next().ok_or_else(gone));
        let records = match stepped {
            Ok(records) => records,
            Err(error) => {
                // Rules are checked before they are journaled, by the same compiler: only a defect of ours leads here.
                tracing::error!(%error, "a journaled input cannot be applied; the process ends");
                std::process::abort();
            }
        };
        self.in_force.set(self.mind.library(), self.mind.versions());
        self.tell_due();
        let mut rest = &records[..];
        for (count, answer) in group.answers {
            let (mine, others) = rest.split_at(count);
            let first = mine.first().map_or(group.position.next, |r| r.offset);
            let outcomes = mine.iter().map(|r| r.reading().map(|(_, outcome)| outcome.clone())).collect();
            answer(Ok(Accepted { first, outcomes, position: group.position }));
            rest = others;
        }
        let fed = Fed { records: records.into(), position: group.position, library: self.mind.library().clone() };
        self.sinks.iter().all(|sink| sink.send(fed.clone()).is_ok())
    }

    fn tell_due(&mut self) {
        let due = self.mind.next_due().map_or(NEVER, |t| t.0);
        if self.due.swap(due, Ordering::AcqRel) != due {
            // The journal's thread may be gone already when the process ends; then nobody waits for deadlines.
            let _ = self.journaling.send(Message::DueChanged);
        }
    }

    fn save(&mut self, position: Position) {
        snapshot::write_or_warn(&self.snapshots, &self.mind.snapshot(position));
    }
}
