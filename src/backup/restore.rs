//! Putting a backup back into a directory of its own.
//!
//! Everything is verified first, and again as it is copied; the journal is audited in its new place with the keys that come with it. Then it is noted in the journal that it was put back, and
//! where: what was fed from the part that is lost is refused from then on, with how much that is.

use std::fs::{self, DirBuilder};
use std::os::unix::fs::DirBuilderExt;
use std::path::Path;

use vitalog_elog::Time;
use vitalog_ingest::journal::{self, Audit};
use vitalog_ingest::keys::KekPlace;

use super::draft::{Draft, copy, parent};
use super::manifest::Manifest;
use super::{JOURNAL, KEK, KEYS};
use crate::failure::Failure;

/// What was put back.
pub struct Restored {
    pub manifest: Manifest,
    /// What the journal holds.
    pub audit: Audit,
}

/// Restores the backup `from` into the directory `to`, with the keys of the copy `keys`. Without those nothing that is sealed is tried, and no server starts until they are there.
///
/// # Errors
/// Where something is at `to`, the backup or a key is not what was written, or something can't be read or written. Then nothing is at `to`.
pub fn restore(from: &Path, to: &Path, keys: Option<&Path>, at: Time) -> Result<Restored, Failure> {
    let manifest = Manifest::read(from)?;
    manifest.verify(from)?;
    let draft = Draft::begin(to)?;
    for name in manifest.names() {
        DirBuilder::new().recursive(true).mode(0o700).create(parent(&draft.file(name)))?;
        let copied =
            copy(&from.join(name), &draft.file(name)).map_err(|e| Failure::new(format!("cannot restore {name}: {e}")))?;
        manifest.check(name, &copied)?;
    }
    let place = keys.map_or_else(|| Ok(KekPlace::File(draft.file(KEK))), |keys| take_keys(keys, &draft))?;
    let path = draft.file(JOURNAL);
    let end = journal::put_back(&path, at).map_err(|e| Failure::new(format!("journal: {e}")))?;
    if !manifest.is_of(&end) {
        return Err(Failure::new("the backup's journal is not the one that its manifest names").hint("restore another backup"));
    }
    let mut audit = journal::audit(&path, &place).map_err(|e| Failure::new(format!("journal: {e}")))?;
    if keys.is_none() {
        // That there are none was said.
        audit.damage.retain(|wrong| !matches!(wrong, journal::JournalError::Keys(_)));
    }
    if let Some(wrong) = audit.damage.first() {
        let more = audit.damage.len() - 1;
        return Err(Failure::new(format!(
            "what was restored is not sound: {wrong}{}",
            if more > 0 { format!(" (and {more} more)") } else { String::new() }
        ))
        .hint("restore another backup, or the newest copy of the keys with it"));
    }
    draft.finish()?;
    Ok(Restored { manifest, audit })
}

/// Copies the key store, and the key-encryption key where it lies beside it; else that comes from outside, as for a server.
fn take_keys(keys: &Path, draft: &Draft) -> Result<KekPlace, Failure> {
    let failed = |name: &str, e| Failure::new(format!("cannot restore {}: {e}", keys.join(name).display()));
    copy(&keys.join(KEYS), &draft.file(KEYS))
        .map_err(|e| failed(KEYS, e).hint("--keys names the directory that `vitalog backup --keys` wrote"))?;
    let kek = keys.join(KEK);
    if fs::metadata(&kek).is_ok() {
        copy(&kek, &draft.file(KEK)).map_err(|e| failed(KEK, e))?;
        return Ok(KekPlace::File(draft.file(KEK)));
    }
    crate::run::kek(&draft.file(""))
}
