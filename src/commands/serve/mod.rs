//! `vitalog serve`: the gateway, the engine, the lake and the pages on a data directory.

mod nobody;
mod round;
mod signals;
mod sockets;
mod telling;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use vitalog_cep::Horizon;
use vitalog_cep::plan::Library;
use vitalog_elog::Span;
use vitalog_ingest::access::{self, Accounts, Lives, Policies};
use vitalog_ingest::journal::kafka::{Fault, IS_BUILT, Mechanism, Sasl, Settings};
use vitalog_lakehouse::{Policy, WrongPolicy};
use vitalog_rules::compile;

use crate::cli::{SaslMechanism, Serve};
use crate::commands::{access_failure, sign_in};
use crate::failure::Failure;
use crate::files;
use crate::logging;
use crate::run::{HORIZON, Node, Options, RulesError, cores, wall_clock};
use crate::server::{Certificate, Manners, Places};
use crate::traces::Wanted;
use crate::trimming::limit;
use round::Rounds;

/// Runs until interrupted.
///
/// # Errors
/// Where the node can't start, the rules do not compile, or nobody could be let in.
pub fn run(args: &Serve) -> Result<(), Failure> {
    let accounts = accounts(args)?;
    // Each round makes its own; what is wrong with it is said before anything begins.
    sign_in::provider(&args.sign_in)?;
    let telling = match &args.webhooks {
        None => vitalog_notify::Config::silent(),
        Some(path) => {
            let text =
                std::fs::read_to_string(path).map_err(|e| Failure::usage(format!("cannot read {}: {e}", path.display())))?;
            vitalog_notify::Config::parse(&text).map_err(|e| Failure::usage(format!("{}: {e}", path.display())))?
        }
    };
    Rounds { args, accounts, telling, journal: journal(args)?, retain: retain(args)?, retain_journal: retain_journal(args)? }
        .run()
}

/// What the command line says of the node; not of whom it tells, nor of its journal.
fn options(args: &Serve) -> Options {
    Options {
        land_every: Duration::from_secs(args.land_every.max(1)),
        contacts: true,
        workers: args.workers.map_or_else(cores, usize::from),
        quiet: false,
        horizon: (args.horizon > 0).then_some(Horizon { keep: Span::days(i64::from(args.horizon)), ..HORIZON }),
        floor: args.free_space.saturating_mul(1 << 20),
        traces: Wanted::of(args.traced.traces.clone(), args.traced.trace_share),
        ..Options::quiet(&args.data)
    }
}

fn manners(args: &Serve) -> Manners {
    let tls = args.tls_cert.clone().zip(args.tls_key.clone()).map(|(chain, key)| Certificate { chain, key });
    Manners {
        head_time: Duration::from_secs(args.head_time.clamp(1, 3_600)),
        body_time: Duration::from_secs(u64::from(args.body_time)),
        ticket: Span::seconds(i64::from(args.ticket_time)),
        study_floor: args.study_floor,
        lives: Lives { idle: Span::minutes(i64::from(args.idle)), ..Lives::default() },
        is_secure: tls.is_some() || args.behind_proxy,
        tls,
        backups: Places { backups: args.backups.clone(), keys: args.backup_keys.clone() },
        ..Manners::default()
    }
}

/// Puts the rules of a directory (or the shipped ones) in force, where they are not already.
///
/// # Errors
/// Where they can't be read or do not compile.
pub async fn put_rules(node: &Node, dir: Option<&Path>) -> Result<(), Failure> {
    let paths: Vec<_> = dir.map(Path::to_owned).into_iter().collect();
    let files = files::rules(&paths)?;
    let (desk, door) = (node.rules.clone(), node.door.clone());
    let put = tokio::task::spawn_blocking(move || desk.take_up(&*door, files)).await;
    match put.map_err(|e| Failure::new(e.to_string()))? {
        Ok(_) => Ok(()),
        Err(RulesError::Wrong(compiled)) => {
            logging::tell_wrong(&compiled);
            Err(Failure::new("the rules do not compile, so nothing was started"))
        }
        Err(RulesError::Unavailable(why)) => Err(Failure::new(why.to_string())),
    }
}

/// For how long what can be asked for is said to be kept. A stream must be one that the rules declare.
fn retain(args: &Serve) -> Result<Option<Policy>, Failure> {
    if args.retain.is_empty() {
        return Ok(None);
    }
    let wrong = |e: WrongPolicy| Failure::usage(format!("--retain: {}", e.said)).hint(e.remedy);
    let policy = Policy::parse(args.retain.iter().map(String::as_str)).map_err(wrong)?;
    let rules: Vec<_> = args.rules.iter().cloned().collect();
    let compiled = compile(&files::sources(&files::rules(&rules)?), &Library::default());
    // Rules that do not compile are told of where they are put in force.
    if let Some(library) = compiled.library
        && let Some(unknown) = policy.streams().find(|name| library.schema.stream(name).is_none())
    {
        let known: Vec<&str> = library.schema.streams.iter().map(|stream| &*stream.name).collect();
        return Err(Failure::usage(format!("--retain: the rules declare no stream {unknown:?}"))
            .hint(format!("name one of {}, or findings, or dead_letters", known.join(", "))));
    }
    Ok(Some(policy))
}

/// For how long the journal is said to be kept.
fn retain_journal(args: &Serve) -> Result<Option<Policy>, Failure> {
    args.retain_journal.as_deref().map(|text| limit(&[text])).transpose()
}

/// Where the journal is said to be kept. Files are noted by their whole paths: a later start may come from another directory.
fn journal(args: &Serve) -> Result<Option<Settings>, Failure> {
    let Some(url) = &args.journal else { return Ok(None) };
    if !IS_BUILT {
        return Err(Failure::usage(Fault::NotBuilt.to_string()));
    }
    let wrong = |e: vitalog_ingest::journal::JournalError| Failure::usage(e.to_string());
    let whole = |path: &Path| std::path::absolute(path).map_err(|e| Failure::usage(format!("{}: {e}", path.display())));
    let mut settings = Settings::parse(url).map_err(wrong)?;
    if let Some(ca) = &args.brokers.kafka_ca {
        let tls = settings.tls.as_mut();
        let tls = tls.ok_or_else(|| Failure::usage("--kafka-ca is for brokers that speak TLS").hint("write kafkas://"))?;
        tls.ca = Some(whole(ca)?);
    }
    if let (Some(user), Some(file)) = (&args.brokers.kafka_user, &args.brokers.kafka_password_file) {
        let mechanism = match args.brokers.kafka_sasl {
            SaslMechanism::ScramSha512 => Mechanism::ScramSha512,
            SaslMechanism::ScramSha256 => Mechanism::ScramSha256,
            SaslMechanism::Plain => Mechanism::Plain,
        };
        settings.sasl = Some(Sasl { mechanism, user: user.clone(), password_file: whole(file)? });
    }
    settings.patience_s = args.brokers.kafka_patience;
    Ok(Some(settings))
}

/// Who may come in; `None`: whoever reaches the address.
fn accounts(args: &Serve) -> Result<Option<Arc<Accounts>>, Failure> {
    let is_near = args.listen.ip().is_loopback();
    let doors = [args.pg.map(|address| (address, "--pg")), args.flight.map(|address| (address, "--flight"))];
    let far = doors.into_iter().flatten().find(|(address, _)| !address.ip().is_loopback());
    if args.open {
        if let Some(address) = far.map(|(address, _)| address).or((!is_near).then_some(args.listen)) {
            return Err(Failure::usage(format!("--open asks nobody who they are, and {address} can be reached from elsewhere"))
                .hint("listen on 127.0.0.1, or make a token with `vitalog token add`"));
        }
        return Ok(None);
    }
    if !is_near && args.tls_cert.is_none() && !args.behind_proxy {
        return Err(Failure::usage(format!(
            "{} can be reached from elsewhere, and without TLS anybody between could read along",
            args.listen
        ))
        .hint("give --tls-cert and --tls-key, or --behind-proxy where a proxy in front sees to TLS"));
    }
    if let Some((address, flag)) = far.filter(|_| args.tls_cert.is_none()) {
        return Err(Failure::usage(format!(
            "{address} can be reached from elsewhere, and without TLS anybody between could read passwords along"
        ))
        .hint(format!("give --tls-cert and --tls-key, or let {flag} listen on 127.0.0.1")));
    }
    std::fs::create_dir_all(&args.data)?;
    let store = access::open(&args.data, wall_clock()).map_err(access_failure)?;
    let policies = match &args.policies {
        Some(folder) => Policies::read(folder),
        None => Policies::shipped(),
    };
    let policies = policies.map_err(|e| Failure::usage(e.to_string()))?;
    let accounts = Accounts::new(store, policies, Arc::new(wall_clock)).map_err(access_failure)?;
    let registry = accounts.registry().map_err(access_failure)?;
    if registry.accounts.is_empty() && registry.tokens.is_empty() {
        return Err(Failure::usage("there are no accounts and no tokens, so nobody could be let in").hint(format!(
            "make one with `vitalog token add ID --data {0}` or `vitalog user add ID --roles administrator --data {0}`, or use --open on a loopback address",
            args.data.display()
        )));
    }
    Ok(Some(Arc::new(accounts)))
}
