//! What there is to complete: tables with their columns, and functions; asked of the server once, when the prompt begins.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

use super::ask::Server;
use crate::cli::SqlFormat;
use crate::failure::Failure;

/// Names, in the order in which they are offered.
#[derive(Debug, Default)]
pub struct Catalogue {
    pub tables: BTreeMap<String, Vec<String>>,
    pub functions: BTreeSet<String>,
}

#[derive(Deserialize)]
struct Column {
    table_name: String,
    column_name: String,
}

#[derive(Deserialize)]
struct Function {
    routine_name: String,
}

impl Catalogue {
    /// # Errors
    /// Where the server refuses; then there is nothing to complete but words of the language.
    pub async fn of(server: &Server) -> Result<Catalogue, Failure> {
        let mut found = Catalogue::default();
        let columns = "select table_name, column_name from information_schema.columns where table_schema = 'lake' order by table_name, ordinal_position";
        for column in rows::<Column>(server, columns).await? {
            found.tables.entry(column.table_name).or_default().push(column.column_name);
        }
        let functions = "select distinct routine_name from information_schema.routines";
        found.functions = rows::<Function>(server, functions).await?.into_iter().map(|function| function.routine_name).collect();
        Ok(found)
    }
}

async fn rows<T: for<'a> Deserialize<'a>>(server: &Server, statement: &str) -> Result<Vec<T>, Failure> {
    let answered = server.ask(statement, SqlFormat::Json).await?;
    let rows = answered.bytes.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()).map(serde_json::from_slice);
    rows.collect::<Result<_, _>>().map_err(|e| Failure::new(format!("the answer can't be read: {e}")))
}
