//! Making a backup, of a directory that this process holds or through a server that runs.
//!
//! The journal is asked for in slices, so that a server's journal is held up for no longer than one takes; keys are copied after all of it, so every group that is in the backup has its key
//! in the copy (a key is on the disk before its group is).

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use vitalog_elog::{Position, Time};
use vitalog_ingest::access;
use vitalog_ingest::journal::{Beginning, Copy, Journal, RestorePoint, Slice};

use super::draft::{Draft, copy, parent, sum};
use super::manifest::Manifest;
use super::state::{self, copy_state};
use super::{ACCESS, AS_THEY_ARE, JOURNAL, KEK, KEYS};
use crate::failure::Failure;
use crate::run::free;

/// What is read of the journal at a time.
const SLICE: u64 = 4 << 20;

/// Where it comes from.
pub trait Source {
    /// The data directory.
    fn data(&self) -> &Path;

    /// Has something done with the journal, and gives what came of it.
    ///
    /// # Errors
    /// Where the journal is closed.
    fn with<T: Send + 'static>(&self, errand: impl FnOnce(&Journal) -> T + Send + 'static) -> Result<T, Failure>;
}

/// What was made.
#[derive(Debug)]
pub struct Made {
    pub path: PathBuf,
    pub manifest: Manifest,
    pub keys: Keyed,
    pub took: Duration,
}

/// What became of the keys.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Keyed {
    /// Nobody said where their copy goes.
    Not,
    /// The copy has all that is needed.
    Whole(PathBuf),
    /// The key-encryption key comes from outside the data directory, and is to be kept there.
    WithoutKek(PathBuf),
}

/// Makes a backup at `to`, and with `keys` a copy of the keys there, in the place of the former one.
///
/// # Errors
/// Where something is at `to`, there is too little room, the journal is damaged, or something can't be read or written. Then nothing is at `to`.
pub fn make(source: &impl Source, to: &Path, keys: Option<&Path>, at: Time) -> Result<Made, Failure> {
    let began = Instant::now();
    let draft = Draft::begin(to)?;
    let is_trimmed = source.with(|journal| journal.first() > 0)?;
    has_room(source.data(), to, is_trimmed)?;
    let failed = |e| Failure::new(format!("journal: {e}"));
    let begins = source.with(|journal| journal.first())?;
    let mut files = if begins > 0 { copy_state(source.data(), &draft)? } else { Vec::new() };
    let (beginning, end, restored) =
        source.with(|journal| (journal.beginning().copied(), journal.position(), journal.restored()))?;
    if beginning.map_or(0, |beginning| beginning.position.next) != begins {
        return Err(Failure::new("the journal was trimmed while the backup was made").hint("make it again"));
    }
    let end = copy_journal(source, &draft, (beginning, end), &restored.map_err(failed)?)?;
    let read = |name: &str, e| Failure::new(format!("cannot copy {name}: {e}"));
    files.push((JOURNAL.to_owned(), sum(&draft.file(JOURNAL)).map_err(|e| read(JOURNAL, e))?));
    let accounts = source.data().join(ACCESS);
    if accounts.is_file() {
        let copy = draft.file(ACCESS);
        access::Store::open(&accounts)
            .and_then(|store| store.copy_to(&copy))
            .map_err(|e| Failure::new(format!("cannot copy {ACCESS}: {e}")))?;
        files.push((ACCESS.to_owned(), sum(&copy).map_err(|e| read(ACCESS, e))?));
    }
    for name in AS_THEY_ARE {
        let from = source.data().join(name);
        if from.is_file() {
            files.push((name.to_owned(), copy(&from, &draft.file(name)).map_err(|e| read(name, e))?));
        }
    }
    let manifest = Manifest::new(at, &end, files);
    manifest.write(&draft)?;
    let keys = keys.map_or(Ok(Keyed::Not), |keys| copy_keys(source, keys))?;
    draft.finish()?;
    Ok(Made { path: to.to_owned(), manifest, keys, took: began.elapsed() })
}

fn copy_journal(
    source: &impl Source,
    draft: &Draft,
    (beginning, end): (Option<Beginning>, Position),
    restored: &[RestorePoint],
) -> Result<Position, Failure> {
    let failed = |e| Failure::new(format!("journal: {e}"));
    let mut copy = Copy::create(&draft.file(JOURNAL), end.incarnation, restored).map_err(failed)?;
    if let Some(beginning) = &beginning {
        copy.begin_at(beginning).map_err(failed)?;
    }
    while copy.position().next < end.next {
        let from = copy.position().next;
        let slice: Slice = source.with(move |journal| journal.slice(from, end.next, SLICE))?.map_err(failed)?;
        if slice.is_empty() {
            return Err(Failure::new(format!("the journal gives nothing from offset {from} on")));
        }
        copy.take(&slice).map_err(failed)?;
    }
    copy.finish().map_err(failed)
}

/// INVARIANT (newest only): the copy takes the place of the former one, which opens no more after an erasure; two would be one too many.
fn copy_keys(source: &impl Source, to: &Path) -> Result<Keyed, Failure> {
    let failed = |e: std::io::Error| Failure::new(format!("cannot copy the keys to {}: {e}", to.display()));
    let mine = source.data().canonicalize().map_err(failed)?;
    fs::create_dir_all(to).map_err(failed)?;
    if to.canonicalize().map_err(failed)?.starts_with(&mine) {
        return Err(Failure::usage(format!("{} lies in the data directory", to.display()))
            .hint("copies of keys belong on another volume: whoever loses one loses the other"));
    }
    let beside = |name: &str| to.join(format!(".{name}.vitalog-draft"));
    let store = beside(KEYS);
    match fs::remove_file(&store) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(failed(error)),
        _ => {}
    }
    let made = store.clone();
    let kek = source.with(move |journal| {
        journal.keys().copy_to(&made)?;
        Ok(journal.keys().kek_file().map(Path::to_owned))
    })?;
    let kek = kek.map_err(|e: vitalog_ingest::keys::KeyError| Failure::new(format!("key store: {e}")))?;
    let own = only_for_its_owner(&store).and_then(|()| fs::File::open(&store)?.sync_all());
    own.map_err(failed)?;
    if let Some(kek) = &kek {
        let draft = beside(KEK);
        match fs::remove_file(&draft) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(failed(error)),
            _ => {}
        }
        copy(kek, &draft).map_err(failed)?;
        fs::rename(&draft, to.join(KEK)).map_err(failed)?;
    }
    fs::rename(&store, to.join(KEYS)).map_err(failed)?;
    fs::File::open(to).and_then(|dir| dir.sync_all()).map_err(failed)?;
    Ok(if kek.is_some() { Keyed::Whole(to.to_owned()) } else { Keyed::WithoutKek(to.to_owned()) })
}

fn only_for_its_owner(path: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    fs::set_permissions(path, fs::Permissions::from_mode(0o600))
}

/// A backup that fills the disk would end the server.
fn has_room(data: &Path, to: &Path, is_trimmed: bool) -> Result<(), Failure> {
    let size = |name: &str| fs::metadata(data.join(name)).map_or(0, |file| file.len());
    let needed = size(JOURNAL) + size("journal.db-wal") + if is_trimmed { state::bytes(data) } else { 0 };
    let dir = parent(to);
    let free = free(dir).map_err(|e| Failure::new(format!("{} does not say how much room it has: {e}", dir.display())))?;
    // As much again as a server keeps for itself, in case it is the same disk.
    if free < needed.saturating_add(crate::run::FLOOR) {
        return Err(Failure::new(format!("the backup takes up to {needed} bytes, and {} has {free} free", dir.display()))
            .hint("make room there, or put it on another disk"));
    }
    Ok(())
}
