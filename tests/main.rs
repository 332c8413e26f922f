//! The whole system from outside: the real binary, real peers, real data.

mod access;
mod accounting;
mod auditing;
mod backtest;
mod backup;
mod bad_input;
mod columns;
mod conformance;
mod demo;
mod doctor;
mod engines;
mod erasing;
mod examples;
mod export;
mod flight;
mod house;
mod ingesting;
#[cfg(feature = "kafka")]
mod kafka;
mod known;
mod letters;
mod lifecycle;
mod lsp;
mod manual;
mod metrics;
mod once;
mod openapi;
mod orders;
mod pg;
mod prompt;
mod questions;
mod rebuilding;
mod retention;
mod service;
mod sources;
mod streams;
mod support;
mod survival;
mod telling;
mod tools;
mod upgrading;
mod watching;
mod whole_data;
mod why;
#[cfg(not(feature = "kafka"))]
mod without_kafka;
