//! Whose a subject is, settled before anything of it is kept: a name that nobody has used yet becomes a tenant's by being written.
//!
//! It is written down first, and what was sent is journaled after that. A crash between the two leaves a subject without readings, which is its tenant's; never readings of a tenant without a subject of it.

use std::sync::Arc;

use axum::http::{HeaderValue, StatusCode, header};
use vitalog_elog::access::Principal;
use vitalog_elog::{Input, Schema, Subject};

use super::problem::Problem;
use super::{Gateway, body, once};

impl Gateway {
    /// Settles of these subjects whose they are, where that is open. Whether anything was: what may be done with them is to be asked again then, and settled again what is open still. Those for
    /// which their tenant had no room are [beyond](vitalog_elog::access::Access::is_beyond) what may be written then.
    pub(super) async fn settle(
        self: &Arc<Self>,
        who: &Principal,
        mut subjects: impl Iterator<Item = &Subject>,
    ) -> Result<bool, Problem> {
        let open = self.access.unsettled(who, &mut subjects);
        if open.is_empty() {
            return Ok(false);
        }
        // Whatever was handed in before this, by whomever, stands before where the journal ends then.
        let end = once::end_of(&*self.inlet).await?;
        let (gateway, who) = (self.clone(), who.clone());
        let settled = tokio::task::spawn_blocking(move || {
            let mut known = Vec::with_capacity(open.len());
            for subject in open {
                let is_known = gateway.current.knows(&subject, end)?;
                known.push((subject, is_known));
            }
            gateway.access.settle(&who, &known).map_err(|error| {
                tracing::error!(%error, "a new subject can't be taken");
                let detail = "it can't be written down whose a new subject is";
                let remedy = "keep it and send it again a little later; nothing of it was kept. The log says why";
                Problem::new(StatusCode::SERVICE_UNAVAILABLE, "accounts_unreadable", detail, remedy)
                    .with(header::RETRY_AFTER, HeaderValue::from_static("5"))
            })
        });
        settled.await.map_err(|_| body::broken())??;
        Ok(true)
    }
}

/// Whom inputs are about, those included on whose timelines their readings are seen too.
pub(super) fn subjects_of(inputs: &[Input], schema: &Schema) -> Vec<Subject> {
    let mut subjects = Vec::new();
    for input in inputs {
        if let Input::Reading(reading) = input {
            // Readings of a subject mostly come together.
            if subjects.last() != Some(&reading.subject) {
                subjects.push(reading.subject.clone());
            }
            subjects.extend(reading.content.iter().flat_map(|content| content.further_subjects(schema)));
        }
    }
    subjects
}
