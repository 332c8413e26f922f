//! A server's life in rounds: a node with its doors and deliveries, until somebody asks it to end or to erase.
//!
//! Who erases needs the data directory alone. So the round ends in order, as a server does that is stopped; the subjects are erased; and the next round goes on where it ended. The sockets outlive
//! the rounds: whoever knocks in between waits in them, and is not turned away.
//!
//! INVARIANT (one at a time): a round's node has ended, and its runtime is over, before the directory is touched or the next one begins. What may go on for a while are reads in threads of their own
//! (an audit that nobody waits for any more); a backup is waited for.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::Notify;
use vitalog_ingest::access::{Accounts, Sessions, log};
use vitalog_ingest::io::{LogKeeper, Provider};
use vitalog_lakehouse::Policy;
use vitalog_notify::roles::Roles;

use super::signals::Ending;
use super::sockets::Sockets;
use super::telling::Telling;
use super::{manners, nobody, put_rules};
use crate::cli::Serve;
use crate::commands::sign_in;
use crate::failure::Failure;
use crate::run::{Node, Options, RuleWatch, erase_asked};
use crate::server::{self, Admittance, Manners, supervisor};
use crate::trimming::Trimmer;

/// How long statements may hold up an erasure. All else is answered in a moment, and whoever comes meanwhile waits.
const STATEMENTS: Duration = Duration::from_secs(2);
/// How long what is left of a round may take, once its doors are shut.
const REMAINS: Duration = Duration::from_secs(5);
/// How long the access log may take to write what it was given.
const LOG: Duration = Duration::from_secs(30);

/// All that rounds have in common.
pub struct Rounds<'a> {
    pub args: &'a Serve,
    /// Who may come in; `None`: whoever reaches the address.
    pub accounts: Option<Arc<Accounts>>,
    pub telling: vitalog_notify::Config,
    pub journal: Option<vitalog_ingest::journal::kafka::Settings>,
    /// For how long what can be asked for is kept, if it was said.
    pub retain: Option<Policy>,
    /// The same of the journal.
    pub retain_journal: Option<Policy>,
}

/// Why a round ended.
enum Why {
    Asked,
    ToErase,
}

/// A round that ended.
struct Ended {
    why: Why,
    log: Option<LogKeeper>,
}

impl Rounds<'_> {
    /// Runs until somebody asks it to end.
    ///
    /// # Errors
    /// Where a round can't begin, or does not end in order.
    pub fn run(&self) -> Result<(), Failure> {
        let sockets = Sockets::bind(self.args)?;
        let sessions = Arc::new(Sessions::lasting(manners(self.args).lives));
        let (mut ending, mut is_second_try) = (None::<Ending>, false);
        loop {
            let failed = erase_asked(&self.args.data)?;
            if ending.as_ref().is_some_and(Ending::is_asked) {
                return Ok(());
            }
            // What failed may have lacked what a start makes up for: the views of a server that crashed are behind. Once.
            is_second_try = failed > 0 && !is_second_try;
            let erase = Arc::new(Notify::new());
            if is_second_try {
                erase.notify_one();
            }
            let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
            let ended = runtime.block_on(self.round(&sockets, &sessions, &mut ending, erase));
            runtime.shutdown_timeout(REMAINS);
            let Ended { why, log } = ended?;
            if let Why::Asked = why {
                return Ok(());
            }
            // Two writers would break its chain.
            if log.is_some_and(|log| !log.join_within(LOG)) {
                return Err(Failure::new("the access log could not be ended in order; see the log"));
            }
        }
    }

    async fn round(
        &self,
        sockets: &Sockets,
        sessions: &Arc<Sessions>,
        ending: &mut Option<Ending>,
        erase: Arc<Notify>,
    ) -> Result<Ended, Failure> {
        let began = Instant::now();
        let node = Node::start(self.options()).await?;
        let is_first = ending.is_none();
        match put_rules(&node, self.args.rules.as_deref()).await {
            // Rules that were edited since, and do not compile, must not keep a server from going on.
            Err(error) if !is_first => tracing::error!(%error, "the former rules stay in force"),
            put => put?,
        }
        let roles = Roles::of(&self.telling.endpoints);
        node.on_library(move |library| nobody::warn(library, &roles));
        let _watch = match &self.args.rules {
            Some(dir) if dir.is_dir() => Some(RuleWatch::start(dir, node.rules.clone(), node.door.clone())?),
            _ => None,
        };
        let opened = Arc::new(Notify::new());
        let telling = Telling::begin(&node, &self.telling.endpoints, self.accounts.as_ref(), opened.clone())?;
        // Only now is the directory held by nobody else.
        let admittance = self.admittance(is_first)?;
        let (erasing, sessions) = (Some(erase.clone()), Some(sessions.clone()));
        let manners = Manners { erasing, sessions, opened: Some(opened), ..manners(self.args) };
        let server = server::start(&node, sockets.listeners()?, admittance, &manners)?;
        let ending = match ending {
            Some(ending) => {
                tracing::info!(took_ms = began.elapsed().as_millis(), "going on after an erasure");
                ending
            }
            None => {
                let ending = ending.insert(Ending::catch()?);
                sockets.greet(manners.tls.is_some());
                supervisor::tell(supervisor::READY);
                ending
            }
        };
        let trimmer = Trimmer::start(&node)?;
        let why = tokio::select! {
            () = ending.come() => Why::Asked,
            () = erase.notified() => Why::ToErase,
        };
        let patience = match why {
            Why::Asked => {
                server.drain();
                tokio::time::sleep(Duration::from_secs(self.args.drain_time)).await;
                server::PATIENCE
            }
            Why::ToErase => {
                server.ease_off().await;
                STATEMENTS
            }
        };
        drop(trimmer);
        let log = server.stop(patience).await;
        telling.end().await;
        node.stop().await?;
        Ok(Ended { why, log })
    }

    fn admittance(&self, is_first: bool) -> Result<Admittance, Failure> {
        Ok(match &self.accounts {
            Some(accounts) => Admittance::Accounts(accounts.clone(), self.access_log()?, self.provider(is_first)?),
            None => Admittance::Open,
        })
    }

    fn provider(&self, is_first: bool) -> Result<Option<Box<Provider>>, Failure> {
        match sign_in::provider(&self.args.sign_in) {
            Err(error) if !is_first => {
                tracing::error!(%error, "nobody can sign in by the provider");
                Ok(None)
            }
            made => made,
        }
    }

    fn options(&self) -> Options {
        Options {
            telling: self.telling.clone(),
            journal: self.journal.clone(),
            retain: self.retain.clone(),
            retain_journal: self.retain_journal.clone(),
            ..super::options(self.args)
        }
    }

    fn access_log(&self) -> Result<log::Writer, Failure> {
        let data = &self.args.data;
        let signer = log::Signer::open(&data.join("access.key")).map_err(|e| Failure::new(e.to_string()))?;
        log::Writer::open(&data.join("access"), signer).map_err(|e| Failure::new(e.to_string()))
    }
}
