//! What a statement takes, and what relations there are for whoever asks: told without answering anything.

use std::sync::Arc;

use datafusion::arrow::datatypes::{DataType, SchemaRef};
use datafusion::execution::context::{SessionContext, SessionState};
use datafusion::sql::parser::Statement;

use crate::io::session::{CATALOG, SCHEMA};
use crate::layout::Layout;
use crate::pg::types::{Type, shown_as, text};
use crate::sql::{Literal, SqlError, fill};
use crate::table::Table;

/// A relation that a session has.
pub(crate) struct Listed {
    pub name: String,
    /// It is made of others: a stream's readings, and the latest of each finding.
    pub is_view: bool,
    pub comment: String,
    pub schema: SchemaRef,
    /// What each column means, with its unit.
    pub comments: Vec<String>,
}

/// The relations of a session, by their names.
///
/// # Errors
/// Those of DataFusion.
pub(crate) async fn listed(context: &SessionContext, layout: &Arc<Layout>) -> Result<Vec<Listed>, SqlError> {
    let Some(schema) = context.catalog(CATALOG).and_then(|catalog| catalog.schema(SCHEMA)) else { return Ok(Vec::new()) };
    let mut names = schema.table_names();
    names.sort();
    let mut all = Vec::new();
    for name in names {
        let Some(table) = schema.table(&name).await? else { continue };
        let own = Table::ALL.into_iter().find(|t| t.name() == name);
        let docs = own.map(|t| layout.columns(t)).unwrap_or_default();
        let schema = table.schema();
        let comments = schema.fields().iter().map(|field| {
            let doc = docs.iter().find(|c| *c.name == **field.name()).map_or("", |c| &*c.doc);
            let unit = field.metadata().get("unit").map(|unit| format!("in {unit}"));
            let comment = [Some(doc.to_owned()), unit].into_iter().flatten().filter(|words| !words.is_empty());
            comment.collect::<Vec<_>>().join("; ")
        });
        let comments = comments.collect();
        let comment = own.map_or_else(|| format!("Current readings of {name}."), |t| t.comment().to_owned());
        all.push(Listed { name, is_view: own.is_none_or(|t| t == Table::Recommendations), comment, schema, comments });
    }
    Ok(all)
}

/// The types of parameters: as they are given, else as what stands beside them tells. Where that can't be told, one is a text, as a literal in its place would be.
pub(crate) async fn kinds(state: &SessionState, statement: &Statement, given: &[Option<&'static Type>]) -> Vec<&'static Type> {
    let mut kinds = given.to_vec();
    if kinds.contains(&None) {
        let planned = state.statement_to_plan(statement.clone()).await;
        let told = planned.and_then(|plan| plan.get_parameter_types()).unwrap_or_default();
        for (place, kind) in kinds.iter_mut().enumerate().filter(|(_, kind)| kind.is_none()) {
            *kind = match told.get(&format!("${}", place + 1)) {
                Some(Some(DataType::Null)) | Some(None) | None => Some(text()),
                Some(Some(told)) => Some(shown_as(told)),
            };
        }
    }
    kinds.into_iter().flatten().collect()
}

/// The statement with nothing of the right types in place of its parameters.
pub(crate) fn filled(mut statement: Statement, kinds: &[&'static Type]) -> Result<Statement, SqlError> {
    let nothing: Vec<Literal> = kinds.iter().map(|kind| Literal::Null(Some(kind.lake()))).collect();
    fill(&mut statement, &nothing)?;
    Ok(statement)
}
