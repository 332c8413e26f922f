//! The tests of alarms, outbox and webhooks.

mod alarms;
mod configuration;
mod deliveries;
mod emergencies;
mod ladder_model;
mod laws;
mod outbox;
mod outbox_crash;
mod outbox_pace;
mod policies;
mod receiver;
mod signing;
mod snapshots;
mod world;
