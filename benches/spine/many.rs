//! Many connections on one thread, as tools that put load on servers keep them, so that little of the cores that it shares with the server goes to the client.

use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// Of each connection the requests that `body` gives, one after the other, each after the answer to the one before; when each answer came, and the wait for it. `check` is shown every answer, the status line first.
pub fn send(
    host: &str,
    path: &str,
    connections: i64,
    requests: i64,
    body: impl Fn(i64, i64) -> String + Copy + Send + 'static,
    check: impl Fn(&str) + Copy + Send + 'static,
) -> Vec<(Instant, Duration)> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build().expect("a runtime");
    let local = tokio::task::LocalSet::new();
    local.block_on(&runtime, async {
        let of = |connection| {
            let (host, path) = (host.to_owned(), path.to_owned());
            tokio::task::spawn_local(async move {
                let mut stream = TcpStream::connect(&host).await.expect("the server listens");
                stream.set_nodelay(true).expect("a socket option");
                let (mut answers, mut buffer) = (Vec::with_capacity(requests as usize), Vec::new());
                for n in 0..requests {
                    let body = body(connection, n);
                    let request = format!(
                        "POST {path} HTTP/1.1\r\nhost: {host}\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
                        body.len()
                    );
                    let sent = Instant::now();
                    stream.write_all(request.as_bytes()).await.expect("it is sent");
                    check(&answer(&mut stream, &mut buffer).await);
                    let answered = Instant::now();
                    answers.push((answered, answered.duration_since(sent)));
                }
                answers
            })
        };
        let tasks: Vec<_> = (0..connections).map(of).collect();
        let mut all = Vec::new();
        for task in tasks {
            all.extend(task.await.expect("it sends"));
        }
        all
    })
}

/// One whole answer; the server sends none before it is asked, so nothing of the next is read.
async fn answer(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> String {
    buffer.clear();
    loop {
        let n = stream.read_buf(buffer).await.expect("an answer");
        assert!(n > 0, "the connection was closed");
        let Some(head) = buffer.windows(4).position(|end| end == b"\r\n\r\n") else { continue };
        let text = std::str::from_utf8(&buffer[..head]).expect("headers are text");
        let length = text.lines().find_map(|line| {
            let (name, value) = line.split_once(':')?;
            name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse::<usize>().expect("a length"))
        });
        let end = head + 4 + length.expect("an answer of a known length");
        if buffer.len() >= end {
            return String::from_utf8_lossy(&buffer[..end]).into_owned();
        }
    }
}
