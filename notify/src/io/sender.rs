//! Sending one webhook: a signed POST, with limits on everything the other side could draw out.
//!
//! Redirects are not followed, proxies of the environment are not used, and only permitted addresses are connected to. What is said of a
//! failure never holds the address, the message or the answer.

use std::time::Duration;

use reqwest::header::{CONTENT_TYPE, RETRY_AFTER};
use reqwest::{Client, Response, StatusCode};
use url::Host;
use vitalog_elog::Time;

use super::resolve::{Guarded, refusal};
use crate::config::Endpoint;
use crate::outbox::{Answer, Due};
use crate::webhook::{check, retry_after, signature};

/// The greatest message that is sent, and how much of an answer is read (so that the connection can be used again), in bytes.
const MAX_BODY: usize = 256 * 1024;
const MAX_ANSWER: usize = 16 * 1024;

/// How long the other side may take.
#[derive(Clone, Copy, Debug)]
pub struct Timeouts {
    /// To resolve and connect.
    pub connect: Duration,
    /// In all.
    pub total: Duration,
}

/// Sends webhooks.
#[derive(Clone)]
pub struct Sender {
    /// For the internet.
    public: Client,
    /// For endpoints that may be on this host or in a private network.
    private: Client,
}

impl Default for Timeouts {
    fn default() -> Timeouts {
        Timeouts { connect: Duration::from_secs(5), total: Duration::from_secs(15) }
    }
}

impl Sender {
    /// # Errors
    /// If TLS can't be set up on this machine.
    pub fn new(timeouts: Timeouts) -> Result<Sender, reqwest::Error> {
        Ok(Sender { public: client(timeouts, Guarded::new(false))?, private: client(timeouts, Guarded::new(true))? })
    }

    /// Makes one attempt, with these headers beside its own.
    pub async fn send(&self, endpoint: &Endpoint, due: &Due, now: Time, headers: &[(&'static str, String)]) -> Answer {
        if due.body.len() > MAX_BODY {
            return Answer::Hopeless { reason: format!("the message has more than {MAX_BODY} bytes") };
        }
        // A host that is an address is connected to without being resolved, so it is checked here.
        let literal = match endpoint.url.host() {
            Some(Host::Ipv4(a)) => check(a.into(), endpoint.allow_loopback),
            Some(Host::Ipv6(a)) => check(a.into(), endpoint.allow_loopback),
            _ => Ok(()),
        };
        if let Err(refused) = literal {
            return Answer::Hopeless { reason: refused.to_string() };
        }
        let id = format!("{:032x}", due.id);
        let seconds = now.micros().div_euclid(1_000_000);
        let client = if endpoint.allow_loopback { &self.private } else { &self.public };
        let request = client
            .post(endpoint.url.clone())
            .header(CONTENT_TYPE, "application/json")
            .header("webhook-id", &id)
            .header("webhook-timestamp", seconds.to_string())
            .header("webhook-signature", signature(&endpoint.secrets, &id, seconds, &due.body))
            .body(due.body.to_string());
        let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, value));
        match request.send().await {
            Ok(response) => answer(response, now).await,
            Err(error) => Answer::Failed { reason: reason(&error), retry_after: None, unwell: true },
        }
    }
}

/// A client that connects to what is permitted, however names are resolved.
pub(super) fn client(timeouts: Timeouts, guarded: Guarded) -> Result<Client, reqwest::Error> {
    Client::builder()
        .user_agent(concat!("vitalog/", env!("CARGO_PKG_VERSION")))
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .https_only(!guarded.allow_loopback)
        .dns_resolver(std::sync::Arc::new(guarded))
        .connect_timeout(timeouts.connect)
        .timeout(timeouts.total)
        .pool_idle_timeout(Duration::from_secs(60))
        .pool_max_idle_per_host(4)
        .build()
}

async fn answer(mut response: Response, now: Time) -> Answer {
    let status = response.status();
    let asked = response.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok()).and_then(|text| retry_after(text, now));
    let mut read = 0;
    while let Ok(Some(chunk)) = response.chunk().await {
        read += chunk.len();
        if read > MAX_ANSWER {
            break;
        }
    }
    if status.is_success() {
        return Answer::Delivered;
    }
    if status == StatusCode::GONE {
        return Answer::Gone;
    }
    let hint = if status.is_redirection() { " (redirects are not followed)" } else { "" };
    let unwell = status.is_server_error() || matches!(status, StatusCode::TOO_MANY_REQUESTS | StatusCode::REQUEST_TIMEOUT);
    Answer::Failed { reason: format!("status {}{hint}", status.as_u16()), retry_after: asked, unwell }
}

/// What went wrong, in words of our own: the client's would name the address.
fn reason(error: &reqwest::Error) -> String {
    if let Some(refused) = refusal(error) {
        return refused.to_string();
    }
    let text = if error.is_timeout() {
        "it did not answer in time"
    } else if error.is_connect() {
        "could not connect"
    } else {
        "the connection broke before an answer came"
    };
    text.to_owned()
}
