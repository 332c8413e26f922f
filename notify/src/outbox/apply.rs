//! Taking in a batch of records: deliveries to send, and receipts that came back from the journal.

use rusqlite::{Transaction, params};
use vitalog_elog::effect::Delivery;
use vitalog_elog::input::{DeliveryOutcome, DeliveryReceipt};
use vitalog_elog::{Effect, Input, Position, Record};

use super::table::{self, DEAD, DELIVERED, PENDING};
use super::{Outbox, OutboxError, receipt};

/// Why a delivery to an endpoint that answered 410 is not even tried.
pub(super) const GONE: &str = "the endpoint has said that it is gone (status 410)";

/// Why a delivery that was to reach somebody for whom there is no endpoint is not tried.
const NOBODY: &str = "no endpoint is configured for this role, channel and subject";

impl Outbox {
    /// Takes in what is new in `records`, which end before `position`, in one transaction with it.
    ///
    /// # Errors
    /// If the store fails, the position is another journal's, or records are missing in between; nothing is taken in then.
    pub fn apply(&self, records: &[Record], position: Position) -> Result<(), OutboxError> {
        self.apply_groups(&[records], position)
    }

    /// The same for several groups that follow each other, in one transaction: whoever has fallen behind catches up faster so.
    ///
    /// # Errors
    /// As [`Outbox::apply`].
    pub fn apply_groups(&self, groups: &[&[Record]], position: Position) -> Result<(), OutboxError> {
        let mut connection = self.connection();
        let transaction = connection.transaction()?;
        let mine = table::position(&transaction)?;
        if mine.incarnation != position.incarnation {
            return Err(OutboxError::Incarnation { found: mine.incarnation, journal: position.incarnation });
        }
        if position.next <= mine.next {
            return Ok(());
        }
        let mut next = mine.next;
        let mut added = 0;
        for record in groups.iter().copied().flatten().filter(|record| record.offset >= mine.next) {
            if record.offset != next {
                return Err(OutboxError::Gap { next, given: record.offset });
            }
            next += 1;
            for effect in &record.effects {
                if let Effect::Delivery(delivery) = effect {
                    added += insert(&transaction, delivery)?;
                }
            }
            if let Input::Receipt(receipt) = &record.entry.input {
                take_back(&transaction, receipt, record.entry.arrival.0)?;
            }
        }
        if next != position.next {
            return Err(OutboxError::Gap { next, given: position.next });
        }
        transaction.execute("UPDATE place SET next = ?1, chain = ?2", params![position.next.cast_signed(), position.chain])?;
        transaction.commit()?;
        drop(connection);
        if added > 0 {
            self.wake();
        }
        Ok(())
    }
}

pub(super) fn insert(transaction: &Transaction<'_>, delivery: &Delivery) -> Result<usize, OutboxError> {
    let added = transaction
        .prepare_cached(
            "INSERT INTO delivery (id, endpoint, finding, kind, body, since, next_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?6)
             ON CONFLICT (id) DO NOTHING",
        )?
        .execute(params![
            delivery.id.to_be_bytes(),
            delivery.endpoint,
            delivery.finding.0.to_be_bytes(),
            delivery.kind,
            delivery.body,
            delivery.not_before.0
        ])?;
    if delivery.endpoint.is_empty() {
        if added > 0 {
            let (role, channel) = delivery.to.as_ref().map_or(("", ""), |to| (&*to.role, &*to.channel));
            tracing::error!(finding = %delivery.finding, role, channel, "a policy is to tell somebody for whom no endpoint is configured");
            receipt::give_up(transaction, delivery.id, NOBODY, delivery.not_before.0)?;
        }
        return Ok(added);
    }
    let gone = transaction.prepare_cached("SELECT 1 FROM endpoint WHERE name = ?1 AND gone = 1")?.exists([&delivery.endpoint])?;
    if gone && added > 0 {
        receipt::give_up(transaction, delivery.id, GONE, delivery.not_before.0)?;
        // There is a receipt to be journaled now, so the worker is woken all the same.
    }
    Ok(added)
}

/// A receipt that the journal has. Where it tells of an attempt not recorded here (the outbox was rebuilt from the journal), it says what
/// became of the delivery.
fn take_back(transaction: &Transaction<'_>, receipt: &DeliveryReceipt, at: i64) -> Result<(), OutboxError> {
    let (state, reason) = match &receipt.outcome {
        DeliveryOutcome::Delivered => (DELIVERED, None),
        DeliveryOutcome::Failed(reason) => (PENDING, Some(reason)),
        DeliveryOutcome::GivenUp(reason) => (DEAD, Some(reason)),
    };
    let id = receipt.delivery.to_be_bytes();
    transaction
        .prepare_cached(
            "UPDATE delivery SET state = ?2, attempts = ?3, reason = ?4, ended = CASE WHEN ?2 = 0 THEN NULL ELSE ?5 END,
             body = CASE WHEN ?2 = 1 THEN '' ELSE body END
             WHERE id = ?1 AND attempts < ?3",
        )?
        .execute(params![id, state, receipt.attempt, reason, at])?;
    transaction
        .prepare_cached("DELETE FROM receipt WHERE delivery = ?1 AND attempt = ?2")?
        .execute(params![id, receipt.attempt])?;
    Ok(())
}
