//! Where a backup comes from: a directory that this process holds, or the journal's thread of a server.

use std::path::{Path, PathBuf};
use std::sync::mpsc::{Sender, channel};

use vitalog_elog::Time;
use vitalog_ingest::journal::Journal;

use super::make::Source;
use crate::failure::Failure;
use crate::run::{Directory, Message, has_journal};

/// A directory that no server holds.
pub struct Held {
    data: PathBuf,
    journal: Journal,
    directory: Directory,
}

/// A running node.
#[derive(Clone)]
pub struct Running {
    pub data: PathBuf,
    pub door: Sender<Message>,
}

impl Held {
    /// # Errors
    /// Where it is none, is held, or can't be opened.
    pub fn open(data: &Path) -> Result<Held, Failure> {
        if !has_journal(data) {
            return Err(Failure::usage(format!("{} is no data directory", data.display())));
        }
        let directory = Directory::hold(data)?;
        let journal = directory.open_journal()?;
        Ok(Held { data: data.to_owned(), journal, directory })
    }

    pub fn directory(&self) -> &Directory {
        &self.directory
    }

    pub fn journal(&self) -> &Journal {
        &self.journal
    }

    /// The same, to trim it.
    pub fn journal_mut(&mut self) -> &mut Journal {
        &mut self.journal
    }
}

impl Source for Held {
    fn data(&self) -> &Path {
        &self.data
    }

    fn with<T: Send + 'static>(&self, errand: impl FnOnce(&Journal) -> T + Send + 'static) -> Result<T, Failure> {
        Ok(errand(&self.journal))
    }
}

impl Source for Running {
    fn data(&self) -> &Path {
        &self.data
    }

    fn with<T: Send + 'static>(&self, errand: impl FnOnce(&Journal) -> T + Send + 'static) -> Result<T, Failure> {
        let closing = || Failure::new("the server is ending").hint("make the backup when it runs again, or of the directory");
        let (tell, told) = channel();
        // Who waits for it may be gone.
        let errand = Box::new(move |journal: &Journal, _: Time| drop(tell.send(errand(journal))));
        self.door.send(Message::Errand(errand)).map_err(|_| closing())?;
        told.recv().map_err(|_| closing())
    }
}
