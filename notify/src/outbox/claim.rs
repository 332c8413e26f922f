//! What is due: which deliveries may be tried now, and when the next one may be.
//!
//! Deliveries of one finding to one endpoint go in the order in which they were decided: a resolution never overtakes its opening.
//! An endpoint that has failed often is asked by one delivery at a time, and not before its pause is over.

use std::sync::Arc;

use rusqlite::{Connection, OptionalExtension, Transaction, params};
use vitalog_elog::Time;
use vitalog_elog::id::digest;

use super::apply::GONE;
use super::{Outbox, OutboxError, receipt, table};
use crate::config::Endpoint;

/// A delivery to be tried now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Due {
    pub id: u128,
    pub endpoint: Arc<str>,
    pub body: Arc<str>,
}

/// Pending deliveries of an endpoint that no earlier one of the same finding holds up.
const READY: &str = "FROM delivery d WHERE d.endpoint = ?1 AND d.state = 0 AND d.claimed = 0 AND NOT EXISTS
    (SELECT 1 FROM delivery e WHERE e.state = 0 AND e.endpoint = d.endpoint AND e.finding = d.finding AND e.seq < d.seq)";

/// An endpoint as the breaker sees it.
struct Gate {
    name: Arc<str>,
    open_until: Time,
    /// How many more may be under way.
    room: i64,
}

impl Outbox {
    /// A worker begins, with these endpoints. What was under way when the last one ended is due again; an endpoint that has moved begins
    /// anew; what waits for one that is not there any more is given up.
    ///
    /// # Errors
    /// If the store fails.
    pub fn register(&self, endpoints: &[Endpoint], now: Time) -> Result<(), OutboxError> {
        let mut connection = self.connection();
        let transaction = connection.transaction()?;
        transaction.execute("UPDATE delivery SET claimed = 0 WHERE state = 0 AND claimed = 1", [])?;
        for endpoint in endpoints {
            // A hash: the address of a webhook may carry a token.
            let target = digest(b"target", &[endpoint.url.as_str().as_bytes()]).to_be_bytes();
            transaction.execute(
                "INSERT INTO endpoint (name, target) VALUES (?1, ?2) ON CONFLICT (name) DO UPDATE
                 SET target = ?2, gone = 0, failures = 0, pause = 0, open_until = 0 WHERE target <> ?2",
                params![endpoint.name, target],
            )?;
        }
        let names: Vec<Arc<str>> =
            rows(&transaction, "SELECT name FROM endpoint UNION SELECT endpoint FROM delivery WHERE state = 0")?;
        for name in names.iter().filter(|name| !endpoints.iter().any(|endpoint| endpoint.name == **name)) {
            receipt::give_up_waiting(&transaction, name, "the endpoint is not configured any more", now.0)?;
            transaction.execute("DELETE FROM endpoint WHERE name = ?1", [name])?;
        }
        for name in rows(&transaction, "SELECT name FROM endpoint WHERE gone = 1")? {
            receipt::give_up_waiting(&transaction, &name, GONE, now.0)?;
        }
        let forgotten = now - self.pace.keep;
        transaction.execute("DELETE FROM delivery WHERE state = 1 AND ended < ?1", [forgotten.0])?;
        transaction.commit()?;
        drop(connection);
        self.wake();
        Ok(())
    }

    /// Takes what may be tried now. Each is under way until [`Outbox::record`] says what became of it.
    ///
    /// # Errors
    /// If the store fails.
    pub fn claim(&self, now: Time) -> Result<Vec<Due>, OutboxError> {
        let mut connection = self.connection();
        let transaction = connection.transaction()?;
        receipt::expire(&transaction, now, self.pace.horizon)?;
        let mut due = Vec::new();
        for gate in gates(&transaction, self.pace.trip_after, self.pace.at_once)? {
            if gate.open_until <= now && gate.room > 0 {
                take(&transaction, &gate, now, &mut due)?;
            }
        }
        transaction.commit()?;
        Ok(due)
    }

    /// When there will be something to do, if nothing comes in and nothing under way ends before: the next attempt that is due, or the next
    /// delivery that is given up.
    ///
    /// # Errors
    /// If the store fails.
    pub fn next_due(&self) -> Result<Option<Time>, OutboxError> {
        let connection = self.connection();
        let mut next: Option<Time> = None;
        let mut sooner = |t: Time| next = Some(next.map_or(t, |n: Time| n.min(t)));
        for gate in gates(&connection, self.pace.trip_after, self.pace.at_once)? {
            let first: Option<i64> = connection
                .prepare_cached(&format!("SELECT d.next_at {READY} ORDER BY d.next_at LIMIT 1"))?
                .query_row([&gate.name], |row| row.get(0))
                .optional()?;
            if let (Some(first), true) = (first, gate.room > 0) {
                sooner(Time(first).max(gate.open_until));
            }
        }
        let oldest: Option<i64> = connection
            .query_row("SELECT min(since) FROM delivery WHERE state = 0 AND claimed = 0", [], |row| row.get(0))
            .optional()?
            .flatten();
        if let Some(since) = oldest {
            sooner(Time(since) + self.pace.horizon);
        }
        Ok(next)
    }
}

fn take(transaction: &Transaction<'_>, gate: &Gate, now: Time, due: &mut Vec<Due>) -> Result<(), OutboxError> {
    let first = due.len();
    let query = format!("SELECT d.id, d.body {READY} AND d.next_at <= ?2 ORDER BY d.next_at, d.seq LIMIT ?3");
    let mut statement = transaction.prepare_cached(&query)?;
    let mut found = statement.query(params![gate.name, now.0, gate.room])?;
    while let Some(row) = found.next()? {
        due.push(Due { id: table::id(row.get(0)?), endpoint: gate.name.clone(), body: row.get(1)? });
    }
    for taken in &due[first..] {
        transaction.prepare_cached("UPDATE delivery SET claimed = 1 WHERE id = ?1")?.execute([taken.id.to_be_bytes()])?;
    }
    Ok(())
}

fn gates(connection: &Connection, trip_after: u32, at_once: u32) -> Result<Vec<Gate>, OutboxError> {
    let mut statement = connection.prepare_cached(
        "SELECT name, open_until, failures, (SELECT count(*) FROM delivery WHERE endpoint = name AND state = 0 AND claimed = 1)
         FROM endpoint WHERE gone = 0 ORDER BY name",
    )?;
    let gates = statement.query_map([], |row| {
        let (failures, under_way): (u32, i64) = (row.get(2)?, row.get(3)?);
        let most = if failures >= trip_after { 1 } else { i64::from(at_once) };
        Ok(Gate { name: row.get(0)?, open_until: Time(row.get(1)?), room: most - under_way })
    })?;
    Ok(gates.collect::<Result<Vec<_>, _>>()?)
}

fn rows(connection: &Connection, query: &str) -> Result<Vec<Arc<str>>, OutboxError> {
    let mut statement = connection.prepare(query)?;
    let names = statement.query_map([], |row| row.get(0))?;
    Ok(names.collect::<Result<Vec<_>, _>>()?)
}
