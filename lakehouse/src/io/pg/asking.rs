//! Questions of a connection, to the lake or to the catalogue: answered, or only described.
//!
//! The catalogue is made of the relations that a session of these eyes would have, so it shows nothing that they could not ask.

use std::sync::Arc;
use std::time::{Duration, Instant};

use datafusion::arrow::datatypes::DataType;
use datafusion::sql::parser::Statement;

use crate::eyes::Eyes;
use crate::io::lake::{Inner, Lake};
use crate::io::session::{CATALOG, SCHEMA, session};
use crate::pg::catalogue::{self, Catalogue, Facts, Relation};
use crate::pg::outgoing::Column;
use crate::pg::types::{Type, columns, numbered, shown_as, text};
use crate::sql::{Answer, Limits, Literal, SqlError, fill, parameters, parse};
use crate::table::Table;

/// How long a question to the catalogue may take: nothing ends it before.
const CATALOGUE: Duration = Duration::from_secs(5);

/// What a statement takes and gives.
#[derive(Clone, Debug)]
pub struct Description {
    pub parameters: Vec<&'static Type>,
    pub columns: Vec<Column>,
}

/// An answer with its columns.
pub struct Answered {
    pub columns: Vec<Column>,
    pub answer: Answer,
}

impl Lake {
    /// Answers a statement with these values in place of its parameters.
    ///
    /// # Errors
    /// As [`Lake::sql_for`].
    pub(super) async fn ask(
        &self,
        eyes: Eyes,
        sql: &str,
        values: Vec<Literal>,
        facts: Facts,
        limits: Limits,
    ) -> Result<Answered, SqlError> {
        let (inner, sql) = (self.inner.clone(), sql.to_owned());
        let work = async move {
            let mut statement = parse(&sql)?;
            fill(&mut statement, &values)?;
            if let Some(query) = catalogue::question(&statement) {
                let (catalogue, position) = inner.catalogue(&eyes, facts, limits).await?;
                let (columns, batch) = catalogue.answer(query)?;
                let answer = Answer { schema: batch.schema(), batches: vec![batch], truncated: false, position };
                return Ok(Answered { columns, answer });
            }
            let answer = inner.in_turn(&eyes, statement, limits).await?;
            Ok(Answered { columns: columns(&answer.schema), answer })
        };
        self.at_query(limits, work).await
    }

    /// Tells what a statement takes and gives. `given`: the types of its parameters, as far as the client says them; 0: it doesn't.
    ///
    /// # Errors
    /// Where the statement is at fault.
    pub(super) async fn describe(
        &self,
        eyes: Eyes,
        sql: &str,
        given: Vec<u32>,
        facts: Facts,
        limits: Limits,
    ) -> Result<Description, SqlError> {
        let (inner, sql) = (self.inner.clone(), sql.to_owned());
        let work = async move { inner.description(&eyes, parse(&sql)?, &given, facts, limits).await };
        self.at_query(limits, work).await
    }
}

impl Inner {
    async fn description(
        &self,
        eyes: &Eyes,
        statement: Statement,
        given: &[u32],
        facts: Facts,
        limits: Limits,
    ) -> Result<Description, SqlError> {
        let count = parameters(&statement);
        let mut kinds: Vec<Option<&'static Type>> =
            (0..count).map(|place| given.get(place).and_then(|oid| numbered(*oid))).collect();
        if catalogue::question(&statement).is_some() {
            let kinds: Vec<&'static Type> = kinds.into_iter().map(|kind| kind.unwrap_or_else(text)).collect();
            let filled = filled(statement, &kinds)?;
            let (catalogue, _) = self.catalogue(eyes, facts, limits).await?;
            let columns = catalogue::question(&filled).map(|query| catalogue.columns(query)).transpose()?;
            return Ok(Description { parameters: kinds, columns: columns.unwrap_or_default() });
        }
        let view = self.state().view();
        let context = session(&view, self.runtime.clone(), eyes)?;
        drop(view);
        let state = context.state();
        if kinds.contains(&None) {
            // What stands beside a parameter says what it is. Where that can't be told, it is a text, as a literal in its place would be.
            let planned = state.statement_to_plan(statement.clone()).await;
            let told = planned.and_then(|plan| plan.get_parameter_types()).unwrap_or_default();
            for (place, kind) in kinds.iter_mut().enumerate().filter(|(_, kind)| kind.is_none()) {
                *kind = match told.get(&format!("${}", place + 1)) {
                    Some(Some(DataType::Null)) | Some(None) | None => Some(text()),
                    Some(Some(told)) => Some(shown_as(told)),
                };
            }
        }
        let kinds: Vec<&'static Type> = kinds.into_iter().flatten().collect();
        let plan = state.statement_to_plan(filled(statement, &kinds)?).await?;
        Ok(Description { parameters: kinds, columns: columns(&Arc::new(plan.schema().as_arrow().clone())) })
    }

    /// The catalogue that these eyes see.
    async fn catalogue(
        &self,
        eyes: &Eyes,
        facts: Facts,
        limits: Limits,
    ) -> Result<(Catalogue, vitalog_elog::Position), SqlError> {
        let view = self.state().view();
        let context = session(&view, self.runtime.clone(), eyes)?;
        let schema = context.catalog(CATALOG).and_then(|catalog| catalog.schema(SCHEMA));
        let mut relations = Vec::new();
        if let Some(schema) = schema {
            let mut names = schema.table_names();
            names.sort();
            for name in names {
                let Some(table) = schema.table(&name).await? else { continue };
                let own = Table::ALL.into_iter().find(|t| t.name() == name);
                let docs = own.map(|t| view.layout.columns(t)).unwrap_or_default();
                let fields = table.schema();
                let columns = fields.fields().iter().map(|field| {
                    let doc = docs.iter().find(|c| *c.name == **field.name()).map_or("", |c| &*c.doc);
                    let unit = field.metadata().get("unit").map(|unit| format!("in {unit}"));
                    let comment = [Some(doc.to_owned()), unit].into_iter().flatten().filter(|words| !words.is_empty());
                    catalogue::Attribute {
                        name: field.name().clone(),
                        kind: shown_as(field.data_type()),
                        comment: comment.collect::<Vec<_>>().join("; "),
                    }
                });
                let columns = columns.collect();
                let comment = own.map_or_else(|| format!("Current readings of {name}."), |t| t.comment().to_owned());
                // What is made of others is a view: a stream's readings, and the latest of each finding.
                let is_view = own.is_none_or(|t| t == Table::Recommendations);
                relations.push(Relation { name, is_view, comment, columns });
            }
        }
        Ok((Catalogue::new(relations, facts, Instant::now() + limits.time.min(CATALOGUE)), view.applied))
    }
}

/// The statement with nothing of the right types in place of its parameters.
fn filled(mut statement: Statement, kinds: &[&'static Type]) -> Result<Statement, SqlError> {
    let nothing: Vec<Literal> = kinds.iter().map(|kind| Literal::Null(Some(kind.lake()))).collect();
    fill(&mut statement, &nothing)?;
    Ok(statement)
}
