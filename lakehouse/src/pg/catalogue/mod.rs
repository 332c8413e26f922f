//! `pg_catalog` and `information_schema`: what there is to ask, as tools for PostgreSQL want to be told.
//!
//! Tools ask for it in a SQL of their own kind: subqueries that look out, laterals, `regclass`, arrays, functions that only PostgreSQL has. The lake's engine has little of that, and the catalogue is small: so its questions
//! are answered by a plain interpreter of what the parser read, over relations made for the question. It reaches nothing else: no reading, no file, no other session.
//!
//! A question is the catalogue's if all relations that it names are, or if it names none and asks what only the catalogue knows.

mod aggregates;
mod expression;
mod functions;
mod join;
mod kinds;
mod lists;
mod select;
mod system;
mod tables;
mod value;

use std::collections::BTreeSet;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Instant;

use datafusion::arrow::array::{
    ArrayRef, BooleanBuilder, Float64Builder, Int64Builder, ListBuilder, RecordBatch, RecordBatchOptions, StringBuilder,
};
use datafusion::arrow::datatypes::{Field, Schema};
use datafusion::sql::parser::Statement;
use datafusion::sql::sqlparser::ast::{Expr, ObjectName, Query, Statement as Sql, TableFactor, Visit, Visitor};

use crate::pg::outgoing::Column;
use crate::pg::types::Type;
use crate::sql::{SqlError, refused};

use select::Frame;
use value::Value;

/// A table or view of the lake, as a session sees it.
#[derive(Clone, Debug)]
pub struct Relation {
    pub name: String,
    pub is_view: bool,
    pub comment: String,
    pub columns: Vec<Attribute>,
}

/// One of its columns.
#[derive(Clone, Debug)]
pub struct Attribute {
    pub name: String,
    pub kind: &'static Type,
    pub comment: String,
}

/// What is known of the session.
#[derive(Clone, Debug)]
pub struct Facts {
    pub user: String,
    pub settings: Vec<(String, String)>,
    pub process: i32,
}

/// Everything that there is to ask.
pub struct Catalogue {
    relations: Vec<(i64, Relation)>,
    facts: Facts,
    /// Steps that are left: what a question may cost.
    steps: std::cell::Cell<u64>,
    /// Values that may yet be made and held.
    room: std::cell::Cell<usize>,
    /// When it has to be over: it gives way to nothing until then.
    until: Instant,
}

/// Steps of a question: each value that is made is one. The questions of tools take some ten thousand.
const STEPS: u64 = 30_000_000;
/// Values that are held: of rows, and of lists; of a text one for each [`UNIT`]. The questions of tools make some hundred thousand.
const ROOM: usize = 4_000_000;
const UNIT: usize = 32;
/// The longest text, in bytes, and the longest list.
const LONGEST: usize = 64 << 10;
const LONGEST_LIST: usize = 100_000;

impl Catalogue {
    /// `until`: when a question has to be answered.
    pub fn new(relations: Vec<Relation>, facts: Facts, until: Instant) -> Catalogue {
        let mut taken = BTreeSet::new();
        let numbered = relations.into_iter().map(|relation| {
            let mut oid = oid_of(&relation.name);
            while !taken.insert(oid) {
                oid += 1;
            }
            (oid, relation)
        });
        let (steps, room) = (std::cell::Cell::new(STEPS), std::cell::Cell::new(ROOM));
        Catalogue { relations: numbered.collect(), facts, steps, room, until }
    }

    /// Answers a question.
    ///
    /// # Errors
    /// Where it asks for what is not there, or in a way that is not understood.
    pub fn answer(&self, query: &Query) -> Result<(Vec<Column>, RecordBatch), SqlError> {
        let table = self.query(query, Frame::outermost())?;
        let columns: Vec<Column> =
            table.columns.iter().map(|(name, kind)| Column { name: name.clone(), kind: shown(kind) }).collect();
        let arrays: Vec<ArrayRef> = columns
            .iter()
            .enumerate()
            .map(|(place, column)| array(column.kind, table.rows.iter().map(|row| &row[place])))
            .collect();
        let fields: Vec<Field> = columns
            .iter()
            .zip(&arrays)
            .map(|(column, array)| Field::new(&column.name, array.data_type().clone(), true))
            .collect();
        let options = RecordBatchOptions::new().with_row_count(Some(table.rows.len()));
        let batch = RecordBatch::try_new_with_options(Arc::new(Schema::new(fields)), arrays, &options);
        batch.map(|batch| (columns, batch)).map_err(|e| refused("sql_failed", e.to_string(), "ask in another way"))
    }

    /// What a question gives.
    ///
    /// # Errors
    /// As [`Catalogue::answer`].
    pub fn columns(&self, query: &Query) -> Result<Vec<Column>, SqlError> {
        Ok(self.answer(query)?.0)
    }

    fn step(&self) -> Result<(), SqlError> {
        let too_long = || refused("sql_timeout", "the question to the catalogue takes too long", "narrow it");
        let left = self.steps.get().checked_sub(1).ok_or_else(too_long)?;
        self.steps.set(left);
        // What a step takes is bounded by the longest text.
        if left.is_multiple_of(64) && Instant::now() > self.until {
            return Err(too_long());
        }
        Ok(())
    }

    /// Takes room for values.
    fn make_room(&self, values: usize) -> Result<(), SqlError> {
        self.room.set(self.room.get().checked_sub(values).ok_or_else(too_much)?);
        Ok(())
    }

    /// A value that was made, if it is not too large and there is room for it.
    fn held(&self, value: Value) -> Result<Value, SqlError> {
        match &value {
            Value::Text(text) if text.len() > LONGEST => return Err(too_much()),
            Value::Text(text) => self.make_room(text.len() / UNIT)?,
            Value::List(items) if items.len() > LONGEST_LIST => return Err(too_much()),
            Value::List(items) => self.make_room(items.len())?,
            _ => {}
        }
        Ok(value)
    }
}

fn too_much() -> SqlError {
    refused("sql_memory", "the question to the catalogue makes too much", "narrow it")
}

/// Texts, one behind the other, if they are not too long together.
fn joined(words: &[String], between: &str) -> Result<Value, SqlError> {
    let length = words.iter().map(String::len).sum::<usize>() + between.len() * words.len().saturating_sub(1);
    if length > LONGEST { Err(too_much()) } else { Ok(Value::Text(words.join(between))) }
}

fn unknown(what: &str) -> SqlError {
    refused("sql_unsupported", format!("{what} is not understood in a question to the catalogue"), "ask in another way")
}

/// A number of a relation that stays the same as long as its name.
fn oid_of(name: &str) -> i64 {
    let hash = name.bytes().fold(0x811c_9dc5_u32, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193));
    i64::from(hash & 0x3fff_ffff) + 0x4000_0000
}

/// Names of the catalogue's objects are shown as words.
fn shown(kind: &'static Type) -> &'static Type {
    match kind.name {
        "regclass" | "regtype" | "regproc" | "regnamespace" | "unknown" => crate::pg::types::text(),
        _ => kind,
    }
}

fn array<'a>(kind: &'static Type, values: impl Iterator<Item = &'a Value>) -> ArrayRef {
    match (kind.category, kind.name) {
        ('A', _) => {
            let mut lists = ListBuilder::new(StringBuilder::new());
            for value in values {
                if let Value::List(items) = value {
                    items.iter().for_each(|item| lists.values().append_option(item.text()));
                }
                lists.append(matches!(value, Value::List(_)));
            }
            Arc::new(lists.finish())
        }
        ('B', _) => {
            let mut built = BooleanBuilder::new();
            values.for_each(|value| built.append_option(value.truth()));
            Arc::new(built.finish())
        }
        ('N', "float4" | "float8" | "numeric") => {
            let mut built = Float64Builder::new();
            values.for_each(|value| built.append_option(value.number()));
            Arc::new(built.finish())
        }
        ('N', _) => {
            let mut built = Int64Builder::new();
            values.for_each(|value| built.append_option(value.whole()));
            Arc::new(built.finish())
        }
        _ => {
            let mut built = StringBuilder::new();
            values.for_each(|value| built.append_option(value.text()));
            Arc::new(built.finish())
        }
    }
}

/// The query of a statement that is the catalogue's.
pub fn question(statement: &Statement) -> Option<&Query> {
    let Statement::Statement(sql) = statement else { return None };
    let Sql::Query(query) = &**sql else { return None };
    let mut looked = Looked::default();
    let _: ControlFlow<()> = query.visit(&mut looked);
    let mut relations = looked.relations.iter().filter(|name| !looked.common.contains(&name.to_lowercase())).peekable();
    let is_its = if relations.peek().is_some() { relations.all(|name| system::is_known(name)) } else { looked.knows };
    is_its.then_some(query)
}

/// What a query names.
#[derive(Default)]
struct Looked {
    relations: Vec<String>,
    common: BTreeSet<String>,
    /// It asks what only the catalogue knows.
    knows: bool,
}

impl Visitor for Looked {
    type Break = ();

    fn pre_visit_query(&mut self, query: &Query) -> ControlFlow<()> {
        let common = query.with.iter().flat_map(|with| &with.cte_tables).map(|cte| cte.alias.name.value.to_lowercase());
        self.common.extend(common);
        ControlFlow::Continue(())
    }

    fn pre_visit_table_factor(&mut self, factor: &TableFactor) -> ControlFlow<()> {
        match factor {
            TableFactor::Table { name, args: None, .. } => self.relations.push(dotted(name)),
            // A function in the place of a table is none, if it is known here.
            TableFactor::Table { name, .. } | TableFactor::Function { name, .. } => {
                let name = dotted(name);
                self.knows |= functions::is_its_own(&name);
                self.relations.extend(Some(name).filter(|name| !functions::stands_as_table(name)));
            }
            _ => {}
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_expr(&mut self, expression: &Expr) -> ControlFlow<()> {
        self.knows |= match expression {
            Expr::Function(function) => functions::is_its_own(&dotted(&function.name)),
            Expr::Cast { data_type, .. } => {
                data_type.to_string().to_lowercase().trim_start_matches("pg_catalog.").starts_with("reg")
            }
            Expr::Identifier(name) => name.quote_style.is_none() && functions::is_word(&name.value),
            _ => false,
        };
        ControlFlow::Continue(())
    }
}

/// A name with its dots, in lower case.
fn dotted(name: &ObjectName) -> String {
    let parts = name.0.iter().filter_map(|part| part.as_ident()).map(|ident| ident.value.to_lowercase());
    parts.collect::<Vec<_>>().join(".")
}
