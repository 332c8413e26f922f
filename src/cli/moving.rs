//! Readings of the wrong subject, moved to the right one.

use clap::Args;

use super::Format;

#[derive(Args)]
pub struct Move {
    /// Under whom they were recorded.
    pub subject: String,
    /// Whom they are about.
    #[arg(long)]
    pub to: String,
    /// These, by their names; may be given again.
    #[arg(long)]
    pub id: Vec<String>,
    /// Those of a stream.
    #[arg(long)]
    pub stream: Option<String>,
    /// Those that a device or app sent.
    #[arg(long)]
    pub source: Option<String>,
    /// Those from this instant on, an interval by its end.
    #[arg(long)]
    pub from: Option<String>,
    /// Those before this instant.
    #[arg(long)]
    pub until: Option<String>,
    /// Only say which they are.
    #[arg(long)]
    pub dry_run: bool,
    /// The URL of a running server.
    #[arg(long, default_value = "http://127.0.0.1:8080")]
    pub url: String,
    /// The access token; read from the environment if not given.
    #[arg(long, env = "VITALOG_TOKEN", hide_env_values = true)]
    pub token: Option<String>,
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub format: Format,
}
