//! Where the journal's topic is and how to get there, as a URL and a few options, or as the file that remembers them.
//!
//! A password is never said, only the file that has it: what is said stands in process lists, logs and shell histories. Without TLS only brokers on this machine are spoken to, for outlines are
//! in clear, and so would a password be.

use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::Fault;
use crate::journal::error::JournalError;

/// How long a write may take, and an answer be waited for, before it counts as failed.
const PATIENCE_S: u64 = 20;

/// Where the topic is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// `HOST:PORT`, several parted by commas.
    pub brokers: String,
    pub topic: String,
    /// `None`: no TLS.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tls: Option<Tls>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sasl: Option<Sasl>,
    /// Seconds.
    #[serde(default = "patience")]
    pub patience_s: u64,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tls {
    /// Who signed the brokers' certificates (PEM); those that the system trusts if not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ca: Option<PathBuf>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sasl {
    pub mechanism: Mechanism,
    pub user: String,
    pub password_file: PathBuf,
}

/// How a user is known to the brokers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Mechanism {
    #[serde(rename = "scram-sha-512")]
    ScramSha512,
    #[serde(rename = "scram-sha-256")]
    ScramSha256,
    #[serde(rename = "plain")]
    Plain,
}

impl Mechanism {
    pub const ALL: [Mechanism; 3] = [Mechanism::ScramSha512, Mechanism::ScramSha256, Mechanism::Plain];

    /// As an option has it.
    pub fn name(self) -> &'static str {
        match self {
            Mechanism::ScramSha512 => "scram-sha-512",
            Mechanism::ScramSha256 => "scram-sha-256",
            Mechanism::Plain => "plain",
        }
    }
}

fn patience() -> u64 {
    PATIENCE_S
}

fn wrong(name: &'static str, value: &str, remedy: &'static str) -> JournalError {
    Fault::Settings { name, value: value.to_owned(), remedy }.into()
}

const AS_URL: &str =
    "write kafkas://HOST:PORT,HOST:PORT/TOPIC (TLS), or kafka://127.0.0.1:PORT/TOPIC for brokers on this machine";

impl Settings {
    /// From `kafkas://HOST:PORT[,HOST:PORT…]/TOPIC`, with TLS, or `kafka://…`, without.
    ///
    /// # Errors
    /// Where it is none, or names a user.
    pub fn parse(url: &str) -> Result<Settings, JournalError> {
        let (scheme, rest) = url.split_once("://").ok_or_else(|| wrong("the journal's URL", url, AS_URL))?;
        let tls = match scheme {
            "kafka" => None,
            "kafkas" => Some(Tls::default()),
            _ => return Err(wrong("the journal's URL", url, AS_URL)),
        };
        if rest.contains('@') {
            // Not told again: what stands there may be a password.
            let remedy = "leave user and password out of it: --kafka-user and --kafka-password-file name them";
            return Err(wrong("the journal's URL", &format!("{scheme}://…@…"), remedy));
        }
        let (brokers, topic) = rest.split_once('/').ok_or_else(|| wrong("the journal's URL", url, AS_URL))?;
        let settings = Settings { brokers: brokers.to_owned(), topic: topic.to_owned(), tls, sasl: None, patience_s: PATIENCE_S };
        settings.check()?;
        Ok(settings)
    }

    /// From the file that remembers them.
    ///
    /// # Errors
    /// Where it can't be read or says what can't be.
    pub fn read(path: &Path) -> Result<Settings, JournalError> {
        let remedy = "give --journal again with what belongs to it: `vitalog serve` writes the file";
        let failed = |what: String| wrong("the file of the journal's place", &format!("{}: {what}", path.display()), remedy);
        let text = std::fs::read(path).map_err(|e| failed(e.to_string()))?;
        let settings: Settings = serde_json::from_slice(&text).map_err(|e| failed(e.to_string()))?;
        settings.check()?;
        Ok(settings)
    }

    /// As the file has it.
    pub fn text(&self) -> String {
        // Strings, numbers and paths that came from text: nothing that JSON can't say.
        let mut text = serde_json::to_string_pretty(self).unwrap_or_default();
        text.push('\n');
        text
    }

    /// # Errors
    /// The first thing that can't be.
    pub fn check(&self) -> Result<(), JournalError> {
        let is_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
        if self.topic.is_empty() || self.topic.len() > 249 || !self.topic.chars().all(is_name) || self.topic.starts_with('.') {
            return Err(wrong("the journal's topic", &self.topic, "use letters, digits, '.', '_' and '-', at most 249 of them"));
        }
        for broker in self.brokers.split(',') {
            let port =
                broker.rsplit_once(':').filter(|(host, _)| !host.is_empty()).and_then(|(_, port)| port.parse::<u16>().ok());
            if port.is_none_or(|port| port == 0) || broker.contains(['/', ' ', '@']) {
                return Err(wrong("a broker's address", broker, AS_URL));
            }
            if self.tls.is_none() && !is_near(broker) {
                return Err(wrong(
                    "a broker's address",
                    broker,
                    "use kafkas:// (TLS): without it only brokers on 127.0.0.1, ::1 or localhost",
                ));
            }
        }
        if self.patience_s == 0 || self.patience_s > 600 {
            return Err(wrong("patience_s", &self.patience_s.to_string(), "give 1 to 600 seconds"));
        }
        Ok(())
    }

    pub fn patience(&self) -> Duration {
        Duration::from_secs(self.patience_s)
    }
}

impl Sasl {
    /// The password: what the file has, without the line's end.
    ///
    /// # Errors
    /// Where it can't be read, is empty, or others may read it.
    pub fn password(&self) -> Result<String, JournalError> {
        let path = self.password_file.display().to_string();
        let unreadable = "name a file that this user can read and that has the password in its first line";
        let text = std::fs::read_to_string(&self.password_file)
            .map_err(|e| wrong("the password file", &format!("{path}: {e}"), unreadable))?;
        if others_may_read(&self.password_file) {
            return Err(wrong("the password file", &format!("{path}: others may read it"), "chmod 600, or 640"));
        }
        match text.lines().next() {
            Some(password) if !password.is_empty() => Ok(password.to_owned()),
            _ => Err(wrong("the password file", &format!("{path}: it is empty"), unreadable)),
        }
    }
}

#[cfg(unix)]
fn others_may_read(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    std::fs::metadata(path).is_ok_and(|file| file.permissions().mode() & 0o007 != 0)
}

#[cfg(not(unix))]
fn others_may_read(_: &Path) -> bool {
    false
}

fn is_near(broker: &str) -> bool {
    let host = broker.rsplit_once(':').map_or(broker, |(host, _)| host);
    let host = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_says_where() {
        let far = Settings::parse("kafkas://b1.example:9093,b2.example:9093/vitalog").expect("sound");
        assert_eq!((far.brokers.as_str(), far.topic.as_str()), ("b1.example:9093,b2.example:9093", "vitalog"));
        assert_eq!(far.tls, Some(Tls::default()));
        for near in ["kafka://127.0.0.1:9092/t", "kafka://localhost:1/t", "kafka://[::1]:9092/t"] {
            assert_eq!(Settings::parse(near).expect("sound").tls, None, "{near}");
        }
    }

    #[test]
    fn what_is_no_place_is_named() {
        for (url, named) in [
            ("vitalog", "kafkas://HOST:PORT"),
            ("http://127.0.0.1:9092/t", "kafkas://HOST:PORT"),
            ("kafka://127.0.0.1:9092", "kafkas://HOST:PORT"),
            ("kafka://127.0.0.1/t", "127.0.0.1"),
            ("kafka://127.0.0.1:99999/t", "99999"),
            ("kafka://127.0.0.1:9092/", "topic"),
            ("kafka://127.0.0.1:9092/a/b", "a/b"),
            ("kafka://10.0.0.1:9092/t", "use kafkas://"),
            ("kafka://127.0.0.1:9092,b.example:9092/t", "use kafkas://"),
        ] {
            let error = Settings::parse(url).expect_err(url).to_string();
            assert!(error.contains(named), "{url}: {error}");
        }
    }

    #[test]
    fn a_password_in_a_url_is_refused_and_not_told() {
        let error = Settings::parse("kafkas://vitalog:secret@b:9093/t").expect_err("a password").to_string();
        assert!(error.contains("--kafka-password-file") && !error.contains("secret"), "{error}");
    }

    #[test]
    fn the_file_says_the_same_and_nothing_else() {
        let mut settings = Settings::parse("kafkas://b:9093/t").expect("sound");
        settings.sasl =
            Some(Sasl { mechanism: Mechanism::ScramSha512, user: "vitalog".to_owned(), password_file: "/etc/p".into() });
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("journal.kafka");
        std::fs::write(&path, settings.text()).expect("written");
        assert_eq!(Settings::read(&path).expect("read"), settings);
        for bad in ["", "{}", r#"{"brokers":"b:1","topic":"t"}"#, r#"{"brokers":"127.0.0.1:1","topic":"t","password":"p"}"#] {
            std::fs::write(&path, bad).expect("written");
            assert!(Settings::read(&path).is_err(), "{bad}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_password_is_the_first_line_of_a_file_that_others_can_not_read() {
        use std::os::unix::fs::PermissionsExt;
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("password");
        let sasl = Sasl { mechanism: Mechanism::Plain, user: "u".to_owned(), password_file: path.clone() };
        assert!(sasl.password().is_err(), "there is none");
        std::fs::write(&path, "sesame\n").expect("written");
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).expect("set");
        assert!(sasl.password().expect_err("others may read it").to_string().contains("chmod"));
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).expect("set");
        assert_eq!(sasl.password().expect("a password"), "sesame");
        std::fs::write(&path, "\n").expect("written");
        assert!(sasl.password().is_err(), "it is empty");
    }
}
