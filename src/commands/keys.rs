//! `vitalog keys`: exchanges a subject's key, or the key that wraps all of them.

use vitalog_elog::Subject;
use vitalog_ingest::keys::{KekPlace, KeyError};

use crate::cli::{Keys, KeysAction};
use crate::failure::Failure;
use crate::run::{Directory, has_journal};

/// Exchanges.
///
/// # Errors
/// Where the directory is held or can't be opened, or a key can't be written.
pub fn run(args: &Keys) -> Result<(), Failure> {
    if !has_journal(&args.data) {
        return Err(Failure::usage(format!("{} is no data directory", args.data.display())));
    }
    let directory = Directory::hold(&args.data)?;
    let mut journal = directory.open_journal()?;
    let keys = journal.keys_mut();
    let failed = |e: KeyError| Failure::new(format!("key store: {e}"));
    match &args.action {
        KeysAction::Rotate { subject } => {
            keys.rotate(&Subject::new(subject)).map_err(failed)?;
            say!("{subject} has a new key");
        }
        KeysAction::RotateKek => {
            keys.exchange_kek().map_err(failed)?;
            say!("the key-encryption key was exchanged: copies of the key store that are older do not open with it");
        }
        KeysAction::MoveKek { file } => {
            keys.move_kek(KekPlace::File(file.clone())).map_err(failed)?;
            say!("the key store is locked with the key in {}; remove the former one", file.display());
        }
    }
    Ok(())
}
