//! How long rows can be asked for: a policy in whole months, and what it comes to at an instant.
//!
//! The lake is one of several things made of the journal, so what goes from it is not gone from the journal, and nothing that is found hangs on it.

mod cuts;
mod policy;

pub use cuts::{Cuts, Fate};
pub use policy::{Limit, Policy, Wrong};
