//! `asof('left', 'right' [, longest])`: each row of a table, with the latest row of another of the same subject that was there by then.
//!
//! A join by "the greatest instant that is not greater" compares each row with each. Here both tables are put in one order of time and read through once: sorting is all that it
//! costs. Of an interval the start counts on the left, the end on the right, so that what is joined was over. Of several rows of one instant the last to arrive counts.
//! What is more than `longest` ago is left out, as is what never was: its columns are null.

use std::collections::BTreeMap;
use std::sync::Arc;

use datafusion::arrow::datatypes::{DataType, Schema};
use datafusion::catalog::{TableFunctionArgs, TableFunctionImpl, TableProvider};
use datafusion::common::{Result, ScalarValue, plan_err};
use datafusion::datasource::{ViewTable, provider_as_source};
use datafusion::functions::expr_fn::{get_field, named_struct};
use datafusion::logical_expr::expr::WindowFunction;
use datafusion::logical_expr::{Expr, ExprFunctionExt, LogicalPlan, LogicalPlanBuilder, ident, lit, when};

use crate::functions::last_known;

/// The function over the relations of one statement.
#[derive(Debug)]
pub struct AsOf {
    pub tables: BTreeMap<String, Arc<dyn TableProvider>>,
}

/// Columns of the joined rows that tell how they came here, and not what they say.
const NOT_JOINED: [&str; 7] = ["subject", "stream", "source", "seq", "rev", "arrival", "as_sent"];

const INSTANT: &str = "asof instant";
const SIDE: &str = "asof side";
const ARRIVAL: &str = "asof arrival";
const JOINED: &str = "asof joined";
const LEFT: i64 = 1;
const RIGHT: i64 = 0;

impl TableFunctionImpl for AsOf {
    fn call_with_args(&self, args: TableFunctionArgs) -> Result<Arc<dyn TableProvider>> {
        let (left, right, longest) = match args.exprs() {
            [left, right] => (left, right, None),
            [left, right, Expr::Literal(longest, _)] if matches!(longest.data_type(), DataType::Interval(_)) => {
                (left, right, Some(lit(longest.clone())))
            }
            _ => {
                return plan_err!(
                    "asof takes the names of two tables and perhaps an interval, as in asof('carbs', 'bg', interval '1 hour')"
                );
            }
        };
        let (left, right) = (self.side(left)?, self.side(right)?);
        Ok(Arc::new(ViewTable::new(joined(&left, &right, longest)?, None)))
    }
}

/// One of the two tables.
struct Side {
    name: String,
    provider: Arc<dyn TableProvider>,
}

impl AsOf {
    fn side(&self, name: &Expr) -> Result<Side> {
        let name = match name {
            Expr::Literal(ScalarValue::Utf8(Some(name)) | ScalarValue::Utf8View(Some(name)), _) => name.to_lowercase(),
            _ => return plan_err!("asof takes the names of tables as texts, as in asof('carbs', 'bg')"),
        };
        match self.tables.get(&name) {
            Some(provider) => Ok(Side { name, provider: provider.clone() }),
            None => plan_err!("asof knows no table {name:?} of readings"),
        }
    }
}

impl Side {
    fn schema(&self) -> Arc<Schema> {
        self.provider.schema()
    }

    /// The first of these columns that the table has.
    fn time(&self, of: [&str; 2]) -> Result<Expr> {
        match of.into_iter().find(|name| self.schema().field_with_name(name).is_ok()) {
            Some(name) => Ok(ident(name)),
            None => plan_err!("{} has no instants", self.name),
        }
    }

    fn scan(&self) -> Result<LogicalPlanBuilder> {
        LogicalPlanBuilder::scan(self.name.as_str(), provider_as_source(self.provider.clone()), None)
    }

    /// What it adds when it is joined: column here, name there.
    fn added(&self) -> Vec<(String, String)> {
        let schema = self.schema();
        let names = schema.fields().iter().map(|f| f.name().as_str()).filter(|name| !NOT_JOINED.contains(name));
        names.map(|name| (name.to_owned(), format!("{}_{name}", self.name))).collect()
    }

    fn packed(&self) -> Expr {
        named_struct(self.added().into_iter().flat_map(|(column, _)| [lit(column.clone()), ident(column)]).collect())
    }
}

fn joined(left: &Side, right: &Side, longest: Option<Expr>) -> Result<LogicalPlan> {
    let own = left.schema();
    let right_instant = right.time(["at", "end_at"])?;
    let rows_of_right = right.scan()?.filter(right_instant.clone().is_not_null())?;
    let mut columns = vec![right_instant.alias(INSTANT), lit(RIGHT).alias(SIDE)];
    columns.push(ident("arrival").alias(ARRIVAL));
    columns.push(right.packed().alias(JOINED));
    columns.extend(
        own.fields()
            .iter()
            .map(|f| match f.name().as_str() {
                "subject" => Ok(ident("subject")),
                name => Ok(lit(ScalarValue::try_from(f.data_type())?).alias(name)),
            })
            .collect::<Result<Vec<_>>>()?,
    );
    let rows_of_right = rows_of_right.project(columns)?.build()?;
    let packed = rows_of_right.schema().field_with_unqualified_name(JOINED)?.data_type().clone();

    let mut columns = vec![left.time(["at", "start_at"])?.alias(INSTANT), lit(LEFT).alias(SIDE)];
    columns.push(lit(ScalarValue::try_from(own.field_with_name("arrival")?.data_type())?).alias(ARRIVAL));
    columns.push(lit(ScalarValue::try_from(&packed)?).alias(JOINED));
    columns.extend(own.fields().iter().map(|f| ident(f.name())));
    let both = left.scan()?.project(columns)?.union(rows_of_right)?;

    // What came at the same instant was there by then: the right before the left.
    let order = [INSTANT, SIDE, ARRIVAL].map(|name| ident(name).sort(true, true)).to_vec();
    let carried = Expr::from(WindowFunction::new(last_known(), vec![ident(JOINED)]))
        .partition_by(vec![ident("subject")])
        .order_by(order)
        .build()?
        .alias("asof carried");
    let mut columns: Vec<Expr> = own.fields().iter().map(|f| ident(f.name())).collect();
    let instant_there = if right.schema().field_with_name("at").is_ok() { "at" } else { "end_at" };
    for (column, name) in right.added() {
        let value = get_field(ident("asof carried"), column);
        let recent =
            longest.clone().map(|longest| get_field(ident("asof carried"), instant_there).gt_eq(ident(INSTANT) - longest));
        columns.push(match recent {
            Some(recent) => when(recent, value).end()?.alias(name),
            None => value.alias(name),
        });
    }
    both.window(vec![carried])?.filter(ident(SIDE).eq(lit(LEFT)))?.project(columns)?.build()
}
