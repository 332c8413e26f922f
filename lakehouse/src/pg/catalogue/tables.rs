//! Rows under named columns, as relations of the catalogue are written down: a line of names with types and what stands where nothing else is said.

use crate::pg::types::{Type, named, text};

use super::value::Value;

/// A relation, or an answer.
#[derive(Clone, Debug, Default)]
pub struct Rows {
    pub columns: Vec<(String, &'static Type)>,
    pub rows: Vec<Vec<Value>>,
}

/// Values by the names of their columns.
pub type Given<'a> = Vec<(&'a str, Value)>;

impl Rows {
    /// `columns`: `name:type` or `name:type=value`, in order, with spaces between. What a row does not give is that value, or null.
    pub fn of<'a>(columns: &str, rows: impl IntoIterator<Item = Given<'a>>) -> Rows {
        let parts: Vec<(&str, &'static Type, Value)> = columns.split_whitespace().map(part).collect();
        let row = |given: Given<'_>| -> Vec<Value> {
            let value = |name: &str, otherwise: &Value| {
                given.iter().find(|(given, _)| *given == name).map_or_else(|| otherwise.clone(), |(_, value)| value.clone())
            };
            parts.iter().map(|(name, _, otherwise)| value(name, otherwise)).collect()
        };
        let rows = rows.into_iter().map(row).collect();
        Rows { columns: parts.into_iter().map(|(name, kind, _)| (name.to_owned(), kind)).collect(), rows }
    }
}

fn part(word: &str) -> (&str, &'static Type, Value) {
    let (name, rest) = word.split_once(':').unwrap_or((word, "text"));
    let (kind, otherwise) = rest.split_once('=').map_or((rest, None), |(kind, value)| (kind, Some(value)));
    let kind = named(kind).unwrap_or_else(text);
    let otherwise = match (otherwise, kind.category) {
        (None, _) => Value::Null,
        (Some(value), 'B') => Value::Bool(value == "t"),
        (Some(value), 'N') if kind.name.starts_with("float") => value.parse().map_or(Value::Null, Value::Float),
        (Some(value), 'N') => value.parse().map_or(Value::Null, Value::Int),
        (Some("{}"), 'A') => Value::List(Vec::new()),
        (Some(value), _) => Value::Text(value.to_owned()),
    };
    (name, kind, otherwise)
}
