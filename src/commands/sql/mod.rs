//! `vitalog sql`: statements, answered by a running server, or by a data directory that no server holds. One that is given; those that come in on standard input; or, in a terminal, a prompt.

mod ask;
mod catalogue;
mod command;
mod complete;
mod pager;
mod prompt;
mod table;

use std::io::{IsTerminal, Read, Write};
use std::time::Duration;

use vitalog_lakehouse::split;

use crate::cli::{Sql, SqlFormat};
use crate::commands::directory::served;
use crate::failure::Failure;
use ask::{Answered, Server};

/// Asks and prints.
///
/// # Errors
/// Where a statement is refused or fails, or there is nobody to ask.
pub fn run(args: &Sql) -> Result<(), Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let outcome = runtime.block_on(async {
        match (&args.url, &args.data) {
            (Some(url), _) => with(args, Server::new(url, args.token.as_deref())).await,
            (None, Some(data)) => served(data, async |url| with(args, Server::new(url, None)).await).await,
            (None, None) => {
                Err(Failure::usage("whom to ask?").hint("give --url of a running server, or --data of a data directory"))
            }
        }
    });
    runtime.shutdown_timeout(Duration::from_secs(5));
    outcome
}

async fn with(args: &Sql, server: Server) -> Result<(), Failure> {
    if let Some(query) = &args.query {
        return once(args.format, &server, query).await;
    }
    if std::io::stdin().is_terminal() {
        // Whoever types is waited for; what runs beside is the server's answers.
        return tokio::task::block_in_place(|| prompt::run(args.format, &server));
    }
    let mut text = String::new();
    std::io::stdin().read_to_string(&mut text).map_err(|e| Failure::new(format!("standard input can't be read: {e}")))?;
    for statement in split(&text) {
        once(args.format, &server, statement).await?;
    }
    Ok(())
}

async fn once(format: SqlFormat, server: &Server, statement: &str) -> Result<(), Failure> {
    let answered = server.ask(statement, format).await?;
    let mut out = std::io::stdout().lock();
    match format {
        SqlFormat::Table => out.write_all(table::lined_up(&answered.bytes)?.as_bytes())?,
        _ => out.write_all(&answered.bytes)?,
    }
    out.flush()?;
    answered.say_if_cut();
    Ok(())
}

impl Answered {
    fn say_if_cut(&self) {
        if self.is_cut {
            eprintln!("the answer was cut off: it has more rows than one may have; `vitalog export` writes all of them");
        }
    }
}
