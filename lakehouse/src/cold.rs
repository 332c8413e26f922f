//! The files of a table at one version, and what is known of each without opening it.

use std::collections::BTreeMap;
use std::sync::Arc;

use deltalake::table::state::DeltaTableState;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;
use vitalog_elog::{Position, Time};

/// A table at one version.
#[derive(Debug)]
pub struct Cold {
    pub state: DeltaTableState,
    pub files: Vec<Arc<DataFile>>,
    /// What it has taken in of the journal.
    pub position: Position,
    /// Where the table `readings` was when this one was made: below that it knows nothing unless its own position says so.
    pub since: u64,
}

/// One Parquet file.
#[derive(Clone, Debug, PartialEq)]
pub struct DataFile {
    /// Within the table's folder.
    pub path: Arc<str>,
    pub bytes: u64,
    pub month: Option<String>,
    pub stats: Stats,
}

/// Bounds of a file's columns, in the form of Delta's file statistics.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Stats {
    #[serde(default)]
    pub num_records: u64,
    #[serde(default)]
    pub min_values: BTreeMap<String, Json>,
    #[serde(default)]
    pub max_values: BTreeMap<String, Json>,
    #[serde(default)]
    pub null_count: BTreeMap<String, Json>,
}

impl Stats {
    /// The least and greatest text, where known.
    pub fn text(&self, column: &str) -> Option<(&str, &str)> {
        Some((self.min_values.get(column)?.as_str()?, self.max_values.get(column)?.as_str()?))
    }

    /// The least and greatest instant, where known. Other writers cut the greatest off to a millisecond, so it is taken as that much later.
    pub fn time(&self, column: &str) -> Option<(i64, i64)> {
        let least = Time::parse(self.min_values.get(column)?.as_str()?).ok()?;
        let greatest = Time::parse(self.max_values.get(column)?.as_str()?).ok()?;
        Some((least.micros(), greatest.micros().saturating_add(999)))
    }

    pub fn int(&self, column: &str) -> Option<(i64, i64)> {
        Some((self.min_values.get(column)?.as_i64()?, self.max_values.get(column)?.as_i64()?))
    }
}

impl Cold {
    pub fn has(&self, path: &str) -> bool {
        self.files.iter().any(|f| &*f.path == path)
    }
}

impl DataFile {
    /// Whether a reading of that subject that is, ends or starts at that time may be in it.
    pub fn may_hold(&self, subject: &str, time: Time) -> bool {
        let within_subject = self.stats.text("subject").is_none_or(|(least, greatest)| (least..=greatest).contains(&subject));
        let t = time.micros();
        let within = |column: &str| {
            let nulls = self.stats.null_count.get(column).and_then(Json::as_u64);
            nulls.is_none_or(|n| n < self.stats.num_records)
                && self.stats.time(column).is_none_or(|(least, greatest)| (least..=greatest).contains(&t))
        };
        within_subject && (within("at") || within("start_at"))
    }
}
