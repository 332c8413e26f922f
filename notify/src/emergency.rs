//! The notice that somebody opened a subject in an emergency: to which endpoints it goes, and what it says.
//!
//! It says who opened whom, by their ids, and until when. It does not say why: a reason may tell more of a person than an id, and stands where those read it who may.
//!
//! INVARIANT (one notice): an endpoint has one message of an emergency, under an id that follows from the emergency and the endpoint, and of the same bytes whenever it is made.

use std::sync::Arc;

use serde::Serialize;
use vitalog_elog::access::Emergency;
use vitalog_elog::effect::Delivery;
use vitalog_elog::id::digest;
use vitalog_elog::{MatchId, Time};

use crate::config::Endpoint;
use crate::envelope::sealed;

/// What a receiver knows the message by.
const KIND: &str = "emergency.opened";

#[derive(Serialize)]
struct Data<'a> {
    emergency: i64,
    subject: &'a str,
    account: &'a str,
    at: String,
    until: String,
}

/// The messages about an emergency, to be sent from `now` on, in the order of the configuration.
pub fn notices(endpoints: &[Endpoint], emergency: &Emergency, now: Time) -> Vec<Delivery> {
    let to = endpoints.iter().filter(|endpoint| endpoint.hears_of(emergency));
    to.map(|endpoint| notice(endpoint, emergency, now)).collect()
}

fn notice(endpoint: &Endpoint, emergency: &Emergency, now: Time) -> Delivery {
    let about = about(emergency);
    let id = digest(b"delivery", &[&about.0.to_le_bytes(), KIND.as_bytes(), endpoint.name.as_bytes()]);
    let data = Data {
        emergency: emergency.number,
        subject: emergency.subject.as_str(),
        account: &emergency.account,
        at: emergency.at.to_string(),
        until: emergency.until.to_string(),
    };
    Delivery {
        id,
        finding: about,
        endpoint: endpoint.name.clone(),
        to: None,
        kind: Arc::from(KIND),
        body: sealed(id, KIND, emergency.at, data),
        not_before: now,
    }
}

/// What the outbox has in place of a finding. A number alone may come again, once its subject was erased.
fn about(emergency: &Emergency) -> MatchId {
    let (number, at) = (emergency.number.to_le_bytes(), emergency.at.0.to_le_bytes());
    MatchId(digest(b"emergency", &[&number, emergency.account.as_bytes(), emergency.subject.as_str().as_bytes(), &at]))
}
