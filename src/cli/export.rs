//! What goes out as files.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

#[derive(Args)]
pub struct Export {
    /// A statement in SQL whose result is wanted. Without it, `--subject` says whose readings are.
    #[arg(required_unless_present = "subject", conflicts_with_all = ["subject", "from", "to"])]
    pub query: Option<String>,
    /// The current readings of this subject.
    #[arg(long)]
    pub subject: Option<String>,
    /// Readings from this instant on.
    #[arg(long, requires = "subject")]
    pub from: Option<String>,
    /// Readings before this instant.
    #[arg(long, requires = "subject")]
    pub to: Option<String>,
    /// FHIR is there of a subject alone.
    #[arg(long, value_enum, default_value_t = ExportFormat::Csv)]
    pub format: ExportFormat,
    /// The file; it is there when it is whole. Standard output if not given.
    #[arg(long, short)]
    pub output: Option<PathBuf>,
    /// A data directory that no server holds.
    #[arg(long, conflicts_with = "url")]
    pub data: Option<PathBuf>,
    /// The URL of a running server.
    #[arg(long)]
    pub url: Option<String>,
    /// The access token; read from the environment if not given.
    #[arg(long, env = "VITALOG_TOKEN", hide_env_values = true)]
    pub token: Option<String>,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ExportFormat {
    Csv,
    Parquet,
    Arrow,
    Fhir,
}
