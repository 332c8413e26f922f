//! Takes connections and serves them, each within limits: a request's head must come in time, and only so many are open at once.
//!
//! What a body may take is the gateway's to say; this is about those who never get as far as a body.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};

use super::tls::Tls;

/// Connections at once; others wait to be taken.
const CONNECTIONS: usize = 8_192;
/// A pause where the system has no more descriptors: taking the next at once would spin.
const EXHAUSTED: Duration = Duration::from_millis(200);

/// Serves until told to close, then answers what was asked before. Told to ease off it takes no more connections, which wait in the socket, and goes on with those it has.
///
/// `head` is the time in which the head of a request must come, counted from the end of the former; so it also ends connections that are
/// kept without asking anything.
pub async fn serve(
    listener: TcpListener,
    tls: Option<Tls>,
    router: Router,
    head: Duration,
    mut eased: watch::Receiver<bool>,
    mut closed: watch::Receiver<bool>,
) {
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(head);
    let places = Arc::new(Semaphore::new(CONNECTIONS));
    let graceful = GracefulShutdown::new();
    loop {
        let taken = tokio::select! {
            taken = take(&listener, &places) => taken,
            // The senders are gone only when the server is.
            _ = eased.wait_for(|is| *is) => break,
            _ = closed.wait_for(|is| *is) => break,
        };
        let Some((stream, place)) = taken else { continue };
        let service = TowerToHyperService::new(router.clone());
        let watcher = graceful.watcher();
        let (http, tls) = (http.clone(), tls.clone());
        tokio::spawn(async move {
            let served = match tls {
                None => watcher.watch(http.serve_connection(TokioIo::new(stream), service)).await,
                // Whoever does not get through a handshake in the time of a head is no client.
                Some(tls) => match tokio::time::timeout(head, tls.accept(stream)).await {
                    Ok(Ok(stream)) => watcher.watch(http.serve_connection(TokioIo::new(stream), service)).await,
                    _ => Ok(()),
                },
            };
            // A connection that breaks off, or doesn't speak HTTP, ends itself only.
            if let Err(error) = served {
                tracing::debug!(%error, "a connection ended");
            }
            drop(place);
        });
    }
    let _ = closed.wait_for(|is| *is).await;
    drop(listener);
    graceful.shutdown().await;
}

/// A connection and its place among those that are open.
async fn take(listener: &TcpListener, places: &Arc<Semaphore>) -> Option<(TcpStream, tokio::sync::OwnedSemaphorePermit)> {
    let place = places.clone().acquire_owned().await.ok()?;
    match listener.accept().await {
        Ok((stream, _)) => {
            // Answers are small: waiting to fill a packet would only delay them.
            let _ = stream.set_nodelay(true);
            Some((stream, place))
        }
        Err(error) => {
            tracing::warn!(%error, "a connection could not be taken");
            tokio::time::sleep(EXHAUSTED).await;
            None
        }
    }
}
