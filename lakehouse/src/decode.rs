//! Arrow to readings: each row of `readings` or `readings_history` gives back the very reading it was made from.
//!
//! What isn't stored is computed again: the id of a reading without a given name and the content hash are functions of the content. Values
//! come with one place per field declared now; places that a field added since would have are absent, which is the same content.

use std::sync::Arc;

use datafusion::arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, Float64Array, Int64Array, RecordBatch, StringViewArray, TimestampMicrosecondArray,
};
use datafusion::arrow::datatypes::{Float64Type, Int64Type, TimestampMicrosecondType};
use vitalog_elog::{Content, FieldKind, Reading, StreamIx, Subject, Time, TimeOfDay, Value, When};

use crate::error::LakeError;
use crate::exact;
use crate::layout::Layout;

/// Columns of a batch, ready to be read row by row.
pub struct Decoder<'a> {
    layout: &'a Layout,
    subject: &'a StringViewArray,
    stream: &'a StringViewArray,
    at: &'a TimestampMicrosecondArray,
    start_at: &'a TimestampMicrosecondArray,
    end_at: &'a TimestampMicrosecondArray,
    arrival: &'a TimestampMicrosecondArray,
    rev: &'a Int64Array,
    id: &'a StringViewArray,
    source: &'a StringViewArray,
    seq: &'a Int64Array,
    as_sent: &'a StringViewArray,
    /// Per stream, per field.
    fields: Vec<Vec<Option<FieldColumn<'a>>>>,
}

enum FieldColumn<'a> {
    Float(&'a Float64Array),
    Text(&'a StringViewArray),
    Bool(&'a BooleanArray),
}

impl<'a> Decoder<'a> {
    /// # Errors
    /// Where a common column is missing or of another type.
    pub fn new(batch: &'a RecordBatch, layout: &'a Layout) -> Result<Decoder<'a>, LakeError> {
        let text = |name: &str| batch.column_by_name(name).and_then(|c| c.as_string_view_opt()).ok_or_else(|| bad(name));
        let time = |name: &str| {
            batch.column_by_name(name).and_then(|c| c.as_primitive_opt::<TimestampMicrosecondType>()).ok_or_else(|| bad(name))
        };
        let int =
            |name: &str| batch.column_by_name(name).and_then(|c| c.as_primitive_opt::<Int64Type>()).ok_or_else(|| bad(name));
        let fields = layout
            .streams
            .iter()
            .map(|(ix, _)| layout.fields(ix).iter().map(|c| batch.column_by_name(&c.name).and_then(FieldColumn::of)).collect())
            .collect();
        Ok(Decoder {
            layout,
            subject: text("subject")?,
            stream: text("stream")?,
            at: time("at")?,
            start_at: time("start_at")?,
            end_at: time("end_at")?,
            arrival: time("arrival")?,
            rev: int("rev")?,
            id: text("id")?,
            source: text("source")?,
            seq: int("seq")?,
            as_sent: text("as_sent")?,
            fields,
        })
    }

    /// A row's reading and when it was accepted.
    ///
    /// # Errors
    /// Where the row names a stream or word that isn't declared.
    pub fn row(&self, i: usize) -> Result<(Reading, Time), LakeError> {
        let subject = Subject::new(self.subject.value(i));
        let rev = u32::try_from(self.rev.value(i)).map_err(|_| bad("rev"))?;
        let given = self.id.is_valid(i).then(|| Arc::from(self.id.value(i)));
        let arrival = Time(self.arrival.value(i));
        if self.stream.is_null(i) {
            let given = given.ok_or_else(|| bad("id"))?;
            return Ok((Reading::removal(subject, given, rev), arrival));
        }
        let name = self.stream.value(i);
        let ix = self.layout.streams.stream(name).ok_or_else(|| LakeError::Schema(format!("stream {name:?} is not declared")))?;
        let content = Content {
            stream: ix,
            when: self.when(i),
            values: self.values(i, ix)?,
            source: self.source.is_valid(i).then(|| Arc::from(self.source.value(i))),
            seq: self.seq.is_valid(i).then(|| self.seq.value(i) as u64),
        };
        Ok((Reading::present(subject, given, rev, name, content), arrival))
    }

    fn when(&self, i: usize) -> When {
        if self.start_at.is_null(i) {
            return When::At(Time(self.at.value(i)));
        }
        let end = self.end_at.is_valid(i).then(|| Time(self.end_at.value(i)));
        When::During { start: Time(self.start_at.value(i)), end }
    }

    fn values(&self, i: usize, ix: StreamIx) -> Result<Box<[Option<Value>]>, LakeError> {
        let stream = self.layout.streams.get(ix);
        let as_sent = self.as_sent.is_valid(i).then(|| self.as_sent.value(i));
        let columns = &self.fields[usize::from(ix.0)];
        stream.fields.iter().zip(columns).map(|(field, column)| value(field, column.as_ref(), i, as_sent)).collect()
    }
}

fn value(
    field: &vitalog_elog::Field,
    column: Option<&FieldColumn<'_>>,
    i: usize,
    as_sent: Option<&str>,
) -> Result<Option<Value>, LakeError> {
    Ok(match (&field.kind, column) {
        (FieldKind::Quantity(unit), Some(FieldColumn::Float(column))) if column.is_valid(i) => {
            let sent = as_sent.and_then(|text| exact::find(text, &field.name, *unit));
            let amount = sent.or_else(|| exact::implied(column.value(i), *unit)).ok_or_else(|| bad(&field.name))?;
            Some(Value::Quantity(amount))
        }
        (FieldKind::Enum(words), Some(FieldColumn::Text(column))) if column.is_valid(i) => {
            let word = column.value(i);
            let place = words.iter().position(|w| &**w == word).ok_or_else(|| bad(&field.name))?;
            Some(Value::Enum(place as u16))
        }
        (FieldKind::Text, Some(FieldColumn::Text(column))) if column.is_valid(i) => Some(Value::Text(column.value(i).into())),
        (FieldKind::TimeOfDay, Some(FieldColumn::Text(column))) if column.is_valid(i) => {
            Some(Value::TimeOfDay(TimeOfDay::parse(column.value(i)).ok_or_else(|| bad(&field.name))?))
        }
        (FieldKind::Bool, Some(FieldColumn::Bool(column))) if column.is_valid(i) => Some(Value::Bool(column.value(i))),
        _ => None,
    })
}

impl<'a> FieldColumn<'a> {
    fn of(array: &'a ArrayRef) -> Option<FieldColumn<'a>> {
        if let Some(floats) = array.as_primitive_opt::<Float64Type>() {
            return Some(FieldColumn::Float(floats));
        }
        if let Some(texts) = array.as_string_view_opt() {
            return Some(FieldColumn::Text(texts));
        }
        array.as_boolean_opt().map(FieldColumn::Bool)
    }
}

fn bad(column: &str) -> LakeError {
    LakeError::Schema(format!("column {column} doesn't hold what the lake wrote"))
}
