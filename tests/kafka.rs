//! The journal in Kafka, from outside: a server whose journal is in a topic keeps what it acknowledged through kills of its own and of the broker, says so when it can't, and lets nobody else write.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use serde_json::Value;
use vitalog_broker::{Broker, PASSWORD, USER};

use crate::support::need::need;
use crate::support::rounds;
use crate::support::server::{Server, run, vitalog};
use crate::support::story::Numbers;

/// Readings of a request.
const BATCH: u64 = 100;

fn can_run() -> bool {
    let found = vitalog_broker::installed().map_err(|why| eprintln!("no Kafka broker: {why}")).ok();
    need("a Kafka broker", found).is_some()
}

/// One that is killed.
pub fn own() -> Option<Broker> {
    can_run().then(Broker::start)
}

/// The one of all tests that do it no harm. It ends with the process.
pub fn shared() -> Option<&'static Broker> {
    static SHARED: OnceLock<Broker> = OnceLock::new();
    can_run().then(|| SHARED.get_or_init(Broker::start))
}

fn url(broker: &Broker, topic: &str) -> String {
    format!("kafka://{}/{topic}", broker.address())
}

fn batch(round: u64, batch: u64) -> String {
    rounds::batch(round, batch, BATCH)
}

/// Sends batches until told to end or the server is gone; each is sent again until it is acknowledged, as a sender does. Gives how many readings were acknowledged, and how many answers were 503.
fn load(server: &Server, round: u64, is_over: &AtomicBool) -> (u64, u64) {
    let mut refused = 0;
    for n in 0.. {
        let body = batch(round, n);
        loop {
            match server.try_readings(&body) {
                Some(answer) if answer.status == 200 => break,
                Some(answer) => {
                    assert_eq!((answer.status, answer.json()["code"].as_str()), (503, Some("journal_away")), "{}", answer.body);
                    refused += 1;
                    std::thread::sleep(Duration::from_millis(100));
                }
                None => return (n * BATCH, refused),
            }
            if is_over.load(Ordering::Acquire) {
                return (n * BATCH, refused);
            }
        }
        if is_over.load(Ordering::Acquire) {
            return ((n + 1) * BATCH, refused);
        }
    }
    unreachable!("batches have no end")
}

/// The readings that were acknowledged are there, and no other. That a sender was heard is journaled a moment after its readings: views and lake are asked until they agree.
fn check(server: &Server, acknowledged: u64) {
    assert_eq!(rounds::in_lake(server, &[acknowledged], BATCH).count(), acknowledged);
    let until = Instant::now() + Duration::from_secs(20);
    while rounds::in_views(server) != acknowledged + rounds::contacts(server) {
        assert!(Instant::now() < until, "views and lake do not hold the same readings");
        std::thread::sleep(Duration::from_millis(100));
    }
}

#[test]
fn kills_of_the_server_and_of_the_broker_lose_nothing_and_double_nothing() {
    let Some(mut broker) = own() else { return };
    let (data, mut numbers, mut acknowledged) = (tempfile::tempdir().unwrap(), Numbers(7), Vec::new());
    let url = url(&broker, "killed");
    let options = ["--journal", &url, "--kafka-patience", "2", "--land-every", "1"];
    for round in 0..4 {
        let server = Server::start(data.path(), &options);
        let is_over = AtomicBool::new(false);
        acknowledged.push(std::thread::scope(|scope| {
            let sender = scope.spawn(|| load(&server, round, &is_over));
            std::thread::sleep(Duration::from_millis(300 + numbers.below(700)));
            if round % 2 == 0 {
                server.kill_now();
            } else {
                // The broker is away for longer than a write may take.
                broker.kill();
                std::thread::sleep(Duration::from_millis(3_500));
                broker.start_again();
                std::thread::sleep(Duration::from_millis(2_000));
            }
            is_over.store(true, Ordering::Release);
            let (kept, refused) = sender.join().expect("the sender ends");
            assert_eq!(refused > 0, round % 2 == 1, "a broker that is away is told, and nothing else is: {refused}");
            kept
        }));
    }
    assert!(acknowledged.iter().sum::<u64>() > 500, "too little was sent to prove anything: {acknowledged:?}");
    println!("acknowledged by round: {acknowledged:?}");
    let server = Server::start(data.path(), &[]);
    let in_lake = rounds::in_lake(&server, &acknowledged, BATCH);
    let contacts = rounds::contacts(&server);
    assert_eq!(rounds::in_views(&server), in_lake.count() + contacts, "views and lake hold as many readings");
    assert!(rounds::held_in_views(&server) == in_lake, "views and lake hold the same readings");
    assert_eq!(server.stop(), Some(0));
    let (status, out, err) = run(vitalog().args(["audit", "journal", "--data"]).arg(data.path()));
    assert_eq!(status, Some(0), "{out}{err}");
    assert!(out.contains("sound"), "{out}");
}

#[test]
fn a_broker_that_is_away_is_a_503_with_when_to_come_again_and_not_ready() {
    let Some(mut broker) = own() else { return };
    let data = tempfile::tempdir().unwrap();
    let server = Server::start(data.path(), &["--journal", &url(&broker, "away"), "--kafka-patience", "3"]);
    server.try_readings(&batch(0, 0)).expect("an answer").ok();
    let looks = || run(vitalog().args(["doctor", "--format", "json", "--data"]).arg(data.path()));
    broker.kill();
    let began = Instant::now();
    let refused = server.try_readings(&batch(0, 1)).expect("an answer");
    assert_eq!((refused.status, refused.json()["code"].as_str()), (503, Some("journal_away")), "{}", refused.body);
    assert_eq!(refused.headers["retry-after"], "5");
    assert!(began.elapsed() < Duration::from_secs(8), "it is said in the time that there is: {:?}", began.elapsed());
    // Who comes next is told at once.
    let began = Instant::now();
    let again = server.try_readings(&batch(0, 2)).expect("an answer");
    assert_eq!(again.json()["code"], "journal_away");
    assert!(began.elapsed() < Duration::from_millis(500), "{:?}", began.elapsed());
    let ready = server.get("/readyz");
    assert_eq!((ready.status, ready.json()["code"].as_str()), (503, Some("journal_away")), "{}", ready.body);
    assert_eq!(ready.json()["checks"]["journal"]["status"], "away");
    assert!(server.get("/v1/subjects?limit=10").ok().json()["subjects"].is_array(), "what is there can be read");
    broker.start_again();
    let until = Instant::now() + Duration::from_secs(30);
    while server.get("/readyz").status != 200 {
        assert!(Instant::now() < until, "it does not come back: {}", server.get("/readyz").body);
        std::thread::sleep(Duration::from_millis(100));
    }
    for n in 0..3 {
        server.try_readings(&batch(0, n)).expect("an answer").ok();
    }
    check(&server, 3 * BATCH);
    assert_eq!(server.stop(), Some(0));

    let journal = |out: &str| -> Value {
        let findings = out.lines().map(|line| serde_json::from_str::<Value>(line).expect("a finding"));
        findings.into_iter().find(|finding| finding["about"] == "journal").expect("of the journal")
    };
    let (_, out, _) = looks();
    let found = journal(&out);
    assert_eq!(found["standing"], "sound", "{found}");
    assert!(found["said"].as_str().is_some_and(|said| said.contains("in the topic away of 127.0.0.1:")), "{found}");
    broker.kill();
    let (status, out, _) = looks();
    assert_eq!((status, journal(&out)["standing"].as_str()), (Some(1), Some("wrong")), "{out}");
}

#[test]
fn a_second_server_takes_over_and_the_first_ends_without_acknowledging() {
    let Some(broker) = shared() else { return };
    let (first, second) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let server = Server::start(first.path(), &["--journal", &url(broker, "two_servers")]);
    server.try_readings(&batch(0, 0)).expect("an answer").ok();
    // Without the keys nobody can take it.
    let (status, _, err) = run(vitalog()
        .args(["serve", "--open", "--listen", "127.0.0.1:0", "--journal", &url(broker, "two_servers"), "--data"])
        .arg(second.path()));
    assert_eq!(status, Some(1), "{err}");
    server.try_readings(&batch(0, 1)).expect("an answer").ok();
    for name in ["keys.db", "keys.db-wal", "kek", "partitions"] {
        if first.path().join(name).exists() {
            std::fs::copy(first.path().join(name), second.path().join(name)).unwrap();
        }
    }
    let other = Server::start(second.path(), &["--journal", &url(broker, "two_servers")]);
    let answer = server.try_readings(&batch(0, 2));
    assert!(answer.is_none_or(|answer| answer.status == 503), "the first acknowledged what is another's to write");
    let until = Instant::now() + Duration::from_secs(20);
    while server.try_send("GET", "/livez", &[], "").is_some() {
        assert!(Instant::now() < until, "the first goes on");
        std::thread::sleep(Duration::from_millis(100));
    }
    // The record of the first is in the way, once.
    let sent = |n| {
        let until = Instant::now() + Duration::from_secs(20);
        while other.try_readings(&batch(0, n)).expect("an answer").status != 200 {
            assert!(Instant::now() < until, "it takes nothing");
            std::thread::sleep(Duration::from_millis(100));
        }
    };
    (2..5).for_each(sent);
    check(&other, 5 * BATCH);
    assert_eq!(other.stop(), Some(0));
}

fn secret(dir: &Path, text: &str) -> String {
    let path = dir.join("password");
    std::fs::write(&path, format!("{text}\n")).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
    path.to_str().expect("a name").to_owned()
}

#[test]
fn a_password_is_in_its_file_alone() {
    let Some(broker) = shared() else { return };
    let (data, secrets) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (url, ca) = (format!("kafkas://{}/secured", broker.secure_address()), broker.authority());
    let ca = ca.to_str().expect("a name");
    let file = secret(secrets.path(), PASSWORD);
    let options = ["--journal", &url, "--kafka-ca", ca, "--kafka-user", USER, "--kafka-password-file", &file];
    let server = Server::start(data.path(), &options);
    server.try_readings(&batch(0, 0)).expect("an answer").ok();
    let argv = std::fs::read(format!("/proc/{}/cmdline", server.id())).unwrap();
    assert!(!String::from_utf8_lossy(&argv).contains(PASSWORD));
    assert_eq!(server.stop(), Some(0));
    // It is noted where the journal is, and where the password is, not which.
    let noted = std::fs::read_to_string(data.path().join("journal.kafka")).unwrap();
    assert!(noted.contains(&file) && !noted.contains(PASSWORD), "{noted}");
    let server = Server::start(data.path(), &[]);
    server.try_readings(&batch(0, 1)).expect("an answer").ok();
    assert_eq!(server.stop(), Some(0));
    // A wrong one is refused at once, and not told.
    secret(secrets.path(), "sesame opens nothing");
    let mut command = vitalog();
    command.args(["serve", "--open", "--listen", "127.0.0.1:0", "--data"]).arg(data.path()).env("VITALOG_LOG", "debug");
    let (status, out, err) = run(&mut command);
    assert_eq!(status, Some(1), "{err}");
    assert!(err.contains("the brokers refused") && err.contains("password file"), "{err}");
    assert!(!err.contains("sesame") && !out.contains("sesame"), "a password is told: {err}");
}

#[test]
fn a_journal_does_not_move_between_homes_and_a_topic_made_anew_is_none() {
    let Some(broker) = shared() else { return };
    let own = tempfile::tempdir().unwrap();
    assert_eq!(Server::start(own.path(), &[]).stop(), Some(0));
    let start = |data: &Path, more: &[&str]| {
        run(vitalog().args(["serve", "--open", "--listen", "127.0.0.1:0", "--data"]).arg(data).args(more))
    };
    let (status, _, err) = start(own.path(), &["--journal", &url(broker, "homes")]);
    assert_eq!(status, Some(2), "{err}");
    assert!(err.contains("has a journal of its own"), "{err}");

    let data = tempfile::tempdir().unwrap();
    let server = Server::start(data.path(), &["--journal", &url(broker, "homes")]);
    server.try_readings(&batch(0, 0)).expect("an answer").ok();
    assert_eq!(server.stop(), Some(0));
    let other = format!("kafka://{}/another", broker.address());
    let (status, _, err) = start(data.path(), &["--journal", &other]);
    assert_eq!(status, Some(1), "{err}");
    assert!(err.contains("but everything before offset"), "{err}");
    // What was noted before holds.
    let server = Server::start(data.path(), &[]);
    check(&server, BATCH);
    assert_eq!(server.stop(), Some(0));
}
