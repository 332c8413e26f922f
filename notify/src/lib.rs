//! From a finding to a person: which findings are told, to which endpoints, and that each message arrives.
//!
//! | module | what it is |
//! |---|---|
//! | [`config`] | the endpoints, what each wants to hear, and their secrets |
//! | [`roles`] | whom policies reach, and which of their steps reach nobody |
//! | [`emergency`] | the notice that a subject was opened in an emergency: pure |
//! | `envelope` | what each message has around it: pure |
//! | [`core`] | the alarms: a pure state machine, stepped right after the engine, that appends deliveries to the effects |
//! | [`outbox`] | a sink that keeps deliveries with the journal position, and decides when each is tried, and how often |
//! | [`webhook`] | the signature and the permitted addresses of a webhook: pure |
//! | [`io`] | the worker that sends what is due and journals what became of it |
//!
//! Invariant: this crate does not know that a rule engine exists, and only [`io`] waits or touches the network. Clock and randomness come
//! in from outside.

pub mod config;
pub mod core;
pub mod emergency;
mod envelope;
pub mod io;
pub mod outbox;
pub mod roles;
pub mod webhook;

pub use crate::core::Notifier;
pub use config::{Config, ConfigError, Endpoint};
pub use outbox::Outbox;
