//! Findings and summaries as lines: for people, or one JSON object per line.

use serde_json::{Value, json};
use vitalog_elog::Finding;

/// One finding as a JSON object with stable names.
pub fn finding_json(f: &Finding) -> Value {
    json!({
        "id": f.id.to_string(),
        "rule": &*f.rule,
        "subject": f.subject.as_str(),
        "kind": f.kind.name(),
        "state": f.state.name(),
        "severity": f.severity.name(),
        "onset": f.onset.to_string(),
        "at": f.at.to_string(),
        "end": f.end.map(|t| t.to_string()),
        "resolved_at": f.resolved_at.map(|t| t.to_string()),
        "evidence": f.evidence.iter().map(ToString::to_string).collect::<Vec<_>>(),
        "quiet": f.quiet,
        "text": &*f.text,
        "wordings": f.wordings.iter().map(|w| json!({"to": &*w.to, "text": &*w.text})).collect::<Vec<_>>(),
    })
}

/// One finding as a line for people.
pub fn finding_line(f: &Finding) -> String {
    let end = f.end.map_or_else(String::new, |t| format!(" to {t}"));
    format!("{}  {}  {:<8} {:<8} {}{end}  at {}  {}", f.subject, f.rule, f.state, f.severity, f.onset, f.at, f.text)
}

/// A whole number with a space between thousands.
pub fn grouped(n: u64) -> String {
    let digits = n.to_string();
    let mut out = String::new();
    for (i, c) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(' ');
        }
        out.push(c);
    }
    out
}
