//! What was opened of a subject in emergencies, as its page shows it: while it is open, and for a week after.
//!
//! It is kept by the gateway, and asked for through the port of access by whoever has asked whether the subject may be read.

use serde_json::{Value, json};
use vitalog_elog::access::Emergency;
use vitalog_elog::{Span, Subject, Time};

/// How long after it was over it is shown: whoever looks in once a week learns of it.
const SHOWN: Span = Span::days(7);

/// Those of them that are shown now.
pub fn lately(all: Vec<Emergency>, now: Time) -> Vec<Emergency> {
    all.into_iter().filter(|emergency| now < emergency.until + SHOWN).collect()
}

/// As a page takes them in, in place of those that it has.
pub fn said(subject: &Subject, emergencies: &[Emergency]) -> Value {
    let each = emergencies.iter().map(|emergency| {
        json!({
            "number": emergency.number,
            "account": &*emergency.account,
            "reason": emergency.reason,
            "at": emergency.at.to_string(),
            "until": emergency.until.to_string(),
            "seen_by": emergency.seen_by,
        })
    });
    json!({ "subject": subject.as_str(), "emergencies": each.collect::<Vec<_>>() })
}
