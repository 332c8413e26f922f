//! Values of parameters, as they come in a batch: each becomes a literal, of the type that it came in.

use datafusion::arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use datafusion::arrow::compute::{CastOptions, cast_with_options};
use datafusion::arrow::datatypes::{DataType, Int64Type};

use crate::pg::types::shown_as;
use crate::sql::{Literal, SqlError, refused};

/// The values of the one row of a batch.
///
/// # Errors
/// Where there is another number of rows, or a value can't be said in SQL.
pub(crate) fn literals(batch: &RecordBatch) -> Result<Vec<Literal>, SqlError> {
    let rows = batch.num_rows();
    if rows != 1 {
        let many = format!("values for one row are wanted, and {rows} rows came");
        return Err(refused("sql_invalid", many, "bind one row, ask, and bind the next"));
    }
    batch.columns().iter().zip(1..).map(|(column, number)| literal(column, 0, number)).collect()
}

/// About as many bytes as they take.
pub(crate) fn size(values: &[Literal]) -> usize {
    values
        .iter()
        .map(|value| match value {
            Literal::Text(text) | Literal::As(text, _) | Literal::Bytes(text) => text.len() + 64,
            Literal::List(items, _) => size(items) + 64,
            Literal::Null(_) | Literal::Bool(_) | Literal::Int(_) => 64,
        })
        .sum()
}

fn literal(array: &ArrayRef, row: usize, number: usize) -> Result<Literal, SqlError> {
    let kind = array.data_type();
    if array.is_null(row) || *kind == DataType::Null {
        return Ok(Literal::Null((*kind != DataType::Null).then(|| shown_as(kind).lake())));
    }
    let as_type = |target: &DataType| {
        let strictly = CastOptions { safe: false, ..CastOptions::default() };
        cast_with_options(&array.slice(row, 1), target, &strictly).map_err(|_| unsaid(kind, number))
    };
    let text = || Ok::<_, SqlError>(as_type(&DataType::Utf8)?.as_string::<i32>().value(0).to_owned());
    Ok(match kind {
        DataType::Boolean => Literal::Bool(array.as_boolean().value(row)),
        DataType::UInt64 => Literal::As(text()?, "UInt64".to_owned()),
        kind if kind.is_integer() => Literal::Int(as_type(&DataType::Int64)?.as_primitive::<Int64Type>().value(0)),
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => Literal::Text(text()?),
        DataType::Binary | DataType::LargeBinary | DataType::BinaryView | DataType::FixedSizeBinary(_) => {
            let bytes = as_type(&DataType::Binary)?;
            Literal::Bytes(bytes.as_binary::<i32>().value(0).iter().map(|byte| format!("{byte:02x}")).collect())
        }
        DataType::Dictionary(_, value) => literal(&as_type(value)?, 0, number)?,
        DataType::List(item) | DataType::LargeList(item) | DataType::ListView(item) | DataType::FixedSizeList(item, _) => {
            if item.data_type().is_nested() {
                return Err(unsaid(kind, number));
            }
            let list = as_type(&DataType::List(item.clone()))?;
            let items = list.as_list::<i32>().value(0);
            let items = (0..items.len()).map(|place| literal(&items, place, number)).collect::<Result<_, _>>()?;
            Literal::List(items, Some(shown_as(item.data_type()).lake()))
        }
        DataType::Decimal32(p, s) | DataType::Decimal64(p, s) | DataType::Decimal128(p, s) => {
            Literal::As(text()?, format!("Decimal128({p}, {s})"))
        }
        DataType::Float16
        | DataType::Float32
        | DataType::Float64
        | DataType::Date32
        | DataType::Date64
        | DataType::Time32(_)
        | DataType::Time64(_)
        | DataType::Timestamp(..)
        | DataType::Interval(_)
        | DataType::Duration(_) => Literal::As(text()?, shown_as(kind).lake()),
        _ => return Err(unsaid(kind, number)),
    })
}

fn unsaid(kind: &DataType, number: usize) -> SqlError {
    let message = format!("the value of the parameter ${number}, of type {kind}, can't be said in SQL");
    refused("sql_invalid", message, "send a number, a text, an instant, bytes, or a list of these")
}

#[cfg(test)]
mod tests {
    use super::literals;
    use crate::sql::Literal;
    use datafusion::arrow::array::{
        ArrayRef, BinaryArray, BooleanArray, Decimal128Array, Float64Array, Int32Array, LargeStringArray, ListArray, NullArray,
        RecordBatch, StringArray, StructArray, TimestampMillisecondArray, UInt64Array,
    };
    use datafusion::arrow::datatypes::{DataType, Field, Int64Type};
    use std::sync::Arc;

    fn of(array: impl datafusion::arrow::array::Array + 'static) -> Result<Literal, String> {
        let batch = RecordBatch::try_from_iter_with_nullable([("a", Arc::new(array) as ArrayRef, true)]).unwrap();
        literals(&batch).map(|mut all| all.remove(0)).map_err(|e| e.to_string())
    }

    #[test]
    fn each_value_is_of_the_type_that_it_came_in() {
        let as_of = |text: &str, kind: &str| Literal::As(text.to_owned(), kind.to_owned());
        assert_eq!(of(Int32Array::from(vec![-7])), Ok(Literal::Int(-7)));
        assert_eq!(of(UInt64Array::from(vec![u64::MAX])), Ok(as_of("18446744073709551615", "UInt64")));
        assert_eq!(of(BooleanArray::from(vec![true])), Ok(Literal::Bool(true)));
        assert_eq!(of(LargeStringArray::from(vec!["it's"])), Ok(Literal::Text("it's".to_owned())));
        assert_eq!(of(BinaryArray::from(vec![&[0, 255][..]])), Ok(Literal::Bytes("00ff".to_owned())));
        assert_eq!(of(Float64Array::from(vec![0.1])), Ok(as_of("0.1", "Float64")));
        let decimal = Decimal128Array::from(vec![12_345]).with_precision_and_scale(20, 15).unwrap();
        assert_eq!(of(decimal), Ok(as_of("0.000000000012345", "Decimal128(20, 15)")));
        let at = TimestampMillisecondArray::from(vec![1_773_129_600_123]).with_timezone("UTC");
        assert_eq!(of(at), Ok(as_of("2026-03-10T08:00:00.123Z", "Timestamp(Microsecond, Some(\"UTC\"))")));
        let list = ListArray::from_iter_primitive::<Int64Type, _, _>([Some(vec![Some(1), None])]);
        let items = vec![Literal::Int(1), Literal::Null(Some("Int64".to_owned()))];
        assert_eq!(of(list), Ok(Literal::List(items, Some("Int64".to_owned()))));
        assert_eq!(of(NullArray::new(1)), Ok(Literal::Null(None)));
        assert_eq!(of(StringArray::from(vec![None::<&str>])), Ok(Literal::Null(Some("Utf8".to_owned()))));
    }

    #[test]
    fn what_can_not_be_said_is_refused_by_its_number() {
        let inner: ArrayRef = Arc::new(Int32Array::from(vec![1]));
        let whole = StructArray::from(vec![(Arc::new(Field::new("x", DataType::Int32, true)), inner)]);
        assert!(of(whole).unwrap_err().contains("$1"));
        assert!(of(Int32Array::from(vec![1, 2])).unwrap_err().contains("2 rows"));
        assert!(of(Int32Array::from(Vec::<i32>::new())).unwrap_err().contains("0 rows"));
    }
}
