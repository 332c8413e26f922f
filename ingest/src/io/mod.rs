//! The HTTP gateway: readings, amendments, profiles and sessions in; receipts and problems out.
//!
//! The only part of this crate that waits. It knows the run loop by the port [`Inlet`] alone: what it accepts it submits, and it answers when
//! that is on stable storage. It reads no clock of its own either; the shell brings one.

mod again;
mod amend;
mod body;
mod doorman;
mod emergencies;
mod in_time;
mod letters;
mod logging;
mod me;
mod moving;
pub mod once;
mod origin;
mod pace;
mod porter;
mod prepare;
pub mod problem;
mod profile;
mod provider;
mod quota;
mod readings;
mod receipt;
mod room;
mod said;
mod session;
mod settle;
mod submit;

use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use vitalog_elog::access::Access;
use vitalog_elog::input::DeadLetter;
use vitalog_elog::metering::{Day, Holder};
use vitalog_elog::port::Inlet;
use vitalog_elog::{Answered, Content, ReadingId, StreamIx, Subject, Time, When};

use crate::live::Live;

pub use doorman::{Credentials, Doorman, authenticate, own};
pub use emergencies::{Glass, emergencies};
pub use in_time::BODY_TIME;
pub use logging::{AccessLog, LogKeeper};
pub use pace::Pace;
pub use porter::{Call, Guest, NotTaken, Porter};
pub use problem::{PROBLEM_JSON, Problem, with_problems};
pub use provider::{Patience, Provider};
pub use quota::{Ledger, Level, Refused};
pub use receipt::{Receipt, Receipts, Status};
pub use said::ProblemBody;
pub use session::COOKIE;

/// The clock of the shell.
pub type Clock = Arc<dyn Fn() -> Time + Send + Sync>;

/// The header that tells a write's position, and asks a read to wait for it.
pub const POSITION: &str = "vitalog-position";

/// What the gateway needs.
pub struct Gateway {
    inlet: Arc<dyn Inlet>,
    access: Arc<dyn Access>,
    current: Arc<dyn Current>,
    live: Live,
    clock: Clock,
    limits: BodyLimits,
    room: room::Room,
    /// The greatest position that was told to anyone.
    told: AtomicU64,
    doubts: submit::Doubts,
    amending: amend::Stripes,
    /// Whoever hands something in is one of many here; whoever must have nothing change meanwhile is alone.
    writing: tokio::sync::RwLock<()>,
    /// One replay of dead letters at a time, so that a letter becomes one reading.
    replaying: tokio::sync::Mutex<()>,
    once: Arc<once::Desk>,
    ledger: Arc<Ledger>,
    /// One at a time finds out what was spent of a quota.
    learning: tokio::sync::Mutex<()>,
}

/// How much may come in a body. How long it may take is the [`Doorman`]'s to say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BodyLimits {
    /// Of a body as it comes, in bytes.
    pub wire_bytes: usize,
    /// Of a body after unpacking, in bytes.
    pub unpacked_bytes: usize,
    /// Of all bodies that are held at one time, in bytes.
    pub held_bytes: usize,
    /// The most readings in one body.
    pub readings: usize,
}

impl Default for BodyLimits {
    /// 16 MiB as it comes, 64 MiB unpacked, 512 MiB of all together, 100,000 readings.
    fn default() -> BodyLimits {
        BodyLimits { wire_bytes: 16 << 20, unpacked_bytes: 64 << 20, held_bytes: 512 << 20, readings: 100_000 }
    }
}

/// The port that tells which revision of a reading is current, what became of dead letters, and what was answered to requests that bear a key. The views know.
pub trait Current: Send + Sync {
    /// The current revision of the reading, once everything before the offset `after` is seen. May block for as long as that takes; called from
    /// a thread that may.
    ///
    /// # Errors
    /// [`Behind`] where that was not so in time.
    fn current(&self, subject: &Subject, id: ReadingId, after: u64) -> Result<Option<CurrentRevision>, Behind>;

    /// The current readings of a subject that are wanted, likewise.
    ///
    /// # Errors
    /// [`Behind`].
    fn held(&self, wanted: &WantedReadings, after: u64) -> Result<Vec<HeldReading>, Behind>;

    /// The greatest revision of each of these readings, removals included; 0 where there is none. Stream and instant are where one lies that was never amended. Likewise.
    ///
    /// # Errors
    /// [`Behind`].
    fn revisions(&self, subject: &Subject, readings: &[(ReadingId, StreamIx, When)], after: u64) -> Result<Vec<u32>, Behind>;

    /// Whether anything of a subject was ever kept, or a reading of somebody else was seen on its timeline, likewise.
    ///
    /// # Errors
    /// [`Behind`].
    fn knows(&self, subject: &Subject, after: u64) -> Result<bool, Behind>;

    /// The dead letter at an offset, likewise.
    ///
    /// # Errors
    /// [`Behind`].
    fn letter(&self, offset: u64, after: u64) -> Result<Option<KeptLetter>, Behind>;

    /// Those of the wanted dead letters that have become no reading yet, in their order, likewise.
    ///
    /// # Errors
    /// [`Behind`].
    fn open_letters(&self, wanted: &WantedLetters, after: u64) -> Result<Vec<KeptLetter>, Behind>;

    /// What was answered last under the digest of a caller and a key, likewise.
    ///
    /// # Errors
    /// [`Behind`].
    fn answered(&self, key: u128, after: u64) -> Result<Option<Answered>, Behind>;

    /// How many new readings were sent on a day, today or yesterday, that count for a quota, likewise.
    ///
    /// # Errors
    /// [`Behind`].
    fn spent(&self, day: Day, holder: &Holder, after: u64) -> Result<u64, Behind>;

    /// The offset before which everything is seen.
    fn reached(&self) -> u64;
}

/// A current reading.
#[derive(Clone, Debug, PartialEq)]
pub struct HeldReading {
    pub id: ReadingId,
    pub given: Option<Arc<str>>,
    pub rev: u32,
    pub content: Content,
}

/// Which readings of a subject are wanted; what is not said is wanted whatever it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WantedReadings {
    pub subject: Subject,
    /// By name and id.
    pub ids: Option<Vec<(String, ReadingId)>>,
    pub stream: Option<StreamIx>,
    pub source: Option<String>,
    /// Those that lie at or after, an interval by its end.
    pub from: Option<Time>,
    /// Those that lie before.
    pub until: Option<Time>,
    /// At most so many.
    pub limit: usize,
}

/// A dead letter, and what is known of it.
#[derive(Clone, Debug, PartialEq)]
pub struct KeptLetter {
    pub offset: u64,
    pub letter: DeadLetter,
    /// The offset of the reading that it became.
    pub reading: Option<u64>,
}

/// Which dead letters are wanted; what is not said is wanted whatever it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WantedLetters {
    pub code: Option<String>,
    pub field: Option<String>,
    pub sender: Option<String>,
    pub subject: Option<Subject>,
    /// Of their arrival; included.
    pub from: Option<Time>,
    /// Excluded.
    pub to: Option<Time>,
    /// Those behind this offset.
    pub after: Option<u64>,
    /// At most so many.
    pub limit: usize,
}

/// A reading's current revision.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CurrentRevision {
    pub rev: u32,
    /// It says that the reading is removed.
    pub removed: bool,
}

/// The view has not yet seen what was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Behind;

impl Gateway {
    pub fn new(
        inlet: Arc<dyn Inlet>,
        access: Arc<dyn Access>,
        current: Arc<dyn Current>,
        live: Live,
        clock: Clock,
        limits: BodyLimits,
    ) -> Gateway {
        let room = room::Room::new(limits.held_bytes);
        let once = once::Desk::new(inlet.clone(), current.clone(), clock.clone());
        Gateway {
            inlet,
            access,
            current,
            live,
            clock,
            limits,
            room,
            told: AtomicU64::new(0),
            doubts: submit::Doubts::default(),
            amending: amend::Stripes::default(),
            writing: tokio::sync::RwLock::default(),
            replaying: tokio::sync::Mutex::default(),
            once,
            ledger: Arc::default(),
            learning: tokio::sync::Mutex::default(),
        }
    }

    /// Where requests with a key have their turn: one desk for all doors, since a key stands for one request at any of them.
    pub fn once(&self) -> Arc<once::Desk> {
        self.once.clone()
    }
}

/// The doors of the gateway, with their description. Their handlers take who asks from the extension that [`authenticate`] puts there. Fallbacks
/// are not set, so that the router can be merged with others; [`with_problems`] sets them over all.
pub fn api() -> OpenApiRouter<Arc<Gateway>> {
    OpenApiRouter::default()
        .routes(routes!(readings::post))
        .routes(routes!(amend::put, amend::delete))
        .routes(routes!(profile::put))
        .routes(routes!(moving::post))
        .routes(routes!(letters::replay_many))
        .routes(routes!(letters::replay_one))
}
