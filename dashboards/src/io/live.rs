//! The last records, kept in memory for whoever listens, and how far the views have come.
//!
//! A record is published after the views have it, so that whoever hears of something finds it there. Nothing is rendered until somebody listens.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::watch;
use vitalog_elog::{Position, Record, Schema};

/// Between the sink, which publishes, and the streams, which listen.
pub struct Live {
    ring: Mutex<Ring>,
    reached: watch::Sender<u64>,
    /// Changes with each emergency that is opened or looked into.
    emergencies: watch::Sender<u64>,
    closing: watch::Sender<bool>,
}

struct Ring {
    batches: VecDeque<Arc<[Record]>>,
    records: usize,
    schema: Arc<Schema>,
}

/// What a listener gets at once.
pub struct Heard {
    pub batches: Vec<Arc<[Record]>>,
    /// Where the ring begins: records from the listener's place up to here are no longer in it.
    pub begins: u64,
    pub reached: u64,
    pub schema: Arc<Schema>,
}

impl Live {
    /// The most records kept.
    pub const MOST: usize = 65_536;

    /// `position`: that of the views as they were opened.
    pub fn new(position: Position) -> Arc<Live> {
        let ring = Ring { batches: VecDeque::new(), records: 0, schema: Arc::default() };
        Arc::new(Live {
            ring: Mutex::new(ring),
            reached: watch::Sender::new(position.next),
            emergencies: watch::Sender::new(0),
            closing: watch::Sender::new(false),
        })
    }

    /// Tells the listeners of records that the views have applied. What they were told of already is passed over.
    pub fn publish(&self, records: &Arc<[Record]>, position: Position, schema: &Arc<Schema>) {
        if position.next <= *self.reached.borrow() {
            return;
        }
        let mut ring = self.ring.lock().unwrap_or_else(PoisonError::into_inner);
        ring.schema = schema.clone();
        if !records.is_empty() {
            ring.records += records.len();
            ring.batches.push_back(records.clone());
        }
        while ring.records > Self::MOST
            && let Some(oldest) = ring.batches.pop_front()
        {
            ring.records -= oldest.len();
        }
        drop(ring);
        self.reached.send_replace(position.next);
    }

    /// Something was opened in an emergency, or looked into, which no record tells of: streams about one subject look whether it was theirs.
    pub fn look_at_emergencies(&self) {
        self.emergencies.send_modify(|changes| *changes = changes.wrapping_add(1));
    }

    /// Ends all streams, so that the server can.
    pub fn close(&self) {
        self.closing.send_replace(true);
    }

    /// How far the views have come; wakes whoever waits for more.
    pub fn reached(&self) -> watch::Receiver<u64> {
        self.reached.subscribe()
    }

    pub(super) fn emergencies(&self) -> watch::Receiver<u64> {
        self.emergencies.subscribe()
    }

    pub(super) fn closing(&self) -> watch::Receiver<bool> {
        self.closing.subscribe()
    }

    /// The batches that hold records from an offset on.
    pub(super) fn since(&self, offset: u64) -> Heard {
        let ring = self.ring.lock().unwrap_or_else(PoisonError::into_inner);
        let reached = *self.reached.borrow();
        let begins = ring.batches.front().and_then(|b| b.first()).map_or(reached, |r| r.offset);
        let from = ring.batches.partition_point(|b| b.last().is_none_or(|r| r.offset < offset));
        Heard {
            // What was put into the ring but not yet announced is for the next time.
            batches: ring.batches.range(from..).filter(|b| b.last().is_some_and(|r| r.offset < reached)).cloned().collect(),
            begins,
            reached,
            schema: ring.schema.clone(),
        }
    }
}
