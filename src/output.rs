//! Findings and summaries as lines: for people, or one JSON object per line.

use vitalog_elog::Finding;

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
