//! What no client of others would say: a client of our own, byte by byte.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use super::{ask, listening, seen};
use crate::support::server::Server;

/// A connection.
pub struct Raw(pub TcpStream);

/// A message of the server: its kind, and what it says.
pub type Said = (char, Vec<u8>);

pub fn with_length(kind: Option<u8>, body: &[u8]) -> Vec<u8> {
    let length = i32::try_from(body.len() + 4).unwrap().to_be_bytes();
    kind.into_iter().chain(length).chain(body.iter().copied()).collect()
}

fn texts(parts: &[&str]) -> Vec<u8> {
    parts.iter().flat_map(|part| part.bytes().chain([0])).collect()
}

fn startup(parameters: &[&str]) -> Vec<u8> {
    with_length(None, &[&196_608_i32.to_be_bytes()[..], &texts(parameters), &[0]].concat())
}

impl Raw {
    pub fn connect(server: &Server) -> Raw {
        let stream = TcpStream::connect(server.pg.as_deref().expect("it takes clients of PostgreSQL")).expect("connected");
        stream.set_read_timeout(Some(Duration::from_secs(60))).expect("set");
        Raw(stream)
    }

    /// A session of a program's token, and the key that stops what it asks.
    pub fn session(server: &Server, user: &str, token: &str) -> (Raw, Vec<u8>) {
        let mut raw = Raw::connect(server);
        raw.bytes(&startup(&["user", user, "database", "vitalog"]));
        assert_eq!(raw.next(), ('R', 3_i32.to_be_bytes().to_vec()), "a password is asked for");
        raw.say(b'p', &texts(&[token]));
        let said = raw.until_ready();
        assert_eq!(said[0], ('R', 0_i32.to_be_bytes().to_vec()), "{}", told(&said));
        let key = said.iter().find(|(kind, _)| *kind == 'K').expect("a key").1.clone();
        (raw, key)
    }

    pub fn bytes(&mut self, bytes: &[u8]) {
        self.0.write_all(bytes).expect("sent");
    }

    pub fn say(&mut self, kind: u8, body: &[u8]) {
        self.bytes(&with_length(Some(kind), body));
    }

    /// The next message; `X`: the connection is over.
    pub fn next(&mut self) -> Said {
        let mut head = [0; 5];
        if self.0.read_exact(&mut head).is_err() {
            return ('X', Vec::new());
        }
        let length = i32::from_be_bytes([head[1], head[2], head[3], head[4]]);
        let mut body = vec![0; usize::try_from(length).unwrap() - 4];
        self.0.read_exact(&mut body).expect("the whole message");
        (char::from(head[0]), body)
    }

    /// Everything up to the word that it is ready, or the end.
    pub fn until_ready(&mut self) -> Vec<Said> {
        let mut said = Vec::new();
        loop {
            said.push(self.next());
            if matches!(said.last(), Some(('Z' | 'X', _))) {
                return said;
            }
        }
    }

    pub fn ask(&mut self, sql: &str) -> Vec<Said> {
        self.say(b'Q', &texts(&[sql]));
        self.until_ready()
    }
}

/// The kinds of messages, as a word.
pub fn kinds(said: &[Said]) -> String {
    said.iter().map(|(kind, _)| *kind).collect()
}

/// What messages say, for a person.
pub fn told(said: &[Said]) -> String {
    said.iter().map(|(kind, body)| format!("{kind} {}\n", String::from_utf8_lossy(body))).collect()
}

/// The state of the first error.
pub fn state(said: &[Said]) -> String {
    let body = said.iter().find(|(kind, _)| *kind == 'E').map(|(_, body)| body.clone()).unwrap_or_default();
    let fields = body.split(|b| *b == 0).find(|field| field.first() == Some(&b'C')).map(|field| field[1..].to_vec());
    String::from_utf8(fields.unwrap_or_default()).expect("text")
}

/// A message that says that it is as long as any can be.
fn long(kind: u8) -> Vec<u8> {
    [vec![kind], i32::MAX.to_be_bytes().to_vec()].concat()
}

fn parse(name: &str, sql: &str, types: &[u32]) -> Vec<u8> {
    let count = i16::try_from(types.len()).unwrap().to_be_bytes();
    let types = types.iter().flat_map(|oid| oid.to_be_bytes()).collect::<Vec<u8>>();
    with_length(Some(b'P'), &[texts(&[name, sql]), count.to_vec(), types].concat())
}

/// Values as text; results in binary form or not.
fn bind(portal: &str, statement: &str, values: &[Option<&[u8]>], forms: &[i16], wanted: i16) -> Vec<u8> {
    let mut body = texts(&[portal, statement]);
    body.extend(i16::try_from(forms.len()).unwrap().to_be_bytes());
    forms.iter().for_each(|form| body.extend(form.to_be_bytes()));
    body.extend(i16::try_from(values.len()).unwrap().to_be_bytes());
    for value in values {
        match value {
            None => body.extend((-1_i32).to_be_bytes()),
            Some(value) => {
                body.extend(i32::try_from(value.len()).unwrap().to_be_bytes());
                body.extend(*value);
            }
        }
    }
    body.extend(1_i16.to_be_bytes());
    body.extend(wanted.to_be_bytes());
    with_length(Some(b'B'), &body)
}

fn execute(portal: &str, rows: i32) -> Vec<u8> {
    with_length(Some(b'E'), &[texts(&[portal]), rows.to_be_bytes().to_vec()].concat())
}

fn describe(of: u8, name: &str) -> Vec<u8> {
    with_length(Some(b'D'), &[vec![of], texts(&[name])].concat())
}

fn sync() -> Vec<u8> {
    with_length(Some(b'S'), &[])
}

#[test]
fn portals_give_their_rows_in_parts_and_values_in_both_forms() {
    let dir = tempfile::tempdir().unwrap();
    let (server, token) = listening(dir.path(), &[]);
    let (mut raw, _) = Raw::session(&server, "root", &token);
    let sql = "select value, at, seq from bg where subject = $1 and value >= $2 order by at";
    raw.bytes(&[parse("s", sql, &[0, 0]), describe(b'S', "s"), sync()].concat());
    let said = raw.until_ready();
    assert_eq!(kinds(&said), "1tTZ", "{}", told(&said));
    // What stands beside a parameter says its type: a text, a double.
    assert_eq!(said[1].1, [&2_i16.to_be_bytes()[..], &25_u32.to_be_bytes(), &701_u32.to_be_bytes()].concat());
    let least = 105_f64.to_be_bytes();
    let values: [Option<&[u8]>; 2] = [Some(b"p-1"), Some(&least)];
    raw.bytes(&[bind("p", "s", &values, &[0, 1], 1), execute("p", 4), execute("p", 4), execute("p", 0), sync()].concat());
    let said = raw.until_ready();
    assert_eq!(kinds(&said), "2DDDDsDDDDsDDDCZ", "{}", told(&said));
    // 105 mg/dL at 08:05, in binary form: a float, microseconds since 2000, nothing.
    let row = &said[1].1;
    assert_eq!(row[..2], 3_i16.to_be_bytes());
    assert_eq!(row[6..14], 105_f64.to_be_bytes());
    assert_eq!(row[18..26], 826_445_100_000_000_i64.to_be_bytes(), "2026-03-10T08:05Z");
    assert_eq!(row[26..30], (-1_i32).to_be_bytes());
    // Outside of a transaction a portal goes with the end of its batch; within one it stays.
    raw.bytes(&[execute("p", 1), sync()].concat());
    assert_eq!(state(&raw.until_ready()), "34000");
    assert_eq!(kinds(&raw.ask("begin")), "CZ");
    raw.bytes(&[bind("q", "s", &[Some(b"p-2"), Some(b"0")], &[], 0), execute("q", 10), sync()].concat());
    assert_eq!(kinds(&raw.until_ready()), "2DDDDDDDDDDsZ");
    raw.bytes(&[execute("q", 10), sync()].concat());
    assert_eq!(kinds(&raw.until_ready()), "DDCZ");
    // A mistake passes over everything up to the end of its batch, and fails the transaction.
    raw.bytes(&[parse("", "select nothing from bg", &[]), describe(b'S', ""), execute("", 0), sync()].concat());
    let said = raw.until_ready();
    assert_eq!((&*kinds(&said), &*state(&said), &*said.last().unwrap().1), ("1EZ", "42703", &b"E"[..]), "{}", told(&said));
    assert_eq!(state(&raw.ask("select 1")), "25P02");
    assert_eq!(raw.ask("rollback").last().unwrap().1, b"I");
    for (batch, expected) in [
        ([bind("", "nobody", &[], &[], 0), sync()].concat(), "26000"),
        ([bind("", "s", &[], &[], 0), sync()].concat(), "08P01"),
        ([bind("", "s", &[Some(b"p-1"), Some(b"high")], &[], 0), sync()].concat(), "22P02"),
        ([bind("", "s", &[Some(b"p-1"), Some(b"123")], &[0, 1], 0), sync()].concat(), "22P02"),
        ([bind("", "s", &[Some(b"p-1"), Some(b"1")], &[0, 0, 0], 0), sync()].concat(), "08P01"),
        ([parse("s", "select 1", &[]), sync()].concat(), "42P05"),
        ([parse("", "select 1; select 2", &[]), sync()].concat(), "42601"),
        ([parse("", "delete from bg", &[]), bind("", "", &[], &[], 0), execute("", 0), sync()].concat(), "25006"),
    ] {
        raw.bytes(&batch);
        let said = raw.until_ready();
        assert_eq!(state(&said), expected, "{}", told(&said));
    }
    assert_eq!(kinds(&raw.ask("select 1 as still_there")), "TDCZ");
    assert_eq!(kinds(&raw.ask("  ; ")), "IZ");
}

#[test]
fn what_is_no_protocol_ends_its_connection_alone() {
    let dir = tempfile::tempdir().unwrap();
    let (server, token) = listening(dir.path(), &["--head-time", "2"]);
    // Before anybody has said who they are.
    for bytes in [
        b"GET / HTTP/1.1\r\nhost: x\r\n\r\n".to_vec(),
        vec![0; 64],
        vec![0xff; 64],
        i32::MAX.to_be_bytes().to_vec(),
        with_length(None, &[1, 2]),
        with_length(None, &[&196_608_i32.to_be_bytes()[..], b"user"].concat()),
        with_length(None, &[&196_608_i32.to_be_bytes()[..], b"user\0\xff\xfe\0\0"].concat()),
        // More behind the question for TLS than the question.
        [with_length(None, &80_877_103_i32.to_be_bytes()), startup(&["user", "root"])].concat(),
        [startup(&["user", "root"]), with_length(Some(b'Q'), b"select 1\0")].concat(),
    ] {
        let mut raw = Raw::connect(&server);
        raw.bytes(&bytes);
        let mut said = Vec::new();
        // A reset is an end, too.
        let _ = raw.0.read_to_end(&mut said);
        let said = said.strip_prefix(b"N").unwrap_or(&said);
        assert!(!said.starts_with(b"R\0\0\0\x08\0\0\0\0"), "{bytes:?} was let in");
    }
    // A version that is not spoken, no name, another database: refused with words.
    for (bytes, expected) in [
        (with_length(None, &[&131_072_i32.to_be_bytes()[..], &[0]].concat()), "0A000"),
        (startup(&["database", "vitalog"]), "28000"),
        (startup(&["user", "root", "replication", "true"]), "0A000"),
    ] {
        let mut raw = Raw::connect(&server);
        raw.bytes(&bytes);
        let said = raw.until_ready();
        assert_eq!(state(&said), expected, "{}", told(&said));
    }
    let mut raw = Raw::connect(&server);
    raw.bytes(&startup(&["user", "root", "database", "postgres"]));
    raw.next();
    raw.say(b'p', &texts(&[&token]));
    assert_eq!(state(&raw.until_ready()), "3D000");
    // After the password was asked for: no password, one without an end, one that is too long.
    for bytes in
        [with_length(Some(b'Q'), b"select 1\0"), with_length(Some(b'p'), b"vitalog"), long(b'p'), long(b'Q'), b"?".to_vec()]
    {
        let mut raw = Raw::connect(&server);
        raw.bytes(&startup(&["user", "root", "database", "vitalog"]));
        assert_eq!(raw.next().0, 'R');
        raw.bytes(&bytes);
        let said = raw.until_ready();
        assert!(!kinds(&said).contains('Z'), "{bytes:?}: {}", told(&said));
    }
    // Who says nothing, or half of something, is sent away.
    for bytes in [&b""[..], &startup(&["user", "root"])[..5]] {
        let mut raw = Raw::connect(&server);
        raw.bytes(bytes);
        let begun = Instant::now();
        assert_eq!(raw.next().0, 'X');
        assert!(begun.elapsed() < Duration::from_secs(20), "it was waited for");
    }
    let (mut raw, _) = Raw::session(&server, "root", &token);
    assert_eq!(kinds(&raw.ask("select count(*) from bg")), "TDCZ", "the server goes on");
}

#[test]
fn a_session_ends_with_what_is_no_message() {
    let dir = tempfile::tempdir().unwrap();
    let (server, token) = listening(dir.path(), &[]);
    // Messages that lie about their length, or are of no kind.
    for bytes in [
        long(b'Q'),
        long(b'B'),
        b"Q\0\0\0\x03".to_vec(),
        b"\x01\0\0\0\x04".to_vec(),
        with_length(Some(b'Q'), b"select 1"),
        with_length(Some(b'Q'), b"select '\xff'\0"),
        with_length(Some(b'B'), b"\0\0\x7f\xff"),
        with_length(Some(b'B'), b"\0\0\0\0\0\x01\x7f\xff\xff\xff"),
        with_length(Some(b'D'), b"X\0"),
        with_length(Some(b'E'), b"p\0\0\0"),
        with_length(Some(b'S'), b"more"),
        with_length(Some(b'p'), b"again\0"),
    ] {
        let (mut raw, _) = Raw::session(&server, "root", &token);
        raw.bytes(&bytes);
        let said = raw.until_ready();
        assert_eq!((&*kinds(&said), &*state(&said)), ("EX", "08P01"), "{bytes:?}: {}", told(&said));
    }
    let (mut raw, _) = Raw::session(&server, "root", &token);
    assert_eq!(kinds(&raw.ask("select count(*) from bg")), "TDCZ", "the server goes on");
}

/// Takes far longer than anybody waits.
const LONG: &str = "select count(*) from bg a, bg b, bg c, bg d, bg e, bg f, bg g where a.value + b.value + c.value + d.value + e.value + f.value + g.value < 0";

#[test]
fn what_is_asked_is_stopped_by_its_key_and_by_an_end_of_its_connection() {
    let dir = tempfile::tempdir().unwrap();
    let (server, token) = listening(dir.path(), &[]);
    let cancel = |key: &[u8]| {
        let mut raw = Raw::connect(&server);
        raw.bytes(&with_length(None, &[&80_877_102_i32.to_be_bytes()[..], key].concat()));
        assert_eq!(raw.next().0, 'X', "nothing is said to it");
    };
    // Four run at once: four times as many would wait for each other's time limit, if one of them went on.
    for _ in 0..8 {
        let (mut raw, key) = Raw::session(&server, "root", &token);
        raw.say(b'Q', &texts(&[LONG]));
        std::thread::sleep(Duration::from_millis(300));
        let wrong: Vec<u8> = key.iter().map(|byte| !byte).collect();
        cancel(&wrong);
        raw.0.set_read_timeout(Some(Duration::from_millis(300))).expect("set");
        assert!(raw.0.peek(&mut [0]).is_err(), "a wrong key stopped it");
        raw.0.set_read_timeout(Some(Duration::from_secs(60))).expect("set");
        let begun = Instant::now();
        cancel(&key);
        let said = raw.until_ready();
        assert_eq!((&*state(&said), said.last().unwrap().0), ("57014", 'Z'), "{}", told(&said));
        assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
        assert_eq!(kinds(&raw.ask("select 1")), "TDCZ");
        // Nothing is asked: there is nothing to stop, now or later.
        cancel(&key);
        assert_eq!(kinds(&raw.ask("select 2")), "TDCZ");
    }
    for _ in 0..8 {
        let (mut raw, _) = Raw::session(&server, "root", &token);
        raw.say(b'Q', &texts(&[LONG]));
        std::thread::sleep(Duration::from_millis(100));
        drop(raw);
    }
    let begun = Instant::now();
    seen(&server, &token, 24);
    assert!(begun.elapsed() < Duration::from_secs(15), "who went away is computed for: {:?}", begun.elapsed());
    let (mut raw, _) = Raw::session(&server, "root", &token);
    raw.ask("set statement_timeout to '1s'");
    let begun = Instant::now();
    assert_eq!(state(&raw.ask(LONG)), "57014");
    assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", begun.elapsed());
    ask(&server, &token, "GET", "/v1/me", "").ok();
    // It ends in order, and says so to whoever is connected.
    let pid = server.id();
    std::process::Command::new("kill").args(["-TERM", &pid.to_string()]).status().expect("kill runs");
    let said = raw.until_ready();
    assert_eq!((&*kinds(&said), &*state(&said)), ("EX", "57P01"), "{}", told(&said));
    assert_eq!(server.wait(), Some(0));
}
