//! What is hot, what is cold, and what of the cold no longer holds: one state, changed under one lock.
//!
//! INVARIANT (one moment): whoever reads takes a [`View`] under the lock, and sees each revision exactly once: hot, being flushed, or in a
//! file. A flush freezes the hot rows, commits them, and then swaps files and frozen rows in one step.
//!
//! A superseded reading in a file is not touched at once: a [`Mask`] hides it, and the next flush rewrites its file.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

use vitalog_elog::effect::Former;
use vitalog_elog::{
    Effect, Entry, FindingChange, Input, Outcome, Position, Reading, ReadingId, Record, Span, StreamIx, Subject, Time,
};

use crate::cold::Cold;
use crate::encode::{FindingRow, HistoryRow, LetterRow, ReadingRow, Reason};
use crate::error::LakeError;
use crate::hot::{Generation, GenerationView};
use crate::layout::Layout;
use crate::retention::{Cuts, Policy};
use crate::table::Table;

/// A row of a file that is no longer current.
#[derive(Clone, Debug)]
pub struct Mask {
    pub serial: u64,
    pub subject: Subject,
    pub id: ReadingId,
    /// Which revision of it, by number and hash.
    pub revision: (u32, u128),
    pub place: (StreamIx, Time),
    /// What its row in the history says; `None` where that is written already.
    pub history: Option<(Time, Reason)>,
    /// It lies among the rows being flushed: hidden there, and in a file only after that.
    pub in_flush: bool,
    pub found: Option<Found>,
}

/// Where a masked row lies, and what it says.
#[derive(Clone, Debug)]
pub struct Found {
    pub file: Arc<str>,
    pub row: u64,
    /// How many rows that file has.
    pub file_rows: u64,
    /// The revision with its arrival.
    pub entry: Arc<Entry>,
}

/// Rows on their way into files.
#[derive(Debug)]
pub struct Frozen {
    pub rows: Generation,
    /// The rows as they were set aside: what is superseded since is written all the same, and masked afterwards.
    pub view: Arc<GenerationView>,
    /// How many of the masks, from the first, are carried out with them.
    pub masks: usize,
    /// What is committed with them.
    pub position: Position,
}

/// The whole state.
#[derive(Debug)]
pub struct Shared {
    pub layout: Arc<Layout>,
    pub cold: [Arc<Cold>; 5],
    pub hot: Generation,
    pub frozen: Option<Frozen>,
    pub masks: Vec<Mask>,
    pub applied: Position,
    pub keep: Keep,
    /// INVARIANT (clean): no file of `cold` has a row that is past by these.
    pub clean: Option<Arc<Cuts>>,
    next_serial: u64,
}

/// For how long rows are kept, and by which clock.
#[derive(Clone, Default)]
pub struct Keep {
    pub policy: Policy,
    pub held: Arc<BTreeSet<Subject>>,
    /// `None`: nobody said for how long.
    pub now: Option<Arc<dyn Fn() -> Time + Send + Sync>>,
    /// By which instant rows went for good.
    pub noted: Time,
}

/// The state at one moment.
#[derive(Clone, Debug)]
pub struct View {
    pub layout: Arc<Layout>,
    pub cold: [Arc<Cold>; 5],
    /// Being flushed, then hot.
    pub generations: Vec<GenerationView>,
    pub masks: Vec<Mask>,
    pub applied: Position,
    /// From when on rows are answered.
    pub cuts: Arc<Cuts>,
    /// As of [`Shared`].
    pub clean: Option<Arc<Cuts>>,
}

impl fmt::Debug for Keep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Keep").field("policy", &self.policy).field("noted", &self.noted).finish_non_exhaustive()
    }
}

impl Keep {
    /// By the clock, which never lies before what went for good.
    pub fn cuts(&self) -> Cuts {
        self.cuts_at(Span(0))
    }

    pub fn cuts_at(&self, ahead: Span) -> Cuts {
        let now = self.now.as_ref().map_or(self.noted, |now| now());
        Cuts::of(&self.policy, now.max(self.noted) + ahead, self.held.clone())
    }

    /// What may go for good.
    pub fn dropping(&self) -> Cuts {
        Cuts::of(&self.policy, self.noted, self.held.clone())
    }
}

impl Shared {
    pub fn new(layout: Arc<Layout>, cold: [Arc<Cold>; 5]) -> Shared {
        let applied = committed(&cold);
        Shared {
            layout,
            cold,
            hot: Generation::default(),
            frozen: None,
            masks: Vec::new(),
            applied,
            keep: Keep::default(),
            clean: None,
            next_serial: 0,
        }
    }

    pub fn view(&self) -> View {
        View {
            layout: self.layout.clone(),
            cold: self.cold.clone(),
            generations: self.frozen.iter().map(|f| &f.rows).chain([&self.hot]).map(Generation::view).collect(),
            masks: self.masks.clone(),
            applied: self.applied,
            cuts: Arc::new(self.keep.cuts()),
            clean: self.clean.clone(),
        }
    }

    /// Takes in what follows from one journaled input.
    ///
    /// # Errors
    /// [`LakeError::Records`] where it can't follow the state.
    pub fn apply(&mut self, record: &Record) -> Result<(), LakeError> {
        if record.offset < self.applied.next {
            return Ok(());
        }
        if let Some((reading, outcome)) = record.reading() {
            self.apply_reading(record, reading, outcome)?;
        }
        for effect in &record.effects {
            let Effect::Finding(change) = effect else { continue };
            let row = FindingRow {
                offset: record.offset,
                arrival: record.entry.arrival,
                change: Arc::new(FindingChange::clone(change)),
            };
            if self.lacks(Table::Matches, record.offset) {
                self.hot.matches.push(row.clone(), None, &self.layout)?;
            }
            if self.lacks(Table::Recommendations, record.offset) {
                self.hot.recommendations.push(row, None, &self.layout)?;
            }
        }
        if matches!(record.entry.input, Input::DeadLetter(_)) && self.lacks(Table::DeadLetters, record.offset) {
            self.hot.letters.push(LetterRow { offset: record.offset, entry: record.entry.clone() }, None, &self.layout)?;
        }
        Ok(())
    }

    /// Whether a table doesn't have the effects of an input yet: after a crash one may be ahead of another.
    fn lacks(&self, table: Table, offset: u64) -> bool {
        offset >= covered(&self.cold, table)
    }

    fn apply_reading(&mut self, record: &Record, reading: &Reading, outcome: &Outcome) -> Result<(), LakeError> {
        if let Some(content) = &reading.content
            && usize::from(content.stream.0) >= self.layout.streams.streams.len()
        {
            return Err(LakeError::Records(format!(
                "input {} is of a stream that isn't declared; set the schema first",
                record.offset
            )));
        }
        if !self.lacks(Table::Readings, record.offset) {
            return Ok(());
        }
        let arrival = record.entry.arrival;
        let removal = reading.content.is_none();
        match outcome {
            Outcome::Duplicate => return Ok(()),
            Outcome::Outdated => {
                let reason = if removal { Reason::Removal } else { Reason::Outdated };
                return self.remember(record.offset, record.entry.clone(), arrival, reason);
            }
            Outcome::New => {}
            Outcome::Superseded { was } => {
                let reason = if removal { Reason::Removed } else { Reason::Superseded };
                self.retire(record.offset, reading, was, arrival, reason)?;
            }
        }
        if removal {
            return self.remember(record.offset, record.entry.clone(), arrival, Reason::Removal);
        }
        self.hot.readings.push(ReadingRow(record.entry.clone()), &self.layout)
    }

    /// Moves the former revision into the history, wherever it lies.
    fn retire(&mut self, offset: u64, by: &Reading, was: &Former, at: Time, reason: Reason) -> Result<(), LakeError> {
        let Some(place) = was.place else { return Ok(()) };
        if let Some((former, arrival)) = self.hot.readings.take(&by.subject, by.id, &self.layout)? {
            return self.remember(offset, Arc::new(Entry { arrival, input: Input::Reading(former) }), at, reason);
        }
        let mut mask = Mask {
            serial: self.next_serial,
            subject: by.subject.clone(),
            id: by.id,
            revision: (was.rev, was.hash),
            place,
            history: self.lacks(Table::History, offset).then_some((at, reason)),
            in_flush: false,
            found: None,
        };
        self.next_serial += 1;
        if let Some(frozen) = &mut self.frozen
            && let Some((former, arrival)) = frozen.rows.readings.take(&by.subject, by.id, &self.layout)?
        {
            mask.in_flush = true;
            mask.history = None;
            self.remember(offset, Arc::new(Entry { arrival, input: Input::Reading(former) }), at, reason)?;
        }
        self.masks.push(mask);
        Ok(())
    }

    fn remember(&mut self, offset: u64, entry: Arc<Entry>, superseded_at: Time, reason: Reason) -> Result<(), LakeError> {
        if !self.lacks(Table::History, offset) {
            return Ok(());
        }
        let stream = crate::encode::reading_of(&entry).and_then(|(r, _)| r.content.as_ref()).map(|c| c.stream);
        let lane = self.hot.history.entry(stream).or_default();
        lane.push(HistoryRow { entry, superseded_at, reason }, stream, &self.layout)?;
        Ok(())
    }

    /// Sets the hot rows aside for a flush. What a failed flush left is taken up first, as it is.
    pub fn freeze(&mut self) {
        if self.frozen.is_none() {
            let rows = std::mem::take(&mut self.hot);
            let view = Arc::new(rows.view());
            self.frozen = Some(Frozen { rows, view, masks: self.masks.len(), position: self.applied });
        }
    }

    /// The flush is committed: its rows are in the files now, as far as they stayed by `cuts`; `None`: an earlier attempt landed some of them, by whichever cuts.
    pub fn thaw(&mut self, cold: [Arc<Cold>; 5], cuts: Option<&Cuts>) {
        let Some(frozen) = self.frozen.take() else { return };
        self.clean = self.clean.take().filter(|clean| Some(&**clean) == cuts);
        self.masks.drain(..frozen.masks);
        for mask in &mut self.masks {
            mask.in_flush = false;
        }
        self.refile(cold);
    }

    /// Files are others now, and hold the same but for what is past.
    pub fn refile(&mut self, cold: [Arc<Cold>; 5]) {
        self.cold = cold;
        let readings = &self.cold[Table::Readings.place()];
        for mask in &mut self.masks {
            mask.found = mask.found.take().filter(|found| readings.has(&found.file));
        }
    }

    /// Keeps what a reader found out, for the next one.
    pub fn keep_found(&mut self, found: &BTreeMap<u64, Found>) {
        let readings = self.cold[Table::Readings.place()].clone();
        for mask in &mut self.masks {
            if let Some(found) = found.get(&mask.serial)
                && readings.has(&found.file)
            {
                mask.found = Some(found.clone());
            }
        }
    }
}

/// The offset of the first input that a table has not taken in.
///
/// By INVARIANT (readings last) that is at least the readings' position, except for a table that was made anew since.
pub fn covered(cold: &[Arc<Cold>; 5], table: Table) -> u64 {
    let own = &cold[table.place()];
    if own.position.next < own.since {
        own.position.next
    } else {
        own.position.next.max(cold[Table::Readings.place()].position.next)
    }
}

/// What the whole lake has taken in.
pub fn committed(cold: &[Arc<Cold>; 5]) -> Position {
    let readings = cold[Table::Readings.place()].position;
    let behind = cold.iter().filter(|c| c.position.next < c.since).map(|c| c.position);
    behind.chain([readings]).min_by_key(|p| p.next).unwrap_or(readings)
}
