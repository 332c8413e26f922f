//! The command line: what can be asked of `vitalog`, and nothing of how it is answered.

mod access;
mod audit;
mod backup;
mod brokers;
mod export;
mod moving;
#[cfg(test)]
mod reference;
mod sign_in;
mod traced;
mod trim;
mod words;

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

pub use access::{Hold, HoldAction, Limit, Metering, TenantAction, TenantNames, Tenants, Token, TokenAction, User, UserAction};
pub use audit::{Audit, AuditOf, AuditStages, Receipt};
pub use backup::{Backup, Restore};
pub use brokers::{Brokers, SaslMechanism};
pub use export::{Export, ExportFormat};
pub use moving::Move;
pub use sign_in::SignIn;
pub use traced::Traced;
pub use trim::Trim;
pub use words::instant;
use words::study_floor;

#[derive(Parser)]
#[command(
    name = "vitalog",
    version,
    about = "A complex-event-processing stream engine for health telemetry. Not a medical device."
)]
pub struct Cli {
    /// How what goes on is told on standard error: as text, or as one JSON object a line; if not given, text on a terminal and JSON elsewhere. `VITALOG_LOG` says how much is told.
    #[arg(long, global = true, value_enum, value_name = "FORMAT", env = "VITALOG_LOG_FORMAT")]
    pub log: Option<LogFormat>,
    #[command(subcommand)]
    pub command: Command,
}

/// For whom the log is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// Programs: one JSON object a line.
    Json,
    /// People.
    Text,
}

#[derive(Subcommand)]
pub enum Command {
    /// Run everything on this machine over bundled real data, live.
    Demo(Demo),
    /// Run the gateway, the engine, the lake and the pages on a data directory.
    Serve(Box<Serve>),
    /// Say what is wrong with rule files. Exit status 1 if any is an error.
    Check(Check),
    /// Say what a diagnostic means (`E0301`), or what a rule does: its cost, its bounds, its automaton.
    Explain(Explain),
    /// Write rule files in the one style.
    Fmt(Fmt),
    /// Speak the language server protocol on standard input and output, for editors.
    Lsp(Lsp),
    /// Run the tests in rule files. Exit status 1 if any fails.
    Test(Test),
    /// Say what rules find in a history of readings.
    Backtest(Backtest),
    /// Measure how fast this machine decides, under the rules given, on a population made up for it.
    Bench(Bench),
    /// Look at the rules of a running server and all their versions, and put a former version in force again.
    Rules(Rules),
    /// Say why a rule found something about a subject at an instant, or why it did not.
    Why(Why),
    /// Send exports of readings to a server or into a data directory.
    Ingest(Ingest),
    /// Look at what a running server refused, and try it again, as it came or mended.
    Letters(Letters),
    /// Move readings that were recorded about the wrong subject to the right one, on a running server.
    Move(Move),
    /// Ask the lake in SQL.
    Sql(Sql),
    /// Write readings of a subject, or the result of a statement, to a file: CSV, Parquet, Arrow, FHIR.
    Export(Export),
    /// Print the description of the HTTP API: OpenAPI 3.1, as a running server gives it at `/openapi.json`.
    Openapi,
    /// Who there is: accounts with their roles, passwords and assignments.
    User(User),
    /// Add, list, exchange or revoke access tokens of a data directory.
    Token(Token),
    /// Organisations that share a server, none of which knows of another's subjects.
    Tenant(Tenants),
    /// Who used how much of a running server that has tenants, by day or month.
    Metering(Metering),
    /// Verify what a data directory or a running server holds: without a subcommand, that every stage has what the journal has. Exit status 1 if something is wrong.
    Audit(Audit),
    /// Where each revision of a reading is, at every stage.
    Receipt(Receipt),
    /// Back up what can't be made again: of a data directory that no server holds, or by a server that runs with `--backups`.
    Backup(Backup),
    /// Put a backup back into a directory that is not there yet. Refuses what is not what was backed up.
    Restore(Restore),
    /// Let go of what is past the journal's retention, in a data directory that no server holds, as far as nothing needs it any more.
    Trim(Trim),
    /// Look a data directory through and say what is wrong with it, and what to do. Changes nothing. Exit status 1 if something would keep a server from starting.
    Doctor(Doctor),
    /// Erase subjects from a data directory that no server holds, or by a running server: destroy their keys, and cut them out of what was derived.
    Erase(Erase),
    /// Subjects that may not be erased: hold them, let them go, list them.
    Hold(Hold),
    /// Exchange the keys of a data directory that no server holds.
    Keys(Keys),
}

/// Whom the output is for.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// People.
    Text,
    /// Programs: one JSON object per line.
    Json,
}

#[derive(Args)]
pub struct Demo {
    /// The address to listen on.
    #[arg(long, default_value = "127.0.0.1:8080")]
    pub listen: SocketAddr,
    /// How many times faster than life the live readings come.
    #[arg(long, default_value_t = 1.0)]
    pub speed: f64,
    /// Where to keep the data; a fresh temporary directory, removed at the end, if not given.
    #[arg(long)]
    pub data: Option<PathBuf>,
    /// Where the rules to edit are; `<data>/rules` if not given.
    #[arg(long)]
    pub rules: Option<PathBuf>,
}

#[derive(Args)]
pub struct Serve {
    /// The data directory; created where it is missing.
    #[arg(long)]
    pub data: PathBuf,
    /// A directory of rule files, watched for edits; the shipped packs if not given.
    #[arg(long)]
    pub rules: Option<PathBuf>,
    /// The address to listen on.
    #[arg(long, default_value = "127.0.0.1:8080")]
    pub listen: SocketAddr,
    /// Also take clients of PostgreSQL (psql, Grafana, SQLAlchemy, …) on this address, such as 127.0.0.1:5432. Where it can be reached from elsewhere, only with TLS.
    #[arg(long, value_name = "ADDRESS")]
    pub pg: Option<SocketAddr>,
    /// Also take clients of Arrow Flight SQL (ADBC, JDBC, …) on this address, such as 127.0.0.1:50051. Where it can be reached from elsewhere, only with TLS.
    #[arg(long, value_name = "ADDRESS")]
    pub flight: Option<SocketAddr>,
    /// Seconds in which what a client of Arrow Flight SQL has asked for must be taken.
    #[arg(long, default_value_t = 300, value_parser = clap::value_parser!(u16).range(1..=3_600))]
    pub ticket_time: u16,
    /// A JSON file of webhook endpoints.
    #[arg(long)]
    pub webhooks: Option<PathBuf>,
    /// A directory of access policies (`*.cedar`) instead of those that are shipped.
    #[arg(long)]
    pub policies: Option<PathBuf>,
    /// How many subjects an answer rests on at least for whoever has the right `study`; 1: rows of single subjects leave, under pseudonyms.
    #[arg(long, value_name = "SUBJECTS", default_value_t = vitalog_lakehouse::FLOOR, value_parser = study_floor)]
    pub study_floor: std::num::NonZeroU32,
    /// Minutes after which a session ends of which nothing was asked.
    #[arg(long, default_value_t = 30, value_parser = clap::value_parser!(u16).range(1..=720))]
    pub idle: u16,
    /// The certificate chain for TLS, a PEM file; read anew when it changes.
    #[arg(long, requires = "tls_key")]
    pub tls_cert: Option<PathBuf>,
    /// The certificate's private key, a PEM file.
    #[arg(long, requires = "tls_cert")]
    pub tls_key: Option<PathBuf>,
    /// Without TLS on an address that can be reached from elsewhere: a proxy in front of it sees to that.
    #[arg(long, conflicts_with = "tls_cert")]
    pub behind_proxy: bool,
    #[command(flatten)]
    pub sign_in: SignIn,
    /// Let anyone who reaches the address in without a token. Only on a loopback address.
    #[arg(long)]
    pub open: bool,
    /// Threads that decide; the machine's cores if not given. What is decided does not hang on it.
    #[arg(long, value_parser = clap::value_parser!(u16).range(1..))]
    pub workers: Option<u16>,
    /// Days that a reading may be late without anything being read from disk for it: what rules need for that is kept in memory, of each subject with many readings. 0 keeps all, and where that is new replays the whole journal once.
    #[arg(long, default_value_t = 7, value_parser = clap::value_parser!(u16).range(0..=36_500))]
    pub horizon: u16,
    /// For how many whole calendar months (UTC) what can be asked for is kept in the lake: `24months`, `2years`, `forever`; and for which streams another time, as in `bg=60months`, and `findings` and `dead_letters`. May be said several times. It is noted in the data directory, and need not be said again; what is not kept there any more stays in the journal.
    #[arg(long, value_name = "[STREAM=]TIME")]
    pub retain: Vec<String>,
    /// For how many whole calendar months (UTC) the journal keeps what arrived: `24months`, `2years`, `forever`. What is past goes for good, as far as nothing needs it any more. It is noted in the data directory, and need not be said again.
    #[arg(long, value_name = "TIME")]
    pub retain_journal: Option<String>,
    #[command(flatten)]
    pub traced: Traced,
    /// Seconds between landings of hot rows in the lake.
    #[arg(long, default_value_t = 60)]
    pub land_every: u64,
    /// Seconds in which the head of a request must come; connections that ask nothing for so long are ended.
    #[arg(long, default_value_t = 20)]
    pub head_time: u64,
    /// Seconds in which the body of a request must come; one that does not is cut (408).
    #[arg(long, default_value_t = 30, value_parser = clap::value_parser!(u16).range(1..=3_600))]
    pub body_time: u16,
    /// MiB that stay free on the disk of the data directory: with less, readings are refused (507) until there is room again. 0: no such floor.
    #[arg(long, default_value_t = 256)]
    pub free_space: u64,
    /// A directory for backups that are made while it runs (`POST /v1/backups`, `vitalog backup --url`).
    #[arg(long)]
    pub backups: Option<PathBuf>,
    /// A directory for the one copy of the keys that is made with each backup: on another volume than the backups.
    #[arg(long, requires = "backups")]
    pub backup_keys: Option<PathBuf>,
    /// Where the journal is kept, if not in the data directory: `kafkas://HOST:PORT[,HOST:PORT…]/TOPIC` with TLS, or `kafka://127.0.0.1:PORT/TOPIC` without on this machine. It is noted in the data directory, and need not be said again.
    #[arg(long, value_name = "URL")]
    pub journal: Option<String>,
    #[command(flatten)]
    pub brokers: Brokers,
    /// Seconds between saying that the server is not ready and taking no more requests, when it is asked to end: for a balancer to notice.
    #[arg(long, default_value_t = 0, value_parser = clap::value_parser!(u64).range(0..=600))]
    pub drain_time: u64,
}

#[derive(Args)]
pub struct Check {
    /// Rule files or directories; the shipped packs if none is given.
    pub rules: Vec<PathBuf>,
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub format: Format,
}

#[derive(Args)]
pub struct Test {
    /// Rule files or directories; the shipped packs if none is given.
    pub rules: Vec<PathBuf>,
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub format: Format,
    /// Also say which clauses no test notices: each is left out in turn, and the tests of its rule are run again.
    #[arg(long)]
    pub coverage: bool,
}

#[derive(Args)]
pub struct Explain {
    /// The code of a diagnostic, or the name of a rule.
    pub what: String,
    /// Rule files or directories that have the rule; the shipped packs if none is given.
    pub rules: Vec<PathBuf>,
    /// Write the rule's automaton as a picture to this file.
    #[arg(long)]
    pub svg: Option<PathBuf>,
}

#[derive(Args)]
pub struct Fmt {
    /// Rule files or directories.
    #[arg(required = true)]
    pub rules: Vec<PathBuf>,
    /// Change nothing: name the files that are not in the style. Exit status 1 if there is one.
    #[arg(long)]
    pub check: bool,
}

#[derive(Args)]
pub struct Lsp {
    /// As editors say it; there is no other way.
    #[arg(long)]
    pub stdio: bool,
}

#[derive(Args)]
pub struct Bench {
    /// Rule files or directories; the shipped packs if none is given.
    #[arg(long, num_args = 1..)]
    pub rules: Vec<PathBuf>,
    /// How many people are made up.
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=10_000_000))]
    pub subjects: u32,
    /// How many days of theirs.
    #[arg(long, default_value_t = 7, value_parser = clap::value_parser!(u32).range(1..=3_650))]
    pub days: u32,
    /// Threads that decide, as for `serve`; the machine's cores if not given.
    #[arg(long, value_parser = clap::value_parser!(u16).range(1..))]
    pub workers: Option<u16>,
    /// Of a hundred readings so many come late, by up to a day.
    #[arg(long, value_name = "PERCENT", default_value_t = 0, value_parser = clap::value_parser!(u8).range(0..=100))]
    pub late: u8,
    /// Another number is another population.
    #[arg(long, default_value_t = 20_261_120)]
    pub seed: u64,
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub format: Format,
}

#[derive(Args)]
pub struct Backtest {
    /// Rule files or directories; the shipped packs if none is given.
    #[arg(long, num_args = 1..)]
    pub rules: Vec<PathBuf>,
    /// NDJSON, JSON or CSV files (gzip too), or `lake`.
    #[arg(long, num_args = 1.., required = true)]
    pub input: Vec<String>,
    /// The data directory whose lake is meant by `--input lake`.
    #[arg(long)]
    pub data: Option<PathBuf>,
    /// Only this subject.
    #[arg(long)]
    pub subject: Option<String>,
    /// Only readings from this instant on.
    #[arg(long)]
    pub from: Option<String>,
    /// Only readings before this instant.
    #[arg(long)]
    pub to: Option<String>,
    /// What the clock says in the end; the last reading's instant if not given.
    #[arg(long)]
    pub now: Option<String>,
    /// NDJSON lines of `{"subject", "field", "value", "at"}`.
    #[arg(long)]
    pub profiles: Option<PathBuf>,
    /// Worker threads; as many as there are cores if not given.
    #[arg(long)]
    pub threads: Option<usize>,
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub format: Format,
    /// Instead of the findings, a row for each rule: how many, of how many subjects, how often by subject and day, and what became of them.
    #[arg(long)]
    pub summary: bool,
    /// For `--summary`: a reading of these streams says that somebody did something about an alarm; carbs, medication and exercise if not given.
    #[arg(long = "action", value_name = "STREAM", value_delimiter = ',', requires = "summary")]
    pub actions: Vec<String>,
    /// For `--summary`: the rule whose findings the others warn of; without it, how long until a finding became graver.
    #[arg(long, value_name = "RULE", requires = "summary")]
    pub lead_to: Option<String>,
    /// For `--lead-to`: a warning more than so many minutes before is none.
    #[arg(long, value_name = "MINUTES", default_value_t = 60, value_parser = clap::value_parser!(u32).range(1..=10_080))]
    pub lead_within: u32,
    /// Instead of the findings, what these rules (files or directories) find otherwise over the same readings; those of `--rules` are the new ones.
    #[arg(long, num_args = 1.., conflicts_with_all = ["summary", "as_known"])]
    pub against: Vec<PathBuf>,
    /// Instead of the findings, what was said of them when, as readings came: with `--input lake`, whose readings have instants of acceptance. `--now` leaves out what came later.
    #[arg(long, conflicts_with_all = ["summary", "stats"])]
    pub as_known: bool,
    /// Add a last line on speed and memory.
    #[arg(long)]
    pub stats: bool,
}

#[derive(Args)]
pub struct Why {
    /// The name of the rule.
    #[arg(long)]
    pub rule: String,
    /// Whom it is about.
    #[arg(long)]
    pub subject: String,
    /// The instant that is asked about, as 2026-11-20T08:00:00Z.
    #[arg(long)]
    pub at: String,
    /// NDJSON, JSON or CSV files (gzip too): a history, taken in the order of its instants.
    #[arg(long, num_args = 1.., conflicts_with_all = ["data", "url"])]
    pub input: Vec<PathBuf>,
    /// Rule files or directories for `--input`; the shipped packs if none is given.
    #[arg(long, num_args = 1.., conflicts_with_all = ["data", "url"])]
    pub rules: Vec<PathBuf>,
    /// For `--input`: NDJSON lines of `{"subject", "field", "value", "at"}`.
    #[arg(long, conflicts_with_all = ["data", "url"])]
    pub profiles: Option<PathBuf>,
    /// For `--input`: what the clock says in the end; the last reading's instant if not given.
    #[arg(long, conflicts_with_all = ["data", "url"])]
    pub now: Option<String>,
    /// A data directory that no server holds: its journal is replayed, and what was said before is told as well.
    #[arg(long, conflicts_with = "url")]
    pub data: Option<PathBuf>,
    /// The URL of a running server.
    #[arg(long)]
    pub url: Option<String>,
    /// The access token; read from the environment if not given.
    #[arg(long, env = "VITALOG_TOKEN", hide_env_values = true)]
    pub token: Option<String>,
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub format: Format,
}

#[derive(Args)]
pub struct Rules {
    #[command(subcommand)]
    pub action: RulesAction,
    /// The URL of a running server.
    #[arg(long, global = true, default_value = "http://127.0.0.1:8080")]
    pub url: String,
    /// The access token; read from the environment if not given.
    #[arg(long, global = true, env = "VITALOG_TOKEN", hide_env_values = true)]
    pub token: Option<String>,
    #[arg(long, global = true, value_enum, default_value_t = Format::Text)]
    pub format: Format,
}

#[derive(Subcommand)]
pub enum RulesAction {
    /// The rules in force, and what those on trial (`shadow`) would have told.
    List,
    /// All versions there ever were: since when, by whom, and which rules are others.
    Versions,
    /// The texts of a version, or of one of its files.
    Show { version: u64, file: Option<String> },
    /// Put a former version in force from now on, as a new version.
    Rollback { to: u64 },
}

#[derive(Args)]
pub struct Ingest {
    /// The URL of a server, or a data directory that no server holds.
    #[arg(long)]
    pub to: String,
    /// Files: NDJSON, JSON, CSV or Arrow streams with native names (gzip and zstd too), or files of T1D-UOM and AIM-94, told by their names and content.
    #[arg(required = true)]
    pub files: Vec<PathBuf>,
    /// The access token; read from the environment if not given.
    #[arg(long, env = "VITALOG_TOKEN", hide_env_values = true)]
    pub token: Option<String>,
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub format: Format,
}

#[derive(Args)]
pub struct Letters {
    #[command(subcommand)]
    pub action: LettersAction,
    /// The URL of a running server.
    #[arg(long, global = true, default_value = "http://127.0.0.1:8080")]
    pub url: String,
    /// The access token; read from the environment if not given.
    #[arg(long, global = true, env = "VITALOG_TOKEN", hide_env_values = true)]
    pub token: Option<String>,
    #[arg(long, global = true, value_enum, default_value_t = Format::Text)]
    pub format: Format,
}

#[derive(Subcommand)]
pub enum LettersAction {
    /// The newest dead letters.
    List {
        #[command(flatten)]
        filter: LetterFilter,
        /// Only those that have (`true`) or have not (`false`) become a reading.
        #[arg(long)]
        mended: Option<bool>,
        /// As many as that at most.
        #[arg(long, default_value_t = 100)]
        limit: usize,
    },
    /// One of them: why it was refused, its bytes, and what became of it.
    Show { offset: u64 },
    /// Try one again, or all that fit. Exit status 1 if one is refused again.
    Replay {
        #[arg(conflicts_with_all = ["code", "field", "sender", "subject", "from", "to", "all"])]
        offset: Option<u64>,
        /// A file with the reading that is meant, as JSON; `-`: standard input. Without it the letter is tried as it came.
        #[arg(long, requires = "offset")]
        body: Option<PathBuf>,
        #[command(flatten)]
        filter: LetterFilter,
        /// Whatever they are.
        #[arg(long)]
        all: bool,
    },
}

/// Which dead letters are meant.
#[derive(Args)]
pub struct LetterFilter {
    /// Why they were refused.
    #[arg(long)]
    pub code: Option<String>,
    /// The field at fault.
    #[arg(long)]
    pub field: Option<String>,
    /// Who sent them.
    #[arg(long)]
    pub sender: Option<String>,
    /// Whom they were about.
    #[arg(long)]
    pub subject: Option<String>,
    /// Those that came at this instant or later.
    #[arg(long)]
    pub from: Option<String>,
    /// Those that came before this instant.
    #[arg(long)]
    pub to: Option<String>,
}

#[derive(Args)]
pub struct Sql {
    /// One statement. Without one, those that come in on standard input, or a prompt where that is a terminal.
    pub query: Option<String>,
    /// A data directory that no server holds.
    #[arg(long, conflicts_with = "url")]
    pub data: Option<PathBuf>,
    /// The URL of a running server.
    #[arg(long)]
    pub url: Option<String>,
    /// The access token; read from the environment if not given.
    #[arg(long, env = "VITALOG_TOKEN", hide_env_values = true)]
    pub token: Option<String>,
    #[arg(long, value_enum, default_value_t = SqlFormat::Table)]
    pub format: SqlFormat,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum SqlFormat {
    Table,
    Csv,
    Json,
    Arrow,
}

#[derive(Args)]
pub struct Doctor {
    /// The data directory. What is in one that a server holds is not looked at.
    #[arg(long)]
    pub data: PathBuf,
    /// The rule files that a server is started with; the shipped packs if not given.
    #[arg(long)]
    pub rules: Option<PathBuf>,
    /// The file of webhooks that a server is started with.
    #[arg(long)]
    pub webhooks: Option<PathBuf>,
    /// As for `serve`, in MiB.
    #[arg(long, default_value_t = 256)]
    pub free_space: u64,
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub format: Format,
}

#[derive(Args)]
pub struct Erase {
    /// May be given several times.
    #[arg(long = "subject", required = true)]
    pub subjects: Vec<String>,
    /// A data directory that no server holds.
    #[arg(long)]
    pub data: Option<PathBuf>,
    /// The URL of a running server: it is away for a moment, and goes on without them.
    #[arg(long, conflicts_with = "data")]
    pub url: Option<String>,
    /// The access token; read from the environment if not given.
    #[arg(long, env = "VITALOG_TOKEN", hide_env_values = true)]
    pub token: Option<String>,
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub format: Format,
}

#[derive(Args)]
pub struct Keys {
    #[command(subcommand)]
    pub action: KeysAction,
    /// A data directory that no server holds.
    #[arg(long)]
    pub data: PathBuf,
}

#[derive(Subcommand)]
pub enum KeysAction {
    /// A new key for a subject: what comes from now on is sealed under it.
    Rotate { subject: String },
    /// A new key-encryption key: the key store is sealed anew, the journal stays as it is.
    RotateKek,
    /// Lock the key store with the key-encryption key in a file, which is made where it is missing. From then on `VITALOG_KEK_FILE` names it, or `VITALOG_KEK` says it.
    MoveKek { file: PathBuf },
}
