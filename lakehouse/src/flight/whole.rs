//! Whether what comes as values is whole: the library that reads it takes the word of whoever sends it for types, lengths and places, and ends its thread where these are none.
//!
//! Of types, only those are let by that a value of a parameter can have.

use arrow_flight::FlightData;
use datafusion::arrow::ipc::{Endianness, Field, MessageHeader, Precision, RecordBatch, TimeUnit, Type, root_as_message};

/// The longest value of fixed length.
const WIDEST: i32 = 1 << 20;

/// Whether a message can be read without harm.
pub(crate) fn is_whole(data: &FlightData) -> bool {
    // A message without a head only says something about others.
    if data.data_header.is_empty() {
        return data.data_body.is_empty();
    }
    let Ok(message) = root_as_message(&data.data_header) else { return false };
    match message.header_type() {
        MessageHeader::Schema => message.header_as_schema().is_some_and(|schema| {
            let is_native = schema.endianness() == Endianness::Little;
            is_native && schema.fields().is_some_and(|fields| fields.iter().all(|field| is_known(&field, false)))
        }),
        MessageHeader::RecordBatch => message.header_as_record_batch().is_some_and(|batch| fits(&batch, data.data_body.len())),
        // Dictionaries among them.
        _ => false,
    }
}

/// Each column has its rows, and each buffer its place.
fn fits(batch: &RecordBatch<'_>, body: usize) -> bool {
    let body = i64::try_from(body).unwrap_or(i64::MAX);
    // No value takes less than a bit, but what is null.
    let rows = 0..=body.saturating_mul(8).max(8);
    let within =
        |offset: i64, length: i64| offset >= 0 && length >= 0 && offset.checked_add(length).is_some_and(|end| end <= body);
    let nodes = batch.nodes().is_some_and(|nodes| {
        nodes.iter().all(|node| rows.contains(&node.length()) && (0..=node.length()).contains(&node.null_count()))
    });
    let buffers = batch.buffers().is_some_and(|buffers| buffers.iter().all(|buffer| within(buffer.offset(), buffer.length())));
    rows.contains(&batch.length()) && nodes && buffers && batch.compression().is_none() && batch.variadicBufferCounts().is_none()
}

fn is_known(field: &Field<'_>, is_within: bool) -> bool {
    let unit =
        |unit: TimeUnit| [TimeUnit::SECOND, TimeUnit::MILLISECOND, TimeUnit::MICROSECOND, TimeUnit::NANOSECOND].contains(&unit);
    let children = field.children().map_or(0, |children| children.len());
    let known = match field.type_type() {
        Type::Null | Type::Bool | Type::Utf8 | Type::LargeUtf8 | Type::Binary | Type::LargeBinary => true,
        Type::Int => field.type_as_int().is_some_and(|int| [8, 16, 32, 64].contains(&int.bitWidth())),
        Type::FloatingPoint => field
            .type_as_floating_point()
            .is_some_and(|float| [Precision::HALF, Precision::SINGLE, Precision::DOUBLE].contains(&float.precision())),
        Type::Decimal => field.type_as_decimal().is_some_and(|decimal| {
            let (precision, scale) = (decimal.precision(), decimal.scale());
            decimal.bitWidth() == 128 && (1..=38).contains(&precision) && (0..=precision).contains(&scale)
        }),
        Type::Date => field.type_as_date().is_some_and(|date| (0..=1).contains(&date.unit().0)),
        Type::Time => field.type_as_time().is_some_and(|time| {
            let is_short = [TimeUnit::SECOND, TimeUnit::MILLISECOND].contains(&time.unit());
            unit(time.unit()) && time.bitWidth() == if is_short { 32 } else { 64 }
        }),
        Type::Timestamp => field.type_as_timestamp().is_some_and(|timestamp| unit(timestamp.unit())),
        Type::Duration => field.type_as_duration().is_some_and(|duration| unit(duration.unit())),
        Type::Interval => field.type_as_interval().is_some_and(|interval| (0..=2).contains(&interval.unit().0)),
        Type::FixedSizeBinary => {
            field.type_as_fixed_size_binary().is_some_and(|binary| (1..=WIDEST).contains(&binary.byteWidth()))
        }
        Type::List | Type::LargeList => {
            let item = field.children().filter(|children| children.len() == 1).map(|children| children.get(0));
            return !is_within && field.dictionary().is_none() && item.is_some_and(|item| is_known(&item, true));
        }
        _ => false,
    };
    known && children == 0 && field.dictionary().is_none()
}
