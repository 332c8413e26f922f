//! Whole snapshots that a start could go on from, whatever happened to all others: what a journal may begin at.
//!
//! They are read through as a start would read them, engine by engine, and every layer that one needs is looked for. It costs memory of one partition at a time.

use std::path::{Path, PathBuf};

use vitalog_cep::Engine;
use vitalog_cep::plan::Library;
use vitalog_elog::Position;
use vitalog_notify::{Config, Notifier};

use super::file::Volume;
use super::store::{ENGINES, NOTIFIER, RULES, Store, named};
use crate::failure::Failure;
use crate::run::beyond::Layers;
use crate::run::directory::Directory;
use crate::run::versions::Versions;

/// So many must be there, so that losing one is not losing all.
const ENOUGH: usize = 2;

/// Where they are, and what a start would want of them.
#[derive(Clone, Debug)]
pub struct Bases {
    snapshots: PathBuf,
    beyond: PathBuf,
    partitions: u32,
}

impl Bases {
    /// # Errors
    /// Where it is not said into how many partitions the subjects are split.
    pub fn of(directory: &Directory) -> Result<Bases, Failure> {
        Ok(Bases { snapshots: directory.snapshots(), beyond: directory.beyond(), partitions: directory.partitions()? })
    }

    /// Their offsets, the newest first, of those that lie not past `least`; no more than are enough. `is_ours` says whether a position is one of this journal.
    ///
    /// # Errors
    /// Where the folder can't be read.
    pub fn found(&self, least: u64, is_ours: impl Fn(&Position) -> bool) -> Result<Vec<u64>, Failure> {
        let mut found = Vec::new();
        for file in named(&self.snapshots)?.iter().rev().filter(|file| file.is_whole && file.offset <= least) {
            match self.check(file.offset, &file.path, &is_ours) {
                Ok(()) => found.push(file.offset),
                Err(error) => tracing::warn!(file = %file.path.display(), %error, "a snapshot does not count"),
            }
            if found.len() == ENOUGH {
                break;
            }
        }
        Ok(found)
    }

    /// The same of a directory that nobody serves: where there is one alone, what came upon it is laid onto it, in a file of its own.
    ///
    /// # Errors
    /// Where the folder can't be read or written.
    pub fn found_or_laid(&self, least: u64, is_ours: impl Fn(&Position) -> bool) -> Result<Vec<u64>, Failure> {
        let found = self.found(least, &is_ours)?;
        if found.len() >= ENOUGH {
            return Ok(found);
        }
        let mut store = Store::new(self.snapshots.clone());
        store.restore(least, &is_ours, |_| Ok(()))?;
        if store.lay_down()? { self.found(least, &is_ours) } else { Ok(found) }
    }

    fn check(&self, offset: u64, path: &Path, is_ours: impl Fn(&Position) -> bool) -> Result<(), Failure> {
        let wrong = |e: &dyn std::fmt::Display| Failure::new(e.to_string());
        let volume = Volume::open(path).map_err(|e| wrong(&e))?;
        let position = volume.head.position;
        if !is_ours(&position) || position.next != offset || volume.head.after.is_some() {
            return Err(Failure::new("it is of another journal, or of another place in it"));
        }
        if volume.len() != ENGINES + self.partitions as usize {
            return Err(Failure::new(format!("it is not of {} partitions", self.partitions)));
        }
        let rules = volume.piece(RULES)?;
        postcard::from_bytes::<(Library, Versions)>(&rules).map_err(|e| wrong(&e))?;
        Notifier::restore(&volume.piece(NOTIFIER)?, Config::silent()).map_err(|e| wrong(&e))?;
        for partition in 0..self.partitions {
            let bytes = volume.piece(ENGINES + partition as usize)?;
            let engine = Engine::restore_all(&[bytes.as_slice()]).map_err(|e| wrong(&e))?;
            if engine.layers().next().is_some() {
                Layers::open(&self.beyond, partition)?.check(&engine)?;
            }
        }
        Ok(())
    }
}
