//! Whoever follows what becomes of a message sees each attempt at it.

use crate::outbox::{Answer, Due};

/// Sees attempts.
pub trait Watch: Send + Sync {
    /// One begins.
    fn begin(&self, due: &Due) -> Box<dyn Attempt>;
}

/// An attempt under way. Dropped without an end, it was broken off.
pub trait Attempt: Send {
    /// Headers that go with it.
    fn headers(&self) -> Vec<(&'static str, String)>;

    /// What came of it.
    fn end(self: Box<Self>, answer: &Answer);
}
