//! All that rules can name: streams, profile fields, rules.

use std::collections::BTreeMap;
use std::sync::Arc;

use vitalog_cep::plan::Derived;
use vitalog_elog::profile::ProfileField;
use vitalog_elog::{Field, FieldIx, FieldKind, Schema, Stream, StreamIx};

use super::dimension::Dim;
use super::found::FoundStream;
use super::number::Bounds;
use super::value::{Ty, Words};
use crate::source::Loc;

/// What is declared in all files together.
#[derive(Debug, Default)]
pub struct World {
    pub schema: Schema,
    pub profile: Vec<ProfileField>,
    pub streams: BTreeMap<Arc<str>, StreamInfo>,
    /// By name: its place in `profile`.
    pub settings: BTreeMap<Arc<str>, (u16, FieldInfo)>,
    /// Rules that look at others or are looked at, at the places that they keep.
    pub derived: Vec<Derived>,
    /// Those that are looked at, by place; in `streams` by name.
    pub found: BTreeMap<StreamIx, FoundStream>,
    /// Where each rule is declared.
    pub rules: BTreeMap<Arc<str>, Loc>,
}

/// What the schema does not say of a declared stream.
#[derive(Debug)]
pub struct StreamInfo {
    pub ix: StreamIx,
    pub loc: Loc,
    pub fields: BTreeMap<Arc<str>, (FieldIx, FieldInfo)>,
    /// A field may be missing here because it could not be read.
    pub broken: bool,
}

/// What the schema does not say of a declared field.
#[derive(Clone, Copy, Debug)]
pub struct FieldInfo {
    pub loc: Loc,
    /// Its words were declared with `<`.
    pub ordered: bool,
    /// Its declaration is in error: its type is not known.
    pub broken: bool,
}

impl World {
    pub fn stream(&self, name: &str) -> Option<&StreamInfo> {
        self.streams.get(name)
    }

    pub fn stream_names(&self) -> impl Iterator<Item = &str> {
        self.streams.keys().map(|n| &**n)
    }

    /// The declaration of a stream, or what stands for one of a rule's findings.
    pub fn declared(&self, ix: StreamIx) -> &Stream {
        match self.found.get(&ix) {
            Some(found) => &found.stream,
            None => self.schema.get(ix),
        }
    }

    /// The declaration of a stream by its place.
    pub fn info(&self, ix: StreamIx) -> Option<&StreamInfo> {
        self.streams.get(&self.declared(ix).name)
    }
}

/// The type of a declared field.
pub fn type_of(kind: &FieldKind, info: FieldInfo) -> Ty {
    if info.broken {
        return Ty::Error;
    }
    match kind {
        FieldKind::Quantity(unit) => Ty::Number(Dim::of(unit.dimension())),
        FieldKind::Enum(words) => Ty::Enum(Words { words: words.clone(), ordered: info.ordered }),
        FieldKind::Text => Ty::Text,
        FieldKind::Bool => Ty::Bool,
        FieldKind::TimeOfDay => Ty::TimeOfDay,
    }
}

/// Within what its values lie.
pub fn bounds_of(kind: &FieldKind, range: Option<(i64, i64)>) -> Bounds {
    match (kind, range) {
        (FieldKind::Quantity(_), Some((low, high))) => Bounds::of(low, high),
        (FieldKind::Enum(words), _) => Bounds::of(0, words.len() as i64 - 1),
        _ => Bounds::NONE,
    }
}

/// The words of a field, for "did you mean".
pub fn words_of(field: &Field) -> &[Arc<str>] {
    match &field.kind {
        FieldKind::Enum(words) => words,
        _ => &[],
    }
}
