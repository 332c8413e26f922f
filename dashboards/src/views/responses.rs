//! What people did about findings.

use rusqlite::{Connection, OptionalExtension, params};
use vitalog_elog::Time;
use vitalog_elog::input::{Action, Command};

use super::error::ViewsError;
use super::subjects::Subjects;

/// Stores a command. One about a finding that is not known is kept in the record of responses and changes nothing else.
pub fn apply(
    conn: &Connection,
    subjects: &mut Subjects,
    record: u64,
    arrival: Time,
    command: &Command,
) -> Result<(), ViewsError> {
    let id = command.finding.0.to_be_bytes();
    let action = match command.action {
        Action::Acknowledge => 0,
        Action::Dismiss => 1,
    };
    conn.prepare_cached(
        "insert or replace into responses (finding, record, action, person, arrival) values (?1, ?2, ?3, ?4, ?5)",
    )?
    .execute(params![id, record as i64, action, &*command.by, arrival.0])?;
    let subject: Option<i64> =
        conn.prepare_cached("select subject from recommendations where id = ?1")?.query_row([id], |r| r.get(0)).optional()?;
    let Some(subject) = subject else { return Ok(()) };
    // Who was first stays: a second acknowledgement changes nothing about the first.
    let sql = match command.action {
        Action::Acknowledge => {
            "update recommendations set acknowledged = ?2, acknowledged_at = ?3 where id = ?1 and acknowledged is null"
        }
        Action::Dismiss => "update recommendations set dismissed = ?2, dismissed_at = ?3 where id = ?1 and dismissed is null",
    };
    conn.prepare_cached(sql)?.execute(params![id, &*command.by, arrival.0])?;
    subjects.judge(subject);
    Ok(())
}
