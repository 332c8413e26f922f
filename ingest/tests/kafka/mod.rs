//! The journal in a topic of Kafka, against a real broker: the laws of the port, and what is said of this home alone.

mod brokers;
mod damage;
mod doors;
mod records;
mod topics;
mod trimming;
mod writers;

use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

use vitalog_broker::Broker;
use vitalog_elog::Subject;
use vitalog_ingest::journal::kafka::Settings;
use vitalog_ingest::journal::{Journal, JournalError, Placing};
use vitalog_ingest::keys::KekPlace;

use super::journal::FILES;
use super::laws::{self, Place};

/// Whether a broker can be had; else the test is skipped with a word on why, or fails where skipping is not allowed.
fn can_run() -> bool {
    match vitalog_broker::installed() {
        Ok(_) => true,
        Err(why) => {
            assert!(std::env::var_os("VITALOG_NO_SKIP").is_none(), "no Kafka broker, and skipping is not allowed here: {why}");
            eprintln!("skipped: no Kafka broker: {why}");
            false
        }
    }
}

/// The broker that all tests share which do it no harm. It ends with the process.
pub fn shared() -> Option<&'static Broker> {
    static SHARED: OnceLock<Broker> = OnceLock::new();
    can_run().then(|| SHARED.get_or_init(Broker::start))
}

/// Few, so that topics are made quickly and some groups have several subjects in one.
fn placing() -> Placing {
    Placing { partitions: 4, of: |subject: &Subject, n| subject.as_str().bytes().map(u32::from).sum::<u32>() % n }
}

/// A topic that nobody else uses.
fn fresh_topic() -> String {
    static MADE: AtomicU32 = AtomicU32::new(0);
    format!("journal-{}", MADE.fetch_add(1, Ordering::Relaxed))
}

fn settings(address: &str, topic: &str) -> Settings {
    let mut settings = Settings::parse(&format!("kafka://{address}/{topic}")).expect("an address");
    settings.patience_s = 10;
    settings
}

/// A data directory whose journal is in a topic.
pub struct InTopic {
    dir: tempfile::TempDir,
    settings: Settings,
}

impl InTopic {
    pub fn on(broker: &Broker) -> InTopic {
        InTopic::of(settings(&broker.address(), &fresh_topic()))
    }

    fn of(settings: Settings) -> InTopic {
        InTopic { dir: tempfile::tempdir().expect("a directory"), settings }
    }

    fn path(&self) -> PathBuf {
        self.dir.path().join("journal.kafka")
    }

    fn kek(&self) -> KekPlace {
        KekPlace::beside(&self.path())
    }

    pub fn journal(&self) -> Result<Journal, JournalError> {
        Journal::open_kafka(&self.settings, placing(), &self.path(), &self.kek())
    }

    /// The same data directory, and another topic.
    fn moved_to(&self, topic: &str) -> InTopic {
        let moved = InTopic::of(Settings { topic: topic.to_owned(), ..self.settings.clone() });
        copy(self.dir.path(), moved.dir.path());
        moved
    }
}

impl Place for InTopic {
    fn open(&self) -> Result<Journal, JournalError> {
        self.journal()
    }

    fn killed(&self) -> Box<dyn Place> {
        Box::new(self.moved_to(&self.settings.topic))
    }
}

/// What lies in a data directory beside a journal that is elsewhere.
fn copy(from: &Path, to: &Path) {
    for name in FILES.into_iter().chain(["journal.kafka.mark"]) {
        if from.join(name).exists() {
            std::fs::copy(from.join(name), to.join(name)).expect("copied");
        }
    }
}

#[test]
fn what_is_written_comes_back_and_goes_on_after_reopening() {
    let Some(broker) = shared() else { return };
    laws::what_is_written_comes_back_and_goes_on_after_reopening(&InTopic::on(broker));
}

#[test]
fn each_journal_is_another() {
    let Some(broker) = shared() else { return };
    laws::each_journal_is_another(&InTopic::on(broker), &InTopic::on(broker));
}

#[test]
fn a_killed_process_loses_nothing_that_was_acknowledged() {
    let Some(broker) = shared() else { return };
    laws::a_killed_process_loses_nothing_that_was_acknowledged(&InTopic::on(broker), 6);
}

#[test]
fn arrival_never_runs_backwards() {
    let Some(broker) = shared() else { return };
    laws::arrival_never_runs_backwards(&InTopic::on(broker));
}

#[test]
fn entries_do_not_depend_on_the_order_of_declarations() {
    let Some(broker) = shared() else { return };
    laws::entries_do_not_depend_on_the_order_of_declarations(&InTopic::on(broker));
}

#[test]
fn an_erased_subject_is_erased_wherever_it_was() {
    let Some(broker) = shared() else { return };
    laws::an_erased_subject_is_erased_wherever_it_was(&InTopic::on(broker));
}

#[test]
fn a_copy_reads_as_what_it_is_a_copy_of() {
    let Some(broker) = shared() else { return };
    laws::a_copy_reads_as_what_it_is_a_copy_of(&InTopic::on(broker));
}
