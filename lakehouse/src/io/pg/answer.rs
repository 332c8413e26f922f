//! Rows that wait to be fetched, as many at a time as a client wants.

use bytes::BytesMut;
use tokio::sync::OwnedSemaphorePermit;

use crate::io::pg::asking::Answered;
use crate::pg::cells::Cells;
use crate::pg::fault::Fault;
use crate::pg::incoming::Forms;
use crate::pg::outgoing::{Column, Outgoing};

/// What is left of an answer.
pub struct Rows {
    pub columns: Vec<Column>,
    forms: Forms,
    batches: std::vec::IntoIter<datafusion::arrow::array::RecordBatch>,
    current: Option<(Cells, usize, usize)>,
    is_cut: bool,
    limit: usize,
    /// Room among all that is held.
    _room: Option<OwnedSemaphorePermit>,
}

/// How a fetch ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fetched {
    /// There are no more; so many were given.
    All(u64),
    /// As many as were wanted; there may be more.
    Some(u64),
    /// The buffer is full: send it, and go on.
    Full(u64),
}

impl Rows {
    /// `columns`: as they were described, if they were.
    pub fn new(
        answered: Answered,
        columns: Option<Vec<Column>>,
        forms: Forms,
        limit: usize,
        room: Option<OwnedSemaphorePermit>,
    ) -> Rows {
        // What was described may know less of a parameter than what was answered: the rows keep to what the client was told.
        let columns = columns.filter(|told| told.len() == answered.columns.len()).unwrap_or(answered.columns);
        let answer = answered.answer;
        Rows { columns, forms, batches: answer.batches.into_iter(), current: None, is_cut: answer.truncated, limit, _room: room }
    }

    pub fn forms(&self) -> &Forms {
        &self.forms
    }

    /// Writes rows, at most `most`, and no more than fill the buffer.
    ///
    /// # Errors
    /// Where a value can't be written, or the answer was cut off, which is told behind its last row.
    pub fn fetch(&mut self, most: u64, full: usize, out: &mut Outgoing) -> Result<Fetched, Fault> {
        let mut given = 0;
        while given < most {
            let Some((cells, row, rows)) = &mut self.current else {
                match self.batches.next() {
                    Some(batch) => {
                        self.current = Some((Cells::of(&batch, &self.columns, &self.forms)?, 0, batch.num_rows()));
                        continue;
                    }
                    None if self.is_cut => {
                        let cut = format!("there are more rows than the {} that an answer has", self.limit);
                        return Err(Fault::new("54000", cut).hint("narrow the question, or ask with LIMIT"));
                    }
                    None => return Ok(Fetched::All(given)),
                }
            };
            if row == rows {
                self.current = None;
                continue;
            }
            let place = *row;
            out.row(self.columns.len(), |b: &mut BytesMut| cells.row(place, b))?;
            *row += 1;
            given += 1;
            if out.0.len() >= full && given < most {
                return Ok(Fetched::Full(given));
            }
        }
        Ok(Fetched::Some(given))
    }
}
