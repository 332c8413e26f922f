//! Metrics that follow from readings in the order of time: the readings of a group are kept, and looked at when all are there.
//!
//! They may come in any order, and do from several threads. A reading lacks no part: where instant or value is null it is passed over. Several
//! readings of one instant count as one, their mean. What is not finite makes a number NaN; of a list it is refused.

use std::collections::VecDeque;
use std::fmt::Debug;
use std::hash::Hash;
use std::mem::size_of_val;
use std::sync::Arc;

use datafusion::arrow::array::{
    Array, ArrayRef, AsArray, Float64Array, Int64Array, ListArray, StructArray, TimestampMicrosecondArray,
};
use datafusion::arrow::buffer::OffsetBuffer;
use datafusion::arrow::datatypes::{DataType, Field, FieldRef, Fields, Float64Type, Int64Type, TimestampMicrosecondType};
use datafusion::common::{Result, ScalarValue, exec_err};
use datafusion::logical_expr::function::{AccumulatorArgs, StateFieldsArgs};
use datafusion::logical_expr::utils::{AggregateOrderSensitivity, format_state_name};
use datafusion::logical_expr::{Accumulator, AggregateUDFImpl, Signature, Volatility};

use super::args::{Constants, Shape};

/// An instant in microseconds, and what was measured then.
pub type Point = (i64, f64);

/// A metric. Its first two arguments are the instant and the value.
pub trait Course: Debug + Clone + PartialEq + Eq + Hash + Send + Sync + 'static {
    /// What it needs to know of a call, beside the readings.
    type Setting: Debug + Clone + Send + Sync + 'static;

    fn shape(&self) -> Shape;

    /// What a row of its list has; `None` where it is a single number.
    fn rows(&self, instant: &DataType) -> Option<Fields>;

    /// # Errors
    /// Where a constant makes no sense.
    fn setting(&self, constants: &Constants) -> Result<Self::Setting>;

    /// How many bytes its list may take, of so many readings between two instants: memory is reserved for it before it is made.
    fn room(_: &Self::Setting, _: usize, _: (i64, i64)) -> usize {
        0
    }

    /// The metric of readings in order, at most one of an instant, at least one, all finite.
    ///
    /// # Errors
    /// Where the answer would be larger than it may be.
    fn answer(setting: &Self::Setting, trace: &[Point]) -> Result<Said>;
}

/// What a metric says.
#[derive(Debug)]
pub enum Said {
    Number(Option<f64>),
    /// Rows in columns.
    Rows(Vec<ArrayRef>),
}

/// A metric as an aggregate function.
#[derive(Debug, PartialEq, Eq, Hash)]
pub struct OfTrace<C> {
    course: C,
    signature: Signature,
}

impl<C: Course> OfTrace<C> {
    pub fn of(course: C) -> OfTrace<C> {
        OfTrace { course, signature: Signature::user_defined(Volatility::Immutable) }
    }
}

impl<C: Course> AggregateUDFImpl for OfTrace<C> {
    fn name(&self) -> &str {
        self.course.shape().name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn coerce_types(&self, given: &[DataType]) -> Result<Vec<DataType>> {
        self.course.shape().coerce(given)
    }

    fn return_type(&self, given: &[DataType]) -> Result<DataType> {
        let instant = self.course.shape().coerce(given)?.swap_remove(0);
        let of_rows = |fields| DataType::List(Field::new("item", DataType::Struct(fields), true).into());
        Ok(self.course.rows(&instant).map_or(DataType::Float64, of_rows))
    }

    fn return_field(&self, fields: &[FieldRef]) -> Result<FieldRef> {
        self.course.shape().check_unit(fields)?;
        let types: Vec<DataType> = fields.iter().map(|f| f.data_type().clone()).collect();
        Ok(Field::new(self.name(), self.return_type(&types)?, true).into())
    }

    fn state_fields(&self, args: StateFieldsArgs) -> Result<Vec<FieldRef>> {
        let list = |name, of| {
            let kind = DataType::List(Field::new("item", of, true).into());
            Field::new(format_state_name(args.name, name), kind, true).into()
        };
        Ok(vec![list("times", DataType::Int64), list("values", DataType::Float64)])
    }

    fn accumulator(&self, args: AccumulatorArgs) -> Result<Box<dyn Accumulator>> {
        let setting = self.course.setting(&self.course.shape().constants(&args)?)?;
        let answer = args.return_type().clone();
        Ok(Box::new(Trace::<C> { setting, answer, name: self.course.shape().name, points: VecDeque::new(), bounds: None }))
    }

    fn order_sensitivity(&self) -> AggregateOrderSensitivity {
        AggregateOrderSensitivity::Insensitive
    }
}

/// The readings of a group, or of a window that moves, as they came.
#[derive(Debug)]
struct Trace<C: Course> {
    setting: C::Setting,
    answer: DataType,
    name: &'static str,
    points: VecDeque<Point>,
    /// The first and the last instant there ever was here.
    bounds: Option<(i64, i64)>,
}

fn points(values: &[ArrayRef]) -> impl Iterator<Item = Point> {
    let times = values[0].as_primitive::<TimestampMicrosecondType>();
    let values = values[1].as_primitive::<Float64Type>();
    times.iter().zip(values).filter_map(|(time, value)| time.zip(value))
}

/// In order of time, those of one instant as their mean.
fn in_order(mut points: Vec<Point>) -> Vec<Point> {
    // By value as well, so that a mean does not depend on the order in which they came.
    points.sort_unstable_by(|a, b| a.0.cmp(&b.0).then(a.1.total_cmp(&b.1)));
    points
        .chunk_by(|a, b| a.0 == b.0)
        .map(|same| match same {
            [point] => *point,
            _ => (same[0].0, same.iter().map(|p| p.1).sum::<f64>() / same.len() as f64),
        })
        .collect()
}

impl<C: Course> Trace<C> {
    fn take(&mut self, points: impl Iterator<Item = Point>) {
        for point in points {
            let (first, last) = self.bounds.unwrap_or((point.0, point.0));
            self.bounds = Some((first.min(point.0), last.max(point.0)));
            self.points.push_back(point);
        }
    }

    fn said(&self, said: Said) -> Result<ScalarValue> {
        let columns = match said {
            Said::Number(number) => return Ok(ScalarValue::Float64(number)),
            Said::Rows(columns) => columns,
        };
        let DataType::List(item) = &self.answer else { return exec_err!("{} has no rows", self.name) };
        let DataType::Struct(fields) = item.data_type() else { return exec_err!("{} has no rows", self.name) };
        let columns = columns.into_iter().zip(fields).map(|(column, field)| in_zone(column, field.data_type())).collect();
        let rows = StructArray::try_new(fields.clone(), columns, None)?;
        let offsets = OffsetBuffer::from_lengths([rows.len()]);
        Ok(ScalarValue::List(Arc::new(ListArray::try_new(item.clone(), offsets, Arc::new(rows), None)?)))
    }
}

impl<C: Course> Accumulator for Trace<C> {
    fn update_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        self.take(points(values));
        Ok(())
    }

    /// Rows leave a window in the order in which they came into it.
    fn retract_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        let gone = points(values).count();
        self.points.drain(..gone.min(self.points.len()));
        Ok(())
    }

    fn supports_retract_batch(&self) -> bool {
        true
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        let (times, values) = (states[0].as_list::<i32>(), states[1].as_list::<i32>());
        for (times, values) in times.iter().zip(values.iter()) {
            let Some((times, values)) = times.zip(values) else { continue };
            let (times, values) = (times.as_primitive::<Int64Type>(), values.as_primitive::<Float64Type>());
            self.take(times.values().iter().copied().zip(values.values().iter().copied()));
        }
        Ok(())
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        if self.points.is_empty() {
            return ScalarValue::try_from(&self.answer);
        }
        if self.points.iter().any(|p| !p.1.is_finite()) {
            return match self.answer {
                DataType::Float64 => Ok(ScalarValue::Float64(Some(f64::NAN))),
                _ => exec_err!("{} was given a value that is not finite; leave it out with a WHERE", self.name),
            };
        }
        let trace = in_order(self.points.iter().copied().collect());
        let said = C::answer(&self.setting, &trace)?;
        self.said(said)
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        let (times, values): (Vec<i64>, Vec<f64>) = self.points.iter().copied().unzip();
        let list = |values: ArrayRef| -> Result<ScalarValue> {
            let item = Field::new("item", values.data_type().clone(), true).into();
            let offsets = OffsetBuffer::from_lengths([values.len()]);
            Ok(ScalarValue::List(Arc::new(ListArray::try_new(item, offsets, values, None)?)))
        };
        Ok(vec![list(Arc::new(Int64Array::from(times)))?, list(Arc::new(Float64Array::from(values)))?])
    }

    fn size(&self) -> usize {
        // Twice: what is looked at is put in order in a copy.
        let room = self.bounds.map_or(0, |bounds| C::room(&self.setting, self.points.len(), bounds));
        size_of_val(self) + 2 * self.points.capacity() * size_of::<Point>() + room
    }
}

/// Instants as a column; in the answer it takes the zone in which they came.
pub fn instants(micros: impl IntoIterator<Item = i64>) -> ArrayRef {
    Arc::new(TimestampMicrosecondArray::from_iter_values(micros))
}

fn in_zone(column: ArrayRef, kind: &DataType) -> ArrayRef {
    match (column.as_primitive_opt::<TimestampMicrosecondType>(), kind) {
        (Some(times), DataType::Timestamp(_, zone)) => Arc::new(times.clone().with_timezone_opt(zone.clone())),
        _ => column,
    }
}
