//! The end of a scan for whoever studies everybody: what could name a person goes no further than here.
//!
//! INVARIANT (nothing above sees a name): it stands at the scan itself, so a statement has no word for what lies below. No condition on a column that changes here is let below, or it would find by its
//! name whom nobody may find; nor does it tell statistics.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use datafusion::arrow::array::{Array, ArrayRef, AsArray, RecordBatch, RecordBatchOptions, StringViewBuilder, new_null_array};
use datafusion::arrow::compute::cast;
use datafusion::arrow::datatypes::{DataType, SchemaRef};
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::common::{Result, internal_err};
use datafusion::execution::{RecordBatchStream, SendableRecordBatchStream, TaskContext};
use datafusion::physical_expr::{EquivalenceProperties, PhysicalExpr};
use datafusion::physical_plan::{DisplayAs, DisplayFormatType, ExecutionPlan, ExecutionPlanProperties, PlanProperties};
use futures::{Stream, StreamExt};

use crate::io::only_seen::untold;
use crate::masks::Mask;
use crate::pseudonyms::Pseudonyms;

/// Gives on rows with pseudonyms in place of names.
#[derive(Debug)]
pub struct Pseudonymised {
    input: Arc<dyn ExecutionPlan>,
    /// Where the subject is in what comes in.
    subject: usize,
    /// What becomes of each column that goes on. They are the first of those that come in.
    masks: Arc<[Mask]>,
    pseudonyms: Arc<Pseudonyms>,
    schema: SchemaRef,
    properties: Arc<PlanProperties>,
}

impl Pseudonymised {
    /// # Errors
    /// Where fewer columns come in than go on.
    pub fn new(
        input: Arc<dyn ExecutionPlan>,
        subject: usize,
        masks: Arc<[Mask]>,
        pseudonyms: Arc<Pseudonyms>,
    ) -> Result<Pseudonymised> {
        let schema = Arc::new(input.schema().project(&(0..masks.len()).collect::<Vec<_>>())?);
        let properties = PlanProperties::new(
            EquivalenceProperties::new(schema.clone()),
            datafusion::physical_plan::Partitioning::UnknownPartitioning(input.output_partitioning().partition_count()),
            input.pipeline_behavior(),
            input.boundedness(),
        );
        Ok(Pseudonymised { input, subject, masks, pseudonyms, schema, properties: Arc::new(properties) })
    }
}

impl DisplayAs for Pseudonymised {
    fn fmt_as(&self, _: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Pseudonymised")
    }
}

impl ExecutionPlan for Pseudonymised {
    fn name(&self) -> &str {
        "Pseudonymised"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        &self.properties
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        vec![&self.input]
    }

    fn apply_expressions(
        &self,
        _: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        Ok(TreeNodeRecursion::Continue)
    }

    fn with_new_children(self: Arc<Self>, mut children: Vec<Arc<dyn ExecutionPlan>>) -> Result<Arc<dyn ExecutionPlan>> {
        let Some(input) = children.pop().filter(|_| children.is_empty()) else {
            return internal_err!("Pseudonymised has one input");
        };
        Ok(Arc::new(Pseudonymised::new(input, self.subject, self.masks.clone(), self.pseudonyms.clone())?))
    }

    fn execute(&self, partition: usize, context: Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        let input = self.input.execute(partition, context)?;
        let (subject, masks, pseudonyms) = (self.subject, self.masks.clone(), self.pseudonyms.clone());
        Ok(Box::pin(Rows { input, subject, masks, pseudonyms, schema: self.schema.clone() }))
    }
}

struct Rows {
    input: SendableRecordBatchStream,
    subject: usize,
    masks: Arc<[Mask]>,
    pseudonyms: Arc<Pseudonyms>,
    schema: SchemaRef,
}

impl Rows {
    fn of(&self, batch: &RecordBatch) -> Result<RecordBatch> {
        let whose = batch.column(self.subject);
        let columns = self.masks.iter().zip(batch.columns()).map(|(mask, column)| match mask {
            Mask::Open => Ok(column.clone()),
            Mask::Closed => Ok(new_null_array(column.data_type(), column.len())),
            Mask::Subject => named(column, column, |subject, _| self.pseudonyms.subject(subject)),
            Mask::Within(kind) => named(whose, column, |subject, name| self.pseudonyms.of(*kind, subject, name)),
        });
        let rows = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
        Ok(RecordBatch::try_new_with_options(self.schema.clone(), columns.collect::<Result<_>>()?, &rows)?)
    }
}

/// Pseudonyms in place of a column's names. What is about nobody has none.
fn named(whose: &ArrayRef, column: &ArrayRef, made: impl Fn(&str, &str) -> String) -> Result<ArrayRef> {
    let (subjects, names) = (cast(whose, &DataType::Utf8View)?, cast(column, &DataType::Utf8View)?);
    let (subjects, names) = (subjects.as_string_view(), names.as_string_view());
    let mut out = StringViewBuilder::with_capacity(names.len());
    // Rows of a subject lie together, and so do those of a source.
    let mut last: Option<(&str, &str, String)> = None;
    for row in 0..names.len() {
        if names.is_null(row) || subjects.is_null(row) {
            out.append_null();
            continue;
        }
        let (subject, name) = (subjects.value(row), names.value(row));
        let made = match last.take() {
            Some((s, n, made)) if s == subject && n == name => made,
            _ => made(subject, name),
        };
        out.append_value(&made);
        last = Some((subject, name, made));
    }
    Ok(cast(&(Arc::new(out.finish()) as ArrayRef), column.data_type())?)
}

impl Stream for Rows {
    type Item = Result<RecordBatch>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        Poll::Ready(match std::task::ready!(self.input.poll_next_unpin(context)) {
            Some(Ok(batch)) => Some(self.of(&batch)),
            Some(Err(error)) => Some(Err(untold(error))),
            None => None,
        })
    }
}

impl RecordBatchStream for Rows {
    fn schema(&self) -> SchemaRef {
        self.schema.clone()
    }
}
