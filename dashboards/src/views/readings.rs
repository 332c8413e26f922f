//! Current readings, and the revisions that are no longer or not yet current.

use std::ops::Range;

use foldhash::HashSet;
use rusqlite::{Transaction, params};
use vitalog_elog::effect::Former;
use vitalog_elog::{Outcome, Reading, ReadingId, Time};

use super::days::Days;
use super::error::ViewsError;
use super::lookup::{self, Place, Row, Search};
use super::rows;
use super::stored::{self, Stored};
use super::subjects::Subjects;

/// Writes the readings of one transaction.
///
/// New ones, which is nearly all of them, wait until its end and are then written in the order in which they lie in the file: neighbours share
/// the pages that have to be found, changed and stored.
pub struct ReadingWriter<'t> {
    tx: &'t Transaction<'t>,
    days: &'t mut Days,
    waiting: Vec<Waiting>,
    /// The subjects and ids of those that wait, once anybody asked: a revision of one of them must find it in the file.
    ids: Option<HashSet<(i64, u128)>>,
    bodies: Vec<u8>,
    buffer: Vec<u8>,
}

struct Waiting {
    /// Subject, stream, place and id: the order of the file.
    key: (i64, u16, i64, u128),
    body: Range<usize>,
    is_named: bool,
    /// The input that brought it, and its arrival.
    came: (u64, Time),
}

const INSERT: (&str, usize) = ("insert or fail into readings (subject, stream, at, id, body)", 5);
const INSERT_NAME: &str = "insert into names (subject, id, stream, at) values (?1, ?2, ?3, ?4)";
const INSERT_REVISION: &str =
    "insert or ignore into revisions (subject, id, rev, hash, stream, at, body, ended_record, ended_arrival)
     values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)";

impl<'t> ReadingWriter<'t> {
    pub fn new(tx: &'t Transaction<'t>, days: &'t mut Days) -> ReadingWriter<'t> {
        ReadingWriter { tx, days, waiting: Vec::new(), ids: None, bodies: Vec::new(), buffer: Vec::with_capacity(256) }
    }

    /// Returns the number of its subject.
    pub fn apply(
        &mut self,
        subjects: &mut Subjects,
        record: u64,
        arrival: Time,
        reading: &Reading,
        outcome: &Outcome,
    ) -> Result<i64, ViewsError> {
        let subject = subjects.number(&reading.subject, record, arrival);
        match outcome {
            Outcome::Duplicate => return Ok(subject),
            Outcome::New => {}
            Outcome::Outdated => return self.keep_as_history(subject, record, arrival, reading),
            Outcome::Superseded { was } => self.supersede(subjects, (subject, reading.id), was, (record, arrival))?,
        }
        let Some(content) = &reading.content else { return self.keep_as_history(subject, record, arrival, reading) };
        Stored::of(reading, record, arrival).encode(&mut self.buffer)?;
        let start = self.bodies.len();
        self.bodies.extend_from_slice(&self.buffer);
        let key = (subject, content.stream.0, stored::place(content.when), reading.id.0);
        self.waiting.push(Waiting {
            key,
            body: start..self.bodies.len(),
            is_named: reading.given.is_some(),
            came: (record, arrival),
        });
        if let Some(ids) = &mut self.ids {
            ids.insert((subject, reading.id.0));
        }
        subjects.came(subject, content.when);
        Ok(subject)
    }

    /// Writes what waits.
    pub fn flush(&mut self) -> Result<(), ViewsError> {
        self.waiting.sort_unstable_by_key(|w| w.key);
        self.days.note(self.tx, self.waiting.iter().map(|w| ((w.key.0, w.key.1, w.key.2), w.came)))?;
        rows::put(self.tx, INSERT, &self.waiting, |insert, first, waiting| {
            let (subject, stream, at, id) = waiting.key;
            insert.raw_bind_parameter(first, subject)?;
            insert.raw_bind_parameter(first + 1, stream)?;
            insert.raw_bind_parameter(first + 2, at)?;
            insert.raw_bind_parameter(first + 3, id.to_be_bytes())?;
            insert.raw_bind_parameter(first + 4, &self.bodies[waiting.body.clone()])
        })?;
        let mut name = self.tx.prepare_cached(INSERT_NAME)?;
        for (subject, stream, at, id) in self.waiting.iter().filter(|waiting| waiting.is_named).map(|waiting| waiting.key) {
            name.execute(params![subject, id.to_be_bytes(), stream, at])?;
        }
        self.waiting.clear();
        self.ids = None;
        self.bodies.clear();
        Ok(())
    }

    /// A revision that is not current: it was outdated when it came, or it is a removal.
    fn keep_as_history(&mut self, subject: i64, record: u64, arrival: Time, reading: &Reading) -> Result<i64, ViewsError> {
        Stored::of(reading, record, arrival).encode(&mut self.buffer)?;
        let stream = reading.content.as_ref().map(|c| c.stream.0);
        let at = reading.content.as_ref().map(|c| stored::place(c.when));
        let (id, hash) = (reading.id.0.to_be_bytes(), reading.hash.to_be_bytes());
        self.tx.prepare_cached(INSERT_REVISION)?.execute(params![
            subject,
            id,
            reading.rev,
            hash,
            stream,
            at,
            self.buffer,
            None::<i64>,
            None::<i64>
        ])?;
        Ok(subject)
    }

    /// Takes the row that was current, if there is one (a removal has none), into the history: the input at `record` has its place now.
    fn supersede(
        &mut self,
        subjects: &mut Subjects,
        (subject, id): (i64, ReadingId),
        was: &Former,
        (record, arrival): (u64, Time),
    ) -> Result<(), ViewsError> {
        let waiting = || self.waiting.iter().map(|waiting| (waiting.key.0, waiting.key.3)).collect();
        if self.ids.get_or_insert_with(waiting).contains(&(subject, id.0)) {
            self.flush()?;
        }
        let Some((stream, at)) = was.place else { return Ok(()) };
        let place = Place { stream: stream.0, at: at.0 };
        let Some(Row { place, body }) = lookup::find(self.tx, subject, id, &[Search::At(place), Search::Names, Search::All])?
        else {
            return Ok(());
        };
        let former = Stored::decode(&body)?;
        let id = id.0.to_be_bytes();
        self.tx.prepare_cached(INSERT_REVISION)?.execute(params![
            subject,
            id,
            former.rev,
            was.hash.to_be_bytes(),
            place.stream,
            place.at,
            body,
            record as i64,
            arrival.0
        ])?;
        self.tx
            .prepare_cached("delete from readings where subject = ?1 and stream = ?2 and at = ?3 and id = ?4")?
            .execute(params![subject, place.stream, place.at, id])?;
        if former.given.is_some() {
            self.tx.prepare_cached("delete from names where subject = ?1 and id = ?2")?.execute(params![subject, id])?;
        }
        subjects.went(subject);
        Ok(())
    }
}
