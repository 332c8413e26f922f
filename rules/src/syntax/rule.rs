//! Rules as written.

use std::sync::Arc;

use vitalog_elog::Severity;

use super::{Duration, Expr, Name, Pattern, Schedule, Text};
use crate::source::Loc;

#[derive(Clone, Debug)]
pub struct Rule {
    pub name: Name,
    pub title: Option<Text>,
    /// A clause could not be read: what seems missing may not be.
    pub broken: bool,
    pub severity: Option<(Vec<Grade>, Loc)>,
    pub at_each: Option<(Name, Loc)>,
    pub every: Option<(Schedule, Loc)>,
    pub when: Option<(When, Loc)>,
    pub until: Option<(Watch, Loc)>,
    /// `or no S for D`.
    pub lapse: Option<(Name, Duration)>,
    pub pattern: Option<(Pattern, Loc)>,
    pub lets: Vec<Let>,
    pub filter: Option<(Expr, Loc)>,
    pub say: Option<(Say, Loc)>,
    pub wordings: Vec<Wording>,
    pub notify: Option<(Name, Loc)>,
    pub cite: Option<(Text, Loc)>,
    pub once_per: Option<(Duration, Loc)>,
    pub stale_after: Option<(Duration, Loc)>,
    /// `quiet while R or Q`.
    pub quiet_while: Option<(Vec<Name>, Loc)>,
    /// It is on trial.
    pub shadow: Option<((), Loc)>,
}

/// One severity with its condition; the first has none.
#[derive(Clone, Debug)]
pub struct Grade {
    pub severity: Severity,
    pub when: Option<Expr>,
}

#[derive(Clone, Debug)]
pub enum When {
    Condition(Watch),
    /// `no S where E or T for D`.
    Silence {
        streams: Vec<Heard>,
        span: Duration,
    },
}

/// `S where E`, of which nothing is heard.
#[derive(Clone, Debug)]
pub struct Heard {
    pub stream: Name,
    pub filter: Option<Expr>,
}

/// `C [for D [gap G]]`.
#[derive(Clone, Debug)]
pub struct Watch {
    pub condition: Expr,
    pub hold: Option<Hold>,
}

/// `for D [gap G]`.
#[derive(Clone, Copy, Debug)]
pub struct Hold {
    pub span: Duration,
    pub gap: Option<Duration>,
}

#[derive(Clone, Debug)]
pub struct Let {
    pub name: Name,
    pub value: Expr,
}

/// A text with holes.
#[derive(Clone, Debug, Default)]
pub struct Say {
    pub pieces: Vec<Hole>,
}

/// `say to caretaker, neighbour "…"`.
#[derive(Clone, Debug)]
pub struct Wording {
    pub to: Vec<Name>,
    pub say: Say,
}

#[derive(Clone, Debug)]
pub enum Hole {
    Text(Arc<str>),
    Expr(Expr),
}
