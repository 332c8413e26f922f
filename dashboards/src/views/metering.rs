//! What was sent by whom, day by day: sums of what the journal says of it, so a file that is fed anew has the same.

use rusqlite::{Connection, params};
use vitalog_elog::Time;
use vitalog_elog::metering::{Day, Sent};

use super::error::ViewsError;

/// Adds what a request sent to its day, by when it was accepted.
pub fn apply(conn: &Connection, arrival: Time, sent: &Sent) -> Result<(), ViewsError> {
    let sql = "insert into metering (day, tenant, account, token, readings, refused) values (?1, ?2, ?3, ?4, ?5, ?6)
        on conflict (day, tenant, account, token) do update set readings = readings + excluded.readings, refused = refused + excluded.refused";
    let nobody = |id: &Option<std::sync::Arc<str>>| id.as_deref().unwrap_or_default().to_owned();
    conn.prepare_cached(sql)?.execute(params![
        Day::of(arrival).0,
        nobody(&sent.by.tenant),
        &*sent.by.account,
        nobody(&sent.by.token),
        sent.readings,
        sent.refused
    ])?;
    Ok(())
}
