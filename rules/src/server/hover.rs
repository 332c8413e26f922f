//! Hover: what a name is, and what a number is in the other units of its dimension.

use serde_json::{Value, json};
use vitalog_elog::profile::ProfileField;
use vitalog_elog::quantity::format_atoms;
use vitalog_elog::{Amount, Field, FieldKind, Unit, Value as Said};

use super::Server;
use super::group::Group;
use super::index::{Symbol, said};
use super::words;
use crate::lexer::Kind;
use crate::source::{FileId, Loc};

impl Server {
    pub(super) fn hover(&mut self, params: &Value) -> Value {
        let encoding = self.encoding;
        let group = self.group(params["textDocument"]["uri"].as_str().unwrap_or(""));
        let Some((file, offset)) = group.place(params, encoding) else { return Value::Null };
        let found = named(group, file, offset).or_else(|| number(group, file, offset)).or_else(|| word(group, file, offset));
        match found {
            Some((loc, text)) => {
                json!({"contents": {"kind": "markdown", "value": text}, "range": group.range(loc, encoding)})
            }
            None => Value::Null,
        }
    }
}

/// A name that names something.
fn named(group: &Group, file: FileId, offset: usize) -> Option<(Loc, String)> {
    let it = group.index.at(file, offset)?;
    let world = &group.understood.world;
    let text = match &it.symbol {
        Symbol::Pack(name) => format!("**{name}**: a rule file"),
        Symbol::Stream(name) => {
            let info = world.stream(name)?;
            let stream = world.declared(info.ix);
            let mut text = format!("**{name}**: {}", if stream.is_interval() { "a stream of intervals" } else { "a stream" });
            if let Some(every) = stream.every {
                text.push_str(&format!(", a reading expected every {every}"));
            }
            if let Some(silent) = stream.silent_after {
                text.push_str(&format!(", silent after {silent}"));
            }
            text.push_str(&documented(stream.doc.as_deref()));
            text.push('\n');
            for field in stream.fields.iter().filter(|f| info.fields.contains_key(&f.name)) {
                text.push_str(&format!("\n- `{}` {}", field.name, kind(&field.kind)));
            }
            text
        }
        Symbol::Field(stream, name) => {
            let info = world.stream(stream)?;
            let (ix, _) = info.fields.get(name)?;
            field(stream, world.declared(info.ix).get(*ix))
        }
        Symbol::Setting(name) => setting(&world.profile[usize::from(world.settings.get(name)?.0)]),
        Symbol::Rule(name) => rule(group, name),
        Symbol::Policy(name) => format!("**{name}**: a policy, which says who hears of it"),
        Symbol::Let(rule, name) => {
            let value = group.index.lets.get(&(rule.clone(), name.clone())).map_or("", |loc| group.words(*loc));
            format!("**{name}** = `{value}`")
        }
        Symbol::Step(rule, name) => {
            let stream = group.index.steps.get(&(rule.clone(), name.clone())).map_or("", |s| s);
            format!("**{name}**: a step of the pattern, readings of `{stream}`")
        }
        Symbol::Reading(_, name) => format!("**{name}**: a reading of this test"),
        Symbol::Word(name) => format!("**{name}**: a word of an enumeration"),
    };
    Some((it.loc, text))
}

fn rule(group: &Group, name: &str) -> String {
    let library = group.understood.compiled.library.as_ref();
    let Some(rule) = library.and_then(|l| l.rule(name)) else { return format!("**{name}**: a rule") };
    let grades: Vec<&str> = rule.grades.iter().map(|g| g.severity.name()).collect();
    let mut text = format!("**{name}**: {} ({})", rule.title, grades.join(", "));
    text.push_str(&documented(rule.cite.as_deref()));
    text
}

fn documented(doc: Option<&str>) -> String {
    doc.map_or_else(String::new, |doc| format!("\n\n{doc}"))
}

fn field(stream: &str, field: &Field) -> String {
    let optional = if field.optional { ", optional" } else { "" };
    let (range, usual) = (ranged("plausible", &field.kind, field.range), ranged("usually", &field.kind, field.usual));
    format!("**{stream}.{}**: {}{optional}{range}{usual}{}", field.name, kind(&field.kind), documented(field.doc.as_deref()))
}

fn setting(field: &ProfileField) -> String {
    let default = match &field.default {
        None => "; unknown until it is set".to_owned(),
        Some(value) => format!("; {} until it is set", shown(value, &field.kind)),
    };
    let range = ranged("plausible", &field.kind, field.range);
    format!("**profile.{}**: {}{range}{default}{}", field.name, kind(&field.kind), documented(field.doc.as_deref()))
}

fn ranged(what: &str, kind: &FieldKind, range: Option<(i64, i64)>) -> String {
    match (kind, range) {
        (FieldKind::Quantity(unit), Some((low, high))) => {
            let show = |atoms: i64| format_atoms(i128::from(atoms), 1, *unit);
            format!("; {what} from {} to {}", show(low), show(high))
        }
        _ => String::new(),
    }
}

fn shown(value: &Said, kind: &FieldKind) -> String {
    match (value, kind) {
        (Said::Quantity(amount), FieldKind::Quantity(unit)) => format_atoms(i128::from(amount.atoms()), 1, *unit),
        (Said::Enum(i), FieldKind::Enum(words)) => words.get(usize::from(*i)).map_or_else(String::new, ToString::to_string),
        (Said::Text(text), _) => format!("\"{text}\""),
        (Said::Bool(b), _) => b.to_string(),
        (Said::TimeOfDay(time), _) => time.to_string(),
        _ => String::new(),
    }
}

/// What a field holds, in words.
pub fn kind(kind: &FieldKind) -> String {
    match kind {
        FieldKind::Quantity(unit) => format!("{} in {unit}", unit.dimension()),
        FieldKind::Enum(words) => words.iter().map(|w| &**w).collect::<Vec<_>>().join(" | "),
        FieldKind::Text => "text".to_owned(),
        FieldKind::Bool => "bool".to_owned(),
        FieldKind::TimeOfDay => "time of day".to_owned(),
    }
}

/// A number with its unit: the same in the other units.
fn number(group: &Group, file: FileId, offset: usize) -> Option<(Loc, String)> {
    let text = &group.understood.compiled.sources.get(file).text;
    let all = said(file, text, &group.understood.wholes[usize::from(file.0)]);
    let i = all.iter().rposition(|s| s.token.start as usize <= offset && s.token.kind == Kind::Number)?;
    let unit: Vec<_> = all[i + 1..].iter().take_while(|s| s.in_unit).collect();
    let end = unit.last()?.token.end;
    if offset > end as usize {
        return None;
    }
    let written = text.get(unit.first()?.token.start as usize..end as usize)?;
    let loc = Loc { file, start: all[i].token.start, end };
    let mut lines = Vec::new();
    for unit in Unit::any_named(written) {
        let Ok(amount) = Amount::parse(all[i].text, unit) else { continue };
        let others = unit.dimension().units().filter(|u| *u != unit);
        let same: Vec<String> = others.map(|u| format_atoms(i128::from(amount.atoms()), 1, u)).collect();
        let equals = if same.is_empty() { String::new() } else { format!(" = {}", same.join(" = ")) };
        lines.push(format!("{}: {} {unit}{equals}", unit.dimension(), all[i].text));
    }
    (!lines.is_empty()).then(|| (loc, lines.join("\n\n")))
}

/// A word of the language.
fn word(group: &Group, file: FileId, offset: usize) -> Option<(Loc, String)> {
    let whole = &group.understood.wholes[usize::from(file.0)];
    let here = |t: &&crate::lexer::Token| t.kind == Kind::Word && (t.start as usize..=t.end as usize).contains(&offset);
    let token = whole.lexed.tokens.iter().find(here)?;
    let loc = Loc { file, start: token.start, end: token.end };
    let word = group.words(loc);
    words::meaning(word).map(|meaning| (loc, format!("**{word}**: {meaning}")))
}
