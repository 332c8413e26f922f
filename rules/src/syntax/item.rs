//! Files and declarations.

use std::sync::Arc;

use super::{Duration, Name, Policy, Rule, Test, UnitWord, Value};
use crate::source::Loc;

/// A file's declarations, in order.
#[derive(Clone, Debug, Default)]
pub struct File {
    pub items: Vec<Item>,
}

#[derive(Clone, Debug)]
pub enum Item {
    Use(Use),
    Stream(Stream),
    Profile(Profile),
    Rule(Box<Rule>),
    Test(Test),
    Policy(Policy),
}

/// `use health`.
#[derive(Clone, Debug)]
pub struct Use {
    pub name: Name,
}

/// `[interval] stream NAME [every D] [silent after D] { … }`.
#[derive(Clone, Debug)]
pub struct Stream {
    pub name: Name,
    pub interval: bool,
    pub every: Option<Duration>,
    pub silent_after: Option<Duration>,
    /// `by guest`.
    pub by: Option<Name>,
    /// `also by card, listing`.
    pub also_by: Vec<Name>,
    pub fields: Vec<FieldDecl>,
    pub checks: Vec<Check>,
    pub doc: Option<Arc<str>>,
}

/// `profile { … }`.
#[derive(Clone, Debug)]
pub struct Profile {
    pub fields: Vec<FieldDecl>,
}

/// `NAME TYPE [from A to B] [optional] [default V]`.
#[derive(Clone, Debug)]
pub struct FieldDecl {
    pub name: Name,
    /// `None`: it could not be read.
    pub kind: Option<FieldType>,
    pub kind_loc: Loc,
    pub range: Option<(Value, Value)>,
    pub usual: Option<(Value, Value)>,
    pub optional: Option<Loc>,
    pub default: Option<Value>,
    pub doc: Option<Arc<str>>,
}

#[derive(Clone, Debug)]
pub enum FieldType {
    /// A dimension, and its unit where it is said.
    Quantity {
        dimension: Name,
        unit: Option<UnitWord>,
    },
    /// `light < moderate < vigorous` (ordered) or `bolus | basal`.
    Enum {
        words: Vec<Name>,
        ordered: bool,
    },
    Text,
    Bool,
    TimeOfDay,
}

/// `check systolic > diastolic`.
#[derive(Clone, Debug)]
pub struct Check {
    pub greater: Name,
    pub less: Name,
}
