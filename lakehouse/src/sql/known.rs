//! `readings_as_known(instant)`: the readings as whoever asked at that instant would have seen them.
//!
//! A revision was known from its arrival until the arrival of what superseded or removed it. Current ones are in `readings`, former ones in `readings_history`, each with
//! its hot rows; the function is a union of the two, so predicates go into all of them. Revisions that came too late to be current were never known, and no more are removals.

use std::sync::Arc;

use datafusion::catalog::{TableFunctionArgs, TableFunctionImpl, TableProvider};
use datafusion::common::{Result, ScalarValue, plan_err};
use datafusion::datasource::{ViewTable, provider_as_source};
use datafusion::logical_expr::{Expr, LogicalPlanBuilder, ident, lit};
use vitalog_elog::Time;

use crate::table::Table;

/// The function over the relations of one statement.
#[derive(Debug)]
pub struct ReadingsAsKnown {
    pub readings: Arc<dyn TableProvider>,
    pub history: Arc<dyn TableProvider>,
}

impl TableFunctionImpl for ReadingsAsKnown {
    fn call_with_args(&self, args: TableFunctionArgs) -> Result<Arc<dyn TableProvider>> {
        let [Expr::Literal(instant, _)] = args.exprs() else {
            return plan_err!("readings_as_known takes one constant instant, as in readings_as_known('2026-01-31T12:00:00Z')");
        };
        let instant = lit(instant_of(instant)?);
        let arrived = || ident("arrival").lt_eq(instant.clone());
        let columns: Vec<Expr> = self.readings.schema().fields().iter().map(|f| ident(f.name())).collect();
        let scan = |table: Table, provider: &Arc<dyn TableProvider>| {
            LogicalPlanBuilder::scan(table.name(), provider_as_source(provider.clone()), None)
        };
        let former = scan(Table::History, &self.history)?
            .filter(arrived().and(ident("superseded_at").gt(instant.clone())))?
            .filter(ident("reason").in_list(vec![lit("superseded"), lit("removed")], false))?
            .project(columns.clone())?
            .build()?;
        let plan = scan(Table::Readings, &self.readings)?.filter(arrived())?.project(columns)?.union(former)?.build()?;
        Ok(Arc::new(ViewTable::new(plan, None)))
    }
}

/// As a literal of the columns' type.
fn instant_of(value: &ScalarValue) -> Result<ScalarValue> {
    let micros = match value {
        ScalarValue::Utf8(Some(text)) | ScalarValue::Utf8View(Some(text)) => Time::parse(text).ok().map(Time::micros),
        ScalarValue::TimestampSecond(Some(n), _) => n.checked_mul(1_000_000),
        ScalarValue::TimestampMillisecond(Some(n), _) => n.checked_mul(1_000),
        ScalarValue::TimestampMicrosecond(Some(n), _) => Some(*n),
        // Known within a microsecond is known after it.
        ScalarValue::TimestampNanosecond(Some(n), _) => Some(n.div_euclid(1_000)),
        _ => None,
    };
    match micros {
        Some(micros) => Ok(ScalarValue::TimestampMicrosecond(Some(micros), Some("UTC".into()))),
        None => plan_err!("{value} is no instant; write it with its offset, as in '2026-01-31T12:00:00Z'"),
    }
}
