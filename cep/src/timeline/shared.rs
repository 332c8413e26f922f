//! Readings that are seen under several subjects: which further ones the current revision of a reading names.

use vitalog_elog::{Content, Reading, Schema, Subject, Value, When};

use super::column::Cell;
use super::{Shelf, Timeline, place_of};

impl Timeline {
    /// The further subjects that the current revision of this reading's id names.
    pub fn further_subjects(&mut self, reading: &Reading, clock: i64, schema: &Schema) -> Vec<Subject> {
        let Some(place) = self.find(reading, place_of(reading, clock)) else { return Vec::new() };
        let row = match place.shelf {
            Shelf::Removed => None,
            Shelf::Ahead => {
                let ahead = self.ahead.get(&(place.at, reading.id)).and_then(|r| r.content.as_ref());
                return ahead.map_or_else(Vec::new, |content| content.further_subjects(schema));
            }
            Shelf::Ended | Shelf::Endless => self.shelf(place).and_then(|table| Some((table, table.find(place.at, reading.id)?))),
        };
        let (Some((table, row)), Some(stream)) = (row, schema.streams.get(usize::from(place.stream.0))) else {
            return Vec::new();
        };
        // Only the texts are asked for.
        let text = |field| match table.column(field).and_then(|c| c.cell(row)) {
            Some(Cell::Text(text)) => Some(Value::Text(text.into())),
            _ => None,
        };
        let mut values = vec![None; stream.fields.len()];
        for field in &stream.also_by {
            if let Some(value) = values.get_mut(usize::from(field.0)) {
                *value = text(*field);
            }
        }
        let when = When::At(vitalog_elog::Time(place.at));
        Content { stream: place.stream, when, values: values.into_boxed_slice(), source: None, seq: None }
            .further_subjects(schema)
    }
}
