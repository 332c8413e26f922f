//! Where a name is declared, and where it is used.

use serde_json::{Value, json};

use super::Server;

impl Server {
    pub(super) fn definition(&mut self, params: &Value) -> Value {
        let encoding = self.encoding;
        let group = self.group(params["textDocument"]["uri"].as_str().unwrap_or(""));
        let Some((file, offset)) = group.place(params, encoding) else { return Value::Null };
        let Some(it) = group.index.at(file, offset) else { return Value::Null };
        if let super::index::Symbol::Pack(name) = &it.symbol {
            let start = json!({"line": 0, "character": 0});
            let wanted = format!("{name}.rules");
            let found = group.understood.compiled.sources.iter().find(|(_, f)| f.name.ends_with(&*wanted));
            return found.map_or(Value::Null, |(id, _)| json!({"uri": group.uri(id), "range": {"start": start, "end": start}}));
        }
        let places: Vec<Value> =
            group.index.of(&it.symbol).filter(|o| o.declares).map(|o| group.location(o.loc, encoding)).collect();
        if places.is_empty() { Value::Null } else { json!(places) }
    }

    pub(super) fn references(&mut self, params: &Value) -> Value {
        let encoding = self.encoding;
        let declared = params["context"]["includeDeclaration"].as_bool().unwrap_or(true);
        let group = self.group(params["textDocument"]["uri"].as_str().unwrap_or(""));
        let Some((file, offset)) = group.place(params, encoding) else { return json!([]) };
        let Some(it) = group.index.at(file, offset) else { return json!([]) };
        let wanted = group.index.of(&it.symbol).filter(|o| declared || !o.declares);
        wanted.map(|o| group.location(o.loc, encoding)).collect()
    }

    pub(super) fn highlights(&mut self, params: &Value) -> Value {
        let encoding = self.encoding;
        let group = self.group(params["textDocument"]["uri"].as_str().unwrap_or(""));
        let Some((file, offset)) = group.place(params, encoding) else { return json!([]) };
        let Some(it) = group.index.at(file, offset) else { return json!([]) };
        let here = group.index.of(&it.symbol).filter(|o| o.loc.file == file);
        here.map(|o| json!({"range": group.range(o.loc, encoding), "kind": if o.declares { 3 } else { 2 }})).collect()
    }
}
