//! How grave a decision is.

use vitalog_cep::plan::Rule;
use vitalog_elog::Severity;

use super::eval::holds_if_any;
use super::scene::Scene;

/// The gravest grade that holds in any of the scenes: one per driver reading of an episode's instant, else one.
pub fn gravest(rule: &Rule, scenes: &[Scene<'_>]) -> Severity {
    let holding = rule.grades.iter().filter(|g| scenes.iter().any(|s| holds_if_any(g.when.as_ref(), s)));
    holding.map(|g| g.severity).max().expect("the first grade is unconditional")
}
