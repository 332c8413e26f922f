//! `vitalog explain`: the page of a diagnostic, or a rule spelled out.

use vitalog_rules::diagnostic::{PAGES, Page, nearest};
use vitalog_rules::explain::explain;

use crate::cli::Explain;
use crate::failure::Failure;
use crate::files;

/// Prints the page or the explanation.
///
/// # Errors
/// Status 1 where there is no such code or rule, or the rules do not compile; 2 where a file can't be read or written.
pub fn run(args: &Explain) -> Result<(), Failure> {
    if let Some(page) = Page::of(&args.what) {
        say_as_is!("{}", page.show());
        return Ok(());
    }
    let code = args.what.strip_prefix(['E', 'e', 'W', 'w']);
    if code.is_some_and(|digits| !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit())) {
        let failure = Failure::new(format!("there is no diagnostic {}", args.what));
        let near = nearest(&args.what.to_uppercase(), PAGES.iter().map(|p| p.code)).map(|code| format!("did you mean {code}?"));
        return Err(near.into_iter().fold(failure, Failure::hint));
    }
    let files = files::sources(&files::rules(&args.rules)?);
    let found = explain(&files, &args.what).map_err(Failure::new)?;
    say_as_is!("{}", found.text);
    if let Some(path) = &args.svg {
        std::fs::write(path, &found.svg).map_err(|e| Failure::usage(format!("cannot write {}: {e}", path.display())))?;
    }
    Ok(())
}
