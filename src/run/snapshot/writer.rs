//! The thread that writes snapshots, so that nobody waits for a disk but whoever takes the next one.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::Receiver;
use std::time::Instant;

use super::{Store, Taken};
use crate::metrics::Metrics;
use crate::run::clock;

/// Whether one is to be taken, and of which kind.
#[derive(Debug, Default)]
pub struct Wish {
    is_wanted: AtomicBool,
    /// One is under way.
    is_busy: AtomicBool,
    /// What would have to be below the next is not there.
    is_whole: AtomicBool,
}

impl Wish {
    /// The lake has landed what it held: a snapshot taken now becomes a restore point with the next landing.
    pub fn want(&self) {
        self.is_wanted.store(true, Ordering::Release);
    }

    /// The next is to be whole: there is one alone to go on from.
    pub fn want_whole(&self) {
        self.is_whole.store(true, Ordering::Release);
    }

    /// Whether one is to be taken now. While one is under way the wish waits.
    pub fn is_due(&self) -> bool {
        !self.is_busy.load(Ordering::Acquire) && self.is_wanted.swap(false, Ordering::AcqRel)
    }

    /// One is being taken; whether it is to be whole.
    pub fn take(&self) -> bool {
        self.is_busy.store(true, Ordering::Release);
        self.is_whole.swap(false, Ordering::AcqRel)
    }
}

/// The thread's part.
pub struct Writer {
    store: Store,
    wish: Arc<Wish>,
    is_idle: bool,
    metrics: Arc<Metrics>,
}

impl Writer {
    pub fn new(store: Store, metrics: Arc<Metrics>) -> Writer {
        let wish = Wish::default();
        wish.is_whole.store(store.is_empty(), Ordering::Release);
        Writer { store, wish: Arc::new(wish), is_idle: false, metrics }
    }

    /// One that writes nothing.
    pub fn idle(self) -> Writer {
        Writer { is_idle: true, ..self }
    }

    pub fn wish(&self) -> Arc<Wish> {
        self.wish.clone()
    }

    /// Runs until nothing more will be taken.
    pub fn run(mut self, inbox: &Receiver<Taken>) {
        while let Ok(taken) = inbox.recv() {
            self.write_or_warn(taken);
        }
    }

    /// A failure is no reason to stop: without it the next start replays more.
    pub fn write_or_warn(&mut self, taken: Taken) {
        let (position, began, keeping) = (taken.position.next, Instant::now(), &self.metrics.keeping);
        let written = if self.is_idle { Ok(None) } else { self.store.write(taken).map(Some) };
        if let Ok(Some(bytes)) = written {
            keeping.snapshot_written(began, (bytes, position), clock::wall());
        }
        if let Err(error) = written {
            keeping.snapshot_not_written();
            tracing::warn!(%error, "no snapshot could be written; the next start replays more of the journal");
        }
        if self.store.is_empty() {
            self.wish.is_whole.store(true, Ordering::Release);
        }
        self.wish.is_busy.store(false, Ordering::Release);
    }
}
