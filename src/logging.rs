//! The log, on standard error: text where a person reads along, else one JSON object a line, for a journal or whatever else collects it.
//!
//! In neither form it has what libraries know of a request while they say something (their spans): nobody here has looked whether that names anybody.

use std::ffi::OsStr;
use std::io::IsTerminal;

use tracing_subscriber::EnvFilter;
use vitalog_rules::Compiled;

use crate::cli::LogFormat;

/// Begins it, in the form that was said; else in the one for whoever reads it. `VITALOG_LOG` says how much is told.
pub fn begin(said: Option<LogFormat>) {
    // The libraries below are loud about what is routine.
    let filter = EnvFilter::try_from_env("VITALOG_LOG").unwrap_or_else(|_| EnvFilter::new("warn,vitalog=info"));
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    let is_terminal = std::io::stderr().is_terminal();
    match said.unwrap_or(usual(is_terminal)) {
        LogFormat::Text => {
            let colours = is_coloured(is_terminal, std::env::var_os("NO_COLOR").as_deref());
            log.with_target(false).with_ansi(colours).init();
        }
        LogFormat::Json => log.json().flatten_event(true).with_current_span(false).with_span_list(false).init(),
    }
}

/// Says what is wrong with rules that do not compile: each error with the place that it is about.
pub fn tell_wrong(compiled: &Compiled) {
    for diagnostic in compiled.diagnostics.iter().filter(|d| d.is_error()) {
        tracing::error!(code = diagnostic.code.0, "{}", diagnostic.render(&compiled.sources, false).trim_end());
    }
}

fn usual(is_terminal: bool) -> LogFormat {
    if is_terminal { LogFormat::Text } else { LogFormat::Json }
}

/// As <https://no-color.org> has it: a variable that is there and not empty.
fn is_coloured(is_terminal: bool, no_color: Option<&OsStr>) -> bool {
    is_terminal && no_color.is_none_or(OsStr::is_empty)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_person_reads_text_in_colours_that_may_be_refused() {
        assert!(usual(true) == LogFormat::Text && usual(false) == LogFormat::Json);
        let coloured = |is_terminal, said: Option<&str>| is_coloured(is_terminal, said.map(OsStr::new));
        assert!(coloured(true, None) && coloured(true, Some("")));
        assert!(!coloured(true, Some("1")) && !coloured(true, Some("0")) && !coloured(false, None));
    }
}
