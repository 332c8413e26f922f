//! What `SET` and `SHOW` are about. Most settings are what they are: a client may say that they should be so, and is refused what would change the meaning of an answer.

use std::collections::BTreeMap;

use crate::pg::fault::Fault;

/// The version of PostgreSQL whose ways are kept to.
pub const VERSION: &str = "15.0";

/// The one database.
pub const DATABASE: &str = "vitalog";

/// Those that are told at the beginning, and when they change.
const TOLD: [&str; 13] = [
    "server_version",
    "server_encoding",
    "client_encoding",
    "application_name",
    "default_transaction_read_only",
    "in_hot_standby",
    "is_superuser",
    "session_authorization",
    "DateStyle",
    "IntervalStyle",
    "TimeZone",
    "integer_datetimes",
    "standard_conforming_strings",
];

/// Name, value, and whether a client may change it. Changing those that it may changes nothing of an answer, but how long it may take (`statement_timeout`).
const SETTINGS: &[(&str, &str, bool)] = &[
    ("DateStyle", "ISO, MDY", false),
    ("IntervalStyle", "postgres", false),
    ("TimeZone", "UTC", false),
    ("application_name", "", true),
    ("bytea_output", "hex", false),
    ("client_encoding", "UTF8", false),
    ("client_min_messages", "notice", true),
    ("default_transaction_isolation", "read committed", true),
    ("default_transaction_read_only", "on", true),
    ("escape_string_warning", "on", true),
    ("extra_float_digits", "1", true),
    ("idle_in_transaction_session_timeout", "0", true),
    ("in_hot_standby", "off", false),
    ("integer_datetimes", "on", false),
    ("is_superuser", "off", false),
    ("jit", "off", true),
    ("lc_collate", "C", false),
    ("lc_ctype", "C", false),
    ("lock_timeout", "0", true),
    ("max_identifier_length", "63", false),
    ("max_index_keys", "32", false),
    ("row_security", "on", true),
    ("search_path", "lake", true),
    ("server_encoding", "UTF8", false),
    ("server_version", VERSION, false),
    ("server_version_num", "150000", false),
    ("standard_conforming_strings", "on", false),
    ("statement_timeout", "0", true),
    ("transaction_isolation", "read committed", true),
    ("transaction_read_only", "on", true),
    ("work_mem", "4MB", true),
];

/// Settings that a session may have changed.
const MOST: usize = 200;

/// Of one session.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    user: String,
    changed: BTreeMap<String, String>,
}

impl Settings {
    pub fn of(user: &str) -> Settings {
        Settings { user: user.to_owned(), changed: BTreeMap::new() }
    }

    pub fn get(&self, name: &str) -> Option<String> {
        let name = plain(name);
        if name == "session_authorization" || name == "role" {
            return Some(if name == "role" { "none".to_owned() } else { self.user.clone() });
        }
        let fixed =
            || SETTINGS.iter().find(|(known, ..)| known.eq_ignore_ascii_case(&name)).map(|(_, value, _)| (*value).to_owned());
        self.changed.get(&name).cloned().or_else(fixed)
    }

    /// # Errors
    /// Where there is no such setting, or it can't be so.
    pub fn set(&mut self, name: &str, value: &str) -> Result<(), Fault> {
        let name = plain(name);
        // What an extension would have, or a tool keeps for itself.
        if name.contains('.') {
            if self.changed.len() >= MOST {
                return Err(Fault::new("53400", "there are too many settings").hint("RESET ALL"));
            }
            self.changed.insert(name, value.to_owned());
            return Ok(());
        }
        let known = SETTINGS.iter().find(|(known, ..)| known.eq_ignore_ascii_case(&name));
        let Some((known, fixed, is_free)) = known else {
            return Err(Fault::new("42704", format!("unrecognized configuration parameter {name:?}"))
                .hint("SHOW ALL lists those that there are"));
        };
        if *is_free || is_same(known, fixed, value) {
            if *known == "statement_timeout" && millis(value).is_none() {
                return Err(Fault::new("22023", "statement_timeout is no span of time")
                    .hint("write milliseconds, or a number with ms, s or min"));
            }
            if *is_free {
                self.changed.insert(name, value.to_owned());
            }
            return Ok(());
        }
        let remedy = if *known == "TimeZone" {
            "instants are UTC; local_time(at, 'Europe/London') gives a clock"
        } else {
            "leave it as it is"
        };
        Err(Fault::new("22023", format!("{known} is {fixed} here")).hint(remedy))
    }

    pub fn reset(&mut self, name: &str) {
        self.changed.remove(&plain(name));
    }

    pub fn reset_all(&mut self) {
        self.changed.clear();
    }

    /// After how many milliseconds a statement ends, if the client says so.
    pub fn timeout(&self) -> Option<u64> {
        self.get("statement_timeout").and_then(|value| millis(&value)).filter(|millis| *millis > 0)
    }

    pub fn told(&self) -> Vec<(&'static str, String)> {
        TOLD.iter().map(|name| (*name, self.get(name).unwrap_or_default())).collect()
    }

    pub fn is_told(name: &str) -> Option<&'static str> {
        TOLD.into_iter().find(|told| told.eq_ignore_ascii_case(&plain(name)))
    }

    /// All that there are, by name.
    pub fn all(&self) -> Vec<(String, String)> {
        let names = SETTINGS.iter().map(|(name, ..)| (*name).to_owned());
        let own = self.changed.keys().filter(|name| name.contains('.')).cloned();
        names.chain(own).map(|name| (self.get(&name).unwrap_or_default(), name)).map(|(value, name)| (name, value)).collect()
    }
}

fn plain(name: &str) -> String {
    match &*name.to_lowercase() {
        "time zone" => "timezone".to_owned(),
        "names" => "client_encoding".to_owned(),
        "transaction isolation level" => "transaction_isolation".to_owned(),
        other => other.to_owned(),
    }
}

/// Whether a value says what holds anyway.
fn is_same(name: &str, fixed: &str, value: &str) -> bool {
    let value = value.trim().to_lowercase();
    match name {
        "TimeZone" => ["utc", "etc/utc", "gmt", "etc/gmt", "zulu", "0", "+00:00", "default", "local"].contains(&&*value),
        "client_encoding" => ["utf8", "utf-8", "unicode", "default"].contains(&&*value),
        "DateStyle" => value.starts_with("iso") || value == "default",
        "standard_conforming_strings" | "integer_datetimes" => ["on", "true", "1", "yes", "default"].contains(&&*value),
        _ => value == fixed.to_lowercase() || value == "default",
    }
}

/// `5000`, `5s`, `5000ms`, `1min`.
fn millis(value: &str) -> Option<u64> {
    let value = value.trim();
    if value.eq_ignore_ascii_case("default") {
        return Some(0);
    }
    let digits = value.len() - value.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    let count: u64 = value[..digits].parse().ok()?;
    let unit = match value[digits..].trim() {
        "" | "ms" => 1,
        "s" => 1_000,
        "min" => 60_000,
        "h" => 3_600_000,
        _ => return None,
    };
    count.checked_mul(unit)
}

#[cfg(test)]
mod tests {
    use super::Settings;

    #[test]
    fn what_would_change_an_answer_is_refused() {
        let mut settings = Settings::of("lee");
        for (name, value) in
            [("TimeZone", "Europe/London"), ("client_encoding", "LATIN1"), ("standard_conforming_strings", "off")]
        {
            assert_eq!(settings.set(name, value).map_err(|f| f.state), Err("22023"), "{name}");
        }
        for (name, value) in
            [("time zone", "UTC"), ("NAMES", "utf8"), ("datestyle", "ISO"), ("extra_float_digits", "3"), ("a.b", "c")]
        {
            assert_eq!(settings.set(name, value), Ok(()), "{name}");
        }
        assert_eq!(settings.set("colour", "red").map_err(|f| f.state), Err("42704"));
        assert_eq!(settings.get("TIMEZONE").as_deref(), Some("UTC"));
        assert_eq!((settings.get("a.b").as_deref(), settings.get("session_authorization").as_deref()), (Some("c"), Some("lee")));
    }

    #[test]
    fn a_timeout_is_a_span_of_time() {
        let mut settings = Settings::of("lee");
        for (value, millis) in [("5000", Some(5000)), ("5s", Some(5000)), ("2 min", Some(120_000)), ("0", None)] {
            settings.set("statement_timeout", value).unwrap();
            assert_eq!(settings.timeout(), millis, "{value}");
        }
        assert!(settings.set("statement_timeout", "soon").is_err());
    }
}
