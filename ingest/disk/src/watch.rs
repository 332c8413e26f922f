//! What happens to the files below a directory: written down, and made to fail.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use crate::ffi;

/// What was done to a file, which is named by its path below the directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Op {
    Create {
        file: String,
    },
    Write {
        file: String,
        at: u64,
        bytes: Vec<u8>,
    },
    Truncate {
        file: String,
        len: u64,
    },
    Sync {
        file: String,
    },
    Delete {
        file: String,
    },
    /// The directory itself: which files there are.
    SyncDir,
}

/// How an operation goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The n-th fails, once, counted from 0.
    Once(u64),
    /// All from the n-th on fail: the disk is gone.
    From(u64),
    /// The n-th is a write that gets half of its bytes onto the disk, and fails; any other kind just fails.
    Torn(u64),
    /// Files may not grow beyond so many bytes in all.
    Full(u64),
}

/// What to do with an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    Pass,
    Fail,
    /// Half of it, then fail.
    Tear,
    NoRoom,
}

#[derive(Default)]
struct State {
    ops: Vec<Op>,
    /// Operations asked for, reads included.
    asked: u64,
    fault: Option<Fault>,
    grown: u64,
}

/// What is written down of one directory.
pub(crate) struct Watched {
    dir: PathBuf,
    state: Mutex<State>,
}

/// A directory that is watched until this is dropped.
pub struct Watch {
    watched: Arc<Watched>,
}

static ALL: RwLock<Vec<Arc<Watched>>> = RwLock::new(Vec::new());

/// Watches the files that SQLite has below `dir`, in connections that are opened from now on.
///
/// # Panics
/// Where SQLite does not take the VFS.
pub fn watch(dir: &Path) -> Watch {
    ffi::install();
    let watched = Arc::new(Watched { dir: dir.to_owned(), state: Mutex::default() });
    ALL.write().unwrap_or_else(PoisonError::into_inner).push(watched.clone());
    Watch { watched }
}

impl Watch {
    /// What was done so far, reads left out.
    pub fn ops(&self) -> Vec<Op> {
        self.watched.with(|state| state.ops.clone())
    }

    /// How many operations were asked for since the last [`Watch::fail`], reads included.
    pub fn asked(&self) -> u64 {
        self.watched.with(|state| state.asked)
    }

    /// From now on this goes wrong; counts from 0.
    pub fn fail(&self, fault: Option<Fault>) {
        self.watched.with(|state| {
            (state.fault, state.asked, state.grown) = (fault, 0, 0);
        });
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        ALL.write().unwrap_or_else(PoisonError::into_inner).retain(|other| !Arc::ptr_eq(other, &self.watched));
    }
}

/// The watch that a file lies under, and its name there.
pub(crate) fn of(path: &Path) -> Option<(Arc<Watched>, String)> {
    let all = ALL.read().unwrap_or_else(PoisonError::into_inner);
    all.iter().find_map(|watched| {
        let name = path.strip_prefix(&watched.dir).ok()?;
        Some((watched.clone(), name.to_string_lossy().into_owned()))
    })
}

impl Watched {
    fn with<T>(&self, run: impl FnOnce(&mut State) -> T) -> T {
        run(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Whether the next operation goes well. `grows`: how many bytes it would add to its file.
    pub(crate) fn next(&self, writes: bool, grows: u64) -> Verdict {
        self.with(|state| {
            let n = state.asked;
            state.asked += 1;
            match state.fault {
                Some(Fault::Once(at)) if n == at => Verdict::Fail,
                Some(Fault::From(at)) if n >= at => Verdict::Fail,
                Some(Fault::Torn(at)) if n == at => {
                    if writes {
                        Verdict::Tear
                    } else {
                        Verdict::Fail
                    }
                }
                Some(Fault::Full(most)) if grows > 0 && state.grown + grows > most => Verdict::NoRoom,
                _ => {
                    state.grown += grows;
                    Verdict::Pass
                }
            }
        })
    }

    /// Notes what has been done.
    pub(crate) fn note(&self, op: Op) {
        self.with(|state| state.ops.push(op));
    }
}
