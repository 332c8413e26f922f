//! Repair by replay: what is wrong in views and lake is made again from the journal, in a directory that no server holds.
//!
//! Where the readings that differ are known by name, only their rows are made again: every revision that the journal has of them is decided anew, in order, and given to views and lake as at first.
//! Of a journal that was trimmed only readings are made again of which all came since: of what came before, nobody can say any more which stage is right.
//!
//! Where they are not (a file that can't be read, a row that says nobody's name, too many), the whole stage is removed, and the next start makes it again. What is wrong in memory alone is right
//! again with any start.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::sync::Arc;

use vitalog_dashboards::ask::Readers;
use vitalog_dashboards::views::Views;
use vitalog_elog::{Effect, Entry, Input, Reading, ReadingId, Record, Schema, Subject};
use vitalog_ingest::journal::Journal;
use vitalog_lakehouse::Lake;

use super::difference::{Difference, Kind};
use super::history::{Revisions, walk};
use super::report::Report;
use super::stages::Stage;
use crate::backup::Source;
use crate::failure::Failure;
use crate::run::{Directory, gone, open_finished, tell_retention};

/// Readings by subject and id.
type Wrong = BTreeSet<(Subject, ReadingId)>;

/// What is to be done about a stage.
#[derive(Debug)]
pub enum Remedy {
    /// These readings are made again.
    Readings(Wrong),
    /// All of it is.
    Whole,
}

/// What is to be done, by stage: views, lake.
#[derive(Debug, Default)]
pub struct Remedies {
    pub views: Option<Remedy>,
    pub lake: Option<Remedy>,
    /// A stage has what the journal does not.
    has_foreign: bool,
}

/// A directory that this process holds, and its journal.
struct Closed {
    directory: Directory,
    journal: Journal,
}

impl Source for Closed {
    fn data(&self) -> &Path {
        self.directory.root()
    }

    fn with<T: Send + 'static>(&self, errand: impl FnOnce(&Journal) -> T + Send + 'static) -> Result<T, Failure> {
        Ok(errand(&self.journal))
    }
}

impl Remedies {
    /// What a report asks for. What differs in what is queryable alone lies in memory, which is gone when this is read.
    pub fn of(report: &Report) -> Remedies {
        let has_foreign = report.differences().any(|d| d.kind == Kind::Foreign);
        let mut remedies = Remedies { has_foreign, ..Remedies::default() };
        for verdict in &report.stages {
            let remedy = match &verdict.found {
                Err(_) => Some(Remedy::Whole),
                Ok(compared) if compared.windows.is_empty() => None,
                // Too many to name, or none that could be named.
                Ok(compared) if compared.is_cut || compared.differences.is_empty() => Some(Remedy::Whole),
                Ok(compared) => Some(named(&compared.differences)),
            };
            match verdict.stage {
                Stage::Views => remedies.views = remedy,
                Stage::Lake => remedies.lake = remedy,
                Stage::Queryable => {}
            }
        }
        remedies
    }

    pub fn is_none(&self) -> bool {
        self.views.is_none() && self.lake.is_none()
    }

    /// What is done, a line for each stage.
    pub fn lines(&self) -> Vec<String> {
        let line = |name: &str, remedy: &Option<Remedy>| match remedy {
            None => None,
            Some(Remedy::Whole) => Some(format!("{name}: made again as a whole")),
            Some(Remedy::Readings(wrong)) if wrong.len() == 1 => Some(format!("{name}: 1 reading made again")),
            Some(Remedy::Readings(wrong)) => Some(format!("{name}: {} readings made again", wrong.len())),
        };
        [line("views", &self.views), line("lake", &self.lake)].into_iter().flatten().collect()
    }
}

/// The readings to make again; all, where a row does not say whose it is.
fn named(differences: &[Difference]) -> Remedy {
    let mut wrong = Wrong::new();
    for difference in differences {
        if !Subject::is_valid(&difference.subject) || difference.name.is_empty() {
            return Remedy::Whole;
        }
        wrong.insert((Subject::new(&difference.subject), ReadingId::given(&difference.name)));
    }
    Remedy::Readings(wrong)
}

/// Does it, in a directory that no server holds. `schema` declares every stream of the journal.
///
/// # Errors
/// Where something can't be read or written. What was done until then is right, and can be done again.
pub async fn repair(data: &Path, schema: Arc<Schema>, remedies: &Remedies) -> Result<(), Failure> {
    let directory = Directory::hold(data)?;
    let journal = open_finished(&directory)?;
    let closed = Closed { directory, journal };
    let end = closed.journal.position();
    may_repair(&closed, remedies)?;
    if let Some(remedy) = &remedies.views {
        match remedy {
            Remedy::Whole => remove_views(&closed.directory.views())?,
            Remedy::Readings(wrong) => {
                let failed = |e| Failure::new(format!("views: {e}"));
                let mut views = Views::open_kept(&closed.directory.views(), end.incarnation).map_err(failed)?;
                views.repair(wrong, &records(&closed, &schema, end.next, wrong)?).map_err(failed)?;
            }
        }
    }
    if let Some(remedy) = &remedies.lake {
        match remedy {
            Remedy::Whole => fs::remove_dir_all(closed.directory.lake())?,
            Remedy::Readings(wrong) => {
                let failed = |e| Failure::new(format!("lake: {e}"));
                let records = records(&closed, &schema, end.next, wrong)?;
                let lake = Lake::open(&closed.directory.lake(), schema, end.incarnation).await.map_err(failed)?;
                tell_retention(closed.directory.root(), &lake)?;
                lake.repair(wrong, &records).await.map_err(failed)?;
            }
        }
    }
    Ok(())
}

/// Whether what is left of the journal is enough for it.
fn may_repair(closed: &Closed, remedies: &Remedies) -> Result<(), Failure> {
    let Some(gone) = gone(&closed.journal) else { return Ok(()) };
    let restore = "restore a backup that was made since, or leave it as it is";
    let mut wrong = Wrong::new();
    for (name, remedy) in [("views", &remedies.views), ("lake", &remedies.lake)] {
        match remedy {
            None => {}
            Some(Remedy::Whole) => {
                return Err(Failure::new(format!("the {name} can't be made again as a whole: {gone}")).hint(restore));
            }
            Some(Remedy::Readings(readings)) => wrong.extend(readings.iter().cloned()),
        }
    }
    if remedies.has_foreign {
        let said = format!("a stage has readings that the journal does not have, and nobody can say whether it ever had: {gone}");
        return Err(Failure::new(said).hint(restore));
    }
    let failed = |e| Failure::new(format!("views: {e}"));
    let first = closed.journal.first();
    let mut former = None;
    let readers = Readers::open(&closed.directory.views()).map_err(failed)?;
    let mut look = |_, _, reading: Reading| {
        let key = (reading.subject, reading.id);
        if former.is_none() && wrong.contains(&key) {
            former = Some(key);
        }
    };
    readers.take().and_then(|reader| reader.ask(|ask| ask.revisions_before(first, &mut look))).map_err(failed)?;
    match former {
        None => Ok(()),
        Some((subject, id)) => {
            let said = format!("the reading {id} of {subject} has revisions from before that can't be made again: {gone}");
            Err(Failure::new(said).hint(restore))
        }
    }
}

fn remove_views(path: &Path) -> Result<(), Failure> {
    for file in ["views.db", "views.db-wal", "views.db-shm"] {
        match fs::remove_file(path.with_file_name(file)) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error.into()),
            _ => {}
        }
    }
    Ok(())
}

/// Every input about these readings, with what it was to those before it.
fn records(closed: &Closed, schema: &Schema, until: u64, wrong: &Wrong) -> Result<Vec<Record>, Failure> {
    let mut known: BTreeMap<(Subject, ReadingId), Revisions> = BTreeMap::new();
    let mut records = Vec::new();
    walk(closed, None, schema, until, |journaled| {
        let key = (journaled.reading.subject.clone(), journaled.reading.id);
        if wrong.contains(&key) {
            let outcome = known.entry(key).or_default().take_in(&journaled.reading);
            let entry = Arc::new(Entry { arrival: journaled.arrival, input: Input::Reading(journaled.reading) });
            records.push(Record { offset: journaled.offset, entry, effects: [Effect::Reading(outcome)].into() });
        }
    })?;
    Ok(records)
}
