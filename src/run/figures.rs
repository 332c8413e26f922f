//! Figures of a node that are looked up when somebody asks: sizes, what waits, what is due.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use prometheus_client::registry::Unit;
use vitalog_dashboards::ask::Readers;
use vitalog_elog::policy::Channel;
use vitalog_lakehouse::Lake;
use vitalog_notify::Outbox;

use super::clock::Now;
use super::due::Due;
use crate::metrics::{Asked, Metrics, Sample};

/// Where it is looked.
pub struct Figures {
    pub journal: PathBuf,
    pub views: PathBuf,
    pub lake: Arc<Lake>,
    pub outbox: Arc<Outbox>,
    pub channels: BTreeMap<Arc<str>, Channel>,
    pub waiting: Arc<AtomicUsize>,
    pub due: Arc<Due>,
    pub now: Now,
}

impl Figures {
    /// Tells all of them with `metrics`.
    pub fn tell(self, metrics: &Metrics) {
        let Figures { journal, views, lake, outbox, channels, waiting, due, now } = self;
        let (hot, landed) = (lake.clone(), lake);
        let help = "The journal with its write-ahead log";
        metrics.add(Asked::one("journal_size", help, Some(Unit::Bytes), move || bytes(&journal)));
        let help = "Rows in memory that no file of the lake has yet";
        metrics.add(Asked::one("lake_hot_rows", help, None, move || Some(hot.hot().rows as f64)));
        let help = "The offset up to which the lake's files have everything";
        metrics.add(Asked::one("lake_landed_position", help, None, move || Some(landed.position().next as f64)));
        let help = "Inputs that wait for the journal";
        metrics.add(Asked::one("door_waiting_inputs", help, None, move || Some(waiting.load(Ordering::Acquire) as f64)));
        let help = "How long the earliest deadline is overdue, below 0 while it is not; absent where there is none";
        let clock = now.clone();
        metrics.add(Asked::one("deadline_overdue", help, Some(Unit::Seconds), move || {
            due.at().map(|due| clock().since(due).0 as f64 / 1e6)
        }));
        tell_sources(&views, now.clone(), metrics);
        let (queue, by) = (outbox.clone(), channels.clone());
        let help = "Messages that are not delivered yet";
        metrics.add(Asked::new("deliveries_waiting", help, None, move || by_channel(&queue, &by, |count, _| count as f64)));
        let help = "For how long the oldest message that is not delivered has been due to be told";
        metrics.add(Asked::new("deliveries_oldest", help, Some(Unit::Seconds), move || {
            by_channel(&outbox, &channels, |_, since| since.map_or(0.0, |since| (now().0 - since) as f64 / 1e6))
        }));
    }
}

/// Who is heard and who is silent, and what never arrived, as far as the views can be read.
fn tell_sources(views: &Path, now: Now, metrics: &Metrics) {
    let Ok(readers) = Readers::open(views) else { return };
    let readers = Arc::new(readers);
    let figures = move || {
        let reader = readers.take().ok()?;
        reader.ask(|ask| ask.source_figures(now())).ok()
    };
    let (by_state, missing, ahead) = (figures.clone(), figures.clone(), figures);
    let help = "Sources that were heard within a week, by whether more is overdue";
    metrics.add(Asked::new("sources", help, None, move || {
        let Some(figures) = by_state() else { return Vec::new() };
        let sample = |state: &str, count: u64| (vec![("state", state.to_owned())], count as f64);
        vec![sample("heard", figures.heard), sample("silent", figures.silent)]
    }));
    let help = "Counts of sources (seq) between the first and the last that never arrived";
    metrics.add(Asked::one("sources_missing_readings", help, None, move || Some(missing()?.missing as f64)));
    let help = "Sources that were heard within a week and whose clock is ahead by more than a minute";
    metrics.add(Asked::one("sources_clock_ahead", help, None, move || Some(ahead()?.ahead as f64)));
}

fn bytes(journal: &Path) -> Option<f64> {
    let log = std::fs::metadata(journal.with_file_name("journal.db-wal")).map_or(0, |file| file.len());
    Some((std::fs::metadata(journal).ok()?.len() + log) as f64)
}

/// A figure for each channel that an endpoint has, from how many messages wait there and since when the oldest does.
fn by_channel(outbox: &Outbox, channels: &BTreeMap<Arc<str>, Channel>, figure: impl Fn(u64, Option<i64>) -> f64) -> Vec<Sample> {
    let Ok(waiting) = outbox.waiting() else { return Vec::new() };
    let mut found: BTreeMap<&str, (u64, Option<i64>)> = channels.values().map(|channel| (channel.name(), (0, None))).collect();
    for one in waiting {
        // An endpoint that is not configured any more.
        let channel = channels.get(&one.endpoint).map_or("unknown", |channel| channel.name());
        let (messages, since) = found.entry(channel).or_default();
        *messages += one.messages;
        *since = Some(since.map_or(one.since.0, |since: i64| since.min(one.since.0)));
    }
    found
        .into_iter()
        .map(|(channel, (messages, since))| (vec![("channel", channel.to_owned())], figure(messages, since)))
        .collect()
}
