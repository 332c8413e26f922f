//! `vitalog check`: what is wrong with rule files.

use std::io::{IsTerminal, Write};

use vitalog_cep::plan::Library;
use vitalog_rules::{Compiled, compile};

use crate::cli::{Check, Format};
use crate::failure::Failure;
use crate::files;

/// Prints every diagnostic.
///
/// # Errors
/// Status 1 where one of them is an error.
pub fn run(args: &Check) -> Result<(), Failure> {
    let compiled = compile(&files::sources(&files::rules(&args.rules)?), &Library::default());
    report(&compiled, args.format)?;
    let errors = compiled.diagnostics.iter().filter(|d| d.is_error()).count();
    if errors > 0 {
        return Err(Failure::new(format!("{errors} error{} in the rules", if errors == 1 { "" } else { "s" })));
    }
    if args.format == Format::Text {
        let rules = compiled.library.map_or(0, |l| l.rules.len());
        say!("{rules} rules, no errors");
    }
    Ok(())
}

/// Prints the diagnostics: for people with the words they are about, to standard error; as JSON lines to standard output.
///
/// # Errors
/// Where the output can't be written.
pub fn report(compiled: &Compiled, format: Format) -> Result<(), Failure> {
    let colour = std::io::stderr().is_terminal();
    for diagnostic in &compiled.diagnostics {
        match format {
            Format::Text => writeln!(std::io::stderr(), "{}", diagnostic.render(&compiled.sources, colour))?,
            Format::Json => writeln!(std::io::stdout(), "{}", diagnostic.to_json(&compiled.sources))?,
        }
    }
    Ok(())
}
