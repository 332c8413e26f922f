//! Who asks, what for, and the answer: the port that every door asks before it opens.

use std::sync::Arc;

use crate::id::Subject;

/// Who is at the door.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Principal {
    /// An id, never a name.
    pub id: Arc<str>,
}

/// What they want to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wish<'a> {
    /// See readings and findings of a subject.
    Read(&'a Subject),
    /// Send, amend or remove readings of a subject.
    Write(&'a Subject),
    /// List the subjects.
    List,
    /// Run SQL.
    Query,
    /// Change rules.
    Rule,
    /// See dead letters, accounting, metrics.
    Operate,
}

/// The answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    Allow,
    Deny,
}

/// Decides. Kept by the gateway, asked by every door.
pub trait Access: Send + Sync {
    fn decide(&self, who: &Principal, wish: Wish<'_>) -> Decision;
}
