//! Places are for life: what a later library may change of streams and profile, and what it may not.

use vitalog_cep::plan::Library;
use vitalog_elog::FieldKind;
use vitalog_rules::{Code, Source, compile};

use crate::support::library;

const FIRST: &str = "
stream a { x glucose in mg/dL  mood bad < fair }
stream b { y text }
profile { low glucose in mg/dL default 70 mg/dL  zone text }
";

fn then(text: &str) -> Result<Library, Vec<(Code, String)>> {
    let compiled = compile(&[Source::new("later.rules", text)], &library(FIRST));
    let said = compiled.diagnostics.iter().map(|d| (d.code, d.message.clone())).collect();
    compiled.library.ok_or(said)
}

#[test]
fn places_are_kept_whatever_the_order() {
    let later = "
profile { zone text  high glucose in mg/dL  low glucose in mg/dL }
stream c { z bool }
stream b { w bool optional  y text }
stream a { mood bad < fair < good  x glucose in mg/dL }
";
    let library = then(later).expect("allowed");
    let names: Vec<&str> = library.schema.streams.iter().map(|s| &*s.name).collect();
    assert_eq!(names, ["a", "b", "c"]);
    let fields = |i: usize| library.schema.streams[i].fields.iter().map(|f| &*f.name).collect::<Vec<_>>();
    assert_eq!(fields(0), ["x", "mood"]);
    assert_eq!(fields(1), ["y", "w"]);
    let profile: Vec<&str> = library.profile.iter().map(|f| &*f.name).collect();
    assert_eq!(profile, ["low", "zone", "high"]);
    let FieldKind::Enum(words) = &library.schema.streams[0].fields[1].kind else { panic!("words") };
    assert_eq!(words.len(), 3);
}

#[test]
fn what_is_not_declared_any_more_keeps_its_place_and_is_out_of_sight() {
    let library = then("stream b { y text }").expect("allowed");
    assert_eq!(library.schema.streams.len(), 2);
    assert!(library.schema.streams[0].fields.iter().all(|f| f.optional), "nothing is required of it");
    assert!(!library.schema.streams[1].fields[0].optional);
    assert_eq!(library.profile.len(), 2);
    let error = then("stream b { y text } rule r { severity info when a.x > 3 mg/dL }").expect_err("not declared");
    assert_eq!(error[0].0, Code::UNKNOWN_NAME);
}

#[test]
fn compiling_again_changes_nothing() {
    let first = library(FIRST);
    let again = compile(&[Source::new("a.rules", FIRST)], &first).library.expect("the same");
    assert_eq!(first, again);
}

#[test]
fn a_change_of_kind_is_refused_with_a_remedy() {
    let refused = [
        ("interval stream a { x glucose in mg/dL }", Code::STREAM_CHANGED),
        ("stream a { x glucose in mmol/L }", Code::STREAM_CHANGED),
        ("stream a { x ketones in mmol/L }", Code::STREAM_CHANGED),
        ("stream a { x text }", Code::STREAM_CHANGED),
        ("stream a { mood fair < bad }", Code::STREAM_CHANGED),
        ("stream a { mood bad < good < fair }", Code::STREAM_CHANGED),
        ("stream b { y bool }", Code::STREAM_CHANGED),
        ("profile { low pressure in mmHg }", Code::PROFILE_CHANGED),
        ("profile { zone a | b }", Code::PROFILE_CHANGED),
        ("profile { zone time of day }", Code::PROFILE_CHANGED),
    ];
    for (text, code) in refused {
        let compiled = compile(&[Source::new("later.rules", text)], &library(FIRST));
        let found: Vec<Code> = compiled.diagnostics.iter().map(|d| d.code).collect();
        assert_eq!(found, [code], "{text}");
        assert!(compiled.library.is_none());
        assert!(!compiled.diagnostics[0].helps.is_empty(), "a remedy: {text}");
    }
}

#[test]
fn enumerations_may_grow_at_the_end() {
    assert!(then("stream a { mood bad < fair < good }").is_ok());
}

#[test]
fn under_whom_a_stream_is_seen_is_for_life() {
    let first = library("stream a by guest, also by card { card text  listing text }");
    let again = |text: &str| {
        let compiled = compile(&[Source::new("later.rules", text)], &first);
        compiled.diagnostics.iter().map(|d| d.code).collect::<Vec<_>>()
    };
    assert_eq!(again("stream a by visitor, also by card { card text  listing text }"), []);
    assert_eq!(again("stream a by guest, also by card, listing { card text  listing text }"), [Code::STREAM_CHANGED]);
    assert_eq!(again("stream a { card text  listing text }"), [Code::STREAM_CHANGED]);
    // One that is not declared for a while keeps it.
    let without = compile(&[Source::new("later.rules", "stream b { x text }")], &first).library.expect("compiles");
    assert_eq!(without.schema.streams[0].also_by.len(), 1);
}

#[test]
fn what_is_usual_may_change_and_decides_nothing() {
    let usual = |library: &Library| library.schema.streams[0].fields[0].usual.map(|(low, high)| high > low);
    let with = |usually: &str| {
        let rest = "mood bad < fair }\nstream b { y text }\nrule r { severity info when a.x < 70 mg/dL for 15 min }";
        then(&format!("stream a {{ x glucose in mg/dL from 20 mg/dL to 1000 mg/dL {usually:<40}\n{rest}")).expect("allowed")
    };
    let (none, narrow, wide) = (with(""), with("usually 80 mg/dL to 90 mg/dL"), with("usually 30 mg/dL to 600 mg/dL"));
    assert_eq!([&none, &narrow, &wide].map(usual), [None, Some(true), Some(true)]);
    for (before, text) in [(&narrow, ""), (&none, "usually 30 mg/dL to 600 mg/dL"), (&wide, "usually 80 mg/dL to 90 mg/dL")] {
        let text = format!(
            "stream a {{ x glucose in mg/dL from 20 mg/dL to 1000 mg/dL {text}\n mood bad < fair }}\nstream b {{ y text }}"
        );
        assert!(compile(&[Source::new("later.rules", &text)], before).library.is_some(), "it may change freely");
    }
    // All that decides is the same, in its place too; a threshold outside of what is usual is one like any other.
    for other in [&narrow, &wide] {
        assert_eq!((&none.rules, &none.profile, &none.policies), (&other.rules, &other.profile, &other.policies));
    }
    let gone = compile(&[Source::new("later.rules", "stream b { y text }")], &narrow).library.expect("allowed");
    assert_eq!(usual(&gone), None, "what is not declared any more flags nothing");
}
