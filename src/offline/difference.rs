//! Two libraries over the same readings: what only one of them finds, and what they say otherwise of the same thing.
//!
//! Findings of one rule about one subject belong together if they begin at the same instant, or else, in order, if they overlap.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Map, Value, json};
use vitalog_elog::{Finding, Subject};
use vitalog_rules::why::finding_json;

use super::measures::is_told;
use crate::output::{aligned, grouped};

/// What became of the findings of one rule.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Count {
    only_old: usize,
    only_new: usize,
    same: usize,
    changed: usize,
}

/// One finding that the two do not agree about.
enum Difference {
    OnlyOld(Finding),
    OnlyNew(Finding),
    Changed(Box<(Finding, Finding)>, Vec<What>),
}

/// A field in which two findings differ.
struct What {
    field: &'static str,
    old: String,
    new: String,
}

/// All differences, and how many findings of each rule they agree about.
pub struct Comparison {
    rows: BTreeMap<Arc<str>, Count>,
    /// By subject, rule and onset.
    differences: Vec<Difference>,
}

impl Comparison {
    /// Of what the old and the new rules found.
    pub fn of(old: Vec<Finding>, new: Vec<Finding>) -> Comparison {
        let mut groups: BTreeMap<(Subject, Arc<str>), [Vec<Finding>; 2]> = BTreeMap::new();
        for (side, findings) in [old, new].into_iter().enumerate() {
            for finding in findings {
                let group = groups.entry((finding.subject.clone(), finding.rule.clone())).or_default();
                group[side].push(finding);
            }
        }
        let mut comparison = Comparison { rows: BTreeMap::new(), differences: Vec::new() };
        for ((_, rule), [old, new]) in groups {
            let count = comparison.rows.entry(rule).or_default();
            let mut found = Vec::new();
            for pair in paired(old, new) {
                count.note(&pair);
                found.extend(pair.difference());
            }
            found.sort_by_key(|d| (d.finding().onset, d.finding().at));
            comparison.differences.append(&mut found);
        }
        comparison
    }

    /// A table with a row for each rule, then a line for each difference.
    pub fn text(&self) -> String {
        let mut lines = vec![["rule", "only old", "only new", "both the same", "both, changed"].map(str::to_owned)];
        let row = |name: &str, count: &Count| {
            let numbers = [count.only_old, count.only_new, count.same, count.changed].map(|n| grouped(n as u64));
            let [only_old, only_new, same, changed] = numbers;
            [name.to_owned(), only_old, only_new, same, changed]
        };
        lines.extend(self.rows.iter().map(|(rule, count)| row(rule, count)));
        lines.push(row("all", &self.all()));
        let mut out = aligned(&lines);
        if !self.differences.is_empty() {
            out.push('\n');
        }
        for difference in &self.differences {
            out.push_str(&difference.line());
            out.push('\n');
        }
        out
    }

    /// One object for each rule, one for all, then one for each difference.
    pub fn json(&self) -> Vec<Value> {
        let row = |count: &Count| json!({"only_old": count.only_old, "only_new": count.only_new, "same": count.same, "changed": count.changed});
        let rows = self.rows.iter().map(|(rule, count)| {
            let mut row = row(count);
            row["rule"] = json!(&**rule);
            row
        });
        rows.chain([row(&self.all())]).chain(self.differences.iter().map(Difference::json)).collect()
    }

    fn all(&self) -> Count {
        let mut all = Count::default();
        for count in self.rows.values() {
            all.only_old += count.only_old;
            all.only_new += count.only_new;
            all.same += count.same;
            all.changed += count.changed;
        }
        all
    }
}

/// What belongs together; at least one of the two is there.
struct Pair {
    old: Option<Finding>,
    new: Option<Finding>,
    what: Vec<What>,
}

/// Both lists are of one rule and subject.
fn paired(mut old: Vec<Finding>, mut new: Vec<Finding>) -> Vec<Pair> {
    let order = |f: &Finding| (f.onset, f.at);
    old.sort_by_key(order);
    new.sort_by_key(order);
    let mut pairs = Vec::new();
    let alike: [fn(&Finding, &Finding) -> bool; 2] = [|a, b| a.onset == b.onset, overlap];
    for alike in alike {
        for was in std::mem::take(&mut old) {
            match new.iter().position(|now| alike(&was, now)) {
                Some(i) => {
                    let now = new.remove(i);
                    pairs.push(Pair { what: differing(&was, &now), old: Some(was), new: Some(now) });
                }
                None => old.push(was),
            }
        }
    }
    pairs.extend(old.into_iter().map(|f| Pair { old: Some(f), new: None, what: Vec::new() }));
    pairs.extend(new.into_iter().map(|f| Pair { old: None, new: Some(f), what: Vec::new() }));
    pairs
}

fn overlap(a: &Finding, b: &Finding) -> bool {
    let before_end = |f: &Finding, of: &Finding| match of.end {
        None if of.kind.is_point() => f.onset <= of.at,
        None => true,
        Some(end) if of.kind.is_point() => f.onset <= end.max(of.at),
        Some(end) => f.onset < end,
    };
    before_end(a, b) && before_end(b, a)
}

fn differing(old: &Finding, new: &Finding) -> Vec<What> {
    let end = |f: &Finding| f.end.map_or_else(|| "none".to_owned(), |t| t.to_string());
    let told = |f: &Finding| if is_told(f) { "told" } else { "not told" }.to_owned();
    let wordings = |f: &Finding| f.wordings.iter().map(|w| format!("{}: {}", w.to, w.text)).collect::<Vec<_>>().join("; ");
    type Says<'f> = &'f dyn Fn(&Finding) -> String;
    let fields: [(&'static str, Says<'_>); 8] = [
        ("severity", &|f| f.severity.to_string()),
        ("onset", &|f| f.onset.to_string()),
        ("at", &|f| f.at.to_string()),
        ("end", &end),
        ("state", &|f| f.state.to_string()),
        ("text", &|f| f.text.to_string()),
        ("wordings", &wordings),
        ("told", &told),
    ];
    let compared = fields.into_iter().map(|(field, says)| What { field, old: says(old), new: says(new) });
    compared.filter(|what| what.old != what.new).collect()
}

impl Count {
    fn note(&mut self, pair: &Pair) {
        let counted = match (&pair.old, &pair.new) {
            (Some(_), Some(_)) if pair.what.is_empty() => &mut self.same,
            (Some(_), Some(_)) => &mut self.changed,
            (Some(_), None) => &mut self.only_old,
            (None, _) => &mut self.only_new,
        };
        *counted += 1;
    }
}

impl Pair {
    fn difference(self) -> Option<Difference> {
        match (self.old, self.new) {
            (Some(old), Some(new)) if !self.what.is_empty() => Some(Difference::Changed(Box::new((old, new)), self.what)),
            (Some(old), None) => Some(Difference::OnlyOld(old)),
            (None, Some(new)) => Some(Difference::OnlyNew(new)),
            _ => None,
        }
    }
}

impl Difference {
    /// The old one, where there are two.
    fn finding(&self) -> &Finding {
        match self {
            Difference::OnlyOld(finding) | Difference::OnlyNew(finding) => finding,
            Difference::Changed(both, _) => &both.0,
        }
    }

    fn line(&self) -> String {
        let f = self.finding();
        let place = format!("{}  {}  {}", f.subject, f.rule, f.onset);
        let alone = |which: &str| {
            let end = f.end.map_or_else(String::new, |t| format!(" to {t}"));
            format!("{place}  only {which}: {} {}{end}  at {}  {}", f.state, f.severity, f.at, f.text)
        };
        match self {
            Difference::OnlyOld(_) => alone("old"),
            Difference::OnlyNew(_) => alone("new"),
            Difference::Changed(_, what) => {
                let said: Vec<String> = what.iter().map(What::text).collect();
                format!("{place}  changed: {}", said.join("; "))
            }
        }
    }

    fn json(&self) -> Value {
        let f = self.finding();
        let mut out = json!({"rule": &*f.rule, "subject": f.subject.as_str(), "onset": f.onset.to_string()});
        let (name, old, new) = match self {
            Difference::OnlyOld(old) => ("only_old", Some(old), None),
            Difference::OnlyNew(new) => ("only_new", None, Some(new)),
            Difference::Changed(both, what) => {
                let fields = what.iter().map(|w| (w.field.to_owned(), json!({"old": w.old, "new": w.new})));
                out["what"] = Value::Object(fields.collect::<Map<_, _>>());
                ("changed", Some(&both.0), Some(&both.1))
            }
        };
        out["difference"] = json!(name);
        out["old"] = old.map_or(Value::Null, finding_json);
        out["new"] = new.map_or(Value::Null, finding_json);
        out
    }
}

impl What {
    fn text(&self) -> String {
        if ["text", "wordings"].contains(&self.field) {
            return format!("{} {:?} is now {:?}", self.field, self.old, self.new);
        }
        format!("{} {} is now {}", self.field, self.old, self.new)
    }
}
