//! `vitalog test`: runs the test blocks in rule files on the engine.

use std::sync::Arc;

use serde_json::json;
use vitalog_cep::plan::Library;
use vitalog_rules::compile;

use crate::cli::{Check, Format};
use crate::commands::check::report;
use crate::failure::Failure;
use crate::files;
use crate::offline::script::{Verdict, play};

/// Runs them all, and closes with `N passed, N failed`.
///
/// # Errors
/// Status 1 where a test fails or the rules do not compile.
pub fn run(args: &Check) -> Result<(), Failure> {
    let compiled = compile(&files::sources(&files::rules(&args.rules)?), &Library::default());
    report(&compiled, args.format)?;
    let Some(library) = compiled.library else {
        return Err(Failure::new("the rules do not compile, so no test was run"));
    };
    let library = Arc::new(library);
    let mut failed = 0;
    for case in &compiled.tests {
        let verdict = play(case, &library);
        failed += usize::from(!verdict.failures.is_empty());
        match args.format {
            Format::Text => print_text(&verdict),
            Format::Json => print_json(&verdict),
        }
    }
    println!("{} passed, {failed} failed", compiled.tests.len() - failed);
    if failed > 0 {
        return Err(Failure::new(format!("{failed} of {} tests failed", compiled.tests.len())));
    }
    Ok(())
}

fn print_text(verdict: &Verdict<'_>) {
    let case = verdict.case;
    let mark = if verdict.failures.is_empty() { "ok    " } else { "FAILED" };
    println!("{mark} {} \"{}\" ({}:{})", case.rule, case.name, case.file, case.line);
    for failed in &verdict.failures {
        println!("       {}:{} at {}: {}", case.file, failed.line, failed.at, failed.why.replace('\n', "\n       "));
    }
}

fn print_json(verdict: &Verdict<'_>) {
    let case = verdict.case;
    let failures: Vec<_> =
        verdict.failures.iter().map(|f| json!({"line": f.line, "at": f.at.to_string(), "why": f.why})).collect();
    println!(
        "{}",
        json!({"rule": &*case.rule, "name": &*case.name, "file": &*case.file, "line": case.line,
            "passed": failures.is_empty(), "failures": failures})
    );
}
