//! The reference of the command line, docs/reference.md: made from the declarations, so that no flag, default or variable is missing there or said otherwise than it is.
//!
//! `VITALOG_DOCS=write cargo test --bin vitalog reference` writes it anew.

use std::fmt::Write as _;
use std::path::Path;

use clap::{Arg, Command, CommandFactory as _};

use super::Cli;

const HEAD: &str = "# Reference of the command line

Every command with its flags, what they are if nothing is said, and the variable of the environment that says the same. Made from the code; what the settings are good for is in the pages about what they set, those of a server in
[operations.md](operations.md). Values of flags win over variables.

Beside these there are `VITALOG_LOG`, how much is told on standard error ([operations.md](operations.md)), and the variables `OTEL_*` of traces.
";

#[test]
fn the_reference_is_what_the_command_line_says() {
    let place = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/reference.md");
    let made = page();
    if std::env::var_os("VITALOG_DOCS").is_some_and(|to| to == "write") {
        std::fs::write(&place, &made).expect("it is written");
    }
    let kept = std::fs::read_to_string(&place).unwrap_or_default();
    let line = made.lines().zip(kept.lines()).position(|(made, kept)| made != kept);
    assert!(
        made == kept,
        "docs/reference.md is not what the code says, first at line {}; write it anew: VITALOG_DOCS=write cargo test --bin vitalog reference",
        line.map_or_else(|| "its end".to_owned(), |line| (line + 1).to_string())
    );
}

fn page() -> String {
    let mut root = Cli::command();
    root.build();
    let mut page = HEAD.to_owned();
    section(&mut page, "vitalog", &root, &[]);
    assert!(page.matches("\n## ").count() > 30, "a command is missing");
    page
}

/// `above`: what the commands around it have for it, too.
fn section(page: &mut String, name: &str, command: &Command, above: &[&str]) {
    write!(page, "\n## {name}\n\n{}\n", said(command.get_about(), command.get_long_about())).expect("memory takes it");
    let mut rows = command
        .get_arguments()
        .filter(|arg| !arg.is_hide_set() && !["help", "version"].contains(&arg.get_id().as_str()))
        .filter(|arg| !above.contains(&arg.get_id().as_str()))
        .peekable();
    if rows.peek().is_some() {
        page.push_str("\n| | if nothing is said | variable | |\n|---|---|---|---|\n");
    }
    rows.for_each(|arg| row(page, arg));
    let global = command.get_arguments().filter(|arg| arg.is_global_set()).map(|arg| arg.get_id().as_str());
    let above: Vec<&str> = above.iter().copied().chain(global).collect();
    for under in command.get_subcommands().filter(|under| under.get_name() != "help" && !under.is_hide_set()) {
        section(page, &format!("{name} {}", under.get_name()), under, &above);
    }
}

fn row(page: &mut String, arg: &Arg) {
    let values: Vec<&str> = arg.get_value_names().unwrap_or_default().iter().map(|name| name.as_str()).collect();
    let takes = if arg.get_action().takes_values() { values.join(" ") } else { String::new() };
    let name = match arg.get_long() {
        Some(long) if takes.is_empty() => format!("--{long}"),
        Some(long) => format!("--{long} {takes}"),
        None => takes,
    };
    let defaults = if arg.get_action().takes_values() { arg.get_default_values() } else { &[] };
    let default: Vec<String> = defaults.iter().map(|value| format!("`{}`", value.display())).collect();
    let default = if default.is_empty() && arg.is_required_set() { "must be said".to_owned() } else { default.join(", ") };
    let variable = arg.get_env().map_or_else(String::new, |name| format!("`{}`", name.display()));
    let mut meaning = said(arg.get_help(), arg.get_long_help());
    assert!(arg.get_long().is_none() || !meaning.is_empty() || !words_of(arg).is_empty(), "nothing is said of {name}");
    let words = words_of(arg);
    if !words.is_empty() {
        write!(meaning, " One of {}.", words.join(", ")).expect("memory takes it");
    }
    writeln!(page, "| `{name}` | {default} | {variable} | {} |", meaning.trim().replace('|', "\\|")).expect("memory takes it");
}

/// Those that it may be, where only some may be.
fn words_of(arg: &Arg) -> Vec<String> {
    let all = if arg.get_action().takes_values() { arg.get_possible_values() } else { vec![] };
    all.iter().map(|value| format!("`{}`", value.get_name())).collect()
}

/// The longer of two, in one line and as a sentence.
fn said(short: Option<&clap::builder::StyledStr>, long: Option<&clap::builder::StyledStr>) -> String {
    let text = long.or(short).map(ToString::to_string).unwrap_or_default();
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if line.is_empty() || line.ends_with(['.', '?', ')']) { line } else { format!("{line}.") }
}
