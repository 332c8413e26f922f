//! An OpenID Connect provider that names people wherever it can: in errors, claims and tokens.

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use super::doings::{MAIL, PERSON};

/// One that listens on loopback until the test's process ends.
pub struct FalseProvider {
    pub issuer: String,
}

pub const ACCESS_TOKEN: &str = "access-of-quince-5eed";

/// The answers of the door that hands out tokens, one after the other.
const ANSWERS: usize = 5;

impl FalseProvider {
    pub fn start() -> FalseProvider {
        let socket = TcpListener::bind("127.0.0.1:0").expect("bound");
        let issuer = format!("http://{}", socket.local_addr().expect("an address"));
        let (own, turn) = (issuer.clone(), Arc::new(AtomicUsize::new(0)));
        std::thread::spawn(move || {
            for stream in socket.incoming().flatten() {
                let (own, turn) = (own.clone(), turn.clone());
                // Whoever hangs up is not answered.
                std::thread::spawn(move || drop(answer(stream, &own, &turn)));
            }
        });
        FalseProvider { issuer }
    }
}

fn answer(stream: TcpStream, issuer: &str, turn: &AtomicUsize) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream);
    let (mut line, mut head) = (String::new(), HashMap::new());
    reader.read_line(&mut line)?;
    let path = line.split(' ').nth(1).unwrap_or_default().to_owned();
    loop {
        line.clear();
        reader.read_line(&mut line)?;
        let Some((name, value)) = line.trim().split_once(':') else { break };
        head.insert(name.to_ascii_lowercase(), value.trim().to_owned());
    }
    let length = head.get("content-length").and_then(|n| n.parse().ok()).unwrap_or(0);
    reader.read_exact(&mut vec![0; length])?;
    let (status, body) = match &*path {
        "/.well-known/openid-configuration" => (200, description(issuer)),
        "/keys" => (200, json!({"keys": []})),
        "/token" => token(issuer, turn.fetch_add(1, Ordering::Relaxed)),
        _ => (404, json!({"error": PERSON})),
    };
    let body = body.to_string();
    let head = format!(
        "HTTP/1.1 {status} Said\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
        body.len()
    );
    reader.into_inner().write_all(format!("{head}{body}").as_bytes())
}

fn description(issuer: &str) -> Value {
    json!({
        "issuer": issuer, "authorization_endpoint": format!("{issuer}/auth"), "token_endpoint": format!("{issuer}/token"),
        "jwks_uri": format!("{issuer}/keys"), "service_documentation": format!("mailto:{MAIL}"),
    })
}

fn token(issuer: &str, turn: usize) -> (u16, Value) {
    let with =
        |header: Value| json!({"access_token": ACCESS_TOKEN, "token_type": "Bearer", "id_token": id_token(issuer, &header)});
    match turn % ANSWERS {
        0 => (400, json!({"error": format!("{PERSON} is locked"), "error_description": MAIL})),
        1 => (500, json!({"error": MAIL})),
        2 => (200, with(json!({"alg": "none"}))),
        3 => (200, with(json!({"alg": "ES256", "typ": "JWT"}))),
        _ => (200, json!({"id_token": format!("{PERSON}.{MAIL}.{ACCESS_TOKEN}"), "access_token": ACCESS_TOKEN})),
    }
}

/// One that nobody signed, about a person with name and address.
fn id_token(issuer: &str, header: &Value) -> String {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("a time").as_secs();
    let claims = json!({
        "iss": issuer, "aud": "vitalog", "sub": MAIL, "email": MAIL, "name": PERSON, "nonce": PERSON, "iat": now, "exp": now + 300,
    });
    let part = |json: &Value| URL_SAFE_NO_PAD.encode(json.to_string());
    format!("{}.{}.{}", part(header), part(&claims), URL_SAFE_NO_PAD.encode([7; 64]))
}
