//! From a finding to a real receiver over loopback: the notifier, the outbox, the worker and HTTP together.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use vitalog_elog::input::{DeliveryOutcome, DeliveryReceipt};
use vitalog_elog::port::{Accepted, Answer, Inlet, Unavailable};
use vitalog_elog::{Change, Effect, Effects, Entry, Finding, Input, Record, Span, Time};
use vitalog_notify::config::Filter;
use vitalog_notify::io::{DeliverError, Ports, Sender, Timeouts, deliver};
use vitalog_notify::outbox::Pace;
use vitalog_notify::webhook::Secret;
use vitalog_notify::{Config, Endpoint, Notifier, Outbox};

use crate::receiver::{Receiver, Say, verifies};
use crate::world::{INCARNATION, at, change, endpoint, finding, position};

const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const NEW_SECRET: &str = "whsec_dml0YWxvZyB0ZXN0IGtleSBudW1iZXIgdHdvLi4uLiE=";

/// A run loop in small: journals in memory, steps the notifier, feeds the outbox.
struct RunLoop {
    inside: Mutex<Inside>,
    outbox: Arc<Outbox>,
    started: Instant,
    /// How many submissions are refused before one is accepted.
    refuse: AtomicI64,
    random: AtomicU64,
}

struct Inside {
    journal: Vec<Record>,
    notifier: Notifier,
}

impl RunLoop {
    fn new(outbox: Arc<Outbox>, endpoints: Vec<Endpoint>) -> Arc<RunLoop> {
        let config = Config { settle: Span::seconds(1), keep: Span::days(1), endpoints };
        let inside = Mutex::new(Inside { journal: Vec::new(), notifier: Notifier::new(config) });
        Arc::new(RunLoop { inside, outbox, started: Instant::now(), refuse: AtomicI64::new(0), random: AtomicU64::new(0) })
    }

    /// Goes as the wall clock does, from the tests' start on.
    fn now(&self) -> Time {
        at(0) + Span(i64::try_from(self.started.elapsed().as_micros()).expect("a test is short"))
    }

    fn happen(&self, input: Input, effects: Vec<Effect>) -> u64 {
        let mut effects: Effects = effects.into();
        let mut inside = self.inside.lock().expect("no test panics while it holds this");
        let offset = inside.journal.len() as u64;
        let entry = Entry { arrival: self.now(), input };
        inside.notifier.step(offset, entry.arrival, &entry, None, &mut effects);
        inside.journal.push(Record { offset, entry: entry.into(), effects });
        self.outbox.apply(&inside.journal[offset as usize..], position(offset + 1)).expect("applies");
        offset
    }

    fn find(&self, finding: &mut Finding, what: Change) {
        let changed = change(finding, what, self.now());
        self.happen(Input::Tick, vec![Effect::Finding(Box::new(changed))]);
    }

    fn receipts(&self) -> Vec<DeliveryReceipt> {
        let inside = self.inside.lock().expect("no test panics while it holds this");
        let receipts = inside.journal.iter().filter_map(|record| match &record.entry.input {
            Input::Receipt(receipt) => Some(receipt.clone()),
            _ => None,
        });
        receipts.collect()
    }

    async fn wait_for_receipts(&self, n: usize) -> Vec<DeliveryReceipt> {
        let deadline = Instant::now() + Duration::from_secs(20);
        while self.receipts().len() < n {
            assert!(Instant::now() < deadline, "{n} receipts within 20 s; there are {:?}", self.receipts());
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        self.receipts()
    }
}

impl Inlet for RunLoop {
    fn submit(&self, inputs: Vec<Input>, done: Answer) {
        if self.refuse.fetch_sub(1, Ordering::SeqCst) > 0 {
            return done(Err(Unavailable::Overloaded));
        }
        let outcomes = inputs.iter().map(|_| None).collect();
        let offsets: Vec<u64> = inputs.into_iter().map(|input| self.happen(input, vec![])).collect();
        let (first, last) = (offsets[0], offsets[offsets.len() - 1]);
        done(Ok(Accepted { first, arrival: Time(0), outcomes, position: position(last + 1) }));
    }
}

/// A worker that can be stopped.
struct Worker {
    stop: oneshot::Sender<()>,
    task: JoinHandle<Result<(), DeliverError>>,
}

impl Worker {
    async fn stop(self) {
        self.stop.send(()).expect("it runs");
        self.task.await.expect("it does not panic").expect("it ends well");
    }
}

fn quick() -> Pace {
    Pace { base: Span(20_000), cap: Span(60_000), ..Pace::default() }
}

fn outbox(dir: &tempfile::TempDir, pace: Pace) -> Arc<Outbox> {
    Arc::new(Outbox::open_with(&dir.path().join("outbox.db"), INCARNATION, pace).expect("opens"))
}

fn start(run: &Arc<RunLoop>, endpoints: Vec<Endpoint>) -> Worker {
    let timeouts = Timeouts { connect: Duration::from_secs(1), total: Duration::from_millis(500) };
    let (clock, dice) = (run.clone(), run.clone());
    let ports = Ports {
        inlet: run.clone(),
        now: Arc::new(move || clock.now()),
        random: Arc::new(move || dice.random.fetch_add(0x9e37_79b9_7f4a_7c15, Ordering::Relaxed)),
        watch: None,
    };
    let (stop, stopped) = oneshot::channel();
    let sender = Sender::new(timeouts).expect("TLS is there");
    let stopped = async {
        let _ = stopped.await;
    };
    Worker { stop, task: tokio::spawn(deliver(run.outbox.clone(), endpoints, sender, ports, stopped)) }
}

fn ward(address: SocketAddr) -> Vec<Endpoint> {
    vec![endpoint("ward", &format!("http://{address}/hook?token=hunter2"), Filter::default())]
}

/// A receiver with these answers, and everything that leads to it.
async fn house(says: Vec<Say>) -> (Arc<Receiver>, Arc<RunLoop>, Worker, tempfile::TempDir) {
    let (receiver, address) = Receiver::start(says).await;
    let dir = tempfile::tempdir().expect("a folder");
    let run = RunLoop::new(outbox(&dir, quick()), ward(address));
    let worker = start(&run, ward(address));
    (receiver, run, worker, dir)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_finding_reaches_a_receiver_that_can_verify_it() {
    let (receiver, run, worker, _dir) = house(vec![]).await;
    let mut low = finding("low");
    run.find(&mut low, Change::Opened);
    receiver.wait_for(1).await;
    run.find(&mut low, Change::Resolved);
    let got = receiver.wait_for(2).await;
    for one in &got {
        assert!(verifies(one, SECRET), "{one:?}");
        assert!(!verifies(one, NEW_SECRET));
        let mut bent = one.clone();
        bent.timestamp += 1;
        assert!(!verifies(&bent, SECRET), "the time is under the signature");
        assert_eq!(one.content_type, "application/json");
        assert!(one.body.contains(&format!("\"id\":\"{}\"", one.id)));
    }
    assert!(got[0].body.contains("\"type\":\"finding.opened\"") && got[1].body.contains("\"type\":\"finding.resolved\""));
    let receipts = run.wait_for_receipts(2).await;
    assert!(receipts.iter().all(|r| r.attempt == 1 && r.outcome == DeliveryOutcome::Delivered));
    worker.stop().await;
    assert!(run.outbox.receipts(9).expect("reads").is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn while_a_secret_is_changed_either_verifies() {
    let (receiver, address) = Receiver::start(vec![]).await;
    let dir = tempfile::tempdir().expect("a folder");
    let mut endpoints = ward(address);
    endpoints[0].secrets = vec![Secret::parse(NEW_SECRET).expect("good"), Secret::parse(SECRET).expect("good")];
    let run = RunLoop::new(outbox(&dir, quick()), endpoints.clone());
    let worker = start(&run, endpoints);
    run.find(&mut finding("low"), Change::Opened);
    let got = receiver.wait_for(1).await;
    assert!(verifies(&got[0], SECRET) && verifies(&got[0], NEW_SECRET));
    worker.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn failures_are_tried_again_under_the_same_id() {
    let (receiver, run, worker, _dir) =
        house(vec![Say::Status(500), Say::Status(400), Say::Late(Duration::from_secs(2)), Say::Status(200)]).await;
    run.find(&mut finding("low"), Change::Opened);
    let got = receiver.wait_for(4).await;
    assert!(got.iter().all(|one| one.id == got[0].id && one.body == got[0].body && verifies(one, SECRET)));
    let receipts = run.wait_for_receipts(4).await;
    let said: Vec<_> = receipts.iter().map(|r| (r.attempt, r.outcome.clone())).collect();
    let failed = |why: &str| DeliveryOutcome::Failed(why.into());
    let expected = [
        (1, failed("status 500")),
        (2, failed("status 400")),
        (3, failed("it did not answer in time")),
        (4, DeliveryOutcome::Delivered),
    ];
    assert_eq!(said, expected);
    worker.stop().await;
    assert_eq!(receiver.got().len(), 4, "and no more after it arrived");
}

#[tokio::test(flavor = "multi_thread")]
async fn gone_ends_it() {
    let (receiver, run, worker, _dir) = house(vec![Say::Status(410)]).await;
    run.find(&mut finding("low"), Change::Opened);
    let receipts = run.wait_for_receipts(1).await;
    assert!(matches!(&receipts[0].outcome, DeliveryOutcome::GivenUp(why) if why.contains("410")));
    run.find(&mut finding("high"), Change::Opened);
    let receipts = run.wait_for_receipts(2).await;
    assert!(matches!(receipts[1].outcome, DeliveryOutcome::GivenUp(_)));
    worker.stop().await;
    assert_eq!(receiver.got().len(), 1);
    assert_eq!(run.outbox.dead(9).expect("reads").len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn retry_after_is_honoured() {
    let (receiver, run, worker, _dir) = house(vec![Say::RetryAfter(429, "1")]).await;
    run.find(&mut finding("low"), Change::Opened);
    receiver.wait_for(1).await;
    let first = Instant::now();
    receiver.wait_for(2).await;
    assert!(first.elapsed() >= Duration::from_millis(900), "{:?}", first.elapsed());
    worker.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn redirects_are_not_followed() {
    let (elsewhere, address) = Receiver::start(vec![]).await;
    let (receiver, run, worker, _dir) = house(vec![Say::Redirect(format!("http://{address}/metadata"))]).await;
    run.find(&mut finding("low"), Change::Opened);
    let receipts = run.wait_for_receipts(2).await;
    assert_eq!(receipts[0].outcome, DeliveryOutcome::Failed("status 302 (redirects are not followed)".into()));
    worker.stop().await;
    assert_eq!((elsewhere.got().len(), receiver.got().len()), (0, 2));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_without_end_is_not_read() {
    let (_receiver, run, worker, _dir) = house(vec![Say::Huge]).await;
    run.find(&mut finding("low"), Change::Opened);
    let receipts = run.wait_for_receipts(1).await;
    assert_eq!(receipts[0].outcome, DeliveryOutcome::Delivered);
    assert!(run.started.elapsed() < Duration::from_secs(2), "{:?}", run.started.elapsed());
    worker.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn hosts_of_the_inside_are_refused_by_address_and_by_name() {
    let (receiver, address) = Receiver::start(vec![]).await;
    let dir = tempfile::tempdir().expect("a folder");
    let to = |name, url: String, allow_loopback| Endpoint { allow_loopback, ..endpoint(name, &url, Filter::default()) };
    let port = address.port();
    let endpoints = vec![
        to("by-address", format!("https://127.0.0.1:{port}/"), false),
        to("by-name", format!("https://localhost:{port}/"), false),
        to("metadata", "http://169.254.169.254/latest/meta-data".to_owned(), true),
        to("mapped", format!("https://[::ffff:127.0.0.1]:{port}/"), false),
        to("permitted", format!("http://localhost:{port}/x"), true),
    ];
    let run = RunLoop::new(outbox(&dir, Pace { base: Span::seconds(60), ..quick() }), endpoints.clone());
    let worker = start(&run, endpoints);
    run.find(&mut finding("low"), Change::Opened);
    let receipts = run.wait_for_receipts(5).await;
    let mut said: Vec<String> = receipts.iter().map(|r| format!("{:?}", r.outcome)).collect();
    said.sort();
    let private = "addresses of this host and of private networks are refused without allow_loopback";
    assert_eq!(
        said,
        [
            "Delivered".to_owned(),
            format!("Failed({private:?})"),
            format!("GivenUp({private:?})"),
            format!("GivenUp({private:?})"),
            "GivenUp(\"link-local, metadata and reserved addresses are refused\")".to_owned(),
        ]
    );
    assert_eq!(receiver.got().len(), 1, "only what is permitted got through");
    worker.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_listening_is_said_without_the_address() {
    let (_receiver, address) = Receiver::start(vec![]).await;
    let dir = tempfile::tempdir().expect("a folder");
    let closed = SocketAddr::from(([127, 0, 0, 1], 9));
    assert_ne!(closed, address);
    let run = RunLoop::new(outbox(&dir, quick()), ward(closed));
    let worker = start(&run, ward(closed));
    run.find(&mut finding("low"), Change::Opened);
    let receipts = run.wait_for_receipts(1).await;
    assert_eq!(receipts[0].outcome, DeliveryOutcome::Failed("could not connect".into()));
    worker.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_crash_the_duplicate_carries_the_same_id() {
    let (receiver, address) = Receiver::start(vec![Say::Late(Duration::from_secs(5))]).await;
    let dir = tempfile::tempdir().expect("a folder");
    let run = RunLoop::new(outbox(&dir, quick()), ward(address));
    let worker = start(&run, ward(address));
    run.find(&mut finding("low"), Change::Opened);
    let first = receiver.wait_for(1).await;
    // The receiver has it, and the process ends before it hears so.
    worker.task.abort();
    let _ = worker.task.await;
    let reopened = RunLoop::new(outbox(&dir, quick()), ward(address));
    let worker = start(&reopened, ward(address));
    let both = receiver.wait_for(2).await;
    assert_eq!((&both[1].id, &both[1].body), (&first[0].id, &first[0].body));
    worker.stop().await;
    let receipts = reopened.outbox.receipts(9).expect("reads");
    assert!(receipts.is_empty(), "journaled when it was stopped");
}

#[tokio::test(flavor = "multi_thread")]
async fn receipts_outlast_an_overloaded_run_loop() {
    let (_receiver, run, worker, _dir) = house(vec![]).await;
    run.refuse.store(1, Ordering::SeqCst);
    run.find(&mut finding("low"), Change::Opened);
    let receipts = run.wait_for_receipts(1).await;
    assert_eq!(receipts[0].outcome, DeliveryOutcome::Delivered);
    worker.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn many_at_once_all_arrive_once_and_soon() {
    let (receiver, run, worker, _dir) = house(vec![]).await;
    // One of each finding's messages at a time, four to an endpoint: a rule of ten findings a second for twenty seconds, at once.
    for i in 0..200 {
        run.find(&mut finding(&format!("rule{i}")), Change::Opened);
    }
    let got = receiver.wait_for(200).await;
    let ids: std::collections::BTreeSet<&String> = got.iter().map(|one| &one.id).collect();
    assert_eq!(ids.len(), 200);
    run.wait_for_receipts(200).await;
    worker.stop().await;
    assert_eq!(receiver.got().len(), 200, "each once");
}
