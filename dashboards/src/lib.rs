//! What people see: the views that answer questions, the API over them, and the pages that show them.
//!
//! [`views`] is a sink of the run loop, [`ask`] holds the questions and their answers, [`ranking`], [`trend`] and [`thin`] are the pure parts of the
//! answers, and [`io`] serves them. Reads go past the engine; what a person does goes through the [`Inlet`](vitalog_elog::port::Inlet).
//!
//! Invariant: nothing here knows the engine, the gateway or the lake; `async` appears only in [`io`].

pub mod ask;
pub mod io;

pub mod ranking;
pub mod thin;
pub mod trend;
pub mod views;
