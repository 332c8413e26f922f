//! A broker that dies, stalls, is cut off and comes back, under load: what was acknowledged is there once, and what was not is known.

use std::time::{Duration, Instant};

use vitalog_broker::{Broker, Mode};
use vitalog_elog::{Entry, Schema};
use vitalog_ingest::journal::{Journal, JournalError};

use super::super::fixture::health;
use super::super::laws::{everything, of_many};
use super::{InTopic, can_run, fresh_topic, settings, shared};

/// A writer that keeps account of what it was told.
struct Load {
    journal: Journal,
    schema: Schema,
    next: i64,
    /// What must be there, in order: acknowledged, or found kept.
    kept: Vec<Entry>,
    /// How often nothing was acknowledged.
    failures: usize,
}

impl Load {
    fn new(place: &InTopic) -> Load {
        Load { journal: place.journal().expect("made"), schema: health(), next: 0, kept: Vec::new(), failures: 0 }
    }

    /// Writes groups for so long, finding out each time what became of one that failed.
    fn run(&mut self, time: Duration) {
        let until = Instant::now() + time;
        while Instant::now() < until {
            self.write();
        }
    }

    fn write(&mut self) {
        let group = of_many(&self.schema, self.next, 30);
        self.next += 30;
        match self.journal.append(&self.schema, &group) {
            Ok(position) => {
                self.kept.extend(group);
                assert_eq!(position.next, self.kept.len() as u64);
            }
            Err(error) => {
                assert!(error.may_pass(), "{error}");
                self.failures += 1;
                if self.recover() {
                    self.kept.extend(group);
                }
                assert_eq!(self.journal.position().next, self.kept.len() as u64);
            }
        }
    }

    fn recover(&mut self) -> bool {
        let until = Instant::now() + Duration::from_secs(60);
        loop {
            match self.journal.recover() {
                Ok(was_kept) => return was_kept,
                Err(error) => {
                    assert!(error.may_pass() && Instant::now() < until, "{error}");
                    std::thread::sleep(Duration::from_millis(100));
                }
            }
        }
    }

    /// Everything is there, once, in its order, now and to whoever comes next.
    fn check(self, place: &InTopic) {
        let Load { journal, schema, kept, .. } = self;
        let read =
            |journal: &Journal| -> Vec<Entry> { everything(journal, &schema, 0).into_iter().map(|(_, entry)| entry).collect() };
        assert!(read(&journal) == kept, "what is read is not what was kept");
        let position = journal.position();
        drop(journal);
        let again = place.journal().expect("opened");
        assert_eq!(again.position(), position);
        assert!(read(&again) == kept, "what is read after reopening is not what was kept");
    }
}

fn impatient(address: &str, seconds: u64) -> InTopic {
    let mut settings = settings(address, &fresh_topic());
    settings.patience_s = seconds;
    InTopic::of(settings)
}

#[test]
fn a_broker_that_is_restarted_and_killed_under_load_loses_and_doubles_nothing() {
    if !can_run() {
        return;
    }
    let mut broker = Broker::start();
    let place = impatient(&broker.address(), 30);
    let mut load = Load::new(&place);
    load.run(Duration::from_millis(500));
    for kill in [false, true, true] {
        // It is away while groups are written, and back within the time that a write may take.
        std::thread::scope(|scope| {
            let writer = scope.spawn(|| load.run(Duration::from_secs(3)));
            std::thread::sleep(Duration::from_millis(300));
            if kill {
                broker.kill()
            } else {
                broker.stop()
            }
            broker.start_again();
            writer.join().expect("the writer ends");
        });
        load.run(Duration::from_millis(300));
    }
    assert!(load.kept.len() > 1_000, "too little was written to prove anything: {}", load.kept.len());
    println!("{} entries kept, {} groups failed", load.kept.len(), load.failures);
    load.check(&place);
}

#[test]
fn a_broker_that_is_away_longer_than_a_write_may_take_is_told_and_found_again() {
    if !can_run() {
        return;
    }
    let mut broker = Broker::start();
    let place = impatient(&broker.address(), 2);
    let mut load = Load::new(&place);
    load.run(Duration::from_millis(300));
    // Gone: nothing is acknowledged, and it is said in the time that there is.
    broker.kill();
    let (before, began) = (load.kept.len(), Instant::now());
    let group = of_many(&load.schema, load.next, 30);
    let error = load.journal.append(&load.schema, &group).expect_err("there is nobody");
    assert!(error.may_pass() && began.elapsed() < Duration::from_secs(9), "{error} after {:?}", began.elapsed());
    let still = load.journal.recover().expect_err("there is nobody yet");
    assert!(still.may_pass(), "{still}");
    broker.start_again();
    assert!(!load.recover(), "what was never sent was not kept");
    assert_eq!(load.journal.position().next, before as u64);
    load.run(Duration::from_millis(300));
    // Stopped in its tracks: what was sent may be taken when it goes on.
    broker.freeze();
    let failures = load.failures;
    std::thread::scope(|scope| {
        let writer = scope.spawn(|| load.write());
        std::thread::sleep(Duration::from_secs(5));
        broker.thaw();
        writer.join().expect("the writer ends");
    });
    assert_eq!(load.failures, failures + 1, "a broker that does not answer acknowledges nothing");
    load.run(Duration::from_millis(300));
    load.check(&place);
}

#[test]
fn a_way_that_is_cut_and_stalls_loses_and_doubles_nothing() {
    // Nobody else goes this way.
    let Some(broker) = shared() else { return };
    let place = impatient(&broker.proxied_address(), 2);
    let mut load = Load::new(&place);
    for round in 0..6 {
        // Some are shorter than a write may take, some longer.
        let (mode, pause) = match round % 3 {
            0 => (Mode::Cut, 100),
            1 => (Mode::Stall, 700),
            _ => (Mode::Stall, 3_500),
        };
        std::thread::scope(|scope| {
            let writer = scope.spawn(|| load.run(Duration::from_millis(900)));
            std::thread::sleep(Duration::from_millis(200 + round * 13));
            broker.proxy().set(mode);
            std::thread::sleep(Duration::from_millis(pause));
            broker.proxy().set(Mode::Pass);
            writer.join().expect("the writer ends");
        });
    }
    println!("{} entries kept, {} groups failed", load.kept.len(), load.failures);
    assert!(load.failures > 0, "no write was ever in doubt");
    load.check(&place);
}

/// What a journal says that can't come through at the start.
#[test]
fn nobody_there_is_said_in_the_time_that_there_is() {
    let began = Instant::now();
    let error = impatient("127.0.0.1:1", 2).journal().err().expect("nobody is there");
    assert!(matches!(&error, JournalError::Kafka(_)) && error.may_pass(), "{error}");
    assert!(error.to_string().contains("brokers"), "{error}");
    assert!(began.elapsed() < Duration::from_secs(6), "{:?}", began.elapsed());
}
