//! Which files can't hold a row that a predicate asks for, by the bounds that the log says of them.

use std::collections::HashSet;
use std::sync::Arc;

use datafusion::arrow::array::{ArrayRef, BooleanArray, Int64Array, StringViewArray, TimestampMicrosecondArray, UInt64Array};
use datafusion::arrow::datatypes::{DataType, SchemaRef};
use datafusion::common::pruning::PruningStatistics;
use datafusion::common::{Column, ScalarValue};
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_optimizer::pruning::PruningPredicateBuilder;
use serde_json::Value as Json;

use crate::cold::{DataFile, Stats};

/// The files that may hold such a row. A predicate that can't be judged by bounds keeps them all.
pub fn prune(files: &[Arc<DataFile>], predicate: Option<&Arc<dyn PhysicalExpr>>, schema: &SchemaRef) -> Vec<Arc<DataFile>> {
    let judge = predicate.and_then(|p| PruningPredicateBuilder::new().with_file_schema(schema.clone()).build(p.clone()));
    let keep = judge.and_then(|p| p.prune(&Bounds { files, schema }).ok());
    match keep {
        Some(keep) => files.iter().zip(keep).filter(|(_, keep)| *keep).map(|(f, _)| f.clone()).collect(),
        None => files.to_vec(),
    }
}

struct Bounds<'a> {
    files: &'a [Arc<DataFile>],
    schema: &'a SchemaRef,
}

impl Bounds<'_> {
    fn bounds(&self, column: &Column, of: impl Fn(Range<'_>) -> Bound<'_>) -> Option<ArrayRef> {
        let name = column.name();
        let each = || self.files.iter().map(|f| &f.stats);
        let time = |s: &Stats| s.time(name).map(|(a, b)| of(Range::Int(a, b)));
        let int = |s: &Stats| s.int(name).map(|(a, b)| of(Range::Int(a, b)));
        let as_int = |bound: Option<Bound<'_>>| match bound {
            Some(Bound::Int(n)) => Some(n),
            _ => None,
        };
        match self.schema.field_with_name(name).ok()?.data_type() {
            DataType::Utf8View => {
                let texts = each().map(|s| match s.text(name).map(|(a, b)| of(Range::Text(a, b))) {
                    Some(Bound::Text(text)) => Some(text),
                    _ => None,
                });
                Some(Arc::new(StringViewArray::from_iter(texts)))
            }
            kind @ DataType::Timestamp(..) => {
                let times = TimestampMicrosecondArray::from_iter(each().map(|s| as_int(time(s))));
                Some(Arc::new(times.with_data_type(kind.clone())))
            }
            DataType::Int64 => Some(Arc::new(Int64Array::from_iter(each().map(|s| as_int(int(s)))))),
            _ => None,
        }
    }
}

enum Range<'a> {
    Text(&'a str, &'a str),
    Int(i64, i64),
}

enum Bound<'a> {
    Text(&'a str),
    Int(i64),
}

impl PruningStatistics for Bounds<'_> {
    fn min_values(&self, column: &Column) -> Option<ArrayRef> {
        self.bounds(column, |range| match range {
            Range::Text(least, _) => Bound::Text(least),
            Range::Int(least, _) => Bound::Int(least),
        })
    }

    fn max_values(&self, column: &Column) -> Option<ArrayRef> {
        self.bounds(column, |range| match range {
            Range::Text(_, greatest) => Bound::Text(greatest),
            Range::Int(_, greatest) => Bound::Int(greatest),
        })
    }

    fn num_containers(&self) -> usize {
        self.files.len()
    }

    fn null_counts(&self, column: &Column) -> Option<ArrayRef> {
        let counts = self.files.iter().map(|f| f.stats.null_count.get(column.name()).and_then(Json::as_u64));
        Some(Arc::new(UInt64Array::from_iter(counts)))
    }

    fn row_counts(&self) -> Option<ArrayRef> {
        Some(Arc::new(UInt64Array::from_iter(self.files.iter().map(|f| Some(f.stats.num_records).filter(|n| *n > 0)))))
    }

    fn contained(&self, _: &Column, _: &HashSet<ScalarValue>) -> Option<BooleanArray> {
        None
    }
}
