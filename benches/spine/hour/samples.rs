//! What is looked at every few seconds: memory, files, and how long answers took since the last look.

use std::fmt;
use std::path::Path;
use std::time::Duration;

/// What was answered since the last look.
#[derive(Default)]
pub struct Interval {
    readings: u64,
    waits: Vec<Duration>,
}

impl Interval {
    pub fn answered(&mut self, readings: u64, took: Duration) {
        self.readings += readings;
        self.waits.push(took);
    }
}

pub struct Sample {
    /// Seconds since the beginning.
    pub at: f64,
    /// Days of event time.
    pub day: f64,
    /// Readings acknowledged since the beginning of the interval.
    pub readings: u64,
    pub waits: Vec<Duration>,
    /// Megabytes: all that is in memory, of it what no file is behind, and the most there ever was.
    pub resident: f64,
    pub own: f64,
    pub peak: f64,
    /// Layers that left memory, and came back.
    pub cut_off: f64,
    pub put_back: f64,
    /// Rows of the lake that have not landed.
    pub hot: f64,
    /// Inputs that the views are behind.
    pub behind: f64,
    /// Megabytes on disk.
    pub files: [f64; 5],
}

/// What of the data directory is told apart.
const FILES: [&str; 5] = ["journal.db", "views.db", "cold", "snapshots", "lake"];

impl Sample {
    pub const HEAD: &str = "seconds day readings answers p50_ms p99_ms worst_ms rss_mb anon_mb peak_mb cut_off put_back hot_rows views_behind journal_mb views_mb cold_mb snapshots_mb lake_mb";

    pub fn take(at: Duration, day: f64, interval: Interval, (process, data): (u32, &Path), metrics: &str) -> Sample {
        let status = std::fs::read_to_string(format!("/proc/{process}/status")).expect("it runs");
        let memory = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name)).expect("a figure of memory");
            line.split_whitespace().nth(1).and_then(|n| n.parse::<f64>().ok()).expect("a number") / 1_024.0
        };
        let Interval { readings, mut waits } = interval;
        waits.sort_unstable();
        Sample {
            at: at.as_secs_f64(),
            day,
            readings,
            waits,
            resident: memory("VmRSS"),
            own: memory("RssAnon"),
            peak: memory("VmHWM"),
            cut_off: sum(metrics, "vitalog_layers_cut_off_total"),
            put_back: sum(metrics, "vitalog_layers_put_back_total"),
            hot: sum(metrics, "vitalog_lake_hot_rows"),
            behind: sum(metrics, "vitalog_sink_lag_inputs{sink=\"views\"}"),
            files: FILES.map(|name| size_of(data, name) as f64 / 1e6),
        }
    }

    fn wait(&self, share: f64) -> f64 {
        self.waits
            .get((self.waits.len().saturating_sub(1) as f64 * share).round() as usize)
            .map_or(0.0, |w| w.as_secs_f64() * 1e3)
    }
}

impl fmt::Display for Sample {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.0} {:.2} {} {} ", self.at, self.day, self.readings, self.waits.len())?;
        write!(f, "{:.1} {:.1} {:.1} ", self.wait(0.5), self.wait(0.99), self.wait(1.0))?;
        write!(f, "{:.0} {:.0} {:.0} ", self.resident, self.own, self.peak)?;
        write!(f, "{} {} {} {}", self.cut_off, self.put_back, self.hot, self.behind)?;
        self.files.iter().try_for_each(|megabytes| write!(f, " {megabytes:.0}"))
    }
}

/// The sum over the series of a metric.
fn sum(metrics: &str, name: &str) -> f64 {
    let of = |line: &str| {
        let rest = line.strip_prefix(name)?;
        if rest.starts_with([' ', '{']) { rest.rsplit(' ').next()?.parse::<f64>().ok() } else { None }
    };
    // Of none it is minus zero.
    metrics.lines().filter_map(of).sum::<f64>() + 0.0
}

/// A file with its log, or a folder with all that is in it.
fn size_of(data: &Path, name: &str) -> u64 {
    let log = format!("{name}-wal");
    let entries = std::fs::read_dir(data).expect("a folder").map_while(Result::ok);
    entries.filter(|entry| entry.file_name() == *name || entry.file_name() == *log).map(|entry| weight(&entry.path())).sum()
}

/// Files may go while they are looked at.
fn weight(path: &Path) -> u64 {
    match std::fs::read_dir(path) {
        Ok(entries) => entries.map_while(Result::ok).map(|entry| weight(&entry.path())).sum(),
        Err(_) => path.metadata().map_or(0, |m| m.len()),
    }
}
