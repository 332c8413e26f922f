//! Values as PostgreSQL writes them, as text and in binary form.
//!
//! What can't be said in PostgreSQL's type (an unsigned number beyond `bigint`, an instant before the year 1) is an error, never another value.

use std::sync::Arc;

use bytes::{BufMut, BytesMut};
use datafusion::arrow::array::types::{
    ArrowPrimitiveType, Date32Type, Decimal128Type, Float32Type, Float64Type, Int16Type, Int32Type, Int64Type,
    IntervalMonthDayNanoType, Time64MicrosecondType, TimestampMicrosecondType,
};
use datafusion::arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use datafusion::arrow::compute::{CastOptions, cast_with_options};
use datafusion::arrow::datatypes::{DataType, Field};

use crate::pg::fault::Fault;
use crate::pg::incoming::{Form, Forms};
use crate::pg::outgoing::Column;
use crate::pg::times::{self, EPOCH_DAYS, EPOCH_MICROS};
use crate::pg::types::{Type, written_as};
use crate::sql::texts;

/// A batch, ready to be written row by row.
pub struct Cells {
    columns: Vec<(&'static Type, ArrayRef)>,
    forms: Forms,
}

impl Cells {
    /// # Errors
    /// Where a value has no place in PostgreSQL's type.
    pub fn of(batch: &RecordBatch, columns: &[Column], forms: &Forms) -> Result<Cells, Fault> {
        let columns = columns.iter().zip(batch.columns());
        let columns = columns.map(|(column, array)| Ok((column.kind, prepared(column.kind, array)?)));
        Ok(Cells { columns: columns.collect::<Result<_, Fault>>()?, forms: forms.clone() })
    }

    /// Writes the cells of a row.
    ///
    /// # Errors
    /// Where a value has no place in PostgreSQL's type.
    pub fn row(&self, row: usize, out: &mut BytesMut) -> Result<(), Fault> {
        for (place, (kind, array)) in self.columns.iter().enumerate() {
            cell(kind, array, row, self.forms.of(place), out)?;
        }
        Ok(())
    }
}

fn prepared(kind: &Type, array: &ArrayRef) -> Result<ArrayRef, Fault> {
    let target = match kind.name {
        "json" => return Ok(Arc::new(texts(array).map_err(|e| broken(&e.to_string()))?)),
        "numeric" => match array.data_type() {
            DataType::Decimal32(p, s) | DataType::Decimal64(p, s) => DataType::Decimal128(*p, *s),
            _ => return Ok(array.clone()),
        },
        _ => match kind.element() {
            Some(element) => {
                let element = match (element.name, array.data_type()) {
                    ("numeric", DataType::List(item)) => item.data_type().clone(),
                    _ => written_as(element),
                };
                DataType::List(Arc::new(Field::new("item", element, true)))
            }
            None => written_as(kind),
        },
    };
    if *array.data_type() == target {
        return Ok(array.clone());
    }
    let strictly = CastOptions { safe: false, ..CastOptions::default() };
    cast_with_options(array, &target, &strictly)
        .map_err(|_| Fault::new("22003", format!("a value does not fit into {}", kind.sql)).hint("cast it to text"))
}

fn broken(why: &str) -> Fault {
    tracing::error!(why, "an answer could not be written");
    Fault::new("XX000", "the answer could not be written").hint("see the server's log")
}

fn cell(kind: &Type, array: &dyn Array, row: usize, form: Form, out: &mut BytesMut) -> Result<(), Fault> {
    if array.is_null(row) {
        out.put_i32(-1);
        return Ok(());
    }
    let begin = out.len();
    out.put_i32(0);
    match (kind.element(), form) {
        (Some(element), Form::Text) => list_text(element, array, row, out)?,
        (Some(element), Form::Binary) => list_binary(element, array, row, out)?,
        (None, Form::Text) => put_text(kind, array, row, out)?,
        (None, Form::Binary) => put_binary(kind, array, row, out)?,
    }
    let length = i32::try_from(out.len() - begin - 4).map_err(|_| broken("a value of more than 2 GiB"))?;
    out[begin..begin + 4].copy_from_slice(&length.to_be_bytes());
    Ok(())
}

fn number<T: ArrowPrimitiveType>(array: &dyn Array, row: usize) -> Result<T::Native, Fault> {
    let array = array.as_primitive_opt::<T>().ok_or_else(|| broken("a column of another type"))?;
    Ok(array.value(row))
}

fn put_text(kind: &Type, array: &dyn Array, row: usize, out: &mut BytesMut) -> Result<(), Fault> {
    let text = match kind.name {
        "bool" => {
            let array = array.as_boolean_opt().ok_or_else(|| broken("a column of another type"))?;
            if array.value(row) { "t".to_owned() } else { "f".to_owned() }
        }
        "int2" => number::<Int16Type>(array, row)?.to_string(),
        "int4" => number::<Int32Type>(array, row)?.to_string(),
        "int8" | "oid" => number::<Int64Type>(array, row)?.to_string(),
        "float4" => float(f64::from(number::<Float32Type>(array, row)?), number::<Float32Type>(array, row)?.to_string()),
        "float8" => float(number::<Float64Type>(array, row)?, number::<Float64Type>(array, row)?.to_string()),
        "numeric" => decimal(array, row)?.0,
        "bytea" => format!("\\x{}", hex(bytes(array, row)?)),
        "date" => times::date(number::<Date32Type>(array, row)?)?,
        "time" => times::time(number::<Time64MicrosecondType>(array, row)?)?,
        "timestamp" => times::instant(number::<TimestampMicrosecondType>(array, row)?, "")?,
        "timestamptz" => times::instant(number::<TimestampMicrosecondType>(array, row)?, "+00")?,
        "interval" => {
            let span = number::<IntervalMonthDayNanoType>(array, row)?;
            times::interval(span.months, span.days, span.nanoseconds / 1_000)
        }
        _ => {
            out.put_slice(string(array, row)?.as_bytes());
            return Ok(());
        }
    };
    out.put_slice(text.as_bytes());
    Ok(())
}

fn put_binary(kind: &Type, array: &dyn Array, row: usize, out: &mut BytesMut) -> Result<(), Fault> {
    match kind.name {
        "bool" => {
            let array = array.as_boolean_opt().ok_or_else(|| broken("a column of another type"))?;
            out.put_u8(u8::from(array.value(row)));
        }
        "int2" => out.put_i16(number::<Int16Type>(array, row)?),
        "int4" => out.put_i32(number::<Int32Type>(array, row)?),
        "int8" => out.put_i64(number::<Int64Type>(array, row)?),
        "oid" => out.put_u32(u32::try_from(number::<Int64Type>(array, row)?).unwrap_or(0)),
        "float4" => out.put_f32(number::<Float32Type>(array, row)?),
        "float8" => out.put_f64(number::<Float64Type>(array, row)?),
        "numeric" => {
            let (text, scale) = decimal(array, row)?;
            numeric(&text, scale, out);
        }
        "bytea" => out.put_slice(bytes(array, row)?),
        "date" => {
            let days = number::<Date32Type>(array, row)?;
            times::date(days)?;
            out.put_i32(days - EPOCH_DAYS);
        }
        "time" => out.put_i64(number::<Time64MicrosecondType>(array, row)?),
        "timestamp" | "timestamptz" => {
            let micros = number::<TimestampMicrosecondType>(array, row)?;
            times::instant(micros, "")?;
            out.put_i64(micros - EPOCH_MICROS);
        }
        "interval" => {
            let span = number::<IntervalMonthDayNanoType>(array, row)?;
            out.put_i64(span.nanoseconds / 1_000);
            out.put_i32(span.days);
            out.put_i32(span.months);
        }
        _ => out.put_slice(string(array, row)?.as_bytes()),
    }
    Ok(())
}

fn string(array: &dyn Array, row: usize) -> Result<&str, Fault> {
    Ok(array.as_string_opt::<i32>().ok_or_else(|| broken("a column of another type"))?.value(row))
}

fn bytes(array: &dyn Array, row: usize) -> Result<&[u8], Fault> {
    Ok(array.as_binary_opt::<i32>().ok_or_else(|| broken("a column of another type"))?.value(row))
}

/// The digits of a decimal, and how many are behind the point.
fn decimal(array: &dyn Array, row: usize) -> Result<(String, i8), Fault> {
    let array = array.as_primitive_opt::<Decimal128Type>().ok_or_else(|| broken("a column of another type"))?;
    Ok((array.value_as_string(row), array.scale()))
}

pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

fn float(value: f64, plain: String) -> String {
    match value {
        v if v.is_nan() => "NaN".to_owned(),
        v if v.is_infinite() => if v > 0.0 { "Infinity" } else { "-Infinity" }.to_owned(),
        v if v != 0.0 && !(1e-4..1e15).contains(&v.abs()) => format!("{v:e}"),
        _ => plain,
    }
}

/// A list as text: `{a,"b c",NULL}`.
fn list_text(element: &Type, array: &dyn Array, row: usize, out: &mut BytesMut) -> Result<(), Fault> {
    let values = array.as_list_opt::<i32>().ok_or_else(|| broken("a column of another type"))?.value(row);
    out.put_u8(b'{');
    let mut one = BytesMut::new();
    for place in 0..values.len() {
        if place > 0 {
            out.put_u8(b',');
        }
        if values.is_null(place) {
            out.put_slice(b"NULL");
            continue;
        }
        one.clear();
        put_text(element, &values, place, &mut one)?;
        put_quoted(&one, out);
    }
    out.put_u8(b'}');
    Ok(())
}

/// In quotes where it could be read as something else.
pub fn put_quoted(text: &[u8], out: &mut BytesMut) {
    let is_plain = |b: &u8| !b.is_ascii_whitespace() && !b"{},\"\\".contains(b);
    if !text.is_empty() && text.iter().all(is_plain) && !text.eq_ignore_ascii_case(b"null") {
        out.put_slice(text);
        return;
    }
    out.put_u8(b'"');
    for byte in text {
        if b"\"\\".contains(byte) {
            out.put_u8(b'\\');
        }
        out.put_u8(*byte);
    }
    out.put_u8(b'"');
}

fn list_binary(element: &Type, array: &dyn Array, row: usize, out: &mut BytesMut) -> Result<(), Fault> {
    let values = array.as_list_opt::<i32>().ok_or_else(|| broken("a column of another type"))?.value(row);
    out.put_i32(i32::from(!values.is_empty()));
    out.put_i32(i32::from(values.null_count() > 0));
    out.put_u32(element.oid);
    if !values.is_empty() {
        out.put_i32(i32::try_from(values.len()).map_err(|_| broken("a list of too many values"))?);
        out.put_i32(1);
    }
    (0..values.len()).try_for_each(|place| cell(element, &values, place, Form::Binary, out))
}

/// Digits to the base of ten thousand.
fn numeric(text: &str, scale: i8, out: &mut BytesMut) {
    let (is_negative, text) = text.strip_prefix('-').map_or((false, text), |rest| (true, rest));
    let (whole, part) = text.split_once('.').unwrap_or((text, ""));
    let whole = whole.trim_start_matches('0');
    let padded = format!("{}{whole}", "0".repeat((4 - whole.len() % 4) % 4));
    let behind = format!("{part}{}", "0".repeat((4 - part.len() % 4) % 4));
    let digits = padded.as_bytes().chunks(4).chain(behind.as_bytes().chunks(4));
    let mut digits: Vec<i16> =
        digits.map(|four| four.iter().fold(0, |sum, digit| sum * 10 + i16::from(digit.saturating_sub(b'0')))).collect();
    let mut weight = i16::try_from(padded.len() / 4).unwrap_or(0) - 1;
    while digits.last() == Some(&0) {
        digits.pop();
    }
    let zeros = digits.iter().take_while(|digit| **digit == 0).count();
    digits.drain(..zeros);
    weight -= i16::try_from(zeros).unwrap_or(0);
    out.put_i16(i16::try_from(digits.len()).unwrap_or(0));
    out.put_i16(if digits.is_empty() { 0 } else { weight });
    out.put_u16(if is_negative { 0x4000 } else { 0 });
    out.put_i16(i16::from(scale.max(0)));
    digits.into_iter().for_each(|digit| out.put_i16(digit));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pg::types::columns;
    use datafusion::arrow::array::{
        BooleanArray, Date32Array, Decimal128Array, DurationSecondArray, Float64Array, Int64Array, ListArray, StringViewArray,
        TimestampNanosecondArray, UInt64Array,
    };
    use datafusion::arrow::datatypes::{Int32Type as I32, Schema};

    fn written(array: ArrayRef, form: Form) -> Result<Vec<Option<Vec<u8>>>, &'static str> {
        let schema = Arc::new(Schema::new(vec![Field::new("v", array.data_type().clone(), true)]));
        let batch = RecordBatch::try_new(schema.clone(), vec![array]).unwrap();
        let forms = Forms::all(form);
        let cells = Cells::of(&batch, &columns(&schema), &forms).map_err(|fault| fault.state)?;
        let cell = |row| {
            let mut out = BytesMut::new();
            cells.row(row, &mut out).map_err(|fault| fault.state)?;
            let length = i32::from_be_bytes(out[..4].try_into().unwrap());
            assert!(length == -1 || usize::try_from(length).unwrap() == out.len() - 4);
            Ok((length >= 0).then(|| out[4..].to_vec()))
        };
        (0..batch.num_rows()).map(cell).collect()
    }

    #[test]
    fn values_are_written_in_both_forms() {
        let nanos = TimestampNanosecondArray::from(vec![Some(1_773_129_900_123_456_000), None]).with_timezone("+00:00");
        let arrays: Vec<(ArrayRef, &[&str], Vec<u8>)> = vec![
            (Arc::new(BooleanArray::from(vec![true, false])), &["t", "f"], vec![1]),
            (Arc::new(Int64Array::from(vec![Some(-7), None])), &["-7", "-"], (-7_i64).to_be_bytes().to_vec()),
            (Arc::new(UInt64Array::from(vec![7])), &["7"], 7_i64.to_be_bytes().to_vec()),
            (
                Arc::new(Float64Array::from(vec![6.1, 7.0, f64::NAN, f64::NEG_INFINITY, 1e21])),
                &["6.1", "7", "NaN", "-Infinity", "1e21"],
                6.1_f64.to_be_bytes().to_vec(),
            ),
            (Arc::new(StringViewArray::from(vec!["ü", ""])), &["ü", ""], "ü".into()),
            (Arc::new(Date32Array::from(vec![20_522])), &["2026-03-10"], 9_565_i32.to_be_bytes().to_vec()),
            (Arc::new(nanos), &["2026-03-10 08:05:00.123456+00", "-"], 826_445_100_123_456_i64.to_be_bytes().to_vec()),
            (
                Arc::new(DurationSecondArray::from(vec![97_200, -60])),
                &["27:00:00", "-00:01:00"],
                [97_200_000_000_i64.to_be_bytes().to_vec(), vec![0; 8]].concat(),
            ),
            (
                Arc::new(Decimal128Array::from(vec![12_345_678, -5, 0]).with_precision_and_scale(20, 3).unwrap()),
                &["12345.678", "-0.005", "0.000"],
                [3_i16, 1, 0, 3, 1, 2345, 6780].iter().flat_map(|n| n.to_be_bytes()).collect(),
            ),
            (
                Arc::new(ListArray::from_iter_primitive::<I32, _, _>(vec![Some(vec![Some(1), None]), Some(vec![]), None])),
                &["{1,NULL}", "{}", "-"],
                [
                    &1_i32.to_be_bytes()[..],
                    &1_i32.to_be_bytes(),
                    &23_i32.to_be_bytes(),
                    &2_i32.to_be_bytes(),
                    &1_i32.to_be_bytes(),
                    &4_i32.to_be_bytes(),
                    &1_i32.to_be_bytes(),
                    &(-1_i32).to_be_bytes(),
                ]
                .concat(),
            ),
        ];
        for (array, texts, binary) in arrays {
            let kind = array.data_type().clone();
            let found = written(array.clone(), Form::Text).unwrap();
            let found: Vec<String> =
                found.into_iter().map(|cell| cell.map_or("-".to_owned(), |text| String::from_utf8(text).unwrap())).collect();
            assert_eq!(found, texts, "{kind}");
            assert_eq!(written(array, Form::Binary).unwrap()[0].as_ref(), Some(&binary), "{kind}");
        }
    }

    #[test]
    fn what_has_no_place_is_an_error() {
        assert_eq!(written(Arc::new(UInt64Array::from(vec![u64::MAX])), Form::Text), Err("22003"));
        let before = TimestampNanosecondArray::from(vec![0]);
        assert_eq!(written(Arc::new(before), Form::Text).map(|cells| cells.len()), Ok(1));
        assert_eq!(written(Arc::new(Date32Array::from(vec![-800_000])), Form::Binary), Err("22008"));
    }
}
