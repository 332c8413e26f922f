//! Contact: when a subject's devices were heard, as readings of the stream `contact` that the gateway writes itself.
//!
//! A rule about silence by event time cannot tell a sensor without readings from a phone without a network: the readings of both stop. When something was *heard* is
//! known here alone, so it is made a reading like any other: journaled with what was heard, in the lake, on the timeline, and the same at every replay.
//!
//! It is written where the rules declare such a stream, for first sendings only (an amendment is a person at a desk), and at most once a minute for a
//! subject and source. What was said last is not kept over a restart: one more row then does no harm.

use std::sync::Arc;

use foldhash::HashMap;
use vitalog_elog::schema::FieldKind;
use vitalog_elog::{Content, Entry, Input, Reading, Schema, Span, StreamIx, Subject, Time, Value, When};

/// The stream's name.
const STREAM: &str = "contact";
/// The field that names the source, where it is declared.
const SOURCE: &str = "source";
/// No more often than this, of one subject and source: sensors send every few minutes, and a flood needs one row.
const PACE: Span = Span::minutes(1);

/// Who was heard lately.
#[derive(Debug, Default)]
pub struct Contacts {
    last: HashMap<(Subject, Option<Arc<str>>), Time>,
    /// When what is too old to matter was last dropped.
    swept: Time,
}

impl Contacts {
    /// What is to be journaled with a group that was accepted at `arrival`.
    pub fn of(&mut self, group: &[Entry], schema: &Schema, arrival: Time) -> Vec<Entry> {
        let Some(stream) = schema.stream(STREAM) else { return Vec::new() };
        self.sweep(arrival);
        let mut heard = Vec::new();
        for entry in group {
            let Input::Reading(reading) = &entry.input else { continue };
            let Some(content) = reading.content.as_ref().filter(|c| reading.rev == 1 && c.stream != stream) else { continue };
            let who = (reading.subject.clone(), content.source.clone());
            if self.last.get(&who).is_some_and(|last| arrival.since(*last) < PACE) {
                continue;
            }
            self.last.insert(who, arrival);
            heard.push(contact(schema, stream, reading.subject.clone(), content.source.clone(), arrival));
        }
        heard
    }

    fn sweep(&mut self, arrival: Time) {
        if arrival.since(self.swept) >= PACE {
            self.last.retain(|_, last| arrival.since(*last) < PACE);
            self.swept = arrival;
        }
    }
}

fn contact(schema: &Schema, stream: StreamIx, subject: Subject, source: Option<Arc<str>>, arrival: Time) -> Entry {
    let fields = &schema.get(stream).fields;
    let values = fields.iter().map(|field| match (&*field.name, &field.kind) {
        (SOURCE, FieldKind::Text) => source.clone().map(Value::Text),
        _ => None,
    });
    let content = Content { stream, when: When::At(arrival), values: values.collect(), source, seq: None };
    Entry { arrival, input: Input::Reading(Reading::present(subject, None, 1, STREAM, content)) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use vitalog_elog::schema::{Shape, Stream};

    fn stream(name: &str) -> Stream {
        Stream {
            name: Arc::from(name),
            shape: Shape::Instant,
            fields: Vec::new(),
            checks: Vec::new(),
            every: None,
            silent_after: None,
            by: None,
            also_by: Vec::new(),
            doc: None,
        }
    }

    fn heard(contacts: &mut Contacts, schema: &Schema, subject: &str, source: &str, rev: u32, at_s: i64) -> usize {
        let content = Content {
            stream: StreamIx(0),
            when: When::At(Time(0)),
            values: Box::default(),
            source: Some(Arc::from(source)),
            seq: None,
        };
        let reading = Reading::present(Subject::new(subject), Some(Arc::from("r")), rev, "bg", content);
        let arrival = Time(at_s * 1_000_000);
        contacts.of(&[Entry { arrival, input: Input::Reading(reading) }], schema, arrival).len()
    }

    #[test]
    fn once_a_minute_for_each_subject_and_source_and_not_for_amendments() {
        let schema = Schema { streams: vec![stream("bg"), stream("contact")] };
        let contacts = &mut Contacts::default();
        let said: Vec<usize> = [
            ("a", "g7", 1, 0),
            ("a", "g7", 1, 59),
            ("a", "pump", 1, 59),
            ("b", "g7", 1, 59),
            ("a", "g7", 1, 60),
            ("a", "g7", 2, 300),
            ("a", "g7", 1, 300),
        ]
        .map(|(subject, source, rev, at)| heard(contacts, &schema, subject, source, rev, at))
        .to_vec();
        assert_eq!(said, [1, 0, 1, 1, 1, 0, 1]);
        assert_eq!(contacts.last.len(), 1, "what is too old to matter is dropped");
    }

    #[test]
    fn nothing_where_no_such_stream_is_declared() {
        let schema = Schema { streams: vec![stream("bg")] };
        assert_eq!(heard(&mut Contacts::default(), &schema, "a", "g7", 1, 0), 0);
    }
}
