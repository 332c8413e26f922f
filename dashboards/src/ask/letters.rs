//! What was refused at the door.

use base64::Engine as _;
use rusqlite::params;
use serde::Serialize;
use vitalog_elog::Time;

use super::Ask;
use crate::views::ViewsError;

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct LetterView {
    /// The offset of the input that kept it.
    pub record: u64,
    pub arrived: String,
    pub subject: Option<String>,
    pub code: String,
    pub field: Option<String>,
    pub message: String,
    pub sender: String,
    /// The bytes as they came, where they are text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub raw: Option<String>,
    /// The bytes as they came, where they are not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub raw_base64: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct LetterPage {
    pub total: u64,
    pub dead_letters: Vec<LetterView>,
    /// To be given as `after` for the next page; `null`: this was the last.
    pub next: Option<u64>,
}

impl Ask<'_> {
    /// Dead letters, newest first, those before the offset `after`.
    ///
    /// # Errors
    /// [`ViewsError::Sql`].
    pub fn dead_letters(&self, after: Option<u64>, limit: usize) -> Result<LetterPage, ViewsError> {
        let total: i64 = self.conn.prepare_cached("select count(*) from dead_letters")?.query_row([], |r| r.get(0))?;
        let mut find = self.conn.prepare_cached(
            "select record, arrival, subject, code, field, message, sender, raw from dead_letters where record < ?1 order by record desc limit ?2",
        )?;
        let before = after.map_or(i64::MAX, |a| i64::try_from(a).unwrap_or(i64::MAX));
        let mut rows = find.query(params![before, limit as i64 + 1])?;
        let mut dead_letters = Vec::new();
        while let Some(row) = rows.next()? {
            let (raw, raw_base64) = match String::from_utf8(row.get("raw")?) {
                Ok(text) => (Some(text), None),
                Err(e) => (None, Some(base64::engine::general_purpose::STANDARD.encode(e.as_bytes()))),
            };
            dead_letters.push(LetterView {
                record: row.get::<_, i64>("record")? as u64,
                arrived: Time(row.get("arrival")?).to_string(),
                subject: row.get("subject")?,
                code: row.get("code")?,
                field: row.get("field")?,
                message: row.get("message")?,
                sender: row.get("sender")?,
                raw,
                raw_base64,
            });
        }
        let more = dead_letters.len() > limit;
        dead_letters.truncate(limit);
        let next = dead_letters.last().filter(|_| more).map(|l| l.record);
        Ok(LetterPage { total: total as u64, dead_letters, next })
    }
}
