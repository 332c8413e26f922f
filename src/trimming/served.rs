//! Trimming the journal of a server that runs, between two groups of it.
//!
//! A thread of its own looks when a month has turned, and else now and then whether what stood in the way is gone. Only where something can go are accounts taken, for that reads everything. The journal's thread notes the
//! beginning and removes what is before it in slices, so nobody waits for longer than one takes.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::{Duration, Instant};

use vitalog_dashboards::ask::Readers;
use vitalog_elog::accounting::Scope;
use vitalog_elog::{Position, Time};
use vitalog_ingest::journal::{Journal, JournalError, Swept};
use vitalog_lakehouse::{Lake, Policy};
use vitalog_notify::Outbox;

use super::{Obstacle, Plan, Standing, plan, synced};
use crate::accounting::Auditor;
use crate::backup::{Running, Source};
use crate::failure::Failure;
use crate::metrics::Metrics;
use crate::run::{Bases, Message, Node, Now, RetentionNote, Wish, held_by_law, is_erasing};

/// Before the first look: a start has other things to do.
const FIRST: Duration = Duration::from_millis(500);
/// Between two looks whether a month has turned.
const LOOK: Duration = Duration::from_secs(5);
/// Before what stood in the way, or failed, is looked at again: two snapshots are read through for it.
const AGAIN: Duration = Duration::from_secs(600);
/// Where a snapshot is missing, which comes with the next landing.
const SOON: Duration = Duration::from_secs(10);
/// Before what could not be removed is tried again: brokers may be away, or not permit it.
const RETRY: Duration = Duration::from_secs(60);
/// What is removed at a time.
const SWEEP: u64 = 1 << 20;
/// Between two slices, so that a server under load is one.
const PAUSE: Duration = Duration::from_millis(5);

/// The thread. Dropped, it ends; accounts that it takes just then are read to their end, and nobody waits for them.
pub struct Trimmer {
    _end: Sender<()>,
}

struct Keeper {
    bases: Bases,
    journal: Running,
    auditor: Auditor,
    views: Readers,
    outbox: Arc<Outbox>,
    lake: Arc<Lake>,
    keep: Policy,
    now: Now,
    wish: Arc<Wish>,
    metrics: Arc<Metrics>,
    end: Receiver<()>,
}

impl Trimmer {
    /// Begins, where it is noted for how long the journal is kept, or something of a former trim lies there yet.
    ///
    /// # Errors
    /// Where the note or the views can't be read.
    pub fn start(node: &Node) -> Result<Trimmer, Failure> {
        let keep = RetentionNote::read(node.data())?.journal().unwrap_or_default();
        let (end, ended) = channel();
        let journal = Running { data: node.data().to_owned(), door: node.door.sender() };
        let keeper = Keeper {
            bases: node.bases()?,
            journal,
            auditor: Auditor::of(node)?,
            views: Readers::open(&node.views).map_err(|e| Failure::new(format!("views: {e}")))?,
            outbox: node.outbox.clone(),
            lake: node.lake.clone(),
            keep,
            now: node.now.clone(),
            wish: node.wish.clone(),
            metrics: node.metrics.clone(),
            end: ended,
        };
        std::thread::Builder::new().name("trimmer".to_owned()).spawn(move || keeper.run())?;
        Ok(Trimmer { _end: end })
    }
}

impl Keeper {
    fn run(self) {
        let (mut pause, mut looked) = (FIRST, None::<(Option<Time>, Instant)>);
        let mut again = AGAIN;
        // A former trim may have been cut short.
        let mut sweep_at = Some(Instant::now());
        loop {
            match self.end.recv_timeout(pause) {
                Err(RecvTimeoutError::Timeout) => {}
                _ => return,
            }
            pause = LOOK;
            let before = self.keep.since((self.now)());
            if let Some(past) = before
                && looked.is_none_or(|(at, when)| at != before || when.elapsed() >= again)
            {
                looked = Some((before, Instant::now()));
                match self.let_go(past) {
                    Ok(lacks_snapshot) => again = if lacks_snapshot { SOON } else { AGAIN },
                    Err(_) if self.is_ending() => return,
                    Err(error) => self.failed(&error),
                }
                sweep_at = Some(Instant::now());
            }
            if sweep_at.is_some_and(|at| at <= Instant::now()) {
                sweep_at = match self.sweep() {
                    Ok(()) => None,
                    Err(_) if self.is_ending() => return,
                    Err(error) => {
                        self.failed(&error);
                        Some(Instant::now() + RETRY)
                    }
                };
            }
        }
    }

    fn failed(&self, error: &Failure) {
        self.metrics.keeping.trim_failures.inc();
        tracing::error!(%error, "the journal could not be trimmed; it is tried again");
    }

    fn is_ending(&self) -> bool {
        matches!(self.end.try_recv(), Err(std::sync::mpsc::TryRecvError::Disconnected))
    }

    /// Has the journal begin where it may. Whether a snapshot is missing for more to go.
    fn let_go(&self, before: Time) -> Result<bool, Failure> {
        let plan = self.plan(before)?;
        let lacks_snapshot = plan.obstacles.iter().any(|obstacle| matches!(obstacle, Obstacle::Snapshots(_)));
        if lacks_snapshot {
            self.wish.want_whole();
        }
        if plan.to > plan.from {
            let (to, at) = (plan.to, (self.now)());
            self.change(move |journal| journal.trim(to, at))?;
            tracing::info!(inputs = plan.to - plan.from, begins = plan.to, %before, "what is past retention went from the journal");
        }
        self.tell(&plan);
        Ok(lacks_snapshot)
    }

    /// Removes what lies before the beginning. Of a topic it is looked each time: a broker that was killed may have records again.
    fn sweep(&self) -> Result<(), Failure> {
        loop {
            let Swept { is_done, .. } = self.change(|journal| journal.sweep(SWEEP))?;
            if is_done || !matches!(self.end.recv_timeout(PAUSE), Err(RecvTimeoutError::Timeout)) {
                return Ok(());
            }
        }
    }

    /// How far it may go now. Accounts may take long, and somebody may be held meanwhile: so it is looked again when they are taken.
    fn plan(&self, before: Time) -> Result<Plan, Failure> {
        let first = plan(&self.journal, &self.standing()?, before)?;
        if first.to == first.from {
            return Ok(first);
        }
        if self.auditor.audit(&Scope::default())?.is_equal() {
            return plan(&self.journal, &self.standing()?, before);
        }
        let mut kept = Plan { to: first.from, ..first };
        kept.obstacles.push(Obstacle::Differs);
        Ok(kept)
    }

    fn tell(&self, plan: &Plan) {
        let keeping = &self.metrics.keeping;
        keeping.journal_begins.set(plan.to as i64);
        keeping.journal_kept.set((plan.past - plan.to) as i64);
        for obstacle in &plan.obstacles {
            tracing::warn!(said = obstacle.said(), "what is past retention stays in the journal");
        }
    }

    /// What stands, on stable storage.
    fn standing(&self) -> Result<Standing, Failure> {
        let data = &self.journal.data;
        let reader = self.views.take().map_err(|e| Failure::new(format!("views: {e}")))?;
        let asked = reader.ask(|ask| Ok((ask.position.next, ask.schema.shares())));
        let (views, shares) = asked.map_err(|e| Failure::new(format!("views: {e}")))?;
        let outbox = self.outbox.position().map_err(|e| Failure::new(format!("outbox: {e}")))?.next;
        let lake = self.lake.position().next;
        synced(&data.join("views.db"))?;
        synced(&data.join("outbox.db"))?;
        let least = views.min(outbox).min(lake);
        let is_ours = |position: &Position| {
            let position = *position;
            // A server that is ending has none.
            self.journal.with(move |journal| journal.has(&position)).unwrap_or(false)
        };
        Ok(Standing {
            sinks: vec![("views", views), ("outbox", outbox), ("lake", lake)],
            bases: self.bases.found(least, is_ours)?,
            shares,
            held: held_by_law(data)?,
            is_erasing: is_erasing(data)?,
        })
    }

    /// Has something changed by the journal's thread.
    fn change<T: Send + 'static>(
        &self,
        change: impl FnOnce(&mut Journal) -> Result<T, JournalError> + Send + 'static,
    ) -> Result<T, Failure> {
        let closing = || Failure::new("the journal did not answer: the server is ending, or waits for its brokers");
        let (tell, told) = channel();
        let change = Box::new(move |journal: &mut Journal| {
            let (done, result) = match change(journal) {
                Ok(done) => (Ok(done), Ok(())),
                // Its thread ends the process, or waits until it can be written again.
                Err(error) if error.is_fatal() || journal.is_in_doubt() => {
                    (Err(Failure::new(format!("journal: {error}"))), Err(error))
                }
                Err(error) => (Err(Failure::new(format!("journal: {error}"))), Ok(())),
            };
            // Who waits for it may be gone.
            drop(tell.send(done));
            result
        });
        self.journal.door.send(Message::Change(change)).map_err(|_| closing())?;
        told.recv().map_err(|_| closing())?
    }
}
