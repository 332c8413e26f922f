//! A rule's findings as a stream: which fields they have, and what each is.

use std::collections::BTreeSet;
use std::sync::Arc;

use vitalog_cep::plan::{DerivedField, Expr as Plan, Library, Measure, Output, Rule};
use vitalog_elog::{Field, FieldIx, FieldKind, Severity, Shape, Stream, StreamIx, Unit};

use super::Checker;
use super::dimension::Dim;
use super::expr::Taken;
use super::number::Bounds;
use super::scope::LetName;
use super::value::{Ty, Words};
use super::world::{FieldInfo, World};
use crate::diagnostic::{Code, Diagnostic};
use crate::syntax::Name;

/// What every finding has besides its severity and its rule's `let`s.
const MEASURES: [&str; 5] = ["at", "onset", "start", "end", "duration"];

/// So many places there are for derived streams.
pub const MOST_DERIVED: usize = 0x7fff;

/// The findings of a rule, as other rules see them.
#[derive(Debug)]
pub struct FoundStream {
    /// Named and described like a declared stream, for whoever asks only that; the kinds of its fields mean nothing.
    pub stream: Stream,
    fields: Vec<FoundField>,
}

#[derive(Debug)]
struct FoundField {
    name: Arc<str>,
    place: FieldIx,
    ty: Ty,
    unit: Option<Unit>,
}

/// A `let` of a rule that was checked, or what one of its steps says.
pub struct Exported {
    name: Name,
    expr: Plan,
    ty: Ty,
    unit: Option<Unit>,
}

impl Exported {
    pub fn of(it: &LetName) -> Exported {
        let value = &it.value;
        Exported { name: it.name.clone(), expr: value.expr.clone(), ty: value.ty.clone(), unit: value.unit }
    }
}

impl FoundStream {
    pub fn new(rule: &Arc<str>) -> FoundStream {
        let stream = Stream {
            name: rule.clone(),
            shape: Shape::Instant,
            fields: vec![field(&Arc::from("severity"))],
            checks: Vec::new(),
            every: None,
            silent_after: None,
            by: None,
            also_by: Vec::new(),
            doc: None,
        };
        FoundStream { stream, fields: Vec::new() }
    }
}

fn field(name: &Arc<str>) -> Field {
    Field { name: name.clone(), kind: FieldKind::Text, optional: true, range: None, usual: None, doc: None }
}

/// The words of a severity, from mild to grave.
fn severities() -> Ty {
    Ty::Enum(Words { words: Severity::ALL.iter().map(|s| Arc::from(s.name())).collect(), ordered: true })
}

impl World {
    /// A rule that others look at was checked: its `let`s that anything asks become fields of its findings. `None`: it is in error, and nobody is told that it
    /// lacks a field.
    pub fn export(
        &mut self,
        rule: Option<&mut Rule>,
        name: &str,
        lets: &[Exported],
        asked: &BTreeSet<Arc<str>>,
        prior: &Library,
    ) {
        let Some(ix) = self.stream(name).map(|s| s.ix).filter(|ix| ix.derived().is_some()) else { return };
        let Some(rule) = rule else { return };
        let fields =
            lets.iter().filter(|l| l.ty != Ty::Error && asked.contains(&l.name.text) && !MEASURES.contains(&&*l.name.text));
        for it in fields {
            let Some(place) = self.field_place(ix, &it.name.text, &it.ty) else { continue };
            rule.outputs.push(Output { field: place, expr: it.expr.clone() });
            let Some(found) = self.found.get_mut(&ix) else { return };
            found.stream.fields.push(field(&it.name.text));
            found.fields.push(FoundField { name: it.name.text.clone(), place, ty: it.ty.clone(), unit: it.unit });
            if let Some(info) = self.streams.get_mut(name) {
                info.fields.insert(it.name.text.clone(), (place, FieldInfo { loc: it.name.loc, ordered: false, broken: false }));
            }
        }
        // What an earlier library's rules ask of the same meaning they can go on asking.
        if let Some(was) = prior.rule(name).filter(|was| was.meaning == rule.meaning) {
            let missing = was.outputs.iter().filter(|o| !rule.outputs.iter().any(|now| now.field == o.field));
            let missing: Vec<Output> = missing.cloned().collect();
            rule.outputs.extend(missing);
        }
        rule.outputs.sort_by_key(|o| o.field);
        if let Some(info) = self.streams.get_mut(name) {
            info.broken = false;
        }
    }

    /// The place of a field by its name and what it holds: the one it has, or a new one.
    fn field_place(&mut self, ix: StreamIx, name: &Arc<str>, ty: &Ty) -> Option<FieldIx> {
        let order = matches!(ty, Ty::Enum(words) if words.ordered);
        let kind = if order { format!("{ty} in order") } else { ty.to_string() };
        let field = DerivedField { name: name.clone(), kind: Arc::from(kind) };
        let fields = &mut self.derived.get_mut(ix.derived()?)?.fields;
        let place = fields.iter().position(|f| *f == field).unwrap_or_else(|| {
            fields.push(field);
            fields.len() - 1
        });
        u16::try_from(place).ok().map(FieldIx)
    }
}

impl Checker<'_> {
    /// What the rule's `let`s say, and of its steps whatever anything asks: `meal.amount` is what the step `meal` says.
    pub fn exported(&mut self, asked: &BTreeSet<Arc<str>>) -> Vec<Exported> {
        let mut all: Vec<Exported> = self.scope.lets.iter().map(Exported::of).collect();
        for path in asked {
            let Some((step, field)) = path.split_once('.') else { continue };
            let mut named = self.scope.steps.iter().filter(|s| s.name() == step);
            let (Some(found), None) = (named.next(), named.next()) else { continue };
            let loc = found.alias.as_ref().unwrap_or(&found.stream_name).loc;
            let name = |text: &str| Name { text: Arc::from(text), loc };
            // What is asked may be meant for another rule's step of that name.
            let told = self.diagnostics.len();
            let typed = self.field(&name(step), &name(field), loc);
            self.diagnostics.truncate(told);
            if !typed.is_error() {
                all.push(Exported { name: name(path), expr: typed.expr, ty: typed.ty, unit: typed.unit });
            }
        }
        all
    }

    /// What a name takes of the findings of a rule.
    pub fn taken_of_findings(&mut self, ix: StreamIx, name: &Name) -> Option<Taken> {
        let plain = |what, ty, bounds| Some(Taken { what, ty, unit: None, bounds, plausible: false });
        match &*name.text {
            "severity" => return plain(Measure::Field(FieldIx(0)), severities(), Bounds::of(0, Severity::ALL.len() as i64 - 1)),
            "at" => return plain(Measure::At, Ty::Instant, Bounds::NONE),
            "onset" | "start" => return plain(Measure::Start, Ty::Instant, Bounds::NONE),
            "end" => return plain(Measure::End, Ty::Instant, Bounds::NONE),
            "duration" => return plain(Measure::Duration, Ty::Number(Dim::time()), Bounds::at_least_zero()),
            _ => {}
        }
        let found = self.world.found.get(&ix)?;
        if let Some(it) = found.fields.iter().find(|f| f.name == name.text) {
            return Some(Taken { unit: it.unit, ..plain(Measure::Field(it.place), it.ty.clone(), Bounds::NONE)? });
        }
        let info = self.world.info(ix)?;
        if info.broken {
            return None;
        }
        let rule = &found.stream.name;
        let names: Vec<&str> = ["severity"].into_iter().chain(MEASURES).chain(found.fields.iter().map(|f| &*f.name)).collect();
        let d = Diagnostic::new(
            Code::UNKNOWN_FIELD,
            format!("a finding of `{rule}` has no `{}`", name.text),
            name.loc,
            "no such field",
        )
        .did_you_mean(name.loc, &name.text, names.iter().copied())
        .label(info.loc, "the rule")
        .note(format!("it has {}, each `let` of the rule, and what its steps say, as in `{rule}.meal.amount`", names.join(", ")));
        self.diagnostics.push(d);
        None
    }
}
