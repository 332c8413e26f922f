//! Rows to Arrow: readings, findings and dead letters become columns.
//!
//! A batch of readings holds one stream only, so it has just that stream's columns; the others are null by not being there, and cost
//! nothing until a query asks for them.

use std::sync::Arc;

use datafusion::arrow::array::{
    ArrayRef, BinaryBuilder, BooleanBuilder, Float64Builder, Int64Builder, ListBuilder, RecordBatch, StringBuilder,
    StringViewBuilder, TimestampMicrosecondBuilder,
};
use datafusion::arrow::datatypes::{DataType, Field};
use vitalog_elog::input::DeadLetter;
use vitalog_elog::{Cause, Content, FieldKind, FindingChange, Input, Reading, StreamIx, Time, Value, When};
use vitalog_elog::{Entry, Quiet};

use crate::error::{Doing, LakeError};
use crate::exact;
use crate::layout::Layout;
use crate::table::Table;

/// A revision and when it was accepted. The entry is a reading.
#[derive(Clone, Debug)]
pub struct ReadingRow(pub Arc<Entry>);

/// A revision that isn't current.
#[derive(Clone, Debug)]
pub struct HistoryRow {
    pub entry: Arc<Entry>,
    pub superseded_at: Time,
    pub reason: Reason,
}

/// Why a revision is history.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// A greater revision took its place.
    Superseded,
    /// A removal took its place.
    Removed,
    /// A greater revision was there before it came.
    Outdated,
    /// It says that the reading is removed.
    Removal,
}

/// A finding's change, with the input it follows from.
#[derive(Clone, Debug)]
pub struct FindingRow {
    pub offset: u64,
    pub arrival: Time,
    pub change: Arc<FindingChange>,
}

/// A dead letter. The entry is one.
#[derive(Clone, Debug)]
pub struct LetterRow {
    pub offset: u64,
    pub entry: Arc<Entry>,
}

/// Rows of one batch become columns. `stream`: whose rows they are, where they are readings.
pub trait Rows: Sized + Clone {
    /// # Errors
    /// Where Arrow refuses.
    fn encode(rows: &[Self], stream: Option<StreamIx>, layout: &Layout) -> Result<RecordBatch, LakeError>;
}

impl Reason {
    pub fn name(self) -> &'static str {
        match self {
            Reason::Superseded => "superseded",
            Reason::Removed => "removed",
            Reason::Outdated => "outdated",
            Reason::Removal => "removal",
        }
    }
}

impl ReadingRow {
    fn parts(&self) -> Option<(&Reading, Time)> {
        reading_of(&self.0)
    }
}

pub(crate) fn reading_of(entry: &Entry) -> Option<(&Reading, Time)> {
    match &entry.input {
        Input::Reading(reading) => Some((reading, entry.arrival)),
        _ => None,
    }
}

impl Rows for ReadingRow {
    fn encode(rows: &[Self], stream: Option<StreamIx>, layout: &Layout) -> Result<RecordBatch, LakeError> {
        let columns = reading_arrays(rows.iter().filter_map(ReadingRow::parts), stream, layout)?;
        RecordBatch::try_new(layout.hot_schema(stream).clone(), columns).doing("making columns of readings")
    }
}

impl Rows for HistoryRow {
    fn encode(rows: &[Self], stream: Option<StreamIx>, layout: &Layout) -> Result<RecordBatch, LakeError> {
        let mut columns = reading_arrays(rows.iter().filter_map(|r| reading_of(&r.entry)), stream, layout)?;
        let mut fields: Vec<Arc<Field>> = layout.hot_schema(stream).fields().iter().cloned().collect();
        let (mut at, mut reason) = (times(), StringViewBuilder::new());
        for row in rows {
            at.append_value(row.superseded_at.micros());
            reason.append_value(row.reason.name());
        }
        columns.extend([Arc::new(at.finish()) as ArrayRef, Arc::new(reason.finish())]);
        fields.extend(crate::table::history_columns().iter().map(|c| Arc::new(c.arrow())));
        let schema = datafusion::arrow::datatypes::Schema::new(fields);
        RecordBatch::try_new(Arc::new(schema), columns).doing("making columns of history")
    }
}

/// The common columns, then those of the stream's fields.
fn reading_arrays<'a>(
    rows: impl Iterator<Item = (&'a Reading, Time)> + Clone,
    stream: Option<StreamIx>,
    layout: &Layout,
) -> Result<Vec<ArrayRef>, LakeError> {
    let (mut subject, mut name, mut id, mut source) =
        (StringViewBuilder::new(), StringViewBuilder::new(), StringViewBuilder::new(), StringViewBuilder::new());
    let (mut at, mut start_at, mut end_at, mut arrival) = (times(), times(), times(), times());
    let (mut rev, mut seq, mut sent) = (Int64Builder::new(), Int64Builder::new(), StringViewBuilder::new());
    let declared = stream.and_then(|ix| layout.streams.streams.get(usize::from(ix.0)));
    for (reading, accepted) in rows.clone() {
        let content = reading.content.as_ref();
        subject.append_value(reading.subject.as_str());
        name.append_option(declared.map(|s| &*s.name));
        let (start, end) = match content.map(|c| c.when) {
            Some(When::During { start, end }) => (Some(start.micros()), end.map(Time::micros)),
            _ => (None, None),
        };
        at.append_option(content.and_then(|c| c.when.instant()).map(Time::micros));
        start_at.append_option(start);
        end_at.append_option(end);
        arrival.append_value(accepted.micros());
        rev.append_value(i64::from(reading.rev));
        id.append_option(reading.given.as_deref());
        source.append_option(content.and_then(|c| c.source.as_deref()));
        // Delta has no unsigned numbers; the same 64 bits come back.
        seq.append_option(content.and_then(|c| c.seq).map(|n| n as i64));
        sent.append_option(content.and_then(|c| declared.and_then(|s| all_as_sent(c, &s.fields))));
    }
    let mut columns: Vec<ArrayRef> = vec![
        Arc::new(subject.finish()),
        Arc::new(name.finish()),
        Arc::new(at.finish()),
        Arc::new(start_at.finish()),
        Arc::new(end_at.finish()),
        Arc::new(arrival.finish()),
        Arc::new(rev.finish()),
        Arc::new(id.finish()),
        Arc::new(source.finish()),
        Arc::new(seq.finish()),
        Arc::new(sent.finish()),
    ];
    for (i, field) in declared.map_or(&[][..], |s| &s.fields).iter().enumerate() {
        let values = rows.clone().map(|(r, _)| r.content.as_ref().and_then(|c| c.values.get(i)).and_then(Option::as_ref));
        columns.push(field_array(values, &field.kind));
    }
    Ok(columns)
}

fn all_as_sent(content: &Content, fields: &[vitalog_elog::Field]) -> Option<String> {
    let mut out: Option<String> = None;
    for (field, value) in fields.iter().zip(&content.values) {
        let (FieldKind::Quantity(unit), Some(Value::Quantity(amount))) = (&field.kind, value) else { continue };
        if let Some(text) = exact::as_sent(&field.name, *amount, *unit) {
            match &mut out {
                Some(all) => *all = format!("{all};{text}"),
                None => out = Some(text),
            }
        }
    }
    out
}

fn field_array<'a>(values: impl Iterator<Item = Option<&'a Value>>, kind: &FieldKind) -> ArrayRef {
    match kind {
        FieldKind::Quantity(unit) => {
            let mut column = Float64Builder::new();
            for value in values {
                column.append_option(match value {
                    Some(Value::Quantity(amount)) => Some(exact::shown(*amount, *unit)),
                    _ => None,
                });
            }
            Arc::new(column.finish())
        }
        FieldKind::Enum(words) => {
            let mut column = StringViewBuilder::new();
            for value in values {
                column.append_option(match value {
                    Some(Value::Enum(i)) => words.get(usize::from(*i)).map(|w| &**w),
                    _ => None,
                });
            }
            Arc::new(column.finish())
        }
        FieldKind::Text => {
            let mut column = StringViewBuilder::new();
            for value in values {
                column.append_option(match value {
                    Some(Value::Text(text)) => Some(&**text),
                    _ => None,
                });
            }
            Arc::new(column.finish())
        }
        FieldKind::TimeOfDay => {
            let mut column = StringViewBuilder::new();
            for value in values {
                column.append_option(match value {
                    Some(Value::TimeOfDay(time)) => Some(time.to_string()),
                    _ => None,
                });
            }
            Arc::new(column.finish())
        }
        FieldKind::Bool => {
            let mut column = BooleanBuilder::new();
            for value in values {
                column.append_option(match value {
                    Some(Value::Bool(b)) => Some(*b),
                    _ => None,
                });
            }
            Arc::new(column.finish())
        }
    }
}

impl Rows for FindingRow {
    fn encode(rows: &[Self], _: Option<StreamIx>, layout: &Layout) -> Result<RecordBatch, LakeError> {
        let text = |of: &dyn Fn(&FindingRow) -> Option<String>| {
            let mut column = StringViewBuilder::new();
            rows.iter().for_each(|r| column.append_option(of(r)));
            Arc::new(column.finish()) as ArrayRef
        };
        let time = |of: &dyn Fn(&FindingRow) -> Option<Time>| {
            let mut column = times();
            rows.iter().for_each(|r| column.append_option(of(r).map(Time::micros)));
            Arc::new(column.finish()) as ArrayRef
        };
        let int = |of: &dyn Fn(&FindingRow) -> i64| {
            let mut column = Int64Builder::new();
            rows.iter().for_each(|r| column.append_value(of(r)));
            Arc::new(column.finish()) as ArrayRef
        };
        let owned = |text: &Option<Arc<str>>| text.as_deref().map(str::to_owned);
        let mut evidence = ListBuilder::new(StringBuilder::new()).with_field(Field::new("element", DataType::Utf8, true));
        let mut by_clock = BooleanBuilder::new();
        for row in rows {
            for id in row.change.finding.evidence.iter() {
                evidence.values().append_value(id.to_string());
            }
            evidence.append(true);
            by_clock.append_value(row.change.finding.by_clock);
        }
        let columns = vec![
            int(&|r| r.offset as i64),
            time(&|r| Some(r.arrival)),
            time(&|r| Some(r.change.decided_at)),
            text(&|r| Some(r.change.finding.id.to_string())),
            int(&|r| i64::from(r.change.finding.revision)),
            text(&|r| Some(r.change.change.name().to_owned())),
            text(&|r| Some(cause_name(r.change.cause).to_owned())),
            text(&|r| match r.change.cause {
                Cause::Reading(id) => Some(id.to_string()),
                _ => None,
            }),
            text(&|r| Some(r.change.finding.rule.to_string())),
            text(&|r| Some(format!("{:016x}", r.change.finding.version))),
            text(&|r| Some(r.change.finding.title.to_string())),
            text(&|r| Some(r.change.finding.subject.to_string())),
            text(&|r| Some(r.change.finding.kind.name().to_owned())),
            text(&|r| Some(r.change.finding.state.name().to_owned())),
            text(&|r| Some(r.change.finding.severity.name().to_owned())),
            time(&|r| Some(r.change.finding.onset)),
            time(&|r| Some(r.change.finding.at)),
            time(&|r| r.change.finding.end),
            time(&|r| r.change.finding.resolved_at),
            Arc::new(evidence.finish()) as ArrayRef,
            text(&|r| Some(r.change.finding.text.to_string())),
            text(&|r| owned(&r.change.finding.notify)),
            text(&|r| owned(&r.change.finding.cite)),
            text(&|r| r.change.finding.quiet.map(|q| quiet_name(q).to_owned())),
            Arc::new(by_clock.finish()),
        ];
        RecordBatch::try_new(layout.schema(Table::Matches).clone(), columns).doing("making columns of findings")
    }
}

fn cause_name(cause: Cause) -> &'static str {
    match cause {
        Cause::Reading(_) => "reading",
        Cause::Profile => "profile",
        Cause::Rules => "rules",
        Cause::Clock => "clock",
    }
}

fn quiet_name(quiet: Quiet) -> &'static str {
    match quiet {
        Quiet::Stale => "stale",
        Quiet::SpokeLately => "spoke_lately",
        Quiet::OtherOpen => "other_open",
        Quiet::Shadow => "shadow",
    }
}

impl Rows for LetterRow {
    fn encode(rows: &[Self], _: Option<StreamIx>, layout: &Layout) -> Result<RecordBatch, LakeError> {
        let (mut offset, mut arrival, mut raw) = (Int64Builder::new(), times(), BinaryBuilder::new());
        let [mut sender, mut subject, mut code, mut field, mut message] = std::array::from_fn(|_| StringViewBuilder::new());
        for (row, letter) in rows.iter().filter_map(|r| Some((r, letter_of(&r.entry)?))) {
            offset.append_value(row.offset as i64);
            arrival.append_value(row.entry.arrival.micros());
            sender.append_value(&letter.sender);
            subject.append_option(letter.subject.as_ref().map(|s| s.as_str()));
            code.append_value(&letter.code);
            field.append_option(letter.field.as_deref());
            message.append_value(&letter.message);
            raw.append_value(&letter.raw);
        }
        let columns: Vec<ArrayRef> = vec![
            Arc::new(offset.finish()),
            Arc::new(arrival.finish()),
            Arc::new(sender.finish()),
            Arc::new(subject.finish()),
            Arc::new(code.finish()),
            Arc::new(field.finish()),
            Arc::new(message.finish()),
            Arc::new(raw.finish()),
        ];
        RecordBatch::try_new(layout.schema(Table::DeadLetters).clone(), columns).doing("making columns of dead letters")
    }
}

pub(crate) fn letter_of(entry: &Entry) -> Option<&DeadLetter> {
    match &entry.input {
        Input::DeadLetter(letter) => Some(letter),
        _ => None,
    }
}

fn times() -> TimestampMicrosecondBuilder {
    TimestampMicrosecondBuilder::new().with_data_type(crate::table::Kind::Time.arrow())
}
