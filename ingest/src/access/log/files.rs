//! The files of an access log, in their order: `NUMBER.log`, each named by the number of its first entry.

use std::path::{Path, PathBuf};

/// They in order.
pub(super) fn list(folder: &Path) -> std::io::Result<Vec<(u64, PathBuf)>> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        let number = path.file_name().and_then(|n| n.to_str()).and_then(|n| n.strip_suffix(".log")).and_then(|n| n.parse().ok());
        if let Some(number) = number {
            files.push((number, path));
        }
    }
    files.sort();
    Ok(files)
}

pub(super) fn named(folder: &Path, first: u64) -> PathBuf {
    folder.join(format!("{first:012}.log"))
}
