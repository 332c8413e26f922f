//! The listener for clients of Arrow Flight SQL: ADBC, JDBC, and whatever else speaks its protocol.
//!
//! The same questions as over HTTP, with the same rights, limits and log; answers flow in batches as they are taken. It only reads. A token comes with each call, or is shown once in a handshake; over TLS alone where
//! anybody could read along. Who calls is known before anything of what they say is read.

mod actions;
mod answer;
mod asking;
mod entry;
mod prepared;
mod running;
mod service;
mod sessions;
mod turns;

use std::sync::Arc;
use std::time::{Duration, Instant};

use arrow_flight::flight_service_server::FlightServiceServer;
use hyper::server::conn::http2;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use vitalog_elog::access::Access;
use vitalog_elog::{Span, Time};

use crate::error::LakeError;
use crate::eyes::Study;
use crate::flight::ticket::Seal;
use crate::io::lake::Lake;
use crate::io::port::{Porter, Secure, Wire};
use crate::io::taking::take;
use crate::sql::Limits;

use entry::Activity;
use prepared::AllPrepared;
use running::Running;
use service::Service;
use sessions::Sessions;
use turns::Flows;

/// Connections at once.
const CONNECTIONS: usize = 200;
/// Calls at once on one of them.
const CALLS: u32 = 64;
/// The longest message that comes in: a statement of the greatest length, and values of some size.
const LONGEST: usize = 4 << 20;
/// Bytes of the head of a call.
const HEAD: u32 = 16 << 10;
/// How often a connection is asked whether it is there still, and how long it may take to say so.
const PING: Duration = Duration::from_secs(30);
/// How often it is looked at whether a connection asks anything.
const LOOK: Duration = Duration::from_secs(1);

/// What the door needs.
pub struct FlightDoor {
    pub lake: Lake,
    pub access: Arc<dyn Access>,
    /// How those ask who study everybody.
    pub study: Study,
    pub porter: Arc<dyn Porter>,
    /// Of a statement; the rows are those of an answer that flows.
    pub limits: Limits,
    pub tls: Option<Arc<dyn Secure>>,
    /// In which somebody who is known must have called.
    pub begin: Duration,
    /// After which a connection ends, or a session or a prepared statement is forgotten, of which nothing is asked.
    pub idle: Duration,
    /// How long a ticket is good.
    pub ticket: Span,
    pub now: Arc<dyn Fn() -> Time + Send + Sync>,
}

/// What all connections share.
pub(crate) struct Shared {
    door: FlightDoor,
    seal: Seal,
    sessions: Sessions,
    prepared: AllPrepared,
    running: Running,
    flows: Flows,
    told: asking::Told,
}

/// Takes connections until told to close, then ends those that there are once they have answered.
///
/// # Errors
/// Where there is no chance to be had from the system.
pub async fn serve(listener: TcpListener, door: FlightDoor, closed: watch::Receiver<bool>) -> Result<(), LakeError> {
    let shared = Arc::new(Shared::of(door)?);
    take(listener, CONNECTIONS, closed.clone(), |stream, has_place| {
        let (shared, closed) = (shared.clone(), closed.clone());
        async move {
            if has_place {
                connection(stream, shared, closed).await;
            }
        }
    })
    .await;
    Ok(())
}

impl Shared {
    fn of(door: FlightDoor) -> Result<Shared, LakeError> {
        let mut key = [0; 32];
        getrandom::fill(&mut key).map_err(|e| LakeError::Storage {
            doing: "drawing the key of tickets".to_owned(),
            source: Box::new(std::io::Error::other(e.to_string())),
        })?;
        let told = asking::Told::of(door.limits.time)?;
        let (seal, idle) = (Seal::new(key, door.ticket), door.idle);
        Ok(Shared {
            seal,
            sessions: Sessions::new(idle),
            prepared: AllPrepared::new(idle),
            running: Running::default(),
            flows: Flows::default(),
            told,
            door,
        })
    }
}

async fn connection(stream: TcpStream, shared: Arc<Shared>, mut closed: watch::Receiver<bool>) {
    let begin = shared.door.begin;
    let wire: Box<dyn Wire> = match &shared.door.tls {
        None => Box::new(stream),
        // Whoever does not get through a handshake in the time of a beginning is no client.
        Some(tls) => match tokio::time::timeout(begin, tls.secure(stream)).await {
            Ok(Ok(wire)) => wire,
            _ => return,
        },
    };
    let activity = Arc::new(Activity::new());
    let service = FlightServiceServer::new(Service { shared: shared.clone() }).max_decoding_message_size(LONGEST);
    let asked = activity.clone();
    let porter = shared.clone();
    let service = service_fn(move |request| {
        let (shared, service, asked) = (porter.clone(), service.clone(), asked.clone());
        async move { entry::answer(&shared, service, &asked, request).await }
    });
    let mut http = http2::Builder::new(TokioExecutor::new());
    http.timer(TokioTimer::new())
        .max_concurrent_streams(CALLS)
        .max_header_list_size(HEAD)
        .keep_alive_interval(Some(PING))
        .keep_alive_timeout(PING);
    let connection = http.serve_connection(TokioIo::new(wire), service);
    tokio::pin!(connection);
    let mut is_closing = false;
    loop {
        tokio::select! {
            served = &mut connection => {
                // A connection that breaks off, or doesn't speak HTTP, ends itself only.
                if let Err(error) = served {
                    tracing::debug!(%error, "a connection ended");
                }
                return;
            }
            _ = closed.wait_for(|is| *is), if !is_closing => {
                is_closing = true;
                connection.as_mut().graceful_shutdown();
            }
            () = tokio::time::sleep(LOOK) => {
                // Nobody known has called in time, or nothing for long: nothing of worth is lost.
                if activity.is_over(Instant::now(), begin, shared.door.idle) {
                    return;
                }
            }
        }
    }
}
