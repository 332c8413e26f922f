//! What a prompt takes beside statements: a backslash and a word, as in psql.

use super::table;
use crate::cli::SqlFormat;

/// One of them, understood.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    Tables,
    Columns(String),
    Functions(Option<String>),
    Form(SqlFormat),
    /// Rows one below the other, or side by side: the other one.
    Expand,
    /// Through a pager, or not: the other one.
    Page,
    Help,
    Quit,
}

pub const HELP: &str = "\
A statement ends with ;  Several lines are one statement until then.
  \\d              the tables
  \\d TABLE        the columns of one
  \\df [WORD]      the functions, or those with WORD in their names
  \\f FORM         answers as table, csv or json
  \\x              rows one below the other, or side by side again
  \\p              longer answers through a pager (PAGER, or less), or not
  \\q              the end; so is Ctrl-D
Tab completes. Ctrl-C ends a statement that runs, and forgets a line. Arrows bring back what was typed; a line that begins with a space is not kept.
";

/// Reads one.
///
/// # Errors
/// What is wrong with it.
pub fn read(line: &str) -> Result<Command, String> {
    let line = line.trim().trim_end_matches(';');
    let (name, rest) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
    let rest = rest.trim();
    let alone = |command| if rest.is_empty() { Ok(command) } else { Err(format!("{name} takes nothing, not {rest:?}")) };
    match name {
        "\\d" if rest.is_empty() => Ok(Command::Tables),
        "\\d" if is_name(rest) => Ok(Command::Columns(rest.to_owned())),
        "\\d" => Err(format!("{rest:?} is no name of a table")),
        "\\df" if rest.is_empty() => Ok(Command::Functions(None)),
        "\\df" if is_name(rest) => Ok(Command::Functions(Some(rest.to_owned()))),
        "\\df" => Err(format!("{rest:?} is in no name of a function")),
        "\\f" => match rest {
            "table" => Ok(Command::Form(SqlFormat::Table)),
            "csv" => Ok(Command::Form(SqlFormat::Csv)),
            "json" => Ok(Command::Form(SqlFormat::Json)),
            _ => Err(format!("\\f takes table, csv or json, not {rest:?}")),
        },
        "\\x" => alone(Command::Expand),
        "\\p" => alone(Command::Page),
        "\\?" | "\\h" | "\\help" => alone(Command::Help),
        "\\q" => alone(Command::Quit),
        _ => Err(format!("there is no {name}; \\? says what there is")),
    }
}

fn is_name(text: &str) -> bool {
    text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

impl Command {
    /// The statement that answers it, where one does.
    pub fn statement(&self) -> Option<String> {
        match self {
            Command::Tables => Some(
                "select table_name as \"table\", count(*) as columns from information_schema.columns where table_schema = 'lake' group by 1 order by 1".to_owned(),
            ),
            // Whoever misspells it is told so by the server.
            Command::Columns(table) => Some(format!("describe {table}")),
            Command::Functions(word) => Some(format!(
                "select distinct routine_name as \"function\" from information_schema.routines where routine_name like '%{}%' order by 1",
                word.as_deref().unwrap_or_default().to_lowercase()
            )),
            _ => None,
        }
    }
}

/// What an answer is shown as.
#[derive(Clone, Copy)]
pub struct View {
    pub form: SqlFormat,
    pub expanded: bool,
    pub paged: bool,
}

impl View {
    /// # Errors
    /// Where the answer can't be read.
    pub fn show(self, bytes: &[u8]) -> Result<String, crate::failure::Failure> {
        match self.form {
            SqlFormat::Table if self.expanded => table::laid_out(bytes),
            SqlFormat::Table => table::lined_up(bytes),
            _ => Ok(String::from_utf8_lossy(bytes).into_owned()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Command, read};
    use crate::cli::SqlFormat;

    #[test]
    fn commands_are_read_and_what_is_none_is_told_so() {
        for (line, command) in [
            ("\\d", Command::Tables),
            (" \\d ; ", Command::Tables),
            ("\\d bg", Command::Columns("bg".to_owned())),
            ("\\df", Command::Functions(None)),
            ("\\df range", Command::Functions(Some("range".to_owned()))),
            ("\\f csv", Command::Form(SqlFormat::Csv)),
            ("\\x", Command::Expand),
            ("\\p", Command::Page),
            ("\\?", Command::Help),
            ("\\q", Command::Quit),
        ] {
            assert_eq!(read(line), Ok(command), "{line}");
        }
        for (line, words) in [
            ("\\d bg; drop", "no name of a table"),
            ("\\d 'x'", "no name of a table"),
            ("\\df a'b", "in no name"),
            ("\\f arrow", "table, csv or json"),
            ("\\x on", "takes nothing"),
            ("\\z", "there is no \\z"),
            ("\\", "there is no \\"),
        ] {
            assert!(read(line).expect_err("it is none").contains(words), "{line}");
        }
    }
}
