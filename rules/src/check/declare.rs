//! Declarations of streams and of the profile, put where earlier libraries have put them.

use std::sync::Arc;

use vitalog_cep::plan::Library;
use vitalog_elog::profile::{Night, ProfileField};
use vitalog_elog::{Dimension, Field, FieldIx, FieldKind, Shape, Stream, StreamIx, Unit, Value};

use super::literal::{field_value, plain_text};
use super::prior;
use super::world::{FieldInfo, StreamInfo, World};
use crate::diagnostic::{Code, Diagnostic};
use crate::parser::{dimension_named, unknown_unit};
use crate::source::Loc;
use crate::syntax::{self, FieldDecl, FieldType, Item};

/// What every reading has besides its fields.
pub const MEASURES: [&str; 4] = ["at", "start", "end", "duration"];

const MOST_STREAMS: usize = 4096;
const MOST_FIELDS: usize = 256;
const MOST_WORDS: usize = 256;

/// Collects what the files declare. Streams and fields that `prior` knows keep their places; those it knows and the files do not say any more
/// stay in the schema, optional and out of sight.
pub fn declare(files: &[&syntax::File], prior: &Library, out: &mut Vec<Diagnostic>) -> World {
    let mut world = World {
        schema: (*prior.schema).clone(),
        profile: prior.profile.clone(),
        derived: prior.derived.clone(),
        ..World::default()
    };
    prior::retire(&mut world);
    for item in files.iter().flat_map(|f| &f.items) {
        match item {
            Item::Stream(stream) => declare_stream(&mut world, stream, out),
            Item::Profile(profile) => profile.fields.iter().for_each(|f| declare_setting(&mut world, f, out)),
            Item::Rule(rule) => {
                if let Some(first) = world.rules.insert(rule.name.text.clone(), rule.name.loc) {
                    out.push(twice("rule", &rule.name, first));
                }
            }
            Item::Use(_) | Item::Test(_) | Item::Policy(_) => {}
        }
    }
    world
}

fn twice(what: &str, name: &syntax::Name, first: Loc) -> Diagnostic {
    Diagnostic::new(Code::DECLARED_TWICE, format!("the {what} `{}` is declared twice", name.text), name.loc, "declared again")
        .label(first, "first declared here")
        .help("give one of them another name")
}

fn declare_stream(world: &mut World, decl: &syntax::Stream, out: &mut Vec<Diagnostic>) {
    if let Some(first) = world.streams.get(&decl.name.text) {
        out.push(twice("stream", &decl.name, first.loc));
        return;
    }
    if world.schema.streams.len() >= MOST_STREAMS || decl.fields.len() > MOST_FIELDS {
        let what = format!("at most {MOST_STREAMS} streams of {MOST_FIELDS} fields");
        out.push(Diagnostic::new(Code::TOO_MANY, "too many streams or fields", decl.name.loc, what));
        return;
    }
    let shape = if decl.interval { Shape::Interval } else { Shape::Instant };
    let known = world.schema.stream(&decl.name.text);
    let ix = match known {
        Some(ix) => {
            if world.schema.get(ix).shape != shape {
                out.push(prior::shape_changed(decl, shape));
            }
            ix
        }
        None => {
            world.schema.streams.push(Stream {
                name: decl.name.text.clone(),
                shape,
                fields: Vec::new(),
                checks: Vec::new(),
                every: None,
                silent_after: None,
                by: None,
                also_by: vec![],
                doc: None,
            });
            StreamIx((world.schema.streams.len() - 1) as u16)
        }
    };
    let stream = &mut world.schema.streams[usize::from(ix.0)];
    stream.every = decl.every.map(|d| d.span);
    stream.silent_after = decl.silent_after.map(|d| d.span);
    stream.doc = decl.doc.clone();
    let mut info = StreamInfo { ix, loc: decl.name.loc, fields: Default::default(), broken: decl.fields.is_empty() };
    for field in &decl.fields {
        declare_field(stream, &mut info, field, out);
    }
    stream.by = decl.by.as_ref().map(|n| n.text.clone());
    let also_by: Vec<FieldIx> = decl.also_by.iter().filter_map(|name| further(stream, &info, name, out)).collect();
    if known.is_some() && also_by != stream.also_by {
        out.push(prior::subjects_changed(stream, decl));
    }
    stream.also_by = also_by;
    stream.checks = decl.checks.iter().filter_map(|c| check(stream, &info, c, out)).collect();
    world.streams.insert(decl.name.text.clone(), info);
}

/// A field that names a further subject.
fn further(stream: &Stream, info: &StreamInfo, name: &syntax::Name, out: &mut Vec<Diagnostic>) -> Option<FieldIx> {
    let Some((ix, field)) = info.fields.get(&name.text) else {
        let what = format!("`{}` has no field `{}`", stream.name, name.text);
        let d = Diagnostic::new(Code::UNKNOWN_FIELD, what, name.loc, "no such field");
        out.push(d.did_you_mean(name.loc, &name.text, info.fields.keys().map(|n| &**n)));
        return None;
    };
    let kind = &stream.get(*ix).kind;
    if !field.broken && *kind != FieldKind::Text {
        let d =
            Diagnostic::new(Code::TYPE, "a further subject is named by a text", name.loc, format!("this is {}", describe(kind)));
        out.push(d.label(field.loc, "declared here").help(format!("declare it as `{} text`", name.text)));
        return None;
    }
    Some(*ix)
}

fn declare_field(stream: &mut Stream, info: &mut StreamInfo, decl: &FieldDecl, out: &mut Vec<Diagnostic>) {
    if let Some((_, first)) = info.fields.get(&decl.name.text) {
        out.push(twice("field", &decl.name, first.loc));
        return;
    }
    if MEASURES.contains(&&*decl.name.text) {
        out.push(
            Diagnostic::new(Code::MEASURE_NAME, format!("a field cannot be called `{}`", decl.name.text), decl.name.loc, "taken")
                .note("every reading has `at`; an interval also `start`, `end` and `duration`"),
        );
        return;
    }
    if let Some(value) = &decl.default {
        out.push(
            Diagnostic::new(Code::RANGE, "a field of a stream has no default", value.loc, "not here")
                .help("write `optional`, and ask `is known`"),
        );
    }
    let (kind, ordered) = kind_of(decl, out);
    if kind == Some(FieldKind::TimeOfDay) {
        let d = Diagnostic::new(Code::TYPE, "a time of day is set per subject", decl.kind_loc, "not of a reading");
        out.push(d.help("declare it in `profile { … }`; when a reading was is its `.at`"));
    }
    let kind = kind.filter(|kind| *kind != FieldKind::TimeOfDay);
    let broken = kind.is_none();
    let kind = kind.unwrap_or(FieldKind::Text);
    let range = if broken { None } else { range_of(decl.range.as_ref(), &kind, out) };
    let usual = if broken { None } else { usual_of(decl, &kind, range, out) };
    let optional = decl.optional.is_some();
    let field = Field { name: decl.name.text.clone(), kind, optional, range, usual, doc: decl.doc.clone() };
    let ix = match stream.field(&decl.name.text) {
        Some(ix) => {
            let place = &mut stream.fields[usize::from(ix.0)];
            if !broken && let Some(d) = prior::kind_changed(&stream.name, &place.kind, &field.kind, decl) {
                out.push(d);
            }
            *place = field;
            ix
        }
        None => {
            stream.fields.push(field);
            FieldIx((stream.fields.len() - 1) as u16)
        }
    };
    info.fields.insert(decl.name.text.clone(), (ix, FieldInfo { loc: decl.name.loc, ordered, broken }));
}

fn declare_setting(world: &mut World, decl: &FieldDecl, out: &mut Vec<Diagnostic>) {
    if let Some((_, first)) = world.settings.get(&decl.name.text) {
        out.push(twice("profile field", &decl.name, first.loc));
        return;
    }
    if let Some(loc) = decl.optional {
        out.push(
            Diagnostic::new(Code::RANGE, "a profile field is not `optional`", loc, "not here")
                .help("without a `default` it is unknown until it is set, and `is known` asks for it"),
        );
    }
    let (kind, ordered) = kind_of(decl, out);
    let mut broken = kind.is_none();
    let kind = kind.unwrap_or(FieldKind::Text);
    let range = if broken { None } else { range_of(decl.range.as_ref(), &kind, out) };
    if let Some((low, high)) = &decl.usual {
        let d = Diagnostic::new(Code::RANGE, "nothing is unusual of a profile", low.loc.to(high.loc), "not here");
        out.push(d.help("`usually` is for fields of streams, whose readings are flagged by it"));
    }
    let default: Option<Value> = match &decl.default {
        Some(value) if !broken => match field_value(value, &kind, range) {
            Ok(value) => Some(value),
            Err(d) => {
                out.push(*d);
                broken = true;
                None
            }
        },
        _ => None,
    };
    if let (Some(Value::Text(text)), Some(written)) = (&default, &decl.default)
        && &*decl.name.text == "night"
        && Night::parse(text).is_none()
    {
        let d = Diagnostic::new(Code::RANGE, "a night that nobody can read", written.loc, "not from one time to another");
        out.push(d.help("write it as in `\"22:00 to 06:00\"`"));
    }
    let field = ProfileField { name: decl.name.text.clone(), kind, default, range, doc: decl.doc.clone() };
    let ix = match world.profile.iter().position(|f| f.name == decl.name.text) {
        Some(i) => {
            if !broken && let Some(d) = prior::setting_changed(&world.profile[i].kind, &field.kind, decl) {
                out.push(d);
            }
            world.profile[i] = field;
            i
        }
        None => {
            world.profile.push(field);
            world.profile.len() - 1
        }
    };
    world.settings.insert(decl.name.text.clone(), (ix as u16, FieldInfo { loc: decl.name.loc, ordered, broken }));
}

/// What a field holds, and whether its words have an order; `None` if that is in error.
fn kind_of(decl: &FieldDecl, out: &mut Vec<Diagnostic>) -> (Option<FieldKind>, bool) {
    match &decl.kind {
        None => (None, true),
        Some(FieldType::Text) => (Some(FieldKind::Text), false),
        Some(FieldType::Bool) => (Some(FieldKind::Bool), false),
        Some(FieldType::TimeOfDay) => (Some(FieldKind::TimeOfDay), true),
        Some(FieldType::Enum { words, ordered }) => {
            for (i, word) in words.iter().enumerate() {
                if let Some(first) = words[..i].iter().find(|w| w.text == word.text) {
                    out.push(twice("word", word, first.loc));
                }
            }
            if words.len() > MOST_WORDS {
                let loc = words[MOST_WORDS].loc;
                out.push(Diagnostic::new(
                    Code::TOO_MANY,
                    "too many words in an enumeration",
                    loc,
                    format!("at most {MOST_WORDS}"),
                ));
            }
            (Some(FieldKind::Enum(words.iter().take(MOST_WORDS).map(|w| w.text.clone()).collect())), *ordered)
        }
        Some(FieldType::Quantity { dimension, unit }) => match quantity(dimension, unit.as_ref()) {
            Ok(unit) => (Some(FieldKind::Quantity(unit)), true),
            Err(d) => {
                out.push(*d);
                (None, true)
            }
        },
    }
}

fn quantity(name: &syntax::Name, unit: Option<&syntax::UnitWord>) -> Result<Unit, Box<Diagnostic>> {
    let dimension = dimension_named(name).map_err(|d| {
        let d =
            d.note("the type of a field: a dimension and unit (`glucose in mg/dL`), `text`, `bool`, of the profile `time of day`, or words (`a < b`, `a | b`)");
        // A unit where the dimension belongs is the usual slip.
        match Unit::any_named(&name.text).next() {
            Some(unit) => {
                let right = format!("{} in {}", unit.dimension(), name.text);
                d.fix(format!("say the dimension first: `{right}`"), name.loc, right.clone())
            }
            None => d,
        }
    })?;
    let Some(word) = unit else { return Ok(dimension.usual_unit()) };
    if word.per.is_none()
        && let Some(unit) = Unit::named(dimension, &word.name)
    {
        return Ok(unit);
    }
    let written = match &word.per {
        Some(per) => format!("{}/{per}", word.name),
        None => word.name.to_string(),
    };
    if let Some(other) = Unit::any_named(&written).next() {
        let units: Vec<&str> = dimension.units().map(Unit::name).collect();
        return Err(Box::new(
            Diagnostic::new(
                Code::UNITS,
                format!("`{written}` is no unit of {dimension}"),
                word.loc,
                format!("a unit of {}", other.dimension()),
            )
            .label(name.loc, format!("this says {dimension}"))
            .help(format!("units of {dimension}: {}", units.join(", "))),
        ));
    }
    Err(Box::new(unknown_unit(&written, word.loc, Some(dimension))))
}

/// What is usual: a range within the plausible one, and not all of it.
fn usual_of(decl: &FieldDecl, kind: &FieldKind, range: Option<(i64, i64)>, out: &mut Vec<Diagnostic>) -> Option<(i64, i64)> {
    let usual = range_of(decl.usual.as_ref(), kind, out)?;
    let (low, high) = decl.usual.as_ref()?;
    let Some(range) = range else { return Some(usual) };
    if range.0 <= usual.0 && usual.1 <= range.1 && usual != range {
        return Some(usual);
    }
    let (title, label) = match usual == range {
        true => ("everything plausible is usual", "the same as the plausible range"),
        false => ("what is not plausible is no usual value", "goes beyond the plausible range"),
    };
    let d = Diagnostic::new(Code::RANGE, title, low.loc.to(high.loc), label);
    let d = decl
        .range
        .as_ref()
        .map_or_else(|| d.clone(), |(low, high)| d.clone().label(low.loc.to(high.loc), "what is taken at all"));
    out.push(d.help("`usually A to B` lies within `from A to B`: what lies between the two is taken, and flagged"));
    None
}

fn range_of(said: Option<&(syntax::Value, syntax::Value)>, kind: &FieldKind, out: &mut Vec<Diagnostic>) -> Option<(i64, i64)> {
    let (low, high) = said?;
    let loc = low.loc.to(high.loc);
    if !matches!(kind, FieldKind::Quantity(_)) {
        out.push(Diagnostic::new(Code::RANGE, "only a quantity has a range", loc, "not here"));
        return None;
    }
    let mut atoms = |value| match field_value(value, kind, None) {
        Ok(Value::Quantity(amount)) => Some(amount.atoms()),
        Ok(_) => None,
        Err(d) => {
            out.push(*d);
            None
        }
    };
    let (low_atoms, high_atoms) = (atoms(low)?, atoms(high)?);
    if low_atoms >= high_atoms {
        out.push(
            Diagnostic::new(
                Code::RANGE,
                "a range without anything in it",
                loc,
                format!("{} is not below {}", plain_text(low), plain_text(high)),
            )
            .help("write the lower end first; both ends are included"),
        );
        return None;
    }
    Some((low_atoms, high_atoms))
}

fn check(stream: &Stream, info: &StreamInfo, decl: &syntax::Check, out: &mut Vec<Diagnostic>) -> Option<(FieldIx, FieldIx)> {
    let mut find = |name: &syntax::Name| -> Option<(FieldIx, Option<Dimension>)> {
        let Some((ix, field)) = info.fields.get(&name.text) else {
            let d = Diagnostic::new(
                Code::UNKNOWN_FIELD,
                format!("`{}` has no field `{}`", stream.name, name.text),
                name.loc,
                "no such field",
            );
            out.push(d.did_you_mean(name.loc, &name.text, info.fields.keys().map(|n| &**n)));
            return None;
        };
        let dimension = match &stream.get(*ix).kind {
            FieldKind::Quantity(unit) => Some(unit.dimension()),
            _ => None,
        };
        (!field.broken).then_some((*ix, dimension))
    };
    let (greater, less) = (find(&decl.greater)?, find(&decl.less)?);
    if greater.1.is_none() || greater.1 != less.1 {
        let say = |d: Option<Dimension>| d.map_or("no quantity".to_owned(), |d| d.to_string());
        out.push(
            Diagnostic::new(
                Code::UNITS,
                "a check compares quantities of one dimension",
                decl.greater.loc,
                format!("this is {}", say(greater.1)),
            )
            .label(decl.less.loc, format!("this is {}", say(less.1))),
        );
        return None;
    }
    Some((greater.0, less.0))
}

/// The name of a field kind, for diagnostics.
pub fn describe(kind: &FieldKind) -> Arc<str> {
    Arc::from(match kind {
        FieldKind::Quantity(unit) => format!("{} in {unit}", unit.dimension()),
        FieldKind::Enum(words) => words.iter().map(|w| &**w).collect::<Vec<_>>().join(" | "),
        FieldKind::Text => "text".to_owned(),
        FieldKind::Bool => "bool".to_owned(),
        FieldKind::TimeOfDay => "time of day".to_owned(),
    })
}
