//! The gateway from outside: a server that listens on loopback, with a real journal behind it, and a client that sends what it likes.

mod amending;
mod doors;
mod false_provider;
mod forms;
mod hostile;
mod ingress;
mod letters;
mod moving;
mod once;
mod quotas;
mod receipts;
mod sign_in;

use std::collections::{BTreeMap, HashMap};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::sync::atomic::{AtomicI64, AtomicU8, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::time::Duration;

use axum::http::StatusCode;
use axum::{Extension, Router};
use serde_json::Value as Json;
use vitalog_elog::access::{Access, Decision, Principal, Wish};
use vitalog_elog::effect::Former;
use vitalog_elog::input::{Mending, MendingOutcome};
use vitalog_elog::metering::{Day, Holder, Party, Sent};
use vitalog_elog::port::{Accepted, Answer, Inlet, Unavailable};
use vitalog_elog::{
    Answered, Effect, Entry, Input, Outcome, Position, Reading, ReadingId, Record, StreamIx, Subject, Time, When,
};
use vitalog_ingest::access::{Accounts, Open};
use vitalog_ingest::admit::Limits;
use vitalog_ingest::io::{
    AccessLog, BODY_TIME, Behind, BodyLimits, Clock, Credentials, Current, CurrentRevision, Doorman, Gateway, HeldReading,
    KeptLetter, Provider, WantedLetters, WantedReadings, api, authenticate, with_problems,
};
use vitalog_ingest::journal::Journal;
use vitalog_ingest::live::Live;

use super::fixture::{health, now, profile};

/// What the inlet does with what it is given.
pub const TAKES: u8 = 0;
pub const OVERLOADED: u8 = 1;
pub const CLOSING: u8 = 2;
/// Takes them after half a second.
pub const SLOW: u8 = 3;
/// Keeps them, and acknowledges nothing.
pub const IN_DOUBT: u8 = 4;
/// Keeps nothing, and says that it is not known.
pub const AWAY: u8 = 5;

/// Revision, hash, and whether it says that the reading is removed.
type Revision = (u32, u128, bool);

/// What the loop knows, as a view would.
#[derive(Default)]
struct Known {
    current: Mutex<HashMap<(Subject, ReadingId), Revision>>,
    readings: Mutex<BTreeMap<(Subject, ReadingId), Reading>>,
    letters: Mutex<Vec<KeptLetter>>,
    answered: Mutex<HashMap<u128, Answered>>,
    /// New readings by day and whom they are put down to.
    fresh: Mutex<Vec<(Day, Party, u64)>>,
    /// The offset before which it has everything.
    reached: AtomicU64,
}

/// A run loop as small as can be: one thread that journals each submission as a group and says what each reading was to those before.
struct Loop {
    submissions: mpsc::Sender<(Vec<Input>, Answer)>,
    mode: Arc<AtomicU8>,
}

impl Inlet for Loop {
    fn submit(&self, inputs: Vec<Input>, done: Answer) {
        match self.mode.load(Ordering::Relaxed) {
            OVERLOADED => done(Err(Unavailable::Overloaded)),
            CLOSING => done(Err(Unavailable::Closing)),
            AWAY => done(Err(Unavailable::JournalAway)),
            IN_DOUBT => {
                let done = Box::new(|_| done(Err(Unavailable::JournalAway)));
                self.submissions.send((inputs, done)).expect("the loop runs");
            }
            SLOW => {
                let submissions = self.submissions.clone();
                std::thread::spawn(move || {
                    std::thread::sleep(Duration::from_millis(500));
                    submissions.send((inputs, done)).expect("the loop runs");
                });
            }
            _ => self.submissions.send((inputs, done)).expect("the loop runs"),
        }
    }
}

impl Current for Known {
    fn current(&self, subject: &Subject, id: ReadingId, _: u64) -> Result<Option<CurrentRevision>, Behind> {
        let known = self.current.lock().expect("no panic");
        Ok(known.get(&(subject.clone(), id)).map(|(rev, _, removed)| CurrentRevision { rev: *rev, removed: *removed }))
    }

    fn held(&self, wanted: &WantedReadings, _: u64) -> Result<Vec<HeldReading>, Behind> {
        let readings = self.readings.lock().expect("no panic");
        let held = |reading: &Reading| {
            let content = reading.content.clone().filter(|_| reading.subject == wanted.subject)?;
            let is_wanted = wanted.ids.as_ref().is_none_or(|ids| ids.iter().any(|(_, id)| *id == reading.id))
                && wanted.stream.is_none_or(|stream| stream == content.stream)
                && wanted.source.as_deref().is_none_or(|source| content.source.as_deref() == Some(source))
                && wanted.from.is_none_or(|from| content.when.instant().is_none_or(|at| at >= from))
                && wanted.until.is_none_or(|until| content.when.instant().is_some_and(|at| at < until));
            is_wanted.then(|| HeldReading { id: reading.id, given: reading.given.clone(), rev: reading.rev, content })
        };
        Ok(readings.values().filter_map(held).take(wanted.limit).collect())
    }

    fn revisions(&self, subject: &Subject, readings: &[(ReadingId, StreamIx, When)], _: u64) -> Result<Vec<u32>, Behind> {
        let known = self.current.lock().expect("no panic");
        Ok(readings.iter().map(|(id, ..)| known.get(&(subject.clone(), *id)).map_or(0, |(rev, ..)| *rev)).collect())
    }

    fn knows(&self, subject: &Subject, _: u64) -> Result<bool, Behind> {
        Ok(self.current.lock().expect("no panic").keys().any(|(known, _)| known == subject))
    }

    fn letter(&self, offset: u64, _: u64) -> Result<Option<KeptLetter>, Behind> {
        Ok(self.letters.lock().expect("no panic").iter().find(|l| l.offset == offset).cloned())
    }

    fn open_letters(&self, wanted: &WantedLetters, _: u64) -> Result<Vec<KeptLetter>, Behind> {
        let is_wanted = |l: &&KeptLetter| {
            let said = [
                (&wanted.code, Some(&l.letter.code)),
                (&wanted.field, l.letter.field.as_ref()),
                (&wanted.sender, Some(&l.letter.sender)),
            ];
            l.reading.is_none()
                && wanted.after.is_none_or(|after| l.offset > after)
                && wanted.subject.as_ref().is_none_or(|s| l.letter.subject.as_ref() == Some(s))
                && said.iter().all(|(wanted, said)| wanted.as_deref().is_none_or(|w| said.is_some_and(|s| &**s == w)))
        };
        Ok(self.letters.lock().expect("no panic").iter().filter(is_wanted).take(wanted.limit).cloned().collect())
    }

    fn answered(&self, key: u128, after: u64) -> Result<Option<Answered>, Behind> {
        if self.reached() < after {
            return Err(Behind);
        }
        Ok(self.answered.lock().expect("no panic").get(&key).cloned())
    }

    fn spent(&self, day: Day, holder: &Holder, _: u64) -> Result<u64, Behind> {
        let fresh = self.fresh.lock().expect("no panic");
        Ok(fresh.iter().filter(|(on, by, _)| *on == day && holder.counts(by)).map(|(.., readings)| readings).sum())
    }

    fn reached(&self) -> u64 {
        self.reached.load(Ordering::Acquire)
    }
}

impl Known {
    /// Takes in what was refused, and what became of it.
    fn keep(&self, offset: u64, input: &Input) {
        let mut letters = self.letters.lock().expect("no panic");
        match input {
            Input::DeadLetter(letter) => letters.push(KeptLetter { offset, letter: letter.clone(), reading: None }),
            Input::Mending(Mending { letter, outcome: MendingOutcome::Taken { .. }, .. }) => {
                letters.iter_mut().filter(|l| l.offset == *letter).for_each(|l| l.reading = Some(offset - 1));
            }
            _ => {}
        }
    }

    /// What an input is to those before, where it is a reading.
    fn outcome(&self, input: &Input) -> Option<Outcome> {
        let Input::Reading(reading) = input else { return None };
        let mut known = self.current.lock().expect("no panic");
        let key = (reading.subject.clone(), reading.id);
        let this = (reading.rev, reading.hash, reading.content.is_none());
        Some(match known.get(&key).copied() {
            Some(was) if (was.0, was.1) == reading.revision() => Outcome::Duplicate,
            Some(was) if (was.0, was.1) > reading.revision() => Outcome::Outdated,
            was => {
                known.insert(key.clone(), this);
                self.readings.lock().expect("no panic").insert(key, reading.clone());
                was.map_or(Outcome::New, |(rev, hash, _)| Outcome::superseded(Former { rev, hash, place: None }))
            }
        })
    }

    /// Takes in a group.
    fn take(&self, first: u64, entries: Vec<Entry>, position: Position) -> Vec<Option<Outcome>> {
        let record = |(offset, entry): (u64, Entry)| {
            self.keep(offset, &entry.input);
            let effects = self.outcome(&entry.input).map(Effect::Reading).into_iter().collect();
            Record { offset, entry: Arc::new(entry), effects }
        };
        let records: Vec<Record> = (first..).zip(entries).map(record).collect();
        // A group is one request here.
        let sent: Vec<&Sent> =
            records.iter().filter_map(|r| if let Input::Sent(sent) = &r.entry.input { Some(sent) } else { None }).collect();
        if let [sent] = &*sent {
            let new = records.iter().filter(|record| matches!(record.reading(), Some((_, Outcome::New)))).count();
            self.fresh.lock().expect("no panic").push((Day::of(records[0].entry.arrival), sent.by.clone(), new as u64));
        }
        let mut known = self.answered.lock().expect("no panic");
        for (place, record) in records.iter().enumerate() {
            if let Input::Once(vitalog_elog::Once { request: Some(request), .. }) = &record.entry.input {
                known.insert(request.key, Answered::of(&records, place, position.next).expect("it is whole"));
            }
        }
        self.reached.store(position.next, Ordering::Release);
        records.iter().map(|record| record.reading().map(|(_, outcome)| outcome.clone())).collect()
    }
}

fn run(mut journal: Journal, submissions: mpsc::Receiver<(Vec<Input>, Answer)>, known: Arc<Known>, clock: Clock) {
    let schema = health();
    for (inputs, done) in submissions {
        let first = journal.position().next;
        let arrival = clock().max(journal.last_arrival());
        let entries: Vec<Entry> = inputs.into_iter().map(|input| Entry { arrival, input }).collect();
        let position = journal.append(&schema, &entries).expect("kept");
        let outcomes = known.take(first, entries, position);
        done(Ok(Accepted { first, arrival, outcomes, position }));
    }
}

/// A server under test.
pub struct Server {
    pub address: SocketAddr,
    pub mode: Arc<AtomicU8>,
    /// How many microseconds its clock is ahead of the others'.
    pub ahead: Arc<AtomicI64>,
    dir: Arc<tempfile::TempDir>,
    runtime: Option<tokio::runtime::Runtime>,
    looping: Option<std::thread::JoinHandle<()>>,
}

impl Server {
    /// An open one, as in the demo.
    pub fn open() -> Server {
        Server::start(Credentials::Open, Arc::new(Open), BodyLimits::default())
    }

    pub fn limited(limits: BodyLimits) -> Server {
        Server::start(Credentials::Open, Arc::new(Open), limits)
    }

    /// An open one where a body must come in so long.
    pub fn hurried(time: Duration) -> Server {
        let dir = Arc::new(tempfile::tempdir().expect("a directory"));
        let limits = BodyLimits::default();
        Server::start_on(dir, Credentials::Open, Arc::new(Open), limits, time, None, None)
    }

    pub fn guarded(accounts: &Arc<Accounts>) -> Server {
        Server::start(Credentials::Accounts(accounts.clone()), accounts.clone(), BodyLimits::default())
    }

    /// One with an access log.
    pub fn logged(accounts: &Arc<Accounts>, log: AccessLog) -> Server {
        let credentials = Credentials::Accounts(accounts.clone());
        Server::start_with(credentials, accounts.clone(), BodyLimits::default(), Some(log))
    }

    /// One where one can sign in by a provider.
    pub fn with_provider(accounts: &Arc<Accounts>, provider: Provider, log: Option<AccessLog>) -> Server {
        let credentials = Credentials::Accounts(accounts.clone());
        let dir = Arc::new(tempfile::tempdir().expect("a directory"));
        Server::start_on(dir, credentials, accounts.clone(), BodyLimits::default(), BODY_TIME, log, Some(provider))
    }

    fn start(credentials: Credentials, access: Arc<dyn Access>, limits: BodyLimits) -> Server {
        Server::start_with(credentials, access, limits, None)
    }

    fn start_with(credentials: Credentials, access: Arc<dyn Access>, limits: BodyLimits, log: Option<AccessLog>) -> Server {
        Server::start_on(Arc::new(tempfile::tempdir().expect("a directory")), credentials, access, limits, BODY_TIME, log, None)
    }

    /// One that goes on where another has ended.
    fn start_on(
        dir: Arc<tempfile::TempDir>,
        credentials: Credentials,
        access: Arc<dyn Access>,
        limits: BodyLimits,
        body_time: Duration,
        log: Option<AccessLog>,
        provider: Option<Provider>,
    ) -> Server {
        let journal = Journal::open(&dir.path().join("journal.db")).expect("made");
        let (submissions, waiting) = mpsc::channel();
        let mode = Arc::new(AtomicU8::new(TAKES));
        let view = Arc::new(Known::default());
        for group in journal.read_from(0).expect("readable") {
            let group = group.expect("sound");
            let entries = group.entries(&health()).expect("decodable").into_iter().map(|(_, entry)| entry).collect();
            view.take(group.offsets().start, entries, group.position);
        }
        let ahead = Arc::new(AtomicI64::new(0));
        let shift = ahead.clone();
        let clock: Clock = Arc::new(move || Time(now().0 + shift.load(Ordering::Relaxed)));
        let looping = std::thread::spawn({
            let (view, clock) = (view.clone(), clock.clone());
            move || run(journal, waiting, view, clock)
        });
        let live = Live::new(Arc::new(health()), profile(), Limits::default());
        let inlet = Arc::new(Loop { submissions, mode: mode.clone() });
        let asked = access.clone();
        let gateway = Gateway::new(inlet, access, view, live, clock.clone(), limits);
        // Another edge's route on the same path, as in the binary; and one that has forgotten to ask.
        let asking = move |Extension(who): Extension<Principal>| async move {
            match asked.decide(&who, Wish::List) {
                Decision::Allow => (StatusCode::OK, "a reading"),
                Decision::Deny => (StatusCode::FORBIDDEN, "not for you"),
            }
        };
        let pages = Router::new()
            .route("/v1/subjects/{subject}/readings/{id}", axum::routing::get(asking))
            .route("/v1/forgetful", axum::routing::get(|| async { "a secret" }))
            .route("/", axum::routing::get(|| async { "a page" }));
        let mut doorman = Doorman::new(credentials, clock, true, Some("/login".to_owned())).with_body_time(body_time);
        if let Some(log) = log {
            doorman = doorman.with_log(log);
        }
        if let Some(provider) = provider {
            doorman = doorman.with_provider(provider);
        }
        let app =
            authenticate(with_problems(api().with_state(Arc::new(gateway)).split_for_parts().0.merge(pages)), Arc::new(doorman));

        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime");
        let listener = runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0")).expect("bound");
        let address = listener.local_addr().expect("an address");
        runtime.spawn(async move { axum::serve(listener, app).await });
        Server { address, mode, ahead, dir, runtime: Some(runtime), looping: Some(looping) }
    }

    pub fn post(&self, kind: &str, body: impl AsRef<[u8]>) -> Reply {
        self.send("POST", "/v1/readings", &[("content-type", kind)], body)
    }

    pub fn send(&self, method: &str, path: &str, headers: &[(&str, &str)], body: impl AsRef<[u8]>) -> Reply {
        let mut request = format!("{method} {path} HTTP/1.1\r\nconnection: close\r\ncontent-length: {}\r\n", body.as_ref().len());
        if !headers.iter().any(|(name, _)| *name == "host") {
            request.push_str(&format!("host: {}\r\n", self.address));
        }
        for (name, value) in headers {
            request.push_str(&format!("{name}: {value}\r\n"));
        }
        request.push_str("\r\n");
        let mut stream = self.connect();
        stream.write_all(request.as_bytes()).expect("sent");
        // The server may answer and close before it has read everything.
        let _ = stream.write_all(body.as_ref());
        Reply::read(stream)
    }

    pub fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(self.address).expect("connected");
        stream.set_read_timeout(Some(Duration::from_secs(20))).expect("set");
        stream
    }

    /// Ends it, lets something be done with its directory, and starts another there.
    pub fn again(mut self, between: impl FnOnce(&Path)) -> Server {
        self.end();
        between(self.dir.path());
        Server::start_on(self.dir.clone(), Credentials::Open, Arc::new(Open), BodyLimits::default(), BODY_TIME, None, None)
    }

    /// The same, of one that lets accounts in.
    pub fn again_guarded(mut self, accounts: &Arc<Accounts>) -> Server {
        self.end();
        let credentials = Credentials::Accounts(accounts.clone());
        Server::start_on(self.dir.clone(), credentials, accounts.clone(), BodyLimits::default(), BODY_TIME, None, None)
    }

    /// Ends the server, and reads what its journal holds.
    pub fn journaled(mut self) -> Vec<Input> {
        self.end();
        self.held()
    }

    fn held(&self) -> Vec<Input> {
        let journal = Journal::open(&self.dir.path().join("journal.db")).expect("opened");
        let groups = journal.read_from(0).expect("readable");
        groups.flat_map(|g| g.expect("sound").entries(&health()).expect("decodable")).map(|(_, e)| e.input).collect()
    }

    fn end(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_timeout(Duration::from_secs(5));
        }
        if let Some(looping) = self.looping.take() {
            looping.join().expect("no panic");
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.end();
    }
}

/// What came back.
pub struct Reply {
    pub status: u16,
    pub headers: BTreeMap<String, String>,
    /// One header each.
    pub cookies: Vec<String>,
    pub body: Vec<u8>,
}

impl Reply {
    pub fn read(mut stream: TcpStream) -> Reply {
        let mut bytes = Vec::new();
        // A server that closes on what it won't read resets the connection; what it said before counts.
        let _ = stream.read_to_end(&mut bytes);
        let end = bytes
            .windows(4)
            .position(|w| w == b"\r\n\r\n")
            .unwrap_or_else(|| panic!("no answer: {:?}", String::from_utf8_lossy(&bytes)));
        let head = String::from_utf8(bytes[..end].to_vec()).expect("text");
        let mut lines = head.split("\r\n");
        let status = lines.next().and_then(|l| l.split(' ').nth(1)).and_then(|s| s.parse().ok()).expect("a status");
        let all: Vec<(String, String)> =
            lines.filter_map(|l| l.split_once(": ")).map(|(n, v)| (n.to_ascii_lowercase(), v.to_owned())).collect();
        let cookies = all.iter().filter(|(name, _)| name == "set-cookie").map(|(_, value)| value.clone()).collect();
        let headers = all.into_iter().collect();
        Reply { status, headers, cookies, body: bytes[end + 4..].to_vec() }
    }

    pub fn json(&self) -> Json {
        serde_json::from_slice(&self.body).unwrap_or_else(|e| panic!("{e}: {}", String::from_utf8_lossy(&self.body)))
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", String::as_str)
    }

    /// That it is an error as it should be: problem details with this status and code, and a remedy.
    #[track_caller]
    pub fn assert_problem(&self, status: u16, code: &str) -> Json {
        let shown = String::from_utf8_lossy(&self.body).into_owned();
        assert_eq!(self.status, status, "{shown}");
        assert_eq!(self.header("content-type"), "application/problem+json", "{shown}");
        let json = self.json();
        assert_eq!(json["code"], code, "{shown}");
        assert_eq!(json["status"], status, "{shown}");
        assert_eq!(json["type"], format!("urn:vitalog:problem:{code}"));
        for member in ["title", "detail", "remedy"] {
            assert!(json[member].as_str().is_some_and(|s| !s.is_empty()), "{member}: {shown}");
        }
        json
    }
}

/// A native reading of glucose.
pub fn bg(minute: u32, value: &str) -> String {
    format!("{{\"subject\":\"p-001\",\"stream\":\"bg\",\"at\":\"2026-11-20T07:{minute:02}:00Z\",\"value\":\"{value} mmol/L\"}}")
}

pub fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(bytes).and_then(|()| encoder.finish()).expect("packed")
}
