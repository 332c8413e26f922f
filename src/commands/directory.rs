//! A data directory that no server holds, asked as a server would be: by a server of its own that nobody else reaches for long.

use std::path::Path;

use crate::failure::Failure;
use crate::run::{Node, Options, has_journal};
use crate::server::{self, Admittance, Manners};

/// Opens the directory as a server would, rows that are journaled and not landed included, and asks.
///
/// # Errors
/// Where it is no data directory, or can't be opened; and those of whoever asks.
pub async fn served<T>(data: &Path, ask: impl AsyncFnOnce(&str) -> Result<T, Failure>) -> Result<T, Failure> {
    if !has_journal(data) {
        return Err(Failure::usage(format!("{} is no data directory", data.display())));
    }
    let node = Node::start(Options::quiet(data)).await?;
    let listener = server::listen(([127, 0, 0, 1], 0).into(), "--listen").await?;
    let url = format!("http://{}", listener.local_addr()?);
    let server = server::start(&node, listener, Admittance::Open, &Manners::default())?;
    let answer = ask(&url).await;
    server.stop(server::PATIENCE).await;
    node.stop().await?;
    answer
}
