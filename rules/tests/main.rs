//! The tests of the rule language.

#![expect(
    clippy::disallowed_methods,
    reason = "tests measure how long the compiler takes, and are told by their environment how much to try"
)]

mod adversary;
mod cases;
mod catalogue;
mod editors;
mod explain;
mod expressions;
mod findings;
mod format;
mod histories;
mod horizon;
mod hostile;
mod lowering;
mod manual;
mod meaning;
mod packs;
mod pages;
mod policies;
mod prior;
mod resting;
mod scripts;
mod server;
mod support;
mod why;
mod why_matches;

// The long figure's clock, its inputs, and what they pass through: tests take a sample of the same.
#[path = "../examples/shared/clock.rs"]
mod clock;
#[path = "../examples/hostile/inputs.rs"]
mod inputs;
#[path = "../examples/hostile/through.rs"]
mod through;
// The naive evaluator of cep's tests shares only the plan with the engine.
#[expect(dead_code, reason = "how findings are called is asked there only")]
#[path = "../../cep/tests/oracle/mod.rs"]
mod oracle;
// The benchmark's people.
#[path = "../../src/demo/population.rs"]
mod population;
