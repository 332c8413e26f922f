//! Rules edited on disk are put in force when the file is saved.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::Duration;

use notify::{RecursiveMode, Watcher};
use vitalog_elog::port::Inlet;

use super::rules::{RuleDesk, RulesError};
use crate::failure::Failure;
use crate::files;
use crate::logging;

/// An editor writes a file in several steps; they are waited for.
const SETTLE: Duration = Duration::from_millis(150);

/// Watches until dropped.
pub struct RuleWatch {
    _watcher: notify::RecommendedWatcher,
}

impl RuleWatch {
    /// Watches a directory of rule files. What does not compile is said in the log, and the former rules stay in force.
    ///
    /// # Errors
    /// Where the system can't watch the directory.
    pub fn start(dir: &Path, desk: Arc<RuleDesk>, inlet: Arc<dyn Inlet>) -> Result<RuleWatch, Failure> {
        let (tell, told) = channel();
        let mut watcher = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
            if event.is_ok_and(|e| !e.kind.is_access()) {
                // Nobody listens any more only when the process ends.
                let _ = tell.send(());
            }
        })
        .map_err(|e| Failure::new(format!("cannot watch for edits of rules: {e}")))?;
        watcher
            .watch(dir, RecursiveMode::NonRecursive)
            .map_err(|e| Failure::new(format!("cannot watch {}: {e}", dir.display())))?;
        let dir = dir.to_owned();
        std::thread::Builder::new().name("rule watch".to_owned()).spawn(move || {
            while told.recv().is_ok() {
                while !matches!(told.recv_timeout(SETTLE), Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected)) {}
                take_up(&dir, &desk, &*inlet);
            }
        })?;
        Ok(RuleWatch { _watcher: watcher })
    }
}

fn take_up(dir: &PathBuf, desk: &RuleDesk, inlet: &dyn Inlet) {
    let files = match files::rules(std::slice::from_ref(dir)) {
        Ok(files) => files,
        Err(error) => return tracing::error!(%error, "the edited rules cannot be read; the former ones stay in force"),
    };
    match desk.take_up(inlet, files) {
        Ok(None) => {}
        Ok(Some(position)) => {
            tracing::info!(rules = desk.library().rules.len(), offset = position.next, "the edited rules are in force");
        }
        Err(RulesError::Wrong(compiled)) => {
            logging::tell_wrong(&compiled);
            tracing::error!("the edited rules do not compile; the former ones stay in force");
        }
        Err(RulesError::Unavailable(why)) => tracing::error!(%why, "the edited rules could not be journaled"),
    }
}
