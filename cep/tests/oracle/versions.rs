//! Dated rules: which version of a rule is in force when.

use std::sync::Arc;

use vitalog_cep::plan::{Library, Rule};
use vitalog_elog::Time;
use vitalog_elog::profile::ProfileField;

use super::timeline::{Micros, micros};

/// One version of a rule, in force in `[from, to)`.
#[derive(Clone, Debug)]
pub struct Version {
    pub rule: Arc<Rule>,
    /// What the profile holds where nobody set it, by the newest library that has it.
    pub fields: Vec<ProfileField>,
    pub from: Micros,
    pub to: Option<Micros>,
}

impl Version {
    pub fn is_in_force(&self, t: Micros) -> bool {
        self.from <= t && self.to.is_none_or(|to| t < to)
    }
}

/// The versions that libraries, in force one after the other, make of their rules.
pub fn versions(libraries: &[(Time, Arc<Library>)]) -> Vec<Version> {
    let mut versions: Vec<Version> = Vec::new();
    let mut effective = micros(Time::MIN);
    for (from, library) in libraries {
        // What was decided under dated rules stays so: no library reaches back before the one it follows.
        effective = effective.max(micros(*from));
        let goes_on = |v: &Version| library.rules.iter().any(|r| r.name == v.rule.name && r.meaning == v.rule.meaning);
        for version in versions.iter_mut().filter(|v| v.to.is_none() && !goes_on(v)) {
            version.to = Some(effective);
        }
        // What goes on means what it meant, but may say more or less of its findings to other rules.
        for version in versions.iter_mut().filter(|v| v.to.is_none()) {
            version.rule = library.rules.iter().find(|r| r.name == version.rule.name).expect("it goes on").clone();
            version.fields = library.profile.clone();
        }
        for rule in &library.rules {
            if !versions.iter().any(|v| v.to.is_none() && v.rule.name == rule.name) {
                versions.push(Version { rule: rule.clone(), fields: library.profile.clone(), from: effective, to: None });
            }
        }
    }
    versions
}
