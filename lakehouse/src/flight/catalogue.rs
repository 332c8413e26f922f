//! The catalogue, as drivers ask for it: one catalogue with one schema, and the relations that a session of these eyes would have.

use std::sync::Arc;

use arrow_flight::error::Result;
use arrow_flight::sql::metadata::{GetCatalogsBuilder, GetDbSchemasBuilder, GetTablesBuilder};
use arrow_flight::sql::{CommandGetDbSchemas, CommandGetTableTypes, CommandGetTables};
use datafusion::arrow::array::RecordBatch;
use datafusion::arrow::datatypes::{DataType, Field, Schema, SchemaRef};

use crate::flight::shape::given;
use crate::io::describe::Listed;
use crate::io::session::{CATALOG, SCHEMA};

/// What relations are called, as the standard calls them.
const TABLE: &str = "TABLE";
const VIEW: &str = "VIEW";
/// Where clients look for what a column means.
const REMARKS: &str = "ARROW:FLIGHT:SQL:REMARKS";

/// # Errors
/// Those of the library.
pub(crate) fn catalogs() -> Result<RecordBatch> {
    let mut builder = GetCatalogsBuilder::new();
    builder.append(CATALOG);
    builder.build()
}

/// # Errors
/// Where the pattern is none.
pub(crate) fn schemas(asked: CommandGetDbSchemas) -> Result<RecordBatch> {
    let mut builder: GetDbSchemasBuilder = asked.into_builder();
    builder.append(CATALOG, SCHEMA);
    builder.build()
}

/// # Errors
/// Where a pattern is none.
pub(crate) fn tables(asked: CommandGetTables, relations: &[Listed]) -> Result<RecordBatch> {
    let mut builder: GetTablesBuilder = asked.into_builder();
    for relation in relations {
        let kind = if relation.is_view { VIEW } else { TABLE };
        builder.append(CATALOG, SCHEMA, &relation.name, kind, &described(relation))?;
    }
    builder.build()
}

/// # Errors
/// Those of the library.
pub(crate) fn table_types() -> Result<RecordBatch> {
    let mut builder = CommandGetTableTypes {}.into_builder();
    builder.append(TABLE);
    builder.append(VIEW);
    builder.build()
}

/// Columns with what they mean.
fn described(relation: &Listed) -> SchemaRef {
    let schema = given(&relation.schema);
    let fields = schema.fields().iter().zip(&relation.comments).map(|(field, comment)| {
        let mut metadata = field.metadata().clone();
        if !comment.is_empty() {
            metadata.insert(REMARKS.to_owned(), comment.clone());
        }
        Field::clone(field).with_metadata(metadata)
    });
    Arc::new(Schema::new(fields.collect::<Vec<_>>()))
}

/// The keys of a relation: there are none that the lake enforces.
pub(crate) fn primary_keys() -> SchemaRef {
    columns(&["catalog_name", "db_schema_name", "table_name", "column_name", "key_sequence", "key_name"])
}

/// Keys between two relations: there are none.
pub(crate) fn foreign_keys() -> SchemaRef {
    columns(&[
        "pk_catalog_name",
        "pk_db_schema_name",
        "pk_table_name",
        "pk_column_name",
        "fk_catalog_name",
        "fk_db_schema_name",
        "fk_table_name",
        "fk_column_name",
        "key_sequence",
        "fk_key_name",
        "pk_key_name",
        "update_rule",
        "delete_rule",
    ])
}

/// Columns of the protocol: their names tell their types, and which may be null.
fn columns(names: &[&str]) -> SchemaRef {
    let fields = names.iter().map(|name| {
        let kind = match *name {
            "key_sequence" => DataType::Int32,
            "update_rule" | "delete_rule" => DataType::UInt8,
            _ => DataType::Utf8,
        };
        let is_needed = name.ends_with("table_name") || name.ends_with("column_name") || kind != DataType::Utf8;
        Field::new(*name, kind, !is_needed)
    });
    Arc::new(Schema::new(fields.collect::<Vec<_>>()))
}

#[cfg(test)]
mod tests {
    use super::{catalogs, schemas, table_types, tables};
    use crate::flight::{info, kinds};
    use crate::io::describe::Listed;
    use arrow_flight::IpcMessage;
    use arrow_flight::sql::{CommandGetDbSchemas, CommandGetTables};
    use datafusion::arrow::array::AsArray;
    use datafusion::arrow::datatypes::{DataType, Field, Schema};
    use std::sync::Arc;
    use std::time::Duration;

    fn relation(name: &str, is_view: bool) -> Listed {
        let unit = [("unit".to_owned(), "mg/dL".to_owned())];
        let field = Field::new("value", DataType::Utf8View, false).with_metadata(unit.into());
        let (schema, comments) = (Arc::new(Schema::new(vec![field])), vec!["in mg/dL".to_owned()]);
        Listed { name: name.to_owned(), is_view, comment: String::new(), schema, comments }
    }

    fn asked(schema: Option<&str>, table: Option<&str>, kinds: &[&str]) -> Vec<String> {
        let command = CommandGetTables {
            catalog: None,
            db_schema_filter_pattern: schema.map(str::to_owned),
            table_name_filter_pattern: table.map(str::to_owned),
            table_types: kinds.iter().map(|kind| (*kind).to_owned()).collect(),
            include_schema: false,
        };
        let all = [relation("bg", true), relation("readings", false), relation("readings_history", false)];
        let batch = tables(command, &all).unwrap();
        batch.column(2).as_string::<i32>().iter().flatten().map(str::to_owned).collect()
    }

    #[test]
    fn relations_are_found_by_pattern_and_type() {
        assert_eq!(asked(None, None, &[]), ["bg", "readings", "readings_history"]);
        assert_eq!(asked(Some("la%"), Some("readings"), &[]), ["readings"]);
        assert_eq!(asked(None, Some("read%"), &["TABLE"]), ["readings", "readings_history"]);
        assert_eq!(asked(None, Some("%"), &["VIEW"]), ["bg"]);
        assert_eq!(asked(Some("other"), None, &[]), Vec::<String>::new());
        assert_eq!((catalogs().unwrap().num_rows(), table_types().unwrap().num_rows()), (1, 2));
        let other = CommandGetDbSchemas { catalog: Some("other".to_owned()), db_schema_filter_pattern: None };
        assert_eq!((schemas(CommandGetDbSchemas::default()).unwrap().num_rows(), schemas(other).unwrap().num_rows()), (1, 0));
    }

    #[test]
    fn a_relations_schema_says_units_and_meanings() {
        let command = CommandGetTables { include_schema: true, ..CommandGetTables::default() };
        let batch = tables(command, &[relation("bg", true)]).unwrap();
        let bytes = batch.column_by_name("table_schema").unwrap().as_binary::<i32>().value(0).to_vec();
        let schema = Schema::try_from(IpcMessage(bytes.into())).unwrap();
        let field = schema.field(0);
        assert_eq!((field.data_type(), field.is_nullable()), (&DataType::Utf8, true));
        assert_eq!((&*field.metadata()["unit"], &*field.metadata()[super::REMARKS]), ("mg/dL", "in mg/dL"));
    }

    #[test]
    fn the_server_and_its_types_are_told() {
        let all = info::all(Duration::from_secs(30)).unwrap();
        assert!(all.record_batch(std::iter::empty()).unwrap().num_rows() > 70);
        assert_eq!(all.record_batch([3]).unwrap().num_rows(), 1);
        let kinds = kinds::all().unwrap();
        assert!(kinds.record_batch(None).unwrap().num_rows() == 12 && kinds.record_batch(Some(12)).unwrap().num_rows() == 1);
    }
}
