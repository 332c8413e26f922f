//! Stops what a connection has asked, by the key that it was told at its beginning. A wrong key stops nothing, and nobody is told whether there is such a connection.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::Notify;

use crate::pg::incoming::Key;

/// The connections that there are, and how many of each account.
#[derive(Default)]
pub struct Connections {
    stops: Mutex<HashMap<Key, Arc<Notify>>>,
    accounts: Mutex<HashMap<String, usize>>,
}

/// A connection's place among them; it goes with it.
pub struct Place {
    connections: Arc<Connections>,
    pub key: Key,
    pub stop: Arc<Notify>,
    account: String,
}

impl Place {
    pub fn account(&self) -> &str {
        &self.account
    }
}

impl Connections {
    /// Takes a connection in, if the account has fewer than so many.
    pub fn enter(self: &Arc<Self>, account: &str, most: usize, draw: impl Fn() -> Option<Key>) -> Option<Place> {
        {
            let mut accounts = self.accounts.lock().unwrap_or_else(PoisonError::into_inner);
            let count = accounts.entry(account.to_owned()).or_default();
            if *count >= most {
                return None;
            }
            *count += 1;
        }
        let stop = Arc::new(Notify::new());
        let mut place =
            Place { connections: self.clone(), key: Key { process: 0, secret: 0 }, stop, account: account.to_owned() };
        let mut stops = self.stops.lock().unwrap_or_else(PoisonError::into_inner);
        place.key = loop {
            let key = draw()?;
            if !stops.contains_key(&key) {
                break key;
            }
        };
        stops.insert(place.key, place.stop.clone());
        drop(stops);
        Some(place)
    }

    /// Stops what the connection of this key is doing, if there is one and it is doing anything.
    pub fn stop(&self, key: Key) {
        let stops = self.stops.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(stop) = stops.get(&key) {
            stop.notify_waiters();
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.connections.stops.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.key);
        let mut accounts = self.connections.accounts.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = accounts.get_mut(&self.account) {
            *count -= 1;
            if *count == 0 {
                accounts.remove(&self.account);
            }
        }
    }
}
