//! Who may do what, and who did.

mod accounts;
mod log;
mod matrix;
mod policies;
mod sessions;
mod tenants;

use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};

use vitalog_elog::Time;
use vitalog_ingest::access::{AccessError, Accounts, NewToken, Policies, Roles, Scope, Store};

use super::fixture::now;

pub fn scopes(words: &str) -> Vec<Scope> {
    words.split(',').filter(|w| !w.is_empty()).map(|w| Scope::parse(w).expect(w)).collect()
}

pub fn roles(words: &str) -> Roles {
    Roles::parse(words).expect(words)
}

/// A clock that a test sets.
#[derive(Clone)]
pub struct Clock(Arc<AtomicI64>);

impl Default for Clock {
    fn default() -> Clock {
        Clock(Arc::new(AtomicI64::new(now().0)))
    }
}

impl Clock {
    pub fn now(&self) -> Time {
        Time(self.0.load(Ordering::Relaxed))
    }

    pub fn pass(&self, span: vitalog_elog::Span) {
        self.0.fetch_add(span.0, Ordering::Relaxed);
    }

    pub fn port(&self) -> Arc<dyn Fn() -> Time + Send + Sync> {
        let clock = self.clone();
        Arc::new(move || clock.now())
    }
}

/// The accounts of a server, in memory.
pub fn accounts(clock: &Clock) -> Arc<Accounts> {
    let store = Store::in_memory().expect("made");
    Arc::new(Accounts::new(store, Policies::shipped().expect("they are right"), clock.port()).expect("read"))
}

/// A program's token.
pub fn token(accounts: &Accounts, id: &str, words: &str) -> String {
    add_token(
        accounts,
        &NewToken { id, account: None, scopes: &scopes(words), expires: None, rate: None, readings_per_day: None, tenant: None },
    )
    .expect("made")
}

pub fn add_token(accounts: &Accounts, new: &NewToken<'_>) -> Result<String, AccessError> {
    accounts.change(|store| store.add_token(new, now())).map(|minted| minted.token)
}

/// Hashing takes its time: where it is not what a test is about, one password does for all.
pub const PASSWORD: &str = "four words are enough";

pub static HASHING: Mutex<()> = Mutex::new(());
