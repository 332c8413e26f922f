//! What rules found in a history, counted: by rule, severity and subject, and how often that is for a subject on a day.
//!
//! The hundredth false alarm gets a system switched off; this is the table in which one sees it coming. A *subject-day* is a day (UTC) on which a subject has a
//! reading, be it its own or one that is seen under it: days without any are not counted, so that holes in the data do not flatter a rule.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde_json::{Value, json};
use vitalog_cep::plan::Library;
use vitalog_elog::{Finding, Reading, Severity, Subject};

use crate::output::grouped;

/// In the order of the table's columns.
const SEVERITIES: [Severity; 5] = [Severity::Info, Severity::Advisory, Severity::Warning, Severity::Urgent, Severity::Critical];

/// On which days there is something of whom.
#[derive(Default)]
pub struct Days(BTreeMap<Subject, BTreeSet<i64>>);

/// The counts of one rule, or of all.
#[derive(Default)]
struct Counts {
    findings: u64,
    /// Of these, those that were told to nobody.
    quiet: u64,
    by_severity: [u64; SEVERITIES.len()],
    subjects: BTreeSet<Subject>,
}

/// All counts of a history.
pub struct Summary {
    rules: BTreeMap<Arc<str>, Counts>,
    all: Counts,
    readings: usize,
    subjects: usize,
    subject_days: usize,
}

impl Days {
    pub fn of(readings: &[Reading], library: &Library) -> Days {
        let mut days = Days::default();
        for reading in readings {
            let Some(content) = &reading.content else { continue };
            let at = content.when.instant().unwrap_or_else(|| content.when.start());
            let day = at.0.div_euclid(86_400_000_000);
            for subject in content.further_subjects(&library.schema).iter().chain([&reading.subject]) {
                match days.0.get_mut(subject) {
                    Some(of_subject) => drop(of_subject.insert(day)),
                    None => drop(days.0.insert(subject.clone(), BTreeSet::from([day]))),
                }
            }
        }
        days
    }

    /// Leaves out all others.
    pub fn only(&mut self, subject: &Subject) {
        self.0.retain(|s, _| s == subject);
    }
}

impl Counts {
    fn add(&mut self, finding: &Finding) {
        self.findings += 1;
        self.quiet += u64::from(finding.quiet.is_some());
        for (count, severity) in self.by_severity.iter_mut().zip(SEVERITIES) {
            *count += u64::from(finding.severity == severity);
        }
        self.subjects.insert(finding.subject.clone());
    }

    fn per_day(&self, days: usize) -> f64 {
        if days == 0 { 0.0 } else { self.findings as f64 / days as f64 }
    }
}

impl Summary {
    /// Counts findings; a rule of the library that found nothing is counted with 0.
    pub fn of(findings: &[Finding], library: &Library, readings: usize, days: &Days) -> Summary {
        let mut rules: BTreeMap<Arc<str>, Counts> = BTreeMap::new();
        for rule in &library.rules {
            rules.entry(rule.name.clone()).or_default();
        }
        let mut all = Counts::default();
        for finding in findings {
            rules.entry(finding.rule.clone()).or_default().add(finding);
            all.add(finding);
        }
        Summary { rules, all, readings, subjects: days.0.len(), subject_days: days.0.values().map(BTreeSet::len).sum() }
    }

    /// A table for people.
    pub fn table(&self) -> String {
        let width = self.rules.keys().map(|name| name.len()).max().unwrap_or_default().max(4);
        let mut out = format!("{:<width$}  findings   quiet  subjects  per subject-day", "rule");
        for severity in SEVERITIES {
            out.push_str(&format!("  {:>8}", severity.name()));
        }
        out.push('\n');
        let total = (&Arc::from("all"), &self.all);
        for (name, counts) in self.rules.iter().chain([total]) {
            out.push_str(&format!(
                "{name:<width$}  {:>8}  {:>6}  {:>8}  {:>15.3}",
                grouped(counts.findings),
                grouped(counts.quiet),
                counts.subjects.len(),
                counts.per_day(self.subject_days)
            ));
            for count in counts.by_severity {
                out.push_str(&format!("  {:>8}", grouped(count)));
            }
            out.push('\n');
        }
        out.push_str(&format!(
            "{} readings of {} subjects on {} subject-days\n",
            grouped(self.readings as u64),
            grouped(self.subjects as u64),
            grouped(self.subject_days as u64)
        ));
        out
    }

    /// The same, one object for each rule, and one for all.
    pub fn json(&self) -> Vec<Value> {
        let row = |counts: &Counts| {
            let severities = SEVERITIES.iter().zip(counts.by_severity);
            json!({
                "findings": counts.findings, "quiet": counts.quiet, "subjects": counts.subjects.len(),
                "per_subject_day": counts.per_day(self.subject_days),
                "by_severity": severities.map(|(s, n)| (s.name().to_owned(), n.into())).collect::<serde_json::Map<_, Value>>(),
            })
        };
        let mut lines = Vec::new();
        for (name, counts) in &self.rules {
            let mut line = row(counts);
            line["rule"] = json!(&**name);
            lines.push(line);
        }
        let mut total = row(&self.all);
        total["total"] = json!(true);
        total["readings"] = json!(self.readings);
        total["of_subjects"] = json!(self.subjects);
        total["subject_days"] = json!(self.subject_days);
        lines.push(total);
        lines
    }
}
