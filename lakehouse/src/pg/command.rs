//! Statements that are about the session: transactions, settings, cursors. Everything else is a question.
//!
//! There is nothing to commit or to roll back; each statement sees one moment of its own. Transactions are kept to as far as clients see them.

use datafusion::sql::sqlparser::dialect::PostgreSqlDialect;
use datafusion::sql::sqlparser::tokenizer::{Token, Tokenizer};

use crate::sql::LONGEST;

/// What a statement is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// A question, or what will be refused as one.
    Ask,
    Begin,
    Commit,
    Rollback,
    /// A savepoint, or going back to one.
    Savepoint(&'static str),
    Set {
        name: String,
        value: String,
    },
    /// How a transaction shall be: it is as it is.
    SetTransaction,
    Reset(Option<String>),
    Show(String),
    ShowAll,
    DiscardAll,
    /// A prepared statement; `None`: all.
    Deallocate(Option<String>),
    Declare {
        cursor: String,
        sql: String,
    },
    /// `None`: all that is left.
    Fetch {
        cursor: String,
        rows: Option<u32>,
    },
    Close(Option<String>),
    /// Done by doing nothing, with the word that says so.
    Nothing(&'static str),
}

/// Reads a statement as far as it has to be read for this.
pub fn command(sql: &str) -> Command {
    if sql.len() > LONGEST {
        return Command::Ask;
    }
    let Ok(tokens) = Tokenizer::new(&PostgreSqlDialect {}, sql).tokenize() else { return Command::Ask };
    let tokens: Vec<Token> = tokens.into_iter().filter(|t| !matches!(t, Token::Whitespace(_) | Token::SemiColon)).collect();
    let words: Vec<String> = tokens.iter().map(word).collect();
    let keys: Vec<String> = words.iter().take(8).map(|word| word.to_uppercase()).collect();
    let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
    match *keys {
        ["BEGIN", ..] | ["START", "TRANSACTION", ..] => Command::Begin,
        ["ROLLBACK" | "ABORT", ref rest @ ..] if rest.contains(&"TO") => Command::Savepoint("ROLLBACK"),
        ["COMMIT" | "END", "PREPARED", ..] | ["ROLLBACK", "PREPARED", ..] => Command::Ask,
        ["COMMIT" | "END", ..] => Command::Commit,
        ["ROLLBACK" | "ABORT", ..] => Command::Rollback,
        ["SAVEPOINT", _] => Command::Savepoint("SAVEPOINT"),
        ["RELEASE", ..] => Command::Savepoint("RELEASE"),
        ["SET", "TRANSACTION", ..] | ["SET", "SESSION", "CHARACTERISTICS", ..] => Command::SetTransaction,
        ["SET", "SESSION", "AUTHORIZATION", ..] | ["SET", "ROLE", ..] | ["SET", "CONSTRAINTS", ..] => Command::Ask,
        ["SET", "SESSION" | "LOCAL", ..] => set(&tokens[2..], &words[2..]),
        ["SET", ..] => set(&tokens[1..], &words[1..]),
        ["RESET", "ALL"] => Command::Reset(None),
        ["RESET", ..] => Command::Reset(Some(name(&words[1..]))),
        ["SHOW", "ALL"] => Command::ShowAll,
        ["SHOW", "TABLES" | "COLUMNS" | "FUNCTIONS" | "SCHEMAS" | "DATABASES", ..] => Command::Ask,
        ["SHOW", _, ..] => Command::Show(name(&words[1..])),
        ["DISCARD", "ALL"] => Command::DiscardAll,
        ["DISCARD", _] => Command::Nothing("DISCARD"),
        ["DEALLOCATE", "ALL"] | ["DEALLOCATE", "PREPARE", "ALL"] => Command::Deallocate(None),
        ["DEALLOCATE", "PREPARE", _] => Command::Deallocate(Some(words[2].clone())),
        ["DEALLOCATE", _] => Command::Deallocate(Some(words[1].clone())),
        ["DECLARE", _, ref rest @ ..] if rest.contains(&"CURSOR") => declare(sql, &words[1]),
        ["FETCH", ..] => fetch(&words[1..]),
        ["CLOSE", "ALL"] => Command::Close(None),
        ["CLOSE", _] => Command::Close(Some(words[1].clone())),
        ["UNLISTEN", ..] => Command::Nothing("UNLISTEN"),
        _ => Command::Ask,
    }
}

fn word(token: &Token) -> String {
    match token {
        Token::Word(word) => word.value.clone(),
        Token::SingleQuotedString(text) | Token::EscapedStringLiteral(text) => text.clone(),
        other => other.to_string(),
    }
}

fn name(words: &[String]) -> String {
    // `a.b` is three tokens of one name; words stand apart.
    let mut name = String::new();
    for word in words {
        if !name.is_empty() && word != "." && !name.ends_with('.') {
            name.push(' ');
        }
        name.push_str(word);
    }
    name
}

/// `name TO value`, `name = value`, `TIME ZONE value`, `NAMES value`.
fn set(tokens: &[Token], words: &[String]) -> Command {
    let is_to = |(token, word): (&Token, &String)| *token == Token::Eq || word.eq_ignore_ascii_case("to");
    let (name, value) = match tokens.iter().zip(words).position(is_to) {
        Some(at) => (name(&words[..at]), &words[at + 1..]),
        None if words.len() > 2 && words[0].eq_ignore_ascii_case("time") => ("TimeZone".to_owned(), &words[2..]),
        None if words.len() > 1 && words[0].eq_ignore_ascii_case("names") => ("client_encoding".to_owned(), &words[1..]),
        None => return Command::Ask,
    };
    if name.is_empty() || value.is_empty() {
        return Command::Ask;
    }
    Command::Set { name, value: value.join(" ").replace(" , ", ", ").replace("- ", "-") }
}

fn declare(sql: &str, cursor: &str) -> Command {
    // What stands between is of no account: a cursor goes forward only, and sees one moment.
    let upper = sql.to_ascii_uppercase();
    let behind = upper.find("CURSOR").and_then(|at| upper[at..].find(" FOR").map(|of| at + of + 4));
    match behind.map(|at| sql[at..].trim()).filter(|asked| !asked.is_empty()) {
        Some(asked) => Command::Declare { cursor: cursor.to_owned(), sql: asked.to_owned() },
        None => Command::Ask,
    }
}

/// `[NEXT | FORWARD] [n | ALL] [FROM | IN] cursor`.
fn fetch(words: &[String]) -> Command {
    let Some((cursor, before)) = words.split_last() else { return Command::Ask };
    let mut rows = Some(1);
    for word in before {
        match &*word.to_uppercase() {
            "NEXT" | "FORWARD" | "FROM" | "IN" => {}
            "ALL" => rows = None,
            count => match count.parse() {
                Ok(count) if count > 0 => rows = Some(count),
                _ => return Command::Ask,
            },
        }
    }
    Command::Fetch { cursor: cursor.clone(), rows }
}

#[cfg(test)]
mod tests {
    use super::{Command, command};

    #[test]
    fn what_tools_say_of_their_session_is_understood() {
        let set = |name: &str, value: &str| Command::Set { name: name.into(), value: value.into() };
        for (sql, expected) in [
            ("BEGIN", Command::Begin),
            ("start transaction isolation level repeatable read, read only;", Command::Begin),
            ("COMMIT;", Command::Commit),
            ("rollback", Command::Rollback),
            ("ROLLBACK TO SAVEPOINT \"_pg3_1\"", Command::Savepoint("ROLLBACK")),
            ("savepoint a", Command::Savepoint("SAVEPOINT")),
            ("SET extra_float_digits = 3", set("extra_float_digits", "3")),
            ("SET SESSION a.b TO 'x'", set("a.b", "x")),
            ("set time zone 'UTC'", set("TimeZone", "UTC")),
            ("SET datestyle TO ISO, MDY", set("datestyle", "ISO, MDY")),
            ("SET SESSION CHARACTERISTICS AS TRANSACTION READ WRITE", Command::SetTransaction),
            ("/* a tool */ SHOW transaction isolation level", Command::Show("transaction isolation level".into())),
            ("show tables", Command::Ask),
            ("DISCARD ALL", Command::DiscardAll),
            ("DEALLOCATE \"s1\"", Command::Deallocate(Some("s1".into()))),
            (
                "DECLARE c NO SCROLL CURSOR WITHOUT HOLD FOR select 1",
                Command::Declare { cursor: "c".into(), sql: "select 1".into() },
            ),
            ("FETCH FORWARD 100 FROM c", Command::Fetch { cursor: "c".into(), rows: Some(100) }),
            ("fetch all in c", Command::Fetch { cursor: "c".into(), rows: None }),
            ("MOVE 5 FROM c", Command::Ask),
            ("CLOSE ALL", Command::Close(None)),
            ("select 1", Command::Ask),
            ("SET ROLE root", Command::Ask),
            ("drop table readings", Command::Ask),
            ("select 'unended", Command::Ask),
            ("", Command::Ask),
        ] {
            assert_eq!(command(sql), expected, "{sql}");
        }
    }
}
