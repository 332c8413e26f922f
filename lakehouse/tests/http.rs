//! `POST /v1/sql` over a socket.

use std::sync::Arc;
use std::time::{Duration, Instant};

use object_store::memory::InMemory;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use vitalog_elog::access::{Access, Principal, Via, Wish};
use vitalog_lakehouse::io::{ExportLimits, SqlDoor, api};
use vitalog_lakehouse::{Eyes, FLOOR, Lake, Limits, Pseudonyms, Study};

use crate::world::{INCARNATION, RunLoop, glucose, schema};

/// Lets analysts ask, and nobody do anything else.
struct Analysts;

impl Access for Analysts {
    fn allows(&self, who: &Principal, wish: Wish<'_>) -> bool {
        &*who.id == "analyst" && matches!(wish, Wish::Query | Wish::QueryAll)
    }
}

/// Rows that an export may have here.
const EXPORTED: u64 = 20_000;

/// A server that takes everybody for `who`; `None`: for nobody.
async fn serve(lake: Lake, who: Option<&str>) -> std::net::SocketAddr {
    serve_within(lake, who, Limits { rows: 3, ..Limits::default() }).await
}

async fn serve_within(lake: Lake, who: Option<&str>, limits: Limits) -> std::net::SocketAddr {
    let study = Study { pseudonyms: Arc::new(Pseudonyms::new([7; 32])), floor: FLOOR, among: None };
    let exports = ExportLimits { rows: EXPORTED, ..ExportLimits::default() };
    let door = SqlDoor { lake, access: Arc::new(Analysts), study, limits, exports };
    let (mut app, _) = api().with_state(door).split_for_parts();
    if let Some(who) = who {
        app = app.layer(axum::Extension(Principal::new(who).via(Via::Token(who.into()))));
    }
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, app).await });
    address
}

async fn post(address: std::net::SocketAddr, path: &str, headers: &str, body: &str) -> (u16, String, String) {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let request =
        format!("POST {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n{headers}content-length: {}\r\n\r\n{body}", body.len());
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    let answer = String::from_utf8_lossy(&answer).into_owned();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (head[9..12].parse().unwrap(), head.to_lowercase(), body.to_owned())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn asking_over_http() {
    let mut run = RunLoop::new(schema());
    for minute in 0..5 {
        run.read(glucose("p-001", &format!("2026-01-01T08:{minute:02}:00Z"), "6.1"));
    }
    let lake = Lake::open_on(Arc::new(InMemory::new()), run.schema.clone(), INCARNATION).await.unwrap();
    let address = serve(lake.clone(), Some("analyst")).await;
    lake.apply(&run.records, run.position()).unwrap();

    const JSON: &str = "content-type: application/json\r\n";
    let count = r#"{"sql": "SELECT count(*) AS n FROM bg"}"#;
    let (status, head, body) = post(address, "/v1/sql", JSON, count).await;
    assert_eq!((status, &*body), (200, r#"[{"n":5}]"#));
    assert!(head.contains("vitalog-position: 5"), "{head}");
    assert!(!head.contains("vitalog-truncated"), "{head}");
    let text = "content-type: text/plain\r\naccept: text/csv\r\n";
    assert_eq!(post(address, "/v1/sql", text, "SELECT count(*) AS n FROM bg").await.2, "n\n5\n");
    let (_, head, body) = post(address, "/v1/sql?format=ndjson", "", "SELECT value FROM bg").await;
    assert_eq!(body.lines().count(), 3);
    assert!(head.contains("vitalog-truncated: true") && head.contains("application/x-ndjson"), "{head}");
    let (status, head, _) = post(address, "/v1/sql?format=arrow", "", "SELECT 1").await;
    assert!(status == 200 && head.contains("application/vnd.apache.arrow.stream"), "{head}");

    for (path, headers, body, status, code) in [
        ("/v1/sql", JSON, r#"{"sql": "DROP TABLE readings"}"#, 403, "sql_not_allowed"),
        ("/v1/sql", JSON, r#"{"sql": "SELECT x FROM bg"}"#, 400, "sql_invalid"),
        ("/v1/sql", JSON, r#"{"query": "SELECT 1"}"#, 400, "bad_body"),
        ("/v1/sql", JSON, "", 400, "bad_body"),
        ("/v1/sql", "", "", 400, "sql_empty"),
        ("/v1/sql", "content-type: image/png\r\n", "SELECT 1", 415, "wrong_content_type"),
        ("/v1/sql?format=xml", "", "SELECT 1", 400, "unknown_format"),
        ("/v1/sql?sql=DROP", "", "SELECT 1", 400, "bad_query"),
        ("/v1/sql", "", &"x".repeat(3 << 20), 413, "bad_body"),
        ("/v1/sql", "vitalog-position: soon\r\n", "SELECT 1", 400, "bad_position"),
        ("/v1/sql", "vitalog-position: 6\r\n", "SELECT 1", 503, "not_reached"),
    ] {
        let (found, head, problem) = post(address, path, headers, body).await;
        assert_eq!(found, status, "{path} {headers} {body}: {problem}");
        assert!(head.contains("application/problem+json"), "{head}");
        let problem: serde_json::Value = serde_json::from_str(&problem).unwrap();
        assert_eq!((problem["code"].as_str(), problem["status"].as_u64()), (Some(code), Some(u64::from(status))));
        assert!(problem["remedy"].as_str().is_some_and(|r| !r.is_empty()));
    }
    for (who, status) in [(Some("somebody"), 403), (None, 401)] {
        let address = serve(lake.clone(), who).await;
        assert_eq!(post(address, "/v1/sql", "", "SELECT 1").await.0, status);
    }
}

/// Whoever asks much has others wait for nothing: there is room for four statements, and two of an account are under way at once.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_account_has_two_statements_under_way() {
    let run = RunLoop::new(schema());
    let lake = Lake::open_on(Arc::new(InMemory::new()), run.schema.clone(), INCARNATION).await.unwrap();
    let limits = Limits { time: Duration::from_secs(3), ..Limits::default() };
    let address = serve_within(lake.clone(), Some("analyst"), limits).await;
    const LONG: &str = "SELECT count(*) FROM generate_series(1, 10000000) a, generate_series(1, 10000000) b";
    let began = Instant::now();
    let long = [(); 2].map(|()| tokio::spawn(post(address, "/v1/sql", "", LONG)));
    tokio::time::sleep(Duration::from_millis(500)).await;
    let patient = serve_within(lake.clone(), Some("analyst"), Limits { time: Duration::from_secs(30), ..limits }).await;
    let next = tokio::spawn(async move { (post(patient, "/v1/sql", "", "SELECT 1").await, Instant::now()) });
    // By no door: somebody else's account, and whoever has none.
    for account in [Some("other"), None] {
        let quick = Limits { time: Duration::from_secs(2), ..limits };
        let answer = lake.sql_of(account, Eyes::All, "SELECT 1", quick).await;
        assert_eq!(answer.expect("there is a place").rows(), 1, "{account:?}");
    }
    for asked in long {
        let (status, _, problem) = asked.await.unwrap();
        assert!(status == 422 && problem.contains("sql_timeout"), "{problem}");
    }
    let (third, when) = next.await.unwrap();
    assert_eq!(third.0, 200, "its turn comes: {}", third.2);
    assert!(when - began > Duration::from_millis(2_900), "and not before: {:?}", when - began);
}

/// A reader that waits for its write gets it as soon as it is there.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn reading_ones_write() {
    let mut run = RunLoop::new(schema());
    run.read(glucose("p-001", "2026-01-01T08:00:00Z", "6.1"));
    let lake = Lake::open_on(Arc::new(InMemory::new()), run.schema.clone(), INCARNATION).await.unwrap();
    let address = serve(lake.clone(), Some("analyst")).await;
    let asking =
        tokio::spawn(async move { post(address, "/v1/sql", "vitalog-position: 1\r\n", "SELECT count(*) AS n FROM bg").await });
    tokio::time::sleep(std::time::Duration::from_millis(300)).await;
    lake.apply(&run.records, run.position()).unwrap();
    let (status, _, body) = asking.await.unwrap();
    assert_eq!((status, &*body), (200, r#"[{"n":1}]"#));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_export_that_breaks_off_has_no_last_chunk() {
    let run = RunLoop::new(schema());
    let lake = Lake::open_on(Arc::new(InMemory::new()), run.schema.clone(), INCARNATION).await.unwrap();
    let address = serve(lake, Some("analyst")).await;
    for (rows, is_whole) in [(EXPORTED, true), (EXPORTED + 1, false)] {
        let sql = format!("select value from generate_series(1, {rows})");
        let (status, head, body) = post(address, "/v1/export", "content-type: text/plain\r\n", &sql).await;
        assert!(status == 200 && head.contains("transfer-encoding: chunked"), "{head}");
        assert_eq!(body.ends_with("0\r\n\r\n"), is_whole, "{rows}: {}", &body[body.len().saturating_sub(40)..]);
    }
}
