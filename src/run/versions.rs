//! Every version of the rule files that was ever in force: since when, by whom, and in what it differs from the one before.
//!
//! Made from the journal's rule changes, and kept in snapshots, so that a start need not read the journal for it. A text that several versions share is kept once.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use vitalog_cep::plan::Library;
use vitalog_elog::Time;
use vitalog_elog::input::{RuleChange, RuleFile};

/// All of them, the oldest first.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Versions {
    texts: Vec<Arc<str>>,
    list: Vec<Version>,
}

/// One of them. Its number is its place, counted from 1.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Version {
    /// Where it stands in the journal.
    pub offset: u64,
    /// When it was accepted.
    pub accepted: Time,
    /// From which instant on it holds; [`Time::MIN`] for always.
    pub effective: Time,
    /// Who put it in force; `None`: it came from the server's own files.
    pub by: Option<Arc<str>>,
    /// Names, and the places of their texts.
    files: Vec<(Arc<str>, u32)>,
    rules: Vec<Mark>,
}

/// What tells a rule from its former self.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Mark {
    name: Arc<str>,
    meaning: u64,
    shadow: bool,
}

/// In what a version differs from the one before it; each list is sorted.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Differences {
    pub added: Vec<Arc<str>>,
    /// They mean something else.
    pub changed: Vec<Arc<str>>,
    pub removed: Vec<Arc<str>>,
    /// On trial, and not before.
    pub into_shadow: Vec<Arc<str>>,
    pub out_of_shadow: Vec<Arc<str>>,
    /// Files with another text, new ones, and those that are gone.
    pub files: Vec<Arc<str>>,
}

impl Versions {
    /// Notes a journaled change and what it was compiled to.
    pub fn add(&mut self, (offset, accepted): (u64, Time), change: &RuleChange, library: &Library) {
        let mut files = Vec::with_capacity(change.files.len());
        for file in &change.files {
            let place = self.texts.iter().position(|text| *text == file.text).unwrap_or_else(|| {
                self.texts.push(file.text.clone());
                self.texts.len() - 1
            });
            files.push((file.name.clone(), place as u32));
        }
        let mark = |r: &Arc<vitalog_cep::plan::Rule>| Mark { name: r.name.clone(), meaning: r.meaning, shadow: r.shadow };
        let rules = library.rules.iter().map(mark).collect();
        // No library reaches back before the one it follows.
        let effective = self.list.last().map_or(change.effective, |last| change.effective.max(last.effective));
        self.list.push(Version { offset, accepted, effective, by: change.by.clone(), files, rules });
    }

    /// How many there are: the number of the one in force.
    pub fn count(&self) -> usize {
        self.list.len()
    }

    /// With their numbers, the oldest first.
    pub fn all(&self) -> impl Iterator<Item = (usize, &Version)> {
        self.list.iter().enumerate().map(|(i, version)| (i + 1, version))
    }

    pub fn get(&self, number: usize) -> Option<&Version> {
        self.list.get(number.checked_sub(1)?)
    }

    /// The files of a version.
    pub fn files(&self, version: &Version) -> Vec<RuleFile> {
        let text = |place: u32| self.texts.get(place as usize).cloned().unwrap_or_default();
        version.files.iter().map(|(name, place)| RuleFile { name: name.clone(), text: text(*place) }).collect()
    }

    /// The files in force; none before the first were journaled.
    pub fn in_force(&self) -> Vec<RuleFile> {
        self.list.last().map(|version| self.files(version)).unwrap_or_default()
    }

    /// The files as they were last taken from the server's own.
    pub fn own_files(&self) -> Option<Vec<RuleFile>> {
        self.list.iter().rev().find(|version| version.by.is_none()).map(|version| self.files(version))
    }

    /// Since when a rule that is on trial is so, with this meaning and without a break.
    pub fn on_trial_since(&self, rule: &str) -> Option<Time> {
        let mark = |version: &Version| version.rules.iter().find(|m| *m.name == *rule && m.shadow).map(|m| m.meaning);
        let now = mark(self.list.last()?)?;
        let trial = self.list.iter().rev().take_while(|version| mark(version) == Some(now));
        trial.last().map(|version| version.effective)
    }

    /// In what a version differs from the one before it, the first from none at all.
    pub fn differences(&self, number: usize) -> Differences {
        let Some(version) = self.get(number) else { return Differences::default() };
        let before = number.checked_sub(1).and_then(|before| self.get(before));
        let mut differences = Differences::default();
        let was: BTreeMap<&Arc<str>, &Mark> = before.iter().flat_map(|v| &v.rules).map(|m| (&m.name, m)).collect();
        let is: BTreeMap<&Arc<str>, &Mark> = version.rules.iter().map(|m| (&m.name, m)).collect();
        for (name, mark) in &is {
            let former = was.get(name);
            match former {
                None => differences.added.push((*name).clone()),
                Some(former) if former.meaning != mark.meaning => differences.changed.push((*name).clone()),
                Some(_) => {}
            }
            match (former.is_some_and(|former| former.shadow), mark.shadow) {
                (false, true) => differences.into_shadow.push((*name).clone()),
                (true, false) => differences.out_of_shadow.push((*name).clone()),
                _ => {}
            }
        }
        differences.removed = was.keys().filter(|name| !is.contains_key(*name)).map(|name| (*name).clone()).collect();
        let files = |v: &Version| v.files.iter().cloned().collect::<BTreeSet<_>>();
        let (old, new) = (before.map(files).unwrap_or_default(), files(version));
        differences.files = old.symmetric_difference(&new).map(|(name, _)| name.clone()).collect();
        differences.files.dedup();
        differences
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use vitalog_rules::{Source, compile};

    fn versions(texts: &[(&str, Option<&str>)]) -> Versions {
        let (mut versions, mut library) = (Versions::default(), Library::default());
        for (i, (text, by)) in texts.iter().enumerate() {
            let text = format!("stream s {{ v count }}\n{text}");
            library = compile(&[Source::new("a.rules", &text)], &library).library.expect("it compiles");
            let files = vec![RuleFile { name: "a.rules".into(), text: text.into() }];
            let change = RuleChange { effective: Time(i as i64), files, by: by.map(Arc::from) };
            versions.add((i as u64, Time(i as i64)), &change, &library);
        }
        versions
    }

    #[test]
    fn a_version_is_told_by_its_difference() {
        let (one, other) = ("rule a { severity info when s.v > 1 }", "rule a { severity info when s.v > 2 }");
        let trial = "rule a { severity info when s.v > 1 shadow } rule b { severity info when s.v < 1 shadow }";
        let versions = versions(&[(one, None), (trial, Some("ann")), (trial, Some("ann")), (other, None)]);
        let names = |list: &[Arc<str>]| list.iter().map(|n| n.to_string()).collect::<Vec<_>>().join(" ");
        let said: Vec<String> = (1..=4)
            .map(|number| {
                let d = versions.differences(number);
                [&d.added, &d.changed, &d.removed, &d.into_shadow, &d.out_of_shadow, &d.files].map(|l| names(l)).join("|")
            })
            .collect();
        assert_eq!(said, ["a|||||a.rules", "b|||a b||a.rules", "|||||", "|a|b||a|a.rules"]);
        assert_eq!(versions.own_files(), Some(versions.in_force()));
        assert_eq!(versions.on_trial_since("a"), None);
        let bytes = postcard::to_allocvec(&versions).expect("it is data");
        assert_eq!(postcard::from_bytes::<Versions>(&bytes).as_ref(), Ok(&versions));
        assert_eq!(versions.texts.len(), 3, "texts are kept once");
    }

    #[test]
    fn a_trial_begins_where_the_meaning_does() {
        let (loud, trial) = ("rule a { severity info when s.v > 1 }", "rule a { severity info when s.v > 1 shadow }");
        let other = "rule a { severity info when s.v > 2 shadow }";
        assert_eq!(versions(&[(loud, None), (trial, None), (trial, None)]).on_trial_since("a"), Some(Time(1)));
        assert_eq!(versions(&[(trial, None), (other, None)]).on_trial_since("a"), Some(Time(1)));
    }
}
