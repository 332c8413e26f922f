//! The house itself: its laws of imports and purity, and its tidiness, read from the files as they lie there.
//!
//! Each check collects everything that breaks it and says where, so that one run shows all there is to mend.

mod bad_input;
mod imports;
mod manifests;
mod pages;
mod purity;
mod source;
mod tidiness;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use source::Source;

/// Crates of the workspace by their folder; the root package is `.`.
pub const CRATES: [&str; 7] = ["elog", "cep", "rules", "ingest", "lakehouse", "notify", "dashboards"];

pub fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// All files that are part of the project, by their path from the root: what git knows or would add; without git, all there are.
pub fn files() -> Vec<String> {
    let root = root();
    let listed =
        Command::new("git").args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"]).current_dir(&root).output();
    let mut files: Vec<String> = match listed {
        Ok(out) if out.status.success() && !out.stdout.is_empty() => {
            String::from_utf8_lossy(&out.stdout).split('\0').filter(|f| !f.is_empty()).map(str::to_owned).collect()
        }
        _ => {
            let mut found = Vec::new();
            walk(&root, &root, &mut found);
            found
        }
    };
    files.retain(|file| root.join(file).is_file());
    files.sort();
    assert!(files.len() > 50, "the tree can't be read from {}", root.display());
    files
}

fn walk(root: &Path, dir: &Path, found: &mut Vec<String>) {
    for entry in fs::read_dir(dir).expect("a readable folder").map(|e| e.expect("an entry").path()) {
        let name = entry.file_name().and_then(|n| n.to_str()).unwrap_or("");
        if entry.is_dir() && name != "target" && name != ".git" {
            walk(root, &entry, found);
        } else if entry.is_file() {
            found.push(entry.strip_prefix(root).expect("below the root").to_string_lossy().into_owned());
        }
    }
}

/// The project's files with this extension.
pub fn files_with(extension: &str) -> Vec<String> {
    files().into_iter().filter(|file| Path::new(file).extension().is_some_and(|e| e == extension)).collect()
}

/// All Rust files.
pub fn sources() -> Vec<Source> {
    files_with("rs").into_iter().map(Source::read).collect()
}

pub fn read(file: &str) -> String {
    fs::read_to_string(root().join(file)).unwrap_or_else(|e| panic!("{file}: {e}"))
}

/// Fails with every violation, one a line.
pub fn none(what: &str, violations: Vec<String>) {
    assert!(violations.is_empty(), "{what}:\n  {}", violations.join("\n  "));
}
