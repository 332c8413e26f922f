//! The HTTP server: the doors of all edges behind one doorman.

mod accounting_api;
mod accounts_said;
mod backup_api;
mod current;
mod door;
mod erasures_api;
mod flight;
mod glass;
mod health;
mod interrupt;
mod meter;
mod metering_api;
mod metrics_api;
pub mod openapi;
mod openapi_keys;
mod pg;
mod problem;
mod quota_figures;
mod receipt_api;
mod rules_api;
mod serving;
pub mod supervisor;
mod tls;
mod why_api;

use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::middleware::{Next, from_fn, from_fn_with_state};
use axum::response::Response;
use tokio::net::TcpListener;
use tokio::sync::{Notify, watch};
use tokio::task::JoinHandle;
use vitalog_dashboards::ask::Readers;
use vitalog_dashboards::io::{Board, Notice, Ports};
use vitalog_elog::Span;
use vitalog_elog::access::Access;
use vitalog_ingest::access::log::Writer as AccessWriter;
use vitalog_ingest::access::{Accounts, Lives, Open, Sessions, secret};
use vitalog_ingest::admit::Limits;
use vitalog_ingest::io::{
    AccessLog, BODY_TIME, BodyLimits, Clock, Credentials, Doorman, Gateway, LogKeeper, Pace, Porter, Provider, authenticate,
    with_problems,
};
use vitalog_ingest::live::Live as Declarations;
use vitalog_lakehouse::Limits as SqlLimits;
use vitalog_lakehouse::io::flight::FlightDoor;
use vitalog_lakehouse::io::pg::PgDoor;
use vitalog_lakehouse::io::port::Secure;
use vitalog_lakehouse::io::{ExportLimits, SqlDoor};

use vitalog_lakehouse::{Lake, Pseudonyms, Study};

use crate::accounting::Auditor;
use crate::backup::Running;
use crate::failure::Failure;
use crate::metrics::{Asked, measured};
use crate::run::Node;
use crate::traces::traced;
use accounting_api::AccountingState;
use backup_api::BackupState;
pub use backup_api::Places;
use current::ViewsTell;
use erasures_api::ErasuresState;
use health::Health;
pub use interrupt::Interrupt;
use meter::MeterKeeper;
use metering_api::MeteringState;
use metrics_api::MetricsState;
use receipt_api::ReceiptState;
use rules_api::RulesState;
pub use tls::Certificate;
use why_api::WhyState;

/// Who is let in.
pub enum Admittance {
    /// Whoever reaches a loopback address.
    Open,
    /// Whoever has an account or a token, and perhaps signs in by a provider; and who asked for what is written down.
    Accounts(Arc<Accounts>, AccessWriter, Option<Box<Provider>>),
}

/// How a server behaves towards those it lets in.
pub struct Manners {
    /// What the pages say about where their readings come from; may be empty.
    pub attribution: String,
    /// The time in which the head of a request must come.
    pub head_time: Duration,
    /// The time in which its body must come.
    pub body_time: Duration,
    /// How long what a client of Arrow Flight SQL has asked for waits to be taken.
    pub ticket: Span,
    /// How many subjects an answer to whoever studies everybody rests on at least.
    pub study_floor: NonZeroU32,
    /// How long sessions last.
    pub lives: Lives,
    /// Those of a former round, where there was one: an erasure signs nobody out.
    pub sessions: Option<Arc<Sessions>>,
    /// Speaks TLS, with this certificate.
    pub tls: Option<Certificate>,
    /// It is reached over TLS, by itself or by what is in front of it.
    pub is_secure: bool,
    /// Where its backups go.
    pub backups: Places,
    /// Told when a subject was opened in an emergency: whoever listens hands the notice over. `None`: nobody does.
    pub opened: Option<Arc<Notify>>,
    /// Told when an erasure waits: whoever listens ends the server and the node, erases, and starts them again. `None`: nobody does.
    pub erasing: Option<Arc<Notify>>,
}

impl Default for Manners {
    fn default() -> Manners {
        let head_time = Duration::from_secs(20);
        Manners {
            attribution: String::new(),
            head_time,
            body_time: BODY_TIME,
            ticket: Span::minutes(5),
            study_floor: vitalog_lakehouse::FLOOR,
            lives: Lives::default(),
            sessions: None,
            tls: None,
            is_secure: false,
            backups: Places::default(),
            opened: None,
            erasing: None,
        }
    }
}

/// What a server listens on.
pub struct Listeners {
    pub http: TcpListener,
    pub pg: Option<TcpListener>,
    pub flight: Option<TcpListener>,
}

impl From<TcpListener> for Listeners {
    fn from(http: TcpListener) -> Listeners {
        Listeners { http, pg: None, flight: None }
    }
}

/// How long whoever was asked before may take to be answered, when a server ends.
pub const PATIENCE: Duration = Duration::from_secs(10);

/// In which whoever has a connection says what was on its way.
const EASE: Duration = Duration::from_millis(300);

/// A listening server.
pub struct Server {
    easing: watch::Sender<bool>,
    closing: watch::Sender<bool>,
    live: Arc<vitalog_dashboards::io::Live>,
    is_draining: Arc<AtomicBool>,
    tasks: Vec<JoinHandle<()>>,
    /// Ends once the last door has gone.
    log: Option<LogKeeper>,
    meter: Option<MeterKeeper>,
}

/// Opens the doors of a node.
///
/// # Errors
/// Where the views can't be read.
pub fn start(node: &Node, listeners: impl Into<Listeners>, admittance: Admittance, manners: &Manners) -> Result<Server, Failure> {
    let listeners = listeners.into();
    let is_draining = Arc::new(AtomicBool::new(false));
    let clock = node.now.clone();
    let (credentials, access, more, log, keeper, provider) = match admittance {
        Admittance::Open => (Credentials::Open, Arc::new(Open) as Arc<dyn Access>, Router::new(), None, None, None),
        Admittance::Accounts(accounts, writer, provider) => {
            let (log, keeper) = AccessLog::start(writer, clock.clone())?;
            let more = glass::router(node, &accounts, manners);
            (Credentials::Accounts(accounts.clone()), accounts as Arc<dyn Access>, more, Some(log), Some(keeper), provider)
        }
    };
    let accounts = if let Credentials::Accounts(accounts) = &credentials { Some(accounts.clone()) } else { None };
    let pace = Pace::default();
    let porter =
        |way| Arc::new(Porter::new(credentials.clone(), log.clone(), clock.clone(), manners.lives, way).with_pace(pace.clone()));
    let (pg_porter, flight_porter) = (porter(pg::WAY), porter(flight::WAY));
    let doorman = doorman(credentials, &clock, manners).with_pace(pace);
    let doorman = if let Some(log) = log { doorman.with_log(log) } else { doorman };
    let doorman = if let Some(provider) = provider { doorman.with_provider(*provider) } else { doorman };
    let study = study(node, manners)?;
    let router = doors(node, &access, &study, manners, &is_draining, accounts.as_ref())?.merge(more);
    let ((easing, eased), (closing, closed)) = (watch::channel(false), watch::channel(false));
    let router = layered(router, node, doorman, manners.is_secure, &eased);
    let tls = |protocol| manners.tls.clone().map(|certificate| tls::watched(certificate, protocol)).transpose();
    let mut tasks = Vec::new();
    if let Some(pg) = listeners.pg {
        let door = PgDoor {
            lake: Lake::clone(&node.lake),
            access: access.clone(),
            study: study.clone(),
            porter: Arc::new(door::Door(pg_porter)),
            limits: SqlLimits::default(),
            tls: tls("postgresql")?.map(|tls| Arc::new(tls) as Arc<dyn Secure>),
            begin: manners.head_time,
            idle: door::IDLE,
        };
        tasks.push(tokio::spawn(vitalog_lakehouse::io::pg::serve(pg, door, closed.clone())));
    }
    if let Some(flight) = listeners.flight {
        let door = FlightDoor {
            lake: Lake::clone(&node.lake),
            access,
            study,
            porter: Arc::new(door::Door(flight_porter)),
            limits: flight::LIMITS,
            tls: tls("h2")?.map(|tls| Arc::new(tls) as Arc<dyn Secure>),
            begin: manners.head_time,
            idle: door::IDLE,
            ticket: manners.ticket,
            now: node.now.clone(),
        };
        let served = vitalog_lakehouse::io::flight::serve(flight, door, closed.clone());
        tasks.push(tokio::spawn(async move {
            if let Err(error) = served.await {
                tracing::error!(%error, "clients of Arrow Flight SQL are not taken");
            }
        }));
    }
    tasks.push(tokio::spawn(serving::serve(listeners.http, tls("http/1.1")?, router, manners.head_time, eased, closed)));
    Ok(Server {
        easing,
        closing,
        live: node.live.clone(),
        is_draining,
        tasks,
        log: keeper,
        meter: accounts.map(MeterKeeper::start),
    })
}

/// What every answer passes through.
fn layered(router: Router, node: &Node, doorman: Doorman, is_secure: bool, eased: &watch::Receiver<bool>) -> Router {
    let router = with_problems(authenticate(router, Arc::new(doorman))).layer(from_fn(harden));
    let router = if is_secure { router.layer(from_fn(only_over_tls)) } else { router };
    let router = router.layer(from_fn_with_state(node.traces.clone(), traced));
    let router = router.layer(from_fn_with_state(node.metrics.clone(), measured));
    router.layer(from_fn_with_state(eased.clone(), not_kept))
}

/// Who stands at the door of HTTP, which some paths pass by.
fn doorman(credentials: Credentials, clock: &Clock, manners: &Manners) -> Doorman {
    Doorman::new(credentials, clock.clone(), manners.is_secure, Some("/login".to_owned()))
        .with_sessions(manners.sessions.clone().unwrap_or_else(|| Arc::new(Sessions::lasting(manners.lives))))
        .with_body_time(manners.body_time)
        .with_public("/assets/")
        .with_public("/livez")
        .with_public("/readyz")
        .with_public("/openapi.json")
}

fn sql(node: &Node, access: &Arc<dyn Access>, study: &Study) -> SqlDoor {
    SqlDoor {
        lake: Lake::clone(&node.lake),
        access: access.clone(),
        study: study.clone(),
        limits: SqlLimits::default(),
        exports: ExportLimits::default(),
    }
}

/// How those ask who study everybody: the key of their pseudonyms is kept beside the others.
fn study(node: &Node, manners: &Manners) -> Result<Study, Failure> {
    let key = secret::kept_or_drawn(&node.data().join("pseudonym.key")).map_err(|e| Failure::new(e.to_string()))?;
    Ok(Study { pseudonyms: Arc::new(Pseudonyms::new(*key)), floor: manners.study_floor, among: None })
}

impl Server {
    /// From now on it says that it is not ready, and takes requests all the same.
    pub fn drain(&self) {
        self.is_draining.store(true, Ordering::Release);
    }

    /// Takes no more connections over HTTP, and keeps none beyond the next answer on it; waits until those that were kept have had their time. Whoever was about to ask on one is answered, and
    /// whoever comes waits in the socket: closed at once, a connection on which a request is on its way would break it off.
    pub async fn ease_off(&self) {
        self.easing.send_replace(true);
        tokio::time::sleep(EASE).await;
    }

    /// Takes no more requests, ends the live streams, and answers what was asked before, as far as that goes in the time it has. Gives back the access log where that could not be ended yet: some door is open still.
    pub async fn stop(self, patience: Duration) -> Option<LogKeeper> {
        self.drain();
        self.closing.send_replace(true);
        self.live.close();
        // Connections that a client keeps without asking anything would hold the end up.
        let ended = tokio::time::timeout(patience, futures::future::join_all(self.tasks)).await;
        if let Some(meter) = self.meter {
            meter.stop().await;
        }
        match (ended, self.log) {
            (Ok(_), Some(log)) => {
                let _ = tokio::task::spawn_blocking(move || log.join()).await;
                None
            }
            (_, log) => log,
        }
    }
}

fn doors(
    node: &Node,
    access: &Arc<dyn Access>,
    study: &Study,
    manners: &Manners,
    is_draining: &Arc<AtomicBool>,
    accounts: Option<&Arc<Accounts>>,
) -> Result<Router, Failure> {
    let readers = || open_readers(&node.views);
    let declarations = Declarations::new(Arc::default(), Arc::from([]), Limits::default());
    let told = declarations.clone();
    node.on_library(move |library| told.set(library.schema.clone(), library.profile.clone().into()));
    let current = Arc::new(ViewsTell::new(readers()?, node.live.clone()));
    let views = current.clone();
    let gateway = Gateway::new(node.door.clone(), access.clone(), current, declarations, node.now.clone(), BodyLimits::default());
    quota_figures::tell(&node.metrics, accounts.cloned(), Arc::downgrade(&views), gateway.ledger(), node.now.clone());
    let board = Board::new(Ports {
        readers: readers()?,
        live: node.live.clone(),
        access: access.clone(),
        inlet: node.door.clone(),
        past: node.door.clone(),
        clock: node.now.clone(),
        notice: Notice { attribution: manners.attribution.clone() },
    });
    let declared = board.clone();
    node.on_library(move |library| declared.declare(&library.profile));
    let rules = RulesState {
        desk: node.rules.clone(),
        inlet: node.door.clone(),
        access: access.clone(),
        readers: Arc::new(readers()?),
        once: gateway.once(),
    };
    let asking = WhyState { asker: node.asker.clone(), access: access.clone() };
    let sql = sql(node, access, study);
    let auditor = Arc::new(Auditor::of(node)?);
    let receipts = ReceiptState::new(auditor.clone(), access.clone());
    let accounting = AccountingState { auditor, access: access.clone(), turn: Arc::default() };
    let (live, metrics, room) = (node.live.clone(), node.metrics.clone(), node.room.clone());
    let health = Health { live, metrics, room, is_draining: is_draining.clone() };
    told_ready(node, &health);
    let backup = backup(node, access, &manners.backups);
    let erasures = ErasuresState {
        data: node.data().to_owned(),
        door: node.door.sender(),
        erasing: manners.erasing.clone(),
        backups: backup.turn.clone(),
        access: access.clone(),
    };
    let metering = MeteringState { access: access.clone(), accounts: accounts.cloned(), views, now: node.now.clone() };
    let metrics = MetricsState { metrics: node.metrics.clone(), access: access.clone() };
    Ok(vitalog_ingest::io::api()
        .with_state(Arc::new(gateway))
        .merge(vitalog_dashboards::io::api().with_state(board.clone()))
        .merge(vitalog_lakehouse::io::api().with_state(sql))
        .merge(rules_api::api().with_state(rules))
        .merge(why_api::api().with_state(asking))
        .merge(metrics_api::api().with_state(metrics))
        .merge(metering_api::api().with_state(metering))
        .merge(accounting_api::api().with_state(accounting))
        .merge(receipt_api::api().with_state(receipts))
        .merge(backup_api::api().with_state(backup))
        .merge(erasures_api::api().with_state(erasures))
        .merge(health::api().with_state(health))
        .split_for_parts()
        .0
        .merge(openapi::router())
        .merge(vitalog_dashboards::io::pages(&board)))
}

fn told_ready(node: &Node, health: &Health) {
    // Metrics that hold themselves would hold views and outbox open when the server has ended.
    let (metrics, Health { live, room, is_draining, .. }) = (Arc::downgrade(&node.metrics), health.clone());
    let help = "1 while it takes readings, else 0";
    node.metrics.add(Asked::one("ready", help, None, move || {
        let (live, room, is_draining) = (live.clone(), room.clone(), is_draining.clone());
        let health = Health { live, metrics: metrics.upgrade()?, room, is_draining };
        Some(f64::from(u8::from(health.is_ready())))
    }));
}

fn backup(node: &Node, access: &Arc<dyn Access>, places: &Places) -> BackupState {
    let source = Running { data: node.data().to_owned(), door: node.door.sender() };
    BackupState { source, places: places.clone(), access: access.clone(), turn: Arc::default() }
}

fn open_readers(path: &Path) -> Result<Readers, Failure> {
    Readers::open(path).map_err(|e| Failure::new(format!("views: {e}")))
}

/// Says that the connection ends with this answer, where none is kept any more.
async fn not_kept(State(eased): State<watch::Receiver<bool>>, request: axum::extract::Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    if *eased.borrow() {
        response.headers_mut().insert(axum::http::header::CONNECTION, axum::http::HeaderValue::from_static("close"));
    }
    response
}

/// Headers that belong on every answer. Pages and the API set their own where they know better.
async fn harden(request: axum::extract::Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    for (name, value) in [
        ("x-content-type-options", "nosniff"),
        ("referrer-policy", "no-referrer"),
        ("x-frame-options", "DENY"),
        ("cache-control", "no-store"),
    ] {
        let name = axum::http::HeaderName::from_static(name);
        headers.entry(name).or_insert(axum::http::HeaderValue::from_static(value));
    }
    response
}

/// Tells browsers never to come in the clear again: RFC 6797, for two years.
async fn only_over_tls(request: axum::extract::Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let age = axum::http::HeaderValue::from_static("max-age=63072000");
    response.headers_mut().insert(axum::http::header::STRICT_TRANSPORT_SECURITY, age);
    response
}

/// Binds an address that was given by a flag, with a failure that says what to do.
///
/// # Errors
/// Where the address is taken or not this machine's.
pub async fn listen(address: SocketAddr, flag: &str) -> Result<TcpListener, Failure> {
    TcpListener::bind(address)
        .await
        .map_err(|e| Failure::new(format!("cannot listen on {address}: {e}")).hint(format!("choose another address with {flag}")))
}
