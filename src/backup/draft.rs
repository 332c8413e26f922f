//! A directory that is put together beside its place and moved there when it is whole.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use crate::failure::Failure;

/// The directory, while it is not in its place. Dropped, it is taken away.
pub struct Draft {
    path: PathBuf,
    place: PathBuf,
}

/// What was read of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sum {
    pub bytes: u64,
    pub blake3: String,
}

impl Draft {
    /// Begins one for a place where there is nothing yet, but an empty directory perhaps. What somebody left half done for the same place goes.
    ///
    /// # Errors
    /// Where something is there, or it can't be made.
    pub fn begin(place: &Path) -> Result<Draft, Failure> {
        let taken = || {
            Failure::usage(format!("{} is there already, and not empty", place.display()))
                .hint("name a directory that is not there")
        };
        match fs::read_dir(place) {
            Ok(mut entries) => {
                if entries.next().is_some() {
                    return Err(taken());
                }
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(_) => return Err(taken()),
        }
        let name = place.file_name().ok_or_else(|| Failure::usage(format!("{} is no name for a directory", place.display())))?;
        let mut draft = std::ffi::OsString::from(".");
        draft.push(name);
        draft.push(".vitalog-draft");
        let path = place.with_file_name(draft);
        let failed = |e: io::Error| Failure::new(format!("cannot make {}: {e}", path.display()));
        match fs::remove_dir_all(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(failed(error)),
            _ => {}
        }
        DirBuilder::new().recursive(true).mode(0o700).create(&path).map_err(failed)?;
        Ok(Draft { path, place: place.to_owned() })
    }

    /// Where a file of it lies for now.
    pub fn file(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// All of it is synced and moved to its place. Where that can't be made to last it is taken back.
    ///
    /// # Errors
    /// What the file system says.
    pub fn finish(self) -> Result<(), Failure> {
        let place = self.place.display();
        let failed = |e: io::Error| Failure::new(format!("cannot make {place}: {e}"));
        synced(&self.path).and_then(|()| fs::rename(&self.path, &self.place)).map_err(failed)?;
        let Err(error) = File::open(parent(&self.place)).and_then(|folder| folder.sync_all()) else { return Ok(()) };
        if fs::rename(&self.place, &self.path).is_ok() {
            return Err(failed(error));
        }
        Err(Failure::new(format!("{place} is whole, but whether it is still there after a power cut is not known: {error}"))
            .hint("mend the disk, remove it, and make it again"))
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        // Moved away it is not there any more; what stays all the same goes with the next.
        let _ = fs::remove_dir_all(&self.path);
    }
}

/// All of a folder is brought to stable storage, what is in its folders first.
fn synced(folder: &Path) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() { synced(&path)? } else { File::open(path)?.sync_all()? }
    }
    File::open(folder)?.sync_all()
}

/// Where a path lies in.
pub fn parent(path: &Path) -> &Path {
    path.parent().filter(|dir| !dir.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Copies a file for its owner alone, and says what it read.
///
/// # Errors
/// What the file system says.
pub fn copy(from: &Path, to: &Path) -> io::Result<Sum> {
    let mut to = OpenOptions::new().write(true).create_new(true).mode(0o600).open(to)?;
    let sum = read(from, |bytes| to.write_all(bytes))?;
    to.sync_all()?;
    Ok(sum)
}

/// Length and checksum of a file.
///
/// # Errors
/// What the file system says.
pub fn sum(path: &Path) -> io::Result<Sum> {
    read(path, |_| Ok(()))
}

fn read(path: &Path, mut each: impl FnMut(&[u8]) -> io::Result<()>) -> io::Result<Sum> {
    let (mut file, mut hasher, mut bytes) = (File::open(path)?, blake3::Hasher::new(), 0);
    let mut buffer = vec![0; 1 << 20];
    loop {
        let read = file.read(&mut buffer)?;
        if read == 0 {
            return Ok(Sum { bytes, blake3: hasher.finalize().to_hex().to_string() });
        }
        hasher.update(&buffer[..read]);
        bytes += read as u64;
        each(&buffer[..read])?;
    }
}
