//! The clients of `rdkafka`: with which settings each is made and why, and what its errors mean to whoever waits.

use std::sync::{Condvar, Mutex, PoisonError};
use std::time::Duration;

use rdkafka::client::ClientContext;
use rdkafka::config::{ClientConfig, FromClientConfigAndContext, RDKafkaLogLevel};
use rdkafka::consumer::ConsumerContext;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::{DeliveryResult, Message};
use rdkafka::producer::{NoCustomPartitioner, ProducerContext};

use super::{Fault, Mechanism, Settings};
use crate::journal::error::JournalError;

/// The largest piece of a payload that is sent as one record. Below a broker's own bound if nobody says otherwise (1 MiB), with room for what frames it.
pub(super) const PIECE: usize = 900_000;
/// The largest record that a client sends.
const RECORD: usize = 1_000_000;

/// How a client is used.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Use {
    Write,
    Read,
    Administer,
}

/// What became of one record: its number among those that were sent together, and the offset at which it landed.
pub(super) type Report = (usize, Result<i64, KafkaError>);

/// Listens to a client: keeps reports of deliveries, and the last that it said of the brokers, which is often the cause of a time-out that says nothing itself.
#[derive(Default)]
pub(super) struct Ear {
    reports: Mutex<Vec<Report>>,
    came: Condvar,
    said: Mutex<Option<(KafkaError, String)>>,
}

impl Ear {
    /// The reports that have come, once there are any, or when so much time is over.
    pub fn reports(&self, wait: Duration) -> Vec<Report> {
        let held = self.reports.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = self.came.wait_timeout_while(held, wait, |reports| reports.is_empty());
        std::mem::take(&mut *waited.unwrap_or_else(PoisonError::into_inner).0)
    }

    /// What was said before is no cause of what comes.
    pub fn begin(&self) {
        self.reports.lock().unwrap_or_else(PoisonError::into_inner).clear();
        *self.said.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// Whether the brokers have said that they do not let us.
    pub fn is_denied(&self) -> bool {
        let said = self.said.lock().unwrap_or_else(PoisonError::into_inner);
        said.as_ref().is_some_and(|(error, _)| is_denied(error))
    }

    /// What went wrong, in the words of whoever knows best.
    pub fn fault(&self, doing: &'static str, error: &KafkaError) -> JournalError {
        let said = self.said.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let (denied, said) = match said {
            Some((cause, reason)) if !is_denied(error) => (is_denied(&cause), format!("{error}: {reason}")),
            _ => (is_denied(error), error.to_string()),
        };
        if denied { Fault::Denied { doing, said }.into() } else { Fault::Away { doing, said }.into() }
    }
}

fn is_denied(error: &KafkaError) -> bool {
    error.rdkafka_error_code().is_some_and(is_denial)
}

pub(super) fn is_denial(code: RDKafkaErrorCode) -> bool {
    matches!(
        code,
        RDKafkaErrorCode::Authentication
            | RDKafkaErrorCode::SSL
            | RDKafkaErrorCode::SaslAuthenticationFailed
            | RDKafkaErrorCode::TopicAuthorizationFailed
            | RDKafkaErrorCode::ClusterAuthorizationFailed
            | RDKafkaErrorCode::GroupAuthorizationFailed
    )
}

impl ClientContext for Ear {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, text: &str) {
        match level {
            RDKafkaLogLevel::Emerg | RDKafkaLogLevel::Alert | RDKafkaLogLevel::Critical | RDKafkaLogLevel::Error => {
                tracing::warn!(facility, "kafka: {text}");
            }
            // What passes by itself is of no use to whoever reads the log of a server.
            _ => tracing::debug!(facility, "kafka: {text}"),
        }
    }

    fn error(&self, error: KafkaError, reason: &str) {
        tracing::debug!(%error, "kafka: {reason}");
        let mut said = self.said.lock().unwrap_or_else(PoisonError::into_inner);
        // That none is left follows from what was said before of one.
        if said.is_none() || error.rdkafka_error_code() != Some(RDKafkaErrorCode::AllBrokersDown) {
            *said = Some((error, reason.to_owned()));
        }
    }
}

impl ConsumerContext for Ear {}

impl ProducerContext for Ear {
    type DeliveryOpaque = usize;

    fn delivery(&self, result: &DeliveryResult<'_>, number: usize) {
        let outcome = match result {
            Ok(record) => Ok(record.offset()),
            Err((error, _)) => Err(error.clone()),
        };
        self.reports.lock().unwrap_or_else(PoisonError::into_inner).push((number, outcome));
        self.came.notify_all();
    }
}

/// Makes a client.
pub(super) fn make<C: FromClientConfigAndContext<Ear>>(settings: &Settings, how: Use) -> Result<C, JournalError> {
    let mut config = ClientConfig::new();
    for (name, value) in common(settings)?.into_iter().chain(of(settings, how)) {
        config.set(name, value);
    }
    config.set_log_level(RDKafkaLogLevel::Info);
    config.create_with_context(Ear::default()).map_err(|error| {
        // A CA file that can't be read, for one. The setting that is named is never the password's.
        let said = match &error {
            KafkaError::ClientConfig(_, said, name, _) => format!("{name}: {said}"),
            other => other.to_string(),
        };
        Fault::Denied { doing: "setting up a client", said }.into()
    })
}

type Setting = (&'static str, String);

/// For every client.
fn common(settings: &Settings) -> Result<Vec<Setting>, JournalError> {
    let mut all = vec![
        ("bootstrap.servers", settings.brokers.clone()),
        ("client.id", "vitalog".to_owned()),
        ("allow.auto.create.topics", "false".to_owned()),
        ("socket.keepalive.enable", "true".to_owned()),
        ("reconnect.backoff.max.ms", "1000".to_owned()),
        ("socket.timeout.ms", request(settings).as_millis().to_string()),
    ];
    let protocol = match (&settings.tls, &settings.sasl) {
        (None, None) => "plaintext",
        (Some(_), None) => "ssl",
        (None, Some(_)) => "sasl_plaintext",
        (Some(_), Some(_)) => "sasl_ssl",
    };
    all.push(("security.protocol", protocol.to_owned()));
    if settings.tls.is_some() {
        all.push(("ssl.endpoint.identification.algorithm", "https".to_owned()));
    }
    if let Some(ca) = settings.tls.as_ref().and_then(|tls| tls.ca.as_ref()) {
        all.push(("ssl.ca.location", ca.display().to_string()));
    }
    if let Some(sasl) = &settings.sasl {
        let mechanism = match sasl.mechanism {
            Mechanism::ScramSha512 => "SCRAM-SHA-512",
            Mechanism::ScramSha256 => "SCRAM-SHA-256",
            Mechanism::Plain => "PLAIN",
        };
        all.push(("sasl.mechanism", mechanism.to_owned()));
        all.push(("sasl.username", sasl.user.clone()));
        all.push(("sasl.password", sasl.password()?));
    }
    Ok(all)
}

/// A request that is not answered after this is sent again, over a new connection.
fn request(settings: &Settings) -> Duration {
    (settings.patience() / 2).clamp(Duration::from_secs(1), Duration::from_secs(10))
}

/// For one use. `docs/kafka.md` says why for each; a test holds it to this.
fn of(settings: &Settings, how: Use) -> Vec<Setting> {
    let fixed: &[(&'static str, &str)] = match how {
        Use::Write => &WRITE,
        Use::Read => &READ,
        Use::Administer => &[],
    };
    let mut all: Vec<Setting> = fixed.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
    if how == Use::Write {
        all.push(("message.timeout.ms", settings.patience().as_millis().to_string()));
        all.push(("request.timeout.ms", request(settings).as_millis().to_string()));
        all.push(("message.max.bytes", RECORD.to_string()));
    }
    all
}

const WRITE: [(&str, &str); 6] = [
    ("acks", "all"),
    ("enable.idempotence", "true"),
    ("max.in.flight.requests.per.connection", "5"),
    ("linger.ms", "0"),
    ("compression.type", "none"),
    ("retry.backoff.ms", "50"),
];

const READ: [(&str, &str); 9] = [
    ("group.id", "vitalog"),
    ("enable.auto.commit", "false"),
    ("enable.auto.offset.store", "false"),
    ("auto.offset.reset", "error"),
    ("check.crcs", "true"),
    ("fetch.wait.max.ms", "10"),
    ("fetch.error.backoff.ms", "50"),
    ("fetch.message.max.bytes", "1048576"),
    ("queued.max.messages.kbytes", "4096"),
];

/// One whose own thread takes delivery reports as they come. Its partitioner is never asked: each record says where it goes.
pub(super) type Producer = rdkafka::producer::ThreadedProducer<Ear, NoCustomPartitioner>;
pub(super) type Consumer = rdkafka::consumer::BaseConsumer<Ear>;
pub(super) type Admin = rdkafka::admin::AdminClient<Ear>;

#[cfg(test)]
mod tests {
    use super::*;

    /// What the manual says of a client is what it is made with.
    #[test]
    fn the_manual_names_every_setting_and_its_value() {
        let manual = include_str!("../../../../docs/kafka.md");
        let settings = Settings::parse("kafka://127.0.0.1:9092/t").expect("sound");
        for (name, value) in of(&settings, Use::Write).into_iter().chain(of(&settings, Use::Read)) {
            let row = manual.lines().find(|line| line.starts_with(&format!("| `{name}` |")));
            let row = row.unwrap_or_else(|| panic!("docs/kafka.md has no row for {name}"));
            assert!(row.contains(&format!("| `{value}` |")), "{name} is {value}, and the manual says: {row}");
        }
        for (name, _) in common(&settings).expect("no password") {
            assert!(manual.contains(&format!("`{name}`")), "docs/kafka.md does not name {name}");
        }
    }
}
