//! What stands between the parentheses: which kinds of arguments a function takes, and what its constants are.
//!
//! A setting (an interval, a bound, a unit) is a constant of the statement; a column in its place is refused. A unit is never guessed: it is
//! what the column's metadata says or what the statement says, and where both speak they must agree.

use std::sync::Arc;

use datafusion::arrow::array::RecordBatch;
use datafusion::arrow::datatypes::{DataType, Field, FieldRef, IntervalMonthDayNanoType, IntervalUnit, Schema, TimeUnit};
use datafusion::common::{DataFusionError, Result, ScalarValue, plan_err};
use datafusion::logical_expr::ColumnarValue;
use datafusion::logical_expr::function::AccumulatorArgs;
use datafusion::physical_expr::PhysicalExpr;
use vitalog_elog::{Dimension, Unit};

/// What an argument is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// An instant, given back as it came in.
    Instant,
    /// What a clock shows; of an instant, the time in UTC.
    Clock,
    /// A number of each row.
    Number,
    /// A constant number.
    Bound,
    /// A constant interval of a fixed length.
    Span,
    /// The name of a unit, a constant.
    Unit,
}

/// The arguments of a function; those from `required` on may be left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Shape {
    pub name: &'static str,
    pub kinds: &'static [Kind],
    pub required: usize,
}

impl Shape {
    /// The types that arguments of these types are turned into.
    ///
    /// # Errors
    /// Where there are too few or too many, or one is of another kind.
    pub fn coerce(&self, given: &[DataType]) -> Result<Vec<DataType>> {
        if given.len() < self.required || given.len() > self.kinds.len() {
            let (least, most) = (self.required, self.kinds.len());
            let should = if least == most { least.to_string() } else { format!("{least} to {most}") };
            return plan_err!("{} takes {should} arguments, not {}", self.name, given.len());
        }
        given.iter().zip(self.kinds).enumerate().map(|(i, (from, kind))| self.turned(i, from, *kind)).collect()
    }

    fn turned(&self, place: usize, from: &DataType, kind: Kind) -> Result<DataType> {
        let text = matches!(from, DataType::Utf8 | DataType::Utf8View | DataType::LargeUtf8 | DataType::Null);
        let number = from.is_numeric() || *from == DataType::Null;
        let (fits, to, called) = match (kind, from) {
            (Kind::Instant, DataType::Timestamp(_, zone)) => {
                (true, DataType::Timestamp(TimeUnit::Microsecond, zone.clone()), "a timestamp")
            }
            (Kind::Instant, _) => (text, DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())), "a timestamp"),
            (Kind::Clock, DataType::Timestamp(_, zone)) => {
                // Turned into what a clock shows, an instant loses its zone and shows UTC: right for no other.
                let plain = zone.as_deref().is_none_or(|z| ["UTC", "+00:00", "Z"].contains(&z));
                (plain, DataType::Timestamp(TimeUnit::Microsecond, None), "a time of a clock, by local_time(at, zone)")
            }
            (Kind::Clock, _) => (text, DataType::Timestamp(TimeUnit::Microsecond, None), "a timestamp"),
            (Kind::Number | Kind::Bound, _) => (number, DataType::Float64, "a number"),
            (Kind::Span, _) => {
                let span = matches!(from, DataType::Interval(_) | DataType::Null);
                (span, DataType::Interval(IntervalUnit::MonthDayNano), "an interval")
            }
            (Kind::Unit, _) => (text, DataType::Utf8, "the name of a unit"),
        };
        if fits { Ok(to) } else { plan_err!("argument {} of {} is {called}, not {from}", place + 1, self.name) }
    }

    /// Where the unit stands, if this function has one.
    fn unit_at(&self) -> Option<usize> {
        self.kinds.iter().position(|k| *k == Kind::Unit)
    }

    /// Refuses amounts of which nobody says the unit.
    ///
    /// # Errors
    /// With what to write.
    pub fn check_unit(&self, fields: &[FieldRef]) -> Result<()> {
        let Some(at) = self.unit_at() else { return Ok(()) };
        if fields.len() > at || unit_of(value_field(self, fields)?).is_some() {
            return Ok(());
        }
        plan_err!("the unit of what {} is given is not known: name it last, as in {}", self.name, self.example(at))
    }

    fn example(&self, unit_at: usize) -> String {
        let before = if unit_at > 1 { "at, value" } else { "value" };
        format!("{}({before}, 'mg/dL')", self.name)
    }

    /// The constants of a call.
    ///
    /// # Errors
    /// Where one is none, or the call says DISTINCT.
    pub fn constants(&self, args: &AccumulatorArgs) -> Result<Constants> {
        if args.is_distinct {
            return plan_err!("{} does not take DISTINCT: each reading counts", self.name);
        }
        let mut values = Vec::with_capacity(args.exprs.len());
        for (i, (expr, kind)) in args.exprs.iter().zip(self.kinds).enumerate() {
            values.push(match kind {
                Kind::Instant | Kind::Clock | Kind::Number => ScalarValue::Null,
                Kind::Bound | Kind::Span | Kind::Unit => self.constant(i, expr)?,
            });
        }
        let said = if self.unit_at().is_some() { unit_of(value_field(self, args.expr_fields)?).map(str::to_owned) } else { None };
        Ok(Constants { shape: *self, values, said })
    }

    fn constant(&self, place: usize, expr: &Arc<dyn PhysicalExpr>) -> Result<ScalarValue> {
        let nothing = RecordBatch::new_empty(Arc::new(Schema::empty()));
        match expr.evaluate(&nothing) {
            Ok(ColumnarValue::Scalar(value)) => Ok(value),
            _ => plan_err!("argument {} of {} must be a constant", place + 1, self.name),
        }
    }
}

fn value_field<'a>(shape: &Shape, fields: &'a [FieldRef]) -> Result<&'a Field> {
    let place = shape.kinds.iter().position(|k| *k == Kind::Number).unwrap_or(0);
    fields.get(place).map(|f| &**f).ok_or_else(|| DataFusionError::Plan(format!("{} lacks an argument", shape.name)))
}

/// The unit that a column's metadata names.
pub fn unit_of(field: &Field) -> Option<&str> {
    field.metadata().get("unit").map(String::as_str)
}

/// The constants of one call.
#[derive(Debug)]
pub struct Constants {
    shape: Shape,
    values: Vec<ScalarValue>,
    /// The unit by the column's metadata.
    said: Option<String>,
}

impl Constants {
    fn wrong<T>(&self, place: usize, what: &str) -> Result<T> {
        plan_err!("argument {} of {} {what}", place + 1, self.shape.name)
    }

    /// A number.
    ///
    /// # Errors
    /// Where it is null or not finite.
    pub fn bound(&self, place: usize) -> Result<f64> {
        match self.values.get(place) {
            Some(ScalarValue::Float64(Some(bound))) if bound.is_finite() => Ok(*bound),
            _ => self.wrong(place, "must be a number"),
        }
    }

    /// The length of an interval in microseconds, or what holds where it is left out.
    ///
    /// # Errors
    /// Where it is null, negative, or of months, which differ in length.
    pub fn span(&self, place: usize, otherwise: i64) -> Result<i64> {
        let Some(value) = self.values.get(place) else { return Ok(otherwise) };
        let ScalarValue::IntervalMonthDayNano(Some(interval)) = value else { return self.wrong(place, "must be an interval") };
        let (months, days, nanos) = IntervalMonthDayNanoType::to_parts(*interval);
        if months != 0 {
            return self.wrong(place, "must have a fixed length: write it in days or less");
        }
        match i64::from(days).checked_mul(DAY).and_then(|d| d.checked_add(nanos / 1_000)) {
            Some(micros) if micros >= 0 => Ok(micros),
            _ => self.wrong(place, "must not be negative"),
        }
    }

    /// As [`Constants::span`], but more than nothing.
    ///
    /// # Errors
    /// Also where it is nothing.
    pub fn positive_span(&self, place: usize, otherwise: i64) -> Result<i64> {
        match self.span(place, otherwise)? {
            0 => self.wrong(place, "must be longer than nothing"),
            span => Ok(span),
        }
    }

    /// The unit of the amounts: of glucose.
    ///
    /// # Errors
    /// Where there is none, it is none of glucose, or the statement contradicts the column.
    pub fn glucose_unit(&self) -> Result<Unit> {
        let named = self.shape.unit_at().and_then(|place| match self.values.get(place) {
            Some(ScalarValue::Utf8(text)) => Some(text.clone().unwrap_or_default()),
            _ => None,
        });
        let name = match (&named, &self.said) {
            (Some(named), _) => named,
            (None, Some(said)) => said,
            (None, None) => return plan_err!("the unit of what {} is given is not known: name it last", self.shape.name),
        };
        let Some(unit) = Unit::named(Dimension::Glucose, name) else {
            return plan_err!("{} is of glucose, and {name:?} is no unit of it: it takes mg/dL and mmol/L", self.shape.name);
        };
        match self.said.as_deref().filter(|said| Unit::named(Dimension::Glucose, said) != Some(unit)) {
            Some(said) => plan_err!("{} is told {name}, but the column is in {said}", self.shape.name),
            None => Ok(unit),
        }
    }
}

/// Microseconds.
pub const DAY: i64 = 86_400_000_000;
pub const MINUTE: i64 = 60_000_000;
