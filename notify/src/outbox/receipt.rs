//! Receipts: what became of attempts, kept until the journal has them.
//!
//! INVARIANT (no silent end): a delivery leaves the pending ones only in a transaction that also queues its receipt.

use rusqlite::{Transaction, params};
use vitalog_elog::input::{DeliveryOutcome, DeliveryReceipt};
use vitalog_elog::{Span, Time};

use super::table::{self, DEAD, DELIVERED, PENDING};
use super::{Outbox, OutboxError};

/// Of `receipt.outcome`: as the states of deliveries.
const FAILED: i64 = PENDING;

impl Outbox {
    /// Receipts that the journal may not have yet, the oldest first.
    ///
    /// # Errors
    /// If the store fails.
    pub fn receipts(&self, most: u32) -> Result<Vec<DeliveryReceipt>, OutboxError> {
        let connection = self.connection();
        let mut statement =
            connection.prepare_cached("SELECT delivery, attempt, outcome, reason FROM receipt ORDER BY seq LIMIT ?1")?;
        let receipts = statement.query_map([most], |row| {
            let reason: Option<String> = row.get(3)?;
            let reason = reason.unwrap_or_default().into();
            let outcome = match row.get(2)? {
                FAILED => DeliveryOutcome::Failed(reason),
                DELIVERED => DeliveryOutcome::Delivered,
                _ => DeliveryOutcome::GivenUp(reason),
            };
            Ok(DeliveryReceipt { delivery: table::id(row.get(0)?), attempt: row.get(1)?, outcome })
        })?;
        Ok(receipts.collect::<Result<Vec<_>, _>>()?)
    }

    /// The journal has these.
    ///
    /// # Errors
    /// If the store fails; they are then journaled again, which changes nothing.
    pub fn journaled(&self, receipts: &[DeliveryReceipt]) -> Result<(), OutboxError> {
        let mut connection = self.connection();
        let transaction = connection.transaction()?;
        for receipt in receipts {
            transaction
                .prepare_cached("DELETE FROM receipt WHERE delivery = ?1 AND attempt = ?2")?
                .execute(params![receipt.delivery.to_be_bytes(), receipt.attempt])?;
        }
        transaction.commit()?;
        Ok(())
    }
}

pub(super) fn queue(
    transaction: &Transaction<'_>,
    delivery: u128,
    attempt: u32,
    outcome: &DeliveryOutcome,
) -> Result<(), OutboxError> {
    let (kind, reason) = match outcome {
        DeliveryOutcome::Delivered => (DELIVERED, None),
        DeliveryOutcome::Failed(reason) => (FAILED, Some(reason)),
        DeliveryOutcome::GivenUp(reason) => (DEAD, Some(reason)),
    };
    transaction
        .prepare_cached(
            "INSERT INTO receipt (delivery, attempt, outcome, reason) VALUES (?1, ?2, ?3, ?4) ON CONFLICT DO NOTHING",
        )?
        .execute(params![delivery.to_be_bytes(), attempt, kind, reason])?;
    Ok(())
}

/// Ends a pending delivery. One that arrived needs its text no more.
pub(super) fn end(transaction: &Transaction<'_>, id: u128, outcome: DeliveryOutcome, now: i64) -> Result<(), OutboxError> {
    let (state, reason) = match &outcome {
        DeliveryOutcome::Delivered => (DELIVERED, None),
        DeliveryOutcome::Failed(reason) | DeliveryOutcome::GivenUp(reason) => (DEAD, Some(reason)),
    };
    let attempt: u32 = transaction
        .prepare_cached(
            "UPDATE delivery SET state = ?2, claimed = 0, attempts = attempts + 1, ended = ?3, reason = ?4,
             body = CASE WHEN ?2 = 1 THEN '' ELSE body END WHERE id = ?1 RETURNING attempts",
        )?
        .query_row(params![id.to_be_bytes(), state, now, reason], |row| row.get(0))?;
    queue(transaction, id, attempt, &outcome)
}

pub(super) fn give_up(transaction: &Transaction<'_>, id: u128, reason: &str, now: i64) -> Result<(), OutboxError> {
    end(transaction, id, DeliveryOutcome::GivenUp(reason.into()), now)
}

/// Gives up all that waits for an endpoint and is not under way.
pub(super) fn give_up_waiting(transaction: &Transaction<'_>, endpoint: &str, reason: &str, now: i64) -> Result<(), OutboxError> {
    for id in
        ids(transaction, "SELECT id FROM delivery WHERE state = 0 AND claimed = 0 AND endpoint = ?1 ORDER BY seq", endpoint)?
    {
        give_up(transaction, id, reason, now)?;
    }
    Ok(())
}

/// Gives up what is too old to be of use.
pub(super) fn expire(transaction: &Transaction<'_>, now: Time, horizon: Span) -> Result<(), OutboxError> {
    let too_old = (now - horizon).0;
    for id in ids(transaction, "SELECT id FROM delivery WHERE state = 0 AND claimed = 0 AND since <= ?1 ORDER BY seq", too_old)? {
        give_up(transaction, id, &format!("it could not be delivered within {horizon}"), now.0)?;
    }
    Ok(())
}

fn ids(transaction: &Transaction<'_>, query: &str, bound: impl rusqlite::ToSql) -> Result<Vec<u128>, OutboxError> {
    let mut statement = transaction.prepare_cached(query)?;
    let ids = statement.query_map([bound], |row| Ok(table::id(row.get(0)?)))?;
    Ok(ids.collect::<Result<Vec<_>, _>>()?)
}
