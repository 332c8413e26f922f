//! For how long what can be asked for is kept: noted in the data directory, so that a server and commands on a closed directory say the same; and carried out.
//!
//! The note has the policy, the last instant by which rows went, what the last pass did, and whether files and logs of former versions are yet to be removed. It is written before what it says is done: a start after a crash, or with a
//! clock that was set back, expects nothing that may be gone.
//!
//! A policy that keeps something for longer than the one before has rows come back that are gone from the files: then the lake is emptied, and fed again from the journal, which has them all.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{ErrorKind, Write};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};
use vitalog_elog::{Span, Subject, Time};
use vitalog_ingest::access;
use vitalog_ingest::journal::Journal;
use vitalog_lakehouse::{Lake, Policy};

use super::beginning;
use super::clock::{self, Now};
use super::cutting;
use super::directory::Directory;
use crate::failure::Failure;
use crate::metrics::Metrics;

/// The note's file in the data directory.
pub const NOTE: &str = "retention.json";

/// What went from the files is left to those who read a former version for so long.
const GRACE: Duration = Duration::from_secs(600);
/// What was held late, or let go, is looked at so often by itself; a month that turns is seen at once.
const EVERY: Duration = Duration::from_secs(24 * 3_600);
/// After a pass that failed.
const AGAIN: Duration = Duration::from_secs(300);
/// How often holds are looked at; and before each pass.
const HOLDS: Duration = Duration::from_secs(5);

/// What is noted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Note {
    /// As it is said on the command line.
    pub policy: Vec<String>,
    /// The last instant by which rows went, or may have.
    pub as_of: Option<String>,
    /// The last pass that took something.
    pub last: Option<Pass>,
    /// Files and logs of former versions are there yet.
    pub to_purge: bool,
    /// For how long the journal is kept, as it is said on the command line; `None`: nobody said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub journal: Option<String>,
}

/// What a pass took.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pass {
    pub at: String,
    pub rows: u64,
    /// As a whole.
    pub files: usize,
    pub rewritten: usize,
}

impl Note {
    /// That of a data directory; the default where there is none.
    ///
    /// # Errors
    /// Where it can't be read.
    pub fn read(data: &Path) -> Result<Note, Failure> {
        let path = data.join(NOTE);
        let wrong = |what: &dyn std::fmt::Display| {
            Failure::new(format!("{}: {what}", path.display())).hint(
                "restore it from a backup; or move it away together with what is in `lake`, and say --retain again: the lake is fed from the journal, unless that was trimmed",
            )
        };
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Note::default()),
            Err(error) => return Err(wrong(&error)),
        };
        let note: Note = serde_json::from_str(&text).map_err(|e| wrong(&e))?;
        Policy::parse(note.policy.iter().map(String::as_str)).map_err(|e| wrong(&e.said))?;
        Policy::parse(note.journal.as_deref()).map_err(|e| wrong(&e.said))?;
        if let Some(text) = note.as_of.as_ref().filter(|text| Time::parse(text).is_err()) {
            return Err(wrong(&format_args!("as_of is no instant: {text:?}")));
        }
        Ok(note)
    }

    pub fn policy(&self) -> Policy {
        // It was read as one.
        Policy::parse(self.policy.iter().map(String::as_str)).unwrap_or_default()
    }

    /// For how long the journal is kept, if anybody said.
    pub fn journal(&self) -> Option<Policy> {
        // It was read as one.
        self.journal.as_deref().and_then(|text| Policy::parse([text]).ok())
    }

    pub fn as_of(&self) -> Time {
        self.as_of.as_ref().and_then(|text| Time::parse(text).ok()).unwrap_or(Time::MIN)
    }

    fn write(&self, data: &Path) -> Result<(), Failure> {
        let (path, draft) = (data.join(NOTE), data.join("retention.json.draft"));
        let write = || {
            let mut file = File::create(&draft)?;
            file.write_all(serde_json::to_string_pretty(self)?.as_bytes())?;
            file.write_all(b"\n")?;
            file.sync_all()?;
            fs::rename(&draft, &path)?;
            File::open(data)?.sync_all()
        };
        write().map_err(|e: std::io::Error| Failure::new(format!("cannot write {}: {e}", path.display())))
    }
}

/// Takes the policy that is wanted in the place of the one that is noted, before the lake is opened.
///
/// # Errors
/// Where the note can't be read or written, or the lake not be emptied.
pub fn settle(directory: &Directory, journal: &Journal, wanted: Option<&Policy>) -> Result<(), Failure> {
    let mut note = Note::read(directory.root())?;
    let former = note.policy();
    let Some(wanted) = wanted.filter(|wanted| **wanted != former) else { return Ok(()) };
    if wanted.is_longer_than(&former) && note.as_of.is_some() {
        let said = format!("--retain {wanted}: rows that went under {former} would have to be fed to the lake again");
        beginning::must_be_whole(journal, &said, "say it as it was, or for shorter")?;
        tracing::warn!(%former, now = %wanted, "rows are kept for longer than before: the lake is fed again from the journal");
        cutting::empty(&directory.lake())?;
        note = Note { journal: note.journal, ..Note::default() };
    }
    note.policy = wanted.texts();
    note.write(directory.root())
}

/// Takes the time for which the journal is to be kept in the place of the one that is noted. What went is gone: a longer one brings nothing back.
///
/// # Errors
/// Where the note can't be read or written.
pub fn settle_journal(directory: &Directory, wanted: Option<&Policy>) -> Result<(), Failure> {
    let mut note = Note::read(directory.root())?;
    let Some(wanted) = wanted.map(Policy::to_string).filter(|wanted| note.journal.as_ref() != Some(wanted)) else {
        return Ok(());
    };
    note.journal = Some(wanted);
    note.write(directory.root())
}

/// Tells a lake what is noted, where no pass is to be made.
///
/// # Errors
/// Where the note or the holds can't be read.
pub fn tell(data: &Path, lake: &Lake) -> Result<(), Failure> {
    let note = Note::read(data)?;
    lake.keep(note.policy(), held(data)?, Arc::new(clock::wall), note.as_of());
    Ok(())
}

/// Whether an erasure waits that a server was asked for.
///
/// # Errors
/// Where the store of accounts can't be read.
pub fn is_erasing(data: &Path) -> Result<bool, Failure> {
    if !data.join("access.db").is_file() {
        return Ok(false);
    }
    let waiting = access::open(data, clock::wall()).and_then(|store| store.waiting_erasures());
    Ok(!waiting.map_err(|e| Failure::new(e.to_string()))?.is_empty())
}

/// Who is held by law.
///
/// # Errors
/// Where the store of accounts can't be read.
pub fn held(data: &Path) -> Result<BTreeSet<Subject>, Failure> {
    if !data.join("access.db").is_file() {
        return Ok(BTreeSet::new());
    }
    let holds = access::open(data, clock::wall()).and_then(|store| store.holds()).map_err(|e| Failure::new(e.to_string()))?;
    Ok(holds.into_iter().filter(|hold| hold.released.is_none()).map(|hold| hold.subject).collect())
}

/// Carries the policy out, as the clock goes on.
pub struct Retention {
    data: std::path::PathBuf,
    lake: Arc<Lake>,
    now: Now,
    note: Note,
    is_any: bool,
    metrics: Arc<Metrics>,
    looked: Instant,
    /// When the next pass is due, if no month turns before; `None`: at once.
    due: Option<Instant>,
    purge_at: Option<Instant>,
}

impl Retention {
    /// Tells the lake, before it is fed.
    ///
    /// # Errors
    /// Where the note or the holds can't be read, or the note not be written.
    pub fn begin(directory: &Directory, lake: Arc<Lake>, now: Now, metrics: Arc<Metrics>) -> Result<Retention, Failure> {
        let data = directory.root().to_owned();
        let mut note = Note::read(&data)?;
        let (policy, held) = (note.policy(), held(&data)?);
        let is_any = !policy.keeps_all();
        if is_any {
            note.as_of = Some(now().max(note.as_of()).to_string());
            note.write(&data)?;
            tracing::info!(%policy, "what can be asked for is kept for so long");
        }
        lake.keep(policy, held, now.clone(), note.as_of());
        let purge_at = note.to_purge.then(|| Instant::now() + GRACE);
        Ok(Retention { data, lake, now, note, is_any, metrics, looked: Instant::now(), due: None, purge_at })
    }

    /// Does what is due, if anything is.
    pub async fn turn(&mut self) {
        if !self.is_any {
            return;
        }
        if self.looked.elapsed() >= HOLDS
            && let Err(error) = self.look()
        {
            tracing::error!(%error, "the holds can't be read: those that were known stay, and nothing goes from the files");
        }
        let has_turned = month((self.now)()) > month(self.note.as_of());
        if has_turned || self.due.is_none_or(|due| due <= Instant::now()) {
            let after = match self.pass().await {
                Ok(()) => EVERY,
                Err(error) => {
                    self.metrics.keeping.drop_failures.inc();
                    tracing::error!(%error, "what is past retention could not be taken out of the lake's files; it is not answered, and is tried again");
                    AGAIN
                }
            };
            self.due = Some(Instant::now() + after);
        }
        if self.purge_at.is_some_and(|at| at <= Instant::now()) {
            // A file that is written just now is not of what was past.
            let before = Time((self.now)().0 - Span::seconds(GRACE.as_secs() as i64 / 2).0);
            if let Err(error) = self.purge(before).await {
                self.metrics.keeping.drop_failures.inc();
                tracing::error!(%error, "files and logs of former versions of the lake could not be removed; it is tried again");
                self.purge_at = Some(Instant::now() + AGAIN);
            }
        }
    }

    /// Removes what is left of former versions, when nobody reads any more.
    pub async fn end(mut self) {
        if self.note.to_purge
            && let Err(error) = self.purge(Time::MAX).await
        {
            tracing::error!(%error, "files and logs of former versions of the lake could not be removed; the next start does");
        }
    }

    fn look(&mut self) -> Result<(), Failure> {
        self.looked = Instant::now();
        self.lake.hold(held(&self.data)?);
        Ok(())
    }

    async fn pass(&mut self) -> Result<(), Failure> {
        self.look()?;
        let owed = self.note.to_purge;
        self.note.as_of = Some((self.now)().max(self.note.as_of()).to_string());
        self.note.to_purge = true;
        self.note.write(&self.data)?;
        self.lake.note(self.note.as_of());
        let done = self.lake.retain().await.map_err(|e| Failure::new(format!("lake: {e}")))?;
        if done.rows == 0 {
            self.note.to_purge = owed;
        } else {
            tracing::info!(
                rows = done.rows,
                files = done.files,
                rewritten = done.rewritten,
                "what is past retention went from the lake"
            );
            self.metrics.keeping.dropped_rows.inc_by(done.rows);
            let at = (self.now)().to_string();
            self.note.last = Some(Pass { at, rows: done.rows, files: done.files, rewritten: done.rewritten });
            self.purge_at = Some(Instant::now() + GRACE);
        }
        self.note.write(&self.data)
    }

    async fn purge(&mut self, before: Time) -> Result<(), Failure> {
        let files = self.lake.purge(before).await.map_err(|e| Failure::new(format!("lake: {e}")))?;
        tracing::info!(files, "files and logs of former versions of the lake were removed");
        self.purge_at = None;
        self.note.to_purge = false;
        self.note.write(&self.data)
    }
}

/// A month, by the text of an instant: `2026-11`.
fn month(t: Time) -> String {
    t.to_string().chars().take(7).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_noted_is_read_and_what_is_no_note_is_refused_with_file_and_remedy() {
        let dir = tempfile::tempdir().expect("a directory");
        assert_eq!(Note::read(dir.path()).expect("none"), Note::default());
        let note = Note {
            policy: vec!["24months".into(), "bg=60months".into()],
            as_of: Some("2026-11-01T00:00:00Z".into()),
            ..Note::default()
        };
        note.write(dir.path()).expect("written");
        assert_eq!(Note::read(dir.path()).expect("read"), note);
        for text in [
            "",
            "{}",
            "[]",
            r#"{"policy": ["0months"], "as_of": null, "last": null, "to_purge": false}"#,
            r#"{"policy": ["1month"], "as_of": "yesterday", "last": null, "to_purge": false}"#,
        ] {
            fs::write(dir.path().join(NOTE), text).expect("written");
            let said = Note::read(dir.path()).expect_err("no note").to_string();
            assert!(said.contains(NOTE) && said.contains("restore it from a backup"), "{text}: {said}");
        }
    }

    #[test]
    fn a_longer_policy_empties_the_lake_once_something_may_have_gone() {
        let dir = tempfile::tempdir().expect("a directory");
        let directory = Directory::hold(dir.path()).expect("held");
        let journal = directory.open_journal().expect("made");
        let marker = directory.lake().join("a-file");
        let put = || fs::write(&marker, "x").expect("written");
        let policy = |text: &str| Policy::parse(text.split(' ')).expect("a policy");
        let gone_by = || {
            let note = Note { as_of: Some("2026-11-01T00:00:00Z".into()), ..Note::read(dir.path()).expect("a note") };
            note.write(dir.path()).expect("written");
        };
        put();
        for (text, empties) in
            [("24months", false), ("12months", false), ("24months", true), ("24months bg=3months", false), ("forever", true)]
        {
            settle(&directory, &journal, Some(&policy(text))).expect("settled");
            assert_eq!(marker.exists(), !empties, "{text}");
            let note = Note::read(dir.path()).expect("a note");
            assert_eq!(note.policy(), policy(text));
            assert!(!empties || note == Note { policy: note.policy.clone(), ..Note::default() }, "{text}: {note:?}");
            gone_by();
            put();
        }
        // What is not said stays.
        settle(&directory, &journal, None).expect("settled");
        assert_eq!(Note::read(dir.path()).expect("a note").policy(), policy("forever"));
        assert!(marker.exists());
    }
}
