//! Who comes by another way than HTTP: lets them in by the same accounts, tokens and passwords, and has it written down what they ask.
//!
//! A connection lasts longer than a request. So each call asks anew whether what was shown is good still; one that began with a password lasts no longer than a browser's session.

use std::sync::{Arc, Mutex, PoisonError};

use vitalog_elog::Time;
use vitalog_elog::access::{Decision, Principal, Via};

use super::Clock;
use super::doorman::Credentials;
use super::logging::AccessLog;
use super::pace::Pace;
use crate::access::log::Entry;
use crate::access::{Accounts, Lives, NotGood, NotIn, Noted, Open};

/// Passwords that are hashed at one time.
const HASHING: usize = 2;

/// What one is let in by.
pub struct Porter {
    credentials: Credentials,
    log: Option<AccessLog>,
    clock: Clock,
    lives: Lives,
    pace: Pace,
    hashing: tokio::sync::Semaphore,
    /// What the way is called in the log.
    way: &'static str,
}

/// Somebody who was let in.
pub struct Guest {
    porter: Arc<Porter>,
    who: Principal,
    /// Of the password that was shown.
    generation: i64,
    until: Option<Time>,
    called: Mutex<Time>,
}

/// One thing that a guest asks.
pub struct Call {
    porter: Arc<Porter>,
    who: Principal,
    visit: Arc<Noted>,
}

/// Why a call is not taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NotTaken {
    /// What was shown is good no more.
    Over,
    /// The token, or its tenant, has made as many calls as it may in a second.
    TooMany,
}

impl Porter {
    /// `way`: what the way is called in the log.
    pub fn new(credentials: Credentials, log: Option<AccessLog>, clock: Clock, lives: Lives, way: &'static str) -> Porter {
        let hashing = tokio::sync::Semaphore::new(HASHING);
        Porter { credentials, log, clock, lives, pace: Pace::default(), hashing, way }
    }

    /// With the pace that other ways in have, too.
    #[must_use]
    pub fn with_pace(mut self, pace: Pace) -> Porter {
        self.pace = pace;
        self
    }

    /// Whether anybody is asked who they are.
    pub fn asks(&self) -> bool {
        matches!(self.credentials, Credentials::Accounts(_))
    }

    /// Lets in who shows a token, under the name of its account (of a program: of the token), or the password of this name.
    ///
    /// # Errors
    /// Where it is not that, or too many attempts with this name have failed.
    pub async fn admit(self: &Arc<Self>, name: &str, secret: &str) -> Result<Guest, NotIn> {
        let now = (self.clock)();
        let Credentials::Accounts(accounts) = &self.credentials else {
            return Ok(self.guest(Principal::new(Open::ID), 0, None, now));
        };
        let came = match accounts.holder_of(secret) {
            // A token under another name is told like one that there is none of.
            Ok(who) if *who.id != *name => Err(NotIn::Token(NotGood::Unknown)),
            Ok(who) => Ok((who, 0)),
            Err(NotIn::Token(NotGood::Unknown)) => self.log_in(accounts, name, secret).await,
            Err(other) => Err(other),
        };
        let known = || accounts.registry().is_ok_and(|registry| registry.accounts.contains_key(name));
        match came {
            Ok((who, generation)) => {
                let until = (who.via == Via::Password).then(|| now + self.lives.whole);
                self.note(&who, 200).await;
                Ok(self.guest(who, generation, until, now))
            }
            Err(why) => {
                // Anything may have been typed in place of a name: a password, too.
                if known() {
                    self.note(&Principal::new(name).via(Via::Password), 401).await;
                }
                Err(why)
            }
        }
    }

    /// Knows whose token this is. It comes with each thing that is asked, so that it came is not written down: what is asked by it is.
    ///
    /// # Errors
    /// Where it is nobody's, or good no more.
    pub fn bearer(self: &Arc<Self>, token: &str) -> Result<Guest, NotIn> {
        let who = match &self.credentials {
            Credentials::Accounts(accounts) => accounts.holder_of(token)?,
            Credentials::Open => Principal::new(Open::ID),
        };
        Ok(self.guest(who, 0, None, (self.clock)()))
    }

    /// Away from the threads that serve, and a few at a time.
    async fn log_in(&self, accounts: &Arc<Accounts>, name: &str, secret: &str) -> Result<(Principal, i64), NotIn> {
        // Only closing the semaphore fails, which nobody does.
        let Ok(_permit) = self.hashing.acquire().await else { return Err(NotIn::Password) };
        let (accounts, name, secret) = (accounts.clone(), name.to_owned(), secret.to_owned());
        tokio::task::spawn_blocking(move || accounts.log_in(&name, &secret)).await.unwrap_or(Err(NotIn::Password))
    }

    fn guest(self: &Arc<Self>, who: Principal, generation: i64, until: Option<Time>, now: Time) -> Guest {
        Guest { porter: self.clone(), who, generation, until, called: Mutex::new(now) }
    }

    async fn note(&self, who: &Principal, status: u16) {
        if let Some(log) = &self.log {
            log.note(self.entry(who, "login", status)).await;
        }
    }

    fn entry(&self, who: &Principal, what: &str, status: u16) -> Entry {
        let (at, door) = ((self.clock)().to_string(), format!("{} {what}", self.way));
        Entry { at, who: who.id.to_string(), via: who.via.to_string(), door, status, ..Entry::default() }
    }
}

impl Guest {
    /// The id of the account; of a program, of its token.
    pub fn id(&self) -> &str {
        &self.who.id
    }

    /// Begins to ask something.
    ///
    /// # Errors
    /// Where they no longer may, or ask too much at once.
    pub fn call(&self) -> Result<Call, NotTaken> {
        let now = (self.porter.clock)();
        if let Credentials::Accounts(accounts) = &self.porter.credentials {
            if !self.lasts(now) || !accounts.may_stay(&self.who, self.generation) {
                return Err(NotTaken::Over);
            }
            self.porter.pace.take(accounts, &self.who).map_err(|_| NotTaken::TooMany)?;
        }
        let visit = Arc::new(Noted::default());
        Ok(Call { porter: self.porter.clone(), who: self.who.clone().on(visit.clone()), visit })
    }

    /// Whether what began with a password goes on, as a session would.
    fn lasts(&self, now: Time) -> bool {
        let mut called = self.called.lock().unwrap_or_else(PoisonError::into_inner);
        let lasts = self.until.is_none_or(|until| now < until && now.since(*called) < self.porter.lives.idle);
        *called = now.max(*called);
        lasts
    }
}

impl Call {
    /// Whoever asks, on this call.
    pub fn who(&self) -> &Principal {
        &self.who
    }

    /// Writes down what was asked; whether it may be answered: what shows something is on stable storage first.
    pub async fn written(self, status: u16) -> bool {
        let Some(log) = &self.porter.log else { return true };
        let asked = self.visit.asked();
        if asked.wishes.is_empty() {
            tracing::error!("a way in has not asked who may pass, so its answer is withheld");
            return false;
        }
        let shows = asked.wishes.iter().any(|(_, _, decision)| *decision == Decision::Allow);
        let entry = self.porter.entry(&self.who, "statement", status).asking(asked);
        if shows {
            return log.keep(entry).await;
        }
        log.note(entry).await;
        true
    }
}
