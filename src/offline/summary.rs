//! What a history's findings come to: a row for each rule, how often it would have spoken, and what became of that.
//!
//! A rate is by subject and day: what a person would have heard of one rule in a day. Days are those (in UTC) on which the subject has a reading, its own or one that is seen under it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde_json::{Value, json};
use vitalog_elog::{Finding, Quiet, Severity, Subject};

use super::backtest::Outcome;
use super::measures::{Followed, Lead, Measuring, is_told, of_rule};
use crate::output::{aligned, grouped};

/// One rule's findings. Told are those that are not quiet and that a policy tells of; what only other rules look at is told to nobody.
#[derive(Default)]
struct Row {
    findings: usize,
    told: usize,
    /// Those that would have been told, were the rule not on trial.
    shadow: usize,
    subjects: BTreeSet<Subject>,
    by_severity: BTreeMap<Severity, usize>,
    followed: Followed,
    /// `None` for a rule that has nothing worse to warn of.
    lead: Option<Lead>,
}

/// All rules that found something, by name.
pub struct Summary {
    rows: BTreeMap<Arc<str>, Row>,
    subjects: usize,
    days: usize,
}

impl Summary {
    /// `graded`: whether a rule can become graver.
    pub fn of(outcome: &Outcome, measuring: &Measuring, graded: impl Fn(&str) -> bool) -> Summary {
        let mut rows: BTreeMap<Arc<str>, Row> = BTreeMap::new();
        let worse = measuring.lead_to.as_ref().map(|rule| of_rule(outcome, rule)).unwrap_or_default();
        for finding in &outcome.findings {
            let row = rows.entry(finding.rule.clone()).or_default();
            row.add(finding);
            if is_told(finding) {
                row.followed.note(finding, &outcome.acts, outcome.now);
            }
            if measuring.lead_to.as_ref().is_some_and(|rule| *rule != finding.rule) {
                let worse = worse.get(&finding.subject).map_or(&[][..], Vec::as_slice);
                row.lead.get_or_insert_default().warning(finding, worse, measuring, outcome.now);
            } else if graded(&finding.rule) {
                row.lead.get_or_insert_default().rise(finding, outcome.rises.get(&finding.id).copied());
            }
        }
        Summary { rows, subjects: outcome.days.len(), days: outcome.subject_days() }
    }

    /// A table for people.
    pub fn table(&self) -> String {
        let head = ["rule", "findings", "told", "subjects", "told a subject and day", "followed", "worse after", "severities"];
        let mut lines = vec![head.map(str::to_owned)];
        for (rule, row) in &self.rows {
            let mut severities: Vec<String> = row.by_severity.iter().rev().map(|(s, n)| format!("{n} {s}")).collect();
            if row.shadow > 0 {
                severities.push(format!("{} told but for its trial", row.shadow));
            }
            lines.push([
                rule.to_string(),
                grouped(row.findings as u64),
                grouped(row.told as u64),
                row.subjects.len().to_string(),
                self.rate(row.told),
                row.followed.text(),
                row.lead.as_ref().map_or_else(|| "-".to_owned(), Lead::text),
                severities.join(", "),
            ]);
        }
        let (findings, told, followed) = self.sums();
        let all = format!("{} subjects, {} days of theirs", self.subjects, grouped(self.days as u64));
        lines.push([
            "all".to_owned(),
            grouped(findings as u64),
            grouped(told as u64),
            self.subjects.to_string(),
            self.rate(told),
            followed.text(),
            String::new(),
            all,
        ]);
        aligned(&lines)
    }

    /// One object for each rule, and one for all.
    pub fn json(&self) -> Vec<Value> {
        let (findings, told, followed) = self.sums();
        let all = json!({"subjects": self.subjects, "subject_days": self.days, "findings": findings, "told": told,
            "told_per_subject_day": self.per_day(told), "followed": followed.json()});
        let row = |(rule, row): (&Arc<str>, &Row)| {
            let severities: BTreeMap<&str, usize> = row.by_severity.iter().map(|(s, n)| (s.name(), *n)).collect();
            json!({"rule": &**rule, "findings": row.findings, "told": row.told, "shadow": row.shadow, "subjects": row.subjects.len(),
                "told_per_subject_day": self.per_day(row.told), "severities": severities, "followed": row.followed.json(),
                "lead": row.lead.as_ref().map(Lead::json)})
        };
        self.rows.iter().map(row).chain([all]).collect()
    }

    fn sums(&self) -> (usize, usize, Followed) {
        let mut followed = Followed::default();
        self.rows.values().for_each(|row| followed.add(row.followed));
        let sum = |of: fn(&Row) -> usize| self.rows.values().map(of).sum();
        (sum(|row| row.findings), sum(|row| row.told), followed)
    }

    fn per_day(&self, told: usize) -> f64 {
        told as f64 / self.days.max(1) as f64
    }

    fn rate(&self, told: usize) -> String {
        format!("{:.3}", self.per_day(told))
    }
}

impl Row {
    fn add(&mut self, finding: &Finding) {
        self.findings += 1;
        self.told += usize::from(is_told(finding));
        self.shadow += usize::from(finding.quiet == Some(Quiet::Shadow) && finding.notify.is_some());
        self.subjects.insert(finding.subject.clone());
        *self.by_severity.entry(finding.severity).or_default() += 1;
    }
}
