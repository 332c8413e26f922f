//! One thread per sink: each takes what followed from the groups, in order, at its own pace.
//!
//! The queues are bounded: a sink that falls behind slows the engine, and through it the door; nothing is shed.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use vitalog_dashboards::io::Live;
use vitalog_dashboards::views::Views;
use vitalog_elog::policy::Channel;
use vitalog_elog::{Input, Record, Schema};
use vitalog_lakehouse::Lake;
use vitalog_notify::Outbox;

use super::queue::{Giver, Taker, queue};
use super::stepping::Fed;
use crate::metrics::{Metrics, Sink};

/// Inputs that may wait for a sink: more than gather while the views rest, with room for those that come while they commit.
const QUEUE: usize = 100_000;
/// A commit of the views is followed by a rest of so many times as long, in which more gathers: it writes each page that it touches once, so of many small ones each costs nearly what one of all would.
const REST: u32 = 3;
/// No rest is longer: whoever reads what they wrote waits for it. Who comes after a pause waits for nothing.
const LONGEST_REST: Duration = Duration::from_millis(100);
/// A rest ends when so many inputs have gathered: of more a commit would not be cheaper by much, and whoever gives must not wait for room.
const ENOUGH: usize = 30_000;
/// Records that are taken together in one commit.
pub const TOGETHER: usize = 100_000;

/// The threads of all sinks, and the queues to them.
pub struct Sinks {
    pub queues: Vec<Giver<Fed>>,
    pub threads: Vec<JoinHandle<()>>,
    metrics: Arc<Metrics>,
}

/// The outbox, and by what way its endpoints are reached.
pub struct ToTell {
    pub outbox: Arc<Outbox>,
    pub channels: BTreeMap<Arc<str>, Channel>,
}

impl ToTell {
    /// Counts what became of attempts.
    fn count(&self, waiting: &[Fed], metrics: &Metrics) -> Result<(), String> {
        for record in waiting.iter().flat_map(|fed| &*fed.records) {
            if let Input::Receipt(receipt) = &record.entry.input {
                let endpoint = self.outbox.endpoint_of(receipt.delivery).map_err(|e| e.to_string())?;
                let channel = endpoint.and_then(|endpoint| self.channels.get(&endpoint).copied());
                metrics.intake.attempted(channel, &receipt.outcome);
            }
        }
        Ok(())
    }
}

impl Sinks {
    /// Starts a thread for each sink; without one for the outbox, that stays where it is.
    pub fn start(lake: Arc<Lake>, views: Views, live: Arc<Live>, outbox: Option<ToTell>, metrics: Arc<Metrics>) -> Sinks {
        let mut sinks = Sinks { queues: Vec::new(), threads: Vec::new(), metrics };
        let mut feed = LakeFeed::new(lake);
        sinks.add(Sink::Lake, move |fed| feed.give(fed));
        let mut views = views;
        sinks.gathering(Sink::Views, REST, move |waiting| {
            commit_views(&mut views, waiting)?;
            for fed in waiting {
                live.publish(&fed.records, fed.position, &fed.library.schema);
            }
            Ok(())
        });
        if let Some(outbox) = outbox {
            let metrics = sinks.metrics.clone();
            // Nobody who is told waits for others.
            sinks.gathering(Sink::Outbox, 0, move |waiting| {
                outbox.count(waiting, &metrics)?;
                commit_outbox(&outbox.outbox, waiting)
            });
        }
        sinks
    }

    /// For sinks that take several groups in one commit where they wait, and rest so many times as long as it took.
    fn gathering(&mut self, sink: Sink, rest: u32, mut commit: impl FnMut(&[Fed]) -> Result<(), String> + Send + 'static) {
        let (giver, groups) = queue(QUEUE);
        let follow = self.metrics.follow.clone();
        self.spawn(sink.name(), giver, move || {
            let mut rested = Instant::now();
            while groups.wait() {
                groups.rest(rested, ENOUGH);
                let began = Instant::now();
                let waiting = gather(&groups);
                if let Err(error) = commit(&waiting) {
                    fail(sink.name(), &error);
                }
                follow.committed(sink, waiting.last().map_or(0, |fed| fed.position.next));
                rested = Instant::now() + (rest * began.elapsed()).min(LONGEST_REST);
            }
        });
    }

    fn add(&mut self, sink: Sink, mut apply: impl FnMut(&Fed) -> Result<(), String> + Send + 'static) {
        let (giver, groups) = queue(QUEUE);
        let follow = self.metrics.follow.clone();
        self.spawn(sink.name(), giver, move || {
            while let Some(fed) = groups.take() {
                if let Err(error) = apply(&fed) {
                    fail(sink.name(), &error);
                }
                follow.committed(sink, fed.position.next);
            }
        });
    }

    fn spawn(&mut self, name: &'static str, queue: Giver<Fed>, run: impl FnOnce() + Send + 'static) {
        self.queues.push(queue);
        self.threads.push(std::thread::Builder::new().name(name.to_owned()).spawn(run).expect("a thread starts"));
    }
}

/// Its output and position are committed together, so what a failed sink holds is whole; the next start replays the rest.
fn fail(name: &str, error: &str) {
    tracing::error!(sink = name, %error, "a sink could not commit; the process ends");
    std::process::abort();
}

/// The groups that wait, up to [`TOGETHER`] records.
fn gather(groups: &Taker<Fed>) -> Vec<Fed> {
    let (mut records, mut waiting) = (0, Vec::new());
    while records < TOGETHER
        && let Some(next) = groups.take_waiting()
    {
        records += next.records.len();
        waiting.push(next);
    }
    waiting
}

/// One commit of the views for each stretch of groups that share a library.
pub fn commit_views(views: &mut Views, waiting: &[Fed]) -> Result<(), String> {
    for stretch in waiting.chunk_by(|a, b| Arc::ptr_eq(&a.library, &b.library)) {
        let Some(last) = stretch.last() else { continue };
        views.apply_groups(&records(stretch), last.position, &last.library.schema).map_err(|e| e.to_string())?;
    }
    Ok(())
}

/// One commit of the outbox.
pub fn commit_outbox(outbox: &Outbox, waiting: &[Fed]) -> Result<(), String> {
    let Some(last) = waiting.last() else { return Ok(()) };
    outbox.apply_groups(&records(waiting), last.position).map_err(|e| e.to_string())
}

fn records(groups: &[Fed]) -> Vec<&[Record]> {
    groups.iter().map(|fed| &*fed.records).collect()
}

/// Gives the lake its share: hot at once, on stable storage with the next landing.
pub struct LakeFeed {
    lake: Arc<Lake>,
    schema: Arc<Schema>,
}

impl LakeFeed {
    pub fn new(lake: Arc<Lake>) -> LakeFeed {
        LakeFeed { lake, schema: Arc::default() }
    }

    pub fn give(&mut self, fed: &Fed) -> Result<(), String> {
        let schema = &fed.library.schema;
        if !Arc::ptr_eq(schema, &self.schema) {
            self.lake.set_schema(schema.clone()).map_err(|e| e.to_string())?;
            self.schema = schema.clone();
        }
        self.lake.apply(&fed.records, fed.position).map_err(|e| e.to_string())
    }
}
