//! What was used, day by day: sums that are added to every few moments.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::sync::Arc;

use rusqlite::{TransactionBehavior, params};
use vitalog_elog::metering::{Day, Party, Used};

use super::{AccessError, Store};

/// Sums by day and party.
pub type UsedByDay = BTreeMap<(Day, Party), Used>;

impl Store {
    /// Adds what was used since the last time; all or nothing.
    ///
    /// # Errors
    /// Where the store can't be written.
    pub fn add_used(&mut self, used: &UsedByDay) -> Result<(), AccessError> {
        let tx = self.db.transaction_with_behavior(TransactionBehavior::Immediate)?;
        for ((day, party), used) in used {
            let nobody = |id: &Option<Arc<str>>| id.as_deref().unwrap_or_default().to_owned();
            tx.prepare_cached(
                "INSERT INTO used (day, tenant, account, token, requests, bytes_in, bytes_out, statements, rows, duplicates)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)
                 ON CONFLICT (day, tenant, account, token) DO UPDATE SET requests = requests + excluded.requests, bytes_in = bytes_in + excluded.bytes_in,
                 bytes_out = bytes_out + excluded.bytes_out, statements = statements + excluded.statements, rows = rows + excluded.rows,
                 duplicates = duplicates + excluded.duplicates",
            )?
            .execute(params![
                day.0,
                nobody(&party.tenant),
                &*party.account,
                nobody(&party.token),
                signed(used.requests),
                signed(used.bytes_in),
                signed(used.bytes_out),
                signed(used.statements),
                signed(used.rows),
                signed(used.duplicates)
            ])?;
        }
        Ok(tx.commit()?)
    }

    /// Of each day, what each party used: of all, or of one tenant.
    ///
    /// # Errors
    /// Where the store can't be read.
    pub fn used(&self, days: RangeInclusive<Day>, tenant: Option<&str>) -> Result<UsedByDay, AccessError> {
        let mut find = self.db.prepare_cached(
            "SELECT day, tenant, account, token, requests, bytes_in, bytes_out, statements, rows, duplicates FROM used
             WHERE day BETWEEN ?1 AND ?2 AND (?3 IS NULL OR tenant = ?3)",
        )?;
        let rows = find.query_map(params![days.start().0, days.end().0, tenant], |row| {
            let said = |text: String| (!text.is_empty()).then(|| text.into());
            let account: String = row.get(2)?;
            let party = Party { tenant: said(row.get(1)?), account: account.into(), token: said(row.get(3)?) };
            let count = |place| Ok::<_, rusqlite::Error>(u64::try_from(row.get::<_, i64>(place)?).unwrap_or(0));
            let used = Used {
                requests: count(4)?,
                bytes_in: count(5)?,
                bytes_out: count(6)?,
                statements: count(7)?,
                rows: count(8)?,
                duplicates: count(9)?,
            };
            Ok(((Day(row.get(0)?), party), used))
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }
}

fn signed(n: u64) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}
