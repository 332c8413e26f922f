//! What can be wrong with a topic, its brokers or the way there, each with what to do about it.

use std::fmt;

use crate::journal::error::JournalError;

/// Why the journal's topic could not be opened, read or written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// This program was built without it.
    NotBuilt,
    /// A setting is none.
    Settings { name: &'static str, value: String, remedy: &'static str },
    /// No answer within the time that there is, or one that says to come again.
    Away { doing: &'static str, said: String },
    /// The brokers do not let us.
    Denied { doing: &'static str, said: String },
    /// The topic's settings would lose something, or let too little through.
    Unfit { setting: String, is: String, must: &'static str },
    /// There is no such topic.
    NoTopic { topic: String },
    /// The topic has something else, or another number of partitions.
    Foreign { topic: String, detail: String },
    /// The beginning of a partition is gone, and more of it than the journal let go of.
    Trimmed { partition: i32, records: u64, let_go: u64 },
    /// The record that says where the journal begins can't be read.
    NoNote { at: u64 },
    /// Something stands in the order where a record of ours should: it counts for nothing, and a look tells whose it is.
    Displaced { expected: u64, found: u64 },
    /// Somebody else has begun to write the topic.
    Taken,
}

impl Fault {
    /// Whether waiting can help.
    pub fn may_pass(&self) -> bool {
        matches!(self, Fault::Away { .. } | Fault::Denied { .. } | Fault::Unfit { .. } | Fault::Displaced { .. })
    }

    /// A stable name for programs.
    pub fn code(&self) -> &'static str {
        match self {
            Fault::NotBuilt => "kafka_not_built",
            Fault::Settings { .. } => "kafka_settings",
            Fault::Away { .. } => "kafka_away",
            Fault::Denied { .. } => "kafka_denied",
            Fault::Unfit { .. } => "kafka_topic_settings",
            Fault::NoTopic { .. } => "kafka_no_topic",
            Fault::Foreign { .. } => "kafka_foreign_topic",
            Fault::Trimmed { .. } => "kafka_trimmed",
            Fault::NoNote { .. } => "kafka_no_note",
            Fault::Displaced { .. } => "kafka_displaced",
            Fault::Taken => "kafka_taken",
        }
    }

    fn remedy(&self) -> &'static str {
        match self {
            Fault::NotBuilt => "build it with `cargo build --release --features kafka`",
            Fault::Settings { remedy, .. } => remedy,
            Fault::Away { .. } => "see whether the brokers run, can be reached, and have enough replicas in sync",
            Fault::Denied { .. } => {
                "check user, password file, mechanism, CA and the rights on the topic (describe, read, write; delete, where it is trimmed)"
            }
            Fault::Unfit { .. } => "change the topic's setting (kafka-configs), for the topic is the journal",
            Fault::NoTopic { .. } => "check the topic's name; the first `vitalog serve` makes it",
            Fault::Foreign { .. } => "name another topic, or restore this one as it was",
            Fault::Trimmed { .. } => {
                "restore the topic as it was, or a backup into a new data directory; nobody but the journal may remove records of it, and retention.ms and retention.bytes must be -1"
            }
            Fault::NoNote { .. } => "restore the topic as it was, or a backup into a new data directory",
            Fault::Displaced { .. } => "see who else writes into the topic: nobody else may",
            Fault::Taken => "end one of the two: a topic has one writer",
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Fault::NotBuilt => f.write_str("this program was built without Kafka")?,
            Fault::Settings { name, value, .. } => write!(f, "{name} is {value:?}")?,
            Fault::Away { doing, said } => write!(f, "the brokers did not answer in time ({doing}): {said}")?,
            Fault::Denied { doing, said } => write!(f, "the brokers refused ({doing}): {said}")?,
            Fault::Unfit { setting, is, must } => write!(f, "the topic's {setting} is {is}, and must be {must}")?,
            Fault::NoTopic { topic } => write!(f, "there is no topic {topic:?}")?,
            Fault::Foreign { topic, detail } => write!(f, "the topic {topic:?} is not a journal: {detail}")?,
            Fault::Trimmed { partition, records, let_go } => {
                write!(f, "the first {records} records of the topic's partition {partition} are gone")?;
                if *let_go > 0 {
                    write!(f, ", and the journal let go of {let_go} only")?;
                }
            }
            Fault::NoNote { at } => {
                write!(
                    f,
                    "the topic's order says that the record at its offset {at} tells where the journal begins, and that can't be read"
                )?;
            }
            Fault::Displaced { expected, found } => {
                write!(f, "somebody else wrote into the order: a record for offset {expected} landed at {found}")?;
            }
            Fault::Taken => f.write_str("another writer has taken the journal's topic over")?,
        }
        write!(f, "; {}", self.remedy())
    }
}

impl std::error::Error for Fault {}

impl From<Fault> for JournalError {
    fn from(fault: Fault) -> JournalError {
        JournalError::Kafka(fault)
    }
}
