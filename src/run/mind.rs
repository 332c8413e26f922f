//! What decides: engines, notifier and rules, stepped together over one journaled group after the other.
//!
//! In two halves, so that groups can be under way between them: the [`Router`] hands a group to the workers, the [`Collector`] puts together what they said and steps
//! the notifier. The live loop has a thread for each; the replay after a start and questions to a journal use both from one.
//!
//! INVARIANT (1 worker = n workers): what is said of a journal, and the state after it, hang on the number of partitions, never on that of workers.

use std::ops::Range;
use std::sync::Arc;
use std::sync::mpsc::channel;
use std::thread::JoinHandle;

use vitalog_cep::plan::Library;
use vitalog_cep::why::Why;
use vitalog_cep::{Engine, Unknown};
use vitalog_elog::input::RuleChange;
use vitalog_elog::{Entry, Position, Record, Schema, Subject, Time};
use vitalog_notify::Notifier;
use vitalog_rules::{Source, compile};

use super::ahead::AHEAD;
use super::asking::Question;
use super::beyond::Beyond;
use super::collector::Collector;
use super::due::Due;
use super::own::Own;
use super::router::{Router, Ticket};
use super::snapshot::{State, Taken};
use super::versions::Versions;
use super::workers;
use crate::failure::Failure;

/// How the engine is spread.
#[derive(Clone, Debug)]
pub struct Spread {
    /// Parts of the subjects, each with an engine of its own: fixed with the data directory.
    pub partitions: u32,
    /// Threads that own them.
    pub workers: usize,
    /// Where that goes which lies beyond their horizon; `None`: they keep all.
    pub beyond: Option<Beyond>,
}

/// The state that the journal's inputs lead to.
pub struct Mind {
    pub router: Router,
    pub collector: Collector,
    pub threads: Vec<JoinHandle<()>>,
}

impl Mind {
    /// Before the first input.
    ///
    /// # Errors
    /// Where the system has no threads to give.
    pub fn new(policy: vitalog_notify::Config, spread: Spread) -> Result<Mind, Failure> {
        let engines = (0..spread.partitions.max(1)).map(|_| Engine::new()).collect();
        Mind::of(engines, Notifier::new(policy), (Arc::default(), Arc::default()), &spread)
    }

    /// As it was at a snapshot.
    ///
    /// # Errors
    /// Where the snapshot is of another version of the notifier, or of another number of partitions.
    pub fn restore(state: State, policy: vitalog_notify::Config, spread: Spread) -> Result<Mind, Failure> {
        if state.engines.len() != spread.partitions as usize {
            return Err(Failure::new(format!(
                "the snapshot has {} partitions, the data directory {}",
                state.engines.len(),
                spread.partitions
            )));
        }
        let notifier = Notifier::restore(&state.notifier, policy).map_err(|e| Failure::new(format!("notifier snapshot: {e}")))?;
        Mind::of(state.engines, notifier, (state.library, state.versions), &spread)
    }

    fn of(
        engines: Vec<Engine>,
        notifier: Notifier,
        (library, versions): (Arc<Library>, Arc<Versions>),
        spread: &Spread,
    ) -> Result<Mind, Failure> {
        let clock = engines.first().map_or(Time::MIN, Engine::clock);
        let due = engines.iter().filter_map(Engine::next_due).min();
        let own = |(partition, engine)| Own::new(partition, engine, spread.beyond.as_ref());
        let own = (0..).zip(engines).map(own).collect::<Result<_, _>>()?;
        let (giving, returning) = workers::start(own, spread.workers)?;
        Ok(Mind {
            router: Router { giving, library, versions, timed: false, clock },
            collector: Collector { done: returning.done, due, clock, notifier, took: Vec::new() },
            threads: returning.threads,
        })
    }

    /// The state now, or what changed since the last time; nothing may be under way.
    ///
    /// # Errors
    /// Where a worker is gone.
    pub fn snapshot(&mut self, position: Position, is_whole: bool) -> Result<Taken, Failure> {
        let asked = self.router.ask_for_snapshot(position, is_whole)?;
        self.collector.snapshot(asked)
    }

    /// The rules in force, with the streams and profile fields they declare.
    pub fn library(&self) -> &Arc<Library> {
        &self.router.library
    }

    /// The rule files that were ever in force; none before the first were journaled.
    pub fn versions(&self) -> &Arc<Versions> {
        &self.router.versions
    }

    /// The earliest instant at which the clock decides something.
    pub fn next_due(&self) -> Option<Time> {
        self.collector.next_due()
    }

    /// What is due, and since when, for whoever ticks from an offset on.
    pub fn due(&self, next: u64) -> Due {
        Due::new(self.next_due(), self.collector.clock, next)
    }

    /// Why a rule found something about a subject at an instant, or why it did not.
    ///
    /// # Errors
    /// Where a worker is gone; within, where there is no such rule or subject.
    pub fn why(&self, rule: &str, subject: &Subject, at: Time) -> Result<Result<Why, Unknown>, Failure> {
        let (tell, told) = channel();
        let answer = Box::new(move |answer| drop(tell.send(answer)));
        self.router.why(Question { rule: rule.to_owned(), subject: subject.clone(), at: Some(at), answer })?;
        told.recv().map_err(|_| Failure::new("a worker of the engine is gone"))
    }

    /// One group, and all that follows from each of its inputs.
    ///
    /// # Errors
    /// Those of [`Router::give`] and [`Collector::take`].
    pub fn step(
        &mut self,
        offsets: Range<u64>,
        entry: impl FnMut(u64, &Schema) -> Result<Arc<Entry>, Failure>,
    ) -> Result<Vec<Record>, Failure> {
        let ticket = self.give(offsets, entry)?;
        self.take(&ticket)
    }

    /// Hands a group to the workers. No more than [`workers::QUEUE`] may be under way before [`Mind::take`].
    ///
    /// # Errors
    /// Those of [`Router::give`].
    pub fn give(
        &mut self,
        offsets: Range<u64>,
        entry: impl FnMut(u64, &Schema) -> Result<Arc<Entry>, Failure>,
    ) -> Result<Ticket, Failure> {
        self.router.give(offsets, entry)
    }

    /// What followed from the next group.
    ///
    /// # Errors
    /// Where a worker is gone.
    pub fn take(&mut self, ticket: &Ticket) -> Result<Vec<Record>, Failure> {
        self.collector.take(ticket)
    }
}

/// What rule files are compiled to on top of what was declared before.
pub(super) fn library_of(change: &RuleChange, prior: &Library) -> Result<Library, Failure> {
    if let Some(library) = AHEAD.take(prior, &change.files) {
        return Ok(library);
    }
    let sources: Vec<Source> = change.files.iter().map(Source::from).collect();
    let compiled = compile(&sources, prior);
    compiled.library.ok_or_else(|| {
        let first = compiled.diagnostics.iter().find(|d| d.is_error()).map(|d| d.message.clone()).unwrap_or_default();
        Failure::new(format!("journaled rules do not compile: {first}"))
            .hint("they were accepted by another version of vitalog: start that version, or mend the rules with it first")
    })
}
