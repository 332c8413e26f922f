//! The whole system from outside: the real binary, real peers, real data.

mod auditing;
mod backtest;
mod backup;
mod bad_input;
mod demo;
mod doctor;
mod erasing;
mod examples;
mod house;
mod ingesting;
mod lifecycle;
mod lsp;
mod manual;
mod orders;
mod rebuilding;
mod service;
mod streams;
mod support;
mod survival;
mod telling;
mod tools;
mod upgrading;
mod watching;
mod whole_data;
mod why;
