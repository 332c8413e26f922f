//! The engine over a history, without a server: backtests and the tests in rule files. The same `cep::Engine` that `serve` steps.

pub mod backtest;
mod groups;
pub mod load;
pub mod script;
pub mod summary;
pub mod why;
