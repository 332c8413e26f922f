//! What a backup has besides where the journal was trimmed: all that can't be made again from what is left of it.
//!
//! Snapshots first, then the layers that they need, then the sinks, and the journal last: so the journal has all that a sink knows, and there is a state that no sink lies before. Nothing stands still for it: layers are read
//! a few at a time, since whoever brings them to the disk waits for no reader.
//!
//! A lake that is not in the directory is for whoever keeps it.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use rusqlite::{Connection, OpenFlags};

use super::draft::{Draft, Sum, copy, sum};
use crate::failure::Failure;
use crate::run::copy_layers;

/// How often a folder is listed anew of which a file went meanwhile.
const ATTEMPTS: usize = 10;

/// Databases of sinks.
const SINKS: [&str; 2] = ["views.db", "outbox.db"];

type Copied = Vec<(String, Sum)>;

/// Copies it into the draft of a backup.
///
/// # Errors
/// What can't be read or written, by name.
pub fn copy_state(data: &Path, draft: &Draft) -> Result<Copied, Failure> {
    let mut copied = snapshots(data, draft)?;
    copied.extend(layers(data, draft)?);
    for name in SINKS {
        let to = draft.file(name);
        let from = data.join(name);
        database(&from, &to).map_err(|e| failed(name, &e))?;
        copied.push((name.to_owned(), sum(&to).map_err(|e| failed(name, &e))?));
    }
    copied.extend(lake(data, draft)?);
    Ok(copied)
}

/// How much that is, about.
pub fn bytes(data: &Path) -> u64 {
    let folders: u64 = ["snapshots", "cold", "lake"].iter().map(|name| size(&data.join(name))).sum();
    let sinks = SINKS.iter().map(|name| fs::metadata(data.join(name)).map_or(0, |file| file.len()));
    folders + sinks.sum::<u64>()
}

fn size(path: &Path) -> u64 {
    match fs::read_dir(path) {
        Ok(entries) => entries.flatten().map(|entry| size(&entry.path())).sum(),
        Err(_) => fs::metadata(path).map_or(0, |file| file.len()),
    }
}

/// A snapshot that is written meanwhile takes former ones away: then it is begun anew with what there is.
fn snapshots(data: &Path, draft: &Draft) -> Result<Copied, Failure> {
    let (from, to) = (data.join("snapshots"), draft.file("snapshots"));
    let again = || -> io::Result<Copied> {
        drop(fs::remove_dir_all(&to));
        fs::create_dir_all(&to)?;
        let mut copied = Vec::new();
        for name in names(&from)? {
            if name.ends_with(".snapshot") || name.ends_with(".increment") {
                copied.push((format!("snapshots/{name}"), copy(&from.join(&name), &to.join(&name))?));
            }
        }
        Ok(copied)
    };
    let mut done = again();
    for _ in 1..ATTEMPTS {
        if !matches!(&done, Err(error) if error.kind() == io::ErrorKind::NotFound) {
            break;
        }
        done = again();
    }
    done.map_err(|e| failed("snapshots", &e))
}

fn layers(data: &Path, draft: &Draft) -> Result<Copied, Failure> {
    let (from, to) = (data.join("cold"), draft.file("cold"));
    if !from.is_dir() {
        return Ok(Vec::new());
    }
    fs::create_dir_all(&to)?;
    let mut copied = Vec::new();
    for name in names(&from)?.into_iter().filter(|name| name.ends_with(".db")) {
        copy_layers(&from.join(&name), &to.join(&name))?;
        copied.push((format!("cold/{name}"), sum(&to.join(&name)).map_err(|e| failed(&name, &e))?));
    }
    Ok(copied)
}

/// A database as it is at one instant, with what its log has.
fn database(from: &Path, to: &Path) -> rusqlite::Result<()> {
    let db = Connection::open_with_flags(from, OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
    db.busy_timeout(std::time::Duration::from_secs(5))?;
    db.execute("VACUUM INTO ?1", [to.to_string_lossy()])?;
    Ok(())
}

/// The log of a table first, the newest checkpoint that it names before it: so every file that it names is there yet when it is copied.
fn lake(data: &Path, draft: &Draft) -> Result<Copied, Failure> {
    let root = data.join("lake");
    let mut files = Vec::new();
    walk(&root, &root, &mut files).map_err(|e| failed("lake", &e))?;
    let order = |path: &PathBuf| {
        let is_log = path.components().any(|part| part.as_os_str() == "_delta_log");
        let is_last = path.file_name().is_some_and(|name| name == "_last_checkpoint");
        (!is_last, !is_log)
    };
    files.sort_by_key(|path| (order(path), path.clone()));
    let mut copied = Vec::new();
    for file in files {
        let (from, name) = (root.join(&file), format!("lake/{}", file.display()));
        let to = draft.file(&name);
        if let Some(folder) = to.parent() {
            fs::create_dir_all(folder)?;
        }
        let is_log = !order(&file).1;
        match copy(&from, &to) {
            Ok(sum) => copied.push((name, sum)),
            // What no version names any more went meanwhile.
            Err(error) if error.kind() == io::ErrorKind::NotFound && !is_log => {}
            Err(error) => return Err(failed(&name, &error)),
        }
    }
    Ok(copied)
}

fn walk(root: &Path, folder: &Path, found: &mut Vec<PathBuf>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            walk(root, &path, found)?;
        } else if let Ok(name) = path.strip_prefix(root) {
            found.push(name.to_owned());
        }
    }
    Ok(())
}

/// What lies in a folder, in order.
fn names(folder: &Path) -> io::Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(folder)? {
        names.extend(entry?.file_name().into_string());
    }
    names.sort();
    Ok(names)
}

fn failed(name: &str, error: &dyn std::fmt::Display) -> Failure {
    Failure::new(format!("cannot copy {name}: {error}"))
}
