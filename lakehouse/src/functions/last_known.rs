//! `last_known(value) OVER (PARTITION BY … ORDER BY …)`: the last value so far that is not null.
//!
//! It carries a value forward into the rows that lack one, in one pass over the partition: the library's `last_value … IGNORE NULLS` looks back anew at each
//! row. A window frame has no say in it.

use datafusion::arrow::array::{Array, ArrayRef, UInt64Array};
use datafusion::arrow::compute::take;
use datafusion::arrow::datatypes::{Field, FieldRef};
use datafusion::common::Result;
use datafusion::logical_expr::function::{PartitionEvaluatorArgs, WindowUDFFieldArgs};
use datafusion::logical_expr::{PartitionEvaluator, Signature, Volatility, WindowUDFImpl};

/// The function.
#[derive(Debug, PartialEq, Eq, Hash)]
pub struct LastKnown {
    signature: Signature,
}

impl LastKnown {
    pub fn new() -> LastKnown {
        LastKnown { signature: Signature::any(1, Volatility::Immutable) }
    }
}

impl WindowUDFImpl for LastKnown {
    fn name(&self) -> &str {
        "last_known"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn partition_evaluator(&self, _: PartitionEvaluatorArgs) -> Result<Box<dyn PartitionEvaluator>> {
        Ok(Box::new(Carry))
    }

    fn field(&self, args: WindowUDFFieldArgs) -> Result<FieldRef> {
        let given = args.get_input_field(0);
        let kind = given.as_ref().map_or(datafusion::arrow::datatypes::DataType::Null, |f| f.data_type().clone());
        let metadata = given.map(|f| f.metadata().clone()).unwrap_or_default();
        Ok(Field::new(args.name(), kind, true).with_metadata(metadata).into())
    }
}

#[derive(Debug)]
struct Carry;

impl PartitionEvaluator for Carry {
    fn evaluate_all(&mut self, values: &[ArrayRef], rows: usize) -> Result<ArrayRef> {
        let value = &values[0];
        let mut last = None;
        let places = (0..rows).map(|i| {
            if value.is_valid(i) {
                last = Some(i as u64);
            }
            last
        });
        Ok(take(value, &UInt64Array::from_iter(places), None)?)
    }
}
