//! An end to the patience with bodies: one that does not come in time is cut, whichever door reads it and however.
//!
//! It stands before all doors, so none of them can forget it. A body goes through as it comes, and one that is there when a door asks for it costs no timer.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Body, BodyDataStream, Bytes, HttpBody as _};
use axum::extract::Request;
use axum::http::StatusCode;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use futures::{Stream, StreamExt as _};
use tokio::time::Sleep;

use super::problem::Problem;

/// In which a whole body must come, unless it is said otherwise: from where a door first waits for it to its end.
pub const BODY_TIME: Duration = Duration::from_secs(30);

/// Asks the doors behind, with a body that ends in time; one that was cut is answered here, since a door only sees that it broke off.
pub(super) async fn in_time(limit: Duration, request: Request, next: Next) -> Response {
    if request.body().is_end_stream() {
        return next.run(request).await;
    }
    let is_late = Arc::new(AtomicBool::new(false));
    let late = is_late.clone();
    let request = request.map(|body| Body::from_stream(Timed { body: body.into_data_stream(), limit, timer: None, late }));
    let response = next.run(request).await;
    // What a door has done without the rest of it is done, and answered so.
    if is_late.load(Ordering::Acquire) && !response.status().is_success() { too_slow(limit).into_response() } else { response }
}

fn too_slow(limit: Duration) -> Problem {
    let detail = format!("the body did not come within {} seconds", limit.as_secs());
    Problem::new(StatusCode::REQUEST_TIMEOUT, "too_slow", detail, "send less at a time").closing()
}

/// A body that ends with an error when its time is over.
struct Timed {
    body: BodyDataStream,
    limit: Duration,
    /// From when the body was first waited for.
    timer: Option<Pin<Box<Sleep>>>,
    late: Arc<AtomicBool>,
}

/// What the reader of a body that was cut is told.
#[derive(Debug)]
struct Late;

impl std::fmt::Display for Late {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("the body did not come in time")
    }
}

impl std::error::Error for Late {}

impl Stream for Timed {
    type Item = Result<Bytes, axum::Error>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = &mut *self;
        if this.late.load(Ordering::Relaxed) {
            return Poll::Ready(None);
        }
        let next = this.body.poll_next_unpin(cx);
        if next.is_ready() && this.timer.is_none() {
            return next;
        }
        let limit = this.limit;
        let timer = this.timer.get_or_insert_with(|| Box::pin(tokio::time::sleep(limit)));
        // Also where there is something: a body that always has a little more would never be late.
        match (timer.as_mut().poll(cx), next) {
            (_, Poll::Ready(None)) => Poll::Ready(None),
            (Poll::Pending, next) => next,
            (Poll::Ready(()), _) => {
                this.late.store(true, Ordering::Release);
                Poll::Ready(Some(Err(axum::Error::new(Late))))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt as _;
    use futures::stream::{self, BoxStream};

    use super::*;

    fn timed(body: BoxStream<'static, Result<Bytes, Late>>, limit: Duration) -> Timed {
        let body = Body::from_stream(body).into_data_stream();
        Timed { body, limit, timer: None, late: Arc::default() }
    }

    fn runtime() -> tokio::runtime::Runtime {
        tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime")
    }

    #[test]
    fn a_body_that_is_there_arms_no_timer() {
        // Without a runtime: a timer would panic.
        let pieces = ["a", "b"].map(|piece| Ok(Bytes::from_static(piece.as_bytes())));
        let mut body = timed(stream::iter(pieces).boxed(), Duration::ZERO);
        for piece in ["a", "b"] {
            let came = body.next().now_or_never().expect("it is there").expect("it is not over");
            assert_eq!(came.expect("whole"), piece.as_bytes());
        }
        assert!(body.next().now_or_never().expect("it is over").is_none());
    }

    #[test]
    fn a_body_that_always_has_a_little_more_is_cut_in_time() {
        runtime().block_on(async {
            let limit = Duration::from_millis(200);
            let drops = stream::unfold((), |()| async {
                tokio::time::sleep(Duration::from_millis(20)).await;
                Some((Ok(Bytes::from_static(b" ")), ()))
            });
            let mut body = timed(drops.boxed(), limit);
            let (began, mut came) = (std::time::Instant::now(), 0);
            while let Some(Ok(_)) = body.next().await {
                came += 1;
            }
            assert!(came > 0, "nothing went through");
            assert!(began.elapsed() >= limit, "cut after {:?}", began.elapsed());
            assert!(body.late.load(Ordering::Relaxed), "it ended by itself");
            assert!(body.next().await.is_none(), "it goes on after its end");
        });
    }

    #[test]
    fn a_body_that_comes_slowly_and_in_time_is_whole() {
        runtime().block_on(async {
            let pieces = stream::iter(["a", "b", "c"]).then(|piece| async move {
                tokio::time::sleep(Duration::from_millis(20)).await;
                Ok(Bytes::from_static(piece.as_bytes()))
            });
            let body = timed(pieces.boxed(), Duration::from_secs(60));
            let late = body.late.clone();
            let whole: Vec<_> = body.map(|piece| piece.expect("it is in time")).collect().await;
            assert_eq!(whole.concat(), b"abc");
            assert!(!late.load(Ordering::Relaxed));
        });
    }
}
