//! Current readings given back exactly as they came: what a backtest over the lake runs on.

use std::sync::Arc;

use datafusion::arrow::array::Array;
use datafusion::common::ScalarValue;
use datafusion::logical_expr::{Expr, ident, lit};
use futures::TryStreamExt;
use vitalog_elog::accounting::Scope;
use vitalog_elog::{Reading, Subject, Time};

use crate::decode::Decoder;
use crate::error::{Doing, LakeError};
use crate::io::lake::Lake;
use crate::io::query::plain_context;
use crate::io::relation::Relation;
use crate::table::Table;

/// Which readings. The default is all of them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Selection {
    pub subject: Option<Subject>,
    pub source: Option<Arc<str>>,
    /// With their instant at or after it.
    pub from: Option<Time>,
    /// With their instant before it. An interval that goes on has none: it counts by its start.
    pub to: Option<Time>,
}

/// A reading and when it was accepted.
#[derive(Clone, Debug, PartialEq)]
pub struct Accepted {
    pub arrival: Time,
    pub reading: Reading,
}

impl Lake {
    /// The current readings of one moment, hot and in files, ordered by subject, instant and id.
    ///
    /// # Errors
    /// [`LakeError::Storage`]; [`LakeError::Schema`] where the lake has a stream that isn't declared.
    pub async fn readings(&self, selection: &Selection) -> Result<Vec<Accepted>, LakeError> {
        let reading = || "reading the current readings";
        let view = self.inner.settled_view().await?;
        let relation = Arc::new(Relation::new(Table::Readings, &view, crate::eyes::Eyes::All)?);
        let mut frame = plain_context(&self.inner).read_table(relation).doing(reading())?;
        if let Some(filter) = selection.filter() {
            frame = frame.filter(filter).doing(reading())?;
        }
        let mut stream = frame.execute_stream().await.doing(reading())?;
        let mut out = Vec::new();
        while let Some(batch) = stream.try_next().await.doing(reading())? {
            let decoder = Decoder::new(&batch, &view.layout)?;
            for row in 0..batch.column(0).len() {
                let (reading, arrival) = decoder.row(row)?;
                out.push(Accepted { arrival, reading });
            }
        }
        out.sort_by(|a, b| {
            let key = |r: &Accepted| r.reading.content.as_ref().map(|c| c.when.instant().unwrap_or(c.when.start()));
            (&a.reading.subject, key(a), a.reading.id).cmp(&(&b.reading.subject, key(b), b.reading.id))
        });
        Ok(out)
    }
}

impl Selection {
    pub(crate) fn of(scope: &Scope) -> Selection {
        Selection { subject: scope.subject.clone(), source: scope.source.clone(), from: scope.from, to: scope.to }
    }

    pub(crate) fn filter(&self) -> Option<Expr> {
        let instant = |t: Time| lit(ScalarValue::TimestampMicrosecond(Some(t.micros()), Some("UTC".into())));
        let going_on = || ident("at").is_null();
        let subject = self.subject.as_ref().map(|s| ident("subject").eq(lit(s.as_str())));
        let source = self.source.as_ref().map(|s| ident("source").eq(lit(&**s)));
        let from = self.from.map(|t| ident("at").gt_eq(instant(t)).or(going_on().and(ident("start_at").gt_eq(instant(t)))));
        let to = self.to.map(|t| ident("at").lt(instant(t)).or(going_on().and(ident("start_at").lt(instant(t)))));
        [subject, source, from, to].into_iter().flatten().reduce(Expr::and)
    }
}
