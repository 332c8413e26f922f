//! Letting go of what is past the journal's retention.

use std::path::PathBuf;

use clap::Args;

use super::Format;

#[derive(Args)]
pub struct Trim {
    /// A data directory that no server holds.
    #[arg(long)]
    pub data: PathBuf,
    /// For how many whole calendar months (UTC) what arrived is kept: `24months`, `2years`, `forever`. What `serve --retain-journal` noted, if not given; it is not noted here.
    #[arg(long, value_name = "TIME")]
    pub retain_journal: Option<String>,
    /// Change nothing in the journal: say what could go, and what keeps the rest.
    #[arg(long)]
    pub dry_run: bool,
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub format: Format,
}
