//! `test` blocks as written.

use std::sync::Arc;

use vitalog_elog::{FindingState, Severity};

use super::{Literal, Name, Text};
use crate::source::Loc;

#[derive(Clone, Debug)]
pub struct Test {
    pub rule: Name,
    pub title: Option<Text>,
    pub lines: Vec<Line>,
    /// A line could not be read: the script is not run.
    pub broken: bool,
    pub loc: Loc,
}

#[derive(Clone, Debug)]
pub struct Line {
    pub at: Option<Moment>,
    pub kind: LineKind,
    pub loc: Loc,
}

/// `02:15`, `day 2 02:15`, `2026-11-19T02:15:00Z`.
#[derive(Clone, Debug)]
pub struct Moment {
    pub loc: Loc,
    pub kind: MomentKind,
}

#[derive(Clone, Debug)]
pub enum MomentKind {
    /// Seconds since midnight of a day of the script, from 1.
    OfDay {
        day: Option<i64>,
        seconds: i64,
    },
    Instant(vitalog_elog::Time),
}

#[derive(Clone, Debug)]
pub enum LineKind {
    /// `[at] [to end] STREAM values [as NAME]`.
    Reading {
        end: Option<End>,
        stream: Name,
        values: Vec<Value>,
        alias: Option<Name>,
    },
    /// `amend NAME to [at [to end]] values`.
    Amend {
        name: Name,
        start: Option<Moment>,
        end: Option<End>,
        values: Vec<Value>,
    },
    Remove {
        name: Name,
    },
    /// `set profile.FIELD = VALUE`; `None`: `default`.
    Set {
        field: Name,
        value: Option<Value>,
    },
    /// `until T`.
    Until(Moment),
    Expect(Expect),
}

/// The end of an interval.
#[derive(Clone, Debug)]
pub enum End {
    At(Moment),
    /// `to now`: it goes on.
    Open,
}

#[derive(Clone, Debug)]
pub struct Expect {
    pub rule: Name,
    pub absent: bool,
    pub onset: Option<Moment>,
    pub at: Option<Moment>,
    pub until: Option<Moment>,
    pub severity: Option<Severity>,
    pub state: Option<FindingState>,
    pub text: Arc<str>,
}

/// A value, or a word that is a field's name or an enumeration's word.
#[derive(Clone, Debug)]
pub struct Value {
    pub kind: ValueKind,
    pub loc: Loc,
}

#[derive(Clone, Debug)]
pub enum ValueKind {
    Quantity {
        negative: bool,
        literal: Literal,
    },
    Word(Name),
    Text(Arc<str>),
    Bool(bool),
    /// `22:00`, in minutes after midnight.
    Clock(u16),
}
