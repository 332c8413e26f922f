//! The readings of a journal as they came: in their order, with the instants at which they were accepted, and what was accepted together.

use std::path::Path;
use std::sync::Arc;

use vitalog_cep::plan::Library;
use vitalog_elog::{Entry, Input, Reading, Schema, Time};
use vitalog_ingest::journal::Group;

use super::beginning::must_be_whole;
use super::directory::{Directory, has_journal};
use super::mind::library_of;
use crate::failure::Failure;

/// One reading as it came.
pub struct Arrival {
    pub at: Time,
    /// What has the same number was accepted at one moment.
    pub group: u64,
    pub reading: Reading,
}

/// All readings of a data directory that no server holds, every revision and removal, laid out by another library's streams.
///
/// # Errors
/// Where it is held or can't be read, or the library lacks a stream of which there are readings.
pub fn arrivals(data: &Path, library: &Library) -> Result<Vec<Arrival>, Failure> {
    if !has_journal(data) {
        return Err(Failure::usage(format!("{} is no data directory", data.display())));
    }
    let directory = Directory::hold(data)?;
    let journal = directory.open_journal()?;
    must_be_whole(&journal, "what was known when can't be told", "leave --as-known out: the lake has the readings themselves")?;
    let mut reader = Reader { declared: Library::default(), library, arrivals: Vec::new() };
    for group in journal.read_from(0).map_err(lost)? {
        reader.take(&group.map_err(lost)?)?;
    }
    Ok(reader.arrivals)
}

fn lost(error: impl std::fmt::Display) -> Failure {
    Failure::new(format!("journal: {error}"))
}

struct Reader<'l> {
    /// By which the journal's readings are laid out.
    declared: Library,
    library: &'l Library,
    arrivals: Vec<Arrival>,
}

impl Reader<'_> {
    fn take(&mut self, group: &Group) -> Result<(), Failure> {
        for offset in group.offsets() {
            let Entry { arrival, input } = group.entry(offset, &self.declared.schema).map_err(lost)?;
            match input {
                Input::Rules(change) => self.declared = library_of(&change, &self.declared)?,
                Input::Reading(mut reading) => {
                    move_to(&mut reading, &self.declared.schema, &self.library.schema)?;
                    self.arrivals.push(Arrival { at: arrival, group: group.first, reading });
                }
                _ => {}
            }
        }
        Ok(())
    }
}

/// Names a reading's stream by its place in another schema.
///
/// # Errors
/// Where the other schema has no stream of that name.
pub fn move_to(reading: &mut Reading, from: &Arc<Schema>, to: &Arc<Schema>) -> Result<(), Failure> {
    let Some(content) = &mut reading.content else { return Ok(()) };
    let name = &from.get(content.stream).name;
    content.stream = to.stream(name).ok_or_else(|| {
        Failure::new(format!("the rules declare no stream {name}, of which there are readings"))
            .hint("add its declaration, or `use health`")
    })?;
    Ok(())
}
