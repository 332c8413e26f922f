//! Forgets subjects: one whole snapshot without them takes the place of all files there are.

use std::fs::{self, File};
use std::io;

use vitalog_cep::Engine;
use vitalog_cep::plan::Library;
use vitalog_elog::{MatchId, Position, Subject};
use vitalog_notify::Notifier;

use super::file::{Head, Volume};
use super::store::{ENGINES, NOTIFIER, RULES, Store, name, named, rules};
use crate::failure::Failure;
use crate::run::versions::Versions;

impl Store {
    /// Writes the newest state not past `least` as if of these subjects nothing had ever come, and does away with every other file. `false`: there is no such state, or subjects share
    /// readings, so that what stands of others hangs on them: then nothing was written, and all files are for the caller to remove.
    ///
    /// # Errors
    /// What the file system says, and where what is written can't be read.
    pub fn forget(
        &mut self,
        least: u64,
        is_ours: impl Fn(&Position) -> bool,
        subjects: &[Subject],
        findings: &[MatchId],
    ) -> Result<bool, Failure> {
        if self.restore(least, is_ours, |_| Ok(()))?.is_none() {
            return Ok(false);
        }
        let Some(last) = self.chain.last() else { return Ok(false) };
        let (library, _): (Library, Versions) =
            postcard::from_bytes(&rules(&self.chain)?).map_err(|e| Failure::new(format!("rules of a snapshot: {e}")))?;
        if library.schema.shares() {
            return Ok(false);
        }
        let piece = |number: usize| match number {
            RULES => rules(&self.chain),
            NOTIFIER => Notifier::without(&last.piece(NOTIFIER)?, findings).map_err(io::Error::other),
            engine => {
                let pieces = self.chain.iter().map(|volume| volume.piece(engine)).collect::<io::Result<Vec<_>>>()?;
                let pieces: Vec<&[u8]> = pieces.iter().map(Vec::as_slice).collect();
                Engine::without(&pieces, subjects).map_err(io::Error::other)
            }
        };
        debug_assert!(last.len() > ENGINES, "there is an engine at least");
        // In the place of a whole one at the same offset, if there is one: it is moved there when it is complete.
        let path = self.dir.join(name(last.head.position.next, true));
        let head = Head { position: last.head.position, after: None, stands_for: None };
        let whole = Volume::write(path, head, (0..last.len()).map(piece))?;
        for file in named(&self.dir)?.into_iter().filter(|file| file.path != whole.path) {
            fs::remove_file(&file.path)?;
        }
        File::open(&self.dir)?.sync_all()?;
        Ok(true)
    }
}
