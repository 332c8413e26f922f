//! What answers look like to clients: types that every one of them reads, and columns of which each may be null.
//!
//! In the lake texts are views, which drivers of some languages do not know. What a statement is told to give is what it gives: so that the two are the same, which clients compare, nothing is said of which columns have no nulls.

use std::sync::Arc;

use datafusion::arrow::array::{RecordBatch, RecordBatchOptions};
use datafusion::arrow::compute::{CastOptions, cast_with_options};
use datafusion::arrow::datatypes::{DataType, Field, FieldRef, Schema, SchemaRef};
use datafusion::arrow::error::ArrowError;

/// The schema that clients are told. What columns have with them, their unit above all, stays.
pub(crate) fn given(schema: &Schema) -> SchemaRef {
    let fields: Vec<FieldRef> = schema.fields().iter().map(field).collect();
    Arc::new(Schema::new_with_metadata(fields, schema.metadata().clone()))
}

/// A batch as clients are given it.
///
/// # Errors
/// Where a value has no place in the type that was told.
pub(crate) fn batch(batch: &RecordBatch, schema: &SchemaRef) -> Result<RecordBatch, ArrowError> {
    let strictly = CastOptions { safe: false, ..CastOptions::default() };
    let columns = schema.fields().iter().zip(batch.columns()).map(|(field, column)| {
        if column.data_type() == field.data_type() {
            return Ok(column.clone());
        }
        cast_with_options(column, field.data_type(), &strictly)
    });
    let rows = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
    RecordBatch::try_new_with_options(schema.clone(), columns.collect::<Result<_, _>>()?, &rows)
}

fn field(of: &FieldRef) -> FieldRef {
    Arc::new(Field::new(of.name(), kind(of.data_type()), true).with_metadata(of.metadata().clone()))
}

fn kind(of: &DataType) -> DataType {
    match of {
        DataType::Utf8View => DataType::Utf8,
        DataType::BinaryView => DataType::Binary,
        DataType::Dictionary(_, value) => kind(value),
        DataType::List(item) => DataType::List(field(item)),
        DataType::LargeList(item) => DataType::LargeList(field(item)),
        DataType::ListView(item) => DataType::List(field(item)),
        DataType::LargeListView(item) => DataType::LargeList(field(item)),
        DataType::FixedSizeList(item, size) => DataType::FixedSizeList(field(item), *size),
        DataType::Struct(fields) => DataType::Struct(fields.iter().map(field).collect()),
        other => other.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::{batch, given};
    use datafusion::arrow::array::{
        ArrayRef, AsArray, BinaryViewArray, DictionaryArray, Int64Array, ListArray, RecordBatch, StringViewArray, StructArray,
    };
    use datafusion::arrow::datatypes::{DataType, Field, Int32Type, Schema};
    use std::sync::Arc;

    #[test]
    fn views_and_dictionaries_become_what_everybody_reads_wherever_they_are() {
        let words: ArrayRef = Arc::new(StringViewArray::from(vec![Some("a"), None, Some("a text that is no short one")]));
        let bytes: ArrayRef = Arc::new(BinaryViewArray::from(vec![Some(&b"x"[..]), None, None]));
        let packed: ArrayRef = Arc::new(["u", "v", "u"].into_iter().collect::<DictionaryArray<Int32Type>>());
        let inner = Arc::new(Field::new("item", DataType::Utf8View, true));
        let lists = ListArray::from_iter_primitive::<datafusion::arrow::datatypes::Int64Type, _, _>([
            Some(vec![Some(1)]),
            None,
            Some(vec![]),
        ]);
        let offsets = datafusion::arrow::buffer::OffsetBuffer::from_lengths([1, 0, 2]);
        let texts: ArrayRef = Arc::new(ListArray::new(inner, offsets, words.clone(), None));
        let whole = StructArray::from(vec![(Arc::new(Field::new("w", DataType::Utf8View, true)), words.clone())]);
        let numbers: ArrayRef = Arc::new(Int64Array::from(vec![1, 2, 3]));
        let columns: Vec<ArrayRef> = vec![words, bytes, packed, Arc::new(lists), texts, Arc::new(whole), numbers];
        let unit = [("unit".to_owned(), "mg/dL".to_owned())];
        let fields = columns.iter().zip('a'..).map(|(column, name)| {
            Field::new(name.to_string(), column.data_type().clone(), name != 'g').with_metadata(unit.clone().into())
        });
        let schema = Arc::new(Schema::new(fields.collect::<Vec<_>>()));
        let before = RecordBatch::try_new(schema.clone(), columns).unwrap();
        let told = given(&schema);
        let after = batch(&before, &told).unwrap();
        assert_eq!(after.schema(), told);
        assert!(!format!("{told:?}").contains("View") && !format!("{told:?}").contains("Dictionary"), "{told:?}");
        assert!(told.fields().iter().all(|f| f.is_nullable() && f.metadata()["unit"] == "mg/dL"));
        assert_eq!(after.column(0).as_string::<i32>().value(2), "a text that is no short one");
        assert!(after.column(0).as_string::<i32>().iter().nth(1).unwrap().is_none());
        assert_eq!(after.column(2).as_string::<i32>().value(1), "v");
        assert_eq!(after.column(4).as_list::<i32>().value(2).as_string::<i32>().value(1), "a text that is no short one");
        // Rows without a column are rows.
        let empty = Arc::new(Schema::empty());
        let options = datafusion::arrow::array::RecordBatchOptions::new().with_row_count(Some(7));
        let rows = RecordBatch::try_new_with_options(empty.clone(), vec![], &options).unwrap();
        assert_eq!(batch(&rows, &empty).unwrap().num_rows(), 7);
    }
}
