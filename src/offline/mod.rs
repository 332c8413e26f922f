//! The engine over a history, without a server: backtests and the tests in rule files. The same `cep::Engine` that `serve` steps.

pub mod backtest;
mod cut;
pub mod difference;
mod groups;
pub mod known;
pub mod load;
pub mod measures;
pub mod script;
mod share;
pub mod summary;
pub mod why;
