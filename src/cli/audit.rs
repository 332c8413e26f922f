//! What says whether something is as it was written: audits and receipts.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::Format;

#[derive(Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct Audit {
    #[command(subcommand)]
    pub what: Option<AuditOf>,
    #[command(flatten)]
    pub stages: AuditStages,
}

/// Without a subcommand: whether every stage has what the journal has.
#[derive(Args)]
pub struct AuditStages {
    /// A data directory that no server holds.
    #[arg(long)]
    pub data: Option<PathBuf>,
    /// The URL of a running server.
    #[arg(long, conflicts_with = "data")]
    pub url: Option<String>,
    /// The access token; read from the environment if not given.
    #[arg(long, env = "VITALOG_TOKEN", hide_env_values = true)]
    pub token: Option<String>,
    /// Only readings of this subject.
    #[arg(long)]
    pub subject: Option<String>,
    /// Only readings of this stream.
    #[arg(long)]
    pub stream: Option<String>,
    /// Only readings of this source.
    #[arg(long)]
    pub source: Option<String>,
    /// Only readings at or after this instant.
    #[arg(long)]
    pub from: Option<String>,
    /// Only readings before this instant.
    #[arg(long)]
    pub to: Option<String>,
    /// Make what differs again from the journal; of a data directory only.
    #[arg(long)]
    pub repair: bool,
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub format: Format,
}

#[derive(Args)]
pub struct Receipt {
    /// Whom the reading is about.
    #[arg(long)]
    pub subject: String,
    /// The name that it was sent with, or the id that its receipt told.
    #[arg(long)]
    pub id: String,
    /// A data directory that no server holds.
    #[arg(long)]
    pub data: Option<PathBuf>,
    /// The URL of a running server.
    #[arg(long, conflicts_with = "data")]
    pub url: Option<String>,
    /// The access token; read from the environment if not given.
    #[arg(long, env = "VITALOG_TOKEN", hide_env_values = true)]
    pub token: Option<String>,
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub format: Format,
}

#[derive(Subcommand)]
pub enum AuditOf {
    /// Checksums, chain, seals, keys, and where it ends.
    Journal {
        /// A data directory that no server holds.
        #[arg(long)]
        data: PathBuf,
        #[arg(long, value_enum, default_value_t = Format::Text)]
        format: Format,
    },
    /// Who asked for what: numbers, chain, signatures. A server may hold the directory.
    Access {
        /// A data directory.
        #[arg(long)]
        data: PathBuf,
        /// The public key that must have signed; any, if not given.
        #[arg(long)]
        key: Option<String>,
        /// What an earlier audit said of the log's end, `NUMBER:CHAIN`: that it is on the chain still. May be given several times.
        #[arg(long = "head")]
        heads: Vec<String>,
        /// Also print each entry that is about this subject.
        #[arg(long)]
        subject: Option<String>,
        #[arg(long, value_enum, default_value_t = Format::Text)]
        format: Format,
    },
}
