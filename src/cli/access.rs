//! What says who may come in, and who may not be erased: accounts, tokens, tenants, holds.

use std::num::NonZeroU32;
use std::path::PathBuf;
use std::str::FromStr;

use clap::{Args, Subcommand};

use super::Format;

#[derive(Args)]
pub struct Token {
    #[command(subcommand)]
    pub action: TokenAction,
    /// The data directory. A server that holds it takes note with its next request.
    #[arg(long)]
    pub data: PathBuf,
}

#[derive(Subcommand)]
pub enum TokenAction {
    /// Make a token for an id and print it, once.
    Add {
        id: String,
        /// What it may do at most: `admin`, `read`, `write`, `list`, `query`, `rule`, `operate`, or one subject's `write@p-001`.
        #[arg(long, value_delimiter = ',', default_value = "admin")]
        scopes: Vec<String>,
        /// Whose it is: it may do what that account may, within its scopes. A program's own, if not given: it may do what its scopes say.
        #[arg(long)]
        account: Option<String>,
        /// Days after which it is good no more; for ever, if not given.
        #[arg(long, value_parser = clap::value_parser!(u16).range(1..=3_650))]
        expires: Option<u16>,
        /// Requests a second that may be made with it; as many as there are, if not given.
        #[arg(long)]
        rate: Option<NonZeroU32>,
        /// New readings that may be sent by it of a day by UTC; as many as there are, if not given. Beyond it readings are refused, lows among them.
        #[arg(long, value_name = "N")]
        readings_per_day: Option<NonZeroU32>,
        /// The tenant to which a program's own belongs, for ever; the house, if not given. One of an account belongs where that does.
        #[arg(long, conflicts_with = "account")]
        tenant: Option<String>,
    },
    /// The tokens there are, and for what.
    List {
        #[arg(long, value_enum, default_value_t = Format::Text)]
        format: Format,
    },
    /// Change what may be done with a token.
    Set {
        id: String,
        /// Requests a second, or `none`: as many as there are.
        #[arg(long, value_name = "N|none")]
        rate: Option<Limit>,
        /// New readings that may be sent by it of a day by UTC, or `none`: as many as there are.
        #[arg(long, value_name = "N|none")]
        readings_per_day: Option<Limit>,
    },
    /// Exchange a token for a new one of the same id, scopes, rate and quota, and print it, once.
    Rotate {
        id: String,
        /// Hours for which the former one is good, too.
        #[arg(long, default_value_t = 24, value_parser = clap::value_parser!(u16).range(0..=8_760))]
        keep: u16,
    },
    /// Take a token away.
    Revoke { id: String },
}

#[derive(Args)]
pub struct User {
    #[command(subcommand)]
    pub action: UserAction,
    /// The data directory. A server that holds it takes note with its next request.
    #[arg(long)]
    pub data: PathBuf,
}

#[derive(Subcommand)]
pub enum UserAction {
    /// Make an account. Its password is drawn and printed, once, unless it is given.
    Add {
        id: String,
        /// `patient`, `caretaker`, `analyst`, `operator`, `administrator`, `device`; several with commas.
        #[arg(long)]
        roles: String,
        /// The subject that a patient is, or a device measures.
        #[arg(long)]
        subject: Option<String>,
        /// Read the password from standard input, a line.
        #[arg(long)]
        password_stdin: bool,
        /// Without a password: the account comes in by tokens only.
        #[arg(long, conflicts_with = "password_stdin")]
        no_password: bool,
        /// The tenant to which it belongs, for ever; the house, if not given.
        #[arg(long)]
        tenant: Option<String>,
    },
    /// The accounts there are.
    List {
        #[arg(long, value_enum, default_value_t = Format::Text)]
        format: Format,
    },
    /// Give an account other roles.
    Roles { id: String, roles: String },
    /// Set another password: drawn and printed, once, unless it is given. Sessions that the former one began are over.
    Password {
        id: String,
        /// Read it from standard input, a line.
        #[arg(long)]
        password_stdin: bool,
    },
    /// Assign a subject to an account.
    Assign {
        id: String,
        subject: String,
        /// Days for which it holds; until it is taken back, if not given.
        #[arg(long, value_parser = clap::value_parser!(u16).range(1..=3_650))]
        days: Option<u16>,
    },
    /// Take an assignment back.
    Unassign { id: String, subject: String },
    /// Let whom a provider names in as this account (`serve --oidc-issuer`).
    Link {
        id: String,
        /// The provider's issuer, exactly as it writes it.
        #[arg(long, value_name = "URL")]
        issuer: String,
        /// What the provider calls them: the claim `sub`.
        #[arg(long)]
        subject: String,
    },
    /// Take that back: sessions of the account are over.
    Unlink {
        id: String,
        /// The provider's issuer, as it was linked.
        #[arg(long, value_name = "URL")]
        issuer: String,
        /// What the provider calls them.
        #[arg(long)]
        subject: String,
    },
    /// Shut an account: its sessions are over, and its tokens open nothing.
    Disable { id: String },
    /// Open it again.
    Enable { id: String },
}

#[derive(Args)]
pub struct Tenants {
    #[command(subcommand)]
    pub action: TenantAction,
    /// The data directory. A server that holds it takes note with its next request.
    #[arg(long)]
    pub data: PathBuf,
}

#[derive(Subcommand)]
pub enum TenantAction {
    /// Make a tenant: an organisation whose accounts and tokens see its subjects, and nobody else's.
    Add {
        id: String,
        #[command(flatten)]
        names: TenantNames,
        /// Requests a second that all of it may make together; as many as there are, if not given.
        #[arg(long)]
        rate: Option<NonZeroU32>,
        #[command(flatten)]
        quotas: TenantQuotas,
    },
    /// The tenants there are, with how many subjects each has.
    List {
        /// And which.
        #[arg(long)]
        subjects: bool,
        #[arg(long, value_enum, default_value_t = Format::Text)]
        format: Format,
    },
    /// Change what a tenant may.
    Set {
        id: String,
        #[command(flatten)]
        names: TenantNames,
        /// Requests a second that all of it may make together.
        #[arg(long)]
        rate: Option<NonZeroU32>,
        /// As many requests as there are.
        #[arg(long, conflicts_with = "rate")]
        no_rate: bool,
        #[command(flatten)]
        quotas: TenantQuotas,
    },
    /// Shut a tenant: its sessions are over, and its accounts and tokens open nothing. Readings that its devices send are refused.
    Shut { id: String },
    /// Open it again.
    Open { id: String },
    /// Give subjects of the house to a tenant, with all that is kept of them.
    Claim {
        id: String,
        #[arg(required = true)]
        subjects: Vec<String>,
    },
    /// Take subjects from a tenant: they are the house's then.
    Release {
        id: String,
        #[arg(required = true)]
        subjects: Vec<String>,
    },
}

/// How much a tenant may.
#[derive(Args)]
pub struct TenantQuotas {
    /// New readings that all of it may send of a day by UTC, or `none`: as many as there are. Beyond it readings are refused, lows among them.
    #[arg(long, value_name = "N|none")]
    pub readings_per_day: Option<Limit>,
    /// Subjects that it may have, or `none`: as many as there are. Those that it has it keeps.
    #[arg(long, value_name = "N|none")]
    pub subjects: Option<Limit>,
}

/// So many, or `none`: as many as there are.
#[derive(Clone, Copy, Debug)]
pub struct Limit(pub Option<NonZeroU32>);

impl FromStr for Limit {
    type Err = String;

    fn from_str(text: &str) -> Result<Limit, String> {
        match text {
            "none" => Ok(Limit(None)),
            number => match number.parse() {
                Ok(most) => Ok(Limit(Some(most))),
                Err(_) => Err(format!("say a whole number from 1 to {}, or none", u32::MAX)),
            },
        }
    }
}

/// Which names of subjects a tenant takes by writing them.
#[derive(Args)]
pub struct TenantNames {
    /// What the names of its subjects begin with; no other tenant has such. Its id and a colon, if not said when it is made.
    #[arg(long, value_name = "TEXT", conflicts_with = "any_name")]
    pub prefix: Option<String>,
    /// Any name that is free. A program of such a tenant learns from a refusal that a name is not.
    #[arg(long)]
    pub any_name: bool,
}

#[derive(Args)]
pub struct Metering {
    /// The first day, by UTC, like 2026-11-01; the first of this month, if not given.
    #[arg(long, value_name = "DAY")]
    pub from: Option<String>,
    /// The last day, included; today, if not given.
    #[arg(long, value_name = "DAY")]
    pub to: Option<String>,
    /// What is summed: `day` or `month`.
    #[arg(long, value_parser = ["day", "month"])]
    pub by: Option<String>,
    /// The URL of a running server.
    #[arg(long)]
    pub url: String,
    /// The access token; read from the environment if not given.
    #[arg(long, env = "VITALOG_TOKEN", hide_env_values = true)]
    pub token: Option<String>,
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub format: Format,
}

#[derive(Args)]
pub struct Hold {
    #[command(subcommand)]
    pub action: HoldAction,
    /// The data directory. A server may hold it meanwhile.
    #[arg(long)]
    pub data: PathBuf,
}

#[derive(Subcommand)]
pub enum HoldAction {
    /// Hold a subject: it can't be erased until it is let go.
    Add {
        subject: String,
        /// Why, on one line: the number of a file or an order.
        #[arg(long)]
        reason: String,
    },
    /// Let a subject go.
    Release {
        subject: String,
        /// Why, on one line.
        #[arg(long)]
        reason: String,
    },
    /// The holds there are and were.
    List {
        #[arg(long, value_enum, default_value_t = Format::Text)]
        format: Format,
    },
}
