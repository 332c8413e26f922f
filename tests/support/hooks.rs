//! A receiver of webhooks that keeps each message as it came, and fails now and then if it is told to, so that messages come again.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::path::Path;
use std::sync::{Arc, Mutex};

use serde_json::json;

/// What `webhook-id` said, and the body.
pub type Message = (String, String);

#[derive(Clone, Default)]
pub struct Hooks {
    got: Arc<Mutex<Vec<Message>>>,
}

impl Hooks {
    /// Listens until the test's process ends; gives its address, too.
    pub fn start() -> (Hooks, String) {
        Hooks::failing(usize::MAX)
    }

    /// The same, but one in so many is answered by 503 although its message was kept: who sent it can't know.
    pub fn failing(one_in: usize) -> (Hooks, String) {
        let hooks = Hooks::default();
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("an address");
        let got = hooks.got.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let got = got.clone();
                std::thread::spawn(move || {
                    let mut reader = BufReader::new(stream);
                    while let Some(message) = message(&mut reader) {
                        let count = {
                            let mut got = got.lock().expect("no thread panics while it holds this");
                            got.push(message);
                            got.len()
                        };
                        let status = if count.is_multiple_of(one_in) { "503 Service Unavailable" } else { "200 OK" };
                        let answer = format!("HTTP/1.1 {status}\r\ncontent-length: 0\r\n\r\n");
                        if reader.get_mut().write_all(answer.as_bytes()).is_err() {
                            break;
                        }
                    }
                });
            }
        });
        (hooks, format!("http://{address}"))
    }

    pub fn count(&self) -> usize {
        self.got.lock().expect("no thread panics while it holds this").len()
    }

    /// All that came, in its order.
    pub fn messages(&self) -> Vec<Message> {
        self.got.lock().expect("no thread panics while it holds this").clone()
    }
}

/// A file for `--webhooks`: one endpoint without a role, that hears of whatever is told.
pub fn config(file: &Path, url: &str) {
    let endpoint = json!({"name": "hooks", "url": url, "secrets": ["whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="],
        "min_severity": "info", "allow_loopback": true});
    std::fs::write(file, json!({"settle_s": 0, "endpoints": [endpoint]}).to_string()).expect("written");
}

/// The next message; `None` where the connection ended, before it or within.
fn message(reader: &mut impl BufRead) -> Option<Message> {
    let (mut id, mut length) = (String::new(), 0);
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).ok()? == 0 {
            return None;
        }
        let Some((name, value)) = line.split_once(':') else {
            if line.trim().is_empty() {
                break;
            }
            continue;
        };
        match name.to_ascii_lowercase().as_str() {
            "webhook-id" => value.trim().clone_into(&mut id),
            "content-length" => length = value.trim().parse().ok()?,
            _ => {}
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    Some((id, String::from_utf8(body).ok()?))
}
