//! Readings as they are sent: CSV under the native names, amounts with the digits and the unit they came in.
//!
//! Sent again, each row is the very reading that is there already. A field whose name a reading needs for itself (`source`) could not be sent; its column is called `stream.field`,
//! so that nothing is lost, and says by that name that it can't be.

use std::sync::Arc;

use datafusion::arrow::array::RecordBatch;
use vitalog_elog::{Amount, Field, FieldKind, Reading, Value, When};

use super::Sheet;
use crate::decode::Decoder;
use crate::error::LakeError;
use crate::exact::write_decimal;
use crate::layout::Layout;

/// What each reading has, before its fields.
const COMMON: [&str; 9] = ["subject", "stream", "at", "start", "end", "id", "rev", "source", "seq"];
/// A name that is read, and never written: what is removed is left out.
const REMOVED: &str = "removed";

pub struct Native {
    layout: Arc<Layout>,
    columns: usize,
    /// Per stream and field: its column.
    places: Vec<Vec<usize>>,
    out: Vec<u8>,
}

impl Native {
    pub fn begin(layout: Arc<Layout>) -> Native {
        let mut names: Vec<String> = COMMON.map(str::to_owned).to_vec();
        let mut places = Vec::new();
        for stream in &layout.streams.streams {
            let place = |field: &Field| {
                let is_taken = COMMON.contains(&&*field.name) || &*field.name == REMOVED;
                let name = if is_taken { format!("{}.{}", stream.name, field.name) } else { field.name.to_string() };
                names.iter().position(|known| *known == name).unwrap_or_else(|| {
                    names.push(name);
                    names.len() - 1
                })
            };
            places.push(stream.fields.iter().map(place).collect());
        }
        let mut out = names.join(",").into_bytes();
        out.push(b'\n');
        Native { columns: names.len(), layout, places, out }
    }

    fn row(&self, reading: &Reading) -> Option<Vec<String>> {
        let content = reading.content.as_ref()?;
        let stream = self.layout.streams.get(content.stream);
        let mut cells = vec![String::new(); self.columns];
        let (at, start, end) = match content.when {
            When::At(at) => (Some(at), None, None),
            When::During { start, end } => (None, Some(start), end),
        };
        let time = |time: Option<vitalog_elog::Time>| time.map_or_else(String::new, |t| t.to_string());
        let common = [
            reading.subject.to_string(),
            stream.name.to_string(),
            time(at),
            time(start),
            time(end),
            reading.given.as_deref().unwrap_or_default().to_owned(),
            reading.rev.to_string(),
            content.source.as_deref().unwrap_or_default().to_owned(),
            content.seq.map_or_else(String::new, |seq| seq.to_string()),
        ];
        cells.iter_mut().zip(common).for_each(|(cell, text)| *cell = text);
        let places = self.places.get(usize::from(content.stream.0))?;
        for ((field, value), place) in stream.fields.iter().zip(&content.values).zip(places) {
            if let (Some(value), Some(cell)) = (value, cells.get_mut(*place)) {
                *cell = shown(field, value);
            }
        }
        Some(cells)
    }
}

impl Sheet for Native {
    fn add(&mut self, batch: &RecordBatch) -> Result<(), LakeError> {
        let layout = self.layout.clone();
        let decoder = Decoder::new(batch, &layout)?;
        for i in 0..batch.num_rows() {
            let Some(cells) = self.row(&decoder.row(i)?.0) else { continue };
            for (i, cell) in cells.iter().enumerate() {
                if i > 0 {
                    self.out.push(b',');
                }
                put(&mut self.out, cell);
            }
            self.out.push(b'\n');
        }
        Ok(())
    }

    fn end(&mut self) -> Result<(), LakeError> {
        Ok(())
    }

    fn take(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.out)
    }
}

fn shown(field: &Field, value: &Value) -> String {
    match (&field.kind, value) {
        (FieldKind::Quantity(declared), Value::Quantity(Amount { digits, scale, unit })) => {
            let number = write_decimal(*digits, *scale);
            // A bare number is in the declared unit.
            if unit == declared { number } else { format!("{number} {unit}") }
        }
        (FieldKind::Enum(words), Value::Enum(place)) => {
            words.get(usize::from(*place)).map_or_else(String::new, ToString::to_string)
        }
        (_, Value::Text(text)) => text.to_string(),
        (_, Value::Bool(b)) => b.to_string(),
        (_, Value::TimeOfDay(time)) => time.to_string(),
        // A value is of its field's kind: admission saw to it.
        (_, Value::Quantity(_) | Value::Enum(_)) => String::new(),
    }
}

/// A cell of RFC 4180, in quotes where it would read otherwise: blanks around a bare one are no part of it.
fn put(out: &mut Vec<u8>, cell: &str) {
    if cell.contains([',', '"', '\n', '\r']) || cell.trim() != cell {
        out.push(b'"');
        out.extend_from_slice(cell.replace('"', "\"\"").as_bytes());
        out.push(b'"');
    } else {
        out.extend_from_slice(cell.as_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::put;

    #[test]
    fn cells_that_would_read_otherwise_are_quoted() {
        for (cell, expected) in [
            ("6.1 mmol/L", "6.1 mmol/L"),
            ("a,b", "\"a,b\""),
            ("say \"no\"", "\"say \"\"no\"\"\""),
            ("two\nlines", "\"two\nlines\""),
            (" blank ", "\" blank \""),
            ("=1+1", "=1+1"),
            ("", ""),
        ] {
            let mut out = Vec::new();
            put(&mut out, cell);
            assert_eq!(String::from_utf8(out).unwrap(), expected);
        }
    }
}
