//! Policies as written.

use std::sync::Arc;

use super::{Duration, Name};
use crate::source::Loc;

/// `policy NAME { … }`.
#[derive(Clone, Debug)]
pub struct Policy {
    pub name: Name,
    pub steps: Vec<Notice>,
    pub repeat: Option<Repeat>,
    /// A line could not be read.
    pub broken: bool,
    pub doc: Option<Arc<str>>,
}

/// `[after D [unless acknowledged]] notify WHOM, … by CHANNEL, …`.
#[derive(Clone, Debug)]
pub struct Notice {
    pub after: Option<Duration>,
    pub unless_acknowledged: bool,
    pub recipients: Vec<Name>,
    pub channels: Vec<Name>,
    pub loc: Loc,
}

/// `repeat every D until resolved`.
#[derive(Clone, Debug)]
pub struct Repeat {
    pub every: Duration,
    pub until: Name,
}
