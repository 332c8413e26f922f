//! Erasing a subject: its keys are destroyed, and then everything goes that was derived from what they sealed.
//!
//! The journal keeps its offsets, and replays what can't be read as [`vitalog_elog::Input::Erased`]. From snapshots, layers, views, lake and outbox the subject is cut out ([`super::cutting`]); what can't be cut is
//! removed, and made again from the journal at the next start.
//!
//! INVARIANT (erased is erased): from the moment the keys are gone, what is left to do stands in the key store, and is done before anything else by whoever opens the directory
//! next to serve or to erase. Each step can be done twice.

use std::path::Path;

use serde::{Deserialize, Serialize};
use vitalog_cep::Engine;
use vitalog_dashboards::views::Views;
use vitalog_elog::{MatchId, Subject};
use vitalog_ingest::access::{self, AccessError};
use vitalog_ingest::journal::{Journal, JournalError};
use vitalog_ingest::keys::KeyError;
use vitalog_notify::Outbox;

use super::beginning;
use super::clock;
use super::cutting::{self, Cut};
use super::directory::{Directory, has_journal};
use super::snapshot::{State, Store};
use crate::failure::Failure;

/// What was erased.
#[derive(Debug)]
pub struct Erasure {
    /// Keys that were destroyed.
    pub keys: usize,
    /// Deliveries that were forgotten, sent or not.
    pub deliveries: usize,
    /// Whether the key-encryption key was exchanged; else that is for whoever hands it in.
    pub exchanged: bool,
    /// What has to be made again from the journal, which the next start does.
    pub removed: Vec<&'static str>,
}

/// What is done about a subject that nothing was ever journaled about.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Unknown {
    /// Nobody is erased: the name may be misspelt.
    Refuse,
    /// The others are erased. For who was known when the erasure was asked for: what is not known any more was erased since.
    PassOver,
}

/// Why nobody was erased, or not all.
pub enum NotErased {
    /// A legal hold; nobody was.
    Held(Failure),
    /// Groups of a former format name one of them in clear, where no key reaches; nobody was.
    InClear(Failure),
    /// Those that were named first may be. What is begun is finished by whoever opens the directory next.
    Failed(Failure),
}

impl From<Failure> for NotErased {
    fn from(failure: Failure) -> NotErased {
        NotErased::Failed(failure)
    }
}

impl From<NotErased> for Failure {
    fn from(error: NotErased) -> Failure {
        match error {
            NotErased::Held(failure) | NotErased::InClear(failure) | NotErased::Failed(failure) => failure,
        }
    }
}

/// What is yet to be done about an erasure.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Note {
    findings: Vec<MatchId>,
    subjects: Vec<Subject>,
}

impl Note {
    /// Of the version before there are only the findings: whom they were about, nobody knows any more.
    fn read(bytes: &[u8]) -> Result<Note, Failure> {
        let former = || Ok(Note { findings: postcard::from_bytes(bytes)?, subjects: Vec::new() });
        let unreadable = |e: postcard::Error| Failure::new(format!("the key store's note of an erasure can't be read: {e}"));
        postcard::from_bytes(bytes).or_else(|_| former()).map_err(unreadable)
    }
}

/// Erases subjects in a data directory that no server holds. Where it ends half way, those that were named first are erased, and the others are as they were.
///
/// # Errors
/// Where it is held or can't be read, one of them is not known (then none is erased) or may not be erased, or a file can't be removed.
pub fn erase(data: &Path, subjects: &[Subject], unknown: Unknown) -> Result<Erasure, NotErased> {
    if !has_journal(data) {
        return Err(Failure::usage(format!("{} is no data directory", data.display())).into());
    }
    let directory = Directory::hold(data)?;
    let mut journal = open(&directory)?;
    // First of all: a hold stops the erasure of all of them.
    let mut store = access::open(data, clock::wall()).map_err(|e| Failure::new(e.to_string()))?;
    store.must_be_free(subjects).map_err(held)?;
    let mut known = Vec::with_capacity(subjects.len());
    for subject in subjects {
        match journal.check_erasable(subject) {
            Ok(()) => known.push(subject.clone()),
            Err(JournalError::Keys(KeyError::UnknownSubject)) if unknown == Unknown::PassOver => {}
            Err(JournalError::Keys(KeyError::UnknownSubject)) => {
                let failure = Failure::new(format!("nothing was ever journaled about {subject}"));
                return Err(failure.hint("check the name; what was erased before is not known by its name any more").into());
            }
            Err(e @ JournalError::InClear { .. }) => return Err(NotErased::InClear(Failure::new(format!("{subject}: {e}")))),
            Err(e) => return Err(Failure::new(format!("{subject}: {e}")).into()),
        }
    }
    must_owe_nothing(&directory, &journal)?;
    must_be_cuttable(&directory, &journal)?;
    // Who was assigned them, and who opened them in an emergency. First, since nobody would know of it any more.
    for subject in subjects {
        store.forget(subject).map_err(held)?;
    }
    drop(store);
    let (mut keys, mut note) = (0, Note::default());
    for (subject, findings) in known.iter().zip(findings_of(&directory, &journal, &known)?) {
        // Of those only whose keys are gone: what is about all others stays.
        note.findings.extend(findings);
        note.subjects.push(subject.clone());
        let note = postcard::to_allocvec(&note).map_err(|e| Failure::new(format!("cannot note the findings: {e}")))?;
        keys += journal.erase(subject, clock::wall(), &note).map_err(|e| Failure::new(format!("journal: {e}")))?;
    }
    let Finished { deliveries, exchanged, removed } = finish(&directory, &mut journal)?;
    Ok(Erasure { keys, deliveries, exchanged, removed })
}

/// INVARIANT (owed to nobody): while something is owed, how much of it each input decides hangs on how many have a part in it. Without one of them a replay would have decided some of it
/// sooner: at offsets that sinks have passed. So nobody is erased before all is decided, which whoever stops a server in order leaves behind.
fn must_owe_nothing(directory: &Directory, journal: &Journal) -> Result<(), Failure> {
    let end = journal.position();
    let owes = |state: State| Ok(state.engines.iter().any(Engine::owes));
    match Store::new(directory.snapshots()).restore(end.next, |position| *position == end, owes)? {
        Some((_, false)) => Ok(()),
        _ => Err(Failure::new("no snapshot says that all is decided that had fallen due at the journal's end")
            .hint("start the server and stop it in order, then erase; or ask the running server to (`--url`)")),
    }
}

/// Of a journal that was trimmed nothing can be made again, so what can only be made again is found out before a key is destroyed.
fn must_be_cuttable(directory: &Directory, journal: &Journal) -> Result<(), Failure> {
    if journal.first() == 0 {
        return Ok(());
    }
    let views = Views::open_kept(&directory.views(), journal.position().incarnation);
    let views = views.map_err(|e| Failure::new(format!("views: {e}")))?;
    match views.schema().shares() {
        false => Ok(()),
        true => beginning::can_make_again(journal, "subjects share readings, and what others have without those of the erased"),
    }
}

fn held(error: AccessError) -> NotErased {
    let failure = Failure::new(error.to_string());
    match error {
        AccessError::Held { .. } => {
            NotErased::Held(failure.hint("let it go first: `vitalog hold release SUBJECT --reason … --data DATA`"))
        }
        _ => NotErased::Failed(failure),
    }
}

/// Opens the journal for whoever goes on from what was derived: nothing is left of an erasure then.
///
/// # Errors
/// Those of [`Directory::open_journal`] and of finishing.
pub fn open(directory: &Directory) -> Result<Journal, Failure> {
    let mut journal = directory.open_journal()?;
    finish(directory, &mut journal)?;
    Ok(journal)
}

/// What was left to do of an erasure.
#[derive(Default)]
struct Finished {
    deliveries: usize,
    exchanged: bool,
    removed: Vec<&'static str>,
}

/// Does what is left of an erasure, if anything is.
///
/// # Errors
/// Where a file can't be removed or written.
fn finish(directory: &Directory, journal: &mut Journal) -> Result<Finished, Failure> {
    let Some(note) = journal.keys().unfinished() else { return Ok(Finished::default()) };
    let Note { findings, subjects } = Note::read(note)?;
    let deliveries = forget(directory, journal, &findings)?;
    let removed = match subjects.is_empty() {
        true => {
            beginning::can_make_again(journal, "snapshots, views and lake of an erasure that a former program began")?;
            cutting::remove_all(directory)?
        }
        false => Cut { directory, journal, subjects: &subjects, findings: &findings }.make()?,
    };
    let exchanged = journal.keys_mut().finish().map_err(|e| Failure::new(format!("key store: {e}")))?;
    Ok(Finished { deliveries, exchanged, removed })
}

/// The findings about each of the subjects, as far as views and outbox know them: by these the outbox is told what to forget when nobody knows the name any more.
fn findings_of(directory: &Directory, journal: &Journal, subjects: &[Subject]) -> Result<Vec<Vec<MatchId>>, Failure> {
    let incarnation = journal.position().incarnation;
    if !directory.outbox().is_file() {
        return Ok(vec![Vec::new(); subjects.len()]);
    }
    let outbox = |e| Failure::new(format!("outbox: {e}"));
    let views = |e| Failure::new(format!("views: {e}"));
    let (sent, told) = (
        Outbox::open(&directory.outbox(), incarnation).map_err(outbox)?,
        Views::open(&directory.views(), incarnation).map_err(views)?,
    );
    let (ahead, behind) = (sent.position().map_err(outbox)?.next, told.position().next);
    if behind < ahead {
        return Err(Failure::new(format!(
            "the views have come to offset {behind}, the outbox to {ahead}: nobody can say yet which messages are to go"
        ))
        .hint("start the server and stop it in order, then erase; several subjects can be erased at once"));
    }
    let of = |subject| {
        let mut findings = told.findings_of(subject).map_err(views)?;
        findings.extend(sent.findings_of(subject).map_err(outbox)?);
        findings.sort_unstable();
        findings.dedup();
        Ok(findings)
    };
    subjects.iter().map(of).collect()
}

fn forget(directory: &Directory, journal: &Journal, findings: &[MatchId]) -> Result<usize, Failure> {
    if !directory.outbox().is_file() {
        return Ok(0);
    }
    let outbox = |e| Failure::new(format!("outbox: {e}"));
    Outbox::open(&directory.outbox(), journal.position().incarnation).map_err(outbox)?.forget(findings).map_err(outbox)
}
