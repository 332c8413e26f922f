//! What both formats of a payload share: streams by name, and readings in terms of a dictionary.
//!
//! INVARIANT (by name): nothing in a payload depends on the order of declarations. Streams, fields and words of enumerations stand in the
//! dictionary by name and are found again in the schema at hand when the group is read; so a rule file may declare its streams in
//! another order in another life. Sources stand in a dictionary once.

use std::collections::HashMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use vitalog_elog::input::{RuleChange, RuleFile};
use vitalog_elog::{Amount, Content, FieldKind, Schema, StreamIx, Time, TimeOfDay, Unit, Value, When};

use crate::journal::error::JournalError;

/// A stream as far as a group speaks of it: its fields up to the last that has a value.
#[derive(Serialize, Deserialize)]
pub(super) struct StreamNames {
    name: Arc<str>,
    fields: Vec<FieldNames>,
}

#[derive(Serialize, Deserialize)]
struct FieldNames {
    name: Arc<str>,
    /// Of an enumeration, in the order that the stored numbers count in.
    words: Vec<Arc<str>>,
}

#[derive(Serialize, Deserialize)]
pub(super) struct StoredRules {
    effective: Time,
    files: Vec<RuleFile>,
}

#[derive(Serialize, Deserialize)]
pub(super) struct StoredContent {
    stream: u16,
    when: When,
    values: Vec<Option<StoredValue>>,
    source: Option<u32>,
    seq: Option<u64>,
}

#[derive(Serialize, Deserialize)]
enum StoredValue {
    Quantity { digits: i64, scale: u8, unit: u16 },
    Enum(u16),
    Text(Arc<str>),
    Bool(bool),
    TimeOfDay(TimeOfDay),
}

impl StoredRules {
    pub fn of(change: &RuleChange) -> StoredRules {
        StoredRules { effective: change.effective, files: change.files.clone() }
    }

    pub fn by(&self, by: Option<Arc<str>>) -> RuleChange {
        RuleChange { effective: self.effective, files: self.files.clone(), by }
    }
}

impl StoredContent {
    /// In terms of the schema at hand.
    pub fn content(
        &self,
        (streams, sources): (&[StreamNames], &[Arc<str>]),
        offset: u64,
        schema: &Schema,
    ) -> Result<Content, JournalError> {
        let undecodable = |detail: String| JournalError::Undecodable { offset, detail };
        let unknown = |name: String| JournalError::NotInSchema { offset: Some(offset), name };
        let names =
            streams.get(usize::from(self.stream)).ok_or_else(|| undecodable("its dictionary lacks a stream".to_owned()))?;
        let ix = schema.stream(&names.name).ok_or_else(|| unknown(format!("stream {}", names.name)))?;
        let stream = schema.get(ix);
        let mut values = vec![None; stream.fields.len()];
        for (stored, field) in self.values.iter().zip(&names.fields) {
            let Some(stored) = stored else { continue };
            let place = stream.field(&field.name).ok_or_else(|| unknown(format!("field {}.{}", names.name, field.name)))?;
            values[usize::from(place.0)] = Some(match stored {
                StoredValue::Quantity { digits, scale, unit } => {
                    let unit = Unit::from_index(*unit).ok_or_else(|| undecodable(format!("unit {unit} is unknown")))?;
                    Value::Quantity(Amount { digits: *digits, scale: *scale, unit })
                }
                StoredValue::Enum(i) => {
                    let word =
                        field.words.get(usize::from(*i)).ok_or_else(|| undecodable("its dictionary lacks a word".to_owned()))?;
                    let FieldKind::Enum(words) = &stream.get(place).kind else {
                        return Err(unknown(format!("enumeration {}.{}", names.name, field.name)));
                    };
                    let at = words.iter().position(|w| w == word);
                    let at = at.ok_or_else(|| unknown(format!("word {word} of {}.{}", names.name, field.name)))?;
                    Value::Enum(at as u16)
                }
                StoredValue::Text(text) => Value::Text(text.clone()),
                StoredValue::Bool(b) => Value::Bool(*b),
                StoredValue::TimeOfDay(time) => Value::TimeOfDay(*time),
            });
        }
        let source = match self.source {
            None => None,
            Some(i) => {
                Some(sources.get(i as usize).ok_or_else(|| undecodable("its dictionary lacks a source".to_owned()))?.clone())
            }
        };
        Ok(Content { stream: ix, when: self.when, values: values.into_boxed_slice(), source, seq: self.seq })
    }
}

/// What repeats, each with its place.
pub(super) struct Places<T> {
    pub list: Vec<T>,
    /// Of more than [`FEW`].
    places: HashMap<T, u32>,
}

/// So many are looked through.
const FEW: usize = 8;

impl<T> Default for Places<T> {
    fn default() -> Self {
        Places { list: Vec::new(), places: HashMap::new() }
    }
}

impl<T: Clone + Eq + std::hash::Hash> Places<T> {
    pub fn of(&mut self, item: &T) -> u32 {
        if self.list.len() <= FEW {
            // A subject has one source or two: looked through sooner than hashed.
            if let Some(place) = self.list.iter().position(|known| known == item) {
                return place as u32;
            }
        } else if let Some(place) = self.places.get(item) {
            return *place;
        }
        let place = self.list.len();
        self.list.push(item.clone());
        if self.list.len() > FEW {
            let known = self.places.len();
            self.places.extend(self.list[known..].iter().cloned().zip(known as u32..));
        }
        place as u32
    }
}

/// The streams that a group speaks of.
#[derive(Default)]
pub(super) struct Dictionary {
    pub streams: Vec<StreamNames>,
    places: HashMap<StreamIx, u16>,
}

impl Dictionary {
    pub fn content(
        &mut self,
        schema: &Schema,
        content: &Content,
        sources: &mut Places<Arc<str>>,
    ) -> Result<StoredContent, JournalError> {
        // Trailing absent values are left out, so that a stream's later fields need not stand in the dictionary.
        let said = content.values.iter().rposition(Option::is_some).map_or(0, |last| last + 1);
        let stream = self.stream(schema, content.stream, said)?;
        let values = content.values[..said].iter().map(|v| v.as_ref().map(stored_value)).collect();
        let source = content.source.as_ref().map(|s| sources.of(s));
        Ok(StoredContent { stream, when: content.when, values, source, seq: content.seq })
    }

    fn stream(&mut self, schema: &Schema, ix: StreamIx, fields: usize) -> Result<u16, JournalError> {
        let declared =
            schema.streams.get(usize::from(ix.0)).filter(|s| s.fields.len() >= fields).ok_or_else(|| {
                JournalError::NotInSchema { offset: None, name: format!("stream {} with {fields} fields", ix.0) }
            })?;
        let place = *self.places.entry(ix).or_insert_with(|| {
            self.streams.push(StreamNames { name: declared.name.clone(), fields: Vec::new() });
            self.streams.len() as u16 - 1
        });
        let known = &mut self.streams[usize::from(place)].fields;
        for field in declared.fields.iter().take(fields).skip(known.len()) {
            let words = if let FieldKind::Enum(words) = &field.kind { words.clone() } else { Vec::new() };
            known.push(FieldNames { name: field.name.clone(), words });
        }
        Ok(place)
    }
}

fn stored_value(value: &Value) -> StoredValue {
    match value {
        Value::Quantity(amount) => {
            StoredValue::Quantity { digits: amount.digits, scale: amount.scale, unit: amount.unit.index() }
        }
        Value::Enum(i) => StoredValue::Enum(*i),
        Value::Text(text) => StoredValue::Text(text.clone()),
        Value::Bool(b) => StoredValue::Bool(*b),
        Value::TimeOfDay(time) => StoredValue::TimeOfDay(*time),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_has_its_place_however_many_there_are() {
        let mut places = Places::default();
        for round in 0..3 {
            for n in 0..3 * FEW as u32 {
                assert_eq!(places.of(&(7 * n)), n, "round {round}");
            }
        }
        assert_eq!(places.list, (0..3 * FEW as u32).map(|n| 7 * n).collect::<Vec<_>>());
    }
}
