//! Traces from outside: the real binary, a collector of the tests' own that takes OTLP as the protocol says, and a webhook that is told with the trace.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value as Said;
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message;
use serde_json::json;

use crate::support::server::{Server, run, vitalog};

const RULES: &str = "
use health
rule low { severity urgent when bg.value < 54 mg/dL say \"low\" }
rule unheard { severity urgent when no bg for 4 s say \"quiet\" }
";

/// As whoever traces the phone app would send it.
const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const CALLER: &str = "00f067aa0ba902b7";

/// A request as it came: its path, its headers, its body.
type Came = (String, Vec<(String, String)>, Vec<u8>);

/// Answers 200 to everything, until the test's process ends.
#[derive(Clone, Default)]
struct Listener {
    came: Arc<Mutex<Vec<Came>>>,
}

impl Listener {
    fn start() -> (Listener, String) {
        let (listener, socket) = (Listener::default(), TcpListener::bind("127.0.0.1:0").unwrap());
        let (came, url) = (listener.came.clone(), format!("http://{}", socket.local_addr().unwrap()));
        std::thread::spawn(move || {
            for stream in socket.incoming().flatten() {
                let came = came.clone();
                std::thread::spawn(move || {
                    let mut reader = BufReader::new(stream);
                    while let Some(request) = request(&mut reader) {
                        came.lock().unwrap().push(request);
                        if reader.get_mut().write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").is_err() {
                            break;
                        }
                    }
                });
            }
        });
        (listener, url)
    }

    fn came(&self) -> Vec<Came> {
        self.came.lock().unwrap().clone()
    }

    fn spans(&self) -> Vec<Span> {
        self.spans_of("vitalog")
    }

    fn spans_of(&self, service: &str) -> Vec<Span> {
        let mut spans = Vec::new();
        for (path, headers, body) in self.came() {
            assert_eq!(path, "/v1/traces");
            assert!(headers.contains(&("content-type".to_owned(), "application/x-protobuf".to_owned())), "{headers:?}");
            let sent = ExportTraceServiceRequest::decode(&*body).expect("what the protocol says");
            for resource in sent.resource_spans {
                let about = resource.resource.expect("a resource").attributes;
                assert!(about.iter().any(|a| a.key == "service.name" && text(a.value.clone()) == service), "{about:?}");
                spans.extend(resource.scope_spans.into_iter().flat_map(|scope| scope.spans));
            }
        }
        spans
    }

    fn wait_for(&self, what: &str, is_there: impl Fn(&[Span]) -> bool) -> Vec<Span> {
        let deadline = Instant::now() + Duration::from_secs(30);
        loop {
            let spans = self.spans();
            if is_there(&spans) {
                return spans;
            }
            let names: Vec<&str> = spans.iter().map(|span| &*span.name).collect();
            assert!(Instant::now() < deadline, "{what} within 30 s; there are {names:?}");
            std::thread::sleep(Duration::from_millis(50));
        }
    }
}

fn request(reader: &mut impl BufRead) -> Option<Came> {
    let mut line = String::new();
    reader.read_line(&mut line).ok().filter(|n| *n > 0)?;
    let path = line.split(' ').nth(1)?.to_owned();
    let (mut headers, mut length) = (Vec::new(), 0);
    loop {
        line.clear();
        reader.read_line(&mut line).ok()?;
        let Some((name, value)) = line.trim().split_once(": ") else { break };
        let (name, value) = (name.to_ascii_lowercase(), value.to_owned());
        if name == "content-length" {
            length = value.parse().unwrap();
        }
        headers.push((name, value));
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    Some((path, headers, body))
}

fn text(value: Option<opentelemetry_proto::tonic::common::v1::AnyValue>) -> String {
    match value.and_then(|v| v.value) {
        Some(Said::StringValue(text)) => text,
        Some(Said::IntValue(n)) => n.to_string(),
        other => panic!("{other:?} is no text and no number"),
    }
}

fn said(span: &Span, key: &str) -> String {
    let found = span.attributes.iter().find(|a| a.key == key);
    text(found.unwrap_or_else(|| panic!("{} has no {key}: {:?}", span.name, span.attributes)).value.clone())
}

/// What the variables of OpenTelemetry make of a request: the spans, as a service of that name, when the server has ended.
fn by_variables(variables: &[(&str, &str)], service: &str) -> (Vec<Span>, Vec<Came>) {
    let (dir, (collector, url)) = (tempfile::tempdir().unwrap(), Listener::start());
    let mut command = vitalog();
    command.args(["serve", "--open", "--listen", "127.0.0.1:0", "--data"]).arg(dir.path().join("data"));
    command.env("OTEL_EXPORTER_OTLP_ENDPOINT", &url).envs(variables.iter().copied());
    let server = Server::spawn(command);
    low(&server, "p-anna", None);
    // What is left is sent at the end.
    assert_eq!(server.stop(), Some(0));
    (collector.spans_of(service), collector.came())
}

fn start(dir: &Path, hook: &str, more: &[&str]) -> Server {
    std::fs::create_dir_all(dir.join("rules")).unwrap();
    std::fs::write(dir.join("rules/own.rules"), RULES).unwrap();
    let endpoint =
        json!({ "name": "anna", "url": hook, "allow_loopback": true, "secrets": ["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"] });
    let (rules, file) = (dir.join("rules").display().to_string(), dir.join("webhooks.json").display().to_string());
    std::fs::write(&file, json!({ "settle_s": 1, "endpoints": [endpoint] }).to_string()).unwrap();
    Server::start(&dir.join("data"), &[&["--rules", &rules, "--webhooks", &file], more].concat())
}

/// A low of now, sent with a trace or without.
fn low(server: &Server, subject: &str, trace: Option<&str>) {
    let body = json!({ "subject": subject, "stream": "bg", "at": jiff::Timestamp::now().to_string(), "value": "41 mg/dL" });
    let traced = trace.map(|flags| format!("00-{TRACE}-{CALLER}-{flags}"));
    let mut headers = vec![("content-type", "application/json")];
    headers.extend(traced.as_deref().map(|traced| ("traceparent", traced)));
    server.try_send("POST", "/v1/readings", &headers, body.to_string()).expect("an answer").ok();
}

fn metric(server: &Server, name: &str) -> f64 {
    let text = server.get("/metrics").ok().body;
    let line = text.lines().find(|line| line.starts_with(&format!("{name} "))).unwrap_or_else(|| panic!("no {name}"));
    line.rsplit(' ').next().unwrap().parse().unwrap()
}

#[test]
fn a_reading_is_followed_from_its_sender_to_whoever_is_told() {
    let dir = tempfile::tempdir().unwrap();
    let ((collector, url), (hook, hook_url)) = (Listener::start(), Listener::start());
    // Nothing that begins here is traced; what comes with a trace is.
    let server = start(dir.path(), &hook_url, &["--traces", &url, "--trace-share", "0"]);
    low(&server, "p-quiet", None);
    low(&server, "p-said-no", Some("00"));
    low(&server, "p-anna", Some("01"));
    let spans = collector.wait_for("an attempt to tell", |spans| spans.iter().any(|span| span.name == "deliver"));
    assert!(metric(&server, "vitalog_trace_spans_sent_total") >= 5.0);
    assert_eq!(server.stop(), Some(0));

    let only = |name: &str| {
        let mut found = spans.iter().filter(|span| span.name == name);
        let one = found.next().unwrap_or_else(|| panic!("{name} is not there"));
        assert!(found.next().is_none(), "{name} is there twice");
        one
    };
    let request = only("POST /v1/readings");
    assert_eq!((hex::encode(&request.parent_span_id), request.kind), (CALLER.to_owned(), 2));
    let of_request = ["http.request.method", "http.route", "http.response.status_code"].map(|key| said(request, key));
    assert_eq!(of_request, ["POST", "/v1/readings", "200"]);
    let stages = ["wait for the journal", "write the journal", "decide"].map(only);
    let deliver = only("deliver");
    for (span, parent) in stages.iter().map(|stage| (*stage, request)).chain([(deliver, stages[2])]) {
        assert_eq!(hex::encode(&span.trace_id), TRACE, "{}", span.name);
        assert_eq!(span.parent_span_id, parent.span_id, "{} is below {}", span.name, parent.name);
    }
    for pair in [request, stages[0], stages[1], stages[2]].windows(2) {
        assert!(pair[0].start_time_unix_nano <= pair[1].start_time_unix_nano, "{} before {}", pair[0].name, pair[1].name);
        assert!(pair[1].end_time_unix_nano >= pair[1].start_time_unix_nano);
    }
    assert_eq!([said(stages[2], "vitalog.changes"), said(deliver, "vitalog.outcome")], ["1", "delivered"]);
    assert_eq!((said(deliver, "vitalog.endpoint"), deliver.kind), ("anna".to_owned(), 3));

    // Whoever is told can go on with the trace, and is told nothing of one where there is none.
    let told = hook.came();
    let told: Vec<&str> = told
        .iter()
        .filter_map(|(_, headers, _)| headers.iter().find(|(name, _)| name == "traceparent").map(|(_, value)| &**value))
        .collect();
    assert!(told.contains(&&*format!("00-{TRACE}-{}-01", hex::encode(&deliver.span_id))), "{told:?}");
    // Nobody is named, and nothing that was measured.
    for (_, _, body) in collector.came() {
        let body = String::from_utf8_lossy(&body);
        assert!(!body.contains("p-") && !body.contains("mg/dL") && !body.contains("low"), "{body}");
    }
}

#[test]
fn what_begins_here_has_a_trace_of_its_own() {
    let dir = tempfile::tempdir().unwrap();
    let ((collector, url), (_hook, hook_url)) = (Listener::start(), Listener::start());
    let server = start(dir.path(), &hook_url, &["--traces", &url]);
    low(&server, "p-anna", None);
    server.get("/v1/subjects/p-anna/summary");
    server.get("/livez");
    server.get("/no/such/p-anna");
    let spans = collector.wait_for("an attempt to tell", |spans| {
        ["deliver", "GET none"].into_iter().all(|name| spans.iter().any(|span| span.name == name))
    });
    let request = spans.iter().find(|span| span.name == "POST /v1/readings").expect("the request");
    let deliver = spans.iter().find(|span| span.name == "deliver").unwrap();
    assert!(request.parent_span_id.is_empty() && request.trace_id == deliver.trace_id);
    let names: Vec<&str> = spans.iter().map(|span| &*span.name).collect();
    assert!(
        names.contains(&"GET /v1/subjects/{subject}/summary") && !names.iter().any(|name| name.contains("livez")),
        "{names:?}"
    );
    assert!(collector.came().iter().all(|(_, _, body)| !String::from_utf8_lossy(body).contains("p-anna")));
}

#[test]
fn the_variables_of_open_telemetry_hold() {
    let (spans, came) =
        by_variables(&[("OTEL_EXPORTER_OTLP_HEADERS", "x-team=ward%207"), ("OTEL_SERVICE_NAME", "bedside")], "bedside");
    assert!(spans.iter().any(|span| span.name == "POST /v1/readings"), "{spans:?}");
    assert!(came[0].1.contains(&("x-team".to_owned(), "ward 7".to_owned())), "{:?}", came[0].1);
    for off in [("OTEL_SDK_DISABLED", "true"), ("OTEL_TRACES_SAMPLER", "always_off")] {
        assert!(by_variables(&[off], "vitalog").1.is_empty(), "{off:?}");
    }
}

#[test]
fn what_the_clock_decides_begins_a_trace() {
    let dir = tempfile::tempdir().unwrap();
    let ((collector, url), (_hook, hook_url)) = (Listener::start(), Listener::start());
    let server = start(dir.path(), &hook_url, &["--traces", &url]);
    let body = json!({ "subject": "p-anna", "stream": "bg", "at": jiff::Timestamp::now().to_string(), "value": "101 mg/dL" });
    server.readings(&body.to_string()).ok();
    let spans = collector.wait_for("an attempt to tell", |spans| spans.iter().any(|span| span.name == "deliver"));
    let deliver = spans.iter().find(|span| span.name == "deliver").unwrap();
    let decided = spans.iter().find(|span| span.span_id == deliver.parent_span_id).expect("what it is below");
    assert!(decided.name == "decide" && decided.parent_span_id.is_empty(), "{} below {:?}", decided.name, decided.parent_span_id);
    let request = spans.iter().find(|span| span.name == "POST /v1/readings").expect("the request");
    assert_ne!(request.trace_id, deliver.trace_id, "it was not that which was told");
}

#[test]
fn a_collector_that_is_away_holds_nobody_up() {
    let dir = tempfile::tempdir().unwrap();
    let (hook, hook_url) = Listener::start();
    // Nobody listens there, and nobody will.
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let server = start(dir.path(), &hook_url, &["--traces", &format!("http://{closed}")]);
    low(&server, "p-anna", None);
    let deadline = Instant::now() + Duration::from_secs(60);
    while hook.came().is_empty() || metric(&server, "vitalog_trace_spans_lost_total") == 0.0 {
        assert!(Instant::now() < deadline, "told {} times", hook.came().len());
        std::thread::sleep(Duration::from_millis(100));
    }
    assert_eq!(server.stop(), Some(0));
}

#[test]
fn what_is_no_collector_and_no_share_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    for bad in ["collector", "ftp://collector:21", "http://", "http://collector:4318/?token=x"] {
        let (status, _, err) = run(vitalog().args(["serve", "--open", "--data"]).arg(dir.path()).args(["--traces", bad]));
        assert_eq!(status, Some(2), "{bad}: {err}");
        assert!(err.contains("--traces") && err.contains("http://127.0.0.1:4318"), "{bad}: {err}");
    }
    for bad in ["-0.1", "1.5", "NaN", "all"] {
        let share = format!("--trace-share={bad}");
        let (status, _, err) = run(vitalog().args(["serve", "--open", "--data"]).arg(dir.path()).arg(share));
        assert_eq!(status, Some(2), "{bad}: {err}");
        assert!(err.contains("from 0 (none) to 1 (all)"), "{bad}: {err}");
    }
}
