//! Backing up, and putting back.

use std::path::PathBuf;

use clap::Args;

use super::Format;

#[derive(Args)]
pub struct Backup {
    /// A data directory that no server holds.
    #[arg(long, requires = "to")]
    pub data: Option<PathBuf>,
    /// The directory of the backup; made by it.
    #[arg(long, requires = "data")]
    pub to: Option<PathBuf>,
    /// Where the one copy of the keys goes, in the place of the former: on another volume than the backups.
    #[arg(long, requires = "data")]
    pub keys: Option<PathBuf>,
    /// The URL of a running server, which was told where its backups go.
    #[arg(long, conflicts_with = "data")]
    pub url: Option<String>,
    /// The access token; read from the environment if not given.
    #[arg(long, env = "VITALOG_TOKEN", hide_env_values = true)]
    pub token: Option<String>,
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub format: Format,
}

#[derive(Args)]
pub struct Restore {
    /// The directory of the backup.
    #[arg(long)]
    pub from: PathBuf,
    /// The data directory; made by it.
    #[arg(long)]
    pub to: PathBuf,
    /// The directory with the copy of the keys.
    #[arg(long)]
    pub keys: Option<PathBuf>,
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub format: Format,
}
