//! The tests of the rule language.

#![expect(
    clippy::disallowed_methods,
    reason = "tests measure how long the compiler takes, and are told by their environment how much to try"
)]

mod cases;
mod catalogue;
mod editors;
mod explain;
mod expressions;
mod findings;
mod format;
mod hostile;
mod lowering;
mod manual;
mod meaning;
mod packs;
mod pages;
mod policies;
mod prior;
mod scripts;
mod server;
mod support;
mod why;
