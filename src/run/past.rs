//! A journal replayed from its beginning for somebody who asks: the state at its end, and what was ever said of one rule and subject.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use vitalog_elog::{Cause, FindingChange, Input, Reading, ReadingId, Record, Schema, Subject};

use super::beginning::must_be_whole;
use super::directory::{Directory, has_journal};
use super::mind::{Mind, Spread};
use super::start::cores;
use crate::failure::Failure;

/// What a journal leads to.
pub struct Past {
    pub mind: Mind,
    /// What was said of the rule and subject, in the order in which it was.
    pub told: Vec<Told>,
    /// The names that the subject's readings were given.
    pub names: BTreeMap<ReadingId, Arc<str>>,
}

/// A change of a finding, and the reading that made it.
pub struct Told {
    pub change: FindingChange,
    pub by: Option<Reading>,
}

impl Past {
    /// Replays the journal of a data directory that no server holds. Nothing is fed to any sink.
    ///
    /// # Errors
    /// Where it is held, can't be read, or its rules no longer compile.
    pub fn of(data: &Path, rule: &str, subject: &Subject) -> Result<Past, Failure> {
        if !has_journal(data) {
            return Err(Failure::usage(format!("{} is no data directory", data.display())));
        }
        let lost = |e| Failure::new(format!("journal: {e}"));
        let directory = Directory::hold(data)?;
        let journal = directory.open_journal()?;
        must_be_whole(&journal, "why can't be replayed", "start the server and ask it: --url")?;
        let spread = Spread { partitions: directory.partitions()?, workers: cores(), beyond: None };
        let mind = Mind::new(vitalog_notify::Config::silent(), spread)?;
        let mut past = Past { mind, told: Vec::new(), names: BTreeMap::new() };
        for group in journal.read_from(0).map_err(lost)? {
            let group = group.map_err(lost)?;
            let entry = |offset, schema: &Schema| group.entry(offset, schema).map(Arc::new).map_err(lost);
            let records = past.mind.step(group.offsets(), entry)?;
            records.iter().for_each(|record| past.note(record, &records, rule, subject));
        }
        Ok(past)
    }

    /// `group`: all that was accepted at the same moment. What waited for its end is told with the last record, and made by a reading of another.
    fn note(&mut self, record: &Record, group: &[Record], rule: &str, subject: &Subject) {
        let own = reading_of(record);
        if let Some(reading) = own.filter(|r| r.subject == *subject)
            && let Some(given) = &reading.given
        {
            self.names.insert(reading.id, given.clone());
        }
        let ours = record.changes().filter(|c| *c.finding.rule == *rule && c.finding.subject == *subject);
        self.told.extend(ours.map(|change| {
            let made = |reading: &&Reading| change.cause == Cause::Reading(reading.id);
            let earlier = || {
                let before = || group.iter().filter(|r| r.offset < record.offset).filter_map(reading_of).filter(made);
                // It may be a reading of somebody else that is seen under this subject too.
                before().rfind(|r| r.subject == *subject).or_else(|| before().next_back())
            };
            Told { change: change.clone(), by: own.filter(made).or_else(earlier).cloned() }
        }));
    }
}

fn reading_of(record: &Record) -> Option<&Reading> {
    if let Input::Reading(reading) = &record.entry.input { Some(reading) } else { None }
}
