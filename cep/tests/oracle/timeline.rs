//! The timeline of one subject: its current readings, as far as the clock has come.
//!
//! Refuses to remember: it is made anew from all revisions ever received, so the order in which they came cannot matter.

use std::collections::{BTreeMap, BTreeSet};

use vitalog_elog::{Reading, ReadingId, StreamIx, Subject, Time, When};

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
    pub fn of(subject: &Subject, revisions: &[Reading], clock: Time) -> Timeline {
        let mut current: BTreeMap<ReadingId, &Reading> = BTreeMap::new();
        for revision in revisions.iter().filter(|r| r.subject == *subject) {
            let is_greater = current.get(&revision.id).is_none_or(|was| revision.revision() > was.revision());
            if is_greater {
                current.insert(revision.id, revision);
            }
        }
        let seen = current.values().filter_map(|r| see(r));
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
