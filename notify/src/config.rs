//! Who is told: the endpoints, what each of them wants to hear, where it is, and the secrets it knows us by.
//!
//! Read from JSON and checked as a whole, so that a typing mistake is found at the start and not at the first alarm. A secret is never
//! printed, neither by `Debug` nor in an error.

use std::fmt;
use std::sync::Arc;

use serde::Deserialize;
use url::{Host, Url};
use vitalog_elog::access::Emergency;
use vitalog_elog::policy::Channel;
use vitalog_elog::{Finding, Severity, Span, Subject};

use crate::webhook::{Secret, check};

/// Everything that can be set about telling people.
#[derive(Clone, Debug)]
pub struct Config {
    /// How long a finding that the clock opened must stand before it is told.
    pub settle: Span,
    /// How long after its last change an alarm that has ended is remembered; changes of the finding after that are told to nobody.
    pub keep: Span,
    /// Names are unique.
    pub endpoints: Vec<Endpoint>,
}

/// One receiver of messages.
#[derive(Clone, Debug)]
pub struct Endpoint {
    /// What deliveries know it by.
    pub name: Arc<str>,
    pub url: Url,
    /// The newest first: messages are signed with each, so that a receiver may change its secret at leisure. One or two.
    pub secrets: Vec<Secret>,
    pub filter: Filter,
    /// Whom policies reach by it. With it only policies decide what it hears, as far as `filter.subjects` permits; without it, `filter` does.
    pub reach: Option<Reach>,
    /// Whether it hears that a subject was opened in an emergency, as far as `filter.subjects` permits.
    pub emergencies: bool,
    /// Whether it may be on this host or in a private network, and be spoken to without TLS.
    pub allow_loopback: bool,
}

/// Whom policies reach by an endpoint, and by what way the message goes on from there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reach {
    pub role: Arc<str>,
    pub channel: Channel,
}

/// What an endpoint wants to hear.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Filter {
    pub min_severity: Severity,
    /// The `notify` policies of rules it listens to; empty: all, and rules without one.
    pub policies: Vec<Arc<str>>,
    /// Empty: all.
    pub subjects: Vec<Subject>,
}

/// Why a configuration was refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigError {
    /// The endpoint at fault, where one is.
    endpoint: Option<String>,
    message: String,
    remedy: &'static str,
}

impl Config {
    /// Nobody is told.
    pub fn silent() -> Config {
        Config { settle: Span::seconds(30), keep: Span::days(30), endpoints: Vec::new() }
    }

    /// Reads `{"settle_s": 30, "keep_d": 30, "endpoints": [{"name", "url", "secrets", "role", "channel", "min_severity", "policies", "subjects",
    /// "emergencies", "allow_loopback"}]}`.
    /// Only `name`, `url` and `secrets` must be there.
    ///
    /// # Errors
    /// The first thing wrong with it.
    pub fn parse(json: &str) -> Result<Config, ConfigError> {
        let file: File = serde_json::from_str(json).map_err(|e| ConfigError {
            endpoint: None,
            message: format!("not a notification configuration: line {} column {}: {}", e.line(), e.column(), kind_of(&e)),
            remedy: "compare it with the example in the documentation of the configuration",
        })?;
        let endpoints = file.endpoints.into_iter().map(EndpointFile::check).collect::<Result<Vec<_>, _>>()?;
        for (i, endpoint) in endpoints.iter().enumerate() {
            if endpoints[..i].iter().any(|earlier| earlier.name == endpoint.name) {
                return Err(error(&endpoint.name, "two endpoints have this name".to_owned(), "give each its own name"));
            }
        }
        Ok(Config { settle: Span::seconds(i64::from(file.settle_s)), keep: Span::days(i64::from(file.keep_d)), endpoints })
    }
}

impl Endpoint {
    /// Whether it is told that somebody opened this subject in an emergency.
    pub fn hears_of(&self, emergency: &Emergency) -> bool {
        self.emergencies && self.filter.is_about(&emergency.subject)
    }
}

impl Filter {
    pub fn wants(&self, finding: &Finding) -> bool {
        finding.severity >= self.min_severity
            && (self.policies.is_empty() || finding.notify.as_ref().is_some_and(|name| self.policies.contains(name)))
            && self.is_about(&finding.subject)
    }

    fn is_about(&self, subject: &Subject) -> bool {
        self.subjects.is_empty() || self.subjects.contains(subject)
    }
}

impl Default for Filter {
    /// Everything that disturbs: information is not told unless it is asked for.
    fn default() -> Filter {
        Filter { min_severity: Severity::Advisory, policies: Vec::new(), subjects: Vec::new() }
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(name) = &self.endpoint {
            write!(f, "endpoint {name:?}: ")?;
        }
        write!(f, "{}; {}", self.message, self.remedy)
    }
}

impl std::error::Error for ConfigError {}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default = "default_settle")]
    settle_s: u32,
    #[serde(default = "default_keep")]
    keep_d: u32,
    endpoints: Vec<EndpointFile>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct EndpointFile {
    name: String,
    url: String,
    secrets: Vec<String>,
    role: Option<Arc<str>>,
    channel: Option<Channel>,
    min_severity: Option<Severity>,
    policies: Option<Vec<Arc<str>>>,
    #[serde(default)]
    subjects: Vec<String>,
    emergencies: Option<bool>,
    #[serde(default)]
    allow_loopback: bool,
}

fn default_settle() -> u32 {
    30
}

fn default_keep() -> u32 {
    30
}

impl EndpointFile {
    fn check(self) -> Result<Endpoint, ConfigError> {
        let name = self.name;
        if !Subject::is_valid(&name) {
            let remedy = "use 1 to 64 of A-Z a-z 0-9 . _ : @ ~ -, not beginning with a dot";
            return Err(error(&name.chars().take(80).collect::<String>(), "not a name".to_owned(), remedy));
        }
        let url = check_url(&name, &self.url, self.allow_loopback)?;
        if self.secrets.is_empty() || self.secrets.len() > 2 {
            return Err(error(&name, format!("{} secrets", self.secrets.len()), "give one, or two while it is being changed"));
        }
        let secrets = self
            .secrets
            .iter()
            .map(|text| Secret::parse(text).map_err(|why| error(&name, format!("a secret that is {why}"), Secret::REMEDY)))
            .collect::<Result<Vec<_>, _>>()?;
        if let Some(bad) = self.subjects.iter().find(|text| !Subject::is_valid(text)) {
            return Err(error(&name, format!("{bad:?} is not a subject"), "name a subject as its readings do"));
        }
        let subjects = self.subjects.iter().map(|text| Subject::new(text)).collect();
        let told_by_policy = self.role.is_some() && (self.min_severity.is_some() || self.policies.is_some());
        if told_by_policy {
            let remedy = "policies say what a role is told: leave out either role and channel, or min_severity and policies";
            return Err(error(&name, "a role, and min_severity or policies".to_owned(), remedy));
        }
        let reach = check_reach(&name, self.role, self.channel)?;
        let default = Filter::default();
        let min_severity = self.min_severity.unwrap_or(default.min_severity);
        let filter = Filter { min_severity, policies: self.policies.unwrap_or_default(), subjects };
        // Of an endpoint with a role policies say what it hears, and of emergencies there are none.
        let emergencies = self.emergencies.unwrap_or(reach.is_none());
        Ok(Endpoint { name: Arc::from(name), url, secrets, filter, reach, emergencies, allow_loopback: self.allow_loopback })
    }
}

fn check_reach(name: &str, role: Option<Arc<str>>, channel: Option<Channel>) -> Result<Option<Reach>, ConfigError> {
    let word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    match (role, channel) {
        (None, None) => Ok(None),
        (Some(role), Some(channel)) if !role.is_empty() && role.len() <= 64 && role.chars().all(word) => {
            Ok(Some(Reach { role, channel }))
        }
        (Some(role), Some(_)) => {
            let shown: String = role.chars().take(80).collect();
            Err(error(name, format!("{shown:?} is not a role"), "use a role as policies name it, such as patient or on_call"))
        }
        (Some(_), None) => {
            Err(error(name, "a role without a channel".to_owned(), "add channel: push, sms, email, webhook or phone"))
        }
        (None, Some(_)) => Err(error(name, "a channel without a role".to_owned(), "add role, such as patient or on_call")),
    }
}

/// The URL itself is never repeated in an error: it may carry a token.
fn check_url(name: &str, text: &str, allow_loopback: bool) -> Result<Url, ConfigError> {
    let url = Url::parse(text).map_err(|why| error(name, format!("its url is not one: {why}"), "give an absolute https url"))?;
    match url.scheme() {
        "https" => {}
        "http" if allow_loopback => {}
        "http" => {
            return Err(error(
                name,
                "its url is without TLS".to_owned(),
                "use https, or set allow_loopback for a private network",
            ));
        }
        other => return Err(error(name, format!("its url has the scheme {other:?}"), "use https")),
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(error(name, "its url carries a user name".to_owned(), "the signature says who sends; leave it out"));
    }
    let literal = match url.host() {
        Some(Host::Ipv4(a)) => check(a.into(), allow_loopback),
        Some(Host::Ipv6(a)) => check(a.into(), allow_loopback),
        _ => Ok(()),
    };
    match literal {
        Ok(()) => Ok(url),
        Err(refused) => Err(error(name, refused.to_string(), "give the address of a host that may be reached")),
    }
}

fn error(endpoint: &str, message: String, remedy: &'static str) -> ConfigError {
    ConfigError { endpoint: Some(endpoint.to_owned()), message, remedy }
}

/// What serde says of a fault, unless that would repeat a value, which may be a secret.
fn kind_of(e: &serde_json::Error) -> String {
    let text = e.to_string();
    match e.classify() {
        serde_json::error::Category::Data if !text.starts_with("invalid") => {
            text.split(" at line").next().unwrap_or("").to_owned()
        }
        serde_json::error::Category::Data => "a value of the wrong type".to_owned(),
        serde_json::error::Category::Eof => "it ends too early".to_owned(),
        _ => "not JSON".to_owned(),
    }
}
