//! Snapshots on disk: the state of engine, notifier and library after the input before an offset.
//!
//! A file is written beside its place, synced, and moved there, so that a half-written one never has the name of a whole one. A damaged one
//! is passed over with a warning: an older one, or the journal from its beginning, gives the same state.

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use vitalog_cep::plan::Library;
use vitalog_elog::Position;

use super::versions::Versions;
use crate::failure::Failure;

const MAGIC: &[u8; 8] = b"VTLGSNP4";
/// How many are kept.
const KEEP: usize = 3;

/// Everything that the run loop would otherwise have to compute again from the journal.
#[derive(Serialize, Deserialize)]
pub struct Snapshot {
    pub position: Position,
    pub library: Library,
    pub versions: Versions,
    /// By partition.
    pub engines: Vec<Vec<u8>>,
    pub notifier: Vec<u8>,
}

/// Writes a snapshot and drops those that are too old to be of use.
///
/// # Errors
/// What the file system says.
pub fn write(dir: &Path, snapshot: &Snapshot) -> Result<(), Failure> {
    let body = postcard::to_allocvec(snapshot).map_err(|e| Failure::new(format!("cannot encode a snapshot: {e}")))?;
    let place = dir.join(format!("{:020}.snapshot", snapshot.position.next));
    let draft = dir.join("draft");
    let mut file = File::create(&draft)?;
    file.write_all(MAGIC)?;
    file.write_all(blake3::hash(&body).as_bytes())?;
    file.write_all(&body)?;
    file.sync_all()?;
    fs::rename(&draft, &place)?;
    File::open(dir)?.sync_all()?;
    for (_, old) in offsets(dir)?.into_iter().rev().skip(KEEP) {
        fs::remove_file(old)?;
    }
    Ok(())
}

/// The same where a failure is no reason to stop: without it the next start replays more.
pub fn write_or_warn(dir: &Path, snapshot: &Snapshot) {
    if let Err(error) = write(dir, snapshot) {
        tracing::warn!(%error, "no snapshot could be written; the next start replays more of the journal");
    }
}

/// The snapshots there are, by offset.
///
/// # Errors
/// What the file system says.
pub fn offsets(dir: &Path) -> Result<Vec<(u64, PathBuf)>, Failure> {
    let mut found = Vec::new();
    for entry in fs::read_dir(dir)? {
        let path = entry?.path();
        let Some(name) = path.file_name().and_then(|n| n.to_str()) else { continue };
        if let Some(offset) = name.strip_suffix(".snapshot").and_then(|n| n.parse().ok()) {
            found.push((offset, path));
        }
    }
    found.sort();
    Ok(found)
}

/// Reads one; `None` where it is damaged or of another format.
///
/// # Errors
/// What the file system says.
pub fn read(path: &Path) -> Result<Option<Snapshot>, Failure> {
    let bytes = fs::read(path)?;
    let Some(rest) = bytes.strip_prefix(MAGIC) else { return Ok(None) };
    let Some((sum, body)) = rest.split_at_checked(blake3::OUT_LEN) else { return Ok(None) };
    if blake3::hash(body).as_bytes() != sum {
        return Ok(None);
    }
    Ok(postcard::from_bytes(body).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(next: u64) -> Snapshot {
        Snapshot {
            position: Position { incarnation: 7, next, chain: [1; 32] },
            library: Library::default(),
            versions: Versions::default(),
            engines: vec![vec![1, 2, 3]],
            notifier: vec![4],
        }
    }

    #[test]
    fn the_newest_are_kept_and_every_flipped_byte_is_noticed() {
        let dir = tempfile::tempdir().unwrap();
        for next in [5, 9, 12, 40, 41] {
            write(dir.path(), &sample(next)).unwrap();
        }
        let kept = offsets(dir.path()).unwrap();
        assert_eq!(kept.iter().map(|(o, _)| *o).collect::<Vec<_>>(), [12, 40, 41]);
        let (_, path) = &kept[2];
        assert_eq!(read(path).unwrap().unwrap().engines, [[1, 2, 3]]);
        let whole = fs::read(path).unwrap();
        for i in 0..whole.len() {
            let mut bent = whole.clone();
            bent[i] ^= 0x10;
            fs::write(path, &bent).unwrap();
            assert!(read(path).unwrap().is_none(), "byte {i}");
            fs::write(path, &whole[..i]).unwrap();
            assert!(read(path).unwrap().is_none(), "cut at {i}");
        }
    }
}
