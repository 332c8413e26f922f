//! A document's text, and places in it as the protocol counts them: lines from 0, columns in UTF-16 units or in bytes.

use std::sync::Arc;

use serde_json::{Value, json};

use crate::columns::Columns;

/// What a column counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Encoding {
    Utf8,
    #[default]
    Utf16,
}

/// A text with the places at which its lines begin.
#[derive(Clone, Debug)]
pub struct Text {
    pub text: Arc<str>,
    starts: Vec<usize>,
    columns: Columns,
}

impl Text {
    pub fn new(text: &str) -> Text {
        let bytes = text.as_bytes();
        let mut starts = vec![0];
        for (i, b) in bytes.iter().enumerate() {
            // A lone carriage return ends a line for the protocol.
            if *b == b'\n' || (*b == b'\r' && bytes.get(i + 1) != Some(&b'\n')) {
                starts.push(i + 1);
            }
        }
        Text { text: Arc::from(text), starts, columns: Columns::of(text) }
    }

    /// The byte of a position; what lies beyond the end of a line is its end, beyond the last line the end of the text.
    pub fn offset(&self, position: &Value, encoding: Encoding) -> usize {
        let number = |key: &str| position[key].as_u64().and_then(|n| usize::try_from(n).ok()).unwrap_or(0);
        let Some(start) = self.starts.get(number("line")).copied() else { return self.text.len() };
        let end = self.starts.get(number("line") + 1).copied().unwrap_or(self.text.len());
        let line = self.text[start..end].trim_end_matches(['\n', '\r']);
        let mut left = number("character");
        for (i, c) in line.char_indices() {
            let width = width(c, encoding);
            if left < width {
                return start + i;
            }
            left -= width;
        }
        start + line.len()
    }

    pub fn position(&self, offset: usize, encoding: Encoding) -> Value {
        let (line, character) = self.place(offset, encoding);
        json!({"line": line, "character": character})
    }

    /// The line and column of a byte.
    pub fn place(&self, offset: usize, encoding: Encoding) -> (usize, usize) {
        let offset = offset.min(self.text.len());
        let line = self.starts.partition_point(|s| *s <= offset).max(1) - 1;
        let start = self.starts[line];
        let before = start..if self.text.is_char_boundary(offset) { offset } else { start };
        let character = match encoding {
            Encoding::Utf8 => before.len(),
            Encoding::Utf16 => self.columns.units(before),
        };
        (line, character)
    }

    pub fn range(&self, range: std::ops::Range<usize>, encoding: Encoding) -> Value {
        json!({"start": self.position(range.start, encoding), "end": self.position(range.end, encoding)})
    }

    /// The text after a change of the protocol: a range replaced, or all of it.
    pub fn changed(&self, change: &Value, encoding: Encoding) -> Text {
        let with = change["text"].as_str().unwrap_or("");
        if !change["range"].is_object() {
            return Text::new(with);
        }
        let start = self.offset(&change["range"]["start"], encoding);
        let end = self.offset(&change["range"]["end"], encoding).max(start);
        Text::new(&format!("{}{with}{}", &self.text[..start], &self.text[end..]))
    }
}

fn width(c: char, encoding: Encoding) -> usize {
    match encoding {
        Encoding::Utf8 => c.len_utf8(),
        Encoding::Utf16 => c.len_utf16(),
    }
}
