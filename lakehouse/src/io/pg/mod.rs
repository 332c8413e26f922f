//! The listener for clients of PostgreSQL: psql, Grafana, DBeaver, SQLAlchemy and whatever else speaks its protocol.
//!
//! The same questions as over HTTP, with the same rights, limits and log. It only reads; a password is a token, or the account's password, and goes over TLS alone where anybody could read along.
//! The protocol is spoken here and not by a library: eleven messages come in, and none of them may hold memory before it is known who sends it.

mod answer;
mod asking;
mod cancel;
mod extended;
mod line;
mod session;
mod startup;

use std::sync::Arc;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use vitalog_elog::access::Access;

use crate::eyes::Study;
use crate::io::lake::Lake;
use crate::io::port::{Porter, Secure};
use crate::io::taking::take;
use crate::pg::fault::Fault;
use crate::pg::incoming::Key;
use crate::pg::outgoing::Outgoing;
use crate::sql::Limits;

use cancel::Connections;
use line::{End, Line};
use session::Session;
use startup::{Begun, Came};

/// Connections at once, of all, and of one account.
const CONNECTIONS: usize = 200;
const OF_ONE: usize = 50;
/// Bytes of answers that are held for connections at once, in units of [`UNIT`].
const HELD: usize = 1 << 30;

/// What a unit of room is.
pub(crate) const UNIT: usize = 64 << 10;

/// What the door needs.
pub struct PgDoor {
    pub lake: Lake,
    pub access: Arc<dyn Access>,
    /// How those ask who study everybody.
    pub study: Study,
    pub porter: Arc<dyn Porter>,
    pub limits: Limits,
    pub tls: Option<Arc<dyn Secure>>,
    /// In which the beginning must be over.
    pub begin: Duration,
    /// After which a connection ends that asks nothing.
    pub idle: Duration,
}

/// What all connections share.
struct Shared {
    door: PgDoor,
    connections: Arc<Connections>,
    room: Arc<Semaphore>,
    closed: watch::Receiver<bool>,
}

/// Takes connections until told to close, then ends those that there are once they have answered.
pub async fn serve(listener: TcpListener, door: PgDoor, closed: watch::Receiver<bool>) {
    let room = Arc::new(Semaphore::new(HELD / UNIT));
    let shared = Arc::new(Shared { door, connections: Arc::default(), room, closed: closed.clone() });
    take(listener, CONNECTIONS, closed, |stream, has_place| {
        let shared = shared.clone();
        async move {
            match has_place {
                true => connection(stream, &shared).await,
                false => too_many(stream).await,
            }
        }
    })
    .await;
}

async fn too_many(stream: TcpStream) {
    // Nobody has read what it asks for, and TLS would be work for each; whoever does not understand it is sent away all the same.
    let mut out = Outgoing::default();
    out.fault(&Fault::new("53300", "too many connections").hint("try again later").fatal());
    let mut line = Line::new(Box::new(stream));
    line.out = out;
    line.shut().await;
}

async fn connection(stream: TcpStream, shared: &Arc<Shared>) {
    let door = &shared.door;
    let beginning = startup::begin(stream, door.tls.as_deref(), &*door.porter);
    let begun = match tokio::time::timeout(door.begin, beginning).await {
        Ok(Ok(Came::In(begun))) => *begun,
        Ok(Ok(Came::ToStop(key, _wire))) => return shared.connections.stop(key),
        Ok(Ok(Came::Refused)) | Err(_) => return,
        Ok(Err(end)) => return tracing::debug!(?end, "a connection ended at its beginning"),
    };
    let Begun { mut line, guest, settings } = begun;
    let Some(place) = shared.connections.enter(guest.id(), OF_ONE, key) else {
        line.out.fault(&Fault::new("53300", "this account has too many connections").hint("close some").fatal());
        return line.shut().await;
    };
    let session = Session::new(shared.clone(), guest, settings, place);
    if let Err(End::Garbled(garbled)) = session.run(line).await {
        tracing::debug!(?garbled, "a connection ended");
    }
}

/// Random, so that nobody stops another's question by guessing.
fn key() -> Option<Key> {
    let mut bytes = [0; 8];
    getrandom::fill(&mut bytes).ok()?;
    let [a, b, c, d, rest @ ..] = bytes;
    Some(Key { process: i32::from_be_bytes([a & 0x7f, b, c, d]), secret: i32::from_be_bytes(rest) })
}
