//! The timeline of one subject: its current readings, as far as the clock has come.
//!
//! Refuses to remember: it is made anew from all revisions ever received, so the order in which they came cannot matter.

use std::collections::{BTreeMap, BTreeSet};

use vitalog_elog::{Reading, ReadingId, Schema, StreamIx, Subject, Time, When};

use super::scene::{Known, known};

/// An instant in microseconds, wide enough that no sum of an instant and a span can overflow.
pub type Micros = i128;

/// One visible reading.
#[derive(Clone, Debug, PartialEq)]
pub struct Seen {
    pub id: ReadingId,
    pub stream: StreamIx,
    pub start: Micros,
    /// `None`: an interval that goes on.
    pub instant: Option<Micros>,
    /// Where it ends: of a reading its instant, of a finding its end, if it has one.
    pub end: Option<Micros>,
    pub values: Vec<Option<Known>>,
    /// Itself; of a finding the readings that it rests on.
    pub rests_on: Vec<ReadingId>,
}

/// All visible readings of a subject.
#[derive(Clone, Debug, Default)]
pub struct Timeline {
    pub readings: Vec<Seen>,
}

impl Timeline {
    /// Of each id the greatest (rev, hash); a removal leaves nothing; what lies after the clock is not seen.
    ///
    /// Those of other subjects are seen too where a field of a stream that is also by it names this one, under an id of their own.
    pub fn of(subject: &Subject, revisions: &[Reading], schema: &Schema, clock: Time) -> Timeline {
        let mut current: BTreeMap<(&Subject, ReadingId), &Reading> = BTreeMap::new();
        for revision in revisions {
            let of_id = (&revision.subject, revision.id);
            let is_greater = current.get(&of_id).is_none_or(|was| revision.revision() > was.revision());
            if is_greater {
                current.insert(of_id, revision);
            }
        }
        let seen = current.values().filter_map(|r| {
            let mut seen = see(r)?;
            if r.subject != *subject {
                if !names(r, subject, schema) {
                    return None;
                }
                seen.id = ReadingId::seen_from(&r.subject, r.id);
                seen.rests_on = vec![seen.id];
            }
            Some(seen)
        });
        Timeline { readings: seen.filter(|s| s.joins() <= micros(clock)).collect() }
    }

    /// The readings of a stream that have an instant, at that instant.
    pub fn at(&self, stream: StreamIx, instant: Micros) -> Vec<&Seen> {
        self.readings.iter().filter(|s| s.stream == stream && s.instant == Some(instant)).collect()
    }

    /// All instants of a stream, in order.
    pub fn instants(&self, stream: StreamIx) -> BTreeSet<Micros> {
        self.readings.iter().filter(|s| s.stream == stream).filter_map(|s| s.instant).collect()
    }

    /// The least instant of all that was sent; of what goes on, the start.
    pub fn enrolment(&self) -> Option<Micros> {
        self.readings.iter().filter(|s| s.stream.derived().is_none()).map(Seen::joins).min()
    }
}

impl Seen {
    /// When the clock lets it in.
    fn joins(&self) -> Micros {
        self.instant.unwrap_or(self.start)
    }
}

/// Whether a further field of the reading names the subject.
pub fn names(reading: &Reading, subject: &Subject, schema: &Schema) -> bool {
    let Some(content) = &reading.content else { return false };
    let also = &schema.streams[usize::from(content.stream.0)].also_by;
    let said = also.iter().filter_map(|f| content.values.get(usize::from(f.0))?.as_ref());
    said.into_iter()
        .any(|v| matches!(v, vitalog_elog::Value::Text(name) if **name == *subject.as_str() && Subject::is_valid(name)))
}

fn see(reading: &Reading) -> Option<Seen> {
    let content = reading.content.as_ref()?;
    let (start, instant) = match content.when {
        When::At(t) => (t, Some(t)),
        When::During { start, end } => (start, end),
    };
    Some(Seen {
        id: reading.id,
        stream: content.stream,
        start: micros(start),
        instant: instant.map(micros),
        end: instant.map(micros),
        values: content.values.iter().map(|v| v.as_ref().map(known)).collect(),
        rests_on: vec![reading.id],
    })
}

pub fn micros(t: Time) -> Micros {
    i128::from(t.0)
}

/// Back from where only instants of readings, and such plus a span that the clock has passed, are left.
pub fn time(m: Micros) -> Time {
    Time(i64::try_from(m).expect("an instant that the clock has reached fits"))
}
