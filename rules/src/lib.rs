//! The rule language: from text to [`cep::plan::Library`](vitalog_cep::plan::Library), with diagnostics that help.
//!
//! | stage | module | makes |
//! |---|---|---|
//! | files | [`source`], [`packs`] | what is compiled together: the given files and the shipped packs they `use` |
//! | tokens | `lexer` | words, numbers, texts; comments are kept beside them |
//! | syntax | `parser` → [`syntax`] | a tree with places, of whatever could be read |
//! | declarations | `check` | streams and profile, at the places that earlier libraries gave them |
//! | plans | `check` | names resolved, dimensions checked, conversions put in: plan expressions and rules |
//! | tests | [`script`] | `test` blocks as plain data |
//!
//! Beside the stages stand the tools: [`format`] (one style), [`highlight`] (colours), [`server`] (the language server), [`explain`] (a rule spelled out), [`why`] (what the
//! engine says of why, spelled out).
//!
//! Every stage goes on after an error, so that one run says as much as it can; what an error leaves unknown is not complained about again.
//!
//! Invariant: pure functions of their arguments. No I/O, no clock, no engine; no input makes them panic, hang or exhaust the stack.

// A loop over a hash map runs in an order of chance.
#![deny(clippy::iter_over_hash_type)]

pub mod diagnostic;
pub mod explain;
pub mod format;
pub mod highlight;
pub mod packs;
pub mod script;
pub mod server;
pub mod source;
pub mod why;

mod check;
mod columns;
mod compile;
mod lexer;
mod parser;
mod syntax;

pub use compile::{Compiled, compile, rules_in};
pub use diagnostic::{Code, Diagnostic, Level};
pub use script::{Action, Expectation, Step, TestCase};
pub use source::{Source, Sources};
