//! An OpenID Connect provider of the tests' own, which says whatever a test wants: true or forged, slow, too much, or nothing.
//!
//! It holds the other side to the standard as well: a code is redeemed once, by whoever has the verifier, under the address that it was asked for.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use ring::digest::{SHA256, digest};
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair};
use serde_json::{Value as Json, json};
use url::form_urlencoded;

pub const CLIENT: &str = "vitalog test";
pub const SECRET: &str = "s/e c:r+e%t";

/// What it says.
#[derive(Clone, Default)]
pub struct Says {
    /// Put over the description.
    pub discovery: Json,
    /// Put over the claims; `null` takes one away.
    pub claims: Json,
    /// Put over the token's header.
    pub header: Json,
    /// Instead of the signature.
    pub signature: Option<String>,
    /// Instead of the whole token.
    pub token: Option<String>,
    /// The key that signs: 0 and 1 are told in the set, if they are here.
    pub signs: usize,
    pub told: Vec<usize>,
    /// Before the answer of the door that hands out tokens, and of that with the description.
    pub delay: Duration,
    /// How many bytes the description is longer by.
    pub padding: usize,
    /// Of the door that hands out tokens, with this body.
    pub denies: Option<(u16, &'static str)>,
    /// Sends whoever fetches the keys to another door, where they are.
    pub keys_elsewhere: bool,
}

/// A code, and what it was asked for with.
struct Code {
    challenge: String,
    nonce: String,
    back: String,
}

struct Inner {
    url: String,
    says: Mutex<Says>,
    codes: Mutex<HashMap<String, Code>>,
    keys: Vec<EcdsaKeyPair>,
    fetched: AtomicUsize,
    described: AtomicUsize,
    now: i64,
}

pub struct FalseProvider {
    inner: Arc<Inner>,
    runtime: Option<tokio::runtime::Runtime>,
}

impl FalseProvider {
    /// One whose clock stands at `now`, in seconds.
    pub fn start(now: i64) -> FalseProvider {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("a runtime");
        let listener = runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0")).expect("bound");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let keys = (0..3).map(|_| drawn()).collect();
        let says = Says { told: vec![0], ..Says::default() };
        let inner = Arc::new(Inner {
            url,
            says: Mutex::new(says),
            codes: Mutex::default(),
            keys,
            fetched: AtomicUsize::new(0),
            described: AtomicUsize::new(0),
            now,
        });
        let app = Router::new()
            .route("/.well-known/openid-configuration", get(discovery))
            .route("/keys", get(keys_told))
            .route("/elsewhere", get(the_keys))
            .route("/token", post(token))
            .with_state(inner.clone());
        runtime.spawn(async move { axum::serve(listener, app).await });
        FalseProvider { inner, runtime: Some(runtime) }
    }

    pub fn url(&self) -> &str {
        &self.inner.url
    }

    pub fn say(&self, change: impl FnOnce(&mut Says)) {
        change(&mut self.inner.says.lock().expect("no panic"));
    }

    /// As it was at first.
    pub fn recover(&self) {
        self.say(|says| *says = Says { told: vec![0], ..Says::default() });
    }

    /// How often its keys were fetched, and its description.
    pub fn fetched(&self) -> (usize, usize) {
        (self.inner.fetched.load(Ordering::Relaxed), self.inner.described.load(Ordering::Relaxed))
    }

    /// Somebody signs in, sent here with this address: a code.
    pub fn authorize(&self, address: &str) -> String {
        let asked = query(address);
        let get = |name: &str| asked.get(name).cloned().unwrap_or_default();
        assert_eq!(
            (&*get("response_type"), &*get("client_id"), &*get("scope"), &*get("code_challenge_method")),
            ("code", CLIENT, "openid", "S256")
        );
        let mut codes = self.inner.codes.lock().expect("no panic");
        let code = format!("code-{}", codes.len());
        codes.insert(code.clone(), Code { challenge: get("code_challenge"), nonce: get("nonce"), back: get("redirect_uri") });
        code
    }
}

impl Drop for FalseProvider {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_timeout(Duration::from_secs(1));
        }
    }
}

/// The parameters of an address.
pub fn query(address: &str) -> HashMap<String, String> {
    let query = address.split_once('?').map_or("", |(_, query)| query);
    form_urlencoded::parse(query.as_bytes()).into_owned().collect()
}

fn drawn() -> EcdsaKeyPair {
    let random = SystemRandom::new();
    let document = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random).expect("drawn");
    EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, document.as_ref(), &random).expect("a key")
}

fn over(mut all: Json, change: &Json) -> Json {
    for (name, value) in change.as_object().into_iter().flatten() {
        all[name] = value.clone();
    }
    all.as_object_mut().expect("an object").retain(|_, value| !value.is_null());
    all
}

async fn discovery(State(inner): State<Arc<Inner>>) -> Response {
    inner.described.fetch_add(1, Ordering::Relaxed);
    let says = inner.says.lock().expect("no panic").clone();
    tokio::time::sleep(says.delay).await;
    let url = &inner.url;
    let document = json!({
        "issuer": url, "authorization_endpoint": format!("{url}/auth?of=test"), "token_endpoint": format!("{url}/token"),
        "jwks_uri": format!("{url}/keys"), "end_session_endpoint": format!("{url}/out"),
    });
    (over(document, &says.discovery).to_string() + &" ".repeat(says.padding)).into_response()
}

async fn keys_told(State(inner): State<Arc<Inner>>) -> Response {
    inner.fetched.fetch_add(1, Ordering::Relaxed);
    let says = inner.says.lock().expect("no panic").clone();
    if says.keys_elsewhere {
        return axum::response::Redirect::temporary("/elsewhere").into_response();
    }
    the_keys(State(inner)).await
}

async fn the_keys(State(inner): State<Arc<Inner>>) -> Response {
    let says = inner.says.lock().expect("no panic").clone();
    let key = |n: &usize| {
        let point = inner.keys[*n].public_key().as_ref();
        let (x, y) = (URL_SAFE_NO_PAD.encode(&point[1..33]), URL_SAFE_NO_PAD.encode(&point[33..]));
        json!({"kty": "EC", "crv": "P-256", "kid": format!("k{n}"), "use": "sig", "x": x, "y": y})
    };
    let mut keys: Vec<Json> = says.told.iter().map(key).collect();
    // Keys for others, and of kinds that nobody here knows.
    keys.push(json!({"kty": "oct", "kid": "k0", "k": "AAAA"}));
    keys.push(json!({"kty": "AKP", "kid": "k9", "alg": "ML-DSA-44", "pub": "AAAA"}));
    json!({ "keys": keys }).to_string().into_response()
}

async fn token(State(inner): State<Arc<Inner>>, headers: HeaderMap, body: String) -> Response {
    let says = inner.says.lock().expect("no panic").clone();
    tokio::time::sleep(says.delay).await;
    let form: HashMap<String, String> = form_urlencoded::parse(body.as_bytes()).into_owned().collect();
    let deny = |word: &str| (StatusCode::BAD_REQUEST, json!({ "error": word }).to_string()).into_response();
    if let Some((status, body)) = says.denies {
        return (StatusCode::from_u16(status).expect("a status"), body).into_response();
    }
    let shown = headers.get("authorization").and_then(|v| v.to_str().ok()?.strip_prefix("Basic ").map(str::to_owned));
    let escaped = |text: &str| form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
    let expected = STANDARD.encode(format!("{}:{}", escaped(CLIENT), escaped(SECRET)));
    let in_body = (form.get("client_id").map(String::as_str), form.get("client_secret").map(String::as_str));
    if shown.as_deref() != Some(&expected) && in_body != (Some(CLIENT), Some(SECRET)) {
        return deny("invalid_client");
    }
    let code = form.get("code").and_then(|code| inner.codes.lock().expect("no panic").remove(code));
    let Some(code) = code else { return deny("invalid_grant") };
    let verifier = form.get("code_verifier").cloned().unwrap_or_default();
    let challenge = URL_SAFE_NO_PAD.encode(digest(&SHA256, verifier.as_bytes()));
    if challenge != code.challenge || form.get("redirect_uri") != Some(&code.back) || form["grant_type"] != "authorization_code" {
        return deny("invalid_grant");
    }
    let token = says.token.clone().unwrap_or_else(|| made(&inner, &says, &code.nonce));
    json!({"access_token": "an access token", "token_type": "Bearer", "id_token": token}).to_string().into_response()
}

/// A token, true but for what the test puts over it.
fn made(inner: &Inner, says: &Says, nonce: &str) -> String {
    let half = URL_SAFE_NO_PAD.encode(&digest(&SHA256, b"an access token").as_ref()[..16]);
    let claims = json!({
        "iss": inner.url, "sub": "248289761001", "aud": CLIENT, "exp": inner.now + 300, "iat": inner.now, "nonce": nonce, "at_hash": half,
    });
    let header = json!({"alg": "ES256", "typ": "JWT", "kid": format!("k{}", says.signs)});
    let part = |json: Json| URL_SAFE_NO_PAD.encode(json.to_string());
    let what = format!("{}.{}", part(over(header, &says.header)), part(over(claims, &says.claims)));
    let signed = inner.keys[says.signs].sign(&SystemRandom::new(), what.as_bytes()).expect("signed");
    let signature = says.signature.clone().unwrap_or_else(|| URL_SAFE_NO_PAD.encode(signed.as_ref()));
    format!("{what}.{signature}")
}
