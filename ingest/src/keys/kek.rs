//! The key-encryption key: where it is kept, made on the first start, exchanged.
//!
//! A file of 64 hexadecimal digits that only its owner may read, by default in the data directory; better on another volume, or handed in from outside by whoever
//! starts the process. It wraps the data keys and nothing else, so exchanging it costs one pass over the key store and none over the journal.
//!
//! INVARIANT (exchange): a new key lies synced beside the old one before the store is locked with it, and takes its place after; so at every moment one of the two
//! opens the store, and [`KekPlace::candidates`] finds it.

use std::fs::{self, File, OpenOptions};
use std::io::{ErrorKind, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use super::error::KeyError;
use super::seal::{KEY, Secret};

/// Where the key-encryption key comes from.
#[derive(Clone, Debug)]
pub enum KekPlace {
    /// A file; made where there is neither it nor a key store.
    File(PathBuf),
    /// Whoever started the process gave it.
    Given(Secret),
}

impl KekPlace {
    /// The default: a file `kek` beside the journal.
    pub fn beside(journal: &Path) -> KekPlace {
        KekPlace::File(journal.with_file_name("kek"))
    }

    /// A key as it is handed in: 64 hexadecimal digits.
    ///
    /// # Errors
    /// [`KeyError::BadKek`] with the name of where it came from.
    pub fn given(text: &str, place: &str) -> Result<KekPlace, KeyError> {
        let bad = |detail| KeyError::BadKek { place: place.to_owned(), detail };
        parse(text).map(KekPlace::Given).map_err(bad)
    }

    pub(super) fn name(&self) -> String {
        match self {
            KekPlace::File(path) => path.display().to_string(),
            KekPlace::Given(_) => "the environment".to_owned(),
        }
    }

    /// The keys that may be the one: the file's, then the one that an exchange left beside it.
    pub(super) fn candidates(&self) -> Result<Vec<(Secret, Option<PathBuf>)>, KeyError> {
        match self {
            KekPlace::Given(key) => Ok(vec![(key.clone(), None)]),
            KekPlace::File(path) => {
                let mut found = Vec::new();
                for place in [path.clone(), next(path)] {
                    if let Some(key) = read(&place)? {
                        found.push((key, Some(place)));
                    }
                }
                Ok(found)
            }
        }
    }

    /// For a key store that is made anew: the key that is there, or a fresh one.
    pub(super) fn first(&self) -> Result<Secret, KeyError> {
        match self {
            KekPlace::Given(key) => Ok(key.clone()),
            KekPlace::File(path) => match read(path)? {
                Some(key) => Ok(key),
                None => {
                    let key = draw(path)?;
                    write(&path.with_extension("draft"), path, &key)?;
                    Ok(key)
                }
            },
        }
    }

    /// A fresh key, lying beside the old one.
    pub(super) fn begin_exchange(&self) -> Result<Secret, KeyError> {
        let KekPlace::File(path) = self else { return Err(KeyError::KekIsGiven) };
        let key = draw(path)?;
        write(&path.with_extension("draft"), &next(path), &key)?;
        Ok(key)
    }

    /// The store is locked with `key`: whatever else lies there goes, and `key` is in its place.
    pub(super) fn end_exchange(&self, at: &Path) -> Result<(), KeyError> {
        let KekPlace::File(path) = self else { return Ok(()) };
        let lost = |error| KeyError::File { path: path.clone(), error };
        if at == next(path) {
            fs::rename(at, path).map_err(lost)?;
        } else {
            match fs::remove_file(next(path)) {
                Err(error) if error.kind() != ErrorKind::NotFound => return Err(lost(error)),
                _ => {}
            }
        }
        sync_dir(path).map_err(lost)
    }

    /// Where [`KekPlace::begin_exchange`] put the new key.
    pub(super) fn next(&self) -> Option<PathBuf> {
        if let KekPlace::File(path) = self { Some(next(path)) } else { None }
    }
}

fn next(path: &Path) -> PathBuf {
    path.with_extension("next")
}

fn draw(path: &Path) -> Result<Secret, KeyError> {
    Secret::draw().map_err(|error| KeyError::File { path: path.to_owned(), error })
}

fn read(path: &Path) -> Result<Option<Secret>, KeyError> {
    let bad = |detail: String| KeyError::BadKek { place: path.display().to_string(), detail };
    let text = match fs::read_to_string(path) {
        Ok(text) => Zeroizing::new(text),
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) if error.kind() == ErrorKind::InvalidData => return Err(bad("it is no text".to_owned())),
        Err(error) => return Err(KeyError::File { path: path.to_owned(), error }),
    };
    let mode = fs::metadata(path).map_err(|error| KeyError::File { path: path.to_owned(), error })?.permissions().mode();
    if mode & 0o077 != 0 {
        return Err(bad(format!("others may read it (mode {:03o})", mode & 0o777)));
    }
    parse(&text).map(Some).map_err(bad)
}

fn parse(text: &str) -> Result<Secret, String> {
    let digits = text.trim_end().as_bytes();
    if digits.len() != 2 * KEY {
        return Err(format!("it has {} characters", digits.len()));
    }
    let mut key = Zeroizing::new([0; KEY]);
    for (byte, pair) in key.iter_mut().zip(digits.chunks(2)) {
        let digit = |c: u8| char::from(c).to_digit(16).ok_or("it is not hexadecimal");
        *byte = (digit(pair[0])? << 4 | digit(pair[1])?) as u8;
    }
    Ok(Secret::new(*key))
}

/// Whole at every moment, and readable by its owner only from the first byte on.
fn write(draft: &Path, path: &Path, key: &Secret) -> Result<(), KeyError> {
    let mut text = Zeroizing::new(String::with_capacity(2 * KEY + 1));
    key.bytes().iter().for_each(|byte| text.push_str(&format!("{byte:02x}")));
    text.push('\n');
    let written = || {
        // One that was left would keep the mode it has.
        match fs::remove_file(draft) {
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(draft)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        fs::rename(draft, path)?;
        sync_dir(path)
    };
    written().map_err(|error| KeyError::File { path: path.to_owned(), error })
}

fn sync_dir(path: &Path) -> std::io::Result<()> {
    match path.parent().filter(|dir| !dir.as_os_str().is_empty()) {
        Some(dir) => File::open(dir)?.sync_all(),
        None => File::open(".")?.sync_all(),
    }
}
