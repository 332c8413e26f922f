//! A prompt: statements are typed, over as many lines as they take, completed by Tab, kept for the next time, and answered.

use std::io::IsTerminal;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use rustyline::completion::Completer;
use rustyline::config::{CompletionType, Config};
use rustyline::error::ReadlineError;
use rustyline::highlight::Highlighter;
use rustyline::hint::Hinter;
use rustyline::history::FileHistory;
use rustyline::validate::{ValidationContext, ValidationResult, Validator};
use rustyline::{Context, Editor, Helper};
use tokio::runtime::Handle;
use vitalog_lakehouse::{is_complete, split};

use super::ask::Server;
use super::catalogue::Catalogue;
use super::command::{self, Command, HELP, View};
use super::complete::complete;
use super::pager;
use crate::cli::SqlFormat;
use crate::failure::Failure;

const PROMPT: &str = "vitalog> ";
/// Statements that are kept.
const KEPT: usize = 2_000;

struct Typed {
    known: Catalogue,
}

/// Asks until whoever types has enough. What a statement fails with is said, and the prompt goes on.
///
/// # Errors
/// Where the terminal can't be used, or nobody answers from the beginning.
pub fn run(form: SqlFormat, server: &Server) -> Result<(), Failure> {
    if form == SqlFormat::Arrow {
        return Err(Failure::usage("a terminal shows no Arrow").hint("give a statement, and write the answer to a file"));
    }
    let runtime = Handle::current();
    // Whoever can't be asked this can't be asked anything.
    let known = runtime.block_on(Catalogue::of(server))?;
    let failed = |e: ReadlineError| Failure::new(format!("the terminal can't be used: {e}"));
    let config = Config::builder()
        .max_history_size(KEPT)
        .and_then(|config| config.history_ignore_dups(true))
        .map_err(failed)?
        .history_ignore_space(true)
        .completion_type(CompletionType::List)
        .build();
    let mut editor: Editor<Typed, FileHistory> = Editor::with_config(config).map_err(failed)?;
    editor.set_helper(Some(Typed { known }));
    let history = history();
    if let Some(path) = &history {
        // The first time there is none.
        let _ = editor.load_history(path);
    }
    println!("\\? says what can be typed beside statements, \\q ends.");
    let mut view = View { form, expanded: false, paged: true };
    loop {
        let line = match editor.readline(PROMPT) {
            Ok(line) => line,
            Err(ReadlineError::Interrupted) => continue,
            Err(ReadlineError::Eof) => return Ok(()),
            Err(error) => return Err(failed(error)),
        };
        if line.trim().is_empty() {
            continue;
        }
        if editor.add_history_entry(&line).map_err(failed)?
            && let Some(path) = &history
            && let Err(error) = editor.append_history(path)
        {
            eprintln!("what was typed is not kept: {error}");
        }
        let lines =
            editor.dimensions().map(|(_, rows)| usize::from(rows)).filter(|rows| *rows > 0 && std::io::stdout().is_terminal());
        if line.trim_start().starts_with('\\') {
            match command::read(&line) {
                Err(wrong) => eprintln!("{wrong}"),
                Ok(Command::Quit) => return Ok(()),
                Ok(Command::Help) => print!("{HELP}"),
                Ok(Command::Form(form)) => view.form = form,
                Ok(Command::Expand) => view.expanded = !view.expanded,
                Ok(Command::Page) => view.paged = !view.paged,
                Ok(asked) => {
                    let statement = asked.statement().unwrap_or_default();
                    answer(&runtime, server, &statement, View { form: SqlFormat::Table, expanded: false, ..view }, lines);
                }
            }
            continue;
        }
        // Of several, those behind one that fails are not asked.
        let _ = split(&line).into_iter().all(|statement| answer(&runtime, server, statement, view, lines));
    }
}

/// Asks and shows; whether it was answered.
fn answer(runtime: &Handle, server: &Server, statement: &str, view: View, lines: Option<usize>) -> bool {
    let began = Instant::now();
    let answered = runtime.block_on(async {
        tokio::select! {
            answered = server.ask(statement, view.form) => Some(answered),
            // The connection is given up, and with it the statement.
            _ = tokio::signal::ctrl_c() => None,
        }
    });
    let took = began.elapsed();
    let shown = match answered {
        None => Err(Failure::new("ended by Ctrl-C")),
        Some(Err(error)) => Err(error),
        Some(Ok(answered)) => view.show(&answered.bytes).map(|text| (text, answered)),
    };
    match shown {
        Err(error) => {
            eprintln!("{error}");
            false
        }
        Ok((text, answered)) => {
            let written = pager::show(&text, lines.filter(|_| view.paged));
            answered.say_if_cut();
            println!("{}", time(took));
            written.is_ok()
        }
    }
}

fn time(took: Duration) -> String {
    match took.as_secs_f64() {
        seconds if seconds < 1.0 => format!("{:.0} ms", seconds * 1e3),
        seconds => format!("{seconds:.1} s"),
    }
}

/// Where what was typed is kept: `VITALOG_HISTORY`, else in the folder for such. Statements may name subjects, so it is readable by its owner only. An empty `VITALOG_HISTORY` keeps nothing.
fn history() -> Option<PathBuf> {
    if let Some(path) = std::env::var_os("VITALOG_HISTORY") {
        return (!path.is_empty()).then(|| PathBuf::from(path));
    }
    let set = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let folder = set("XDG_STATE_HOME").or_else(|| Some(set("HOME")?.join(".local/state")))?.join("vitalog");
    match std::fs::create_dir_all(&folder) {
        Ok(()) => Some(folder.join("sql_history")),
        Err(error) => {
            eprintln!("what is typed is not kept: {}: {error}", folder.display());
            None
        }
    }
}

impl Validator for Typed {
    fn validate(&self, typed: &mut ValidationContext<'_>) -> rustyline::Result<ValidationResult> {
        let text = typed.input();
        let is_whole = text.trim_start().starts_with('\\') || is_complete(text);
        Ok(if is_whole { ValidationResult::Valid(None) } else { ValidationResult::Incomplete })
    }
}

impl Completer for Typed {
    type Candidate = String;

    fn complete(&self, line: &str, cursor: usize, _: &Context<'_>) -> rustyline::Result<(usize, Vec<String>)> {
        Ok(complete(line, cursor, &self.known))
    }
}

impl Hinter for Typed {
    type Hint = String;
}

impl Highlighter for Typed {}

impl Helper for Typed {}
