//! The declared streams as columns: which column holds which field.
//!
//! A field's column is called `{stream}_{field}`. Two fields that would share a name (stream `a_b` field `c` and stream `a` field `b_c`, or
//! one that is called like a common column, case aside) are refused: a name given by order would change when a field is added.

use std::collections::BTreeSet;
use std::sync::Arc;

use datafusion::arrow::datatypes::SchemaRef;
use vitalog_elog::{FieldKind, Schema, StreamIx};

use crate::error::LakeError;
use crate::table::{
    Column, Kind, Packing, Table, arrow_schema, finding_columns, history_columns, letter_columns, reading_columns,
};

/// Columns and Arrow schemas of all tables, for one version of the declared streams.
#[derive(Debug)]
pub struct Layout {
    pub streams: Arc<Schema>,
    /// Per stream and field: its column.
    fields: Vec<Vec<Column>>,
    /// Per table: its columns and their schema.
    tables: [(Vec<Column>, SchemaRef); 5],
    /// Per stream: the schema of its hot rows in `readings`; the last is that of `readings_history`'s rows without a stream.
    hot: Vec<SchemaRef>,
}

impl Layout {
    /// # Errors
    /// [`LakeError::Schema`] if a name can't be a column.
    pub fn new(streams: Arc<Schema>) -> Result<Layout, LakeError> {
        let common = reading_columns();
        let history = history_columns();
        let mut taken: BTreeSet<String> = common.iter().chain(&history).map(|c| c.name.to_lowercase()).collect();
        taken.insert(PARTITION.to_owned());
        let mut fields = Vec::with_capacity(streams.streams.len());
        for stream in &streams.streams {
            let mut columns = Vec::with_capacity(stream.fields.len());
            for field in &stream.fields {
                let name = format!("{}_{}", stream.name, field.name);
                if !name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_') {
                    return Err(LakeError::Schema(format!(
                        "{name:?} can't be the name of a column; use letters, digits and underscores"
                    )));
                }
                if !taken.insert(name.to_lowercase()) {
                    return Err(LakeError::Schema(format!("two fields would share the column {name}; rename one of them")));
                }
                columns.push(field_column(&name, &field.kind, field.doc.as_deref()));
            }
            fields.push(columns);
        }
        let flat: Vec<Column> = fields.iter().flatten().cloned().collect();
        let hot = fields.iter().map(|own| arrow_schema(common.iter().chain(own))).chain([arrow_schema(&common)]).collect();
        let of = |columns: Vec<Column>| {
            let schema = arrow_schema(&columns);
            (columns, schema)
        };
        let tables = Table::ALL.map(|table| match table {
            Table::History => of([common.clone(), history.clone(), flat.clone()].concat()),
            Table::Matches | Table::Recommendations => of(finding_columns()),
            Table::DeadLetters => of(letter_columns()),
            Table::Readings => of([common.clone(), flat.clone()].concat()),
        });
        Ok(Layout { streams, fields, tables, hot })
    }

    pub fn columns(&self, table: Table) -> &[Column] {
        &self.tables[table.place()].0
    }

    /// What SQL sees, and what a file holds (but for the partition).
    pub fn schema(&self, table: Table) -> &SchemaRef {
        &self.tables[table.place()].1
    }

    /// The columns of a stream's fields, in their order.
    pub fn fields(&self, stream: StreamIx) -> &[Column] {
        self.fields.get(usize::from(stream.0)).map_or(&[], Vec::as_slice)
    }

    /// The schema of rows of one stream; of none, for removals.
    pub(crate) fn hot_schema(&self, stream: Option<StreamIx>) -> &SchemaRef {
        let none = self.hot.len() - 1;
        &self.hot[stream.map_or(none, |s| usize::from(s.0).min(none))]
    }

    /// That `self` only adds to `former`.
    ///
    /// # Errors
    /// [`LakeError::Schema`] naming the first column that went or changed its type.
    pub(crate) fn extends(&self, former: &Layout) -> Result<(), LakeError> {
        for column in former.columns(Table::Readings) {
            match self.columns(Table::Readings).iter().find(|c| c.name == column.name) {
                Some(now) if now.kind == column.kind && now.unit == column.unit => {}
                Some(_) => return Err(LakeError::Schema(format!("column {} changed its type or unit", column.name))),
                None => {
                    return Err(LakeError::Schema(format!(
                        "column {} went away; streams and fields can only be added",
                        column.name
                    )));
                }
            }
        }
        Ok(())
    }
}

/// The column of `readings` that names a row's month (`2026-11`), which its folder is called by. SQL over the gateway doesn't show it.
pub(crate) const PARTITION: &str = "month";

fn field_column(name: &str, kind: &FieldKind, doc: Option<&str>) -> Column {
    let doc = doc.unwrap_or_default();
    match kind {
        FieldKind::Quantity(unit) => {
            Column { unit: Some(unit.name()), ..Column::new(name, Kind::Float, Packing::Dictionary, doc) }
        }
        FieldKind::Enum(_) | FieldKind::Text | FieldKind::TimeOfDay => Column::new(name, Kind::Text, Packing::Dictionary, doc),
        FieldKind::Bool => Column::new(name, Kind::Bool, Packing::Plain, doc),
    }
}
