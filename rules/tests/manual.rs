//! The manual keeps its word: every example in `docs/language.md` compiles, or fails where it says so.
//!
//! A block fenced as `rules` is a file of its own; one fenced as `rules,fails` must not compile, and the code of its first error stands in a
//! comment `// E….` in it.

use std::fs;
use std::path::Path;

use vitalog_rules::Code;

use crate::support::compiled_as_shipped;

pub struct Example {
    pub line: usize,
    pub fails: bool,
    pub text: String,
}

fn manual() -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/language.md");
    fs::read_to_string(path).expect("the manual")
}

pub fn examples() -> Vec<Example> {
    let mut all: Vec<Example> = Vec::new();
    let mut open = false;
    for (i, line) in manual().lines().enumerate() {
        match line.trim_end() {
            "```rules" | "```rules,fails" if !open => {
                open = true;
                all.push(Example { line: i + 1, fails: line.ends_with("fails"), text: String::new() });
            }
            "```" => open = false,
            line if open => {
                if let Some(example) = all.last_mut() {
                    example.text.push_str(line);
                    example.text.push('\n');
                }
            }
            _ => {}
        }
    }
    all
}

#[test]
fn every_example_does_what_the_manual_says() {
    let examples = examples();
    assert!(examples.len() >= 18, "only {} examples", examples.len());
    for example in examples {
        let compiled = compiled_as_shipped(&example.text);
        let shown = compiled.render(false);
        if example.fails {
            let first = compiled.diagnostics.iter().find(|d| d.is_error()).map(|d| d.code.0);
            let code = first.unwrap_or_else(|| panic!("docs/language.md:{}: must fail", example.line));
            assert!(example.text.contains(code), "docs/language.md:{}: says another code than {code}:\n{shown}", example.line);
        } else {
            assert!(compiled.diagnostics.is_empty(), "docs/language.md:{}:\n{shown}", example.line);
        }
    }
}

#[test]
fn every_code_is_in_the_manual() {
    let manual = manual();
    for (code, meaning) in Code::ALL {
        assert!(manual.contains(&format!("| {} | {meaning} |", code.0)), "| {} | {meaning} |", code.0);
    }
}
