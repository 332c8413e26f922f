//! What was sent by whom, day by day.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use vitalog_elog::metering::{Day, Party};

use super::Ask;
use crate::views::{FreshSums, ViewsError, fresh};

/// What was taken in and what was refused.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SentSum {
    pub readings: u64,
    pub refused: u64,
}

impl Ask<'_> {
    /// How many new readings were sent on a day, and by whom: of today and the day before.
    ///
    /// # Errors
    /// [`ViewsError::Sql`].
    pub fn fresh(&self, day: Day) -> Result<FreshSums, ViewsError> {
        fresh(self.conn, day)
    }

    /// Of each day, what each party sent: of all, or of one tenant.
    ///
    /// # Errors
    /// [`ViewsError::Sql`].
    pub fn sent(&self, days: RangeInclusive<Day>, tenant: Option<&str>) -> Result<BTreeMap<(Day, Party), SentSum>, ViewsError> {
        let sql = "select day, tenant, account, token, readings, refused from metering
            where day between ?1 and ?2 and (?3 is null or tenant = ?3) order by day, tenant, account, token";
        let mut find = self.conn.prepare_cached(sql)?;
        let rows = find.query_map((days.start().0, days.end().0, tenant), |row| {
            let said = |text: String| (!text.is_empty()).then(|| text.into());
            let account: String = row.get(2)?;
            let party = Party { tenant: said(row.get(1)?), account: account.into(), token: said(row.get(3)?) };
            let count = |place| Ok::<_, rusqlite::Error>(u64::try_from(row.get::<_, i64>(place)?).unwrap_or(0));
            Ok(((Day(row.get(0)?), party), SentSum { readings: count(4)?, refused: count(5)? }))
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }
}
