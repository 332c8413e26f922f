//! What the compiler knows of the files of one folder, with the way from its places to documents and back.

use std::ops::Range;

use serde_json::{Value, json};
use vitalog_cep::plan::Library;

use super::SHIPPED;
use super::files::file_name;
use super::index::Index;
use super::text::{Encoding, Text};
use crate::compile::{Understood, understand};
use crate::diagnostic::{Diagnostic, Fix};
use crate::source::{FileId, Loc, Source};

/// The files of a folder, compiled together.
#[derive(Debug)]
pub struct Group {
    pub understood: Understood,
    pub index: Index,
    /// The documents by their place in the sources; shipped files come behind those of the folder.
    uris: Vec<String>,
    texts: Vec<Text>,
}

/// Where an edit belongs, and what it puts there.
pub struct Edit {
    pub loc: Loc,
    pub text: String,
}

impl Group {
    pub fn new<'f>(files: impl Iterator<Item = (&'f str, &'f Text)>) -> Group {
        let mut uris = Vec::new();
        let mut sources = Vec::new();
        for (uri, text) in files {
            uris.push(uri.to_owned());
            sources.push(Source { name: file_name(uri).as_str().into(), text: text.text.clone() });
        }
        Group::of(uris, &sources)
    }

    fn of(mut uris: Vec<String>, sources: &[Source]) -> Group {
        let understood = understand(sources, &Library::default());
        let all = &understood.compiled.sources;
        uris.extend(all.iter().skip(uris.len()).map(|(_, file)| format!("{SHIPPED}{}", file.name)));
        let texts = all.iter().map(|(_, file)| Text::new(&file.text)).collect();
        let index = Index::new(&understood);
        Group { understood, index, uris, texts }
    }

    /// The same files after edits, compiled anew.
    pub fn edited(&self, edits: &[Edit]) -> Group {
        let given = self.uris.iter().take_while(|uri| !uri.starts_with(SHIPPED)).count();
        let mut sources = Vec::new();
        for (id, file) in self.understood.compiled.sources.iter().take(given) {
            let mut here: Vec<&Edit> = edits.iter().filter(|e| e.loc.file == id).collect();
            here.sort_by_key(|e| std::cmp::Reverse(e.loc.start));
            let mut text = file.text.to_string();
            for edit in here {
                text.replace_range(edit.loc.start as usize..edit.loc.end as usize, &edit.text);
            }
            sources.push(Source { name: file.name.clone(), text: text.into() });
        }
        Group::of(self.uris[..given].to_vec(), &sources)
    }

    pub fn file(&self, uri: &str) -> Option<FileId> {
        self.uris.iter().position(|u| u == uri).map(|i| FileId(i as u16))
    }

    pub fn uri(&self, file: FileId) -> &str {
        &self.uris[usize::from(file.0)]
    }

    pub fn is_shipped(&self, file: FileId) -> bool {
        self.uri(file).starts_with(SHIPPED)
    }

    pub fn text(&self, file: FileId) -> &Text {
        &self.texts[usize::from(file.0)]
    }

    /// A document with the byte that a request is about.
    pub fn place(&self, params: &Value, encoding: Encoding) -> Option<(FileId, usize)> {
        let file = self.file(params["textDocument"]["uri"].as_str()?)?;
        Some((file, self.text(file).offset(&params["position"], encoding)))
    }

    pub fn range(&self, loc: Loc, encoding: Encoding) -> Value {
        self.text(loc.file).range(bytes(loc), encoding)
    }

    pub fn location(&self, loc: Loc, encoding: Encoding) -> Value {
        json!({"uri": self.uri(loc.file), "range": self.range(loc, encoding)})
    }

    /// The words of a place.
    pub fn words(&self, loc: Loc) -> &str {
        self.text(loc.file).text.get(bytes(loc)).unwrap_or("")
    }

    /// What is wrong in a document, in the form of the protocol.
    pub fn diagnostics(&self, uri: &str, encoding: Encoding) -> Value {
        let Some(file) = self.file(uri) else { return json!([]) };
        let here = self.understood.compiled.diagnostics.iter().filter(|d| d.loc().file == file);
        here.map(|d| self.diagnostic(d, encoding)).collect()
    }

    pub fn diagnostic(&self, d: &Diagnostic, encoding: Encoding) -> Value {
        let mut message = d.message.clone();
        let label = &d.labels[0].message;
        if !label.is_empty() {
            message.push_str(&format!(": {label}"));
        }
        let more = d.notes.iter().map(|n| format!("note: {n}")).chain(d.helps.iter().map(|h| format!("help: {}", h.message)));
        for line in more {
            message.push('\n');
            message.push_str(&line);
        }
        let related: Vec<Value> =
            d.labels[1..].iter().map(|l| json!({"location": self.location(l.loc, encoding), "message": l.message})).collect();
        let mut out = json!({
            "range": self.range(d.loc(), encoding),
            "severity": if d.is_error() { 1 } else { 2 },
            "code": d.code.0,
            "source": "vitalog",
            "message": message,
        });
        if !related.is_empty() {
            out["relatedInformation"] = json!(related);
        }
        // What is not used may be shown faded.
        if ["W0004", "W0005"].contains(&d.code.0) {
            out["tags"] = json!([1]);
        }
        out
    }

    /// Edits as the protocol has them, by document.
    pub fn workspace_edit<'e>(&self, edits: impl Iterator<Item = &'e Edit>, encoding: Encoding) -> Value {
        let mut changes = json!({});
        for edit in edits {
            let list = &mut changes[self.uri(edit.loc.file)];
            if list.is_null() {
                *list = json!([]);
            }
            if let Some(list) = list.as_array_mut() {
                list.push(json!({"range": self.range(edit.loc, encoding), "newText": edit.text}));
            }
        }
        json!({"changes": changes})
    }
}

impl From<&Fix> for Edit {
    fn from(fix: &Fix) -> Edit {
        Edit { loc: fix.loc, text: fix.text.clone() }
    }
}

pub fn bytes(loc: Loc) -> Range<usize> {
    loc.start as usize..loc.end as usize
}
