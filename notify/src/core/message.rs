//! The message itself: its derived id and its JSON.
//!
//! The JSON follows the Standard Webhooks envelope (`type`, `timestamp`, `data`). It names the subject by id only, and says nothing of
//! a person beyond what the rule's text says. Keys are in a fixed order, so that a replay makes the same bytes.

use std::sync::Arc;

use serde::Serialize;
use vitalog_elog::effect::Delivery;
use vitalog_elog::id::digest;
use vitalog_elog::{Finding, Time, Wording};

use super::heard::Kind;

/// What a receiver reads.
#[derive(Serialize)]
struct Message<'a> {
    id: String,
    r#type: &'static str,
    /// When it was decided to tell this, RFC 3339 in UTC.
    timestamp: String,
    data: Data<'a>,
}

#[derive(Serialize)]
struct Data<'a> {
    finding: String,
    revision: u32,
    rule: &'a str,
    /// Hexadecimal, since it does not fit a JSON number everywhere.
    rule_version: String,
    title: &'a str,
    subject: &'a str,
    kind: &'static str,
    state: &'static str,
    severity: &'static str,
    onset: String,
    at: String,
    end: Option<String>,
    resolved_at: Option<String>,
    text: &'a str,
    /// What some roles are to be told instead.
    wordings: &'a [Wording],
    policy: Option<&'a str>,
    cite: Option<&'a str>,
}

/// The delivery of a finding's transition to one endpoint.
pub(super) fn delivery(finding: &Finding, kind: Kind, endpoint: &Arc<str>, now: Time) -> Delivery {
    let id = delivery_id(finding, kind, endpoint);
    let message = Message {
        id: format!("{id:032x}"),
        r#type: kind.name(),
        timestamp: now.to_string(),
        data: Data {
            finding: finding.id.to_string(),
            revision: finding.revision,
            rule: &finding.rule,
            rule_version: format!("{:016x}", finding.version),
            title: &finding.title,
            subject: finding.subject.as_str(),
            kind: finding.kind.name(),
            state: finding.state.name(),
            severity: finding.severity.name(),
            onset: finding.onset.to_string(),
            at: finding.at.to_string(),
            end: finding.end.map(|t| t.to_string()),
            resolved_at: finding.resolved_at.map(|t| t.to_string()),
            text: &finding.text,
            wordings: &finding.wordings,
            policy: finding.notify.as_deref(),
            cite: finding.cite.as_deref(),
        },
    };
    // Strings, numbers and nulls under fixed keys: there is nothing that JSON could not hold.
    let body = serde_json::to_string(&message).expect("a message of strings and numbers is JSON");
    let (endpoint, kind) = (endpoint.clone(), Arc::from(kind.name()));
    Delivery { id, finding: finding.id, endpoint, kind, body: Arc::from(body), not_before: now }
}

/// The same for the same transition in every replay, so that a receiver can drop what it has already had.
fn delivery_id(finding: &Finding, kind: Kind, endpoint: &str) -> u128 {
    let parts = [&finding.id.0.to_le_bytes()[..], &finding.revision.to_le_bytes(), kind.name().as_bytes(), endpoint.as_bytes()];
    digest(b"delivery", &parts)
}
