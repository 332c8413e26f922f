//! Takes connections, as many at once as there are places, until told to close; then waits for those that are open.

use std::sync::Arc;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;

/// A pause where the system has no more descriptors: taking the next at once would spin.
const EXHAUSTED: Duration = Duration::from_millis(200);

/// Gives each connection to `serve`, and whether it has a place: whoever finds none is for it to send away, since waiting would keep those out who come after.
pub(crate) async fn take<F>(
    listener: TcpListener,
    places: usize,
    mut closed: watch::Receiver<bool>,
    serve: impl Fn(TcpStream, bool) -> F,
) where
    F: Future<Output = ()> + Send + 'static,
{
    let places = Arc::new(Semaphore::new(places));
    let mut running = JoinSet::new();
    loop {
        let taken = tokio::select! {
            taken = listener.accept() => taken,
            // The sender is gone only when the server is.
            _ = closed.wait_for(|is| *is) => break,
            Some(_) = running.join_next() => continue,
        };
        let stream = match taken {
            Ok((stream, _)) => stream,
            Err(error) => {
                tracing::warn!(%error, "a connection could not be taken");
                tokio::time::sleep(EXHAUSTED).await;
                continue;
            }
        };
        // Answers are small: waiting to fill a packet would only delay them.
        let _ = stream.set_nodelay(true);
        let place = places.clone().try_acquire_owned().ok();
        let served = serve(stream, place.is_some());
        running.spawn(async move {
            served.await;
            drop(place);
        });
    }
    drop(listener);
    while running.join_next().await.is_some() {}
}
