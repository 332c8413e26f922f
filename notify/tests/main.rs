//! The tests of alarms, outbox and webhooks.

mod alarms;
mod configuration;
mod deliveries;
mod laws;
mod outbox;
mod outbox_crash;
mod outbox_pace;
mod receiver;
mod signing;
mod snapshots;
mod world;
