//! Metrics that follow from a few sums over the readings, in any order.
//!
//! The sums are integers: amounts in atoms (10^-5 mg/dL), risks in units of 10^-15. So the answer is the same whatever the order, the number
//! of threads, or the window a reading has left, to the last digit. A null is no reading and is passed over; what is not finite, or has no place
//! in the formula, makes the answer NaN, for it must not pass for a reading nor vanish.

use std::fmt::Debug;
use std::hash::Hash;

use datafusion::arrow::array::{Array, ArrayRef, AsArray, BooleanArray, Float64Array};
use datafusion::arrow::datatypes::{DataType, Decimal128Type, Field, FieldRef, Float64Type, Int64Type};
use datafusion::common::{Result, ScalarValue};
use datafusion::logical_expr::function::{AccumulatorArgs, StateFieldsArgs};
use datafusion::logical_expr::utils::{AggregateOrderSensitivity, format_state_name};
use datafusion::logical_expr::{Accumulator, AggregateUDFImpl, GroupsAccumulator, Signature, Volatility};

use super::args::{Constants, Shape};
use super::sums_by_group::SumsByGroup;

/// The most sums that a metric keeps.
pub const MOST: usize = 4;
/// How many columns a state has.
pub const STATE: usize = 2 + MOST;

/// A metric.
pub trait Measure: Debug + Clone + PartialEq + Eq + Hash + Send + Sync + 'static {
    /// What it needs to know of a call, beside the readings.
    type Setting: Debug + Clone + Send + Sync + 'static;

    fn shape(&self) -> Shape;

    /// # Errors
    /// Where a constant makes no sense.
    fn setting(&self, constants: &Constants) -> Result<Self::Setting>;

    /// What a reading adds. `row` has a number for each argument that is one, the reading first; `None` where the formula has no place for it.
    fn parts(setting: &Self::Setting, row: &[f64]) -> Option<[i128; MOST]>;

    /// The metric of `count` readings; `None` if they are too few.
    fn result(count: i64, sums: &[i128; MOST]) -> Option<f64>;

    /// How many of the arguments are numbers of each row.
    fn numbers(&self) -> usize {
        self.shape().kinds.iter().filter(|k| **k == super::args::Kind::Number).count()
    }
}

/// What is known of some readings.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    pub count: i64,
    /// Of these, how many the formula has no place for.
    pub odd: i64,
    pub sums: [i128; MOST],
}

impl Tally {
    pub fn add<M: Measure>(&mut self, setting: &M::Setting, row: &[f64], times: i64) {
        self.count += times;
        match M::parts(setting, row).filter(|_| row.iter().all(|v| v.is_finite())) {
            Some(parts) => self.join(&parts, i128::from(times)),
            None => self.odd += times,
        }
    }

    fn join(&mut self, parts: &[i128; MOST], times: i128) {
        for (sum, part) in self.sums.iter_mut().zip(parts) {
            *sum = sum.saturating_add(part.saturating_mul(times));
        }
    }

    pub fn merge(&mut self, other: &Tally) {
        self.count += other.count;
        self.odd += other.odd;
        self.join(&other.sums, 1);
    }

    pub fn result<M: Measure>(&self) -> Option<f64> {
        match self.odd {
            0 if self.count > 0 => M::result(self.count, &self.sums),
            0 => None,
            _ => Some(f64::NAN),
        }
    }
}

/// A metric as an aggregate function.
#[derive(Debug, PartialEq, Eq, Hash)]
pub struct Sums<M> {
    measure: M,
    signature: Signature,
}

impl<M: Measure> Sums<M> {
    pub fn of(measure: M) -> Sums<M> {
        Sums { measure, signature: Signature::user_defined(Volatility::Immutable) }
    }

    fn setting(&self, args: &AccumulatorArgs) -> Result<M::Setting> {
        self.measure.setting(&self.measure.shape().constants(args)?)
    }
}

impl<M: Measure> AggregateUDFImpl for Sums<M> {
    fn name(&self) -> &str {
        self.measure.shape().name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn coerce_types(&self, given: &[DataType]) -> Result<Vec<DataType>> {
        self.measure.shape().coerce(given)
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Float64)
    }

    fn return_field(&self, fields: &[FieldRef]) -> Result<FieldRef> {
        self.measure.shape().check_unit(fields)?;
        Ok(Field::new(self.name(), DataType::Float64, true).into())
    }

    fn state_fields(&self, args: StateFieldsArgs) -> Result<Vec<FieldRef>> {
        let field = |name: &str, kind| Field::new(format_state_name(args.name, name), kind, true).into();
        let counts = ["count", "odd"].map(|name| field(name, DataType::Int64));
        let sums = (0..MOST).map(|i| field(&format!("sum{i}"), DataType::Decimal128(38, 0)));
        Ok(counts.into_iter().chain(sums).collect())
    }

    fn accumulator(&self, args: AccumulatorArgs) -> Result<Box<dyn Accumulator>> {
        Ok(Box::new(SumsOfAll::<M> { setting: self.setting(&args)?, numbers: self.measure.numbers(), tally: Tally::default() }))
    }

    fn groups_accumulator_supported(&self, _: AccumulatorArgs) -> bool {
        true
    }

    fn create_groups_accumulator(&self, args: AccumulatorArgs) -> Result<Box<dyn GroupsAccumulator>> {
        Ok(Box::new(SumsByGroup::<M>::new(self.setting(&args)?, self.measure.numbers())))
    }

    fn order_sensitivity(&self) -> AggregateOrderSensitivity {
        AggregateOrderSensitivity::Insensitive
    }
}

/// The readings of one group, or of a window that moves.
#[derive(Debug)]
struct SumsOfAll<M: Measure> {
    setting: M::Setting,
    numbers: usize,
    tally: Tally,
}

impl<M: Measure> SumsOfAll<M> {
    fn count(&mut self, values: &[ArrayRef], times: i64) {
        let rows = Rows::new(&values[..self.numbers]);
        let mut row = [0.0; 3];
        for i in 0..rows.len() {
            if let Some(row) = rows.get(i, &mut row) {
                self.tally.add::<M>(&self.setting, row, times);
            }
        }
    }
}

impl<M: Measure> Accumulator for SumsOfAll<M> {
    fn update_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        self.count(values, 1);
        Ok(())
    }

    fn retract_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        self.count(values, -1);
        Ok(())
    }

    fn supports_retract_batch(&self) -> bool {
        true
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        let states = States::new(states);
        (0..states.len()).for_each(|i| self.tally.merge(&states.get(i)));
        Ok(())
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        Ok(ScalarValue::Float64(self.tally.result::<M>()))
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        let counts = [self.tally.count, self.tally.odd].map(|n| ScalarValue::Int64(Some(n)));
        let sums = self.tally.sums.map(|sum| ScalarValue::Decimal128(Some(sum), 38, 0));
        Ok(counts.into_iter().chain(sums).collect())
    }

    fn size(&self) -> usize {
        size_of_val(self)
    }
}

/// Rows of numbers.
pub struct Rows<'a>(Vec<&'a Float64Array>);

impl<'a> Rows<'a> {
    pub fn new(columns: &'a [ArrayRef]) -> Rows<'a> {
        Rows(columns.iter().map(|c| c.as_primitive::<Float64Type>()).collect())
    }

    pub fn len(&self) -> usize {
        self.0.first().map_or(0, |c| c.len())
    }

    /// A row without nulls, written into `row`.
    pub fn get<'r>(&self, i: usize, row: &'r mut [f64; 3]) -> Option<&'r [f64]> {
        for (place, column) in row.iter_mut().zip(&self.0) {
            if column.is_null(i) {
                return None;
            }
            *place = column.value(i);
        }
        Some(&row[..self.0.len()])
    }
}

/// States in columns.
pub struct States<'a>(&'a [ArrayRef]);

impl<'a> States<'a> {
    pub fn new(columns: &'a [ArrayRef]) -> States<'a> {
        States(columns)
    }

    pub fn len(&self) -> usize {
        self.0.first().map_or(0, |c| c.len())
    }

    pub fn get(&self, i: usize) -> Tally {
        let int = |column: usize| self.0[column].as_primitive::<Int64Type>().value(i);
        let sum = |place: usize| self.0[2 + place].as_primitive::<Decimal128Type>().value(i);
        Tally { count: int(0), odd: int(1), sums: std::array::from_fn(sum) }
    }
}

/// Whether a filter lets a row through.
pub fn passes(filter: Option<&BooleanArray>, i: usize) -> bool {
    filter.is_none_or(|f| f.is_valid(i) && f.value(i))
}
