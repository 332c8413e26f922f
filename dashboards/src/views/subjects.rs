//! The subjects: their numbers, when something was last heard, and what about them wants a look.
//!
//! Kept in memory beside the table, so that a reading costs one statement; what a transaction touched is written at its end.

use std::collections::BTreeSet;

use foldhash::{HashMap, HashMapExt};
use rusqlite::{Connection, params};
use serde::{Deserialize, Serialize};
use vitalog_elog::{Severity, Subject, Time, When};

use super::error::ViewsError;
use super::stored::{ONGOING, Stored};

/// What stands about a subject, by severity, [`Severity::Info`] first: the material of the ranking. Dismissed findings are not in it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attention {
    pub grades: [Standing; Severity::ALL.len()],
}

/// What stands at one severity.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Standing {
    /// Open episodes and silences that nobody has acknowledged.
    pub open: u32,
    /// Open episodes and silences that somebody has.
    pub acknowledged: u32,
    /// The latest `at` of a match that nobody has acknowledged and that was told, in microseconds. A match has no end to reach, so how long it
    /// wants a look is the ranking's to say.
    pub latest_match: Option<i64>,
}

struct Known {
    name: Subject,
    /// The offset and the arrival of the first that ever came.
    first: (u64, i64),
    /// The greatest instant of a current reading (for one that goes on: its start).
    last_at: Option<i64>,
    last_arrival: i64,
    readings: i64,
    attention: Attention,
    stored: bool,
    is_touched: bool,
}

impl Known {
    /// In the place of one that was forgotten. No name leads there.
    fn forgotten() -> Known {
        let attention = Attention::default();
        Known {
            name: Subject::new(""),
            first: (0, 0),
            last_at: None,
            last_arrival: 0,
            readings: 0,
            attention,
            stored: true,
            is_touched: false,
        }
    }
}

/// All subjects, by number. INVARIANT (numbers): the first subject ever heard of has number 1, and each new one the next, so a rebuilt file
/// numbers them alike, but for gaps where some were forgotten.
pub struct Subjects {
    all: Vec<Known>,
    numbers: HashMap<Subject, i64>,
    /// Each once.
    touched: Vec<i64>,
    /// Their latest reading may have gone.
    unsure: BTreeSet<i64>,
    /// Their findings changed.
    judged: BTreeSet<i64>,
}

impl Subjects {
    pub fn load(conn: &Connection) -> Result<Subjects, ViewsError> {
        let mut all = Vec::new();
        let mut numbers = HashMap::new();
        let mut rows = conn.prepare(
            "select name, last_at, last_arrival, readings, attention, first_record, first_arrival, subject from subjects order by subject",
        )?;
        let mut rows = rows.query([])?;
        while let Some(row) = rows.next()? {
            let name = Subject::new(&row.get::<_, String>(0)?);
            let attention = Attention::from_text(&row.get::<_, String>(4)?)?;
            let number: i64 = row.get(7)?;
            numbers.insert(name.clone(), number);
            all.resize_with((number - 1).max(0) as usize, Known::forgotten);
            all.push(Known {
                name,
                last_at: row.get(1)?,
                last_arrival: row.get(2)?,
                readings: row.get(3)?,
                attention,
                first: (row.get::<_, i64>(5)? as u64, row.get(6)?),
                stored: true,
                is_touched: false,
            });
        }
        Ok(Subjects { all, numbers, touched: Vec::new(), unsure: BTreeSet::new(), judged: BTreeSet::new() })
    }

    /// The number of a subject of which something came by the input at `record`; a new one where it was never heard of.
    pub fn number(&mut self, subject: &Subject, record: u64, arrival: Time) -> i64 {
        let number = match self.numbers.get(subject) {
            Some(number) => *number,
            None => {
                self.all.push(Known {
                    name: subject.clone(),
                    first: (record, arrival.0),
                    last_at: None,
                    last_arrival: arrival.0,
                    readings: 0,
                    attention: Attention::default(),
                    stored: false,
                    is_touched: false,
                });
                let number = self.all.len() as i64;
                self.numbers.insert(subject.clone(), number);
                number
            }
        };
        self.touch(number);
        let known = self.at(number);
        known.last_arrival = known.last_arrival.max(arrival.0);
        number
    }

    /// What is known of it is to be written.
    fn touch(&mut self, number: i64) {
        if !std::mem::replace(&mut self.at(number).is_touched, true) {
            self.touched.push(number);
        }
    }

    /// The number of a subject, where something was ever heard of it.
    pub fn known(&self, subject: &Subject) -> Option<i64> {
        self.numbers.get(subject).copied()
    }

    /// Counts a subject's readings again.
    pub fn recount(&mut self, conn: &Connection, number: i64) -> Result<(), ViewsError> {
        let mut count = conn.prepare_cached("select count(*) from readings where subject = ?1")?;
        self.at(number).readings = count.query_row([number], |r| r.get(0))?;
        self.touch(number);
        self.unsure.insert(number);
        Ok(())
    }

    /// A reading became current.
    pub fn came(&mut self, number: i64, when: When) {
        let instant = when.instant().unwrap_or(when.start()).0;
        let known = self.at(number);
        known.readings += 1;
        known.last_at = known.last_at.max(Some(instant));
    }

    /// A reading is current no longer.
    pub fn went(&mut self, number: i64) {
        self.at(number).readings -= 1;
        self.unsure.insert(number);
    }

    /// A finding changed, or what people did about it.
    pub fn judge(&mut self, number: i64) {
        self.judged.insert(number);
    }

    /// Writes what the transaction touched.
    pub fn store(&mut self, conn: &Connection) -> Result<(), ViewsError> {
        for number in std::mem::take(&mut self.unsure) {
            self.at(number).last_at = latest(conn, number)?;
        }
        for number in std::mem::take(&mut self.judged) {
            self.at(number).attention = judge(conn, number)?;
            self.touch(number);
        }
        let mut update = conn.prepare_cached(
            "update subjects set last_at = ?2, last_arrival = ?3, readings = ?4, attention = ?5 where subject = ?1",
        )?;
        let mut insert = conn.prepare_cached(
            "insert into subjects (subject, last_at, last_arrival, readings, attention, name, first_record, first_arrival) values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
        )?;
        self.touched.sort_unstable();
        for number in std::mem::take(&mut self.touched) {
            let known = self.at(number);
            known.is_touched = false;
            let attention = known.attention.text()?;
            if known.stored {
                update.execute(params![number, known.last_at, known.last_arrival, known.readings, attention])?;
            } else {
                let (name, first) = (known.name.as_str(), (known.first.0 as i64, known.first.1));
                insert.execute(params![
                    number,
                    known.last_at,
                    known.last_arrival,
                    known.readings,
                    attention,
                    name,
                    first.0,
                    first.1
                ])?;
                known.stored = true;
            }
        }
        Ok(())
    }

    fn at(&mut self, number: i64) -> &mut Known {
        // Numbers are only ever made by `number`, one past the place in the list.
        &mut self.all[(number - 1) as usize]
    }
}

impl Attention {
    pub fn from_text(text: &str) -> Result<Attention, ViewsError> {
        if text.is_empty() {
            return Ok(Attention::default());
        }
        serde_json::from_str(text).map_err(|_| ViewsError::Damaged("what stands about a subject"))
    }

    fn text(&self) -> Result<String, ViewsError> {
        if *self == Attention::default() {
            return Ok(String::new());
        }
        serde_json::to_string(self).map_err(|_| ViewsError::Damaged("what stands about a subject could not be written"))
    }
}

/// The greatest instant of a subject's current readings, found by one step per stream.
fn latest(conn: &Connection, subject: i64) -> Result<Option<i64>, ViewsError> {
    let mut streams = conn.prepare_cached(
        "with recursive s(stream) as (
             select min(stream) from readings where subject = ?1
             union all
             select (select min(stream) from readings where subject = ?1 and stream > s.stream) from s where s.stream is not null)
         select stream, (select max(at) from readings r where r.subject = ?1 and r.stream = s.stream and r.at < ?2) from s where stream is not null",
    )?;
    let mut greatest = None;
    let mut rows = streams.query(params![subject, ONGOING])?;
    while let Some(row) = rows.next()? {
        greatest = greatest.max(row.get::<_, Option<i64>>(1)?);
        let stream: i64 = row.get(0)?;
        let mut ongoing = conn.prepare_cached("select body from readings where subject = ?1 and stream = ?2 and at = ?3")?;
        let mut bodies = ongoing.query(params![subject, stream, ONGOING])?;
        while let Some(body) = bodies.next()? {
            let body: Vec<u8> = body.get(0)?;
            greatest = greatest.max(Stored::decode(&body)?.content.and_then(|c| c.start));
        }
    }
    Ok(greatest)
}

/// What stands about a subject now.
fn judge(conn: &Connection, subject: i64) -> Result<Attention, ViewsError> {
    let mut rows = conn.prepare_cached(
        "select severity, kind in (2, 3), acknowledged is not null, count(*), max(at) from recommendations
         where subject = ?1 and state = 0 and dismissed is null and (kind not in (2, 3) or (quiet = 0 and acknowledged is null)) and quiet <> 4 group by 1, 2, 3",
    )?;
    let mut rows = rows.query([subject])?;
    let mut attention = Attention::default();
    while let Some(row) = rows.next()? {
        let (severity, is_match, acknowledged): (u8, bool, bool) = (row.get(0)?, row.get(1)?, row.get(2)?);
        let grade = attention.grades.get_mut(usize::from(severity)).ok_or(ViewsError::Damaged("a severity"))?;
        match (is_match, acknowledged) {
            (true, _) => grade.latest_match = row.get(4)?,
            (false, false) => grade.open = row.get(3)?,
            (false, true) => grade.acknowledged = row.get(3)?,
        }
    }
    Ok(attention)
}
