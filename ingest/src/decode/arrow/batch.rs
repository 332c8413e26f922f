//! Schema, dictionaries and batches: which columns there are, and where in the body each lies.

use std::collections::HashMap;
use std::sync::Arc;

use arrow_ipc::{Endianness, MessageHeader, RecordBatch};
use vitalog_elog::Refusal;

use super::super::csv;
use super::column::{Column, Kind, Pieces};
use super::frame::Framed;
use super::{MOST_TEXT, malformed};

/// Some rows.
pub(super) struct Batch<'a> {
    pub rows: usize,
    pub columns: Vec<Column<'a>>,
}

/// Takes the messages of a stream in.
#[derive(Default)]
pub(super) struct Reader<'a> {
    names: Vec<String>,
    columns: Vec<Declared>,
    words: HashMap<i64, Arc<Column<'a>>>,
    batches: Vec<Batch<'a>>,
    /// How long all texts would be, written out for every row.
    text: usize,
}

/// What the schema says of a column.
struct Declared {
    kind: Kind,
    /// Its cells are places in the dictionary of this number, and `kind` is that of the words in it.
    coded: Option<(i64, Kind)>,
}

impl<'a> Reader<'a> {
    pub fn take(&mut self, framed: &Framed<'a>) -> Result<(), Refusal> {
        let message = &framed.message;
        let odd = || malformed("a message is not what it says it is");
        match message.header_type() {
            MessageHeader::Schema if self.names.is_empty() => self.schema(message.header_as_schema().ok_or_else(odd)?),
            MessageHeader::DictionaryBatch if !self.names.is_empty() => {
                let dictionary = message.header_as_dictionary_batch().ok_or_else(odd)?;
                if dictionary.isDelta() {
                    return Err(malformed("a dictionary is added to, which is not read here"));
                }
                self.words(dictionary.id(), &dictionary.data().ok_or_else(odd)?, framed.body)
            }
            MessageHeader::RecordBatch if !self.names.is_empty() => {
                self.batch(&message.header_as_record_batch().ok_or_else(odd)?, framed.body)
            }
            _ => Err(malformed("a stream is one schema, then dictionaries and batches")),
        }
    }

    /// The names of the columns, and all batches.
    pub fn finish(self) -> Result<(Vec<String>, Vec<Batch<'a>>), Refusal> {
        if self.names.is_empty() {
            return Err(malformed("the stream has no schema"));
        }
        Ok((self.names, self.batches))
    }

    fn schema(&mut self, schema: arrow_ipc::Schema<'_>) -> Result<(), Refusal> {
        if schema.endianness() != Endianness::Little {
            return Err(malformed("its numbers begin with their greatest byte"));
        }
        let fields = schema.fields().ok_or_else(|| malformed("the schema has no fields"))?;
        self.names = fields.iter().map(|field| field.name().unwrap_or("").to_owned()).collect();
        csv::check(&self.names, "name the columns as in JSON: subject, stream, at, value")?;
        for (field, name) in fields.iter().zip(&self.names) {
            let kind = Kind::of(&field, name)?;
            self.columns.push(match field.dictionary() {
                None => Declared { kind, coded: None },
                // Where the type of the places is left out, it is a signed one of four bytes.
                Some(encoding) => {
                    let places =
                        encoding.indexType().map_or(Ok(Kind::Whole { width: 4, signed: true }), |t| Kind::whole(&t, name))?;
                    Declared { kind: places, coded: Some((encoding.id(), kind)) }
                }
            });
        }
        // Cells without bytes of their own would make rows of nothing.
        let subject = self.names.iter().zip(&self.columns).find(|(name, _)| *name == "subject");
        match subject {
            Some((_, column)) if column.kind.is_text() || column.coded.is_some_and(|(_, kind)| kind.is_text()) => Ok(()),
            _ => Err(Refusal::whole("malformed_header", "the column \"subject\" is not one of texts", "send subjects as texts")),
        }
    }

    fn words(&mut self, id: i64, data: &RecordBatch<'_>, body: &'a [u8]) -> Result<(), Refusal> {
        let coded = self.columns.iter().filter_map(|column| column.coded).find(|(number, _)| *number == id);
        let (_, kind) = coded.ok_or_else(|| malformed("a dictionary belongs to no column"))?;
        let mut pieces = Pieces::of(data, body)?;
        let column = pieces.column(kind, rows_of(data)?)?;
        pieces.end()?;
        self.words.insert(id, Arc::new(column));
        Ok(())
    }

    fn batch(&mut self, data: &RecordBatch<'_>, body: &'a [u8]) -> Result<(), Refusal> {
        let rows = rows_of(data)?;
        let mut pieces = Pieces::of(data, body)?;
        let mut columns = Vec::with_capacity(self.columns.len());
        for declared in &self.columns {
            let mut column = pieces.column(declared.kind, rows)?;
            if let Some((id, _)) = declared.coded {
                let words = self.words.get(&id).ok_or_else(|| malformed("a dictionary is missing"))?;
                column.stands_for(words.clone());
            }
            self.text = self.text.saturating_add(column.text_len());
            columns.push(column);
        }
        pieces.end()?;
        if self.text > MOST_TEXT {
            let message = format!("the texts of all rows come to more than {MOST_TEXT} bytes");
            return Err(Refusal::whole("too_large", message, "send fewer readings at a time"));
        }
        self.batches.push(Batch { rows, columns });
        Ok(())
    }
}

fn rows_of(data: &RecordBatch<'_>) -> Result<usize, Refusal> {
    usize::try_from(data.length()).map_err(|_| malformed("a batch is of no length"))
}
