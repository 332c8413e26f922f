//! A diagnostic as one line of JSON, for programs.

use serde_json::{Value, json};

use super::Diagnostic;
use crate::source::{Loc, Sources};

impl Diagnostic {
    /// `{"code":…,"severity":…,"message":…,"file":…,"line":…,"column":…,"labels":[…],"notes":[…],"help":[…]}`; lines and columns count from 1,
    /// `start` and `end` are bytes.
    pub fn to_json(&self, sources: &Sources) -> String {
        let first = place(self.loc(), sources);
        let mut out = json!({
            "code": self.code.0,
            "severity": self.level().name(),
            "message": self.message,
            "labels": self.labels.iter().enumerate().map(|(i, label)| {
                let mut value = place(label.loc, sources);
                value["primary"] = json!(i == 0);
                value["message"] = json!(label.message);
                value
            }).collect::<Vec<_>>(),
            "notes": self.notes,
            "help": self.helps.iter().map(|help| {
                let mut value = json!({ "message": help.message });
                if let Some(fix) = &help.fix {
                    value["replace"] = place(fix.loc, sources);
                    value["replace"]["with"] = json!(fix.text);
                }
                value
            }).collect::<Vec<_>>(),
        });
        for key in ["file", "line", "column", "end_line", "end_column"] {
            out[key] = first[key].clone();
        }
        out.to_string()
    }
}

fn place(loc: Loc, sources: &Sources) -> Value {
    let (start, end) = (sources.start(loc), sources.end(loc));
    json!({
        "file": &*sources.get(loc.file).name,
        "line": start.line,
        "column": start.column,
        "end_line": end.line,
        "end_column": end.column,
        "start": loc.start,
        "end": loc.end,
    })
}
