//! `vitalog test`: runs the test blocks in rule files on the engine.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde_json::json;
use vitalog_cep::plan::Library;
use vitalog_rules::why::json as why_json;
use vitalog_rules::{Compiled, Source, Sources, compile, rules_in};

use crate::cli::{Format, Test};
use crate::commands::check::report;
use crate::failure::Failure;
use crate::files;
use crate::offline::script::{Coverage, Failed, Verdict, coverage, play};

/// Runs them all, and closes with `N passed, N failed`.
///
/// # Errors
/// Status 1 where a test fails or the rules do not compile.
pub fn run(args: &Test) -> Result<(), Failure> {
    let compiled = compile(&files::sources(&files::rules(&args.rules)?), &Library::default());
    report(&compiled, args.format)?;
    let Some(library) = compiled.library.clone() else {
        return Err(Failure::new("the rules do not compile, so no test was run"));
    };
    let library = Arc::new(library);
    let mut failed = 0;
    for case in &compiled.tests {
        let verdict = play(case, &library);
        failed += usize::from(!verdict.failures.is_empty());
        match args.format {
            Format::Text => print_text(&verdict, &compiled.sources),
            Format::Json => print_json(&verdict, &compiled.sources),
        }
    }
    if args.coverage {
        let given = rules_of(&compiled);
        for found in coverage(&compiled.tests, &library, |rule| given.contains(rule)) {
            print_coverage(&found, args.format);
        }
    }
    say!("{} passed, {failed} failed", compiled.tests.len() - failed);
    if failed > 0 {
        return Err(Failure::new(format!("{failed} of {} tests failed", compiled.tests.len())));
    }
    Ok(())
}

/// The rules that the given files declare, without those of packs they use.
fn rules_of(compiled: &Compiled) -> BTreeSet<String> {
    let given = compiled.sources.iter().filter(|(_, file)| !file.shipped);
    let given: Vec<Source> = given.map(|(_, file)| Source { name: file.name.clone(), text: file.text.clone() }).collect();
    rules_in(&given)
}

/// What stood where an expectation failed, and why.
fn story(verdict: &Verdict<'_>, sources: &Sources, failed: &Failed) -> String {
    let file = sources.iter().find(|(_, file)| *file.name == *verdict.case.file);
    file.map_or_else(String::new, |(_, file)| {
        verdict.case.story(&file.text, failed.line, &failed.findings, failed.reason.as_ref())
    })
}

fn print_text(verdict: &Verdict<'_>, sources: &Sources) {
    let case = verdict.case;
    let mark = if verdict.failures.is_empty() { "ok    " } else { "FAILED" };
    say!("{mark} {} \"{}\" ({}:{})", case.rule, case.name, case.file, case.line);
    for failed in &verdict.failures {
        let first = failed.why.lines().next().unwrap_or("");
        say!("       {}:{}: {first}", case.file, failed.line);
        for line in story(verdict, sources, failed).lines() {
            say!("         {line}");
        }
    }
}

fn print_json(verdict: &Verdict<'_>, sources: &Sources) {
    let case = verdict.case;
    let failures: Vec<_> = verdict
        .failures
        .iter()
        .map(|f| {
            json!({"line": f.line, "at": f.at.to_string(), "why": f.why,
                "story": story(verdict, sources, f), "reason": f.reason.as_ref().map(why_json)})
        })
        .collect();
    say!(
        "{}",
        json!({"rule": &*case.rule, "name": &*case.name, "file": &*case.file, "line": case.line,
            "passed": failures.is_empty(), "failures": failures})
    );
}

fn print_coverage(found: &Coverage, format: Format) {
    let noticed = found.clauses - found.unnoticed.len();
    match format {
        Format::Json => say!(
            "{}",
            json!({"rule": &*found.rule, "tests": found.tests, "clauses": found.clauses, "noticed": noticed,
                "unnoticed": found.unnoticed})
        ),
        Format::Text => {
            let tests = if found.tests == 1 { "1 test".to_owned() } else { format!("{} tests", found.tests) };
            say!("clauses {noticed} of {} {} ({tests})", found.clauses, found.rule);
            for clause in &found.unnoticed {
                say!("       no test notices when this is left out: {clause}");
            }
        }
    }
}
