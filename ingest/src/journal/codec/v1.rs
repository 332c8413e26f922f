//! A payload of version 1, which nothing writes any more: in clear, with one dictionary for all.
//!
//! The mirror types below are that format, and stay as they are; a test holds the bytes.

use std::sync::Arc;

use serde::Deserialize;
use vitalog_elog::input::{Command, DeadLetter, DeliveryReceipt};
use vitalog_elog::profile::ProfileChange;
use vitalog_elog::{Input, Reading, ReadingId, Schema, Subject, Time};

use super::names::{StoredContent, StoredRules, StreamNames};
use super::{Kind, undecodable};
use crate::journal::error::JournalError;

#[derive(Deserialize)]
pub(super) struct Payload {
    subjects: Vec<Subject>,
    sources: Vec<Arc<str>>,
    streams: Vec<StreamNames>,
    entries: Vec<StoredEntry>,
}

#[derive(Deserialize)]
struct StoredEntry {
    arrival: i64,
    input: StoredInput,
}

#[derive(Deserialize)]
enum StoredInput {
    Reading(StoredReading),
    Profile(ProfileChange),
    Rules(StoredRules),
    Command(Command),
    Receipt(DeliveryReceipt),
    DeadLetter(DeadLetter),
    Tick,
    /// With the id of who put them in force.
    RulesBy(StoredRules, Arc<str>),
}

#[derive(Deserialize)]
struct StoredReading {
    subject: u32,
    id: [u8; 16],
    given: Option<Arc<str>>,
    rev: u32,
    hash: [u8; 16],
    content: Option<StoredContent>,
}

/// The bytes behind the version.
pub(super) fn decode(offset: u64, bytes: &[u8]) -> Result<Payload, JournalError> {
    let (payload, rest) = postcard::take_from_bytes(bytes).map_err(|e| undecodable(offset, e.to_string()))?;
    if rest.is_empty() { Ok(payload) } else { Err(undecodable(offset, format!("{} bytes too many", rest.len()))) }
}

impl Payload {
    pub fn outline(&self) -> impl Iterator<Item = (Time, Kind)> {
        self.entries.iter().map(|entry| (Time(entry.arrival), entry.input.kind()))
    }

    /// The subjects it names.
    pub fn subjects(&self) -> impl Iterator<Item = &Subject> {
        let beside = self.entries.iter().filter_map(|entry| match &entry.input {
            StoredInput::Profile(change) => Some(&change.subject),
            StoredInput::DeadLetter(letter) => letter.subject.as_ref(),
            _ => None,
        });
        self.subjects.iter().chain(beside)
    }

    pub fn input(&self, i: usize, offset: u64, schema: &Schema) -> Result<Input, JournalError> {
        let stored = self.entries.get(i).ok_or_else(|| undecodable(offset, "no such entry"))?;
        Ok(match &stored.input {
            StoredInput::Reading(reading) => Input::Reading(self.reading(reading, offset, schema)?),
            StoredInput::Profile(change) => Input::Profile(change.clone()),
            StoredInput::Rules(change) => Input::Rules(change.by(None)),
            StoredInput::RulesBy(change, by) => Input::Rules(change.by(Some(by.clone()))),
            StoredInput::Command(command) => Input::Command(command.clone()),
            StoredInput::Receipt(receipt) => Input::Receipt(receipt.clone()),
            StoredInput::DeadLetter(letter) => Input::DeadLetter(letter.clone()),
            StoredInput::Tick => Input::Tick,
        })
    }

    fn reading(&self, stored: &StoredReading, offset: u64, schema: &Schema) -> Result<Reading, JournalError> {
        let missing = || undecodable(offset, "its dictionary lacks a subject");
        let subject = self.subjects.get(stored.subject as usize).ok_or_else(missing)?.clone();
        let dictionary = (&self.streams[..], &self.sources[..]);
        Ok(Reading {
            subject,
            id: ReadingId(u128::from_le_bytes(stored.id)),
            given: stored.given.clone(),
            rev: stored.rev,
            hash: u128::from_le_bytes(stored.hash),
            content: stored.content.as_ref().map(|content| content.content(dictionary, offset, schema)).transpose()?,
        })
    }
}

impl StoredInput {
    fn kind(&self) -> Kind {
        match self {
            StoredInput::Reading(_) => Kind::Reading,
            StoredInput::Profile(_) => Kind::Profile,
            StoredInput::Rules(_) | StoredInput::RulesBy(..) => Kind::Rules,
            StoredInput::Command(_) => Kind::Command,
            StoredInput::Receipt(_) => Kind::Receipt,
            StoredInput::DeadLetter(_) => Kind::DeadLetter,
            StoredInput::Tick => Kind::Tick,
        }
    }
}

#[cfg(test)]
mod tests {
    use vitalog_elog::{Amount, Content, Dimension, Entry, Field, FieldKind, Shape, Stream, StreamIx, Unit, Value, When};

    use super::*;
    use crate::journal::codec;
    use crate::keys::{KekPlace, Keys};

    const WRITTEN: &str = "010101700102673701026267040576616c75650003686f77020666696e6765720673656e736f72046e6f7465000766617374696e67000301000004030201000000000000000000000000010178020d0c0b0a0000000000000000000000000100008080afa2dbffad06040100c409020101010101020161010301010001ac02010500016300016d02ff0101730106";

    fn bytes() -> Vec<u8> {
        (0..WRITTEN.len()).step_by(2).map(|i| u8::from_str_radix(&WRITTEN[i..i + 2], 16).expect("hexadecimal")).collect()
    }

    fn decoded(bytes: &[u8]) -> Result<codec::Payload, JournalError> {
        let dir = tempfile::tempdir().expect("a directory");
        let keys = Keys::open(&dir.path().join("keys.db"), &KekPlace::beside(&dir.path().join("journal.db")), true);
        codec::decode(codec::Place { incarnation: 7, first: 0 }, bytes, &keys.expect("made"))
    }

    /// INVARIANT (frozen format): these are the bytes of payload version 1. If this test fails, journals that were written before can no longer be
    /// read: make the change a new version beside the old one.
    #[test]
    fn the_bytes_of_version_1_are_read() {
        let unit = Unit::named(Dimension::Glucose, "mmol/L").expect("a unit");
        let field = |name: &str, kind| Field { name: name.into(), kind, optional: true, range: None, usual: None, doc: None };
        let fields = vec![
            field("value", FieldKind::Quantity(unit)),
            field("how", FieldKind::Enum(vec!["finger".into(), "sensor".into()])),
            field("note", FieldKind::Text),
            field("fasting", FieldKind::Bool),
        ];
        let stream = Stream {
            name: "bg".into(),
            shape: Shape::Instant,
            fields,
            checks: Vec::new(),
            every: None,
            silent_after: None,
            by: None,
            also_by: vec![],
            doc: None,
        };
        let schema = Schema { streams: vec![stream] };
        let content = Content {
            stream: StreamIx(0),
            when: When::At(Time(1_790_000_000_000_000)),
            values: vec![
                Some(Value::Quantity(Amount { digits: 610, scale: 2, unit })),
                Some(Value::Enum(1)),
                Some(Value::Text("a".into())),
                Some(Value::Bool(true)),
            ]
            .into(),
            source: Some("g7".into()),
            seq: Some(300),
        };
        let reading = Reading {
            subject: Subject::new("p"),
            id: ReadingId(0x0102_0304),
            given: Some("x".into()),
            rev: 2,
            hash: 0x0a0b_0c0d,
            content: Some(content),
        };
        let letter = DeadLetter {
            subject: None,
            code: "c".into(),
            field: None,
            message: "m".into(),
            raw: Arc::from(&[0xff_u8, 1][..]),
            sender: "s".into(),
        };
        let inputs = [Input::Reading(reading), Input::DeadLetter(letter), Input::Tick];
        let entries: Vec<Entry> = inputs.into_iter().map(|input| Entry { arrival: Time(-1), input }).collect();

        let payload = decoded(&bytes()).expect("decoded");
        let read: Vec<Entry> = (0..payload.len()).map(|i| payload.entry(i, 0, &schema).expect("an entry")).collect();
        assert_eq!(read, entries);
        assert!(payload.is_in_clear());
    }

    #[test]
    fn another_version_and_trailing_bytes_are_refused() {
        let mut bytes = bytes();
        bytes.push(0);
        assert!(decoded(&bytes).is_err_and(|e| e.to_string().contains("1 bytes too many")));
        bytes[0] = 4;
        assert!(decoded(&bytes).is_err_and(|e| e.to_string().contains("version 4")));
        assert!(decoded(&[]).is_err());
    }
}
