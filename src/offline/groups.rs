//! Which subjects must be looked at together.
//!
//! Subjects are independent, so a history can be cut between them. Where a stream is seen under several subjects, a reading joins all that it names:
//! whoever looks at one of them needs the readings of the others.

use std::collections::BTreeMap;

use vitalog_elog::{Reading, Schema, Subject};

/// Subjects in groups that no reading joins to another group.
#[derive(Default)]
pub struct Groups {
    place: BTreeMap<Subject, usize>,
    /// Of each subject another of its group that was there before it, or itself.
    towards: Vec<usize>,
}

impl Groups {
    /// Notes whom a reading is about, and whom it joins.
    pub fn note(&mut self, reading: &Reading, schema: &Schema) {
        let own = self.place_of(&reading.subject);
        for further in reading.content.iter().flat_map(|c| c.further_subjects(schema)) {
            let other = self.place_of(&further);
            let (a, b) = (self.first(own), self.first(other));
            self.towards[a.max(b)] = a.min(b);
        }
    }

    /// The number of a subject's group.
    pub fn of(&mut self, subject: &Subject) -> usize {
        let place = self.place_of(subject);
        self.first(place)
    }

    fn place_of(&mut self, subject: &Subject) -> usize {
        if let Some(place) = self.place.get(subject) {
            return *place;
        }
        let place = self.towards.len();
        self.place.insert(subject.clone(), place);
        self.towards.push(place);
        place
    }

    fn first(&mut self, mut place: usize) -> usize {
        while self.towards[place] != place {
            // Halving the way keeps it short.
            self.towards[place] = self.towards[self.towards[place]];
            place = self.towards[place];
        }
        place
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use vitalog_elog::{Content, Field, FieldIx, FieldKind, Shape, Stream, StreamIx, Time, Value, When};

    fn schema() -> Schema {
        let card = Field { name: "card".into(), kind: FieldKind::Text, optional: false, range: None, usual: None, doc: None };
        Schema {
            streams: vec![Stream {
                name: "booking".into(),
                shape: Shape::Instant,
                fields: vec![card],
                checks: vec![],
                every: None,
                silent_after: None,
                by: None,
                also_by: vec![FieldIx(0)],
                doc: None,
            }],
        }
    }

    fn booking(guest: &str, card: &str) -> Reading {
        let values = vec![Some(Value::Text(card.into()))].into_boxed_slice();
        let content = Content { stream: StreamIx(0), when: When::At(Time(0)), values, source: None, seq: None };
        Reading::present(Subject::new(guest), None, 1, "booking", content)
    }

    #[test]
    fn who_is_joined_by_readings_is_one_group() {
        let (schema, mut groups) = (schema(), Groups::default());
        for (guest, card) in [("a", "1"), ("b", "2"), ("c", "3"), ("b", "3"), ("d", "4"), ("c", "1")] {
            groups.note(&booking(guest, card), &schema);
        }
        let joined = ["a", "b", "c", "1", "2", "3"].map(|name| groups.of(&Subject::new(name)));
        assert!(joined.iter().all(|group| *group == joined[0]), "{joined:?}");
        assert_ne!(groups.of(&Subject::new("d")), joined[0]);
        assert_eq!(groups.of(&Subject::new("d")), groups.of(&Subject::new("4")));
        assert_ne!(groups.of(&Subject::new("nobody")), joined[0]);
    }
}
