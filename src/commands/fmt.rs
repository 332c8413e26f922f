//! `vitalog fmt`: writes rule files in the one style.

use std::path::Path;

use vitalog_rules::format::format;

use crate::cli::Fmt;
use crate::failure::Failure;
use crate::files;

/// Rewrites the files that are not in the style, or with `--check` only names them.
///
/// # Errors
/// Status 1 where `--check` finds one, 2 where a file can't be read or written.
pub fn run(args: &Fmt) -> Result<(), Failure> {
    let mut others = 0;
    for path in files::paths(&args.rules)? {
        let before = text(&path)?;
        let after = format(&before);
        if before == after {
            continue;
        }
        others += 1;
        if args.check {
            say!("{}", path.display());
        } else {
            std::fs::write(&path, after).map_err(|e| Failure::usage(format!("cannot write {}: {e}", path.display())))?;
        }
    }
    if args.check && others > 0 {
        return Err(Failure::new(format!("{others} file{} not formatted", if others == 1 { " is" } else { "s are" }))
            .hint("`vitalog fmt` writes them in the one style"));
    }
    Ok(())
}

fn text(path: &Path) -> Result<String, Failure> {
    let bytes = std::fs::read(path).map_err(|e| Failure::usage(format!("cannot read {}: {e}", path.display())))?;
    String::from_utf8(bytes).map_err(|_| Failure::new(format!("{} is not UTF-8", path.display())))
}
