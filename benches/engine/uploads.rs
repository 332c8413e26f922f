//! Devices that send every so often what they gathered since, as phones do: the readings of a subject come in their order, behind what the gateway has said meanwhile of when it heard of them.

use std::collections::BTreeMap;
use std::sync::Arc;

use vitalog_elog::{Content, Reading, Schema, StreamIx, Subject, Time, When};

use crate::population::{Arrival, MINUTE};

/// Of no subject contact is said more often.
const PACE: i64 = MINUTE;

/// Holds readings back until they are sent.
pub struct Uploads {
    every: Option<i64>,
    contact: Option<(StreamIx, usize)>,
    held: BTreeMap<(Time, u64), Reading>,
    heard: BTreeMap<Subject, Time>,
    count: u64,
}

impl Uploads {
    /// `minutes` between two of a subject; `None`: each reading as it comes, and nothing is said of contact.
    pub fn new(schema: &Arc<Schema>, minutes: Option<u64>) -> Uploads {
        let contact = schema.stream("contact").map(|stream| (stream, schema.get(stream).fields.len()));
        let every = minutes.map(|minutes| minutes as i64 * MINUTE);
        Uploads { every, contact, held: BTreeMap::new(), heard: BTreeMap::new(), count: 0 }
    }

    /// What arrives by the last of these, with what the gateway says of it.
    pub fn deliver(&mut self, batch: Vec<Arrival>) -> Vec<Arrival> {
        let Some(every) = self.every else { return batch };
        let Some((until, _)) = batch.last().cloned() else { return batch };
        for (at, reading) in batch {
            self.count += 1;
            // Not all at once.
            let phase = reading.subject.as_str().bytes().fold(0_i64, |n, b| (n * 31 + i64::from(b)) % 9_973) * every / 9_973;
            let sent = Time(at.0 + (phase - at.0).rem_euclid(every));
            self.held.insert((sent, self.count), reading);
        }
        let rest = self.held.split_off(&(Time(until.0 + 1), 0));
        let sent = std::mem::replace(&mut self.held, rest);
        let mut out: Vec<Arrival> = Vec::with_capacity(sent.len());
        for ((at, _), reading) in sent {
            let subject = reading.subject.clone();
            out.push((at, reading));
            // A long one is many requests, and of contact it is said after the first.
            out.extend(self.contact(subject, at).map(|contact| (at, contact)));
        }
        out
    }

    fn contact(&mut self, subject: Subject, at: Time) -> Option<Reading> {
        let (stream, fields) = self.contact?;
        if self.heard.get(&subject).is_some_and(|last| at.0 - last.0 < PACE) {
            return None;
        }
        self.heard.insert(subject.clone(), at);
        let content = Content { stream, when: When::At(at), values: vec![None; fields].into(), source: None, seq: None };
        Some(Reading::present(subject, None, 1, "contact", content))
    }
}
