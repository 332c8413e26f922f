//! What several tests need.

use vitalog_cep::plan::{Library, Rule};
use vitalog_rules::{Compiled, Source, compile};

/// Compiles one file into an empty place, beside a `health` that stays as it is whatever is shipped.
pub fn compiled(text: &str) -> Compiled {
    let health = Source::new("health.rules", include_str!("fixture/health.rules"));
    // Given only where it is used, so that no other file has its names.
    let files = [Source::new("test.rules", text), health];
    compile(if text.contains("use health") { &files } else { &files[..1] }, &Library::default())
}

/// Compiles one file as a user would, beside what is shipped.
pub fn compiled_as_shipped(text: &str) -> Compiled {
    compile(&[Source::new("test.rules", text)], &Library::default())
}

/// The library of a file that must compile.
pub fn library(text: &str) -> Library {
    let compiled = compiled(text);
    let shown = compiled.render(false);
    compiled.library.unwrap_or_else(|| panic!("must compile:\n{shown}"))
}

/// The one rule of a file that uses `health`, with its clauses.
pub fn rule(clauses: &str) -> Rule {
    let library = library(&with_health(clauses));
    (**library.rule("r").expect("the rule `r`")).clone()
}

pub fn with_health(clauses: &str) -> String {
    format!("use health\nrule r {{\n    severity warning\n{clauses}\n}}\n")
}
