//! A topic as a home of the journal.

use std::cell::RefCell;

use vitalog_elog::Position;

use super::client::PIECE;
use super::lanes::Lanes;
use super::order::{Last, ORDER, Order};
use super::record::{Head as GroupHead, Opening, Pointer, Record, VERSION, part, piece};
use super::setup::{check_topic, make_topic};
use super::writer::{Outgoing, Writer};
use super::{Fault, Settings};
use crate::journal::FORMAT;
use crate::journal::codec::cuts;
use crate::journal::copy::RestorePoint;
use crate::journal::error::JournalError;
use crate::journal::home::{Home, Placing};
use crate::journal::row::{Head, Row};

pub(in crate::journal) struct Topic {
    settings: Settings,
    placing: Placing,
    /// Which of all processes that ever wrote it this is.
    this: u128,
    /// Where the journal ends; with no records yet, where it will begin.
    end: Position,
    /// The offset of the next record of the order.
    next: u64,
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
            writer: None,
            reading: RefCell::new(None),
        };
        for partition in 0..found.number as i32 {
            let (low, _) = lanes.bounds(partition)?;
            if low > 0 {
                return Err(Fault::Trimmed { partition, records: low as i64 }.into());
            }
        }
        let opening = topic.identify(lanes, acknowledged)?;
        topic.placing.partitions = opening.map_or(placing.partitions, |opening| opening.partitions);
        if found.number as u64 != u64::from(topic.placing.partitions) + 1 {
            let wanted = topic.placing.partitions + 1;
            let detail = format!("it has {} partitions, and the journal was made for {wanted}", found.number);
            return Err(Fault::Foreign { topic: settings.topic.clone(), detail }.into());
        }
        topic.find_end()?;
        Ok(topic)
    }

    /// Which journal it is, as its first record says; `None` where there is none.
    fn identify(&mut self, mut lanes: Lanes, acknowledged: Option<Position>) -> Result<Option<Opening>, JournalError> {
        let first = lanes.read(ORDER, 0)?;
        *self.reading.get_mut() = Some(Reading { lanes, order: Order::default() });
        let Some(bytes) = first else {
            // Empty, though something was acknowledged: made anew under the same name.
            return match acknowledged {
                Some(told) if told.next > 0 => Err(JournalError::LostEnd { found: 0, acknowledged: told.next }),
                _ => Ok(None),
            };
        };
        match Record::read(0, &bytes) {
            Record::Opening(opening) => {
                self.end = Position::start(opening.incarnation);
                Ok(Some(opening))
            }
            Record::Newer(found) => Err(JournalError::NewerFormat { found: u32::from(found), known: u32::from(VERSION) }),
            _ => {
                let detail = "its first record is not the beginning of one".to_owned();
                Err(Fault::Foreign { topic: self.settings.topic.clone(), detail }.into())
            }
        }
    }

    /// Gives the last record that counts.
    fn find_end(&mut self) -> Result<Option<Last>, JournalError> {
        let (next, last) = self.read(|reading| {
            let (_, next) = reading.lanes.bounds(ORDER)?;
            reading.order = Order::default();
            Ok((next, reading.order.last(&mut reading.lanes, next)?))
        })?;
        self.next = next;
        (self.end.next, self.end.chain) = match &last {
            None => (0, [0; 32]),
            Some(Last::Opening(opening)) => (opening.next, opening.chain),
            Some(Last::Head(head)) => head.end(),
        };
        Ok(last)
    }

    fn read<T>(&self, read: impl FnOnce(&mut Reading) -> Result<T, JournalError>) -> Result<T, JournalError> {
        let mut reading = self.reading.borrow_mut();
        let reading = match &mut *reading {
            Some(reading) => reading,
            none => none.insert(Reading { lanes: Lanes::new(&self.settings)?, order: Order::default() }),
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
        let own = self.next;
        let opening = Opening::of(&self.end, self.this, self.placing.partitions, own).bytes();
        match self.writer()?.write_in_order(own, opening) {
            Ok(()) => {
                self.next = own + 1;
                Ok(true)
            }
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
        // What was read ahead is of no use to a journal that is written.
        *self.reading.get_mut() = None;
        let own = self.next;
        let writer = self.writer()?;
        // INVARIANT (head last): a head is sent when all that it points at is acknowledged.
        let landed = writer.write(&records)?;
        let pointers = pieces.iter().zip(landed).map(|((partition, piece), offset)| Pointer {
            partition: *partition,
            offset,
            bytes: piece.len() as u32,
        });
        writer.write_in_order(own, GroupHead::of(row, own, pointers.collect()).bytes())?;
        self.next = own + 1;
        self.end = row.position_after(self.end.incarnation);
        Ok(())
    }

    fn look_again(&mut self) -> Result<(), JournalError> {
        let next = self.next;
        match self.open_anew()? {
            Some(Last::Opening(opening)) if opening.own >= next && opening.writer != self.this => {
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

    fn any_from(&self, offset: u64) -> Result<bool, JournalError> {
        Ok(offset < self.end.next)
    }

    fn restored(&self) -> Result<Vec<RestorePoint>, JournalError> {
        Ok(Vec::new())
    }
}

fn random() -> Result<u128, JournalError> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).map_err(|e| JournalError::Random(std::io::Error::other(e.to_string())))?;
    Ok(u128::from_le_bytes(bytes))
}
