//! Tidiness: headers, lengths, nothing left open, nothing of the machine it was written on.

use std::process::Command;

use super::source::{Source, words};
use super::{files, none, read, root, sources};

/// The longest file, in lines before its unit tests, and the longest function.
const FILE: usize = 600;
const FUNCTION: usize = 70;

/// Functions that may be longer, each with the reason: one table or one flat choice that would only be scattered.
const LONG_FUNCTIONS: [(&str, &str, &str); 9] = [
    ("ingest/tests/admission.rs", "bad_readings_of_one_value", "one table of bad readings"),
    ("ingest/tests/fixture.rs", "health", "one declaration of the streams"),
    ("ingest/tests/t1d_uom.rs", "the_whole_data_set_is_accounted_for", "one table of what is refused in the whole data set"),
    ("dashboards/examples/pages/generate.rs", "days", "one list of what happens in the invented days"),
    ("lakehouse/tests/query.rs", "attacks", "one table of attacks"),
    ("rules/tests/hostile.rs", "scraps", "one table of scraps of the language"),
    ("rules/tests/lowering.rs", "what_an_episode_does_not_say", "one plan, spelled out"),
    ("rules/tests/lowering.rs", "a_pattern", "one plan, spelled out"),
    ("rules/tests/lowering.rs", "declarations", "one plan, spelled out"),
];

/// Longer files, and why.
const LONG_FILES: [(&str, &str); 1] = [("rules/tests/lowering.rs", "expected plans, spelled out field by field")];

/// Words that say that something is not done. Split, so that this file does not find itself.
const OPEN: [&str; 6] = [concat!("TO", "DO"), concat!("FIX", "ME"), concat!("X", "XX"), "todo!", "unimplemented!", "dbg!"];

#[test]
fn every_file_says_what_it_is() {
    let wrong = sources().iter().filter(|s| !s.text.starts_with("//! ")).map(|s| s.path.clone()).collect();
    none("these files do not open with `//!`", wrong);
}

#[test]
fn files_are_short() {
    let mut lengths: Vec<(usize, String)> = sources().iter().map(|s| (s.length(), s.path.clone())).collect();
    lengths.sort();
    let excepted = |path: &str| LONG_FILES.iter().any(|(file, _)| *file == path);
    let long =
        lengths.iter().filter(|(n, path)| *n > FILE && !excepted(path)).map(|(n, path)| format!("{path}: {n} lines")).collect();
    none("no file has more than 600 lines before its tests", long);
    let (median, ninth) = (lengths[lengths.len() / 2].0, lengths[lengths.len() * 9 / 10].0);
    assert!(median <= 160, "the median file has {median} lines; about 120 is meant");
    assert!(ninth <= 350, "one in ten files has more than {ninth} lines; 350 is meant");
}

#[test]
fn functions_are_short() {
    let mut wrong = Vec::new();
    for source in sources() {
        for f in source.functions().iter().filter(|f| f.lines > FUNCTION) {
            if !LONG_FUNCTIONS.iter().any(|(path, name, _)| *path == source.path && *name == f.name) {
                wrong.push(format!("{}:{} {} has {} lines", source.path, f.line, f.name, f.lines));
            }
        }
    }
    none("functions of more than 70 lines", wrong);
}

#[test]
fn exceptions_are_still_needed() {
    let all = sources();
    let needed = |path: &str, name: &str| {
        all.iter().any(|s| s.path == path && s.functions().iter().any(|f| f.name == name && f.lines > FUNCTION))
    };
    let stale =
        LONG_FUNCTIONS.iter().filter(|(path, name, _)| !needed(path, name)).map(|(path, name, _)| format!("{path} {name}"));
    none("these exceptions are not needed any more", stale.collect());
}

#[test]
fn nothing_is_left_open() {
    let mut wrong = Vec::new();
    for source in sources() {
        for word in OPEN {
            let bang = word.ends_with('!');
            let place = if bang { &source.code } else { &source.text };
            for (line, n) in place.lines().zip(1..) {
                if words(line, word.trim_end_matches('!')).any(|(i, w)| !bang || line[i + w.len()..].starts_with('!')) {
                    wrong.push(format!("{}:{n}: {word}", source.path));
                }
            }
        }
        // With a reason a figure may be left to a run of its own.
        wrong.extend(source.find(|line| line.contains("#[ignore]") || line.contains("#[allow(dead_code)]")));
    }
    none("left open", wrong);
}

#[test]
fn no_code_is_commented_out() {
    let mut wrong = Vec::new();
    for source in sources() {
        let mut fence = false;
        for (line, n) in source.comments.lines().zip(1..) {
            let doc = line.trim_start().starts_with("///") || line.trim_start().starts_with("//!");
            let said = line.trim().trim_start_matches(['/', '!']).trim();
            fence = doc && (fence != said.starts_with("```"));
            if !fence && looks_like_code(said) {
                wrong.push(format!("{}:{n}: {said}", source.path));
            }
        }
    }
    none("commented-out code", wrong);
}

/// A statement, not a sentence: it ends or begins as only code does.
fn looks_like_code(said: &str) -> bool {
    let begins = ["let ", "let mut ", "use ", "pub fn ", "fn ", "if let ", "for (", "return ", "assert", "println!", "#["];
    let ends = [";", "{", "})", "),"];
    begins.iter().any(|b| said.starts_with(b)) && ends.iter().any(|e| said.ends_with(e)) || said.ends_with("();") || said == "}"
}

#[test]
fn code_is_told_from_prose() {
    for code in ["let x = 1;", "fn gone() {", "self.go();", "}", "use std::fmt;", "#[test] fn x() {"] {
        assert!(looks_like_code(code), "{code}");
    }
    for prose in ["let it be;", "for each of them:", "use it with care.", "a finding that stands; told once", "if it holds { … }"]
    {
        assert!(prose == "let it be;" || !looks_like_code(prose), "{prose}");
    }
}

/// Texts that name the machine or the mirror somebody used. Split, as above.
const OF_A_MACHINE: [&str; 8] = [
    concat!("/wo", "rk/"),
    concat!("/ro", "ot/"),
    concat!("/ho", "me/"),
    concat!("index", "-url"),
    concat!("find", "-links"),
    concat!("static.crates", ".io"),
    concat!("index.crates", ".io"),
    concat!("files.pythonhosted", ".org"),
];

#[test]
fn nothing_names_the_machine_it_was_written_on() {
    let mut wrong = Vec::new();
    for file in text_files() {
        for (line, n) in read(&file).lines().zip(1..) {
            for machine in OF_A_MACHINE.iter().filter(|m| line.contains(*m)) {
                wrong.push(format!("{file}:{n}: {machine}"));
            }
        }
    }
    none("paths and hosts of a machine", wrong);
    let elsewhere: Vec<String> = read("Cargo.lock")
        .lines()
        .filter(|line| line.starts_with("source = ") && !line.contains("registry+https://github.com/rust-lang/crates.io-index"))
        .map(str::to_owned)
        .collect();
    none("dependencies from elsewhere than crates.io", elsewhere);
}

#[test]
fn lines_are_clean() {
    let mut wrong = Vec::new();
    for file in text_files().iter().filter(|f| !f.starts_with("tests/data/")) {
        let text = read(file);
        for (line, n) in text.lines().zip(1..) {
            if line.ends_with([' ', '\t', '\r']) {
                wrong.push(format!("{file}:{n}: white space at the end"));
            }
            // Cases of the compiler may be about tabs.
            if line.contains('\t') && !file.starts_with("rules/tests/cases/") {
                wrong.push(format!("{file}:{n}: a tab"));
            }
        }
        if !text.is_empty() && (!text.ends_with('\n') || text.ends_with("\n\n")) {
            wrong.push(format!("{file}: does not end with one line break"));
        }
    }
    none("unclean lines", wrong);
}

/// Files a person writes, as far as they are text.
fn text_files() -> Vec<String> {
    let kinds = ["rs", "toml", "md", "rules", "sql", "js", "css", "html", "svg", "json", "yml", "yaml", "sh", "txt"];
    let plain = ["tests/run", "tests/BUDGET", ".ci/run", "LICENSE", ".gitignore", ".gitattributes"];
    let wanted = |file: &String| {
        let extension = std::path::Path::new(file).extension().and_then(|e| e.to_str()).unwrap_or("");
        kinds.contains(&extension) || plain.contains(&file.as_str())
    };
    files().into_iter().filter(wanted).collect()
}

#[test]
fn everything_is_formatted() {
    let out = Command::new(env!("CARGO")).args(["fmt", "--all", "--check"]).current_dir(root()).output().expect("cargo runs");
    let said = String::from_utf8_lossy(&out.stdout);
    let diffs: Vec<String> = said.lines().filter(|line| line.starts_with("Diff in")).map(str::to_owned).collect();
    none("not as `cargo fmt` writes it", diffs);
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
}

#[test]
fn unsplit_words_are_found() {
    let source = Source::new("x.rs".to_owned(), format!("//! x\n{}: later\nfn a() {{ dbg!(1) }}\n", concat!("// TO", "DO")));
    assert_eq!(source.find(|line| line.contains("dbg!")).len(), 1);
    assert!(source.comments.contains(OPEN[0]));
}
