//! Functions are tried before they are asked of rows.
//!
//! A zone or a granularity that there is not fails only where there is a row to be asked, and so tells that there is one. So a function is called once with its own constants and any value in place of
//! its columns: what fails then is refused whatever rows there are.

use std::sync::Arc;

use datafusion::arrow::datatypes::{DataType, Field, TimeUnit};
use datafusion::common::config::ConfigOptions;
use datafusion::common::{DFSchema, ScalarValue};
use datafusion::logical_expr::{ColumnarValue, Expr, ExprSchemable, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF};

use super::no;
use crate::sql::SqlError;

/// Which arguments may hang on a row; the others are constants.
fn of_rows(name: &str) -> &'static [usize] {
    match name {
        "date_trunc" | "date_part" | "date_bin" => &[1],
        "local_time" | "to_unit" | "round" | "trunc" | "btrim" | "ltrim" | "rtrim" => &[0],
        _ => &[0, 1, 2, 3, 4, 5, 6, 7],
    }
}

/// Calls a function with its constants.
///
/// # Errors
/// Where that fails, or an argument that must be a constant is none.
pub(super) fn tried(function: &Arc<ScalarUDF>, args: &[Expr], schema: &DFSchema) -> Result<(), SqlError> {
    let mut values = Vec::new();
    for (place, arg) in args.iter().enumerate() {
        values.push(match arg {
            Expr::Literal(value, _) => value.clone(),
            _ if of_rows(function.name()).contains(&place) => any(&arg.get_type(schema)?)?,
            _ => {
                let what = format!("argument {} of {} is no constant", place + 1, function.name());
                return Err(no(&what, "write it as a constant"));
            }
        });
    }
    // The optimizer makes a case of it, which fails on nothing.
    if values.is_empty() || function.name() == "coalesce" {
        return Ok(());
    }
    let fields: Vec<_> = values.iter().map(|value| Arc::new(Field::new("given", value.data_type(), true))).collect();
    let scalars: Vec<Option<&ScalarValue>> = values.iter().map(Some).collect();
    let given = ReturnFieldArgs { arg_fields: &fields, scalar_arguments: &scalars };
    let return_field = function.return_field_from_args(given)?;
    let columns = args.iter().zip(&values).map(|(arg, value)| match arg {
        Expr::Literal(..) => Ok(ColumnarValue::Scalar(value.clone())),
        _ => value.to_array_of_size(1).map(ColumnarValue::Array),
    });
    let args = columns.collect::<datafusion::common::Result<Vec<_>>>()?;
    let config_options = Arc::new(ConfigOptions::default());
    function.invoke_with_args(ScalarFunctionArgs { args, arg_fields: fields, number_rows: 1, return_field, config_options })?;
    Ok(())
}

/// A value of a type, as a row may have it.
fn any(kind: &DataType) -> Result<ScalarValue, SqlError> {
    Ok(match kind {
        DataType::Timestamp(TimeUnit::Microsecond, zone) => {
            ScalarValue::TimestampMicrosecond(Some(1_700_000_000_000_000), zone.clone())
        }
        text if text.is_string() => ScalarValue::Utf8(Some("any".to_owned())).cast_to(text)?,
        number if number.is_numeric() => ScalarValue::Int8(Some(1)).cast_to(number)?,
        other => ScalarValue::try_from(other)?,
    })
}
