//! A session for one statement: a catalogue of the lake's relations and nothing else.
//!
//! There are no table factories, no file formats, no functions that read files, and no name by which anything but the relations can be said.
//! Functions that make large texts or lists from small ones are left out: their memory isn't counted.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use datafusion::catalog::{
    CatalogProvider, CatalogProviderList, MemoryCatalogProvider, MemoryCatalogProviderList, MemorySchemaProvider, SchemaProvider,
    TableFunction, TableFunctionImpl, TableProvider,
};
use datafusion::common::Result;
use datafusion::datasource::{ViewTable, provider_as_source};
use datafusion::execution::context::SessionContext;
use datafusion::execution::runtime_env::RuntimeEnv;
use datafusion::execution::{SessionStateBuilder, SessionStateDefaults};
use datafusion::functions_window::expr_fn::row_number;
use datafusion::logical_expr::{ExprFunctionExt, LogicalPlanBuilder, ScalarUDF, ident, lit};
use datafusion::prelude::SessionConfig;

use crate::eyes::Eyes;
use crate::functions::{aggregates, last_known, scalars};
use crate::io::give_way::GiveWay;
use crate::io::plan::Planner;
use crate::io::relation::Relation;
use crate::layout::Layout;
use crate::shared::View;
use crate::sql::{AsOf, OverRelations, OverUnnests, ReadingsAsKnown, SqlError};
use crate::table::Table;

pub(crate) const CATALOG: &str = "vitalog";
pub(crate) const SCHEMA: &str = "lake";
const PARTITIONS: usize = 2;

/// Scalar functions whose result is as large as an argument says.
const UNBOUNDED: [&str; 8] = ["repeat", "lpad", "rpad", "array_repeat", "array_resize", "range", "generate_series", "space"];

/// A session over a view whose masks are all found.
///
/// # Errors
/// Those of DataFusion, and where rows can't become columns.
pub fn session(view: &View, runtime: Arc<RuntimeEnv>, eyes: &Eyes) -> Result<SessionContext, SqlError> {
    let relations = Relations::of(view, eyes)?;
    let mut config = SessionConfig::new()
        .with_default_catalog_and_schema(CATALOG, SCHEMA)
        .with_create_default_catalog_and_schema(false)
        .with_information_schema(true)
        .with_target_partitions(PARTITIONS);
    let options = config.options_mut();
    options.execution.parquet.pushdown_filters = true;
    options.sql_parser.dialect = datafusion::common::config::Dialect::PostgreSQL;
    let is_bounded = |f: &Arc<ScalarUDF>| {
        !UNBOUNDED.contains(&f.name()) && !f.aliases().iter().any(|alias| UNBOUNDED.contains(&alias.as_str()))
    };
    let bounded = SessionStateDefaults::default_scalar_functions().into_iter().filter(is_bounded);
    let state = SessionStateBuilder::new()
        .with_config(config)
        .with_runtime_env(runtime)
        .with_catalog_list(relations.catalog()?)
        .with_expr_planners(SessionStateDefaults::default_expr_planners())
        .with_scalar_functions(bounded.chain(scalars()).collect())
        .with_higher_order_functions(SessionStateDefaults::default_higher_order_functions())
        .with_aggregate_functions([SessionStateDefaults::default_aggregate_functions(), aggregates()].concat())
        .with_window_functions([SessionStateDefaults::default_window_functions(), vec![last_known()]].concat())
        .with_table_functions(relations.functions())
        .with_table_factories(HashMap::new())
        .with_file_formats(Vec::new())
        .with_physical_optimizer_rule(Arc::new(GiveWay))
        .with_relation_planners(vec![Arc::new(OverRelations::default())])
        .with_analyzer_rule(Arc::new(OverUnnests))
        .with_query_planner(Arc::new(Planner))
        .build();
    Ok(SessionContext::new_with_state(state))
}

/// The relations of one statement by their names; what a function of them reads is these and nothing else.
struct Relations {
    readings: Arc<dyn TableProvider>,
    history: Arc<dyn TableProvider>,
    /// One for each stream.
    streams: BTreeMap<String, Arc<dyn TableProvider>>,
    others: Vec<(Table, Arc<dyn TableProvider>)>,
}

impl Relations {
    fn of(view: &View, eyes: &Eyes) -> Result<Relations, SqlError> {
        let relation =
            |table| -> Result<Arc<dyn TableProvider>, SqlError> { Ok(Arc::new(Relation::new(table, view, eyes.clone())?)) };
        let readings = relation(Table::Readings)?;
        let mut streams = BTreeMap::new();
        for (ix, stream) in view.layout.streams.iter() {
            let name = if is_table(&stream.name) { format!("{}_readings", stream.name) } else { stream.name.to_string() };
            streams.insert(name, stream_view(&view.layout, ix, readings.clone())?);
        }
        let recommendations = latest(Relation::new(Table::Recommendations, view, eyes.clone())?)?;
        let mut others = vec![(Table::Matches, relation(Table::Matches)?), (Table::Recommendations, recommendations)];
        // What was refused may name anybody, whatever it says that it is about.
        if eyes.is_all() {
            others.push((Table::DeadLetters, relation(Table::DeadLetters)?));
        }
        Ok(Relations { readings, history: relation(Table::History)?, streams, others })
    }

    fn catalog(&self) -> Result<Arc<dyn CatalogProviderList>, SqlError> {
        let schema = MemorySchemaProvider::new();
        for (name, stream) in &self.streams {
            schema.register_table(name.clone(), stream.clone())?;
        }
        let common = [(Table::Readings, self.readings.clone()), (Table::History, self.history.clone())];
        for (table, relation) in common.iter().chain(&self.others) {
            schema.register_table(table.name().to_owned(), relation.clone())?;
        }
        let catalog = MemoryCatalogProvider::new();
        catalog.register_schema(SCHEMA, Arc::new(schema))?;
        let list = MemoryCatalogProviderList::new();
        list.register_catalog(CATALOG.to_owned(), Arc::new(catalog));
        Ok(Arc::new(list))
    }

    fn functions(&self) -> HashMap<String, Arc<TableFunction>> {
        let known = ReadingsAsKnown { readings: self.readings.clone(), history: self.history.clone() };
        let own: [(&str, Arc<dyn TableFunctionImpl>); 2] =
            [("readings_as_known", Arc::new(known)), ("asof", Arc::new(AsOf { tables: self.streams.clone() }))];
        let own = own.map(|(name, function)| Arc::new(TableFunction::new(name.to_owned(), function)));
        let all = SessionStateDefaults::default_table_functions().into_iter().chain(own);
        all.map(|f| (f.name().to_owned(), f)).collect()
    }
}

fn is_table(name: &str) -> bool {
    Table::ALL.iter().any(|t| t.name() == name)
}

/// A stream's current readings, its fields under their own names.
fn stream_view(layout: &Layout, ix: vitalog_elog::StreamIx, readings: Arc<dyn TableProvider>) -> Result<Arc<dyn TableProvider>> {
    let stream = layout.streams.get(ix);
    let times: &[&str] = if stream.is_interval() { &["subject", "start_at", "end_at"] } else { &["subject", "at"] };
    const REST: [&str; 6] = ["source", "seq", "id", "rev", "arrival", "as_sent"];
    let mut columns: Vec<_> = times.iter().map(|name| ident(*name)).collect();
    for (field, column) in stream.fields.iter().zip(layout.fields(ix)) {
        let taken = times.contains(&&*field.name) || REST.contains(&&*field.name);
        columns.push(if taken { ident(&*column.name) } else { ident(&*column.name).alias(&*field.name) });
    }
    columns.extend(REST.map(ident));
    let plan = LogicalPlanBuilder::scan(Table::Readings.name(), provider_as_source(readings), None)?
        .filter(ident("stream").eq(lit(&*stream.name)))?
        .project(columns)?
        .build()?;
    Ok(Arc::new(ViewTable::new(plan, None)))
}

/// Of each finding the row with the greatest revision. Whom and which rule it is about never changes, so a filter on these goes below.
fn latest(changes: Relation) -> Result<Arc<dyn TableProvider>> {
    let schema = changes.schema();
    let names = || schema.fields().iter().map(|f| ident(f.name()));
    let place = row_number()
        .partition_by(vec![ident("id"), ident("subject"), ident("rule")])
        .order_by(vec![ident("revision").sort(false, false)])
        .build()?
        .alias("place");
    let plan = LogicalPlanBuilder::scan("changes", provider_as_source(Arc::new(changes)), None)?
        .window(vec![place])?
        .filter(ident("place").eq(lit(1_u64)))?
        .project(names())?
        .build()?;
    Ok(Arc::new(ViewTable::new(plan, None)))
}
