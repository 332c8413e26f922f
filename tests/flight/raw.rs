//! What no client of others would say: calls whose messages are any bytes, and bytes that are no calls.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::process::Command;
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::{Buf, BufMut, Bytes};
use tonic::codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder};
use tonic::codegen::http::uri::PathAndQuery;
use tonic::transport::{Channel, Endpoint};
use tonic::{Request, Status};

use super::{filled, place, told};
use crate::support::server::{Server, vitalog};

/// A connection that makes calls.
pub struct Raw {
    runtime: tokio::runtime::Runtime,
    channel: Channel,
}

/// How a call ended.
#[derive(Debug)]
pub struct Ended {
    /// As gRPC numbers it.
    pub status: i32,
    pub message: String,
    /// The messages that came.
    pub said: Vec<Bytes>,
}

/// Messages are bytes.
#[derive(Clone, Copy)]
struct Plain;

impl Codec for Plain {
    type Encode = Bytes;
    type Decode = Bytes;
    type Encoder = Plain;
    type Decoder = Plain;

    fn encoder(&mut self) -> Plain {
        Plain
    }

    fn decoder(&mut self) -> Plain {
        Plain
    }
}

impl Encoder for Plain {
    type Item = Bytes;
    type Error = Status;

    fn encode(&mut self, item: Bytes, out: &mut EncodeBuf<'_>) -> Result<(), Status> {
        out.put(item);
        Ok(())
    }
}

impl Decoder for Plain {
    type Item = Bytes;
    type Error = Status;

    fn decode(&mut self, come: &mut DecodeBuf<'_>) -> Result<Option<Bytes>, Status> {
        Ok(Some(come.copy_to_bytes(come.remaining())))
    }
}

/// A field of a message: bytes.
pub fn part(number: u8, value: &[u8]) -> Vec<u8> {
    let (mut out, mut length) = (vec![number << 3 | 2], value.len());
    while length >= 128 {
        out.push(u8::try_from(length % 128).unwrap() | 128);
        length /= 128;
    }
    out.push(u8::try_from(length).unwrap());
    [out, value.to_vec()].concat()
}

/// A command of Flight SQL.
pub fn packed(name: &str, value: &[u8]) -> Vec<u8> {
    [part(1, format!("type.googleapis.com/arrow.flight.protocol.sql.{name}").as_bytes()), part(2, value)].concat()
}

/// Asks for the flight of a command.
pub fn flight(command: &[u8]) -> Vec<u8> {
    // A descriptor's kind is a number: 2, a command.
    [&[8, 2][..], &part(2, command)].concat()
}

/// Asks for the flight of a statement.
pub fn statement(sql: &str) -> Vec<u8> {
    flight(&packed("CommandStatementQuery", &part(1, sql.as_bytes())))
}

impl Raw {
    pub fn connect(server: &Server) -> Raw {
        Raw::at(place(server).strip_prefix("grpc://").expect("in the clear"))
    }

    pub fn at(address: &str) -> Raw {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        let endpoint = Endpoint::from_shared(format!("http://{address}")).expect("an address").timeout(Duration::from_secs(30));
        let channel = runtime.block_on(async { endpoint.connect_lazy() });
        Raw { runtime, channel }
    }

    /// Makes a call with a token and one message.
    pub fn call(&mut self, call: &str, token: &str, body: &[u8]) -> Ended {
        let shown = if token.is_empty() { String::new() } else { format!("Bearer {token}") };
        self.say(call, &shown, vec![Bytes::copy_from_slice(body)])
    }

    /// Makes a call to its end.
    pub fn say(&mut self, call: &str, authorization: &str, messages: Vec<Bytes>) -> Ended {
        let channel = self.channel.clone();
        let mut request = Request::new(tokio_stream::iter(messages));
        if !authorization.is_empty() {
            request.metadata_mut().insert("authorization", authorization.parse().expect("a header"));
        }
        let path: PathAndQuery = format!("/arrow.flight.protocol.FlightService/{call}").parse().expect("a path");
        let done = self.runtime.block_on(async move {
            let mut calls = tonic::client::Grpc::new(channel);
            calls.ready().await.map_err(|e| Status::unavailable(e.to_string()))?;
            let mut come = calls.streaming(request, path, Plain).await?.into_inner();
            let mut said = Vec::new();
            while let Some(message) = come.message().await? {
                said.push(message);
            }
            Ok::<_, Status>(said)
        });
        match done {
            Ok(said) => Ended { status: 0, message: String::new(), said },
            Err(status) => Ended { status: status.code() as i32, message: status.message().to_owned(), said: Vec::new() },
        }
    }

    /// Shakes hands; the word that is given, or what is said of a refusal.
    pub fn shake(&mut self, name: &str, password: &str) -> Result<String, String> {
        let pair = STANDARD.encode(format!("{name}:{password}"));
        let ended = self.say("Handshake", &format!("Basic {pair}"), vec![]);
        if ended.status != 0 {
            return Err(ended.message);
        }
        // The word is the message's only field.
        let message = ended.said.first().expect("a message");
        Ok(String::from_utf8_lossy(&message[2..]).into_owned())
    }
}

/// A message of values, as a client sends it: schema or rows, from what pyarrow makes of a text and a number.
const SCHEMA: &str = "EAAAAAAACgAMAAYABQAIAAoAAAAAAQQADAAAAAgACAAAAAQACAAAAAQAAAACAAAARAAAAAQAAADU////AAABAxAAAAAYAAAABAAAAAAAAAABAAAAYgAGAAgABgAGAAAAAAACABAAFAAIAAYABwAMAAAAEAAQAAAAAAABBRAAAAAYAAAABAAAAAAAAAABAAAAYQAAAAQABAAEAAAAAAAAAA==";
const ROWS: &str = "FAAAAAAAAAAMABYABgAFAAgADAAMAAAAAAMEABgAAAAYAAAAAAAAAAAACgAYAAwABAAIAAoAAABsAAAAEAAAAAEAAAAAAAAAAAAAAAUAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAIAAAAAAAAAAgAAAAAAAAAAwAAAAAAAAAQAAAAAAAAAAAAAAAAAAAAEAAAAAAAAAAIAAAAAAAAAAAAAAACAAAAAQAAAAAAAAAAAAAAAAAAAAEAAAAAAAAAAAAAAAAAAAA=";
const BODY: &str = "AAAAAAMAAABwLTEAAAAAAAAAAAAAAPg/";

/// Field 1000, where values have their bytes.
fn body(value: &[u8]) -> Vec<u8> {
    [&[0xc2, 0x3e, u8::try_from(value.len()).unwrap()][..], value].concat()
}

/// Numbers that nobody would guess, and that are the same when they are drawn again.
struct Draw(u64);

impl Draw {
    fn below(&mut self, most: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 11).unwrap() % most
    }

    /// A few bytes of it are others, or it ends early, or goes on.
    fn bent(&mut self, of: &[u8]) -> Vec<u8> {
        let mut out = of.to_vec();
        for _ in 0..=self.below(4) {
            let (place, byte) = (self.below(out.len().max(1)), self.0.to_le_bytes()[3]);
            match self.below(6) {
                0 => out.truncate(place),
                1 => out.insert(place.min(out.len()), byte),
                2 => out.extend(of.iter().skip(place).take(20)),
                3 if place + 4 <= out.len() => out[place..place + 4].copy_from_slice(&[0xff, 0xff, 0xff, 0x7f]),
                _ if place < out.len() => out[place] = byte,
                _ => {}
            }
        }
        out
    }
}

/// A server whose errors go to a file.
fn watched(data: &std::path::Path, errors: &std::path::Path) -> Server {
    let mut command = Command::new("sh");
    command.args(["-c", "exec \"$0\" \"$@\" 2>\"$ERRORS\""]).arg(vitalog().get_program());
    command.args(["serve", "--listen", "127.0.0.1:0", "--flight", "127.0.0.1:0", "--data"]).arg(data);
    Server::spawn({
        command.env("ERRORS", errors).env_remove("VITALOG_TOKEN");
        command
    })
}

/// That nothing in the server ended for what it was told, and it goes on.
fn goes_on(server: &Server, token: &str, errors: &std::path::Path) {
    assert_eq!(Raw::connect(server).call("GetFlightInfo", token, &statement("select count(*) from bg")).status, 0);
    let said = std::fs::read_to_string(errors).expect("text");
    assert!(!said.contains("panicked"), "{said}");
}

#[test]
fn messages_that_nobody_would_send_are_refused_and_harm_nobody() {
    let dir = tempfile::tempdir().unwrap();
    let (data, errors) = (dir.path().join("data"), dir.path().join("errors"));
    let token = told(&data, "token", &["add", "root"]);
    let server = watched(&data, &errors);
    filled(&server, &token);
    let mut raw = Raw::connect(&server);
    let action = |name: &str, body: &[u8]| [part(1, name.as_bytes()), part(2, body)].concat();
    let prepare =
        action("CreatePreparedStatement", &packed("ActionCreatePreparedStatementRequest", &part(1, b"select ? as a, ? as b")));
    let prepared = raw.call("DoAction", &token, &prepare);
    assert_eq!(prepared.status, 0, "{}", prepared.message);
    let made = prepared.said.concat();
    let at = made.windows(2).position(|two| two == [0x0a, 0x10]).expect("a handle") + 2;
    let asked = packed("CommandPreparedStatementQuery", &part(1, &made[at..at + 16]));
    let bytes = |text: &str| STANDARD.decode(text).expect("bytes");
    let schema = [part(1, &flight(&asked)), part(2, &bytes(SCHEMA))].concat();
    let rows = [part(2, &bytes(ROWS)), body(&bytes(BODY))].concat();
    let put = |raw: &mut Raw, messages: [Vec<u8>; 2]| {
        raw.say("DoPut", &format!("Bearer {token}"), messages.into_iter().map(Bytes::from).collect())
    };
    let whole = put(&mut raw, [schema.clone(), rows.clone()]);
    assert_eq!(whole.status, 0, "what is bent below is whole: {}", whole.message);
    let info = raw.call("GetFlightInfo", &token, &statement("select value from bg"));
    let flights = info.said.concat();
    let samples: Vec<(&str, Vec<u8>)> = vec![
        ("GetFlightInfo", statement("select subject, count(*) from bg where value > ? group by 1")),
        ("GetFlightInfo", flight(&asked)),
        ("GetSchema", statement("select * from bg")),
        (
            "GetFlightInfo",
            flight(&packed("CommandGetTables", &[part(2, b"l%"), part(3, b"b_"), part(4, b"VIEW"), vec![40, 1]].concat())),
        ),
        ("GetFlightInfo", flight(&packed("CommandGetSqlInfo", &part(1, &[0, 1, 0xf4, 3])))),
        ("DoGet", flights.clone()),
        ("DoAction", prepare),
        ("DoAction", action("CancelFlightInfo", &part(1, &flights))),
        ("DoAction", action("CancelQuery", &packed("ActionCancelQueryRequest", &part(1, &flights)))),
        ("DoExchange", schema.clone()),
        ("PollFlightInfo", statement("select 1")),
    ];
    let mut draw = Draw(std::env::var("VITALOG_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(0x5eed_f119_4711));
    let (mut refused, mut taken) = (0, 0);
    for n in 0..3_000 {
        let ended = if n % 3 == 0 {
            let bent = if draw.below(2) == 0 { [draw.bent(&schema), rows.clone()] } else { [schema.clone(), draw.bent(&rows)] };
            put(&mut raw, bent)
        } else {
            let (call, sample) = &samples[draw.below(samples.len())];
            raw.call(call, &token, &draw.bent(sample))
        };
        assert_ne!(ended.status, 2, "an answer that is none: {}", ended.message);
        *(if ended.status == 0 { &mut taken } else { &mut refused }) += 1;
    }
    eprintln!("{refused} messages refused, {taken} taken");
    assert!(refused > 1_500 && taken > 50, "{refused} {taken}");
    goes_on(&server, &token, &errors);
    assert_eq!(server.stop(), Some(0));
}

#[test]
fn bytes_that_are_no_calls_end_their_connection_alone() {
    let dir = tempfile::tempdir().unwrap();
    let (data, errors) = (dir.path().join("data"), dir.path().join("errors"));
    let token = told(&data, "token", &["add", "root"]);
    let server = watched(&data, &errors);
    filled(&server, &token);
    let at = place(&server).strip_prefix("grpc://").expect("in the clear");
    let frame = |kind: u8, flags: u8, stream: u32, body: &[u8]| {
        let length = u32::try_from(body.len()).unwrap().to_be_bytes();
        [&length[1..], &[kind, flags], &stream.to_be_bytes(), body].concat()
    };
    let text = |text: &str| [vec![u8::try_from(text.len()).unwrap()], text.as_bytes().to_vec()].concat();
    let path = "/arrow.flight.protocol.FlightService/GetFlightInfo";
    let shown = format!("Bearer {token}");
    let pairs = [
        (":method", "POST"),
        (":scheme", "http"),
        (":path", path),
        (":authority", "x"),
        ("content-type", "application/grpc"),
        ("authorization", &shown),
    ];
    let head: Vec<u8> = pairs.iter().flat_map(|(name, value)| [vec![0], text(name), text(value)].concat()).collect();
    let asked = statement("select 1");
    let message = [&[0][..], &u32::try_from(asked.len()).unwrap().to_be_bytes(), &asked].concat();
    let sample = [
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec(),
        frame(4, 0, 0, &[]),
        frame(1, 4, 1, &head),
        frame(0, 1, 1, &message),
        frame(8, 0, 0, &[0, 0, 0xff, 0xff]),
        frame(6, 0, 0, &[0; 8]),
    ]
    .concat();
    let mut draw = Draw(0xf1a6_0001);
    let connect = || {
        let stream = TcpStream::connect(at).expect("connected");
        stream.set_read_timeout(Some(Duration::from_millis(20))).expect("set");
        stream
    };
    for n in 0..600 {
        let bent = if n == 0 { sample.clone() } else { draw.bent(&sample) };
        let mut stream = connect();
        // Whoever says nonsense is hung up on, perhaps before it is said to its end.
        let _ = stream.write_all(&bent);
        let mut come = [0; 4_096];
        let _ = stream.read(&mut come);
    }
    // A message that says that it is long is not waited for in memory; nor is a head without an end.
    let long = [&sample[..24 + 9], &frame(1, 4, 1, &head), &frame(0, 0, 1, &[0, 0x7f, 0xff, 0xff, 0xff])].concat();
    let mut stream = connect();
    stream.write_all(&long).expect("sent");
    stream.set_read_timeout(Some(Duration::from_secs(10))).expect("set");
    let mut said = Vec::new();
    while !String::from_utf8_lossy(&said).contains("limit") && !said.windows(2).any(|two| two == [1, 5]) {
        let mut come = [0; 4_096];
        match stream.read(&mut come) {
            Ok(0) | Err(_) => break,
            Ok(n) => said.extend(&come[..n]),
        }
    }
    assert!(said.len() > 30, "a message that is too long is refused: {said:?}");
    goes_on(&server, &token, &errors);
    assert_eq!(server.stop(), Some(0));
}

#[test]
fn who_is_not_known_holds_no_connection() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path();
    let token = told(data, "token", &["add", "root"]);
    let server = crate::access::serve(data, &["--flight", "127.0.0.1:0", "--head-time", "2"]);
    let at = place(&server).strip_prefix("grpc://").expect("in the clear");
    let began = Instant::now();
    let mut silent: Vec<TcpStream> = (0..20).map(|_| TcpStream::connect(at).expect("connected")).collect();
    // Whoever is known stays.
    let mut raw = Raw::connect(&server);
    assert_eq!(raw.call("ListActions", &token, &[]).status, 0);
    for stream in &mut silent {
        stream.set_read_timeout(Some(Duration::from_secs(15))).expect("set");
        let _ = stream.read_to_end(&mut Vec::new());
    }
    assert!(began.elapsed() < Duration::from_secs(12), "{:?}", began.elapsed());
    assert_eq!(raw.call("ListActions", &token, &[]).status, 0);
    // A server that ends answers what was asked before, and then is gone.
    assert_eq!(server.stop(), Some(0));
    assert_ne!(raw.call("ListActions", &token, &[]).status, 0);
}
