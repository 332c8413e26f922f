//! Longer answers through a pager: `PAGER`, or `less` where it is there.

use std::io::Write;
use std::process::{Command, Stdio};

/// Shows a text, through a pager where it has more lines than the terminal.
///
/// # Errors
/// Where it can't be written.
pub fn show(text: &str, lines: Option<usize>) -> std::io::Result<()> {
    if lines.is_some_and(|lines| text.lines().count() >= lines) && page(text) {
        return Ok(());
    }
    let mut out = std::io::stdout().lock();
    out.write_all(text.as_bytes())?;
    out.flush()
}

/// Whether a pager has shown it.
fn page(text: &str) -> bool {
    let asked = std::env::var("PAGER").ok().filter(|pager| !pager.trim().is_empty());
    let mut command = match &asked {
        // As everywhere, it is a line for the shell.
        Some(pager) => {
            let mut shell = Command::new("sh");
            shell.args(["-c", pager]);
            shell
        }
        None => Command::new("less"),
    };
    if std::env::var_os("LESS").is_none() {
        // Long lines are not folded, and what fits is left on the screen.
        command.env("LESS", "FRSX");
    }
    let Ok(mut pager) = command.stdin(Stdio::piped()).spawn() else { return false };
    if let Some(mut input) = pager.stdin.take() {
        // Whoever has seen enough leaves before the end.
        let _ = input.write_all(text.as_bytes());
    }
    pager.wait().is_ok()
}
