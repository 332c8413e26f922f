//! Readings and profiles for a backtest, from files or from a data directory's lake.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use vitalog_cep::plan::Library;
use vitalog_elog::profile::ProfileChange;
use vitalog_elog::{Reading, Subject, Time};
use vitalog_ingest::admit::{Admission, Limits, admit_value};
use vitalog_ingest::decode::{self, Format, Scalar};
use vitalog_lakehouse::Selection;

use crate::failure::Failure;
use crate::run::{Arrival, Node, Options, arrivals, has_journal, move_to};

/// Which readings are wanted. Of a subject also those of others, where readings may be seen under several.
#[derive(Default)]
pub struct Wanted {
    pub subject: Option<Subject>,
    /// Included.
    pub from: Option<Time>,
    /// Excluded.
    pub to: Option<Time>,
}

impl Wanted {
    /// Removals are always wanted: they say nothing of when.
    fn wants(&self, reading: &Reading, library: &Library) -> bool {
        // Where readings are seen under several subjects, who else is joined to this one is known only when all are there.
        if !library.schema.shares() && self.subject.as_ref().is_some_and(|s| *s != reading.subject) {
            return false;
        }
        let Some(content) = &reading.content else { return true };
        let at = content.when.instant().unwrap_or_else(|| content.when.start());
        self.from.is_none_or(|from| from <= at) && self.to.is_none_or(|to| at < to)
    }
}

/// The largest unpacked file.
const MOST_BYTES: usize = 4 << 30;

/// The bytes of a file, unpacked where its name ends in `.gz` or `.zst`.
///
/// # Errors
/// Where it can't be read or unpacked.
pub fn bytes(path: &Path) -> Result<Vec<u8>, Failure> {
    let bytes = std::fs::read(path).map_err(|e| Failure::usage(format!("cannot read {}: {e}", path.display())))?;
    let name = path.file_name().and_then(|n| n.to_str()).unwrap_or_default();
    match decode::Packing::of_file(name) {
        Some((packing, _)) => packing.unpack(&bytes, MOST_BYTES).map_err(|e| Failure::new(format!("{}: {e}", path.display()))),
        None => Ok(bytes),
    }
}

/// The form of a file, by its name and beginning.
///
/// # Errors
/// Where it is none that is known.
pub fn format_of(path: &Path, bytes: &[u8]) -> Result<Format, Failure> {
    let name = path.file_name().and_then(|n| n.to_str()).unwrap_or_default();
    Format::of_file(name, &bytes[..bytes.len().min(4_096)]).ok_or_else(|| {
        Failure::usage(format!("cannot tell what {} holds", path.display()))
            .hint("give it the ending .ndjson, .json, .csv or .arrows, or the name of a T1D-UOM or AIM-94 file (`data-01`)")
    })
}

/// All wanted readings of files. The first that is refused ends it: a backtest over half a history would say something else.
///
/// # Errors
/// What is wrong with a file or a line of it.
pub fn from_files(paths: &[&Path], library: &Library, wanted: &Wanted) -> Result<Vec<Reading>, Failure> {
    let admission = Admission::new(library.schema.clone(), Limits::default());
    let mut readings = Vec::new();
    for path in paths {
        let bytes = bytes(path)?;
        let refused = |line: Option<u64>, refusal| {
            let place = line.map_or_else(|| path.display().to_string(), |line| format!("{}:{line}", path.display()));
            Failure::new(format!("{place}: {refusal}")).hint("mend the line, or take it out")
        };
        for item in decode::decode(&format_of(path, &bytes)?, &bytes).map_err(|r| refused(None, r))? {
            let admitted = item.reading.and_then(|raw| admission.admit(&raw, FAR_FUTURE));
            let reading = admitted.map_err(|r| refused(Some(item.line), r))?;
            if wanted.wants(&reading, library) {
                readings.push(reading);
            }
        }
    }
    Ok(readings)
}

/// A history may end at any time: nothing in it is too far ahead.
const FAR_FUTURE: Time = Time(i64::MAX / 2);

/// All wanted current readings of a data directory: what is in its lake, and what is journaled and not landed yet.
///
/// # Errors
/// Where the data directory can't be opened or is held by a server.
pub fn from_lake(data: &Path, library: &Library, wanted: &Wanted) -> Result<Vec<Reading>, Failure> {
    if !has_journal(data) {
        return Err(Failure::usage(format!("{} is no data directory", data.display())));
    }
    let subject = wanted.subject.clone().filter(|_| !library.schema.shares());
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let mut readings = runtime.block_on(async {
        let node = Node::start(Options::quiet(data)).await?;
        let selection = Selection { subject, source: None, from: wanted.from, to: wanted.to };
        let found = node.lake.readings(&selection).await;
        let schema = node.library().schema.clone();
        node.stop().await?;
        let found = found.map_err(|e| Failure::new(format!("lake: {e}")))?;
        let readings: Vec<Reading> = found.into_iter().map(|accepted| accepted.reading).collect();
        Ok::<_, Failure>((readings, schema))
    })?;
    for reading in &mut readings.0 {
        move_to(reading, &readings.1, &library.schema)?;
    }
    runtime.shutdown_timeout(Duration::from_secs(5));
    Ok(readings.0)
}

/// All wanted readings of a data directory as they came, every revision and removal of them, from its journal.
///
/// # Errors
/// Where the data directory can't be read or is held by a server.
pub fn as_they_came(data: &Path, library: &Library, wanted: &Wanted) -> Result<Vec<Arrival>, Failure> {
    let mut all = arrivals(data, library)?;
    all.retain(|arrival| wanted.wants(&arrival.reading, library));
    Ok(all)
}

/// Profile changes from NDJSON lines of `{"subject", "field", "value", "at"}`.
///
/// # Errors
/// What is wrong with a line.
pub fn profiles(path: &Path, library: &Library) -> Result<Vec<ProfileChange>, Failure> {
    let text = String::from_utf8(bytes(path)?).map_err(|_| Failure::new(format!("{} is not UTF-8", path.display())))?;
    let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    let mut changes = lines
        .map(|(i, line)| {
            profile_change(line, library).map_err(|why| Failure::new(format!("{}:{}: {why}", path.display(), i + 1)))
        })
        .collect::<Result<Vec<_>, _>>()?;
    changes.sort_by_key(|c| c.at);
    Ok(changes)
}

fn profile_change(line: &str, library: &Library) -> Result<ProfileChange, String> {
    let json: Value = serde_json::from_str(line).map_err(|e| e.to_string())?;
    let text = |key: &str| json[key].as_str().ok_or_else(|| format!("`{key}` must be a text"));
    let name = text("field")?;
    let field = library.profile.iter().find(|f| *f.name == *name).ok_or_else(|| format!("the profile has no field {name:?}"))?;
    let said = match &json["value"] {
        Value::Null => None,
        Value::Bool(b) => Some(Scalar::Bool(*b)),
        Value::String(s) => Some(Scalar::Text(s.as_str().into())),
        other => Some(Scalar::Number(other.to_string().into())),
    };
    let value = said.map(|s| admit_value(&field.name, &field.kind, field.range, &s, &Limits::default())).transpose();
    let at = Time::parse(text("at")?).map_err(|_| "`at` must be an instant with its offset from UTC".to_owned())?;
    Ok(ProfileChange {
        subject: Subject::new(text("subject")?),
        field: Arc::clone(&field.name),
        value: value.map_err(|e| e.to_string())?,
        at,
    })
}
