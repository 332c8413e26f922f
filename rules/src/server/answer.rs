//! Repairs, formatting, the outline, and colours.

use serde_json::{Value, json};

use super::Server;
use super::group::{Edit, bytes};
use super::index::Symbol;
use super::text::Text;
use crate::format::format;
use crate::highlight::{Class, highlight};
use crate::source::Loc;
use crate::syntax::{FieldDecl, Item};

/// The kinds of the legend; a class's place here is its number.
pub const TOKEN_TYPES: [&str; 10] =
    ["keyword", "number", "string", "comment", "operator", "function", "class", "property", "variable", "enumMember"];

impl Server {
    pub(super) fn formatting(&mut self, params: &Value) -> Value {
        let encoding = self.encoding;
        let uri = params["textDocument"]["uri"].as_str().unwrap_or("");
        let Some(text) = self.files.get(uri).and_then(|f| f.text()) else { return json!([]) };
        let new = format(&text.text);
        if *new == *text.text {
            return json!([]);
        }
        json!([{"range": text.range(0..text.text.len(), encoding), "newText": new}])
    }

    /// The repairs of what is wrong in a range.
    pub(super) fn code_actions(&mut self, params: &Value) -> Value {
        let encoding = self.encoding;
        let only = params["context"]["only"].as_array();
        if only.is_some_and(|kinds| !kinds.iter().any(|k| k == "quickfix" || k == "")) {
            return json!([]);
        }
        let uri = params["textDocument"]["uri"].as_str().unwrap_or("");
        let group = self.group(uri);
        let Some(file) = group.file(uri) else { return json!([]) };
        let text = group.text(file);
        let (from, to) = (text.offset(&params["range"]["start"], encoding), text.offset(&params["range"]["end"], encoding));
        let mut out = Vec::new();
        let here = |loc: Loc| loc.file == file && bytes(loc).start <= to && from <= bytes(loc).end;
        for d in group.understood.compiled.diagnostics.iter().filter(|d| here(d.loc())) {
            let fixes = d.helps.iter().filter_map(|h| Some((h, h.fix.as_ref()?)));
            for (i, (help, fix)) in fixes.filter(|(_, fix)| !group.is_shipped(fix.loc.file)).enumerate() {
                let edit = Edit::from(fix);
                out.push(json!({
                    "title": help.message,
                    "kind": "quickfix",
                    "diagnostics": [group.diagnostic(d, encoding)],
                    "isPreferred": i == 0,
                    "edit": group.workspace_edit(std::iter::once(&edit), encoding),
                }));
            }
        }
        json!(out)
    }

    pub(super) fn outline(&mut self, params: &Value) -> Value {
        let encoding = self.encoding;
        let uri = params["textDocument"]["uri"].as_str().unwrap_or("");
        let group = self.group(uri);
        let Some(file) = group.file(uri) else { return json!([]) };
        let text = group.text(file);
        let whole = &group.understood.wholes[usize::from(file.0)];
        let ends = ends(&group.understood.wholes[usize::from(file.0)]);
        let until = |at: u32| ends.get(ends.partition_point(|e| *e <= at)).copied().unwrap_or(at);
        let symbols = whole.file.items.iter().filter_map(|item| {
            let (name, place, kind, children) = match item {
                Item::Stream(s) => (s.name.text.to_string(), s.name.loc, 23, fields(text, &s.fields, encoding)),
                Item::Profile(p) => {
                    let first = p.fields.first()?.name.loc;
                    ("profile".to_owned(), first, 19, fields(text, &p.fields, encoding))
                }
                Item::Rule(r) => (r.name.text.to_string(), r.name.loc, 5, json!([])),
                Item::Test(t) => {
                    let title = t.title.as_ref().map_or("", |t| &t.text);
                    (format!("test {} \"{title}\"", t.rule.text), t.rule.loc, 12, json!([]))
                }
                _ => return None,
            };
            let range = place.start as usize..until(place.start).max(place.end) as usize;
            let selection = text.range(bytes(place), encoding);
            Some(json!({"name": name, "kind": kind, "range": text.range(range, encoding), "selectionRange": selection, "children": children}))
        });
        symbols.collect()
    }

    /// Colours by what names name; the editor's grammar has those of plain words.
    pub(super) fn colours(&mut self, params: &Value) -> Value {
        let encoding = self.encoding;
        let uri = params["textDocument"]["uri"].as_str().unwrap_or("");
        let group = self.group(uri);
        let Some(file) = group.file(uri) else { return json!({"data": []}) };
        let text = group.text(file);
        let mut data: Vec<usize> = Vec::new();
        let (mut line, mut start) = (0, 0);
        for span in highlight(&text.text) {
            let named = group.index.at(file, span.range.start).filter(|o| bytes(o.loc) == span.range);
            let kind = named.map_or_else(|| number(span.class), |o| of_symbol(&o.symbol));
            let declares = named.is_some_and(|o| o.declares);
            let ((l, c), (_, end)) = (text.place(span.range.start, encoding), text.place(span.range.end, encoding));
            let step = if l == line { c - start } else { c };
            data.extend([l - line, step, end.saturating_sub(c), kind, usize::from(declares)]);
            (line, start) = (l, c);
        }
        json!({"data": data})
    }
}

/// Where the declarations of a file end: at the last token before the next one.
fn ends(whole: &crate::parser::Whole) -> Vec<u32> {
    let tokens = &whole.lexed.tokens;
    let starts = whole.marks.iter().filter(|(_, m)| *m == crate::parser::Mark::Item).map(|(i, _)| *i as usize);
    starts.skip(1).chain([tokens.len() - 1]).filter_map(|i| i.checked_sub(1).map(|i| tokens[i].end)).collect()
}

fn fields(text: &Text, fields: &[FieldDecl], encoding: super::text::Encoding) -> Value {
    let one = |f: &FieldDecl| {
        let range = text.range(bytes(f.name.loc), encoding);
        json!({"name": &*f.name.text, "kind": 8, "range": range, "selectionRange": range})
    };
    fields.iter().map(one).collect()
}

fn number(class: Class) -> usize {
    match class {
        Class::Keyword => 0,
        Class::Number | Class::Unit | Class::Time => 1,
        Class::Text => 2,
        Class::Comment => 3,
        Class::Operator => 4,
        Class::Function => 5,
        Class::Name => 8,
    }
}

fn of_symbol(symbol: &Symbol) -> usize {
    match symbol {
        Symbol::Pack(_) | Symbol::Stream(_) | Symbol::Rule(_) | Symbol::Policy(_) => 6,
        Symbol::Field(..) | Symbol::Setting(_) => 7,
        Symbol::Let(..) | Symbol::Step(..) | Symbol::Reading(..) => 8,
        Symbol::Word(_) => 9,
    }
}
