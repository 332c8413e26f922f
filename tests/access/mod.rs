//! Who may do what over HTTP, who did, and TLS: the real server with accounts.

mod browser;
mod doors;
mod enumeration;
mod glass;
mod life;
mod log;
mod metering;
mod quotas;
mod sign_in;
mod study;
mod tenants;
mod tls;
mod whose;

pub use doors::{ALL, DOORS, everybody, has};
pub use tls::certificate;

use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::time::Duration;

use serde_json::Value;

use crate::support::http::Answer;
use crate::support::server::{Server, run, vitalog};

/// Runs `vitalog user` or `vitalog token`; what it prints.
pub fn told(data: &Path, command: &str, args: &[&str]) -> String {
    let (status, out, err) = run(vitalog().args([command, "--data"]).arg(data).args(args));
    assert_eq!(status, Some(0), "{command} {args:?}: {err}");
    out.trim().to_owned()
}

/// A server that asks everybody who they are.
pub fn serve(data: &Path, more: &[&str]) -> Server {
    let mut command = vitalog();
    command.args(["serve", "--listen", "127.0.0.1:0", "--data"]).arg(data).args(more);
    Server::spawn(command)
}

pub fn bearer(token: &str) -> String {
    format!("Bearer {token}")
}

pub fn ask(server: &Server, token: &str, method: &str, path: &str, body: &str) -> Answer {
    let auth = bearer(token);
    let headers = [("authorization", auth.as_str()), ("content-type", "application/json")];
    server.try_send(method, path, &headers, body).expect("the server answers")
}

/// The status of an answer, whose body may have no end.
pub fn status(server: &Server, token: &str, method: &str, path: &str, body: &str) -> u16 {
    let address = server.url.strip_prefix("http://").expect("in the clear");
    let mut stream = TcpStream::connect(address).expect("connected");
    stream.set_read_timeout(Some(Duration::from_secs(60))).expect("set");
    let request = format!(
        "{method} {path} HTTP/1.1\r\nhost: {address}\r\nauthorization: Bearer {token}\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(request.as_bytes()).expect("sent");
    let mut line = [0_u8; 12];
    stream.read_exact(&mut line).expect("an answer");
    String::from_utf8_lossy(&line[9..]).parse().expect("a status")
}

pub const LOW: &str = r#"{"subject":"p-1","stream":"bg","at":"2026-03-10T08:00:00Z","value":41,"id":"g1"}"#;

/// What of the access log the audit prints about a subject, as JSON, and its summary.
pub fn audit(data: &Path, args: &[&str]) -> (Option<i32>, Vec<Value>, Value) {
    let (status, out, _) = run(vitalog().args(["audit", "access", "--format", "json", "--data"]).arg(data).args(args));
    let mut lines: Vec<Value> = out.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    let summary = lines.pop().expect("a summary");
    (status, lines, summary)
}
