//! TLS: only with it where it can be reached from elsewhere, and a certificate exchanged while the server runs. The client is curl.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use super::{serve, told};
use crate::support::need::{need, program};
use crate::support::server::{run, vitalog};

/// A certificate for this machine, of its own authority: chain and key.
pub fn certificate(openssl: &Path, folder: &Path, name: &str) -> (PathBuf, PathBuf) {
    let (chain, key) = (folder.join(format!("{name}.pem")), folder.join(format!("{name}.key")));
    let mut command = Command::new(openssl);
    command.args(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj"]);
    command.args([&format!("/CN={name}"), "-addext", "subjectAltName=IP:127.0.0.1", "-keyout"]).arg(&key).arg("-out").arg(&chain);
    let (status, _, err) = run(&mut command);
    assert_eq!(status, Some(0), "{err}");
    (chain, key)
}

fn get(curl: &Path, authority: &Path, url: &str, more: &[&str]) -> (Option<i32>, String) {
    let (status, out, _) = run(Command::new(curl).args(["-sS", "-i", "--cacert"]).arg(authority).args(more).arg(url));
    (status, out)
}

#[test]
fn a_certificate_is_exchanged_without_a_restart() {
    let (Some(curl), Some(openssl)) = (need("curl", program("curl")), need("openssl", program("openssl"))) else { return };
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    told(&data, "token", &["add", "root"]);
    let (one, one_key) = certificate(&openssl, dir.path(), "one");
    let (two, two_key) = certificate(&openssl, dir.path(), "two");
    let (chain, key) = (dir.path().join("chain.pem"), dir.path().join("key.pem"));
    let put = |from: (&Path, &Path)| {
        std::fs::copy(from.0, &chain).expect("copied");
        std::fs::copy(from.1, &key).expect("copied");
    };
    put((&one, &one_key));
    let (chain_word, key_word) = (chain.display().to_string(), key.display().to_string());
    let server = serve(&data, &["--tls-cert", &chain_word, "--tls-key", &key_word]);
    assert!(server.url.starts_with("https://"), "{}", server.url);
    let url = format!("{}/livez", server.url);
    let (status, head) = get(&curl, &one, &url, &[]);
    assert_eq!(status, Some(0));
    assert!(head.to_lowercase().contains("strict-transport-security: max-age=63072000"), "{head}");
    assert_ne!(get(&curl, &two, &url, &[]).0, Some(0), "it is not that one");
    assert_eq!(get(&curl, &one, &url, &["--tlsv1.2", "--tls-max", "1.2"]).0, Some(0));
    assert_ne!(get(&curl, &one, &url, &["--tlsv1.0", "--tls-max", "1.1"]).0, Some(0), "too old");
    let clear = server.url.replace("https", "http");
    assert_ne!(get(&curl, &one, &clear, &[]).0, Some(0), "nothing is said in the clear");
    // A key that does not fit is not taken; then both are exchanged.
    std::fs::copy(&two_key, &key).expect("copied");
    std::thread::sleep(Duration::from_secs(7));
    assert_eq!(get(&curl, &one, &url, &[]).0, Some(0), "the former goes on");
    put((&two, &two_key));
    let until = Instant::now() + Duration::from_secs(30);
    while get(&curl, &two, &url, &[]).0 != Some(0) {
        assert!(Instant::now() < until, "the new certificate was not taken");
        std::thread::sleep(Duration::from_millis(300));
    }
    assert_eq!(server.stop(), Some(0));
}

#[test]
fn nothing_is_served_in_the_clear_to_elsewhere() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path();
    told(data, "token", &["add", "root"]);
    let start = |more: &[&str]| run(vitalog().args(["serve", "--listen", "0.0.0.0:0", "--data"]).arg(data).args(more));
    let (status, _, err) = start(&[]);
    assert!(status == Some(2) && err.contains("--tls-cert") && err.contains("--behind-proxy"), "{err}");
    let wrong = data.join("wrong.pem");
    std::fs::write(&wrong, "no certificate").expect("written");
    let word = wrong.display().to_string();
    let (status, _, err) = start(&["--tls-cert", &word, "--tls-key", &word]);
    assert!(status != Some(0) && err.contains("wrong.pem"), "{err}");
    let (status, _, err) = start(&["--tls-cert", &word]);
    assert!(status == Some(2) && err.contains("--tls-key"), "{err}");
}
