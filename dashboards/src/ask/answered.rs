//! What a request was answered that is to have one effect.

use rusqlite::OptionalExtension;
use vitalog_elog::Answered;

use super::Ask;
use crate::views::{ViewsError, answered_from};

impl Ask<'_> {
    /// The latest that bears a key. Whether the key still stands for it is the caller's to see.
    ///
    /// # Errors
    /// [`ViewsError::Sql`], [`ViewsError::Damaged`].
    pub fn answered(&self, key: u128) -> Result<Option<Answered>, ViewsError> {
        let mut find = self.conn.prepare_cached("select body from answered where key = ?1")?;
        let body: Option<Vec<u8>> = find.query_row([key.to_be_bytes()], |r| r.get(0)).optional()?;
        body.map(|body| answered_from(&body)).transpose()
    }
}
