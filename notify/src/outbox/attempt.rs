//! What became of an attempt, and what follows: done, again later, or never.

use rusqlite::{OptionalExtension, Transaction, params};
use vitalog_elog::input::DeliveryOutcome;
use vitalog_elog::{Span, Time};

use super::apply::GONE;
use super::{Outbox, OutboxError, decorrelated, receipt};

/// How the receiver answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// It has it.
    Delivered,
    /// It did not take it, and may later.
    Failed {
        /// What happened, without anything of the message.
        reason: String,
        /// How long it asks to be left alone.
        retry_after: Option<Span>,
        /// Whether this speaks of the endpoint rather than of this message: it counts towards leaving it alone.
        unwell: bool,
    },
    /// This message can't be delivered, however often it is tried.
    Hopeless { reason: String },
    /// The endpoint does not want any more of them, ever (status 410).
    Gone,
}

/// A delivery under way.
struct Attempted {
    endpoint: String,
    since: Time,
    attempts: u32,
    delay: Span,
    /// Meanwhile the endpoint has answered 410 to another.
    gone: bool,
}

impl Outbox {
    /// Records what became of a claimed delivery. `random` is uniform over its whole range.
    ///
    /// # Errors
    /// If the store fails; the delivery is then still under way, and due again when the outbox is opened again.
    pub fn record(&self, id: u128, answer: Answer, now: Time, random: u64) -> Result<(), OutboxError> {
        let mut connection = self.connection();
        let transaction = connection.transaction()?;
        let Some(attempted) = find(&transaction, id)? else { return Ok(()) };
        match answer {
            Answer::Delivered => {
                self.revive(&transaction, &attempted.endpoint, now)?;
                receipt::end(&transaction, id, DeliveryOutcome::Delivered, now.0)?;
            }
            Answer::Failed { reason, retry_after, unwell } => {
                let wait = self.fail(&transaction, &attempted, retry_after, unwell, now, random)?;
                if attempted.gone {
                    receipt::give_up(&transaction, id, GONE, now.0)?;
                } else if now + wait > attempted.since + self.pace.horizon {
                    receipt::give_up(&transaction, id, &reason, now.0)?;
                } else {
                    again(&transaction, id, &attempted, &reason, now, wait)?;
                }
            }
            Answer::Hopeless { reason } => receipt::give_up(&transaction, id, &reason, now.0)?,
            Answer::Gone => {
                transaction.execute("UPDATE endpoint SET gone = 1 WHERE name = ?1", [&attempted.endpoint])?;
                receipt::give_up(&transaction, id, GONE, now.0)?;
                // Others under way may arrive yet: each says for itself.
                receipt::give_up_waiting(&transaction, &attempted.endpoint, GONE, now.0)?;
            }
        }
        transaction.commit()?;
        Ok(())
    }

    /// The endpoint answers: what waited because it did not is due at once.
    fn revive(&self, transaction: &Transaction<'_>, endpoint: &str, now: Time) -> Result<(), OutboxError> {
        let revived = transaction.execute(
            "UPDATE endpoint SET failures = 0, pause = 0, open_until = 0 WHERE name = ?1 AND failures >= ?2",
            params![endpoint, self.pace.trip_after],
        )?;
        if revived > 0 {
            let waiting = "UPDATE delivery SET next_at = ?2 WHERE endpoint = ?1 AND state = 0 AND next_at > ?2";
            transaction.execute(waiting, params![endpoint, now.0])?;
        } else {
            transaction.execute("UPDATE endpoint SET failures = 0 WHERE name = ?1", [endpoint])?;
        }
        Ok(())
    }

    /// Counts the failure against the endpoint, and says how long this delivery is to wait.
    fn fail(
        &self,
        transaction: &Transaction<'_>,
        attempted: &Attempted,
        retry_after: Option<Span>,
        unwell: bool,
        now: Time,
        random: u64,
    ) -> Result<Span, OutboxError> {
        let row = transaction
            .query_row("SELECT failures, pause, open_until FROM endpoint WHERE name = ?1", [&attempted.endpoint], |row| {
                Ok((row.get::<_, u32>(0)?, Span(row.get(1)?), Time(row.get(2)?)))
            })
            .optional()?;
        let asked = retry_after.unwrap_or(Span::ZERO);
        if let Some((failures, pause, open_until)) = row {
            let failures = failures.saturating_add(u32::from(unwell));
            let tripped = unwell && failures >= self.pace.trip_after;
            let pause = if tripped { decorrelated(pause, &self.pace, random.rotate_left(32)) } else { pause };
            // Whoever asks to be left alone means by every message, not by this one.
            let open_until = open_until.max(now + asked).max(if tripped { now + pause } else { Time::MIN });
            transaction.execute(
                "UPDATE endpoint SET failures = ?2, pause = ?3, open_until = ?4 WHERE name = ?1",
                params![attempted.endpoint, failures, pause.0, open_until.0],
            )?;
        }
        Ok(decorrelated(attempted.delay, &self.pace, random).max(asked))
    }
}

fn find(transaction: &Transaction<'_>, id: u128) -> Result<Option<Attempted>, OutboxError> {
    let attempted = transaction
        .prepare_cached(
            "SELECT endpoint, since, attempts, delay, EXISTS (SELECT 1 FROM endpoint e WHERE e.name = d.endpoint AND e.gone = 1)
             FROM delivery d WHERE id = ?1 AND state = 0 AND claimed = 1",
        )?
        .query_row([id.to_be_bytes()], |row| {
            let (since, delay) = (Time(row.get(1)?), Span(row.get(3)?));
            Ok(Attempted { endpoint: row.get(0)?, since, attempts: row.get(2)?, delay, gone: row.get(4)? })
        })
        .optional()?;
    Ok(attempted)
}

fn again(
    transaction: &Transaction<'_>,
    id: u128,
    attempted: &Attempted,
    reason: &str,
    now: Time,
    wait: Span,
) -> Result<(), OutboxError> {
    let attempt = attempted.attempts.saturating_add(1);
    transaction.execute(
        "UPDATE delivery SET claimed = 0, attempts = ?2, delay = ?3, next_at = ?4, reason = ?5 WHERE id = ?1",
        params![id.to_be_bytes(), attempt, wait.0, (now + wait).0, reason],
    )?;
    receipt::queue(transaction, id, attempt, &DeliveryOutcome::Failed(reason.into()))
}
