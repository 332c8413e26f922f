//! Another name for a stream, field, rule, step or value.
//!
//! A new name is tried before it is given: the files are compiled with it, and it is refused where anything then means something else.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::Server;
use super::group::{Edit, Group};
use super::index::Symbol;
use crate::parser::RESERVED;
use crate::source::FileId;

impl Server {
    pub(super) fn prepare_rename(&mut self, params: &Value) -> Value {
        let encoding = self.encoding;
        let group = self.group(params["textDocument"]["uri"].as_str().unwrap_or(""));
        let Some((file, offset)) = group.place(params, encoding) else { return Value::Null };
        match renamed(group, file, offset) {
            Ok((_, edit)) => json!({"range": group.range(edit.loc, encoding), "placeholder": group.words(edit.loc)}),
            Err(_) => Value::Null,
        }
    }

    pub(super) fn rename(&mut self, params: &Value) -> Result<Value, String> {
        let encoding = self.encoding;
        let name = params["newName"].as_str().unwrap_or("").to_owned();
        let group = self.group(params["textDocument"]["uri"].as_str().unwrap_or(""));
        let (file, offset) = group.place(params, encoding).ok_or("no such document")?;
        let (symbol, _) = renamed(group, file, offset)?;
        may_be_called(&symbol, &name)?;
        let places = group.index.of(&symbol).map(|o| Edit { loc: o.loc, text: name.clone() });
        let edits: Vec<Edit> = places.collect();
        if edits.iter().any(|e| group.is_shipped(e.loc.file)) {
            return Err("it is declared in a shipped file".to_owned());
        }
        same_meaning(group, &group.edited(&edits), &symbol, &name)?;
        Ok(group.workspace_edit(edits.iter(), encoding))
    }
}

/// The symbol to be renamed, with the place that was asked about.
fn renamed(group: &Group, file: FileId, offset: usize) -> Result<(Symbol, Edit), String> {
    let it = group.index.at(file, offset).ok_or("this names nothing that can be renamed")?;
    let symbol = it.symbol.clone();
    match &symbol {
        Symbol::Pack(_) => return Err("a file is renamed on disk".to_owned()),
        Symbol::Word(word) => return Err(format!("`{word}` may be a word of several enumerations")),
        _ => {}
    }
    let shipped = group.index.of(&symbol).any(|o| group.is_shipped(o.loc.file));
    if shipped {
        return Err("it is declared in a shipped file".to_owned());
    }
    Ok((symbol, Edit { loc: it.loc, text: String::new() }))
}

fn may_be_called(symbol: &Symbol, name: &str) -> Result<(), String> {
    let letters = name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    if !letters || !name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_') {
        return Err(format!("`{name}` is no name: letters, digits and `_`, no digit first"));
    }
    // After a dot and as a field's name a keyword is a name like any other.
    if RESERVED.contains(&name) && !matches!(symbol, Symbol::Field(..) | Symbol::Setting(_)) {
        return Err(format!("`{name}` is a keyword"));
    }
    Ok(())
}

/// Whether the edited files say what they said before.
fn same_meaning(before: &Group, after: &Group, symbol: &Symbol, name: &str) -> Result<(), String> {
    let codes = |group: &Group| {
        let mut codes: BTreeMap<&str, usize> = BTreeMap::new();
        group.understood.compiled.diagnostics.iter().for_each(|d| *codes.entry(d.code.0).or_default() += 1);
        codes
    };
    if codes(before) != codes(after) {
        return Err(format!("`{name}` would not mean the same everywhere it would stand"));
    }
    let (Some(old), Some(new)) = (&before.understood.compiled.library, &after.understood.compiled.library) else {
        return Ok(());
    };
    // A rule's meaning holds the names of streams and fields, and so changes with them.
    let kept = matches!(symbol, Symbol::Let(..) | Symbol::Step(..) | Symbol::Reading(..));
    // So does that of those who look at the findings of which a `let` is a field, or what a step says.
    let asked = |field: &str, of: &str, is_step: bool| match field.strip_prefix(of) {
        Some(rest) => {
            if is_step {
                rest.starts_with('.')
            } else {
                rest.is_empty()
            }
        }
        None => false,
    };
    let field_of = match symbol {
        Symbol::Let(rule, of) | Symbol::Step(rule, of) => {
            let is_step = matches!(symbol, Symbol::Step(..));
            let info = before.understood.world.stream(rule).filter(|s| s.ix.derived().is_some());
            info.filter(|s| s.fields.keys().any(|field| asked(field, of, is_step))).map(|_| rule)
        }
        _ => None,
    };
    let mut pairs = old.rules.iter().zip(&new.rules).filter(|(a, _)| field_of.is_none_or(|rule| a.name == *rule));
    if kept && pairs.any(|(a, b)| a.meaning != b.meaning) {
        return Err(format!("with `{name}` a rule would mean something else"));
    }
    Ok(())
}
