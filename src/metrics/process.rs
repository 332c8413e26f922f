//! The process itself: memory, open files, when it began. From `/proc`, where there is one; elsewhere these figures are left out.

use prometheus_client::metrics::info::Info;
use prometheus_client::registry::{Registry, Unit};

use super::Asked;
use crate::run::clock;

pub(super) fn register(registry: &mut Registry) {
    let began = clock::wall().0 as f64 / 1e6;
    registry.register("build", "The program", Info::new(vec![("version", env!("CARGO_PKG_VERSION"))]));
    for asked in [
        Asked::one("process_start_timestamp", "When the process began, since 1970", Some(Unit::Seconds), move || Some(began)),
        Asked::one("process_resident_memory", "Memory that is in use", Some(Unit::Bytes), resident),
        Asked::one("process_open_files", "Files and connections that are open", None, open_files),
        Asked::one("process_open_files_limit", "Files and connections that may be open", None, most_files),
    ] {
        registry.register_collector(Box::new(asked));
    }
}

fn resident() -> Option<f64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kibibytes: f64 = line.split_whitespace().next()?.parse().ok()?;
    Some(kibibytes * 1024.0)
}

/// Without the one that looks.
fn open_files() -> Option<f64> {
    let count = std::fs::read_dir("/proc/self/fd").ok()?.count();
    Some(count.saturating_sub(1) as f64)
}

fn most_files() -> Option<f64> {
    let limits = std::fs::read_to_string("/proc/self/limits").ok()?;
    let line = limits.lines().find_map(|line| line.strip_prefix("Max open files"))?;
    line.split_whitespace().next()?.parse().ok()
}
