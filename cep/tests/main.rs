//! The engine's tests: a naive oracle, tables of cases that keep the oracle itself honest, the laws on random scripts, and mutants that show
//! that the laws would notice.

mod cases;
mod draw;
mod fuzz;
mod laws;
mod mutants;
mod oracle;
mod shrink;
mod world;
