//! What each message to a receiver has around it: the envelope of Standard Webhooks (`type`, `timestamp`, `data`), and the id that its receiver knows it by.
//!
//! Keys are in a fixed order, so that the same message has the same bytes whenever it is made.

use std::sync::Arc;

use serde::Serialize;
use vitalog_elog::Time;

#[derive(Serialize)]
struct Envelope<D> {
    id: String,
    r#type: &'static str,
    /// RFC 3339 in UTC.
    timestamp: String,
    data: D,
}

/// A message as a receiver reads it.
pub fn sealed(id: u128, kind: &'static str, timestamp: Time, data: impl Serialize) -> Arc<str> {
    let envelope = Envelope { id: format!("{id:032x}"), r#type: kind, timestamp: timestamp.to_string(), data };
    // Data are strings, numbers, lists of them and nulls under fixed keys: there is nothing that JSON could not hold.
    Arc::from(serde_json::to_string(&envelope).expect("a message of strings and numbers is JSON"))
}
