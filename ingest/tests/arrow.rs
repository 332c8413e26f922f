//! Arrow streams, written by Arrow's own library, become the readings that the same rows are in JSON; what can't be read whole is refused whole.

use std::sync::Arc;

use arrow_array::builder::{Decimal128Builder, StringDictionaryBuilder, StringViewBuilder};
use arrow_array::types::Int8Type;
use arrow_array::{
    ArrayRef, BooleanArray, Date32Array, Decimal128Array, Float32Array, Float64Array, Int16Array, Int64Array, ListArray,
    NullArray, RecordBatch, StringArray, TimestampMillisecondArray, TimestampNanosecondArray, TimestampSecondArray, UInt64Array,
};
use vitalog_elog::{Reading, Refusal};
use vitalog_ingest::decode::{Format, Scalar, decode, json};

use super::fixture::{admission, now, said};

/// The batches as a stream. The first says what the columns are.
pub fn stream(batches: &[RecordBatch]) -> Vec<u8> {
    let mut writer = arrow_ipc::writer::StreamWriter::try_new(Vec::new(), &batches[0].schema()).expect("begun");
    batches.iter().for_each(|batch| writer.write(batch).expect("written"));
    writer.finish().expect("ended");
    writer.into_inner().expect("all of it")
}

pub fn batch(columns: Vec<(&str, ArrayRef)>) -> RecordBatch {
    RecordBatch::try_from_iter_with_nullable(columns.into_iter().map(|(name, column)| (name, column, true))).expect("a batch")
}

fn texts(texts: &[&str]) -> ArrayRef {
    Arc::new(StringArray::from(texts.to_vec()))
}

/// Two readings of glucose and what is in `more`.
fn glucose(more: Vec<(&str, ArrayRef)>) -> RecordBatch {
    let mut columns = vec![
        ("subject", texts(&["p-1", "p-2"])),
        ("stream", texts(&["bg", "bg"])),
        ("at", texts(&["2026-11-20T07:55:00Z", "2026-11-20T08:55:00+01:00"])),
    ];
    columns.retain(|(name, _)| more.iter().all(|(other, _)| name != other));
    columns.extend(more);
    batch(columns)
}

/// The fields of a row, or why it is none.
type Row<'a> = Result<Vec<(String, Scalar<'a>)>, Refusal>;

fn rows(body: &[u8]) -> Result<Vec<Row<'_>>, Refusal> {
    let items = decode(&Format::Arrow, body)?;
    Ok(items.map(|item| Ok(item.reading?.fields.into_iter().map(|(name, value)| (name.into_owned(), value)).collect())).collect())
}

/// What the column says, as it comes to admission.
fn cells(column: ArrayRef) -> Vec<String> {
    let subjects = texts(&vec!["p"; column.len()]);
    let body = stream(&[batch(vec![("subject", subjects), ("x", column)])]);
    let rows = rows(&body).expect("read");
    rows.into_iter().map(|row| row.expect("a row").first().map_or("null".to_owned(), |(_, v)| format!("{v:?}"))).collect()
}

fn admitted(body: &[u8]) -> Vec<Result<Reading, Refusal>> {
    let admission = admission();
    decode(&Format::Arrow, body).expect("read").map(|item| item.reading.and_then(|raw| admission.admit(&raw, now()))).collect()
}

#[test]
fn rows_are_the_readings_that_they_are_in_json() {
    let mut streams = StringDictionaryBuilder::<Int8Type>::new();
    ["bg", "bg", "sleep"].iter().for_each(|s| streams.append_value(s));
    let mut subjects = StringViewBuilder::new();
    ["p-1", "a-subject-with-a-longer-name", "p-1"].iter().for_each(|s| subjects.append_value(s));
    let first = batch(vec![
        ("subject", Arc::new(subjects.finish())),
        ("stream", Arc::new(streams.finish())),
        (
            "at",
            Arc::new(
                TimestampMillisecondArray::from(vec![Some(1_795_160_100_123), Some(1_795_160_400_000), None])
                    .with_timezone("Europe/Berlin"),
            ),
        ),
        ("start", Arc::new(TimestampSecondArray::from(vec![None, None, Some(1_795_130_000)]).with_timezone("UTC"))),
        ("value", Arc::new(Float64Array::from(vec![Some(110.1), Some(7e1), None]))),
        ("context", Arc::new(StringArray::from(vec![Some("before_lunch"), None, None]))),
        ("deep", Arc::new(Int16Array::from(vec![None, None, Some(90)]))),
        ("seq", Arc::new(UInt64Array::from(vec![Some(u64::MAX), Some(1), None]))),
        ("rev", Arc::new(Int64Array::from(vec![Some(2), None, None]))),
        ("id", Arc::new(StringArray::from(vec![Some("a1"), None, None]))),
        ("removed", Arc::new(BooleanArray::from(vec![Some(false), None, None]))),
        ("source", Arc::new(NullArray::new(3))),
    ]);
    let body = stream(&[first.slice(0, 1), first.slice(1, 0), first.slice(1, 2)]);
    let lines = [
        r#"{"subject":"p-1","stream":"bg","at":"2026-11-20T07:35:00.123Z","value":110.1,"context":"before_lunch","seq":18446744073709551615,"rev":2,"id":"a1"}"#,
        r#"{"subject":"a-subject-with-a-longer-name","stream":"bg","at":"2026-11-20T07:40:00Z","value":70,"seq":1}"#,
        r#"{"subject":"p-1","stream":"sleep","start":"2026-11-19T23:13:20Z","deep":90}"#,
    ];
    let admission = admission();
    let expected: Vec<_> =
        lines.iter().map(|line| json::object(line.as_bytes()).and_then(|raw| admission.admit(&raw, now()))).collect();
    let got = admitted(&body);
    assert_eq!(got, expected);
    assert_eq!(got.iter().flatten().count(), 3, "{got:?}");
    let items: Vec<_> = decode(&Format::Arrow, &body).expect("read").map(|item| (item.index, item.line)).collect();
    assert_eq!(items, [(0, 1), (1, 2), (2, 3)]);
}

#[test]
fn numbers_keep_their_digits() {
    let numbers = |texts: &[&str]| texts.iter().map(|t| format!("Number({t:?})")).collect::<Vec<_>>();
    let floats = vec![5.4, 0.1 + 0.2, 110.0, -0.0, 1e300, 5e-324, 1e-7, 123_456_789_012_345_680.0];
    let told = ["5.4", "0.30000000000000004", "110", "-0", "1e300", "5e-324", "0.0000001", "1.2345678901234568e17"];
    assert_eq!(cells(Arc::new(Float64Array::from(floats))), numbers(&told));
    assert_eq!(cells(Arc::new(Float32Array::from(vec![5.4, 16_777_216.0, 1e-10]))), numbers(&["5.4", "16777216", "1e-10"]));
    assert_eq!(cells(Arc::new(Float64Array::from(vec![f64::NAN, f64::NEG_INFINITY]))), ["Text(\"NaN\")", "Text(\"-inf\")"]);
    let wide = [i64::MIN, i64::MAX];
    assert_eq!(cells(Arc::new(Int64Array::from(wide.to_vec()))), numbers(&["-9223372036854775808", "9223372036854775807"]));
    let decimals = |digits: &[i128], precision, scale| -> ArrayRef {
        let mut builder = Decimal128Builder::new().with_precision_and_scale(precision, scale).expect("a type");
        digits.iter().for_each(|d| builder.append_value(*d));
        Arc::new(builder.finish())
    };
    assert_eq!(cells(decimals(&[610, -5, 0, 12_345], 10, 2)), numbers(&["6.10", "-0.05", "0.00", "123.45"]));
    assert_eq!(cells(decimals(&[7], 10, 0)), numbers(&["7"]));
    assert_eq!(cells(decimals(&[-7], 10, -3)), numbers(&["-7e3"]));
    let least = Decimal128Array::from(vec![-(10_i128.pow(38) - 1)]).with_precision_and_scale(38, 38).expect("a type");
    assert_eq!(cells(Arc::new(least)), numbers(&["-0.99999999999999999999999999999999999999"]));
}

#[test]
fn a_float_that_is_no_measurement_is_refused_as_a_number() {
    let body = stream(&[glucose(vec![("value", Arc::new(Float64Array::from(vec![f64::NAN, 5.4])))])]);
    let told: Vec<_> = admitted(&body).into_iter().map(|r| r.map_err(|refusal| refusal.code)).collect();
    assert_eq!(told, [Err("not_a_number".to_owned()), Err("unit_mistake".to_owned())]);
}

#[test]
fn times_without_a_zone_are_refused_by_row() {
    let at = TimestampNanosecondArray::from(vec![1_795_160_100_000_000_999, i64::MIN]);
    let zoned = stream(&[glucose(vec![
        ("at", Arc::new(at.clone().with_timezone("UTC"))),
        ("value", Arc::new(Int64Array::from(vec![110, 110]))),
    ])]);
    let told = admitted(&zoned);
    assert_eq!(told[0].as_ref().map(said).expect("a reading"), "p-1 bg 2026-11-20T07:35:00Z value=110 mg/dL");
    assert_eq!(told[1].as_ref().expect_err("the year 1677").code, "too_early");
    let naive = stream(&[glucose(vec![("at", Arc::new(at)), ("value", Arc::new(Int64Array::from(vec![110, 110])))])]);
    let told: Vec<_> = admitted(&naive).into_iter().map(|r| r.expect_err("no zone").code).collect();
    assert_eq!(told, ["no_zone", "no_zone"]);
}

#[test]
fn a_row_of_columns_is_kept_as_a_line_of_json() {
    let body = stream(&[glucose(vec![("value", Arc::new(Float64Array::from(vec![f64::NAN, 5.4])))])]);
    let kept: Vec<_> = decode(&Format::Arrow, &body).expect("read").map(|item| item.as_sent().into_owned()).collect();
    let told = [
        r#"{"subject":"p-1","stream":"bg","at":"2026-11-20T07:55:00Z","value":"NaN"}"#,
        r#"{"subject":"p-2","stream":"bg","at":"2026-11-20T08:55:00+01:00","value":5.4}"#,
    ];
    assert_eq!(kept, told.map(|line| line.as_bytes().to_vec()));
}

fn refused(body: &[u8]) -> String {
    rows(body).err().map_or_else(|| "read".to_owned(), |refusal| refusal.code)
}

#[test]
fn what_is_no_whole_stream_is_refused_whole() {
    let sound = stream(&[glucose(vec![("value", Arc::new(Int64Array::from(vec![110, 110])))])]);
    assert_eq!(refused(&sound), "read");
    assert_eq!(refused(b""), "empty_body");
    for end in 1..sound.len() {
        assert_eq!(refused(&sound[..end]), "malformed_arrow", "cut after {end} of {} bytes", sound.len());
    }
    assert_eq!(refused(&[&sound[..], b"\0"].concat()), "malformed_arrow");
    assert_eq!(refused(&[&sound[..], &sound[..]].concat()), "malformed_arrow");
    assert_eq!(refused(b"ARROW1\0\0"), "malformed_arrow");
    assert_eq!(refused(b"{}"), "malformed_arrow");
    let mut huge = sound.clone();
    huge[4..8].copy_from_slice(&u32::MAX.to_le_bytes());
    assert_eq!(refused(&huge), "malformed_arrow");
}

#[test]
fn columns_that_would_need_guesses_are_named() {
    let lists = ListArray::from_iter_primitive::<arrow_array::types::Int32Type, _, _>(vec![Some(vec![Some(1)]), None]);
    for (column, found) in [(Arc::new(Date32Array::from(vec![1, 2])) as ArrayRef, "Date"), (Arc::new(lists), "List")] {
        let refusal = rows(&stream(&[glucose(vec![("at", column)])])).expect_err("not read");
        assert_eq!(
            (refusal.code.as_str(), refusal.field.as_deref(), refusal.value.as_deref()),
            ("unsupported_column", Some("at"), Some(found))
        );
    }
    let header = |columns: Vec<(&str, ArrayRef)>| refused(&stream(&[batch(columns)]));
    assert_eq!(header(vec![("stream", texts(&["bg"]))]), "malformed_header");
    assert_eq!(header(vec![("subject", texts(&["p"])), ("a", texts(&["x"])), ("a", texts(&["y"]))]), "malformed_header");
    assert_eq!(header(vec![("subject", Arc::new(NullArray::new(1 << 40)))]), "malformed_header", "rows of nothing");
}

#[test]
fn little_does_not_become_much() {
    let long = "x".repeat(200 << 10);
    let mut coded = StringDictionaryBuilder::<Int8Type>::new();
    let mut views = StringViewBuilder::new();
    for _ in 0..1_000 {
        coded.append_value(&long);
    }
    let block = views.append_block(long.as_bytes().into());
    for _ in 0..1_000 {
        views.try_append_view(block, 0, long.len() as u32).expect("a view");
    }
    for column in [Arc::new(coded.finish()) as ArrayRef, Arc::new(views.finish())] {
        let body = stream(&[batch(vec![("subject", texts(&["p"; 1_000])), ("note", column)])]);
        assert!(body.len() < 1 << 20);
        assert_eq!(refused(&body), "too_large");
    }
    let body = stream(&[batch(vec![("subject", texts(&["p", "q"])), ("note", texts(&[&"x".repeat(300 << 10), "short"]))])]);
    let told: Vec<_> = rows(&body).expect("read").into_iter().map(|row| row.map(|_| ()).map_err(|r| r.code)).collect();
    assert_eq!(told, [Err("line_too_long".to_owned()), Ok(())]);
}
