//! A topic as a home of the journal.

use std::cell::RefCell;

use vitalog_elog::{Position, Time};

use super::begins::{self, Survey, noted};
use super::client::PIECE;
use super::lanes::Lanes;
use super::order::{Last, ORDER, Order};
use super::record::{Head as GroupHead, Note, Opening, Pointer, Record, VERSION, part, piece};
use super::setup::{check_topic, make_topic};
use super::writer::{Outgoing, Writer};
use super::{Fault, Settings};
use crate::journal::FORMAT;
use crate::journal::codec::cuts;
use crate::journal::copy::RestorePoint;
use crate::journal::error::JournalError;
use crate::journal::home::{Home, Placing};
use crate::journal::row::{Head, Outline, Row};
use crate::journal::trim::{Beginning, Swept};

pub(in crate::journal) struct Topic {
    settings: Settings,
    placing: Placing,
    /// Which of all processes that ever wrote it this is.
    this: u128,
    /// Where the journal ends; with no records yet, where it will begin.
    end: Position,
    /// The offset of the next record of the order.
    next: u64,
    /// Where it begins, if it was trimmed.
    note: Option<Note>,
    /// Where each partition began when that was asked last.
    lows: Vec<u64>,
    /// Under way, as long as it is not known what of each partition may go.
    survey: Option<Survey>,
    /// What became of the last record of the order is not known.
    is_in_doubt: bool,
    writer: Option<Writer>,
    /// Not there while nothing is read.
    reading: RefCell<Option<Reading>>,
}

struct Reading {
    lanes: Lanes,
    order: Order,
}

impl Topic {
    /// Looks at the topic, and makes it where it is missing, may be made, and nothing was ever acknowledged of it.
    pub fn open(
        settings: &Settings,
        placing: Placing,
        acknowledged: Option<Position>,
        may_make: bool,
    ) -> Result<Topic, JournalError> {
        settings.check()?;
        let lanes = Lanes::new(settings)?;
        let found = match lanes.partitions()? {
            Some(found) => found,
            None => {
                if let Some(told) = acknowledged.filter(|told| told.next > 0) {
                    return Err(JournalError::LostEnd { found: 0, acknowledged: told.next });
                }
                let missing = || Fault::NoTopic { topic: settings.topic.clone() };
                if !may_make {
                    return Err(missing().into());
                }
                make_topic(settings, &lanes, placing.partitions)?;
                lanes.partitions()?.ok_or_else(missing)?
            }
        };
        check_topic(settings)?;
        let mut topic = Topic {
            settings: settings.clone(),
            placing,
            this: random()?,
            end: Position::start(random()?),
            next: 0,
            note: None,
            lows: lows(&lanes, found.number)?,
            survey: None,
            is_in_doubt: false,
            writer: None,
            reading: RefCell::new(None),
        };
        topic.placing.partitions = topic.identify(lanes, acknowledged)?.unwrap_or(placing.partitions);
        begins::check(topic.note.as_ref(), &topic.lows)?;
        if found.number as u64 != u64::from(topic.placing.partitions) + 1 {
            let wanted = topic.placing.partitions + 1;
            let detail = format!("it has {} partitions, and the journal was made for {wanted}", found.number);
            return Err(Fault::Foreign { topic: settings.topic.clone(), detail }.into());
        }
        Ok(topic)
    }

    /// Which journal it is, and into how many partitions its groups are cut: as its first record says, or, where that was let go of, the note of where it begins. `None` where there is none.
    fn identify(&mut self, lanes: Lanes, acknowledged: Option<Position>) -> Result<Option<u32>, JournalError> {
        let low = self.low();
        let reading = self.reading.get_mut().insert(Reading { lanes, order: Order::from_low(low) });
        let first = reading.lanes.read(ORDER, low)?;
        let mut partitions = None;
        if low == 0 {
            let Some(bytes) = first else {
                // Empty, though something was acknowledged: made anew under the same name.
                return match acknowledged {
                    Some(told) if told.next > 0 => Err(JournalError::LostEnd { found: 0, acknowledged: told.next }),
                    _ => Ok(None),
                };
            };
            let opening = opening(&bytes, &self.settings.topic)?;
            self.end = Position::start(opening.incarnation);
            partitions = Some(opening.partitions);
        }
        self.note = match self.find_end()?.and_then(|last| last.note()) {
            Some(at) => Some(self.read(|reading| noted(&mut reading.lanes, at, low))?),
            None => None,
        };
        if let Some(note) = &self.note {
            if partitions.is_some() && note.incarnation != self.end.incarnation {
                return Err(Fault::NoNote { at: note.own }.into());
            }
            self.end.incarnation = note.incarnation;
            partitions = Some(note.partitions);
        }
        Ok(partitions)
    }

    /// Gives the last record that counts.
    fn find_end(&mut self) -> Result<Option<Last>, JournalError> {
        let low = self.low();
        let (next, last) = self.read(|reading| {
            let (_, next) = reading.lanes.bounds(ORDER)?;
            reading.order = Order::from_low(low);
            Ok((next, reading.order.last(&mut reading.lanes, next)?))
        })?;
        self.next = next;
        (self.end.next, self.end.chain) = last.as_ref().map_or((0, [0; 32]), Last::end);
        Ok(last)
    }

    fn read<T>(&self, read: impl FnOnce(&mut Reading) -> Result<T, JournalError>) -> Result<T, JournalError> {
        let mut reading = self.reading.borrow_mut();
        let reading = match &mut *reading {
            Some(reading) => reading,
            none => {
                let low = self.low();
                none.insert(Reading { lanes: Lanes::new(&self.settings)?, order: Order::from_low(low) })
            }
        };
        read(reading)
    }

    /// The group of a head, its payload put together from where its parts lie.
    fn row(&self, reading: &mut Reading, head: &GroupHead) -> Result<Row, JournalError> {
        let bad = |detail| JournalError::BadRow { offset: head.first, detail };
        let mut payload = Vec::new();
        for (n, pointer) in head.parts.iter().enumerate() {
            if pointer.partition >= self.placing.partitions {
                return Err(bad("a part of it lies in no partition"));
            }
            let bytes = reading.lanes.read(pointer.partition as i32 + 1, pointer.offset)?;
            let bytes = bytes.ok_or_else(|| bad("a part of it is missing in the topic"))?;
            let piece = piece(&bytes, head.first, n as u32).filter(|piece| piece.len() == pointer.bytes as usize);
            payload.extend_from_slice(piece.ok_or_else(|| bad("where a part of it should be stands something else"))?);
        }
        Ok(head.row(payload))
    }

    /// The pieces of a payload and the partitions that they go to.
    fn pieces(row: &Row) -> Result<Vec<(u32, &[u8])>, JournalError> {
        let cuts = cuts(row.first, &row.payload)?.unwrap_or_else(|| vec![(0, 0..row.payload.len())]);
        Ok(cuts
            .into_iter()
            .flat_map(|(partition, range)| row.payload[range].chunks(PIECE).map(move |piece| (partition, piece)))
            .collect())
    }

    /// Looks at the topic as if for the first time.
    fn open_anew(&mut self) -> Result<Option<Last>, JournalError> {
        // What it still holds is not sent any more; what is under way lands before the next opening, or counts for nothing.
        self.writer = None;
        *self.reading.get_mut() = None;
        let mut again = Topic::open(&self.settings, self.placing, Some(self.end), false)?;
        // Before its first record it is nobody's yet.
        if self.next > 0 && again.end.incarnation != self.end.incarnation {
            return Err(JournalError::ForeignMark);
        }
        let last = again.find_end()?;
        again.this = self.this;
        *self = again;
        Ok(last)
    }

    /// Writes a record at the end of the order.
    fn put(&mut self, bytes: Vec<u8>) -> Result<(), JournalError> {
        // What was read ahead is of no use to a journal that is written.
        *self.reading.get_mut() = None;
        let own = self.next;
        self.is_in_doubt = true;
        self.writer()?.write_in_order(own, bytes)?;
        (self.next, self.is_in_doubt) = (own + 1, false);
        Ok(())
    }

    /// The offset of the first record of the order.
    fn low(&self) -> u64 {
        self.lows.first().copied().unwrap_or(0)
    }

    /// Where the note stands that is in force.
    fn noted_at(&self) -> Option<u64> {
        self.note.as_ref().map(|note| note.own)
    }

    fn put_note(&mut self, note: Note) -> Result<(), JournalError> {
        let note = Note { own: self.next, writer: self.this, next: self.end.next, chain: self.end.chain, ..note };
        self.put(note.bytes())?;
        (self.note, self.survey) = (Some(note), None);
        Ok(())
    }

    /// Goes on with finding out what of each partition may go, and notes it when that is known.
    fn look_through(&mut self, note: &Note, bytes: u64) -> Result<(), JournalError> {
        let mut survey = self.survey.take().unwrap_or_else(|| Survey::of(note));
        let ends = (self.next, self.end.next);
        let found = self.read(|reading| survey.go_on((&mut reading.lanes, &mut reading.order), ends, bytes))?;
        match found {
            Some(lows) => self.put_note(Note { lows, is_surveyed: true, ..note.clone() }),
            None => {
                self.survey = Some(survey);
                Ok(())
            }
        }
    }

    fn writer(&mut self) -> Result<&Writer, JournalError> {
        match &mut self.writer {
            Some(writer) => Ok(writer),
            none => Ok(none.insert(Writer::new(&self.settings)?)),
        }
    }
}

impl Home for Topic {
    fn incarnation(&self) -> u128 {
        self.end.incarnation
    }

    fn format(&self) -> u32 {
        FORMAT
    }

    fn placing(&self) -> Option<Placing> {
        Some(self.placing)
    }

    fn head(&self) -> Result<Head, JournalError> {
        Ok(Head { next: self.end.next, chain: self.end.chain })
    }

    fn take(&mut self) -> Result<bool, JournalError> {
        let opening = Opening::of(&self.end, self.this, self.placing.partitions, self.next, self.noted_at());
        match self.put(opening.bytes()) {
            Ok(()) => Ok(true),
            // Whoever wrote meanwhile is held up by this record as this one is by theirs, and gives up.
            Err(JournalError::Kafka(Fault::Displaced { .. })) => {
                self.open_anew()?;
                Ok(false)
            }
            Err(error) => Err(error),
        }
    }

    fn commit(&mut self, row: &Row) -> Result<(), JournalError> {
        let pieces = Topic::pieces(row)?;
        let records: Vec<Outgoing> = pieces
            .iter()
            .zip(0..)
            .map(|((partition, piece), n)| Outgoing { partition: *partition as i32 + 1, bytes: part(row.first, n, piece) })
            .collect();
        // INVARIANT (head last): a head is sent when all that it points at is acknowledged.
        let landed = self.writer()?.write(&records)?;
        let pointers = pieces.iter().zip(landed).map(|((partition, piece), offset)| Pointer {
            partition: *partition,
            offset,
            bytes: piece.len() as u32,
        });
        self.put(GroupHead::of(row, self.next, pointers.collect(), self.noted_at()).bytes())?;
        self.end = row.position_after(self.end.incarnation);
        Ok(())
    }

    fn look_again(&mut self) -> Result<(), JournalError> {
        let next = self.next;
        match self.open_anew()?.and_then(|last| last.writer()) {
            Some((writer, own)) if own >= next && writer != self.this => {
                // Whoever asks again is told the same.
                self.next = next;
                Err(Fault::Taken.into())
            }
            _ => Ok(()),
        }
    }

    fn at(&self, first: u64) -> Result<Option<Row>, JournalError> {
        let row = self.from(first)?;
        Ok(row.filter(|row| row.first == first))
    }

    fn from(&self, offset: u64) -> Result<Option<Row>, JournalError> {
        self.read(|reading| {
            let head = reading.order.from(&mut reading.lanes, self.next, offset)?;
            head.map(|head| self.row(reading, &head)).transpose()
        })
    }

    fn before(&self, offset: u64) -> Result<Option<Row>, JournalError> {
        self.read(|reading| {
            let head = reading.order.before(&mut reading.lanes, self.next, offset)?;
            head.map(|head| self.row(reading, &head)).transpose()
        })
    }

    /// The order says it: whoever looks for an instant among many groups need not read them.
    fn outline_before(&self, offset: u64) -> Result<Option<Outline>, JournalError> {
        let head = self.read(|reading| reading.order.before(&mut reading.lanes, self.next, offset))?;
        Ok(head.map(|head| Outline { first: head.first, count: head.count, arrival: Time(head.arrival) }))
    }

    fn any_from(&self, offset: u64) -> Result<bool, JournalError> {
        Ok(offset < self.end.next)
    }

    fn restored(&self) -> Result<Vec<RestorePoint>, JournalError> {
        Ok(Vec::new())
    }

    fn beginning(&self) -> Result<Option<Beginning>, JournalError> {
        Ok(self.note.as_ref().map(Note::beginning))
    }

    /// What may go is not known yet, so as much as before.
    fn begin_at(&mut self, to: &Beginning) -> Result<(), JournalError> {
        let partitions = self.placing.partitions;
        let lows = self.note.as_ref().map_or_else(|| vec![0; partitions as usize + 1], |note| note.lows.clone());
        self.put_note(Note {
            own: 0,
            incarnation: self.end.incarnation,
            writer: 0,
            partitions,
            next: 0,
            chain: [0; 32],
            begins: to.position.next,
            begins_chain: to.position.chain,
            arrival: to.arrival.0,
            at: to.at.0,
            lows,
            is_surveyed: false,
        })
    }

    /// What may go is looked up first, and noted; then it is removed, all at once.
    fn sweep(&mut self, _: u64, bytes: u64) -> Result<Swept, JournalError> {
        let Some(note) = self.note.clone() else { return Ok(Swept { is_done: true, ..Swept::default() }) };
        if !note.is_surveyed {
            self.look_through(&note, bytes)?;
            return Ok(Swept::default());
        }
        // A broker that was killed may have records again that were removed.
        let found = self.read(|reading| lows(&reading.lanes, note.lows.len()))?;
        let groups = note.low(0).saturating_sub(found.first().copied().unwrap_or(0));
        begins::remove(&self.settings, &note, &found)?;
        *self.reading.get_mut() = None;
        self.lows = note.lows;
        Ok(Swept { groups, pages: 0, is_done: true })
    }

    /// Brokers remove the files of which everything was let go of.
    fn gives_back(&self) -> Result<bool, JournalError> {
        Ok(true)
    }

    fn write_anew(&mut self) -> Result<(), JournalError> {
        Ok(())
    }

    fn is_in_doubt(&self) -> bool {
        self.is_in_doubt
    }
}

/// The beginning of a journal that has its first record.
fn opening(bytes: &[u8], topic: &str) -> Result<Opening, JournalError> {
    match Record::read(0, bytes) {
        Record::Opening(opening) => Ok(opening),
        Record::Newer(found) => Err(JournalError::NewerFormat { found: u32::from(found), known: u32::from(VERSION) }),
        _ => {
            let detail = "its first record is not the beginning of one".to_owned();
            Err(Fault::Foreign { topic: topic.to_owned(), detail }.into())
        }
    }
}

/// Where each partition begins.
fn lows(lanes: &Lanes, partitions: usize) -> Result<Vec<u64>, JournalError> {
    (0..partitions as i32).map(|partition| lanes.bounds(partition).map(|(low, _)| low)).collect()
}

fn random() -> Result<u128, JournalError> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).map_err(|e| JournalError::Random(std::io::Error::other(e.to_string())))?;
    Ok(u128::from_le_bytes(bytes))
}
