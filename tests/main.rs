//! The whole system from outside: the real binary, real peers, real data.

mod access;
mod auditing;
mod backtest;
mod backup;
mod bad_input;
mod columns;
mod demo;
mod erasing;
mod examples;
mod house;
mod ingesting;
mod letters;
mod lifecycle;
mod lsp;
mod manual;
mod orders;
mod rebuilding;
mod streams;
mod support;
mod survival;
mod telling;
mod tools;
mod upgrading;
mod watching;
mod whole_data;
mod why;
