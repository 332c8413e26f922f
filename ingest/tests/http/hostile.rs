//! Bodies that do not end, do not come, or grow when unpacked; requests that are none.

use std::io::{Read, Write};
use std::time::{Duration, Instant};

use vitalog_ingest::io::BodyLimits;

use super::{Reply, Server, bg, gzip};

fn limits() -> BodyLimits {
    BodyLimits { wire_bytes: 64 * 1024, unpacked_bytes: 256 * 1024, held_bytes: 1 << 20, readings: 1_000 }
}

fn head(server: &Server, rest: &str) -> String {
    format!(
        "POST /v1/readings HTTP/1.1\r\nhost: {}\r\nconnection: close\r\ncontent-type: application/x-ndjson\r\n{rest}\r\n\r\n",
        server.address
    )
}

#[test]
fn an_announced_size_is_refused_before_it_comes() {
    let server = Server::limited(limits());
    let mut stream = server.connect();
    stream.write_all(head(&server, "content-length: 1000000000000").as_bytes()).expect("sent");
    let reply = Reply::read(stream);
    reply.assert_problem(413, "too_large");
    assert_eq!(reply.header("connection"), "close");
}

#[test]
fn an_endless_body_is_cut() {
    let server = Server::limited(limits());
    let mut stream = server.connect();
    stream.write_all(head(&server, "transfer-encoding: chunked").as_bytes()).expect("sent");
    let chunk = format!("400\r\n{}\r\n", "x".repeat(1024));
    let mut sent = 0;
    while sent < 10_000 && stream.write_all(chunk.as_bytes()).is_ok() {
        sent += 1;
    }
    assert!(sent < 10_000, "the server stopped reading");
    let mut fresh = server.connect();
    fresh.write_all(head(&server, "transfer-encoding: chunked").as_bytes()).expect("sent");
    for _ in 0..65 {
        let _ = fresh.write_all(chunk.as_bytes());
    }
    Reply::read(fresh).assert_problem(413, "too_large");
}

#[test]
fn a_byte_a_second_is_too_slow() {
    let server = Server::hurried(Duration::from_secs(2));
    let mut stream = server.connect();
    stream.write_all(head(&server, "content-length: 1000").as_bytes()).expect("sent");
    let start = Instant::now();
    let mut drip = stream.try_clone().expect("another handle");
    let dripping = std::thread::spawn(move || {
        for _ in 0..20 {
            if drip.write_all(b" ").is_err() {
                return;
            }
            std::thread::sleep(Duration::from_millis(300));
        }
    });
    Reply::read(stream).assert_problem(408, "too_slow");
    assert!(start.elapsed() < Duration::from_secs(5), "{:?}", start.elapsed());
    dripping.join().expect("no panic");
}

#[test]
fn a_body_that_breaks_off_is_no_reading() {
    let server = Server::limited(limits());
    let mut stream = server.connect();
    let line = bg(1, "6.1");
    stream.write_all(format!("{}{line}\n", head(&server, "content-length: 4000")).as_bytes()).expect("sent");
    stream.shutdown(std::net::Shutdown::Write).expect("shut");
    let mut answer = String::new();
    let _ = stream.read_to_string(&mut answer);
    assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 400"), "{answer}");
    assert!(server.journaled().is_empty());
}

#[test]
fn bombs_do_not_go_off() {
    let server = Server::limited(limits());
    let bomb = gzip(&vec![b'\n'; 8 << 20]);
    assert!(bomb.len() < 64 * 1024);
    let headers = [("content-type", "application/x-ndjson"), ("content-encoding", "gzip")];
    server.send("POST", "/v1/readings", &headers, &bomb).assert_problem(413, "too_large");
    let twice = gzip(&bomb);
    server.send("POST", "/v1/readings", &headers, &twice).assert_problem(422, "malformed_json");
    server.post("application/x-ndjson", "{}\n".repeat(1_001)).assert_problem(413, "too_many");
    let id = format!("{{\"id\":\"{}\"}}", "x".repeat(1 << 20));
    server.post("application/json", &id).assert_problem(413, "too_large");
}

#[test]
fn requests_that_are_none_get_no_reading_in_and_leave_the_server_up() {
    let server = Server::limited(limits());
    for request in [
        &b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"[..],
        b"POST\r\n\r\n",
        b"POST /v1/readings HTTP/9.9\r\n\r\n",
        b"GET / HTTP/1.1\r\nhost: a\r\nhost: b\r\n\r\n",
        b"POST /v1/readings HTTP/1.1\r\nhost: localhost\r\ncontent-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\nGET / HTTP/1.1\r\n\r\n",
        b"POST /v1/readings HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\nZZZ\r\n",
        b"POST /v1/readings HTTP/1.1\r\nhost: localhost\r\ncontent-length: -1\r\n\r\n",
    ] {
        let mut stream = server.connect();
        stream.write_all(request).expect("sent");
        let _ = stream.shutdown(std::net::Shutdown::Write);
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer);
        assert!(!answer.starts_with(b"HTTP/1.1 200") || request.starts_with(b"GET"), "{}", String::from_utf8_lossy(&answer));
    }
    assert_eq!(server.post("application/json", bg(1, "6.1")).status, 200);
    assert_eq!(server.journaled().len(), 1);
}

#[test]
fn bodies_share_their_room_and_give_it_back() {
    let server = Server::limited(BodyLimits { held_bytes: 80 * 1024, ..limits() });
    let mut slow = server.connect();
    slow.write_all(head(&server, "content-length: 50000").as_bytes()).expect("sent");
    slow.write_all(&[b'\n'; 49_000]).expect("sent");
    let other = "\n".repeat(50_000) + &bg(1, "6.1");
    let full = (0..50).find_map(|_| {
        std::thread::sleep(Duration::from_millis(20));
        Some(server.post("application/x-ndjson", &other)).filter(|reply| reply.status != 200)
    });
    let full = full.expect("there is no room for both");
    full.assert_problem(503, "overloaded");
    assert_eq!(full.header("retry-after"), "1");
    assert_eq!(server.post("application/x-ndjson", bg(2, "6.1")).status, 200, "a small one finds room");
    slow.write_all(&[b'\n'; 1_000]).expect("sent");
    Reply::read(slow).assert_problem(400, "empty_body");
    assert_eq!(server.post("application/x-ndjson", &other).status, 200, "the room was given back");
    let packed = gzip("\n".repeat(200 * 1024).as_bytes());
    let headers = [("content-type", "application/x-ndjson"), ("content-encoding", "gzip")];
    server.send("POST", "/v1/readings", &headers, packed).assert_problem(503, "overloaded");
}
