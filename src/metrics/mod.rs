//! What the process counts of itself, for whoever watches it: told in the OpenMetrics text format (`GET /metrics`).
//!
//! Counted in the shell alone, from what passes between the edges: so no edge knows of it, and the core stays pure. Names begin with `vitalog_`, units are base units, and no
//! person, endpoint or path of a request is a label: what is told hangs on how it goes, never on whom it is about. docs/operations.md lists every name; a test holds it to this.

mod asked;
mod follow;
mod intake;
mod load;
mod process;
mod requests;
mod spans;
mod unsaved;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError, RwLock};
use std::time::Instant;

use prometheus_client::encoding::text;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};
use vitalog_elog::Time;

pub use asked::{Asked, Sample};
pub use follow::{Follow, Sink};
pub use intake::Intake;
pub use load::{Load, Loads};
pub use requests::{Requests, measured, method};
pub use spans::Spans;
pub use unsaved::Unsaved;

/// The media type of what [`Metrics::text`] gives.
pub const OPENMETRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// The names and values of labels.
pub type Labels = Vec<(&'static str, String)>;

/// Everything that is counted.
pub struct Metrics {
    registry: RwLock<Registry>,
    pub intake: Intake,
    pub requests: Requests,
    pub follow: Follow,
    pub keeping: Keeping,
    pub spans: Spans,
}

/// What is kept where, and how long that took.
pub struct Keeping {
    /// Inputs of one group of the journal.
    group: Histogram,
    /// Sealing, writing and syncing one group.
    commit: Histogram,
    /// From a group's sync until all that it leads to is decided and its senders are answered.
    pub decided: Histogram,
    /// One landing of hot rows in the lake.
    pub landing: Histogram,
    pub landing_failures: Counter,
    /// Rows that went from the lake's files as past retention, and passes that failed.
    pub dropped_rows: Counter,
    pub drop_failures: Counter,
    /// Where the journal begins, and how many inputs it keeps that are past its retention, as of the last look.
    pub journal_begins: Gauge,
    pub journal_kept: Gauge,
    pub trim_failures: Counter,
    /// Writing one snapshot, whole or not, with the merge it may bring.
    snapshot: Histogram,
    snapshot_failures: Counter,
    /// Of the last one: what was written, and where in the journal it was taken.
    snapshot_bytes: Gauge,
    pub snapshot_position: Gauge,
    /// When the last one was written, in seconds since 1970; 0 before the first of this run.
    snapshot_written: Gauge,
    /// For how long inputs have come that no snapshot has.
    pub unsaved: Unsaved,
    /// Submissions that the door turned away.
    pub turned_away: Family<Labels, Counter>,
    /// Since when a group is being written, if one is.
    writing: Mutex<Option<Instant>>,
    /// The last snapshot could not be written.
    snapshot_failed: AtomicBool,
    /// The journal could not be written, and is waited for.
    journal_away: AtomicBool,
}

impl Metrics {
    pub fn new() -> Metrics {
        let mut registry = Registry::with_prefix("vitalog");
        let intake = Intake::new(&mut registry);
        let requests = Requests::new(&mut registry);
        let follow = Follow::new(&mut registry);
        let keeping = Keeping::new(&mut registry);
        let spans = Spans::new(&mut registry);
        process::register(&mut registry);
        Metrics { registry: RwLock::new(registry), intake, requests, follow, keeping, spans }
    }

    /// Also tells what a collector knows from now on.
    pub fn add(&self, collector: impl prometheus_client::collector::Collector) {
        // A panic while something was registered leaves a list that is whole.
        self.registry.write().unwrap_or_else(PoisonError::into_inner).register_collector(Box::new(collector));
    }

    /// All of it as text.
    ///
    /// # Errors
    /// Never, but that a collector of ours fails to write into a string.
    pub fn text(&self) -> Result<String, std::fmt::Error> {
        let mut text = String::new();
        text::encode(&mut text, &self.registry.read().unwrap_or_else(PoisonError::into_inner))?;
        Ok(text)
    }
}

impl Keeping {
    fn new(registry: &mut Registry) -> Keeping {
        let keeping = Keeping {
            group: Histogram::new((0..15).map(|power| f64::from(1_u32 << power))),
            commit: durations(),
            decided: durations(),
            landing: durations(),
            landing_failures: Counter::default(),
            dropped_rows: Counter::default(),
            drop_failures: Counter::default(),
            journal_begins: Gauge::default(),
            journal_kept: Gauge::default(),
            trim_failures: Counter::default(),
            snapshot: durations(),
            snapshot_failures: Counter::default(),
            snapshot_bytes: Gauge::default(),
            snapshot_position: Gauge::default(),
            snapshot_written: Gauge::default(),
            unsaved: Unsaved::default(),
            turned_away: Family::default(),
            writing: Mutex::default(),
            snapshot_failed: AtomicBool::new(false),
            journal_away: AtomicBool::new(false),
        };
        for reason in ["overloaded", "closing", "disk_full", "journal_away"] {
            drop(keeping.turned_away.get_or_create(&vec![("reason", reason.to_owned())]));
        }
        registry.register("journal_group_inputs", "Inputs that one sync made durable", keeping.group.clone());
        let mut seconds = |name: &str, help: &str, metric: &Histogram| {
            registry.register_with_unit(name, help, Unit::Seconds, metric.clone());
        };
        seconds("journal_commit_duration", "Sealing, writing and syncing one group of the journal", &keeping.commit);
        seconds("group_duration", "From the sync of a group until it is decided and its senders are answered", &keeping.decided);
        seconds("lake_landing_duration", "One landing of hot rows in the lake", &keeping.landing);
        seconds("snapshot_duration", "Writing one snapshot", &keeping.snapshot);
        registry.register("lake_landing_failures", "Landings that failed", keeping.landing_failures.clone());
        let dropped = "Rows that went from the files of the lake, as past retention";
        registry.register("lake_dropped_rows", dropped, keeping.dropped_rows.clone());
        let failures = "Times that what is past retention could not be taken from the files";
        registry.register("lake_drop_failures", failures, keeping.drop_failures.clone());
        let begins = "The offset of the first input that the journal has";
        registry.register("journal_first_offset", begins, keeping.journal_begins.clone());
        let kept = "Inputs that are past the journal's retention and stay, since something needs them";
        registry.register("journal_kept_inputs", kept, keeping.journal_kept.clone());
        let failures = "Times that the journal could not be trimmed";
        registry.register("journal_trim_failures", failures, keeping.trim_failures.clone());
        registry.register("snapshot_failures", "Snapshots that could not be written", keeping.snapshot_failures.clone());
        let (bytes, at) = (keeping.snapshot_bytes.clone(), keeping.snapshot_position.clone());
        registry.register_with_unit("snapshot_size", "What the last snapshot wrote", Unit::Bytes, bytes);
        registry.register("snapshot_position", "The offset that the last snapshot was taken at", at);
        let written = keeping.snapshot_written.clone();
        let help = "When the last snapshot of this run was written, since 1970; 0 before the first";
        registry.register_with_unit("snapshot_written_timestamp", help, Unit::Seconds, written);
        registry.register("door_turned_away", "Submissions that were turned away", keeping.turned_away.clone());
        keeping
    }
}

impl Keeping {
    /// A group is being written from now on.
    pub fn begin_to_write(&self) -> Instant {
        let now = Instant::now();
        self.writing_from(now);
        now
    }

    /// A group is being written since then.
    pub fn writing_from(&self, began: Instant) {
        *self.writing.lock().unwrap_or_else(PoisonError::into_inner) = Some(began);
    }

    /// So many inputs, written since then, are on stable storage.
    pub fn written(&self, began: Instant, inputs: usize) -> Instant {
        let now = Instant::now();
        *self.writing.lock().unwrap_or_else(PoisonError::into_inner) = None;
        self.unsaved.came(now);
        self.commit.observe(now.duration_since(began).as_secs_f64());
        self.group.observe(inputs as f64);
        now
    }

    /// The group that was being written is in doubt, and the journal is waited for; or it is back.
    pub fn set_journal_away(&self, is: bool) {
        *self.writing.lock().unwrap_or_else(PoisonError::into_inner) = None;
        self.journal_away.store(is, Ordering::Release);
    }

    pub fn is_journal_away(&self) -> bool {
        self.journal_away.load(Ordering::Acquire)
    }

    pub fn writing_since(&self) -> Option<Instant> {
        *self.writing.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A snapshot that began to be written then is there.
    pub fn snapshot_written(&self, began: Instant, (bytes, position): (u64, u64), at: Time) {
        self.snapshot.observe(began.elapsed().as_secs_f64());
        self.snapshot_bytes.set(bytes as i64);
        self.snapshot_position.set(position as i64);
        self.snapshot_written.set(at.0 / 1_000_000);
        self.unsaved.saved(began);
        self.snapshot_failed.store(false, Ordering::Release);
    }

    pub fn snapshot_not_written(&self) {
        self.snapshot_failures.inc();
        self.snapshot_failed.store(true, Ordering::Release);
    }

    pub fn snapshot_failed(&self) -> bool {
        self.snapshot_failed.load(Ordering::Acquire)
    }
}

/// From half a millisecond to ten seconds.
fn durations() -> Histogram {
    Histogram::new([0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0])
}
