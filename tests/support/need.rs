//! Peers and data that a machine may lack: a test says that it skips, and under `tests/run` a skip is a failure.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

/// `what` if it is there; else the test is skipped (`None`) with a word on the remedy, or fails where skipping is not allowed.
pub fn need<T>(what: &str, found: Option<T>) -> Option<T> {
    if found.is_none() {
        assert!(std::env::var_os("VITALOG_NO_SKIP").is_none(), "{what} is missing, and skipping is not allowed here");
        eprintln!("skipped: {what} is missing (tests/run installs it)");
    }
    found
}

/// The folder of whole data sets, where `VITALOG_DATA` names one. Its absence is no fault of the machine: only continuous integration has it.
pub fn whole_data_sets() -> Option<PathBuf> {
    let folder = std::env::var_os("VITALOG_DATA").map(PathBuf::from).filter(|p| p.is_dir());
    if folder.is_none() {
        eprintln!("skipped: VITALOG_DATA names no folder of whole data sets");
    }
    folder
}

/// Files of whole data sets: all of them where `VITALOG_WHOLE` is set, as by `tests/run --long data`, else one of `of`.
pub fn sampled<T>(files: impl IntoIterator<Item = T>, of: usize) -> Vec<T> {
    let step = if std::env::var_os("VITALOG_WHOLE").is_some() { 1 } else { of };
    files.into_iter().step_by(step).collect()
}

/// A program by name, where the path has one.
pub fn program(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|dir| dir.join(name)).find(|p| p.is_file())
}

/// The Python of the tests' own environment, which `tests/run` prepares and names.
pub fn python() -> Option<PathBuf> {
    std::env::var_os("VITALOG_PYTHON").map(PathBuf::from).filter(|p| p.is_file())
}

/// The same, if it has these packages. It is asked once: bringing them takes a second or two of the processor.
pub fn python_with(packages: &str) -> Option<PathBuf> {
    static KNOWN: Mutex<BTreeMap<String, bool>> = Mutex::new(BTreeMap::new());
    let has = |python: &PathBuf| {
        let asked =
            std::process::Command::new(python).args(["-c", &format!("import {packages}")]).env("MPLBACKEND", "agg").output();
        asked.is_ok_and(|asked| asked.status.success())
    };
    let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    python().filter(|python| *known.entry(packages.to_owned()).or_insert_with(|| has(python)))
}
