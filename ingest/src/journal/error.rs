//! What can be wrong with a journal, each with what to do about it.

use std::fmt;

use vitalog_elog::Time;

use super::kafka::Fault;
use crate::keys::{KeyError, KeyId};

/// Why a journal could not be opened, read or written.
#[derive(Debug)]
pub enum JournalError {
    /// The file was written by a newer version.
    NewerFormat { found: u32, known: u32 },
    /// The file is something else, or its first page is damaged.
    NotAJournal { detail: String },
    /// Another process has it open.
    InUse,
    /// SQLite or the operating system refused.
    Storage(rusqlite::Error),
    /// The file beside the database could not be written or read.
    Mark(std::io::Error),
    /// A group's bytes are not those that were written.
    BadChecksum { offset: u64 },
    /// A group does not follow from its predecessor: it, or one before it, was altered or exchanged.
    BrokenChain { offset: u64 },
    /// A group that must be there is not.
    Gap { offset: u64 },
    /// A group is there whose row says something impossible.
    BadRow { offset: u64, detail: &'static str },
    /// The bytes verify, but this program can't read them.
    Undecodable { offset: u64, detail: String },
    /// The journal ends before what was acknowledged.
    LostEnd { found: u64, acknowledged: u64 },
    /// The mark beside the database is of another journal.
    ForeignMark,
    /// Reading was asked to begin after the end.
    PastTheEnd { asked: u64, next: u64 },
    /// Reading was asked to begin before the beginning of a journal that was trimmed.
    Trimmed { asked: u64, first: u64, arrival: Time },
    /// No journal can begin there: no group ends, or none would be left.
    NoPlaceToBegin { offset: u64 },
    /// An entry names a stream or a field that the schema does not have.
    NotInSchema { offset: Option<u64>, name: String },
    /// An entry's arrival lies before its predecessor's.
    ArrivalBackwards { offset: u64, arrival: Time, last: Time },
    /// More than fits into one group.
    GroupTooLarge { bytes: usize },
    /// The operating system has no random bytes.
    Random(std::io::Error),
    /// The key store could not be opened or written.
    Keys(KeyError),
    /// A group is sealed under a key that is neither in the key store nor noted there as erased.
    KeyMissing { offset: u64, key: KeyId },
    /// A segment does not open under its key: it was altered, or belongs elsewhere.
    BadSeal { offset: u64, key: KeyId },
    /// There is no key to seal an entry under.
    NoKey { offset: u64 },
    /// What stands for something erased can't be journaled.
    NotAnInput { offset: u64 },
    /// Groups in clear name the subject, so destroying its key would not erase them.
    InClear { offset: u64 },
    /// A former write failed.
    Failed,
    /// What is wrong with the journal's topic, or on the way to it.
    Kafka(Fault),
}

impl JournalError {
    /// Whether waiting can help: the home is away, and [`super::Journal::recover`] will tell.
    pub fn may_pass(&self) -> bool {
        matches!(self, JournalError::Kafka(fault) if fault.may_pass())
    }

    /// Whether the process must end: what is on the disk is unknown, or it is not what was written.
    pub fn is_fatal(&self) -> bool {
        let harmless = matches!(
            self,
            JournalError::ArrivalBackwards { .. }
                | JournalError::GroupTooLarge { .. }
                | JournalError::PastTheEnd { .. }
                | JournalError::Trimmed { .. }
                | JournalError::NoPlaceToBegin { .. }
                | JournalError::NotAnInput { .. }
                | JournalError::InClear { .. }
                | JournalError::Keys(KeyError::UnknownSubject)
                | JournalError::NotInSchema { offset: None, .. }
        );
        !harmless && !self.may_pass()
    }

    /// The offset it is about.
    pub fn offset(&self) -> Option<u64> {
        match self {
            JournalError::BadChecksum { offset }
            | JournalError::BrokenChain { offset }
            | JournalError::Gap { offset }
            | JournalError::BadRow { offset, .. }
            | JournalError::Undecodable { offset, .. }
            | JournalError::ArrivalBackwards { offset, .. }
            | JournalError::KeyMissing { offset, .. }
            | JournalError::BadSeal { offset, .. }
            | JournalError::NoKey { offset }
            | JournalError::NotAnInput { offset }
            | JournalError::NoPlaceToBegin { offset }
            | JournalError::InClear { offset } => Some(*offset),
            JournalError::LostEnd { found, .. } => Some(*found),
            JournalError::Trimmed { asked, .. } => Some(*asked),
            JournalError::NotInSchema { offset, .. } => *offset,
            _ => None,
        }
    }

    /// A stable name for programs.
    pub fn code(&self) -> &'static str {
        match self {
            JournalError::NewerFormat { .. } => "newer_format",
            JournalError::NotAJournal { .. } => "not_a_journal",
            JournalError::InUse => "in_use",
            JournalError::Storage(_) => "storage",
            JournalError::Mark(_) => "mark",
            JournalError::BadChecksum { .. } => "bad_checksum",
            JournalError::BrokenChain { .. } => "broken_chain",
            JournalError::Gap { .. } => "gap",
            JournalError::BadRow { .. } => "bad_row",
            JournalError::Undecodable { .. } => "undecodable",
            JournalError::LostEnd { .. } => "lost_end",
            JournalError::ForeignMark => "foreign_mark",
            JournalError::PastTheEnd { .. } => "past_the_end",
            JournalError::Trimmed { .. } => "trimmed",
            JournalError::NoPlaceToBegin { .. } => "no_place_to_begin",
            JournalError::NotInSchema { .. } => "not_in_schema",
            JournalError::ArrivalBackwards { .. } => "arrival_backwards",
            JournalError::GroupTooLarge { .. } => "group_too_large",
            JournalError::Random(_) => "no_random",
            JournalError::Keys(_) => "keys",
            JournalError::KeyMissing { .. } => "key_missing",
            JournalError::BadSeal { .. } => "bad_seal",
            JournalError::NoKey { .. } => "no_key",
            JournalError::NotAnInput { .. } => "not_an_input",
            JournalError::InClear { .. } => "in_clear",
            JournalError::Failed => "failed",
            JournalError::Kafka(fault) => fault.code(),
        }
    }

    fn remedy(&self) -> &'static str {
        match self {
            JournalError::NewerFormat { .. } => "use the version of the program that wrote it, or a newer one",
            JournalError::NotAJournal { .. } => "check the path, or restore the file from a backup",
            JournalError::InUse => "end the other process, or use another data directory",
            JournalError::Storage(_) | JournalError::Mark(_) => {
                "check the disk (free space, permissions, its own log), then start again"
            }
            JournalError::Failed => "end the process and start again, so that it reads what is really on the disk",
            JournalError::BrokenChain { .. } => "restore the journal from a backup; this group or the one before it was altered",
            JournalError::BadChecksum { .. } | JournalError::Gap { .. } | JournalError::BadRow { .. } => {
                "restore the journal from a backup; what lies before that offset is sound and can be exported"
            }
            JournalError::Undecodable { .. } => "use the version of the program that wrote it, or a newer one",
            JournalError::LostEnd { .. } => {
                "restore the database together with its -wal file, or the topic as it was; if this is a backup restored on purpose, remove the .mark file and the sinks"
            }
            JournalError::ForeignMark => {
                "the journal and its .mark file belong together: restore both (the database, or the topic of that name as it was), or remove the .mark file"
            }
            JournalError::PastTheEnd { .. } => "ask for an offset that the journal holds",
            JournalError::Trimmed { .. } => "restore a backup that was made before it went, or do without it",
            JournalError::NoPlaceToBegin { .. } => "name an offset at which a group ends, before the last one",
            JournalError::NotInSchema { .. } => {
                "declare the stream or field again as it was: a declaration may grow, but nothing in it may go"
            }
            JournalError::ArrivalBackwards { .. } => "stamp entries with the greater of the clock and the journal's last arrival",
            JournalError::GroupTooLarge { .. } => "write it in several groups",
            JournalError::Random(_) => "check the system's source of random numbers",
            JournalError::Keys(_) | JournalError::Kafka(_) => "",
            JournalError::KeyMissing { .. } => {
                "restore keys.db as it was when the journal was last written, or a later state of it"
            }
            JournalError::BadSeal { .. } => "restore the journal from a backup; it was altered together with its checksums",
            JournalError::NoKey { .. } => "report this: keys are made before they are used",
            JournalError::NotAnInput { .. } => "leave it out: only a replay has it",
            JournalError::InClear { .. } => {
                "send its readings to a new data directory (`vitalog sql --format csv`, `vitalog ingest`), and remove this one"
            }
        }
    }
}

impl fmt::Display for JournalError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            JournalError::NewerFormat { found, known } => {
                write!(f, "the journal has format {found}, and this program knows formats up to {known}")?;
            }
            JournalError::NotAJournal { detail } => write!(f, "the file is not a journal, or is damaged: {detail}")?,
            JournalError::InUse => f.write_str("the journal is in use by another process")?,
            JournalError::Storage(error) => write!(f, "the journal's storage failed: {error}")?,
            JournalError::Mark(error) => write!(f, "the file that marks what was acknowledged failed: {error}")?,
            JournalError::BadChecksum { offset } => {
                write!(f, "the group at offset {offset} is damaged: its checksum does not fit")?
            }
            JournalError::BrokenChain { offset } => {
                write!(f, "the group at offset {offset} does not follow from the one before it")?
            }
            JournalError::Gap { offset } => write!(f, "the group at offset {offset} is missing")?,
            JournalError::BadRow { offset, detail } => write!(f, "the group at offset {offset} is damaged: {detail}")?,
            JournalError::Undecodable { offset, detail } => write!(f, "the group at offset {offset} can't be read: {detail}")?,
            JournalError::LostEnd { found, acknowledged } => {
                write!(f, "the journal ends at offset {found}, but everything before offset {acknowledged} was acknowledged")?;
            }
            JournalError::ForeignMark => f.write_str("the mark beside the journal is of another journal")?,
            JournalError::PastTheEnd { asked, next } => write!(f, "offset {asked} is past the journal's end at {next}")?,
            JournalError::Trimmed { asked, first, arrival } => {
                write!(
                    f,
                    "offset {asked} is not in the journal any more, which begins at offset {first}: what had arrived up to {arrival} is past its retention"
                )?;
            }
            JournalError::NoPlaceToBegin { offset } => write!(f, "the journal can't begin at offset {offset}")?,
            JournalError::NotInSchema { offset: Some(offset), name } => {
                write!(f, "the entry at offset {offset} names {name}, which is not declared")?;
            }
            JournalError::NotInSchema { offset: None, name } => write!(f, "an entry names {name}, which is not declared")?,
            JournalError::ArrivalBackwards { offset, arrival, last } => {
                write!(f, "the entry at offset {offset} arrived at {arrival}, before its predecessor at {last}")?;
            }
            JournalError::GroupTooLarge { bytes } => write!(f, "a group of {bytes} bytes is too large")?,
            JournalError::Random(error) => write!(f, "no random bytes: {error}")?,
            // It brings its own remedy.
            JournalError::Keys(error) => return write!(f, "{error}"),
            JournalError::Kafka(fault) => return write!(f, "{fault}"),
            JournalError::KeyMissing { offset, key } => {
                write!(f, "the group at offset {offset} can't be read: its key {key} is missing, and was not erased")?;
            }
            JournalError::BadSeal { offset, key } => {
                write!(f, "the group at offset {offset} is not what was sealed under key {key}")?;
            }
            JournalError::NoKey { offset } => write!(f, "the entry at offset {offset} has no key")?,
            JournalError::NotAnInput { offset } => write!(f, "the entry at offset {offset} stands for something erased")?,
            JournalError::InClear { offset } => {
                write!(f, "the group at offset {offset} was written before there were keys, and names the subject in clear")?;
            }
            JournalError::Failed => f.write_str("a former write to the journal failed")?,
        }
        write!(f, "; {}", self.remedy())
    }
}

impl std::error::Error for JournalError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            JournalError::Storage(error) => Some(error),
            JournalError::Mark(error) | JournalError::Random(error) => Some(error),
            JournalError::Keys(error) => Some(error),
            _ => None,
        }
    }
}

impl From<KeyError> for JournalError {
    fn from(error: KeyError) -> JournalError {
        JournalError::Keys(error)
    }
}

impl From<rusqlite::Error> for JournalError {
    fn from(error: rusqlite::Error) -> JournalError {
        match error.sqlite_error_code() {
            Some(rusqlite::ErrorCode::DatabaseBusy | rusqlite::ErrorCode::DatabaseLocked) => JournalError::InUse,
            Some(rusqlite::ErrorCode::NotADatabase | rusqlite::ErrorCode::DatabaseCorrupt) => {
                JournalError::NotAJournal { detail: error.to_string() }
            }
            _ => JournalError::Storage(error),
        }
    }
}
