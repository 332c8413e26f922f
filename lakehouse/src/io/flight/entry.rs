//! The entry of each call: who calls is found out from its head, and whoever is not known is answered without a byte of what they send being read.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use arrow_flight::flight_service_server::FlightServiceServer;
use axum::http::{HeaderMap, Request, Response, header};
use hyper::body::Incoming;
use tonic::body::Body;
use tonic::codegen::Service as _;
use tonic::{Code, Status};

use crate::flight::status::{not_in, refusal};
use crate::io::flight::Shared;
use crate::io::flight::service::Service;
use crate::io::port::{Guest, NotIn};

/// The call that whoever is not known yet may make.
const HANDSHAKE: &str = "/arrow.flight.protocol.FlightService/Handshake";

/// Whoever makes a call.
#[derive(Clone)]
pub(crate) struct Known {
    pub guest: Arc<dyn Guest>,
    /// Of a handshake, where it was by one.
    pub session: Option<String>,
}

/// When a connection was used.
pub(crate) struct Activity {
    since: Instant,
    /// When somebody known called last, in milliseconds from then; 0: nobody has.
    last: AtomicU64,
}

impl Activity {
    pub fn new() -> Activity {
        Activity { since: Instant::now(), last: AtomicU64::new(0) }
    }

    pub fn called(&self) {
        let now = u64::try_from(self.since.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.last.store(now.max(1), Ordering::Relaxed);
    }

    /// Whether nobody known has called in the time of a beginning, or since then for long.
    pub fn is_over(&self, now: Instant, begin: Duration, idle: Duration) -> bool {
        match self.last.load(Ordering::Relaxed) {
            0 => now.duration_since(self.since) > begin,
            last => now.duration_since(self.since) > Duration::from_millis(last) + idle,
        }
    }
}

/// Answers a call.
///
/// # Errors
/// Never: what goes wrong is the answer.
pub(crate) async fn answer(
    shared: &Shared,
    mut service: FlightServiceServer<Service>,
    activity: &Activity,
    mut request: Request<Incoming>,
) -> Result<Response<Body>, Infallible> {
    if request.uri().path() == HANDSHAKE {
        return service.call(request).await;
    }
    match known(shared, request.headers()) {
        Ok(known) => {
            activity.called();
            request.extensions_mut().insert(known);
            service.call(request).await
        }
        Err(status) => Ok(status.into_http()),
    }
}

fn known(shared: &Shared, headers: &HeaderMap) -> Result<Known, Status> {
    let shown = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let (scheme, secret) = shown.and_then(|shown| shown.split_once(' ')).unwrap_or_default();
    let is_bearer = scheme.eq_ignore_ascii_case("bearer");
    if is_bearer && let Some(guest) = shared.sessions.of(secret.trim()) {
        return Ok(Known { guest, session: Some(secret.trim().to_owned()) });
    }
    if !is_bearer && shared.door.porter.asks() {
        return Err(match scheme.eq_ignore_ascii_case("basic") {
            true => refusal(
                Code::Unauthenticated,
                "a name and a password are for the handshake",
                "shake hands first, and send what it gives",
            ),
            false => not_in(&NotIn::NotGood("it is not known who asks".to_owned())),
        });
    }
    let guest = shared.door.porter.bearer(secret.trim()).map_err(|why| not_in(&why))?;
    Ok(Known { guest, session: None })
}

#[cfg(test)]
mod tests {
    use super::Activity;
    use std::time::{Duration, Instant};

    #[test]
    fn a_connection_is_over_when_nobody_known_has_called() {
        let (begin, idle) = (Duration::from_secs(20), Duration::from_secs(3_600));
        let activity = Activity::new();
        let after = |seconds| Instant::now() + Duration::from_secs(seconds);
        assert!(!activity.is_over(after(19), begin, idle) && activity.is_over(after(21), begin, idle));
        activity.called();
        assert!(!activity.is_over(after(3_599), begin, idle) && activity.is_over(after(3_602), begin, idle));
    }
}
