//! An audit: all of a journal verified, everything that is wrong named, and what it holds counted.
//!
//! Unlike a start it goes on behind what is damaged, needs no key for what can be verified without, and writes nothing: no mark, no format, no key.

use std::collections::HashSet;
use std::path::Path;

use vitalog_elog::{Position, Time};

use super::codec::{self, Kind};
use super::error::JournalError;
use super::home::Home;
use super::mark;
use super::read::verify_alone;
use super::row::Row;
use super::store::Store;
use super::trim::Beginning;
use crate::keys::{KekPlace, KeyId, Keys};

/// More than this many complaints say no more.
const MOST: usize = 1_000;

/// What an audit found.
#[derive(Debug)]
pub struct Audit {
    pub format: u32,
    pub incarnation: u128,
    /// Where it begins, if it was trimmed: what came before was not looked at.
    pub beginning: Option<Beginning>,
    /// Something lies before its beginning yet: a trim was cut short, and a server goes on with it.
    pub unswept: bool,
    pub groups: u64,
    pub inputs: u64,
    /// Arrival of the first and of the last input.
    pub first: Option<Time>,
    pub last: Option<Time>,
    /// In the order of [`Kind::ALL`].
    pub kinds: [u64; Kind::ALL.len()],
    /// Inputs whose subject was erased.
    pub erased: u64,
    /// Groups of format 1.
    pub in_clear: u64,
    /// `None` where the key store can't be opened: then nothing was opened that is sealed.
    pub keys: Option<KeyAudit>,
    /// Everything that does not verify, in the journal's order.
    pub damage: Vec<JournalError>,
}

/// The key store against the journal.
#[derive(Debug)]
pub struct KeyAudit {
    /// Keys there are, of all versions, without the house's.
    pub held: u64,
    /// Keys that nothing is sealed under: made for a group that was never written, or since the last of their subject came.
    pub unused: u64,
    /// Keys that were destroyed.
    pub destroyed: u64,
    /// Something was erased, and what was derived from it is still there: the next start removes it.
    pub unfinished: bool,
}

/// Audits the journal at `path`, which nobody may have open.
///
/// # Errors
/// Where there is nothing to audit: no such file, one of something else, of a newer format, in use, or a disk that does not answer.
pub fn audit(path: &Path, kek: &KekPlace) -> Result<Audit, JournalError> {
    // SQLite would make a database of an empty file.
    if std::fs::metadata(path).map_or(true, |file| file.len() == 0) {
        return Err(JournalError::NotAJournal { detail: "there is nothing in it".to_owned() });
    }
    of_home(&Store::open(path)?, path, kek)
}

/// Audits a journal wherever its home is; its keys and its mark lie beside `path`.
pub(super) fn of_home(home: &dyn Home, path: &Path, kek: &KekPlace) -> Result<Audit, JournalError> {
    let mut auditor = Auditor::new(home)?;
    let keys = if home.format() < super::SEALED { None } else { auditor.keys(path, kek) };
    auditor.walk(home, keys.as_ref())?;
    auditor.end(home, path);
    let Auditor { mut audit, sealed, .. } = auditor;
    audit.keys = keys.map(|keys| {
        let own = || keys.held().iter().filter(|key| key.subject.is_some());
        KeyAudit {
            held: own().count() as u64,
            unused: own().filter(|key| !sealed.contains(&key.id)).count() as u64,
            destroyed: keys.erased() as u64,
            unfinished: keys.unfinished().is_some(),
        }
    });
    Ok(audit)
}

struct Auditor {
    audit: Audit,
    /// Where the next group must begin, and what it must follow.
    at: Position,
    /// Whether what it must follow is known: not after a group whose row can't be read.
    follows: bool,
    sealed: HashSet<KeyId>,
}

impl Auditor {
    fn new(home: &dyn Home) -> Result<Auditor, JournalError> {
        let beginning = home.beginning()?;
        let start = beginning.map_or(Position::start(home.incarnation()), |beginning| beginning.position);
        let audit = Audit {
            format: home.format(),
            incarnation: home.incarnation(),
            beginning,
            unswept: start.next > 0 && home.outline_before(start.next).map_or(true, |group| group.is_some()),
            groups: 0,
            inputs: 0,
            first: None,
            last: None,
            kinds: [0; Kind::ALL.len()],
            erased: 0,
            in_clear: 0,
            keys: None,
            damage: Vec::new(),
        };
        Ok(Auditor { audit, at: start, follows: true, sealed: HashSet::new() })
    }

    fn wrong(&mut self, what: JournalError) {
        if self.audit.damage.len() < MOST {
            self.audit.damage.push(what);
        }
    }

    fn keys(&mut self, path: &Path, kek: &KekPlace) -> Option<Keys> {
        match Keys::open(&path.with_file_name("keys.db"), kek, false) {
            Ok(keys) => Some(keys),
            Err(error) => {
                self.wrong(error.into());
                None
            }
        }
    }

    fn walk(&mut self, home: &dyn Home, keys: Option<&Keys>) -> Result<(), JournalError> {
        let mut from = self.at.next;
        loop {
            match home.from(from) {
                Ok(None) => return Ok(()),
                Ok(Some(row)) => {
                    // A row says itself where it begins; one that says it reaches nowhere is passed over.
                    from = row.first.saturating_add(1);
                    self.take(&row, keys);
                }
                // It can be told where such a row begins, so the walk goes on behind it.
                Err(error @ JournalError::BadRow { .. }) => {
                    let JournalError::BadRow { offset, .. } = error else { return Err(error) };
                    self.wrong(error);
                    self.follows = false;
                    from = offset.saturating_add(1);
                }
                // The file's own structure is damaged here: nothing behind it can be found.
                Err(error @ JournalError::NotAJournal { .. }) => {
                    self.wrong(error);
                    return Ok(());
                }
                Err(error) => return Err(error),
            }
        }
    }

    fn take(&mut self, row: &Row, keys: Option<&Keys>) {
        if row.first != self.at.next && self.follows {
            self.wrong(JournalError::Gap { offset: self.at.next });
            self.follows = false;
        }
        let sound = match verify_alone(row) {
            Ok(()) if self.follows && row.chained_to(&self.at) != row.chain => {
                Err(JournalError::BrokenChain { offset: row.first })
            }
            other => other,
        };
        self.at = Position { next: row.first.saturating_add(row.count), ..row.position_after(self.at.incarnation) };
        self.follows = true;
        self.audit.groups += 1;
        self.audit.inputs = self.audit.inputs.saturating_add(row.count);
        if let Err(error) = sound.and_then(|()| self.open(row, keys)) {
            self.wrong(error);
        }
    }

    fn open(&mut self, row: &Row, keys: Option<&Keys>) -> Result<(), JournalError> {
        let place = codec::Place { incarnation: self.at.incarnation, first: row.first };
        let (counted, sealed) = codec::outline(place, &row.payload)?;
        if counted.len() as u64 != row.count {
            return Err(JournalError::BadRow { offset: row.first, detail: "it holds another number of entries than it says" });
        }
        for (arrival, kind) in &counted {
            self.audit.kinds[*kind as usize] += 1;
            self.audit.first = self.audit.first.or(Some(*arrival));
            self.audit.last = Some(*arrival);
        }
        match sealed {
            None => self.audit.in_clear += 1,
            Some(keys) => self.sealed.extend(keys),
        }
        let Some(keys) = keys else { return Ok(()) };
        let payload = codec::decode(place, &row.payload, keys)?;
        self.audit.erased += (0..payload.len()).filter(|i| payload.is_erased(*i)).count() as u64;
        Ok(())
    }

    /// Head and mark against what was found.
    fn end(&mut self, home: &dyn Home, path: &Path) {
        match home.head() {
            Err(error) => self.wrong(error),
            Ok(head) if head.next != self.at.next => self.wrong(JournalError::Gap { offset: head.next.min(self.at.next) }),
            Ok(head) if head.chain != self.at.chain => self.wrong(JournalError::BrokenChain { offset: head.next }),
            Ok(_) => {}
        }
        if let Some(told) = mark::read(path)
            && let Err(error) = mark::check(told, &self.at)
        {
            self.wrong(error);
        }
    }
}
