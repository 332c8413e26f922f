//! The keys: one data key per subject, and one of the house for what is about nobody.
//!
//! What the journal has of a subject is sealed under that subject's key, and names the key by an id that was drawn. Which subject a key is of stands in the key store alone,
//! sealed under the key-encryption key: without it nothing in the journal says whom it is about, and destroying a subject's keys destroys what was said and of whom, in the
//! journal and in every copy of it.
//!
//! All keys are held in memory, as every subject's timeline is. Owned by the journal's thread.
//!
//! It refuses to read past what is damaged: a key that is neither here nor noted as erased is an error, never an erasure.

mod error;
mod kek;
mod seal;
mod store;

use std::collections::HashMap;
use std::fmt;
use std::path::Path;

use vitalog_elog::{Subject, Time};

pub use error::KeyError;
pub use kek::KekPlace;
pub(crate) use seal::{NONCE, Secret, random};

use store::{Contents, KeyStore};

/// What the journal calls a key: drawn, so it says nothing.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct KeyId(pub [u8; 16]);

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", u128::from_be_bytes(self.0))
    }
}

impl fmt::Debug for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A data key.
#[derive(Clone, Debug)]
pub struct Held {
    pub id: KeyId,
    /// `None`: the house's own.
    pub subject: Option<Subject>,
    /// Of the subject's keys the greatest is the one to seal under; the others only open.
    pub version: u32,
    pub(crate) secret: Secret,
}

/// What there is to a key's id.
pub enum Found<'k> {
    Key(&'k Held),
    Erased,
    /// Neither: the key store is not the journal's, or is damaged.
    Nowhere,
}

/// An open key store.
pub struct Keys {
    store: KeyStore,
    place: KekPlace,
    keys: Vec<Held>,
    by_id: HashMap<KeyId, u32>,
    /// The key to seal under, by subject.
    current: HashMap<Subject, u32>,
    /// The same of the house.
    house: Option<u32>,
    erased: HashMap<KeyId, Time>,
    unfinished: Option<Vec<u8>>,
    /// A write failed: what is on the disk is unknown.
    failed: bool,
}

impl Keys {
    /// Opens the key store at `path`, or makes it (and the key-encryption key) where `may_make` and there is none.
    ///
    /// # Errors
    /// Where it is missing, damaged, in use, of a newer format, or locked with another key.
    pub fn open(path: &Path, place: &KekPlace, may_make: bool) -> Result<Keys, KeyError> {
        let store = KeyStore::open(path, place, may_make)?;
        let mut keys = Keys {
            store,
            place: place.clone(),
            keys: Vec::new(),
            by_id: HashMap::new(),
            current: HashMap::new(),
            house: None,
            erased: HashMap::new(),
            unfinished: None,
            failed: false,
        };
        keys.take_in(keys.store.read()?);
        if keys.house.is_none() {
            if !may_make {
                return Err(KeyError::Lost { path: path.to_owned() });
            }
            keys.make(&[None])?;
        }
        Ok(keys)
    }

    fn take_in(&mut self, contents: Contents) {
        self.keys.clear();
        self.by_id.clear();
        self.current.clear();
        self.house = None;
        contents.keys.into_iter().for_each(|key| self.note(key));
        self.erased = contents.erased.into_iter().collect();
        self.unfinished = contents.unfinished;
    }

    fn note(&mut self, key: Held) {
        let place = self.keys.len() as u32;
        self.by_id.insert(key.id, place);
        let newest = |held: Option<u32>| held.filter(|at| self.keys[*at as usize].version >= key.version).or(Some(place));
        match &key.subject {
            None => self.house = newest(self.house),
            Some(subject) => {
                let current = newest(self.current.get(subject).copied());
                current.map(|at| self.current.insert(subject.clone(), at));
            }
        }
        self.keys.push(key);
    }

    /// The place of the key to seal under; `None` where there is none yet.
    pub fn current(&self, subject: Option<&Subject>) -> Option<u32> {
        match subject {
            Some(subject) => self.current.get(subject).copied(),
            None => self.house,
        }
    }

    /// The key at a place that [`Keys::current`] told.
    pub fn at(&self, place: u32) -> &Held {
        &self.keys[place as usize]
    }

    pub fn find(&self, id: KeyId) -> Found<'_> {
        match self.by_id.get(&id) {
            Some(place) => Found::Key(self.at(*place)),
            None if self.erased.contains_key(&id) => Found::Erased,
            None => Found::Nowhere,
        }
    }

    /// Every key there is.
    pub fn held(&self) -> &[Held] {
        &self.keys
    }

    /// How many keys were destroyed, ever.
    pub fn erased(&self) -> usize {
        self.erased.len()
    }

    /// Makes the next version of the keys of these, and syncs. What was sealed before stays readable.
    ///
    /// # Errors
    /// Where they can't be written: then the process must end, as for the journal.
    pub fn make(&mut self, of: &[Option<Subject>]) -> Result<(), KeyError> {
        let lost = |error: std::io::Error| KeyError::NotAKeyStore { detail: error.to_string() };
        let mut fresh = Vec::with_capacity(of.len());
        for subject in of {
            let version = self.current(subject.as_ref()).map_or(1, |place| self.at(place).version + 1);
            let id = KeyId(random().map_err(lost)?);
            fresh.push(Held { id, subject: subject.clone(), version, secret: Secret::draw().map_err(lost)? });
        }
        self.writing(|keys| keys.store.add(&fresh))?;
        fresh.into_iter().for_each(|key| self.note(key));
        Ok(())
    }

    /// A subject's key is exchanged for a new one: what comes from now on is sealed under it.
    ///
    /// # Errors
    /// [`KeyError::UnknownSubject`], or where it can't be written.
    pub fn rotate(&mut self, subject: &Subject) -> Result<(), KeyError> {
        if self.current(Some(subject)).is_none() {
            return Err(KeyError::UnknownSubject);
        }
        self.make(&[Some(subject.clone())])
    }

    /// The key-encryption key is exchanged for a fresh one: every row of the store is sealed anew, and no group of the journal.
    ///
    /// # Errors
    /// [`KeyError::KekIsGiven`] where the one in use came from outside; where it can't be written.
    pub fn exchange_kek(&mut self) -> Result<(), KeyError> {
        let Some(next) = self.place.next() else { return Err(KeyError::KekIsGiven) };
        let fresh = self.place.begin_exchange()?;
        self.lock_with(fresh)?;
        self.place.end_exchange(&next)
    }

    /// The store is locked with the key of another place from now on, which is made there where there is none. The former key stays where it is, and opens nothing here.
    ///
    /// # Errors
    /// Where there is no sound key, or it can't be written.
    pub fn move_kek(&mut self, to: KekPlace) -> Result<(), KeyError> {
        self.lock_with(to.first()?)?;
        self.place = to;
        Ok(())
    }

    fn lock_with(&mut self, kek: Secret) -> Result<(), KeyError> {
        let contents = self.store.read()?;
        self.writing(|keys| keys.store.lock_with(kek, &contents))
    }

    /// Destroys every key of a subject: what was sealed under them is erased, and so is which subject it was of. Gives the number of keys. With them is noted what is `unfinished`:
    /// whatever is needed to remove what was derived, for the subject's name is gone.
    ///
    /// # Errors
    /// [`KeyError::UnknownSubject`], or where it can't be written.
    pub fn destroy(&mut self, subject: &Subject, at: Time, unfinished: &[u8]) -> Result<usize, KeyError> {
        let ids: Vec<KeyId> = self.keys.iter().filter(|k| k.subject.as_ref() == Some(subject)).map(|k| k.id).collect();
        if ids.is_empty() {
            return Err(KeyError::UnknownSubject);
        }
        self.writing(|keys| keys.store.destroy(&ids, at, unfinished))?;
        self.take_in(self.store.read()?);
        Ok(ids.len())
    }

    /// Writes a copy of the store to a new file. Every row in it is sealed as here, under the same key-encryption key. The caller syncs the file.
    ///
    /// # Errors
    /// Where there is a file already, or it can't be written.
    pub fn copy_to(&self, path: &Path) -> Result<(), KeyError> {
        self.store.copy_to(path)
    }

    /// The file that the key-encryption key lies in, if it is one.
    pub fn kek_file(&self) -> Option<&Path> {
        match &self.place {
            KekPlace::File(path) => Some(path),
            KekPlace::Given(_) => None,
        }
    }

    /// What is yet to be done about an erasure, as it was noted.
    pub fn unfinished(&self) -> Option<&[u8]> {
        self.unfinished.as_deref()
    }

    /// What was derived from erased inputs is gone. Where the key-encryption key is a file of ours it is exchanged now: what the medium may yet hold of the destroyed rows, and every
    /// older copy of the store, can't be opened any more. `false`: it comes from outside, and is to be exchanged there.
    ///
    /// # Errors
    /// Where it can't be written.
    pub fn finish(&mut self) -> Result<bool, KeyError> {
        let exchanged = match self.exchange_kek() {
            Ok(()) => true,
            Err(KeyError::KekIsGiven) => false,
            Err(error) => return Err(error),
        };
        self.writing(|keys| keys.store.finish())?;
        self.unfinished = None;
        Ok(exchanged)
    }

    fn writing(&mut self, write: impl FnOnce(&mut Keys) -> Result<(), KeyError>) -> Result<(), KeyError> {
        if self.failed {
            return Err(KeyError::Failed);
        }
        let written = write(self);
        self.failed = written.is_err();
        written
    }
}
