//! What a client is told that goes wrong: a status of gRPC, words with the place in the statement, and the remedy.

use std::time::Duration;

use arrow_flight::error::FlightError;
use tonic::{Code, Status};

use crate::io::port::NotIn;
use crate::sql::{Marked, SqlError};

/// The longest message: it goes in a header, of which clients take so much.
const LONGEST: usize = 1_500;

/// A refusal with its remedy.
pub(crate) fn refusal(code: Code, message: &str, remedy: &str) -> Status {
    let mut text = if remedy.is_empty() { message.to_owned() } else { format!("{message}; {remedy}") };
    if text.len() > LONGEST {
        let end = (0..=LONGEST).rev().find(|end| text.is_char_boundary(*end)).unwrap_or(0);
        text.truncate(end);
        text.push('…');
    }
    Status::new(code, text)
}

/// Of a statement that was refused or failed.
pub(crate) fn of(error: &SqlError, statement: Option<&Marked>) -> Status {
    match error {
        SqlError::Refused(refused) => {
            let place = statement.and_then(|statement| statement.place_of(&refused.message));
            // As the parser says it, but for a statement with other parameters than were written.
            let words = refused.message.split(" at Line: ").next().unwrap_or(&refused.message);
            let words = words.trim_start_matches("SQL error: ParserError(\"").trim_end_matches(['.', '"', ')']);
            let message = match place {
                Some(place) => format!("{words} (line {}, column {})", place.line, place.column),
                None => words.to_owned(),
            };
            refusal(code_of(&refused.code), &message, &refused.remedy)
        }
        SqlError::Lake(error) => {
            tracing::error!(error = %error, "a query failed");
            refusal(Code::Internal, "the lake could not be read", "see the server's log")
        }
    }
}

fn code_of(code: &str) -> Code {
    match code {
        "sql_not_allowed" | "sql_study" => Code::PermissionDenied,
        "sql_unsupported" => Code::Unimplemented,
        "sql_memory" | "sql_cut" | "sql_busy" => Code::ResourceExhausted,
        "sql_timeout" => Code::DeadlineExceeded,
        "sql_closing" => Code::Unavailable,
        _ => Code::InvalidArgument,
    }
}

/// The same status as over HTTP, for the access log.
pub(crate) fn as_http(status: &Status) -> u16 {
    match status.code() {
        Code::Ok => 200,
        Code::Unauthenticated => 401,
        Code::PermissionDenied => 403,
        Code::NotFound => 404,
        Code::Cancelled => 499,
        Code::ResourceExhausted | Code::DeadlineExceeded => 422,
        Code::Internal => 500,
        Code::Unavailable => 503,
        _ => 400,
    }
}

/// What who is not let in is told.
pub(crate) fn not_in(why: &NotIn) -> Status {
    match why {
        NotIn::NotGood(why) => refusal(
            Code::Unauthenticated,
            why,
            "send a token as `authorization: Bearer TOKEN`, or shake hands with the account's name (of a program: its token's id) and the token or password",
        ),
        NotIn::Later(why) => refusal(Code::ResourceExhausted, why, "try again later"),
        NotIn::Unknown => {
            refusal(Code::Unavailable, "who may come in can't be looked up at present", "try again later; the log says why")
        }
    }
}

pub(crate) fn not_permitted() -> Status {
    refusal(Code::PermissionDenied, "you may not ask in SQL", "ask whoever runs this for a token that may")
}

/// What writes is refused.
pub(crate) fn read_only(what: &str) -> Status {
    let remedy = "ask with SELECT; readings are sent to POST /v1/readings";
    refusal(Code::PermissionDenied, &format!("{what} is not allowed: SQL only reads here"), remedy)
}

/// What there is nothing of here.
pub(crate) fn there_is_no(what: &str, remedy: &str) -> Status {
    refusal(Code::Unimplemented, &format!("there are no {what} here"), remedy)
}

/// Bytes that are no message of the protocol.
pub(crate) fn garbled(what: &str) -> Status {
    refusal(Code::InvalidArgument, &format!("{what} can't be read"), "send what Arrow Flight SQL says of it")
}

pub(crate) fn stopped() -> Status {
    refusal(Code::Cancelled, "the statement was stopped, as was asked", "")
}

pub(crate) fn not_reached(next: &str, after: Duration) -> Status {
    let message = format!("the lake has not seen the write {next} within {after:?}");
    refusal(Code::Unavailable, &message, "ask again in a moment")
}

/// A batch that could not be put into the form in which it goes.
pub(crate) fn broken(why: &dyn std::fmt::Display) -> Status {
    tracing::error!(%why, "an answer could not be written");
    refusal(Code::Internal, "the answer could not be written", "see the server's log")
}

impl From<Refused> for FlightError {
    fn from(Refused(status): Refused) -> FlightError {
        FlightError::Tonic(Box::new(status))
    }
}

/// A status on its way through what encodes batches.
pub(crate) struct Refused(pub Status);

/// The status that comes out of it again.
pub(crate) fn came_out(error: FlightError) -> Status {
    match error {
        FlightError::Tonic(status) => *status,
        other => broken(&other),
    }
}

#[cfg(test)]
mod tests {
    use super::{as_http, of, refusal};
    use crate::sql::{Marked, parse};
    use tonic::Code;

    #[test]
    fn a_mistake_is_told_with_its_place_and_the_remedy() {
        let marked = Marked::new("select ?,\n  from where");
        let status = of(&parse(marked.numbered()).unwrap_err(), Some(&marked));
        assert_eq!((status.code(), as_http(&status)), (Code::InvalidArgument, 400));
        assert!(status.message().contains("(line 2, column ") && status.message().contains("; mend"), "{status}");
        assert!(!status.message().contains("Line:"), "{status}");
        let marked = Marked::new("delete from bg");
        let status = of(&parse(marked.numbered()).unwrap_err(), Some(&marked));
        assert_eq!((status.code(), as_http(&status)), (Code::PermissionDenied, 403));
        assert!(status.message().contains("DELETE") && status.message().contains("only reads"), "{status}");
    }

    #[test]
    fn a_message_has_an_end() {
        let status = refusal(Code::Internal, &"ü".repeat(5_000), "shorten it");
        assert!(status.message().len() < 1_600 && status.message().ends_with('…'));
    }
}
