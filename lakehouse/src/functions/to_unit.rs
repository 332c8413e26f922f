//! `to_unit(value, from, to [, dimension])`: an amount in another unit of the same dimension, by the exact factors of readings.md.
//!
//! Some names are units of several dimensions (mmol/L and mg/dL of glucose and of ketones, which differ by the factor 1.7): then the dimension must be named, for nothing is guessed.
//! Where the value is a column that has a unit, `from` must be that. What comes out has the unit in its metadata.

use std::sync::Arc;

use datafusion::arrow::array::{ArrayRef, AsArray, Float64Array};
use datafusion::arrow::datatypes::{DataType, Field, FieldRef, Float64Type};
use datafusion::common::{Result, ScalarValue, plan_err};
use datafusion::logical_expr::{ColumnarValue, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDFImpl, Signature, Volatility};
use vitalog_elog::{Dimension, Unit};

use super::args::{Kind, Shape, unit_of};

const SHAPE: Shape = Shape { name: "to_unit", kinds: &[Kind::Number, Kind::Unit, Kind::Unit, Kind::Unit], required: 3 };

/// The function.
#[derive(Debug, PartialEq, Eq, Hash)]
pub struct ToUnit {
    signature: Signature,
}

impl ToUnit {
    pub fn new() -> ToUnit {
        ToUnit { signature: Signature::user_defined(Volatility::Immutable) }
    }
}

impl ScalarUDFImpl for ToUnit {
    fn name(&self) -> &str {
        SHAPE.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn coerce_types(&self, given: &[DataType]) -> Result<Vec<DataType>> {
        SHAPE.coerce(given)
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Float64)
    }

    fn return_field_from_args(&self, args: ReturnFieldArgs) -> Result<FieldRef> {
        let names = args.scalar_arguments.iter().skip(1).map(|value| text(*value)).collect::<Result<Vec<_>>>()?;
        let (from, to) = units(&names)?;
        if let Some(said) = args.arg_fields.first().and_then(|f| unit_of(f))
            && !from.names().contains(&said)
        {
            return plan_err!("to_unit is told {from}, but the column is in {said}");
        }
        let field = Field::new(self.name(), DataType::Float64, true);
        Ok(field.with_metadata([("unit".to_owned(), to.name().to_owned())].into()).into())
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let names = args.args.iter().skip(1).map(|value| match value {
            ColumnarValue::Scalar(value) => text(Some(value)),
            ColumnarValue::Array(_) => text(None),
        });
        let (from, to) = units(&names.collect::<Result<Vec<_>>>()?)?;
        let turned = |value: f64| turned(value, from, to);
        Ok(match &args.args[0] {
            ColumnarValue::Scalar(ScalarValue::Float64(value)) => ColumnarValue::Scalar(ScalarValue::Float64(value.map(turned))),
            other => {
                let column = other.to_array(args.number_rows)?;
                let turned: Float64Array = column.as_primitive::<Float64Type>().unary(turned);
                ColumnarValue::Array(Arc::new(turned) as ArrayRef)
            }
        })
    }
}

fn text(value: Option<&ScalarValue>) -> Result<String> {
    match value {
        Some(ScalarValue::Utf8(Some(text)) | ScalarValue::Utf8View(Some(text)) | ScalarValue::LargeUtf8(Some(text))) => {
            Ok(text.clone())
        }
        _ => plan_err!("units of to_unit must be constants"),
    }
}

fn units(names: &[String]) -> Result<(Unit, Unit)> {
    let [from, to, rest @ ..] = names else { return plan_err!("to_unit takes two units") };
    let of = |dimension: Dimension| Unit::named(dimension, from).zip(Unit::named(dimension, to));
    if let Some(name) = rest.first() {
        let Some(dimension) = Dimension::named(name) else {
            let known: Vec<&str> = Dimension::ALL.iter().map(|d| d.name()).collect();
            return plan_err!("there is no dimension {name:?}; there are {}", known.join(", "));
        };
        return match of(dimension) {
            Some(units) => Ok(units),
            None => plan_err!("{from} and {to} are not both units of {name}"),
        };
    }
    let found: Vec<(Dimension, (Unit, Unit))> = Dimension::ALL.into_iter().filter_map(|d| Some((d, of(d)?))).collect();
    match &found[..] {
        [(_, units)] => Ok(*units),
        [] => plan_err!("{from} and {to} are not units of one dimension"),
        [(first, _), (second, _), ..] => {
            plan_err!(
                "{from} and {to} are units of {first} and of {second}: name which, as in to_unit(value, '{from}', '{to}', '{first}')"
            )
        }
    }
}

/// Through the whole number of atoms that it is, if it is one as far as a double can tell: then the only rounding is that of the quotient.
fn turned(value: f64, from: Unit, to: Unit) -> f64 {
    let atoms = value * from.atoms() as f64;
    let whole = atoms.round();
    let is_whole = whole.abs() < 9e15 && (atoms - whole).abs() <= whole.abs() * 1e-14;
    (if is_whole { whole } else { atoms }) / to.atoms() as f64
}
