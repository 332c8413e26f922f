//! What a policy comes to at an instant: from when on rows stay, and which rows of a table, a file or a journal do.
//!
//! INVARIANT (one meaning): which row is past is said by [`Cuts::kept`] alone. What is answered, what lands, what goes from files and what is made again all ask it, so none of them can disagree; bounds of a
//! file only say of all of its rows what it would say of each.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use datafusion::arrow::array::{Array, AsArray, BooleanArray, PrimitiveArray, RecordBatch, StringViewArray};
use datafusion::arrow::datatypes::TimestampMicrosecondType;
use datafusion::arrow::error::ArrowError;
use serde_json::Value as Json;
use vitalog_elog::accounting::Standing;
use vitalog_elog::{Reading, Schema, Subject, Time};

use super::policy::{FINDINGS, LETTERS, Limit, Policy};
use crate::cold::DataFile;
use crate::month::{month_name, month_of, start_of};
use crate::table::Table;

/// From when on rows stay, and whose stay anyway.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cuts {
    /// Of streams that are not named; `None`: for ever.
    every: Option<Time>,
    of: BTreeMap<Arc<str>, Option<Time>>,
    findings: Option<Time>,
    letters: Option<Time>,
    held: Arc<BTreeSet<Subject>>,
}

/// What becomes of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// All of its rows stay.
    Stays,
    /// None does.
    Goes,
    /// Each row is looked at.
    Mixed,
}

type Times = PrimitiveArray<TimestampMicrosecondType>;

impl Policy {
    /// From when on stays what no exception names, at an instant; `None`: everything.
    pub fn since(&self, now: Time) -> Option<Time> {
        self.every.map(|months| start_of(month_of(now) - i64::from(months)))
    }
}

impl Cuts {
    pub fn of(policy: &Policy, now: Time, held: Arc<BTreeSet<Subject>>) -> Cuts {
        let cut = |limit: Limit| limit.map(|months| start_of(month_of(now) - i64::from(months)));
        Cuts {
            every: cut(policy.every),
            of: policy.streams().map(|name| (name.into(), cut(policy.limit(name)))).collect(),
            findings: cut(policy.limit(FINDINGS)),
            letters: cut(policy.limit(LETTERS)),
            held,
        }
    }

    /// The same, but nobody's rows stay for being held: what is accounted for, since a hold brings back nothing that was gone.
    pub fn without_holds(&self) -> Cuts {
        Cuts { held: Arc::default(), ..self.clone() }
    }

    /// Whether everything stays.
    pub fn keeps_all(&self) -> bool {
        self.all().all(|cut| cut.is_none()) && self.findings.is_none() && self.letters.is_none()
    }

    /// What [`Cuts::kept`] looks at.
    pub fn columns(table: Table) -> &'static [&'static str] {
        match table {
            Table::Readings => &["subject", "stream", "at"],
            Table::History => &["subject", "stream", "at", "start_at", "arrival"],
            Table::Matches | Table::Recommendations => &["subject", "onset"],
            Table::DeadLetters => &["subject", "arrival"],
        }
    }

    /// Which rows stay; `None`: all. A current reading counts by its instant, an interval by its end, and one that goes on stays. A former revision that went on counts by its start, and a removal, which has
    /// no instant and no stream, by its arrival and the longest limit. A finding counts by its onset, which all of its changes share; what was refused by its arrival.
    ///
    /// # Errors
    /// Where one of [`Cuts::columns`] is missing or of another type.
    pub fn kept(&self, table: Table, batch: &RecordBatch) -> Result<Option<BooleanArray>, ArrowError> {
        if self.is_of_no_effect(table) {
            return Ok(None);
        }
        let subject = texts(batch, "subject")?;
        let in_time: Vec<bool> = match table {
            Table::Readings => self.readings(texts(batch, "stream")?, times(batch, "at")?),
            Table::History => self.history(batch)?,
            Table::Matches | Table::Recommendations => since(times(batch, "onset")?, self.findings),
            Table::DeadLetters => since(times(batch, "arrival")?, self.letters),
        };
        if in_time.iter().all(|kept| *kept) {
            return Ok(None);
        }
        let is_held = |row: usize| {
            !self.held.is_empty() && subject.is_valid(row) && self.held.iter().any(|held| held.as_str() == subject.value(row))
        };
        Ok(Some(in_time.into_iter().enumerate().map(|(row, kept)| Some(kept || is_held(row))).collect()))
    }

    /// What becomes of a file, by what the log says of it.
    pub fn of_file(&self, table: Table, file: &DataFile) -> Fate {
        if self.is_of_no_effect(table) {
            return Fate::Stays;
        }
        let since = |column: &str, cut: Option<Time>| {
            let least = file.stats.time(column).map(|(least, _)| least);
            match cut {
                Some(cut) if least.is_none_or(|least| least < cut.0) => Fate::Mixed,
                _ => Fate::Stays,
            }
        };
        match table {
            Table::Readings => self.of_readings(file),
            Table::History if file.stats.null_count.get("at").and_then(Json::as_u64) == Some(0) => since("at", self.latest()),
            Table::History => Fate::Mixed,
            Table::Matches | Table::Recommendations => since("onset", self.findings),
            Table::DeadLetters => since("arrival", self.letters),
        }
    }

    /// Whether a revision is past, whoever it is about: what accounts leave out. `arrival` is that of its input.
    pub fn is_past(&self, reading: &Reading, standing: Standing, arrival: Time, schema: &Schema) -> bool {
        let Some(content) = &reading.content else { return self.longest().is_some_and(|cut| arrival < cut) };
        let name = schema.streams.get(usize::from(content.stream.0)).map_or("", |stream| &stream.name);
        let instant = match standing {
            Standing::Current => content.when.instant(),
            Standing::Former => Some(content.when.instant().unwrap_or(content.when.start())),
        };
        self.stream(name).zip(instant).is_some_and(|(cut, instant)| instant < cut)
    }

    /// Whether a reading that stood there may have gone.
    pub(crate) fn may_have_gone(&self, stream: &str, place: Time) -> bool {
        self.stream(stream).is_some_and(|cut| place < cut)
    }

    pub fn is_held(&self, subject: &Subject) -> bool {
        self.held.contains(subject)
    }

    fn is_of_no_effect(&self, table: Table) -> bool {
        match table {
            Table::Readings | Table::History => self.all().all(|cut| cut.is_none()),
            Table::Matches | Table::Recommendations => self.findings.is_none(),
            Table::DeadLetters => self.letters.is_none(),
        }
    }

    fn all(&self) -> impl Iterator<Item = Option<Time>> {
        self.of.values().copied().chain([self.every])
    }

    fn stream(&self, name: &str) -> Option<Time> {
        self.of.get(name).copied().unwrap_or(self.every)
    }

    /// That of the stream that is kept for longest: what stays whatever stream it was of.
    fn longest(&self) -> Option<Time> {
        self.all().try_fold(Time::MAX, |least, cut| cut.map(|cut| cut.min(least)))
    }

    /// That of the stream that is kept for least: from it on everything stays.
    fn latest(&self) -> Option<Time> {
        self.all().flatten().max()
    }

    fn readings(&self, streams: &StringViewArray, at: &Times) -> Vec<bool> {
        let mut last = LastStream::default();
        let rows = (0..at.len()).map(|row| {
            let cut = if streams.is_valid(row) { last.cut(self, streams.value(row)) } else { self.longest() };
            at.is_null(row) || cut.is_none_or(|cut| at.value(row) >= cut.0)
        });
        rows.collect()
    }

    fn history(&self, batch: &RecordBatch) -> Result<Vec<bool>, ArrowError> {
        let (streams, at) = (texts(batch, "stream")?, times(batch, "at")?);
        let (start, arrival) = (times(batch, "start_at")?, times(batch, "arrival")?);
        let (mut last, longest) = (LastStream::default(), self.longest());
        let rows = (0..batch.num_rows()).map(|row| {
            if streams.is_null(row) {
                return longest.is_none_or(|cut| arrival.value(row) >= cut.0);
            }
            let instant = if at.is_valid(row) { at.value(row) } else { start.value(row) };
            last.cut(self, streams.value(row)).is_none_or(|cut| instant >= cut.0)
        });
        Ok(rows.collect())
    }

    fn of_readings(&self, file: &DataFile) -> Fate {
        let (Some(month), Some(latest)) = (file.month.as_deref(), self.latest()) else { return Fate::Mixed };
        let name = |cut: Time| month_name(month_of(cut));
        let (latest, longest) = match file.stats.text("stream") {
            Some((least, greatest)) if least == greatest => match self.stream(least) {
                None => return Fate::Stays,
                Some(cut) => (cut, Some(cut)),
            },
            _ => (latest, self.longest()),
        };
        if month >= &*name(latest) {
            return Fate::Stays;
        }
        let none_goes_on = file.stats.null_count.get("at").and_then(Json::as_u64) == Some(0);
        let within = |(least, greatest): (&str, &str)| self.held.iter().any(|held| (least..=greatest).contains(&held.as_str()));
        let none_is_held = self.held.is_empty() || file.stats.text("subject").is_some_and(|bounds| !within(bounds));
        let is_past = longest.is_some_and(|cut| month < &*name(cut));
        if is_past && none_goes_on && none_is_held { Fate::Goes } else { Fate::Mixed }
    }
}

/// Rows of a stream lie together.
#[derive(Default)]
struct LastStream<'a>(Option<(&'a str, Option<Time>)>);

impl<'a> LastStream<'a> {
    fn cut(&mut self, cuts: &Cuts, name: &'a str) -> Option<Time> {
        match self.0 {
            Some((known, cut)) if known == name => cut,
            _ => {
                let cut = cuts.stream(name);
                self.0 = Some((name, cut));
                cut
            }
        }
    }
}

fn since(times: &Times, cut: Option<Time>) -> Vec<bool> {
    let is = |row| times.is_null(row) || cut.is_none_or(|cut| times.value(row) >= cut.0);
    (0..times.len()).map(is).collect()
}

fn texts<'a>(batch: &'a RecordBatch, name: &str) -> Result<&'a StringViewArray, ArrowError> {
    batch.column_by_name(name).and_then(|c| c.as_string_view_opt()).ok_or_else(|| lacks(name))
}

fn times<'a>(batch: &'a RecordBatch, name: &str) -> Result<&'a Times, ArrowError> {
    batch.column_by_name(name).and_then(|c| c.as_primitive_opt()).ok_or_else(|| lacks(name))
}

fn lacks(name: &str) -> ArrowError {
    ArrowError::SchemaError(format!("column {name} is not what it should be"))
}
