//! The bytes of a group: a version, a dictionary, and the entries by reference to it.
//!
//! INVARIANT (by name): nothing in a payload depends on the order of declarations. Streams, fields and words of enumerations stand in the
//! dictionary by name and are found again in the schema at hand when the group is read; so a rule file may declare its streams in
//! another order in another life. Subjects, sources and texts that repeat stand in the dictionary once.
//!
//! The mirror types below are the format. Changing one is a new [`PAYLOAD_VERSION`], but a kind of input may be appended; a test holds the bytes of version 1.

use std::collections::HashMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use vitalog_elog::input::{Command, DeadLetter, DeliveryReceipt, RuleChange, RuleFile};
use vitalog_elog::profile::ProfileChange;
use vitalog_elog::{
    Amount, Content, Entry, FieldKind, Input, Reading, ReadingId, Schema, StreamIx, Subject, Time, TimeOfDay, Unit, Value, When,
};

use super::error::JournalError;

/// The first byte of a payload.
pub const PAYLOAD_VERSION: u8 = 1;

#[derive(Serialize, Deserialize)]
pub(super) struct Payload {
    subjects: Vec<Subject>,
    sources: Vec<Arc<str>>,
    streams: Vec<StreamNames>,
    entries: Vec<StoredEntry>,
}

/// A stream as far as this group speaks of it: its fields up to the last that has a value.
#[derive(Serialize, Deserialize)]
struct StreamNames {
    name: Arc<str>,
    fields: Vec<FieldNames>,
}

#[derive(Serialize, Deserialize)]
struct FieldNames {
    name: Arc<str>,
    /// Of an enumeration, in the order that the stored numbers count in.
    words: Vec<Arc<str>>,
}

#[derive(Serialize, Deserialize)]
struct StoredEntry {
    arrival: i64,
    input: StoredInput,
}

#[derive(Serialize, Deserialize)]
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

#[derive(Serialize, Deserialize)]
struct StoredRules {
    effective: Time,
    files: Vec<RuleFile>,
}

#[derive(Serialize, Deserialize)]
struct StoredReading {
    subject: u32,
    id: [u8; 16],
    given: Option<Arc<str>>,
    rev: u32,
    hash: [u8; 16],
    content: Option<StoredContent>,
}

#[derive(Serialize, Deserialize)]
struct StoredContent {
    stream: u16,
    when: When,
    values: Vec<Option<StoredValue>>,
    source: Option<u32>,
    seq: Option<u64>,
}

#[derive(Serialize, Deserialize)]
enum StoredValue {
    Quantity { digits: i64, scale: u8, unit: u16 },
    Enum(u16),
    Text(Arc<str>),
    Bool(bool),
    TimeOfDay(TimeOfDay),
}

fn rules(change: &RuleChange) -> StoredInput {
    let stored = StoredRules { effective: change.effective, files: change.files.clone() };
    match &change.by {
        None => StoredInput::Rules(stored),
        Some(by) => StoredInput::RulesBy(stored, by.clone()),
    }
}

impl StoredRules {
    fn by(&self, by: Option<Arc<str>>) -> RuleChange {
        RuleChange { effective: self.effective, files: self.files.clone(), by }
    }
}

/// The bytes of a group.
pub(super) fn encode(schema: &Schema, entries: &[Entry]) -> Result<Vec<u8>, JournalError> {
    let mut dictionary = Dictionary::default();
    let mut stored = Vec::with_capacity(entries.len());
    for entry in entries {
        let input = match &entry.input {
            Input::Reading(reading) => StoredInput::Reading(dictionary.reading(schema, reading)?),
            Input::Profile(change) => StoredInput::Profile(change.clone()),
            Input::Rules(change) => rules(change),
            Input::Command(command) => StoredInput::Command(command.clone()),
            Input::Receipt(receipt) => StoredInput::Receipt(receipt.clone()),
            Input::DeadLetter(letter) => StoredInput::DeadLetter(letter.clone()),
            Input::Tick => StoredInput::Tick,
        };
        stored.push(StoredEntry { arrival: entry.arrival.0, input });
    }
    let payload = Payload {
        subjects: dictionary.subjects.list,
        sources: dictionary.sources.list,
        streams: dictionary.streams,
        entries: stored,
    };
    let room = Vec::with_capacity(64 + 80 * entries.len());
    postcard::to_extend(&payload, start(room)).map_err(|e| JournalError::Undecodable { offset: 0, detail: e.to_string() })
}

fn start(mut room: Vec<u8>) -> Vec<u8> {
    room.push(PAYLOAD_VERSION);
    room
}

/// The payload of the group at `offset`, whose checksum was found right.
pub(super) fn decode(offset: u64, bytes: &[u8]) -> Result<Payload, JournalError> {
    let undecodable = |detail: String| JournalError::Undecodable { offset, detail };
    match bytes.split_first() {
        Some((&PAYLOAD_VERSION, rest)) => {
            let (payload, rest) = postcard::take_from_bytes(rest).map_err(|e| undecodable(e.to_string()))?;
            if rest.is_empty() { Ok(payload) } else { Err(undecodable(format!("{} bytes too many", rest.len()))) }
        }
        Some((version, _)) => Err(undecodable(format!("its payload has version {version}"))),
        None => Err(undecodable("its payload is empty".to_owned())),
    }
}

impl Payload {
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    pub fn arrival(&self, i: usize) -> Option<Time> {
        self.entries.get(i).map(|e| Time(e.arrival))
    }

    /// The `i`-th entry in terms of the schema at hand.
    pub fn entry(&self, i: usize, offset: u64, schema: &Schema) -> Result<Entry, JournalError> {
        let undecodable = |detail: &str| JournalError::Undecodable { offset, detail: detail.to_owned() };
        let stored = self.entries.get(i).ok_or_else(|| undecodable("no such entry"))?;
        let input = match &stored.input {
            StoredInput::Reading(reading) => Input::Reading(self.reading(reading, offset, schema)?),
            StoredInput::Profile(change) => Input::Profile(change.clone()),
            StoredInput::Rules(change) => Input::Rules(change.by(None)),
            StoredInput::RulesBy(change, by) => Input::Rules(change.by(Some(by.clone()))),
            StoredInput::Command(command) => Input::Command(command.clone()),
            StoredInput::Receipt(receipt) => Input::Receipt(receipt.clone()),
            StoredInput::DeadLetter(letter) => Input::DeadLetter(letter.clone()),
            StoredInput::Tick => Input::Tick,
        };
        Ok(Entry { arrival: Time(stored.arrival), input })
    }

    fn reading(&self, stored: &StoredReading, offset: u64, schema: &Schema) -> Result<Reading, JournalError> {
        let missing = |what: &str| JournalError::Undecodable { offset, detail: format!("its dictionary lacks a {what}") };
        let subject = self.subjects.get(stored.subject as usize).ok_or_else(|| missing("subject"))?.clone();
        let content = match &stored.content {
            None => None,
            Some(content) => Some(self.content(content, offset, schema)?),
        };
        Ok(Reading {
            subject,
            id: ReadingId(u128::from_le_bytes(stored.id)),
            given: stored.given.clone(),
            rev: stored.rev,
            hash: u128::from_le_bytes(stored.hash),
            content,
        })
    }

    fn content(&self, stored: &StoredContent, offset: u64, schema: &Schema) -> Result<Content, JournalError> {
        let undecodable = |detail: String| JournalError::Undecodable { offset, detail };
        let unknown = |name: String| JournalError::NotInSchema { offset: Some(offset), name };
        let names = self
            .streams
            .get(usize::from(stored.stream))
            .ok_or_else(|| undecodable("its dictionary lacks a stream".to_owned()))?;
        let ix = schema.stream(&names.name).ok_or_else(|| unknown(format!("stream {}", names.name)))?;
        let stream = schema.get(ix);
        let mut values = vec![None; stream.fields.len()];
        for (stored, field) in stored.values.iter().zip(&names.fields) {
            let Some(stored) = stored else { continue };
            let place = stream.field(&field.name).ok_or_else(|| unknown(format!("field {}.{}", names.name, field.name)))?;
            values[usize::from(place.0)] = Some(match stored {
                StoredValue::Quantity { digits, scale, unit } => {
                    let unit = Unit::from_index(*unit).ok_or_else(|| undecodable(format!("unit {unit} is unknown")))?;
                    Value::Quantity(Amount { digits: *digits, scale: *scale, unit })
                }
                StoredValue::Enum(i) => {
                    let word =
                        field.words.get(usize::from(*i)).ok_or_else(|| undecodable("its dictionary lacks a word".to_owned()))?;
                    let FieldKind::Enum(words) = &stream.get(place).kind else {
                        return Err(unknown(format!("enumeration {}.{}", names.name, field.name)));
                    };
                    let at = words.iter().position(|w| w == word);
                    let at = at.ok_or_else(|| unknown(format!("word {word} of {}.{}", names.name, field.name)))?;
                    Value::Enum(at as u16)
                }
                StoredValue::Text(text) => Value::Text(text.clone()),
                StoredValue::Bool(b) => Value::Bool(*b),
                StoredValue::TimeOfDay(time) => Value::TimeOfDay(*time),
            });
        }
        let source = match stored.source {
            None => None,
            Some(i) => {
                Some(self.sources.get(i as usize).ok_or_else(|| undecodable("its dictionary lacks a source".to_owned()))?.clone())
            }
        };
        Ok(Content { stream: ix, when: stored.when, values: values.into_boxed_slice(), source, seq: stored.seq })
    }
}

/// What repeats in a group, each with its place.
#[derive(Default)]
struct Dictionary {
    subjects: Places<Subject>,
    sources: Places<Arc<str>>,
    streams: Vec<StreamNames>,
    stream_places: HashMap<StreamIx, u16>,
}

struct Places<T> {
    list: Vec<T>,
    places: HashMap<T, u32>,
}

impl<T> Default for Places<T> {
    fn default() -> Self {
        Places { list: Vec::new(), places: HashMap::new() }
    }
}

impl<T: Clone + Eq + std::hash::Hash> Places<T> {
    fn of(&mut self, item: &T) -> u32 {
        if let Some(place) = self.places.get(item) {
            return *place;
        }
        let place = self.list.len() as u32;
        self.list.push(item.clone());
        self.places.insert(item.clone(), place);
        place
    }
}

impl Dictionary {
    fn reading(&mut self, schema: &Schema, reading: &Reading) -> Result<StoredReading, JournalError> {
        let content = match &reading.content {
            None => None,
            Some(content) => Some(self.content(schema, content)?),
        };
        Ok(StoredReading {
            subject: self.subjects.of(&reading.subject),
            id: reading.id.0.to_le_bytes(),
            given: reading.given.clone(),
            rev: reading.rev,
            hash: reading.hash.to_le_bytes(),
            content,
        })
    }

    fn content(&mut self, schema: &Schema, content: &Content) -> Result<StoredContent, JournalError> {
        // Trailing absent values are left out, so that a stream's later fields need not stand in the dictionary.
        let said = content.values.iter().rposition(Option::is_some).map_or(0, |last| last + 1);
        let stream = self.stream(schema, content.stream, said)?;
        let values = content.values[..said].iter().map(|v| v.as_ref().map(stored_value)).collect();
        let source = content.source.as_ref().map(|s| self.sources.of(s));
        Ok(StoredContent { stream, when: content.when, values, source, seq: content.seq })
    }

    fn stream(&mut self, schema: &Schema, ix: StreamIx, fields: usize) -> Result<u16, JournalError> {
        let declared =
            schema.streams.get(usize::from(ix.0)).filter(|s| s.fields.len() >= fields).ok_or_else(|| {
                JournalError::NotInSchema { offset: None, name: format!("stream {} with {fields} fields", ix.0) }
            })?;
        let place = *self.stream_places.entry(ix).or_insert_with(|| {
            self.streams.push(StreamNames { name: declared.name.clone(), fields: Vec::new() });
            self.streams.len() as u16 - 1
        });
        let known = &mut self.streams[usize::from(place)].fields;
        for field in declared.fields.iter().take(fields).skip(known.len()) {
            let words = if let FieldKind::Enum(words) = &field.kind { words.clone() } else { Vec::new() };
            known.push(FieldNames { name: field.name.clone(), words });
        }
        Ok(place)
    }
}

fn stored_value(value: &Value) -> StoredValue {
    match value {
        Value::Quantity(amount) => {
            StoredValue::Quantity { digits: amount.digits, scale: amount.scale, unit: amount.unit.index() }
        }
        Value::Enum(i) => StoredValue::Enum(*i),
        Value::Text(text) => StoredValue::Text(text.clone()),
        Value::Bool(b) => StoredValue::Bool(*b),
        Value::TimeOfDay(time) => StoredValue::TimeOfDay(*time),
    }
}

#[cfg(test)]
mod tests {
    use vitalog_elog::{Dimension, Field, Shape, Stream, Time};

    use super::*;

    /// INVARIANT (frozen format): these are the bytes of payload version 1. If this test fails, journals that were written before can no longer be
    /// read: make the change a new version beside the old one.
    #[test]
    fn the_bytes_of_version_1_stay() {
        let unit = Unit::named(Dimension::Glucose, "mmol/L").expect("a unit");
        let field = |name: &str, kind| Field { name: name.into(), kind, optional: true, range: None, doc: None };
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

        let bytes = encode(&schema, &entries).expect("encoded");
        let hex: String = bytes.iter().map(|b| format!("{b:02x}")).collect();
        expect_test::expect!["010101700102673701026267040576616c75650003686f77020666696e6765720673656e736f72046e6f7465000766617374696e67000301000004030201000000000000000000000000010178020d0c0b0a0000000000000000000000000100008080afa2dbffad06040100c409020101010101020161010301010001ac02010500016300016d02ff0101730106"].assert_eq(&hex);
        let payload = decode(0, &bytes).expect("decoded");
        let read: Vec<Entry> = (0..payload.len()).map(|i| payload.entry(i, 0, &schema).expect("an entry")).collect();
        assert_eq!(read, entries);
    }

    #[test]
    fn another_version_and_trailing_bytes_are_refused() {
        let mut bytes = encode(&Schema::default(), &[Entry { arrival: Time(0), input: Input::Tick }]).expect("encoded");
        bytes.push(0);
        assert!(matches!(decode(7, &bytes), Err(JournalError::Undecodable { offset: 7, .. })));
        bytes.pop();
        bytes[0] = 2;
        assert!(decode(7, &bytes).is_err_and(|e| e.to_string().contains("version 2")));
        assert!(decode(7, &[]).is_err());
    }
}
