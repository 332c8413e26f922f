//! Questions to the engine: answered by the thread that owns the subject's partition, between two groups, so that an answer is about one state.

use std::sync::mpsc::{SyncSender, TrySendError};
use std::sync::{Arc, Weak};

use vitalog_cep::Unknown;
use vitalog_cep::why::Why;
use vitalog_elog::{Subject, Time};

use super::journaling::Group;
use super::own::Own;

/// What the engine's thread is given.
pub enum ForEngine {
    Group(Group),
    Why(Question),
}

/// Why a rule found something, or why not.
pub struct Question {
    pub rule: String,
    pub subject: Subject,
    /// As far as the clock has come, if it is not given.
    pub at: Option<Time>,
    /// Called on a worker's thread: it must not wait.
    pub answer: Box<dyn FnOnce(Result<Why, Unknown>) + Send>,
}

impl Question {
    pub fn put_to(self, own: &Own) {
        let engine = &own.engine;
        let layers = own.read(&engine.layers_of(&self.subject)).map_err(|error| {
            tracing::error!(%error, "a question about what lies beyond the horizon has no answer");
            Unknown::Layers
        });
        let at = self.at.unwrap_or(engine.clock());
        (self.answer)(layers.and_then(|layers| engine.why_with(&self.rule, &self.subject, at, &layers)));
    }
}

/// Where questions are put.
#[derive(Clone)]
pub struct Asker {
    engine: Weak<SyncSender<ForEngine>>,
}

/// Why a question could not be put.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotAsked {
    /// So much waits for the engine that a question would only wait behind it.
    Busy,
    Closing,
}

impl Asker {
    /// Where what goes by a sender is asked, and the sender: the engine's thread ends when whoever gives it groups does.
    pub fn of(engine: SyncSender<ForEngine>) -> (Asker, Arc<SyncSender<ForEngine>>) {
        let engine = Arc::new(engine);
        (Asker { engine: Arc::downgrade(&engine) }, engine)
    }

    /// Puts a question behind what waits for the engine. Does not block.
    ///
    /// # Errors
    /// Where too much waits, or the engine's thread is at its end.
    pub fn ask(&self, question: Question) -> Result<(), NotAsked> {
        let engine = self.engine.upgrade().ok_or(NotAsked::Closing)?;
        engine.try_send(ForEngine::Why(question)).map_err(|e| match e {
            TrySendError::Full(_) => NotAsked::Busy,
            TrySendError::Disconnected(_) => NotAsked::Closing,
        })
    }
}
