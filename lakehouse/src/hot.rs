//! Rows that are not in a file yet.
//!
//! A lane takes rows of one kind and stream. They wait as they came; each time a few thousand are together they become columns, so that
//! taking a row in is cheap, a query turns at most one short tail into columns, and a waiting row takes little room. Current readings have
//! an index besides: the revision that is superseded while still hot is marked dead where it lies, and never reaches a file.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use datafusion::arrow::array::{BooleanArray, RecordBatch};
use datafusion::arrow::compute::filter_record_batch;
use foldhash::HashMap;
use vitalog_elog::{Reading, ReadingId, StreamIx, Subject, Time};

use crate::decode::Decoder;
use crate::encode::{FindingRow, HistoryRow, LetterRow, ReadingRow, Rows, reading_of};
use crate::error::{Doing, LakeError};
use crate::layout::Layout;

/// Rows that become columns together.
const CHUNK: usize = 4096;

/// Rows in the order in which they came.
#[derive(Debug)]
pub struct Lane<R> {
    /// Each of exactly [`CHUNK`] rows.
    sealed: Vec<RecordBatch>,
    tail: Vec<R>,
}

/// A lane at one moment.
#[derive(Clone, Debug)]
pub struct LaneView<R> {
    pub stream: Option<StreamIx>,
    sealed: Vec<RecordBatch>,
    tail: Vec<R>,
    dead: Arc<BTreeSet<u32>>,
}

/// Current readings.
#[derive(Debug, Default)]
pub struct HotReadings {
    lanes: BTreeMap<StreamIx, (Lane<ReadingRow>, Arc<BTreeSet<u32>>)>,
    index: HashMap<(Subject, ReadingId), (StreamIx, u32)>,
}

/// All that came between two flushes.
#[derive(Debug, Default)]
pub struct Generation {
    pub readings: HotReadings,
    pub history: BTreeMap<Option<StreamIx>, Lane<HistoryRow>>,
    pub matches: Lane<FindingRow>,
    pub recommendations: Lane<FindingRow>,
    pub letters: Lane<LetterRow>,
}

/// A generation at one moment.
#[derive(Clone, Debug)]
pub struct GenerationView {
    pub readings: Vec<LaneView<ReadingRow>>,
    pub history: Vec<LaneView<HistoryRow>>,
    pub matches: LaneView<FindingRow>,
    pub recommendations: LaneView<FindingRow>,
    pub letters: LaneView<LetterRow>,
}

impl<R> Default for Lane<R> {
    fn default() -> Self {
        Lane { sealed: Vec::new(), tail: Vec::new() }
    }
}

impl<R: Rows> Lane<R> {
    /// Takes a row in and says where it lies.
    ///
    /// # Errors
    /// Where rows can't become columns.
    pub fn push(&mut self, row: R, stream: Option<StreamIx>, layout: &Layout) -> Result<u32, LakeError> {
        let place = self.len() as u32;
        self.tail.push(row);
        if self.tail.len() == CHUNK {
            self.sealed.push(R::encode(&self.tail, stream, layout)?);
            self.tail.clear();
        }
        Ok(place)
    }

    pub fn len(&self) -> usize {
        self.sealed.len() * CHUNK + self.tail.len()
    }

    pub fn view(&self, stream: Option<StreamIx>, dead: Arc<BTreeSet<u32>>) -> LaneView<R> {
        LaneView { stream, sealed: self.sealed.clone(), tail: self.tail.clone(), dead }
    }

    fn plain_view(&self) -> LaneView<R> {
        self.view(None, Arc::default())
    }
}

impl<R: Rows> LaneView<R> {
    /// The living rows as columns.
    ///
    /// # Errors
    /// Where rows can't become columns.
    pub fn batches(&self, layout: &Layout) -> Result<Vec<RecordBatch>, LakeError> {
        let mut out = Vec::with_capacity(self.sealed.len() + 1);
        let tail = if self.tail.is_empty() { None } else { Some(R::encode(&self.tail, self.stream, layout)?) };
        for (i, batch) in self.sealed.iter().chain(&tail).enumerate() {
            let first = (i * CHUNK) as u32;
            let end = first + batch.num_rows() as u32;
            let mut living = vec![true; batch.num_rows()];
            let mut dead = 0;
            for row in self.dead.range(first..end) {
                living[(row - first) as usize] = false;
                dead += 1;
            }
            if dead == 0 {
                out.push(batch.clone());
            } else if dead < batch.num_rows() {
                out.push(filter_record_batch(batch, &BooleanArray::from(living)).doing("leaving out superseded rows")?);
            }
        }
        Ok(out)
    }
}

impl HotReadings {
    /// # Errors
    /// Where rows can't become columns.
    pub fn push(&mut self, row: ReadingRow, layout: &Layout) -> Result<(), LakeError> {
        let Some((reading, _)) = reading_of(&row.0) else { return Ok(()) };
        let Some(content) = &reading.content else { return Ok(()) };
        let (key, stream) = ((reading.subject.clone(), reading.id), content.stream);
        let (lane, _) = self.lanes.entry(stream).or_default();
        let place = lane.push(row, Some(stream), layout)?;
        self.index.insert(key, (stream, place));
        Ok(())
    }

    /// Takes a row out, if it lies here.
    ///
    /// # Errors
    /// Where columns can't become a row again.
    pub fn take(&mut self, subject: &Subject, id: ReadingId, layout: &Layout) -> Result<Option<(Reading, Time)>, LakeError> {
        let Some((stream, place)) = self.index.remove(&(subject.clone(), id)) else { return Ok(None) };
        let Some((lane, dead)) = self.lanes.get_mut(&stream) else { return Ok(None) };
        Arc::make_mut(dead).insert(place);
        let (chunk, row) = (place as usize / CHUNK, place as usize % CHUNK);
        match lane.sealed.get(chunk) {
            Some(batch) => Decoder::new(batch, layout)?.row(row).map(Some),
            None => Ok(lane.tail.get(row).and_then(|r| reading_of(&r.0)).map(|(reading, arrival)| (reading.clone(), arrival))),
        }
    }

    pub fn views(&self) -> Vec<LaneView<ReadingRow>> {
        self.lanes.iter().map(|(stream, (lane, dead))| lane.view(Some(*stream), dead.clone())).collect()
    }
}

impl Generation {
    pub fn view(&self) -> GenerationView {
        GenerationView {
            readings: self.readings.views(),
            history: self.history.iter().map(|(stream, lane)| lane.view(*stream, Arc::default())).collect(),
            matches: self.matches.plain_view(),
            recommendations: self.recommendations.plain_view(),
            letters: self.letters.plain_view(),
        }
    }

    /// Rows that wait for a file.
    pub fn rows(&self) -> usize {
        let readings: usize = self.readings.lanes.values().map(|(lane, dead)| lane.len() - dead.len()).sum();
        let history: usize = self.history.values().map(Lane::len).sum();
        readings + history + self.matches.len() + self.recommendations.len() + self.letters.len()
    }
}
