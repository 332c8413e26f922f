//! From the names of streams and fields to what a reading says.

use std::sync::Arc;

use vitalog_elog::{Amount, Content, FieldKind, Schema, Time, Value, When};

/// Speaks a schema.
pub struct Speaker {
    pub schema: Arc<Schema>,
}

/// What a field says; numbers are in the declared unit.
#[derive(Clone, Copy)]
pub enum Say {
    Whole(i64),
    Tenths(i64),
    Word(&'static str),
    Text(&'static str),
    Yes(bool),
}

impl Speaker {
    pub fn new(schema: Arc<Schema>) -> Speaker {
        Speaker { schema }
    }

    pub fn at(&self, stream: &str, at: Time, said: &[(&str, Say)]) -> Content {
        self.content(stream, When::At(at), said)
    }

    /// Panics where the schema has no such stream, field or word: histories are written for the shipped one.
    pub fn content(&self, stream: &str, when: When, said: &[(&str, Say)]) -> Content {
        let ix = self.schema.stream(stream).unwrap_or_else(|| panic!("no stream {stream}"));
        let declared = self.schema.get(ix);
        let mut values: Vec<Option<Value>> = vec![None; declared.fields.len()];
        for (name, say) in said {
            let field = declared.field(name).unwrap_or_else(|| panic!("no field {stream}.{name}"));
            values[usize::from(field.0)] = Some(value(&declared.get(field).kind, *say));
        }
        Content { stream: ix, when, values: values.into(), source: None, seq: None }
    }
}

fn value(kind: &FieldKind, say: Say) -> Value {
    match (kind, say) {
        (FieldKind::Quantity(unit), Say::Whole(digits)) => Value::Quantity(Amount { digits, scale: 0, unit: *unit }),
        (FieldKind::Quantity(unit), Say::Tenths(digits)) => Value::Quantity(Amount { digits, scale: 1, unit: *unit }),
        (FieldKind::Enum(words), Say::Word(word)) => {
            let place = words.iter().position(|w| &**w == word).unwrap_or_else(|| panic!("no word {word}"));
            Value::Enum(place as u16)
        }
        (FieldKind::Text, Say::Text(text)) => Value::Text(Arc::from(text)),
        (FieldKind::Bool, Say::Yes(yes)) => Value::Bool(yes),
        _ => panic!("a field of kind {kind:?} is told something else"),
    }
}
