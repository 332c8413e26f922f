//! The store behind the pages: what is current, and what was, in a form that answers questions fast.
//!
//! A sink like the others: it is fed with what the journal and the engine made, commits it together with the position in one transaction,
//! passes over what it already has, and refuses another journal. It decides nothing and can be deleted: fed again from the start, it holds the
//! same (see [`Views::content_hash`]). It reads no clock.

mod answered;
mod content;
mod days;
mod deliveries;
mod error;
mod forget;
mod fresh;
mod letters;
mod log;
mod lookup;
mod metering;
mod named;
mod profiles;
mod readings;
mod recommendations;
mod repair;
mod responses;
mod rows;
mod sources;
mod stored;
mod subjects;
mod tables;

use std::path::Path;

use rusqlite::{Connection, OptionalExtension, Transaction, params};
use vitalog_elog::{Effect, Input, MatchId, Position, Record, Schema, Subject};

pub(crate) use answered::decoded as answered_from;
pub(crate) use days::{day_bounds, day_of};
pub use error::ViewsError;
pub use fresh::{FreshSums, fresh};
pub(crate) use lookup::{Place, Row, Search, find};
pub(crate) use recommendations::{SHADOW, change_from, kind_from, quiet_from, state_from, state_number, wordings_from};
pub(crate) use sources::{Heard, HeardStream};
pub(crate) use stored::{ONGOING, Stored};
pub(crate) use subjects::Attention;
pub(crate) use tables::open_for_reading;

use days::Days;
use fresh::Fresh;
use log::Log;
use readings::ReadingWriter;
use sources::Sources;
use subjects::Subjects;

/// The writer. There is one; questions go through [`Readers`](crate::ask::Readers).
pub struct Views {
    conn: Connection,
    log: Log,
    position: Position,
    schema: Schema,
    subjects: Subjects,
    sources: Sources,
    days: Days,
}

impl Views {
    /// Opens the file, or makes it. A file of an older format is emptied, so that its position is the start.
    ///
    /// # Errors
    /// [`ViewsError::OtherJournal`] where the file was fed from another incarnation, [`ViewsError::NewerFormat`], [`ViewsError::Sql`].
    pub fn open(path: &Path, incarnation: u128) -> Result<Views, ViewsError> {
        Views::of(path, tables::open_for_writing(path, true)?, incarnation)
    }

    /// Opens the file as it is: for views that nobody could feed anew.
    ///
    /// # Errors
    /// As [`Views::open`]; [`ViewsError::Missing`], [`ViewsError::OlderFormat`].
    pub fn open_kept(path: &Path, incarnation: u128) -> Result<Views, ViewsError> {
        if !path.is_file() {
            return Err(ViewsError::Missing);
        }
        Views::of(path, tables::open_for_writing(path, false)?, incarnation)
    }

    fn of(path: &Path, conn: Connection, incarnation: u128) -> Result<Views, ViewsError> {
        let (position, schema) = match read_state(&conn)? {
            Some(found) => found,
            None => {
                let start = Position::start(incarnation);
                let schema = Schema::default();
                conn.execute(
                    "insert into state (one, incarnation, next, chain, schema) values (1, ?1, 0, ?2, ?3)",
                    params![start.incarnation.to_be_bytes(), start.chain, schema_text(&schema)?],
                )?;
                (start, schema)
            }
        };
        if position.incarnation != incarnation {
            return Err(ViewsError::OtherJournal { file: position.incarnation, journal: incarnation });
        }
        let (subjects, sources) = (Subjects::load(&conn)?, Sources::load(&conn)?);
        Ok(Views { conn, log: Log::of(path), position, schema, subjects, sources, days: Days::default() })
    }

    /// How far it has come.
    pub fn position(&self) -> Position {
        self.position
    }

    /// The streams as they were declared at its position.
    pub fn schema(&self) -> &Schema {
        &self.schema
    }

    /// Takes in records and the position after the last of them, in one transaction. Records below its own position are passed over.
    ///
    /// INVARIANT (exactly once): content and position are committed together, and only what lies at or after the position is applied.
    ///
    /// # Errors
    /// [`ViewsError::OtherJournal`], [`ViewsError::Forked`], [`ViewsError::Gap`], [`ViewsError::Sql`]: nothing has changed then. [`ViewsError::Disk`]: the file is not to be
    /// trusted any more.
    pub fn apply(&mut self, records: &[Record], position: Position, schema: &Schema) -> Result<(), ViewsError> {
        self.apply_groups(&[records], position, schema)
    }

    /// The same for several groups that follow each other, in one transaction: whoever has fallen behind catches up faster so, since a commit
    /// costs by the pages that it touches, and neighbours share pages.
    ///
    /// # Errors
    /// As [`Views::apply`].
    pub fn apply_groups(&mut self, groups: &[&[Record]], position: Position, schema: &Schema) -> Result<(), ViewsError> {
        let own = self.position;
        if position.incarnation != own.incarnation {
            return Err(ViewsError::OtherJournal { file: own.incarnation, journal: position.incarnation });
        }
        if position.next == own.next && own.next > 0 && position.chain != own.chain {
            return Err(ViewsError::Forked { next: own.next });
        }
        if position.next <= own.next {
            return Ok(());
        }
        let fresh: Vec<&[Record]> = groups.iter().map(|g| &g[g.partition_point(|r| r.offset < own.next)..]).collect();
        check_whole(&fresh, own.next, position.next)?;
        let schema = (*schema != self.schema).then_some(schema);
        match self.commit(&fresh, position, schema) {
            Ok(()) => {
                self.position = position;
                if let Some(schema) = schema {
                    self.schema = schema.clone();
                }
                self.log.settle(&self.conn)
            }
            Err(e) => {
                // What the failed transaction put into memory is not in the file.
                self.subjects = Subjects::load(&self.conn)?;
                self.sources = Sources::load(&self.conn)?;
                self.days = Days::default();
                Err(e)
            }
        }
    }

    /// Every finding there ever was about a subject.
    ///
    /// # Errors
    /// [`ViewsError::Sql`].
    pub fn findings_of(&self, subject: &Subject) -> Result<Vec<MatchId>, ViewsError> {
        let mut statement = self
            .conn
            .prepare("select id from recommendations join subjects using (subject) where subjects.name = ?1 order by id")?;
        let found = statement.query_map([subject.as_str()], |r| Ok(MatchId(u128::from_be_bytes(r.get(0)?))))?;
        Ok(found.collect::<Result<Vec<_>, _>>()?)
    }

    /// A hash of all that is stored, but for the order in which SQLite happened to lay it out: equal for two files that were fed the same.
    ///
    /// # Errors
    /// [`ViewsError::Sql`].
    pub fn content_hash(&self) -> Result<u128, ViewsError> {
        content::hash(&self.conn)
    }

    fn commit(&mut self, groups: &[&[Record]], position: Position, schema: Option<&Schema>) -> Result<(), ViewsError> {
        let tx = self.conn.transaction()?;
        let streams = schema.unwrap_or(&self.schema);
        apply_all(&tx, &mut self.subjects, &mut self.sources, &mut self.days, groups, streams)?;
        self.subjects.store(&tx)?;
        self.sources.store(&tx)?;
        if let Some(schema) = schema {
            tx.execute("update state set schema = ?1", [schema_text(schema)?])?;
        }
        tx.prepare_cached("update state set next = ?1, chain = ?2")?.execute(params![position.next as i64, position.chain])?;
        tx.commit()?;
        Ok(())
    }
}

impl Drop for Views {
    /// Takes the log in. Readers can't, and where one of them is closed last, it would stay as after a crash.
    fn drop(&mut self) {
        // The next who opens it does what fails here.
        let _ = self.conn.query_row("pragma wal_checkpoint(truncate)", [], |_| Ok(()));
    }
}

fn apply_all(
    tx: &Transaction<'_>,
    subjects: &mut Subjects,
    sources: &mut Sources,
    days: &mut Days,
    groups: &[&[Record]],
    schema: &Schema,
) -> Result<(), ViewsError> {
    let mut readings = ReadingWriter::new(tx, days);
    let mut fresh = Fresh::default();
    let placed = groups.iter().flat_map(|group| group.iter().enumerate().map(move |(place, record)| (group, place, record)));
    for (group, place_in_group, record) in placed {
        let arrival = record.entry.arrival;
        match &record.entry.input {
            Input::Reading(_) => {
                if let Some((reading, outcome)) = record.reading() {
                    let number = readings.apply(subjects, record.offset, arrival, reading, outcome)?;
                    if let Some(content) = &reading.content {
                        sources.came(number, arrival, content);
                        named::apply(tx, schema, number, content)?;
                    }
                }
            }
            Input::Profile(change) => profiles::apply(tx, subjects, record.offset, arrival, change)?,
            Input::Command(command) => responses::apply(tx, subjects, record.offset, arrival, command)?,
            Input::Receipt(receipt) => deliveries::receive(tx, arrival, receipt)?,
            Input::DeadLetter(letter) => letters::apply(tx, record.offset, arrival, letter)?,
            Input::Mending(mending) => letters::mend(tx, record.offset, arrival, mending)?,
            Input::Sent(sent) => {
                metering::apply(tx, arrival, sent)?;
                fresh.apply(subjects, group, place_in_group, sent);
            }
            Input::Once(_) => answered::apply(tx, group, place_in_group)?,
            Input::Rules(_) | Input::Tick | Input::Erased => {}
        }
        for (place, effect) in record.effects.iter().enumerate() {
            match effect {
                Effect::Finding(change) => recommendations::apply(tx, subjects, (record, place), change)?,
                Effect::Delivery(delivery) => deliveries::send(tx, record.offset, delivery)?,
                Effect::Reading(_) => {}
            }
        }
    }
    if let Some(last) = groups.iter().copied().flatten().next_back() {
        answered::expire(tx, last.entry.arrival)?;
        fresh.store(tx, last.entry.arrival)?;
    }
    readings.flush()
}

fn check_whole(fresh: &[&[Record]], from: u64, to: u64) -> Result<(), ViewsError> {
    let mut expected = from;
    for record in fresh.iter().copied().flatten() {
        if record.offset != expected {
            return Err(ViewsError::Gap { expected, got: record.offset });
        }
        expected += 1;
    }
    if expected == to { Ok(()) } else { Err(ViewsError::Gap { expected, got: to }) }
}

/// How far the views of an open file have come, which is not changed; `None`: not begun.
///
/// # Errors
/// [`ViewsError::NewerFormat`], [`ViewsError::Sql`], [`ViewsError::Damaged`].
pub fn peek(conn: &Connection) -> Result<Option<Position>, ViewsError> {
    let file: i32 = conn.pragma_query_value(None, "user_version", |r| r.get(0))?;
    if file > tables::FORMAT {
        return Err(ViewsError::NewerFormat { file, known: tables::FORMAT });
    }
    // One of an older format is emptied by the next start.
    if file < tables::FORMAT { Ok(None) } else { Ok(read_state(conn)?.map(|(position, _)| position)) }
}

/// The position and the schema that are stored.
pub(crate) fn read_state(conn: &Connection) -> Result<Option<(Position, Schema)>, ViewsError> {
    let row = conn
        .prepare_cached("select incarnation, next, chain, schema from state")?
        .query_row([], |r| Ok((r.get::<_, [u8; 16]>(0)?, r.get::<_, i64>(1)?, r.get::<_, [u8; 32]>(2)?, r.get::<_, String>(3)?)))
        .optional()?;
    let Some((incarnation, next, chain, schema)) = row else { return Ok(None) };
    let schema = serde_json::from_str(&schema).map_err(|_| ViewsError::Damaged("the schema"))?;
    Ok(Some((Position { incarnation: u128::from_be_bytes(incarnation), next: next as u64, chain }, schema)))
}

fn schema_text(schema: &Schema) -> Result<String, ViewsError> {
    serde_json::to_string(schema).map_err(|_| ViewsError::Damaged("the schema could not be written"))
}
