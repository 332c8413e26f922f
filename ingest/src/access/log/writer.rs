//! Appends to the log.
//!
//! At an opening the last file is read. A line that broke off at its very end was never answered for, and is cut off. What is wrong before that is left as it is, for an audit to name: the log goes
//! on in a new file, so that nobody goes without care because a log is damaged.

use std::fmt;
use std::fs::{File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use super::files;
use super::key::Signer;
use super::line::{self, Chain, Entry, Line};

/// A file is ended when it has come to this many bytes.
const LONGEST: u64 = 64 << 20;

/// An access log, open.
pub struct Writer {
    folder: PathBuf,
    file: File,
    bytes: u64,
    /// Of the next entry.
    next: u64,
    chain: Chain,
    signer: Signer,
    /// There are entries that no head stands for.
    unsigned: bool,
    /// A write failed: what the file holds is not known.
    failed: bool,
}

/// Why nothing can be logged.
#[derive(Debug)]
pub enum LogError {
    Io(PathBuf, std::io::Error),
    /// An earlier write failed.
    Failed,
}

/// What the last file says.
struct End {
    next: u64,
    chain: Chain,
    /// As far as it is sound.
    bytes: u64,
    /// What is behind that is a line that broke off.
    is_torn: bool,
    is_damaged: bool,
}

impl Writer {
    /// Opens the log in a folder, or begins it.
    ///
    /// # Errors
    /// Where its files can't be read or written.
    pub fn open(folder: &Path, signer: Signer) -> Result<Writer, LogError> {
        let failed = |path: &Path| {
            let path = path.to_owned();
            move |e| LogError::Io(path, e)
        };
        std::fs::create_dir_all(folder).map_err(failed(folder))?;
        let mut all = files::list(folder).map_err(failed(folder))?;
        while let Some((first, path)) = all.pop() {
            let text = std::fs::read(&path).map_err(failed(&path))?;
            if !text.contains(&b'\n') {
                // Not even its first line was written: it says nothing, and the log goes on in the one before.
                std::fs::remove_file(&path).map_err(failed(&path))?;
                continue;
            }
            let end = end_of(&text, first);
            if !end.is_damaged {
                let file = OpenOptions::new().append(true).open(&path).map_err(failed(&path))?;
                if end.is_torn {
                    file.set_len(end.bytes).and_then(|()| file.sync_all()).map_err(failed(&path))?;
                }
                let bytes = end.bytes;
                return Ok(Writer {
                    folder: folder.to_owned(),
                    file,
                    bytes,
                    next: end.next,
                    chain: end.chain,
                    signer,
                    unsigned: true,
                    failed: false,
                });
            }
            // Behind everything that its lines could be called, so that no number comes twice.
            let lines = text.iter().filter(|b| **b == b'\n').count() as u64 + 1;
            return Writer::begin(folder, first.max(end.next) + lines, end.chain, signer);
        }
        Writer::begin(folder, 1, Chain::BEGIN, signer)
    }

    fn begin(folder: &Path, next: u64, chain: Chain, signer: Signer) -> Result<Writer, LogError> {
        let (file, bytes) = new_file(folder, next, chain)?;
        Ok(Writer { folder: folder.to_owned(), file, bytes, next, chain, signer, unsigned: false, failed: false })
    }

    /// Appends entries, and syncs.
    ///
    /// # Errors
    /// Where they could not be written; then none will be until it is opened again.
    pub fn append(&mut self, entries: &[Entry]) -> Result<(), LogError> {
        if self.failed {
            return Err(LogError::Failed);
        }
        let mut text = String::new();
        let (mut next, mut chain) = (self.next, self.chain);
        for entry in entries {
            // Text and numbers: there is nothing in it that could not be written.
            let Some((line, after)) = line::written(next, entry, chain) else { continue };
            text.push_str(&line);
            text.push('\n');
            (next, chain) = (next + 1, after);
        }
        self.put(&text)?;
        (self.next, self.chain, self.unsigned) = (next, chain, true);
        if self.bytes >= LONGEST {
            let began = new_file(&self.folder, self.next, self.chain);
            self.failed = began.is_err();
            (self.file, self.bytes) = began?;
        }
        Ok(())
    }

    /// Signs what is there, if nothing signed stands for it yet.
    ///
    /// # Errors
    /// Where it could not be written.
    pub fn sign(&mut self, at: &str) -> Result<(), LogError> {
        if self.failed {
            return Err(LogError::Failed);
        }
        if !self.unsigned || self.next == 1 {
            return Ok(());
        }
        let (head, chain) = (self.next - 1, self.chain);
        let signature = self.signer.sign(&line::signed_words(head, at, chain));
        let key = self.signer.public();
        self.put(&format!(
            "{{\"head\":{head},\"at\":\"{at}\",\"chain\":\"{chain}\",\"key\":\"{key}\",\"signature\":\"{signature}\"}}\n"
        ))?;
        self.unsigned = false;
        Ok(())
    }

    fn put(&mut self, text: &str) -> Result<(), LogError> {
        let written = self.file.write_all(text.as_bytes()).and_then(|()| self.file.sync_data());
        self.failed = written.is_err();
        written.map_err(|e| LogError::Io(self.folder.clone(), e))?;
        self.bytes += text.len() as u64;
        Ok(())
    }
}

fn new_file(folder: &Path, first: u64, chain: Chain) -> Result<(File, u64), LogError> {
    let path = files::named(folder, first);
    let text = format!("{}\n", line::first(first, chain));
    let make = || {
        let mut file = OpenOptions::new().append(true).create(true).truncate(false).mode(0o600).open(&path)?;
        // One that was begun and left empty by a crash.
        file.set_len(0)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        File::open(folder)?.sync_all()?;
        Ok(file)
    };
    make().map(|file| (file, text.len() as u64)).map_err(|e| LogError::Io(path.clone(), e))
}

fn end_of(text: &[u8], first: u64) -> End {
    let mut end = End { next: first, chain: Chain::BEGIN, bytes: 0, is_torn: false, is_damaged: false };
    let mut begun = false;
    for piece in text.split_inclusive(|b| *b == b'\n') {
        let is_last = end.bytes + piece.len() as u64 == text.len() as u64;
        let line = piece.strip_suffix(b"\n").and_then(|line| std::str::from_utf8(line).ok());
        let is_sound = match line.map(line::read) {
            Some(Ok(Line::First { first: n, chain })) if !begun && n == first => {
                (begun, end.chain) = (true, chain);
                true
            }
            Some(Ok(Line::Entry { n, chain, said, .. })) if begun && n == end.next && end.chain.then(&said) == chain => {
                (end.next, end.chain) = (n + 1, chain);
                true
            }
            Some(Ok(Line::Head { n, chain, .. })) => begun && n + 1 == end.next && chain == end.chain,
            _ => false,
        };
        if !is_sound {
            // Only a line without an end can have broken off.
            end.is_torn = is_last && !piece.ends_with(b"\n") && begun;
            end.is_damaged = !end.is_torn;
            return end;
        }
        end.bytes += piece.len() as u64;
    }
    end.is_damaged = !begun;
    end
}

impl fmt::Display for LogError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            LogError::Io(path, error) => write!(f, "the access log, {}: {error}", path.display()),
            LogError::Failed => f.write_str("the access log: an earlier write failed; start the server again"),
        }
    }
}

impl std::error::Error for LogError {}
