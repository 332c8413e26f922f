//! The shipped rule files.

use std::time::{Duration, Instant};

use vitalog_cep::plan::Library;
use vitalog_rules::{Source, compile, packs};

#[test]
fn every_shipped_file_compiles_without_a_word() {
    assert!(packs::get("health").is_some());
    for pack in packs::ALL {
        let compiled = compile(&[Source::new(&format!("{}.rules", pack.name), pack.text)], &Library::default());
        assert!(compiled.diagnostics.is_empty(), "{}:\n{}", pack.name, compiled.render(false));
    }
}

#[test]
fn all_together_they_compile_quickly() {
    let files: Vec<Source> = packs::ALL.iter().map(|p| Source::new(&format!("{}.rules", p.name), p.text)).collect();
    let start = Instant::now();
    let compiled = compile(&files, &Library::default());
    let took = start.elapsed();
    assert!(!compiled.has_errors(), "{}", compiled.render(false));
    // The aim is 50 ms in a release build; this is a development build, beside other tests.
    assert!(took < Duration::from_millis(1_000), "took {took:?}");
}

#[test]
fn a_given_file_stands_before_the_shipped_one() {
    let own = Source::new("rules/health.rules", "stream bg { value glucose in mg/dL }");
    let user = Source::new("mine.rules", "use health\nrule r { severity info when bg.value > 9 mmol/L }");
    let library = compile(&[user, own], &Library::default()).library.expect("compiles");
    assert_eq!(library.schema.streams.len(), 1);
}

#[test]
fn tests_of_a_used_pack_are_not_the_users() {
    let compiled = compile(&[Source::new("mine.rules", "use health")], &Library::default());
    assert!(compiled.tests.is_empty());
}
