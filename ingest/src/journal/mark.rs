//! The mark: a small file beside the database that says what was acknowledged.
//!
//! SQLite drops, silently and by design, the end of a write-ahead log whose frames do not verify: it can't tell a torn write from a
//! flipped bit in a group that was acknowledged. The mark can. It is written after each commit and not synced, so it costs no wait: after
//! a killed process it is exact, after a power cut it may lag behind, and it is never ahead of what is on the disk. A mark that does not
//! verify says nothing.

use std::fs::{File, OpenOptions};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use vitalog_elog::Position;

use super::error::JournalError;

const MAGIC: &[u8; 8] = b"vtl-mrk1";
const LEN: usize = 8 + 16 + 8 + 32 + 32;

pub(super) struct Mark {
    file: File,
    told: Option<Position>,
}

impl Mark {
    pub fn open(journal: &Path) -> Result<Mark, JournalError> {
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(path_beside(journal))
            .map_err(JournalError::Mark)?;
        let mut bytes = Vec::with_capacity(LEN);
        (&mut file).take(LEN as u64).read_to_end(&mut bytes).map_err(JournalError::Mark)?;
        let told = decode(&bytes);
        Ok(Mark { file, told })
    }

    /// What it said when it was opened.
    pub fn told(&self) -> Option<Position> {
        self.told
    }

    pub fn tell(&mut self, position: &Position) -> Result<(), JournalError> {
        let bytes = encode(position);
        self.file.seek(SeekFrom::Start(0)).and_then(|_| self.file.write_all(&bytes)).map_err(JournalError::Mark)
    }
}

/// What the mark beside a journal says, where there is one that verifies.
pub(super) fn read(journal: &Path) -> Option<Position> {
    decode(&std::fs::read(path_beside(journal)).ok()?)
}

/// Whether a journal that ends at `end` can be the one of which `told` was acknowledged. A mark at the same offset must agree on the
/// chain; an earlier one is a mark that lagged.
pub(super) fn check(told: Position, end: &Position) -> Result<(), JournalError> {
    if told.incarnation != end.incarnation {
        return Err(JournalError::ForeignMark);
    }
    if told.next > end.next {
        return Err(JournalError::LostEnd { found: end.next, acknowledged: told.next });
    }
    if told.next == end.next && told.chain != end.chain {
        return Err(JournalError::BrokenChain { offset: end.next });
    }
    Ok(())
}

/// Whether there is a database at all, where a mark says that there was one.
pub(super) fn check_file(told: Position, journal: &Path) -> Result<(), JournalError> {
    match std::fs::metadata(journal) {
        Ok(file) if file.len() > 0 => Ok(()),
        _ => Err(JournalError::LostEnd { found: 0, acknowledged: told.next }),
    }
}

fn path_beside(journal: &Path) -> PathBuf {
    let mut name = journal.as_os_str().to_owned();
    name.push(".mark");
    PathBuf::from(name)
}

fn encode(position: &Position) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(LEN);
    bytes.extend_from_slice(MAGIC);
    bytes.extend_from_slice(&position.incarnation.to_le_bytes());
    bytes.extend_from_slice(&position.next.to_le_bytes());
    bytes.extend_from_slice(&position.chain);
    let checksum = *blake3::hash(&bytes).as_bytes();
    bytes.extend_from_slice(&checksum);
    bytes
}

fn decode(bytes: &[u8]) -> Option<Position> {
    let (body, checksum) = bytes.split_at_checked(LEN - 32)?;
    if checksum != blake3::hash(body).as_bytes() || !body.starts_with(MAGIC) {
        return None;
    }
    Some(Position {
        incarnation: u128::from_le_bytes(body[8..24].try_into().ok()?),
        next: u64::from_le_bytes(body[24..32].try_into().ok()?),
        chain: body[32..64].try_into().ok()?,
    })
}
