//! One file: a name with the format, a head, pieces, and a checksum over all of it.
//!
//! It is written beside its place, synced, and moved there, so that a half-written one never has the name of a whole one. It is written and read piece by piece: no more than
//! one has to be in memory.

use std::fmt;
use std::fs::{self, File};
use std::io::{self, BufReader, BufWriter, Read, Write};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use vitalog_elog::Position;

use super::sliced::Sliced;

const NAME: &[u8; 7] = b"VTLGSNP";
/// Raised with every change of what is inside. What engines write has a number of its own, with fixtures (`cep/tests/cases/formats.rs`).
pub const FORMAT: u8 = b'5';
/// A head is a few numbers.
const MOST_HEAD: u64 = 4_096;

/// The checksum of a file, which the next in the chain names.
pub type Link = [u8; blake3::OUT_LEN];

/// What a file says of itself.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Head {
    pub position: Position,
    /// What it is laid onto; `None`: it is whole.
    pub after: Option<Link>,
    /// Of a whole one that was merged: the last of those that were, for what came next names that one.
    pub stands_for: Option<Link>,
}

/// A file whose checksum was right.
#[derive(Clone, Debug)]
pub struct Volume {
    pub path: PathBuf,
    pub head: Head,
    /// How the next names it.
    pub link: Link,
    pub bytes: u64,
    /// Where each piece is, and how long.
    pieces: Vec<(u64, u64)>,
}

/// Why a file does not count.
#[derive(Debug)]
pub enum Unfit {
    Foreign,
    Format(u8),
    Damaged,
    Unread(io::Error),
}

impl Volume {
    /// Writes a file.
    ///
    /// # Errors
    /// What the file system says.
    pub fn write(path: PathBuf, head: Head, pieces: impl Iterator<Item = io::Result<Vec<u8>>>) -> io::Result<Volume> {
        let draft = path.with_file_name("draft");
        let mut out = Summed { to: BufWriter::new(Sliced::new(File::create(&draft)?)), sum: blake3::Hasher::new(), at: 0 };
        out.put(NAME)?;
        out.put(&[FORMAT])?;
        out.piece(&postcard::to_allocvec(&head).map_err(io::Error::other)?)?;
        let mut places = Vec::new();
        for piece in pieces {
            places.push(out.piece(&piece?)?);
        }
        let sum = *out.sum.finalize().as_bytes();
        out.put(&sum)?;
        let bytes = out.at;
        out.to.into_inner().map_err(io::IntoInnerError::into_error)?.into_inner().sync_all()?;
        fs::rename(&draft, &path)?;
        if let Some(folder) = path.parent() {
            File::open(folder)?.sync_all()?;
        }
        let link = head.stands_for.unwrap_or(sum);
        Ok(Volume { path, head, link, bytes, pieces: places })
    }

    /// Opens one, reading all of it once.
    ///
    /// # Errors
    /// Why it does not count.
    pub fn open(path: &Path) -> Result<Volume, Unfit> {
        let file = File::open(path)?;
        let bytes = file.metadata()?.len();
        let mut from = BufReader::with_capacity(1 << 20, file);
        let mut name = [0; 8];
        from.read_exact(&mut name).map_err(|_| Unfit::Foreign)?;
        if !name.starts_with(NAME) {
            return Err(Unfit::Foreign);
        }
        if name[7] != FORMAT {
            return Err(Unfit::Format(name[7]));
        }
        let end = bytes.saturating_sub(blake3::OUT_LEN as u64);
        let mut input = Checked { from, sum: blake3::Hasher::new(), at: 8, end };
        input.sum.update(&name);
        let length = input.length()?;
        if length > MOST_HEAD {
            return Err(Unfit::Damaged);
        }
        let mut head = vec![0; length as usize];
        input.take(&mut head)?;
        let mut pieces = Vec::new();
        while input.at < end {
            let length = input.length()?;
            pieces.push((input.at, length));
            input.skip(length)?;
        }
        let mut sum = [0; blake3::OUT_LEN];
        input.from.read_exact(&mut sum)?;
        if input.sum.finalize() != sum {
            return Err(Unfit::Damaged);
        }
        let Ok((head, [])) = postcard::take_from_bytes::<Head>(&head) else { return Err(Unfit::Damaged) };
        let link = head.stands_for.unwrap_or(sum);
        Ok(Volume { path: path.to_owned(), head, link, bytes, pieces })
    }

    /// How many pieces it has.
    pub fn len(&self) -> usize {
        self.pieces.len()
    }

    /// One of them; one that there is not is empty.
    ///
    /// # Errors
    /// What the file system says.
    pub fn piece(&self, number: usize) -> io::Result<Vec<u8>> {
        let Some((at, length)) = self.pieces.get(number) else { return Ok(Vec::new()) };
        let mut piece = vec![0; usize::try_from(*length).map_err(io::Error::other)?];
        File::open(&self.path)?.read_exact_at(&mut piece, *at)?;
        Ok(piece)
    }
}

/// A file being written.
struct Summed {
    to: BufWriter<Sliced<File>>,
    sum: blake3::Hasher,
    at: u64,
}

impl Summed {
    fn put(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.sum.update(bytes);
        self.at += bytes.len() as u64;
        self.to.write_all(bytes)
    }

    fn piece(&mut self, bytes: &[u8]) -> io::Result<(u64, u64)> {
        let length = bytes.len() as u64;
        self.put(&length.to_le_bytes())?;
        let at = self.at;
        self.put(bytes)?;
        Ok((at, length))
    }
}

/// A file being looked through.
struct Checked {
    from: BufReader<File>,
    sum: blake3::Hasher,
    at: u64,
    /// Where the checksum begins.
    end: u64,
}

impl Checked {
    fn length(&mut self) -> Result<u64, Unfit> {
        let mut length = [0; 8];
        self.take(&mut length)?;
        Ok(u64::from_le_bytes(length))
    }

    fn take(&mut self, into: &mut [u8]) -> Result<(), Unfit> {
        if into.len() as u64 > self.end.saturating_sub(self.at) {
            return Err(Unfit::Damaged);
        }
        self.from.read_exact(into)?;
        self.sum.update(into);
        self.at += into.len() as u64;
        Ok(())
    }

    fn skip(&mut self, mut length: u64) -> Result<(), Unfit> {
        if length > self.end.saturating_sub(self.at) {
            return Err(Unfit::Damaged);
        }
        let mut buffer = vec![0; length.min(1 << 20) as usize];
        while length > 0 {
            let some = length.min(1 << 20) as usize;
            self.take(&mut buffer[..some])?;
            length -= some as u64;
        }
        Ok(())
    }
}

impl From<io::Error> for Unfit {
    fn from(error: io::Error) -> Unfit {
        if error.kind() == io::ErrorKind::UnexpectedEof { Unfit::Damaged } else { Unfit::Unread(error) }
    }
}

impl fmt::Display for Unfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Unfit::Foreign => f.write_str("it is no snapshot"),
            Unfit::Format(found) => {
                write!(f, "it has format {}, and this version reads {}", found.escape_ascii(), char::from(FORMAT))
            }
            Unfit::Damaged => f.write_str("it is damaged"),
            Unfit::Unread(error) => write!(f, "it can't be read: {error}"),
        }
    }
}
