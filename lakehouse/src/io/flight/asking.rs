//! What is asked, without being answered: the columns of a statement and its parameters, and what of the catalogue these eyes see.

use std::sync::Arc;
use std::time::Duration;

use arrow_flight::sql::metadata::{SqlInfoData, XdbcTypeInfoData};
use arrow_flight::sql::{Command, CommandGetDbSchemas, CommandGetTables};
use datafusion::arrow::array::RecordBatch;
use datafusion::arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use tonic::Status;

use crate::error::{Doing, LakeError};
use crate::eyes::Eyes;
use crate::flight::shape::given;
use crate::flight::status::{broken, of};
use crate::flight::{catalogue, info, kinds};
use crate::io::describe::{self, Listed, filled, listed};
use crate::io::lake::Lake;
use crate::io::session::session;
use crate::sql::{Limits, Literal, Marked, SqlError, fill, parameters, parse};

/// What is the same for everybody.
pub(crate) struct Told {
    info: SqlInfoData,
    kinds: XdbcTypeInfoData,
}

impl Told {
    /// # Errors
    /// Those of the library.
    pub fn of(time: Duration) -> Result<Told, LakeError> {
        let made = info::all(time).and_then(|info| Ok(Told { info, kinds: kinds::all()? }));
        made.map_err(|e| std::io::Error::other(e.to_string())).doing("making what clients are told of the server")
    }
}

/// What a statement takes and gives.
pub(crate) struct Shape {
    pub parameters: SchemaRef,
    pub columns: SchemaRef,
}

impl Lake {
    /// Tells what a statement takes and gives, with these values or with none.
    ///
    /// # Errors
    /// Where it is at fault.
    pub(crate) async fn shape(
        &self,
        eyes: Eyes,
        sql: String,
        values: Option<Vec<Literal>>,
        limits: Limits,
    ) -> Result<Shape, SqlError> {
        let inner = self.inner.clone();
        let work = async move {
            let mut statement = parse(&sql)?;
            let view = inner.state().view();
            let context = session(&view, inner.runtime.clone(), &eyes)?;
            drop(view);
            let state = context.state();
            let mut kinds = Vec::new();
            match values {
                Some(values) => fill(&mut statement, &values)?,
                None => {
                    kinds = describe::kinds(&state, &statement, &vec![None; parameters(&statement)]).await;
                    statement = filled(statement, &kinds)?;
                }
            }
            let plan = state.statement_to_plan(statement).await?;
            let named = kinds.iter().zip(1..).map(|(kind, number)| {
                let arrow = kind.lake().parse::<DataType>().unwrap_or(DataType::Utf8);
                Field::new(format!("${number}"), arrow, true)
            });
            Ok(Shape { parameters: Arc::new(Schema::new(named.collect::<Vec<_>>())), columns: given(plan.schema().as_arrow()) })
        };
        self.at_query(limits, work).await
    }

    /// The relations that a session of these eyes would have.
    async fn relations(&self, eyes: Eyes, limits: Limits) -> Result<Vec<Listed>, SqlError> {
        let inner = self.inner.clone();
        let work = async move {
            let view = inner.state().view();
            let context = session(&view, inner.runtime.clone(), &eyes)?;
            listed(&context, &view.layout).await
        };
        self.at_query(limits, work).await
    }
}

/// What a command of the catalogue is answered; `None`: it is none. With no eyes nobody's relations are listed: that is enough to tell its columns.
///
/// # Errors
/// Where a pattern is none, or the lake can't be read.
pub(crate) async fn catalogued(
    command: &Command,
    lake: &Lake,
    told: &Told,
    eyes: Option<Eyes>,
    limits: Limits,
) -> Result<Option<RecordBatch>, Status> {
    let made = match command {
        Command::CommandGetCatalogs(_) => catalogue::catalogs(),
        Command::CommandGetDbSchemas(asked) => catalogue::schemas(CommandGetDbSchemas::clone(asked)),
        Command::CommandGetTables(asked) => {
            let relations = match eyes {
                Some(eyes) => lake.relations(eyes, limits).await.map_err(|e| of(&e, None))?,
                None => Vec::new(),
            };
            catalogue::tables(CommandGetTables::clone(asked), &relations)
        }
        Command::CommandGetTableTypes(_) => catalogue::table_types(),
        Command::CommandGetSqlInfo(asked) => told.info.record_batch(asked.info.iter().copied()),
        Command::CommandGetXdbcTypeInfo(asked) => told.kinds.record_batch(asked.data_type),
        Command::CommandGetPrimaryKeys(_) => Ok(RecordBatch::new_empty(catalogue::primary_keys())),
        Command::CommandGetExportedKeys(_) | Command::CommandGetImportedKeys(_) | Command::CommandGetCrossReference(_) => {
            Ok(RecordBatch::new_empty(catalogue::foreign_keys()))
        }
        _ => return Ok(None),
    };
    made.map(Some).map_err(|e| broken(&e))
}

/// A statement that is read, with values in place of its parameters.
pub(crate) fn read(
    statement: &Marked,
    values: Vec<Literal>,
) -> impl FnOnce() -> Result<datafusion::sql::parser::Statement, SqlError> + Send + 'static {
    let sql = statement.numbered().to_owned();
    move || {
        let mut statement = parse(&sql)?;
        fill(&mut statement, &values)?;
        Ok(statement)
    }
}
