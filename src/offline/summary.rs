//! What a history's findings come to: a row for each rule, and how often it would have spoken.
//!
//! A rate is by subject and day: what a person would have heard of one rule in a day. Days are those (in UTC) on which the subject has a reading, its own or one that is seen under it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde_json::{Value, json};
use vitalog_elog::{Finding, Severity, Subject};

use super::backtest::Outcome;
use crate::output::grouped;

/// One rule's findings. Told are those that are not quiet and that a policy tells of; what only other rules look at is told to nobody.
#[derive(Default)]
struct Row {
    findings: usize,
    told: usize,
    subjects: BTreeSet<Subject>,
    by_severity: BTreeMap<Severity, usize>,
}

/// All rules that found something, by name.
pub struct Summary {
    rows: BTreeMap<Arc<str>, Row>,
    subjects: usize,
    days: usize,
}

impl Summary {
    pub fn of(outcome: &Outcome) -> Summary {
        let mut rows: BTreeMap<Arc<str>, Row> = BTreeMap::new();
        for finding in &outcome.findings {
            rows.entry(finding.rule.clone()).or_default().add(finding);
        }
        Summary { rows, subjects: outcome.days.len(), days: outcome.subject_days() }
    }

    /// A table for people.
    pub fn table(&self) -> String {
        let mut lines = vec![["rule", "findings", "told", "subjects", "told a subject and day", "severities"].map(str::to_owned)];
        for (rule, row) in &self.rows {
            let severities: Vec<String> = row.by_severity.iter().rev().map(|(s, n)| format!("{n} {s}")).collect();
            lines.push([
                rule.to_string(),
                grouped(row.findings as u64),
                grouped(row.told as u64),
                row.subjects.len().to_string(),
                self.rate(row.told),
                severities.join(", "),
            ]);
        }
        let (findings, told) = self.sums();
        let all = format!("{} subjects, {} days of theirs", self.subjects, grouped(self.days as u64));
        lines.push([
            "all".to_owned(),
            grouped(findings as u64),
            grouped(told as u64),
            self.subjects.to_string(),
            self.rate(told),
            all,
        ]);
        aligned(&lines)
    }

    /// One object for each rule, and one for all.
    pub fn json(&self) -> Vec<Value> {
        let (findings, told) = self.sums();
        let all = json!({"subjects": self.subjects, "subject_days": self.days, "findings": findings, "told": told});
        let row = |(rule, row): (&Arc<str>, &Row)| {
            let severities: BTreeMap<&str, usize> = row.by_severity.iter().map(|(s, n)| (s.name(), *n)).collect();
            json!({"rule": &**rule, "findings": row.findings, "told": row.told, "subjects": row.subjects.len(), "severities": severities})
        };
        self.rows.iter().map(row).chain([all]).collect()
    }

    fn sums(&self) -> (usize, usize) {
        self.rows.values().fold((0, 0), |(all, told), row| (all + row.findings, told + row.told))
    }

    fn rate(&self, told: usize) -> String {
        format!("{:.3}", told as f64 / self.days.max(1) as f64)
    }
}

impl Row {
    fn add(&mut self, finding: &Finding) {
        self.findings += 1;
        self.told += usize::from(finding.quiet.is_none() && finding.notify.is_some());
        self.subjects.insert(finding.subject.clone());
        *self.by_severity.entry(finding.severity).or_default() += 1;
    }
}

/// Columns as wide as their widest cell; numbers to the right.
fn aligned(lines: &[[String; 6]]) -> String {
    let width = |column: usize| lines.iter().map(|line| line[column].len()).max().unwrap_or(0);
    let widths: [usize; 6] = std::array::from_fn(width);
    let shown = lines.iter().map(|line| {
        let cells = line.iter().enumerate().map(|(i, cell)| match i {
            0 => format!("{cell:<0$}", widths[i]),
            5 => cell.clone(),
            _ => format!("{cell:>0$}", widths[i]),
        });
        cells.collect::<Vec<_>>().join("  ").trim_end().to_owned() + "\n"
    });
    shown.collect()
}
