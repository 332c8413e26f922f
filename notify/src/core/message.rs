//! The message about a finding: its derived id, and what it says.
//!
//! It names the subject by id only, and says nothing of a person beyond what the rule's text says. Keys are in a fixed order, so that a replay makes the same bytes.

use std::sync::Arc;

use serde::Serialize;
use vitalog_elog::effect::{Addressee, Delivery};
use vitalog_elog::id::digest;
use vitalog_elog::{Finding, Time, Wording};

use super::heard::Kind;
use crate::envelope::sealed;

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
    /// What some roles are to be told instead; empty where it goes to one role, which is told its own text.
    wordings: &'a [Wording],
    policy: Option<&'a str>,
    cite: Option<&'a str>,
    to: Option<To<'a>>,
    /// Who acknowledged or dismissed it.
    by: Option<&'a str>,
}

/// Whom a policy tells by this message.
#[derive(Serialize)]
struct To<'a> {
    role: &'a str,
    channel: &'a str,
    step: Option<u32>,
    repeat: Option<u32>,
    due: Option<String>,
    late: bool,
}

/// One message: what it says, and to whom.
pub(super) struct Letter<'a> {
    pub kind: Kind,
    pub endpoint: &'a Arc<str>,
    pub to: Option<Addressee>,
    pub by: Option<&'a str>,
}

/// The delivery of what there is to tell of a finding to one endpoint.
pub(super) fn delivery(finding: &Finding, letter: Letter<'_>, now: Time) -> Delivery {
    let Letter { kind, endpoint, to, by } = letter;
    let id = delivery_id(finding, kind, endpoint, to.as_ref());
    let data = Data {
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
        text: to.as_ref().map_or(&*finding.text, |to| finding.text_for(&to.role)),
        wordings: if to.is_some() { &[] } else { &finding.wordings },
        policy: finding.notify.as_deref(),
        cite: finding.cite.as_deref(),
        to: to.as_ref().map(To::of),
        by,
    };
    // The timestamp: when it was decided to tell this.
    let body = sealed(id, kind.name(), now, data);
    let (endpoint, kind) = (endpoint.clone(), Arc::from(kind.name()));
    Delivery { id, finding: finding.id, endpoint, to, kind, body, not_before: now }
}

impl<'a> To<'a> {
    fn of(to: &'a Addressee) -> To<'a> {
        To {
            role: &to.role,
            channel: &to.channel,
            step: to.step.map(|step| step.number),
            repeat: to.step.map(|step| step.repeat),
            due: to.step.map(|step| step.due.to_string()),
            late: to.step.is_some_and(|step| step.late),
        }
    }
}

/// The same for the same transition or step in every replay, so that a receiver can drop what it has already had.
fn delivery_id(finding: &Finding, kind: Kind, endpoint: &str, to: Option<&Addressee>) -> u128 {
    let (finding_id, revision) = (finding.id.0.to_le_bytes(), finding.revision.to_le_bytes());
    let mut parts = vec![&finding_id[..], &revision, kind.name().as_bytes(), endpoint.as_bytes()];
    let (number, repeat);
    if let Some(to) = to {
        parts.extend([to.role.as_bytes(), to.channel.as_bytes()]);
        if let Some(step) = to.step {
            (number, repeat) = (step.number.to_le_bytes(), step.repeat.to_le_bytes());
            parts.extend([&number[..], &repeat]);
        }
    }
    digest(b"delivery", &parts)
}
