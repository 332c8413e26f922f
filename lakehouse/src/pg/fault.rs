//! What a client is told that goes wrong: a state of the standard's list, words, a remedy, and where in the statement.
//! <https://www.postgresql.org/docs/current/errcodes-appendix.html>

use crate::pg::incoming::Garbled;
use crate::sql::{SqlError, place_of};

/// An error, as a client is told of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    pub state: &'static str,
    pub message: String,
    pub remedy: Option<String>,
    /// The character of the statement at fault, from 1.
    pub position: Option<usize>,
    /// The connection ends with it.
    pub is_fatal: bool,
}

impl Fault {
    pub fn new(state: &'static str, message: impl Into<String>) -> Fault {
        Fault { state, message: message.into(), remedy: None, position: None, is_fatal: false }
    }

    #[must_use]
    pub fn hint(self, remedy: impl Into<String>) -> Fault {
        Fault { remedy: Some(remedy.into()), ..self }
    }

    #[must_use]
    pub fn at(self, position: Option<usize>) -> Fault {
        Fault { position, ..self }
    }

    #[must_use]
    pub fn fatal(self) -> Fault {
        Fault { is_fatal: true, ..self }
    }

    /// What is not done here.
    pub fn unsupported(message: impl Into<String>) -> Fault {
        Fault::new("0A000", message)
    }

    /// Of a statement that was refused or failed.
    pub fn of(error: SqlError, sql: &str) -> Fault {
        match error {
            SqlError::Refused(refusal) => {
                let state = state_of(&refusal.code, &refusal.message);
                let position = place_of(sql, &refusal.message).map(|place| place.character(sql));
                Fault::new(state, refusal.message).hint(refusal.remedy).at(position)
            }
            SqlError::Lake(error) => {
                tracing::error!(error = %error, "a query failed");
                Fault::new("58000", "the lake could not be read").hint("see the server's log")
            }
        }
    }

    /// The same status as over HTTP, for the access log.
    pub fn status(&self) -> u16 {
        match self.state {
            "28P01" | "28000" => 401,
            "42501" | "25006" => 403,
            "53400" => 429,
            "57014" | "53200" => 422,
            "57P01" | "57P03" => 503,
            "58000" | "XX000" => 500,
            _ => 400,
        }
    }
}

impl From<Garbled> for Fault {
    fn from(Garbled(why): Garbled) -> Fault {
        Fault::new("08P01", why).fatal()
    }
}

fn state_of(code: &str, message: &str) -> &'static str {
    match code {
        "sql_syntax" | "sql_empty" | "sql_several" => "42601",
        "sql_invalid" if message.contains("No field named") => "42703",
        "sql_invalid" if message.contains("nvalid function") || message.contains("function '") => "42883",
        "sql_invalid" if message.contains("table '") || message.contains("knows no table") => "42P01",
        "sql_invalid" if message.contains("mbiguous") => "42702",
        "sql_invalid" => "42804",
        "sql_unsupported" => "0A000",
        "sql_too_long" => "54001",
        "sql_memory" => "53200",
        "sql_timeout" => "57014",
        "sql_closing" => "57P01",
        "sql_not_allowed" if message.contains("only reads") => "25006",
        "sql_not_allowed" | "sql_study" => "42501",
        _ => "22000",
    }
}
