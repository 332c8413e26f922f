//! What decides: engine, notifier and rules, stepped together over one journaled input after the other.
//!
//! No thread, no clock, no file: the live loop, the replay after a restart, and the tests all step the same `Mind`.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use vitalog_cep::plan::Library;
use vitalog_cep::why::Why;
use vitalog_cep::{Engine, EngineInput, Unknown};
use vitalog_elog::input::RuleChange;
use vitalog_elog::{Entry, Input, Position, Record, Schema, Subject, Time};
use vitalog_notify::Notifier;
use vitalog_rules::{Source, compile};

use super::fleeting::forget;
use super::snapshot::Snapshot;
use super::versions::Versions;
use crate::failure::Failure;

/// The state that the journal's inputs lead to.
pub struct Mind {
    engine: Engine,
    notifier: Notifier,
    library: Arc<Library>,
    /// All texts that were ever in force; the library was compiled from the last.
    versions: Arc<Versions>,
}

impl Mind {
    /// Before the first input.
    pub fn new(policy: vitalog_notify::Config) -> Mind {
        Mind { engine: Engine::new(), notifier: Notifier::new(policy), library: Arc::default(), versions: Arc::default() }
    }

    /// As it was at a snapshot.
    ///
    /// # Errors
    /// Where the snapshot is of another version of engine or notifier.
    pub fn restore(snapshot: &Snapshot, policy: vitalog_notify::Config) -> Result<Mind, Failure> {
        Ok(Mind {
            engine: Engine::restore(&snapshot.engine).map_err(|e| Failure::new(format!("engine snapshot: {e}")))?,
            notifier: Notifier::restore(&snapshot.notifier, policy)
                .map_err(|e| Failure::new(format!("notifier snapshot: {e}")))?,
            library: Arc::new(snapshot.library.clone()),
            versions: Arc::new(snapshot.versions.clone()),
        })
    }

    pub fn snapshot(&mut self, position: Position) -> Snapshot {
        Snapshot {
            position,
            library: Library::clone(&self.library),
            versions: Versions::clone(&self.versions),
            engine: self.engine.snapshot(),
            notifier: self.notifier.snapshot(),
        }
    }

    /// The rules in force, with the streams and profile fields they declare.
    pub fn library(&self) -> &Arc<Library> {
        &self.library
    }

    /// The rule files that were ever in force; none before the first were journaled.
    pub fn versions(&self) -> &Arc<Versions> {
        &self.versions
    }

    /// The earliest instant at which the clock decides something.
    pub fn next_due(&self) -> Option<Time> {
        [self.engine.next_due(), self.notifier.next_due()].into_iter().flatten().min()
    }

    /// The greatest arrival seen.
    pub fn clock(&self) -> Time {
        self.engine.clock()
    }

    /// Why a rule found something about a subject at an instant, or why it did not.
    ///
    /// # Errors
    /// Where there is no such rule or subject.
    pub fn why(&self, rule: &str, subject: &Subject, at: Time) -> Result<Why, Unknown> {
        self.engine.why(rule, subject, at)
    }

    /// The inputs of one journaled group, and all that follows from each. `entry` gives the input at an offset, in terms of the schema at hand: a rule
    /// change may declare what later inputs of its group need.
    ///
    /// INVARIANT (a group is one moment): its inputs were accepted together, so a finding that opens and vanishes within it was never there for anyone, and is
    /// left out; so is an amendment that another change of the finding follows. Groups are part of the journal: a replay leaves out the same.
    ///
    /// # Errors
    /// Those of `entry`, and where journaled rules no longer compile: this version of the language does not understand what a former one accepted.
    pub fn step(
        &mut self,
        offsets: Range<u64>,
        mut entry: impl FnMut(u64, &Schema) -> Result<Arc<Entry>, Failure>,
    ) -> Result<Vec<Record>, Failure> {
        let mut records = Vec::with_capacity((offsets.end - offsets.start) as usize);
        // The notifier comes after all of the group: it is told at each change of rules which policies hold from there on.
        let mut changed: BTreeMap<u64, Arc<Library>> = BTreeMap::new();
        self.engine.begin();
        for offset in offsets {
            let entry = entry(offset, &self.library.schema)?;
            records.push(self.decide(offset, entry)?);
            if records.last().is_some_and(|record| matches!(record.entry.input, Input::Rules(_))) {
                changed.insert(offset, self.library.clone());
            }
        }
        if let Some(last) = records.last_mut() {
            self.engine.settle(&mut last.effects);
        }
        forget(records.iter_mut().map(|record| &mut record.effects).collect());
        for record in &mut records {
            let policies = changed.get(&record.offset).map(|library| &library.policies[..]);
            self.notifier.step(record.offset, record.entry.arrival, &record.entry, policies, &mut record.effects);
        }
        Ok(records)
    }

    fn decide(&mut self, offset: u64, entry: Arc<Entry>) -> Result<Record, Failure> {
        let mut effects = Vec::new();
        let input = match &entry.input {
            Input::Reading(reading) => EngineInput::Reading(reading),
            Input::Profile(change) => EngineInput::Profile(change),
            Input::Rules(change) => {
                self.library = Arc::new(library_of(change, &self.library)?);
                Arc::make_mut(&mut self.versions).add((offset, entry.arrival), change, &self.library);
                EngineInput::Library { effective: change.effective, library: self.library.clone() }
            }
            Input::Command(_) | Input::Receipt(_) | Input::DeadLetter(_) | Input::Tick => EngineInput::Tick,
        };
        self.engine.step(offset, entry.arrival, input, &mut effects);
        Ok(Record { offset, entry, effects })
    }
}

/// Compiles rule files on top of what was declared before.
pub(super) fn library_of(change: &RuleChange, prior: &Library) -> Result<Library, Failure> {
    let sources: Vec<Source> = change.files.iter().map(Source::from).collect();
    let compiled = compile(&sources, prior);
    compiled.library.ok_or_else(|| {
        let first = compiled.diagnostics.iter().find(|d| d.is_error()).map(|d| d.message.clone()).unwrap_or_default();
        Failure::new(format!("journaled rules do not compile: {first}"))
            .hint("they were accepted by another version of vitalog: start that version, or mend the rules with it first")
    })
}
