//! Every diagnostic has a page, whose example earns exactly it, and whose repaired example earns nothing; and its repairs repair.

use std::fs;
use std::path::Path;

use vitalog_cep::plan::Library;
use vitalog_rules::diagnostic::{PAGES, Page, Shows};
use vitalog_rules::{Code, Compiled, Diagnostic, Source, compile};

use crate::support::compiled;

fn alone(text: &str, prior: &Library) -> Compiled {
    compile(&[Source::new("page.rules", text)], prior)
}

#[test]
fn every_code_has_a_page_and_every_page_a_code() {
    let codes: Vec<&str> = Code::ALL.iter().map(|(c, _)| c.0).collect();
    let pages: Vec<&str> = PAGES.iter().map(|p| p.code).collect();
    assert_eq!(codes, pages);
    assert!(Page::of("e0301").is_some_and(|p| p.show().contains("E0301: ")));
    assert!(Page::of("E9999").is_none());
}

#[test]
fn every_page_keeps_its_word() {
    let mut wrong = Vec::new();
    for page in PAGES {
        let examples = page.examples();
        let prior = examples.iter().find(|e| e.shows == Shows::Before);
        let prior = prior.map(|e| alone(&e.text, &Library::default()).library.expect("what was before compiles"));
        let prior = prior.unwrap_or_default();
        let mut seen = Vec::new();
        for example in examples.iter().filter(|e| e.shows != Shows::Before) {
            let compiled = alone(&example.text, &prior);
            let mut codes: Vec<&str> = compiled.diagnostics.iter().map(|d| d.code.0).collect();
            codes.dedup();
            let expected: &[&str] = if example.shows == Shows::Failing { &[page.code] } else { &[] };
            if codes != expected {
                wrong.push(format!("{}: {codes:?}\n{}", page.code, compiled.render(false)));
            }
            seen.push(example.shows);
        }
        if seen != [Shows::Failing, Shows::Repaired] {
            wrong.push(format!("{} shows {seen:?}", page.code));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// How often this is said.
fn said(all: &[Diagnostic], d: &Diagnostic) -> usize {
    all.iter().filter(|other| other.code == d.code && other.message == d.message).count()
}

#[test]
fn repairs_repair() {
    let mut texts: Vec<String> = Vec::new();
    for entry in fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases")).expect("the cases") {
        let text = fs::read_to_string(entry.expect("an entry").path()).expect("a case");
        texts.push(text.split("\n//~").next().unwrap_or("").to_owned() + "\n");
    }
    texts.extend(PAGES.iter().flat_map(|p| p.examples().into_iter().map(|e| e.text)));
    let mut tried = 0;
    for text in texts {
        let before = compiled(&text);
        for d in &before.diagnostics {
            for fix in d.helps.iter().filter_map(|h| h.fix.as_ref()) {
                let mut repaired = text.clone();
                repaired.replace_range(fix.loc.start as usize..fix.loc.end as usize, &fix.text);
                let after = compiled(&repaired);
                assert!(
                    said(&after.diagnostics, d) < said(&before.diagnostics, d),
                    "a repair of {} leaves it: {:?}\n{}\n---\n{}",
                    d.code.0,
                    fix,
                    d.render(&before.sources, false),
                    after.render(false)
                );
                tried += 1;
            }
        }
    }
    assert!(tried >= 40, "only {tried} repairs");
}
