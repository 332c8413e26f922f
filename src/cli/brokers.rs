//! How the brokers of a journal in Kafka are reached.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

#[derive(Args)]
pub struct Brokers {
    /// Who signed the brokers' certificates (PEM); those that the system trusts if not given.
    #[arg(long, value_name = "FILE", requires = "journal")]
    pub kafka_ca: Option<PathBuf>,
    /// The user that the brokers know it by.
    #[arg(long, value_name = "NAME", requires = "journal", requires = "kafka_password_file")]
    pub kafka_user: Option<String>,
    /// A file that has the user's password in its first line, and that nobody else may read.
    #[arg(long, value_name = "FILE", requires = "kafka_user")]
    pub kafka_password_file: Option<PathBuf>,
    /// How the password is shown to the brokers: `scram-sha-512`, `scram-sha-256` or `plain`.
    #[arg(long, value_enum, hide_possible_values = true, value_name = "MECHANISM", default_value_t = SaslMechanism::ScramSha512)]
    pub kafka_sasl: SaslMechanism,
    /// Seconds that a write to the brokers may take before it counts as failed, and readings are refused (503).
    #[arg(long, value_name = "SECONDS", default_value_t = 20, value_parser = clap::value_parser!(u64).range(1..=600))]
    pub kafka_patience: u64,
}

#[derive(Clone, Copy, ValueEnum)]
pub enum SaslMechanism {
    #[value(name = "scram-sha-512")]
    ScramSha512,
    #[value(name = "scram-sha-256")]
    ScramSha256,
    Plain,
}
