//! A receiver of webhooks that answers as it is told, and verifies signatures by its own arithmetic.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::any;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};
use tokio::sync::Notify;

/// What came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Got {
    pub id: String,
    pub timestamp: i64,
    pub signatures: String,
    pub body: String,
    pub content_type: String,
}

/// How to answer; when nothing is left to say, 204.
#[derive(Clone, Debug)]
pub enum Say {
    Status(u16),
    RetryAfter(u16, &'static str),
    Redirect(String),
    /// Nothing for so long, then 204.
    Late(std::time::Duration),
    /// 200, and then more bytes than anyone wants.
    Huge,
}

#[derive(Default)]
pub struct Receiver {
    pub got: Mutex<Vec<Got>>,
    pub says: Mutex<VecDeque<Say>>,
    came: Notify,
}

impl Receiver {
    /// Listens on a free port of this host until the test's runtime ends.
    pub async fn start(says: Vec<Say>) -> (Arc<Receiver>, SocketAddr) {
        let receiver = Arc::new(Receiver { says: Mutex::new(says.into()), ..Receiver::default() });
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("an address");
        let app = Router::new().route("/{*path}", any(take)).with_state(receiver.clone());
        tokio::spawn(async move { axum::serve(listener, app).await });
        (receiver, address)
    }

    pub fn got(&self) -> Vec<Got> {
        self.got.lock().expect("no test panics while it holds this").clone()
    }

    /// Waits until so many have come.
    pub async fn wait_for(&self, n: usize) -> Vec<Got> {
        let enough = async {
            loop {
                let came = self.came.notified();
                let got = self.got();
                if got.len() >= n {
                    return got;
                }
                came.await;
            }
        };
        tokio::time::timeout(std::time::Duration::from_secs(20), enough)
            .await
            .unwrap_or_else(|_| panic!("{n} messages within 20 s; there are {}", self.got().len()))
    }
}

async fn take(State(receiver): State<Arc<Receiver>>, headers: HeaderMap, body: Bytes) -> Response {
    let text = |name: &str| headers.get(name).and_then(|v| v.to_str().ok()).unwrap_or("").to_owned();
    let got = Got {
        id: text("webhook-id"),
        timestamp: text("webhook-timestamp").parse().unwrap_or(0),
        signatures: text("webhook-signature"),
        body: String::from_utf8_lossy(&body).into_owned(),
        content_type: text("content-type"),
    };
    receiver.got.lock().expect("no test panics while it holds this").push(got);
    let say = receiver.says.lock().expect("no test panics while it holds this").pop_front();
    receiver.came.notify_waiters();
    match say.unwrap_or(Say::Status(204)) {
        Say::Status(code) => StatusCode::from_u16(code).expect("a status").into_response(),
        Say::RetryAfter(code, wait) => {
            (StatusCode::from_u16(code).expect("a status"), [(header::RETRY_AFTER, wait)]).into_response()
        }
        Say::Redirect(to) => (StatusCode::FOUND, [(header::LOCATION, to)]).into_response(),
        Say::Late(wait) => {
            tokio::time::sleep(wait).await;
            StatusCode::NO_CONTENT.into_response()
        }
        Say::Huge => vec![0_u8; 256 << 20].into_response(),
    }
}

/// Whether one of the signatures is right: HMAC by RFC 2104, written out.
pub fn verifies(got: &Got, secret: &str) -> bool {
    let key = STANDARD.decode(secret.trim_start_matches("whsec_")).expect("a test's own secret");
    let mut padded = [0_u8; 64];
    padded[..key.len()].copy_from_slice(&key);
    let inner = Sha256::new()
        .chain_update(padded.map(|b| b ^ 0x36))
        .chain_update(format!("{}.{}.{}", got.id, got.timestamp, got.body))
        .finalize();
    let outer = Sha256::new().chain_update(padded.map(|b| b ^ 0x5c)).chain_update(inner).finalize();
    let right = format!("v1,{}", STANDARD.encode(outer));
    got.signatures.split(' ').any(|one| one == right)
}
