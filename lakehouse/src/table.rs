//! The tables of the lake: their names, columns and how their files are sorted.
//!
//! A column is declared once, here or from a stream's field, and becomes an Arrow field, a Delta field and a Parquet encoding. Texts are
//! string views in memory. All columns are nullable: a file written before a column was added reads as null.

use std::sync::Arc;

use datafusion::arrow::datatypes::{DataType, Field, Schema as ArrowSchema, SchemaRef, TimeUnit};

/// One of the lake's tables.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Table {
    /// Revisions that were superseded, removed or outdated, and the removals themselves.
    History,
    /// Every change of every finding.
    Matches,
    /// The changes of findings again, of which the relation shows the latest of each.
    Recommendations,
    /// What was refused at the door.
    DeadLetters,
    /// Current readings.
    Readings,
}

/// What a column holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Text,
    /// Microseconds, UTC.
    Time,
    Int,
    Float,
    Bool,
    Bytes,
    /// A list of texts.
    Texts,
}

/// How a column is stored in a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Packing {
    /// A dictionary of the distinct values.
    Dictionary,
    /// The difference to the row before: times, counters.
    Delta,
    /// What differs from the text before: names that count up.
    Prefix,
    /// Neither helps.
    Plain,
}

/// One column.
#[derive(Clone, Debug, PartialEq)]
pub struct Column {
    pub name: Arc<str>,
    pub kind: Kind,
    pub packing: Packing,
    pub unit: Option<&'static str>,
    pub doc: Arc<str>,
}

impl Table {
    /// In the order in which they are committed.
    ///
    /// INVARIANT (readings last): once the readings of a position are committed, so is everything else of it. So the position of `readings`
    /// is that of the lake, and a table that had nothing to add needs no commit.
    pub const ALL: [Table; 5] = [Table::History, Table::Matches, Table::Recommendations, Table::DeadLetters, Table::Readings];

    pub fn name(self) -> &'static str {
        match self {
            Table::History => "readings_history",
            Table::Matches => "matches",
            Table::Recommendations => "recommendations",
            Table::DeadLetters => "dead_letters",
            Table::Readings => "readings",
        }
    }

    pub(crate) fn place(self) -> usize {
        self as usize
    }

    /// Where a file of the table is in the store.
    pub(crate) fn place_of(self, file: &str) -> String {
        format!("{}/{file}", self.name())
    }

    /// What a file is sorted by, nulls last.
    pub(crate) fn order(self) -> &'static [&'static str] {
        match self {
            Table::Readings => &["subject", "stream", "at", "start_at"],
            Table::History => &["superseded_at", "subject"],
            Table::Matches | Table::Recommendations => &["offset", "id"],
            Table::DeadLetters => &["offset"],
        }
    }

    /// Columns with least and greatest value per file in the Delta log.
    pub(crate) fn bounded(self) -> &'static [&'static str] {
        match self {
            Table::Readings => &["subject", "stream", "at", "start_at", "arrival"],
            Table::History => &["subject", "stream", "at", "arrival", "superseded_at"],
            Table::Matches | Table::Recommendations => &["subject", "rule", "onset", "at", "arrival", "offset"],
            Table::DeadLetters => &["arrival", "offset"],
        }
    }

    pub(crate) fn comment(self) -> &'static str {
        match self {
            Table::Readings => {
                "Current readings. One row per reading; quantities in the unit of the column's metadata, as sent in as_sent."
            }
            Table::History => {
                "Revisions of readings that were superseded, removed or outdated, and the removals. With readings it is bitemporal."
            }
            Table::Matches => "Every change of every finding; key (id, revision).",
            Table::Recommendations => "Changes of findings; the latest state of one is its row with the greatest revision.",
            Table::DeadLetters => "What could not be accepted, with the reason and the bytes as they came.",
        }
    }
}

impl Kind {
    pub fn arrow(self) -> DataType {
        match self {
            Kind::Text => DataType::Utf8View,
            Kind::Time => DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
            Kind::Int => DataType::Int64,
            Kind::Float => DataType::Float64,
            Kind::Bool => DataType::Boolean,
            Kind::Bytes => DataType::Binary,
            Kind::Texts => DataType::List(Arc::new(Field::new("element", DataType::Utf8, true))),
        }
    }
}

impl Column {
    pub(crate) fn new(name: &str, kind: Kind, packing: Packing, doc: &str) -> Column {
        Column { name: name.into(), kind, packing, unit: None, doc: doc.into() }
    }

    pub(crate) fn arrow(&self) -> Field {
        let field = Field::new(&*self.name, self.kind.arrow(), true);
        match self.unit {
            Some(unit) => field.with_metadata([("unit".to_owned(), unit.to_owned())].into()),
            None => field,
        }
    }
}

/// The Arrow schema of columns.
pub(crate) fn arrow_schema<'a>(columns: impl IntoIterator<Item = &'a Column>) -> SchemaRef {
    Arc::new(ArrowSchema::new(columns.into_iter().map(Column::arrow).collect::<Vec<_>>()))
}

/// The columns that every reading has, before those of its stream's fields.
pub(crate) fn reading_columns() -> Vec<Column> {
    use Kind::*;
    use Packing::*;
    vec![
        Column::new("subject", Text, Dictionary, "whom it is about"),
        Column::new("stream", Text, Dictionary, "what was measured; null for a removal"),
        Column::new("at", Time, Delta, "the instant; of an interval its end, null while it goes on"),
        Column::new("start_at", Time, Delta, "of an interval, its start"),
        Column::new("end_at", Time, Delta, "of an interval, its end"),
        Column::new("arrival", Time, Delta, "when it was accepted"),
        Column::new("rev", Int, Dictionary, "revision"),
        Column::new("id", Text, Prefix, "the name its sender gave it; null where the id is derived from the content"),
        Column::new("source", Text, Dictionary, "the device or app that sent it"),
        Column::new("seq", Int, Delta, "its count at the source"),
        Column::new("as_sent", Text, Dictionary, "amounts as sent, where the columns don't tell them exactly"),
    ]
}

/// What a revision in the history has besides.
pub(crate) fn history_columns() -> Vec<Column> {
    vec![
        Column::new(
            "superseded_at",
            Kind::Time,
            Packing::Delta,
            "arrival of what superseded it; its own, where it was never current",
        ),
        Column::new("reason", Kind::Text, Packing::Dictionary, "superseded, removed, outdated, or removal"),
    ]
}

/// A finding after a change of it.
pub(crate) fn finding_columns() -> Vec<Column> {
    use Kind::*;
    use Packing::*;
    vec![
        Column::new("offset", Int, Delta, "the journaled input it follows from"),
        Column::new("arrival", Time, Delta, "when that input was accepted"),
        Column::new("decided_at", Time, Delta, "the engine's clock when it was decided"),
        Column::new("id", Text, Prefix, "the finding, 32 hexadecimal digits"),
        Column::new("revision", Int, Dictionary, "1 when it opened; each change adds one"),
        Column::new("change", Text, Dictionary, "opened, amended, resolved, lapsed or rescinded"),
        Column::new("cause", Text, Dictionary, "what made the engine look: reading, profile, rules or clock"),
        Column::new("cause_reading", Text, Plain, "the id of the reading, where that was the cause"),
        Column::new("rule", Text, Dictionary, "the rule that found it"),
        Column::new("version", Text, Dictionary, "the meaning of the rule, 16 hexadecimal digits"),
        Column::new("title", Text, Dictionary, "what the rule is called for people"),
        Column::new("subject", Text, Dictionary, "whom it is about"),
        Column::new("kind", Text, Dictionary, "episode, silence or match"),
        Column::new("state", Text, Dictionary, "open, resolved, lapsed or rescinded"),
        Column::new("severity", Text, Dictionary, "info, advisory, warning, urgent or critical"),
        Column::new("onset", Time, Delta, "first instant of what was found"),
        Column::new("at", Time, Delta, "the instant whose decision opened it"),
        Column::new("end_at", Time, Delta, "end of the episode, or last reading of the match"),
        Column::new("resolved_at", Time, Delta, "when the end was known, in event time"),
        Column::new("evidence", Texts, Plain, "ids of the readings it rests on"),
        Column::new("text", Text, Dictionary, "what the patient is told"),
        Column::new("notify", Text, Dictionary, "the policy that tells them"),
        Column::new("cite", Text, Dictionary, "where the rule comes from"),
        Column::new("quiet", Text, Dictionary, "why nobody is disturbed: stale, spoke_lately, other_open or shadow"),
        Column::new("by_clock", Bool, Plain, "opened by the clock rather than by a reading"),
    ]
}

/// Something refused at the door.
pub(crate) fn letter_columns() -> Vec<Column> {
    use Kind::*;
    use Packing::*;
    vec![
        Column::new("offset", Int, Delta, "where it is in the journal"),
        Column::new("arrival", Time, Delta, "when it came"),
        Column::new("sender", Text, Dictionary, "the id of the token or source that sent it"),
        Column::new("subject", Text, Dictionary, "whom it is about, where that could be read"),
        Column::new("code", Text, Dictionary, "why it was refused"),
        Column::new("field", Text, Dictionary, "the field at fault"),
        Column::new("message", Text, Dictionary, "what is wrong"),
        Column::new("raw", Bytes, Plain, "the bytes as they came"),
    ]
}
