//! The documents: what is open, what lies on disk, and what changes them.

use serde_json::{Value, json};

use super::Server;
use super::group::Group;
use super::text::Text;

/// A rule file that the session knows.
#[derive(Debug, Default)]
pub struct File {
    /// As the editor has it.
    pub open: Option<Text>,
    pub version: Value,
    /// As it lies on disk.
    pub disk: Option<Text>,
}

impl File {
    pub fn text(&self) -> Option<&Text> {
        self.open.as_ref().or(self.disk.as_ref())
    }
}

/// The folder of a document: its files are compiled together.
pub fn folder(uri: &str) -> &str {
    uri.rfind('/').map_or(uri, |i| &uri[..i])
}

/// What `use` calls a document.
pub fn file_name(uri: &str) -> String {
    decoded(uri.rsplit(['/', ':']).next().unwrap_or(uri))
}

/// The path of a `file:` URI on this machine.
pub fn path_of(uri: &str) -> Option<String> {
    let rest = uri.strip_prefix("file://")?;
    // An authority other than this machine's is none of ours.
    let path = decoded(&rest[rest.find('/').filter(|i| *i == 0 || rest.starts_with("localhost/"))?..]);
    // `/c:/rules` is a path of Windows.
    let drive = path.as_bytes().get(2) == Some(&b':') && path.as_bytes().get(1).is_some_and(u8::is_ascii_alphabetic);
    Some(if drive { path[1..].to_owned() } else { path })
}

/// The URI of another file in a document's folder.
pub fn sibling(uri: &str, name: &str) -> String {
    let mut out = format!("{}/", folder(uri));
    for byte in name.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => out.push(char::from(byte)),
            _ => out.push_str(&format!("%{byte:02X}")),
        }
    }
    out
}

/// With `%20` and its like resolved.
fn decoded(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let code = text.get(at + 1..at + 3).and_then(|hex| u8::from_str_radix(hex, 16).ok());
        match code.filter(|_| bytes[at] == b'%') {
            Some(byte) => {
                out.push(byte);
                at += 3;
            }
            None => {
                out.push(bytes[at]);
                at += 1;
            }
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

impl Server {
    pub(super) fn opened(&mut self, params: &Value) -> Vec<Value> {
        let document = &params["textDocument"];
        let (Some(uri), Some(text)) = (document["uri"].as_str(), document["text"].as_str()) else { return Vec::new() };
        let file = self.files.entry(uri.to_owned()).or_default();
        file.open = Some(Text::new(text));
        file.version = document["version"].clone();
        self.forget(uri);
        self.publish()
    }

    pub(super) fn changed(&mut self, params: &Value) -> Vec<Value> {
        let document = &params["textDocument"];
        let Some(uri) = document["uri"].as_str() else { return Vec::new() };
        let encoding = self.encoding;
        let Some(file) = self.files.get_mut(uri) else { return Vec::new() };
        let Some(mut text) = file.open.take() else { return Vec::new() };
        for change in params["contentChanges"].as_array().into_iter().flatten() {
            text = text.changed(change, encoding);
        }
        file.open = Some(text);
        file.version = document["version"].clone();
        self.forget(uri);
        self.publish()
    }

    pub(super) fn closed(&mut self, params: &Value) -> Vec<Value> {
        let Some(uri) = params["textDocument"]["uri"].as_str() else { return Vec::new() };
        if let Some(file) = self.files.get_mut(uri) {
            file.open = None;
            if file.disk.is_none() {
                self.files.remove(uri);
            }
        }
        self.forget(uri);
        let mut out = self.publish();
        if self.told.remove(uri).is_some_and(|told| told != json!([])) {
            out.push(publication(uri, &Value::Null, &json!([])));
        }
        out
    }

    pub(super) fn set_disk(&mut self, uri: &str, text: Option<&str>) {
        let file = self.files.entry(uri.to_owned()).or_default();
        file.disk = text.map(Text::new);
        if file.text().is_none() {
            self.files.remove(uri);
        }
        self.forget(uri);
    }

    /// What was known of a document's folder does not hold any more.
    fn forget(&mut self, uri: &str) {
        self.groups.remove(folder(uri));
    }

    /// What the compiler knows of a document's folder.
    pub(super) fn group(&mut self, uri: &str) -> &Group {
        let folder = folder(uri);
        let files = &self.files;
        self.groups.entry(folder.to_owned()).or_insert_with(|| {
            let inside = files.iter().filter(|(uri, _)| self::folder(uri) == folder);
            Group::new(inside.filter_map(|(uri, file)| Some((uri.as_str(), file.text()?))))
        })
    }

    /// Tells the editor what has changed in the diagnostics of open documents.
    pub(super) fn publish(&mut self) -> Vec<Value> {
        // Nothing has changed in a folder that is still known.
        let stale = |uri: &String| !self.groups.contains_key(folder(uri)) || !self.told.contains_key(uri);
        let open = self.files.iter().filter(|(_, f)| f.open.is_some()).map(|(uri, _)| uri);
        let open: Vec<String> = open.filter(|uri| stale(uri)).cloned().collect();
        let mut out = Vec::new();
        for uri in open {
            let encoding = self.encoding;
            let found = self.group(&uri).diagnostics(&uri, encoding);
            if self.told.get(&uri) != Some(&found) {
                let version = self.files.get(&uri).map_or(Value::Null, |f| f.version.clone());
                out.push(publication(&uri, &version, &found));
                self.told.insert(uri, found);
            }
        }
        out
    }
}

fn publication(uri: &str, version: &Value, diagnostics: &Value) -> Value {
    let mut params = json!({"uri": uri, "diagnostics": diagnostics});
    if version.is_number() {
        params["version"] = version.clone();
    }
    json!({"jsonrpc": "2.0", "method": "textDocument/publishDiagnostics", "params": params})
}
