//! Users, passwords and certificates: the right ones come in, the wrong ones are told what is wrong, at once, and no password is ever told.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use vitalog_broker::{Broker, PASSWORD, USER};
use vitalog_ingest::journal::JournalError;
use vitalog_ingest::journal::kafka::{Fault, Mechanism, Sasl, Settings, Tls};

use super::super::fixture::health;
use super::super::laws::{entries, everything};
use super::{InTopic, fresh_topic, shared};

fn password_file(dir: &Path, password: &str) -> PathBuf {
    let path = dir.join("password");
    std::fs::write(&path, format!("{password}\n")).expect("written");
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).expect("set");
    path
}

fn secured(broker: &Broker, mechanism: Mechanism, password: &Path, ca: PathBuf) -> Settings {
    let mut settings = Settings::parse(&format!("kafkas://{}/{}", broker.secure_address(), fresh_topic())).expect("an address");
    settings.tls = Some(Tls { ca: Some(ca) });
    settings.sasl = Some(Sasl { mechanism, user: USER.to_owned(), password_file: password.to_owned() });
    settings.patience_s = 10;
    settings
}

#[test]
fn each_mechanism_lets_the_right_password_in() {
    let Some(broker) = shared() else { return };
    let (dir, schema) = (tempfile::tempdir().expect("a directory"), health());
    let password = password_file(dir.path(), PASSWORD);
    for mechanism in Mechanism::ALL {
        let place = InTopic::of(secured(broker, mechanism, &password, broker.authority()));
        let mut journal = place.journal().unwrap_or_else(|e| panic!("{}: {e}", mechanism.name()));
        journal.append(&schema, &entries(&schema, 0, 3)).expect("kept");
        assert_eq!(everything(&journal, &schema, 0).len(), 3);
    }
}

fn refused(settings: Settings) -> (JournalError, Duration) {
    let began = Instant::now();
    let error = InTopic::of(settings).journal().err().expect("it must not come in");
    (error, began.elapsed())
}

#[test]
fn a_wrong_password_a_wrong_authority_and_no_user_are_refused_by_name() {
    let Some(broker) = shared() else { return };
    let dir = tempfile::tempdir().expect("a directory");
    let right = password_file(dir.path(), PASSWORD);
    let elsewhere = tempfile::tempdir().expect("a directory");
    let wrong = password_file(elsewhere.path(), "sesame");
    for mechanism in [Mechanism::ScramSha512, Mechanism::Plain] {
        let (error, took) = refused(secured(broker, mechanism, &wrong, broker.authority()));
        let said = error.to_string();
        assert!(matches!(&error, JournalError::Kafka(Fault::Denied { .. })), "{}: {said}", mechanism.name());
        assert!(!said.contains("sesame") && !said.contains(PASSWORD), "a password is told: {said}");
        assert!(took < Duration::from_secs(8), "it is told at once, not when time is over: {took:?}");
    }
    let (error, _) = refused(secured(broker, Mechanism::ScramSha512, &right, broker.other_authority()));
    assert!(matches!(&error, JournalError::Kafka(Fault::Denied { .. })), "{error}");
    assert!(error.to_string().contains("certificate"), "{error}");

    let mut nobody = secured(broker, Mechanism::ScramSha512, &right, broker.authority());
    nobody.sasl = None;
    nobody.patience_s = 3;
    let (error, _) = refused(nobody);
    assert!(error.may_pass(), "{error}");

    let missing = secured(broker, Mechanism::ScramSha512, &dir.path().join("none"), broker.authority());
    assert!(refused(missing).0.to_string().contains("password file"));
    let no_ca = secured(broker, Mechanism::ScramSha512, &right, dir.path().join("none.pem"));
    assert!(refused(no_ca).0.to_string().contains("ssl.ca.location"));
}
