//! Rule files on disk: which there are, and what they say.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use vitalog_elog::input::RuleFile;
use vitalog_rules::{Source, packs};

use crate::failure::Failure;

/// The rule files at these paths (of a directory all `*.rules` in it, by name), or the shipped packs where there is no path.
///
/// # Errors
/// Where a path can't be read, is no UTF-8, or a directory holds no rule file.
pub fn rules(paths: &[PathBuf]) -> Result<Vec<RuleFile>, Failure> {
    if paths.is_empty() {
        return Ok(shipped());
    }
    self::paths(paths)?.iter().map(|path| read(path)).collect()
}

/// The rule files at these paths: of a directory all `*.rules` in it, by name.
///
/// # Errors
/// Where a directory can't be read or holds no rule file.
pub fn paths(given: &[PathBuf]) -> Result<Vec<PathBuf>, Failure> {
    let mut found = Vec::new();
    for path in given {
        if path.is_dir() {
            let inside = rule_files_in(path)?;
            if inside.is_empty() {
                return Err(Failure::usage(format!("the directory {} holds no .rules file", path.display())));
            }
            found.extend(inside);
        } else {
            found.push(path.clone());
        }
    }
    Ok(found)
}

/// The shipped packs.
pub fn shipped() -> Vec<RuleFile> {
    packs::ALL.iter().map(|p| RuleFile { name: Arc::from(format!("{}.rules", p.name)), text: Arc::from(p.text) }).collect()
}

/// For the compiler.
pub fn sources(files: &[RuleFile]) -> Vec<Source> {
    files.iter().map(|f| Source::new(&f.name, &f.text)).collect()
}

fn rule_files_in(dir: &Path) -> Result<Vec<PathBuf>, Failure> {
    let mut found: Vec<PathBuf> = std::fs::read_dir(dir)
        .map_err(|e| Failure::usage(format!("cannot read the directory {}: {e}", dir.display())))?
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.extension().is_some_and(|e| e == "rules") && path.is_file())
        .collect();
    found.sort();
    Ok(found)
}

fn read(path: &Path) -> Result<RuleFile, Failure> {
    let bytes = std::fs::read(path).map_err(|e| Failure::usage(format!("cannot read {}: {e}", path.display())))?;
    let text = String::from_utf8(bytes).map_err(|e| {
        Failure::new(format!("{} is not UTF-8 (byte {})", path.display(), e.utf8_error().valid_up_to()))
            .hint("save the file as UTF-8")
    })?;
    let name = path.file_name().and_then(|n| n.to_str()).unwrap_or("unnamed.rules");
    Ok(RuleFile { name: Arc::from(name), text: Arc::from(text) })
}
