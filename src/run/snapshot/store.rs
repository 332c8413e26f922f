//! The chain of snapshots: which files there are, which state they lead to, when increments are laid onto the whole one below them, and which files go.
//!
//! Increments are laid onto the whole one where they have come to as much as it is, so whatever is written in the long run, workers' part and merging together, is
//! a few times what changed. It is done from files: engines have no part in it. (The other way, to have engines write one partition whole in turn, would cost a part of the whole
//! at every snapshot, and let workers stand still for it.)
//!
//! INVARIANT (a way back): the newest [`KEEP`] states stay, for sinks may be behind the newest; and the whole one before the newest stays with all upon it, in case the newest is damaged.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use vitalog_cep::Engine;
use vitalog_cep::plan::Library;
use vitalog_elog::Position;

use super::file::{Head, Volume};
use super::{State, Taken};
use crate::failure::Failure;
use crate::run::versions::Versions;

/// So many of the newest states can be restored.
pub const KEEP: usize = 3;
/// So many increments are laid onto the whole one, however small they are: each is a file, and a start reads all.
pub const MOST_INCREMENTS: usize = 256;

/// What pieces of a file are; the others are engines, by partition.
pub(super) const RULES: usize = 0;
pub(super) const NOTIFIER: usize = 1;
pub(super) const ENGINES: usize = 2;

/// The snapshots of a data directory.
pub struct Store {
    pub(super) dir: PathBuf,
    /// A whole one and all upon it, as far as this run goes on from them; empty before the first.
    pub(super) chain: Vec<Volume>,
    /// Whose rules the last file had.
    versions: usize,
    /// Where the newest whole one is.
    base: Option<u64>,
    /// Files before this offset go.
    keep_from: u64,
    /// Files that this run did not go on from: they go when there is something better.
    stale: Vec<PathBuf>,
}

/// A file's name read.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Named {
    pub(super) offset: u64,
    pub(super) is_whole: bool,
    pub(super) path: PathBuf,
}

impl Store {
    pub fn new(dir: PathBuf) -> Store {
        Store { dir, chain: Vec::new(), versions: 0, base: None, keep_from: 0, stale: Vec::new() }
    }

    /// Whether the next to be written has to be a whole one.
    pub fn is_empty(&self) -> bool {
        self.chain.is_empty()
    }

    /// The newest state not past `least` that can be restored, if any; `is_ours` says whether a position is one of this journal, `make` what to make of the state.
    /// What is passed over is named in the log.
    ///
    /// # Errors
    /// Where the folder can't be read.
    pub fn restore<T>(
        &mut self,
        least: u64,
        is_ours: impl Fn(&Position) -> bool,
        mut make: impl FnMut(State) -> Result<T, Failure>,
    ) -> Result<Option<(Position, T)>, Failure> {
        let all = named(&self.dir)?;
        let mut found = None;
        for base in all.iter().rev().filter(|file| file.is_whole && file.offset <= least) {
            let later = all.iter().filter(|f| !f.is_whole && f.offset > base.offset && f.offset <= least);
            let chain = follow(base, later);
            let Some(last) = chain.last().map(|volume| volume.head.position) else { continue };
            let made =
                if is_ours(&last) { state(&chain).and_then(&mut make) } else { Err(Failure::new("it is of another journal")) };
            match made {
                Ok(made) => {
                    found = Some((last, made));
                    self.chain = chain;
                    break;
                }
                Err(error) => tracing::warn!(offset = last.next, %error, "a snapshot is passed over"),
            }
        }
        let base = self.chain.first().map(|volume| volume.head.position.next);
        self.base = base;
        self.versions = 0;
        self.keep_from = all.iter().rev().find(|f| f.is_whole && base.is_some_and(|b| f.offset < b)).map_or(0, |f| f.offset);
        let is_known = |file: &Named| self.chain.iter().any(|volume| volume.path == file.path);
        self.stale = all.into_iter().filter(|f| base.is_none_or(|b| f.offset >= b) && !is_known(f)).map(|f| f.path).collect();
        // Up to a whole one that was merged, there are both.
        self.stale.retain(|path| base.is_none_or(|b| *path != self.dir.join(name(b, false))));
        Ok(found)
    }

    /// Writes what was taken, then does away with what is of no use any more. Gives the bytes written, without those of a merge.
    ///
    /// # Errors
    /// What the file system says. The next has to be a whole one then.
    pub fn write(&mut self, taken: Taken) -> Result<u64, Failure> {
        self.put(taken).inspect_err(|_| self.chain.clear())
    }

    fn put(&mut self, taken: Taken) -> Result<u64, Failure> {
        let after = self.chain.last().map(|volume| volume.link);
        if after.is_none() && !taken.is_whole {
            return Err(Failure::new("what it is to be laid onto was not written"));
        }
        let after = after.filter(|_| !taken.is_whole);
        let rules = if after.is_some() && taken.versions.count() == self.versions {
            Vec::new()
        } else {
            let rules: (&Library, &Versions) = (&taken.library, &taken.versions);
            postcard::to_allocvec(&rules).map_err(|e| Failure::new(format!("cannot encode a snapshot: {e}")))?
        };
        let path = self.dir.join(name(taken.position.next, after.is_none()));
        let head = Head { position: taken.position, after, stands_for: None };
        let versions = taken.versions.count();
        let pieces = [rules, taken.notifier].into_iter().chain(taken.engines);
        let volume = Volume::write(path, head, pieces.map(Ok))?;
        let bytes = volume.bytes;
        self.versions = versions;
        self.stale.retain(|path| *path != volume.path);
        if after.is_none() {
            self.begin(vec![volume]);
        } else {
            self.chain.push(volume);
        }
        self.sweep()?;
        if let Some(count) = self.is_due() {
            self.merge(count)?;
        }
        Ok(bytes)
    }

    /// How many increments are to be laid onto the whole one, if any.
    fn is_due(&self) -> Option<usize> {
        let count = (self.chain.len() - 1).checked_sub(KEEP - 1)?;
        let grown: u64 = self.chain[1..=count].iter().map(|volume| volume.bytes).sum();
        (count > 0 && (grown >= self.chain[0].bytes || count >= MOST_INCREMENTS)).then_some(count)
    }

    /// Lays all increments onto the whole one, however few they are: then there are two whole ones. `false`: there are none.
    ///
    /// # Errors
    /// What the file system says.
    pub fn lay_down(&mut self) -> Result<bool, Failure> {
        match self.chain.len() {
            0 | 1 => Ok(false),
            files => self.merge(files - 1).map(|()| true),
        }
    }

    fn merge(&mut self, count: usize) -> Result<(), Failure> {
        // Looked through again: what was spoilt meanwhile must not get a right checksum.
        let again = |volume: &Volume| match Volume::open(&volume.path) {
            Ok(again) if again.link == volume.link => Ok(again),
            Ok(_) => Err(Failure::new(format!("{}: it is not what was written", volume.path.display()))),
            Err(error) => Err(Failure::new(format!("{}: {error}", volume.path.display()))),
        };
        let merged = &self.chain[..=count].iter().map(again).collect::<Result<Vec<_>, _>>()?[..];
        let last = &merged[count];
        let head = Head { position: last.head.position, after: None, stands_for: Some(last.link) };
        let piece = |number: usize| match number {
            RULES => rules(merged),
            NOTIFIER => last.piece(NOTIFIER),
            engine => {
                let pieces = merged.iter().map(|volume| volume.piece(engine)).collect::<io::Result<Vec<_>>>()?;
                Engine::merge(&pieces.iter().map(Vec::as_slice).collect::<Vec<_>>()).map_err(io::Error::other)
            }
        };
        let path = self.dir.join(name(head.position.next, true));
        let whole = Volume::write(path, head, (0..last.len()).map(piece))?;
        let chain = std::iter::once(whole).chain(self.chain.drain(count + 1..)).collect();
        self.begin(chain);
        self.sweep()
    }

    /// Another whole one is the newest.
    fn begin(&mut self, chain: Vec<Volume>) {
        let base = chain.first().map(|volume| volume.head.position.next);
        self.keep_from = self.base.or(base).unwrap_or(0).max(self.keep_from);
        self.base = base;
        self.chain = chain;
    }

    fn sweep(&mut self) -> Result<(), Failure> {
        for file in named(&self.dir)? {
            if file.offset < self.keep_from || self.stale.contains(&file.path) {
                fs::remove_file(&file.path)?;
            }
        }
        self.stale.clear();
        Ok(())
    }
}

/// What a folder of snapshots holds, looked through without changing anything.
pub struct Survey {
    pub files: usize,
    /// The newest state that the files lead to.
    pub newest: Option<Position>,
    /// Files that do not count, and why.
    pub unfit: Vec<(PathBuf, String)>,
}

/// # Errors
/// Where the folder can't be read.
pub fn survey(dir: &Path) -> Result<Survey, Failure> {
    let all = named(dir)?;
    let unfit = all.iter().filter_map(|file| Some((file.path.clone(), Volume::open(&file.path).err()?.to_string()))).collect();
    let chain = all
        .iter()
        .rev()
        .filter(|file| file.is_whole)
        .map(|base| follow(base, all.iter().filter(|f| !f.is_whole && f.offset > base.offset)));
    let newest = chain.into_iter().find_map(|chain| chain.last().map(|volume| volume.head.position));
    Ok(Survey { files: all.len(), newest, unfit })
}

/// A whole one, and of what came later all that follows from it.
fn follow<'n>(base: &'n Named, later: impl Iterator<Item = &'n Named>) -> Vec<Volume> {
    let mut chain: Vec<Volume> = Vec::new();
    let mut strays = 0;
    for file in std::iter::once(base).chain(later) {
        match Volume::open(&file.path) {
            Ok(volume) if volume.head.position.next == file.offset && volume.head.after == chain.last().map(|v| v.link) => {
                chain.push(volume);
            }
            Ok(_) => strays += 1,
            Err(error) => {
                tracing::warn!(file = %file.path.display(), %error, "a snapshot is passed over");
                if chain.is_empty() {
                    break;
                }
            }
        }
    }
    if strays > 0 {
        let offset = chain.last().map_or(0, |volume| volume.head.position.next);
        tracing::warn!(
            offset,
            strays,
            "snapshots are passed over that do not follow from what is before them; one is missing or damaged"
        );
    }
    chain
}

/// Restores engines one after the other, so that the bytes of one partition are in memory at a time.
fn state(chain: &[Volume]) -> Result<State, Failure> {
    let Some(last) = chain.last() else { return Err(Failure::new("there is nothing to restore")) };
    let (library, versions): (Library, Versions) =
        postcard::from_bytes(&rules(chain)?).map_err(|e| Failure::new(format!("rules of a snapshot: {e}")))?;
    let engine = |number: usize| {
        let pieces = chain.iter().map(|volume| volume.piece(number)).collect::<io::Result<Vec<_>>>()?;
        let pieces: Vec<&[u8]> = pieces.iter().map(Vec::as_slice).collect();
        Engine::restore_all(&pieces).map_err(|e| Failure::new(format!("engine snapshot: {e}")))
    };
    Ok(State {
        library: Arc::new(library),
        versions: Arc::new(versions),
        engines: (ENGINES..last.len()).map(engine).collect::<Result<_, _>>()?,
        notifier: last.piece(NOTIFIER)?,
    })
}

/// Those of the last that has any.
pub(super) fn rules(chain: &[Volume]) -> io::Result<Vec<u8>> {
    let mut found = Vec::new();
    for volume in chain.iter().rev() {
        if found.is_empty() {
            found = volume.piece(RULES)?;
        }
    }
    Ok(found)
}

pub(super) fn name(offset: u64, is_whole: bool) -> String {
    format!("{offset:020}.{}", if is_whole { "snapshot" } else { "increment" })
}

/// The files there are, by offset; of one offset the increment first.
pub(super) fn named(dir: &Path) -> Result<Vec<Named>, Failure> {
    let mut found = Vec::new();
    for entry in fs::read_dir(dir)? {
        let path = entry?.path();
        let Some((stem, end)) = path.file_name().and_then(|n| n.to_str()).and_then(|n| n.split_once('.')) else { continue };
        let is_whole = end == "snapshot";
        if let (Ok(offset), true) = (stem.parse(), is_whole || end == "increment") {
            found.push(Named { offset, is_whole, path });
        }
    }
    found.sort();
    Ok(found)
}
