//! What was to be sent, and what became of it.

use rusqlite::{Connection, params};
use vitalog_elog::Time;
use vitalog_elog::effect::Delivery;
use vitalog_elog::input::{DeliveryOutcome, DeliveryReceipt};

use super::error::ViewsError;

/// The states a delivery is stored in.
pub const WAITING: u8 = 0;
pub const DELIVERED: u8 = 1;
pub const FAILED: u8 = 2;
pub const GIVEN_UP: u8 = 3;

pub fn send(conn: &Connection, record: u64, delivery: &Delivery) -> Result<(), ViewsError> {
    let to = delivery.to.as_ref();
    let step = to.and_then(|to| to.step);
    conn.prepare_cached(
        "insert or ignore into deliveries
         (id, record, finding, endpoint, role, channel, step, repeat, late, kind, body, not_before, state, attempts)
         values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, 0)",
    )?
    .execute(params![
        delivery.id.to_be_bytes(),
        record as i64,
        delivery.finding.0.to_be_bytes(),
        &*delivery.endpoint,
        to.map(|to| &*to.role),
        to.map(|to| &*to.channel),
        step.map(|step| step.number),
        step.map(|step| step.repeat),
        step.is_some_and(|step| step.late),
        &*delivery.kind,
        &*delivery.body,
        delivery.not_before.0,
        WAITING,
    ])?;
    Ok(())
}

pub fn receive(conn: &Connection, arrival: Time, receipt: &DeliveryReceipt) -> Result<(), ViewsError> {
    let (state, said) = match &receipt.outcome {
        DeliveryOutcome::Delivered => (DELIVERED, None),
        DeliveryOutcome::Failed(why) => (FAILED, Some(&**why)),
        DeliveryOutcome::GivenUp(why) => (GIVEN_UP, Some(&**why)),
    };
    conn.prepare_cached("update deliveries set state = ?2, attempts = max(attempts, ?3), said = ?4, last_at = ?5 where id = ?1")?
        .execute(params![receipt.delivery.to_be_bytes(), state, receipt.attempt, said, arrival.0])?;
    Ok(())
}
