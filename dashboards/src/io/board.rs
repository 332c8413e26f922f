//! What the doors share: the readers, the live stream, and the ports to the rest of the system.

use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use vitalog_elog::Time;
use vitalog_elog::access::Access;
use vitalog_elog::port::{Inlet, Past};
use vitalog_elog::profile::ProfileField;

use super::caller::Caller;
use super::live::Live;
use super::problem::Problem;
use crate::ask::{AsOf, Ask, Readers};
use crate::views::ViewsError;

/// Tells the time of the server. Only the shell has a clock.
pub type Clock = Arc<dyn Fn() -> Time + Send + Sync>;

/// What the shell joins the doors to.
pub struct Ports {
    pub readers: Readers,
    pub live: Arc<Live>,
    pub access: Arc<dyn Access>,
    pub inlet: Arc<dyn Inlet>,
    pub past: Arc<dyn Past>,
    pub clock: Clock,
    pub notice: Notice,
}

/// What the pages say at their foot.
#[derive(Clone, Debug, Default)]
pub struct Notice {
    /// Where the data comes from, and under which licence; empty: nothing is said.
    pub attribution: String,
}

/// The state of all doors.
pub struct Board {
    pub(super) live: Arc<Live>,
    pub(super) inlet: Arc<dyn Inlet>,
    pub(super) streams: Arc<Semaphore>,
    past: Arc<dyn Past>,
    access: Arc<dyn Access>,
    readers: Arc<Readers>,
    clock: Clock,
    notice: Notice,
    profile: RwLock<Arc<[ProfileField]>>,
    questions: Semaphore,
}

/// An answer with the position it was given at.
pub struct Answer<T> {
    pub value: T,
    position: u64,
}

/// Questions answered at a time; more wait.
const QUESTIONS: usize = 8;
/// How long a question waits for its turn, and for the position it asks for.
const PATIENCE: Duration = Duration::from_secs(2);
/// How long a question may take.
const SLOWEST: Duration = Duration::from_secs(10);
/// Live streams open at a time.
const STREAMS: usize = 1_000;

impl Board {
    pub fn new(ports: Ports) -> Arc<Board> {
        Arc::new(Board {
            live: ports.live,
            inlet: ports.inlet,
            past: ports.past,
            streams: Arc::new(Semaphore::new(STREAMS)),
            access: ports.access,
            readers: Arc::new(ports.readers),
            clock: ports.clock,
            notice: ports.notice,
            profile: RwLock::new(Arc::from([])),
            questions: Semaphore::new(QUESTIONS),
        })
    }

    /// The profile's fields, as the rules in force declare them.
    pub fn declare(&self, profile: &[ProfileField]) {
        *self.profile.write().unwrap_or_else(PoisonError::into_inner) = Arc::from(profile);
    }

    pub fn notice(&self) -> &Notice {
        &self.notice
    }

    pub(super) fn access(&self) -> Arc<dyn Access> {
        self.access.clone()
    }

    pub(super) fn now(&self) -> Time {
        (self.clock)()
    }

    pub(super) fn profile(&self) -> Arc<[ProfileField]> {
        self.profile.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(super) fn stream_permit(&self) -> Result<OwnedSemaphorePermit, Problem> {
        self.streams.clone().try_acquire_owned().map_err(|_| Problem::busy())
    }

    /// Asks the views, once they have come as far as the caller says.
    pub(super) async fn ask<T, F>(&self, caller: &Caller, question: F) -> Result<Answer<T>, Problem>
    where
        T: Send + 'static,
        F: FnOnce(&Ask<'_>) -> Result<T, ViewsError> + Send + 'static,
    {
        if let Some(position) = caller.at_least {
            self.wait_for("Vitalog-Position", position).await?;
        }
        self.ask_now(question).await
    }

    /// Asks the views as they are.
    pub(super) async fn ask_now<T, F>(&self, question: F) -> Result<Answer<T>, Problem>
    where
        T: Send + 'static,
        F: FnOnce(&Ask<'_>) -> Result<T, ViewsError> + Send + 'static,
    {
        let turn = tokio::time::timeout(PATIENCE, self.questions.acquire()).await;
        let Ok(Ok(_permit)) = turn else { return Err(Problem::busy()) };
        let readers = self.readers.clone();
        let (send_handle, handle) = tokio::sync::oneshot::channel();
        let task = tokio::task::spawn_blocking(move || {
            let reader = readers.take()?;
            // Nobody may listen any more: then the question runs to its own end.
            let _ = send_handle.send(reader.interrupt_handle());
            reader.ask(|ask| Ok(Answer { value: question(ask)?, position: ask.position.next }))
        });
        let stop = async {
            let handle = handle.await;
            tokio::time::sleep(SLOWEST).await;
            if let Ok(Some(handle)) = handle {
                handle.interrupt();
            }
            std::future::pending::<()>().await
        };
        let done = tokio::select! { done = task => done, () = stop => return Err(Problem::busy()) };
        match done {
            Ok(result) => Ok(result?),
            Err(_) => Err(Problem::new(
                StatusCode::INTERNAL_SERVER_ERROR,
                "internal",
                "the question failed",
                "look at the server's log",
            )),
        }
    }

    /// Waits until all that was accepted by then can be seen, so that the answer is the same whenever it is asked for.
    pub(super) async fn settle(&self, as_of: Option<AsOf>) -> Result<(), Problem> {
        let seen = *self.live.reached().borrow();
        let (position, asked) = match as_of {
            None => return Ok(()),
            Some(AsOf::Position(position)) if position <= seen => return Ok(()),
            Some(AsOf::Position(position)) => {
                let end = self.reach(Time::MIN).await?;
                (end.filter(|end| position <= *end).map(|_| position), position.to_string())
            }
            Some(AsOf::Instant(instant)) => (self.reach(instant).await?, instant.to_string()),
        };
        let detail = "the journal is not over it yet, so more may be accepted by then";
        let remedy = "give an earlier one, or leave as_of off to see what there is";
        let position = position.ok_or_else(|| Problem::of_field("not_over", "as_of", &asked, detail, remedy))?;
        self.wait_for("as_of", position).await
    }

    /// How far in the journal an instant reaches; `None`: it is not over.
    async fn reach(&self, instant: Time) -> Result<Option<u64>, Problem> {
        let (tell, told) = tokio::sync::oneshot::channel();
        let done = move |position| {
            // Whoever asked may be gone.
            let _ = tell.send(position);
        };
        self.past.reach(instant, Box::new(done));
        match tokio::time::timeout(PATIENCE, told).await {
            Ok(Ok(position)) => Ok(position),
            _ => Err(Problem::busy()),
        }
    }

    async fn wait_for(&self, name: &str, position: u64) -> Result<(), Problem> {
        let mut reached = self.live.reached();
        match tokio::time::timeout(PATIENCE, reached.wait_for(|r| *r >= position)).await {
            Ok(Ok(_)) => Ok(()),
            _ => Err(Problem::new(
                StatusCode::SERVICE_UNAVAILABLE,
                "not_yet_visible",
                "the views have not come as far as this position",
                "ask again in a moment, or leave it off to see what there is",
            )
            .about(name, &position.to_string())),
        }
    }
}

impl<T> Answer<Option<T>> {
    /// What was asked for, or that there is no such thing.
    pub fn found(self, code: &'static str, detail: &str) -> Result<Answer<T>, Problem> {
        match self.value {
            Some(value) => Ok(Answer { value, position: self.position }),
            None => Err(Problem::not_found(code, detail)),
        }
    }
}

impl<T: Serialize> IntoResponse for Answer<T> {
    fn into_response(self) -> Response {
        let mut response = Json(self.value).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
        headers.insert("vitalog-position", HeaderValue::from(self.position));
        response
    }
}

impl<T> Answer<Result<T, Problem>> {
    pub fn transpose(self) -> Result<Answer<T>, Problem> {
        Ok(Answer { value: self.value?, position: self.position })
    }
}
