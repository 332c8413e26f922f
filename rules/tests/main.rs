//! The tests of the rule language.

#![expect(
    clippy::disallowed_methods,
    reason = "tests measure how long the compiler takes, and are told by their environment how much to try"
)]

mod cases;
mod expressions;
mod findings;
mod hostile;
mod lowering;
mod manual;
mod meaning;
mod packs;
mod policies;
mod prior;
mod scripts;
mod support;
