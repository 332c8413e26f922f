//! An authority and a certificate for 127.0.0.1, made by `openssl` for one broker.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Makes the certificate in a folder. Gives the authority's (PEM), and key with certificate as a broker wants them.
pub fn make(dir: &Path) -> (PathBuf, PathBuf) {
    let (ca, both) = (dir.join("ca.pem"), dir.join("broker.pem"));
    authority(dir, "ca");
    let request = ["req", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=127.0.0.1", "-keyout", "key.pem", "-out", "request.pem"];
    openssl(dir, &request);
    fs::write(dir.join("names"), "subjectAltName=IP:127.0.0.1,DNS:localhost\n").expect("written");
    let sign = ["x509", "-req", "-in", "request.pem", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-days", "2"];
    openssl(dir, &[&sign[..], &["-extfile", "names", "-out", "certificate.pem"]].concat());
    let read = |name: &str| fs::read_to_string(dir.join(name)).expect("made");
    fs::write(&both, format!("{}{}", read("key.pem"), read("certificate.pem"))).expect("written");
    (ca, both)
}

/// Makes another authority, which signed nothing.
pub fn authority(dir: &Path, name: &str) -> PathBuf {
    let (key, out) = (format!("{name}.key"), format!("{name}.pem"));
    let make = ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=an authority for tests"];
    openssl(dir, &[&make[..], &["-keyout", &key, "-out", &out]].concat());
    dir.join(out)
}

fn openssl(dir: &Path, args: &[&str]) {
    let out = Command::new("openssl").args(args).current_dir(dir).stdin(Stdio::null()).output().expect("openssl is there");
    assert!(out.status.success(), "openssl {args:?}: {}", String::from_utf8_lossy(&out.stderr));
}
