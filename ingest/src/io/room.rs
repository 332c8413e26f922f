//! Room for bodies in memory: all that come at one time share it, and what finds none is asked to come again.
//!
//! Room is taken as bytes come, not as they are announced, so that a body which never comes takes none.

use std::sync::Arc;

use axum::http::{HeaderValue, StatusCode, header};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, SemaphorePermit};

use super::problem::Problem;

/// A permit stands for so many bytes.
const PIECE: usize = 1024;
/// How many bodies are unpacked at one time: what they grow to is known only when they have grown.
const UNPACKED_AT_ONCE: usize = 4;

/// The room that there is.
pub(super) struct Room {
    pieces: Arc<Semaphore>,
    unpacking: Semaphore,
}

/// The room that one body takes; given back when dropped.
pub(super) struct Held {
    pieces: Arc<Semaphore>,
    permit: Option<OwnedSemaphorePermit>,
}

impl Room {
    pub fn new(bytes: usize) -> Room {
        let pieces = Arc::new(Semaphore::new((bytes / PIECE).min(Semaphore::MAX_PERMITS)));
        Room { pieces, unpacking: Semaphore::new(UNPACKED_AT_ONCE) }
    }

    pub fn hold(&self) -> Held {
        Held { pieces: self.pieces.clone(), permit: None }
    }

    /// A turn to unpack. `None` is never told: the semaphore is not closed.
    pub async fn turn_to_unpack(&self) -> Option<SemaphorePermit<'_>> {
        self.unpacking.acquire().await.ok()
    }
}

impl Held {
    /// Takes room for `bytes` in all: for what is more than was taken before. Where there is none, nothing more is taken.
    pub fn grow_to(&mut self, bytes: usize) -> Result<(), Problem> {
        let held = self.permit.as_ref().map_or(0, OwnedSemaphorePermit::num_permits);
        let more = bytes.div_ceil(PIECE).saturating_sub(held);
        if more == 0 {
            return Ok(());
        }
        let more = u32::try_from(more).unwrap_or(u32::MAX);
        let permit = self.pieces.clone().try_acquire_many_owned(more).map_err(|_| full())?;
        match &mut self.permit {
            Some(held) => held.merge(permit),
            none => *none = Some(permit),
        }
        Ok(())
    }
}

fn full() -> Problem {
    let remedy = "send it again a little later; nothing of it was kept";
    Problem::new(StatusCode::SERVICE_UNAVAILABLE, "overloaded", "too much is being sent at once", remedy)
        .with(header::RETRY_AFTER, HeaderValue::from_static("1"))
}
