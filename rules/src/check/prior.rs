//! What declarations may change.
//!
//! INVARIANT (append only): stored readings, snapshots and tables name streams, fields and words by their places. A later library may add at
//! the end; a place never comes to mean something else.

use vitalog_elog::{FieldKind, Shape};

use super::declare::describe;
use super::world::World;
use crate::diagnostic::{Code, Diagnostic};
use crate::syntax::{FieldDecl, Stream};

/// What the files do not declare any more keeps its place, but nothing requires it; declarations that follow say again what they mean.
pub fn retire(world: &mut World) {
    for stream in &mut world.schema.streams {
        stream.checks.clear();
        for field in &mut stream.fields {
            field.optional = true;
            field.usual = None;
        }
    }
}

pub fn shape_changed(decl: &Stream, now: Shape) -> Diagnostic {
    let (now, was) = match now {
        Shape::Instant => ("instants", "intervals"),
        Shape::Interval => ("intervals", "instants"),
    };
    let name = &decl.name.text;
    Diagnostic::new(Code::STREAM_CHANGED, format!("the stream `{name}` held {was} and now holds {now}"), decl.name.loc, "changed")
        .note(format!("the readings stored under `{name}` are {was}"))
        .help(format!("declare a stream of another name for the {now}, and leave `{name}` as it was"))
}

/// Its readings would be missing on timelines, or stay where they are not named any more.
pub fn subjects_changed(was: &vitalog_elog::Stream, decl: &Stream) -> Diagnostic {
    let name = &decl.name.text;
    let say = |names: Vec<&str>| if names.is_empty() { "no further subject".to_owned() } else { names.join(", ") };
    let before = say(was.also_by.iter().map(|f| &*was.get(*f).name).collect());
    let now = say(decl.also_by.iter().map(|n| &*n.text).collect());
    let loc = decl.also_by.first().map_or(decl.name.loc, |n| n.loc);
    let what = format!("the stream `{name}` was also by {before} and is now also by {now}");
    Diagnostic::new(Code::STREAM_CHANGED, what, loc, "changed")
        .note("the readings stored under it stand on the timelines of those whom they named")
        .help(format!("leave it as it was, and declare a stream of another name, such as `{name}_2`"))
}

/// A field of a stream that readings are stored of.
pub fn kind_changed(stream: &str, was: &FieldKind, now: &FieldKind, decl: &FieldDecl) -> Option<Diagnostic> {
    let what = format!("the field `{stream}.{}`", decl.name.text);
    changed(&what, was, now, decl, Code::STREAM_CHANGED)
}

pub fn setting_changed(was: &FieldKind, now: &FieldKind, decl: &FieldDecl) -> Option<Diagnostic> {
    changed(&format!("the profile field `{}`", decl.name.text), was, now, decl, Code::PROFILE_CHANGED)
}

fn changed(what: &str, was: &FieldKind, now: &FieldKind, decl: &FieldDecl, code: Code) -> Option<Diagnostic> {
    let allowed = match (was, now) {
        (FieldKind::Enum(was), FieldKind::Enum(now)) => now.starts_with(was),
        _ => was == now,
    };
    if allowed {
        return None;
    }
    let d =
        Diagnostic::new(code, format!("{what} was `{}` and is now `{}`", describe(was), describe(now)), decl.kind_loc, "changed");
    Some(match (was, now) {
        (FieldKind::Enum(_), FieldKind::Enum(_)) => d
            .note("stored values name the words by their places")
            .help("leave the words as they were and add new ones at the end"),
        _ => d
            .note("stored values are of the former kind")
            .help(format!("leave it as it was, and add a field of another name, such as `{}_2`", decl.name.text)),
    })
}
