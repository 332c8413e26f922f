//! Questions of a connection, to the lake or to the catalogue: answered, or only described.
//!
//! The catalogue is made of the relations that a session of these eyes would have, so it shows nothing that they could not ask.

use std::sync::Arc;
use std::time::{Duration, Instant};

use datafusion::sql::parser::Statement;

use crate::eyes::Eyes;
use crate::io::describe::{self, Listed, filled, listed};
use crate::io::lake::{Inner, Lake};
use crate::io::session::session;
use crate::pg::catalogue::{self, Catalogue, Facts, Relation};
use crate::pg::outgoing::Column;
use crate::pg::types::{Type, columns, numbered, shown_as, text};
use crate::sql::{Answer, Limits, Literal, SqlError, fill, parameters, parse};

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
        account: String,
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
            let answer = inner.in_turn(Some(&account), &eyes, statement, limits).await?;
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
        let kinds: Vec<Option<&'static Type>> = (0..count).map(|place| given.get(place).and_then(|oid| numbered(*oid))).collect();
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
        let kinds = describe::kinds(&state, &statement, &kinds).await;
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
        let relations =
            listed(&context, &view.layout).await?.into_iter().map(|Listed { name, is_view, comment, schema, comments }| {
                let columns = schema.fields().iter().zip(comments);
                let columns = columns.map(|(field, comment)| catalogue::Attribute {
                    name: field.name().clone(),
                    kind: shown_as(field.data_type()),
                    comment,
                });
                Relation { name, is_view, comment, columns: columns.collect() }
            });
        let relations = relations.collect();
        Ok((Catalogue::new(relations, facts, Instant::now() + limits.time.min(CATALOGUE)), view.applied))
    }
}
