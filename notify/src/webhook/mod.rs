//! What a webhook is on paper: how it is signed, and which addresses it may be sent to. Pure; the sending is in [`crate::io`].

mod address;
mod retry_after;
mod sign;

pub use address::{Refused, check};
pub use retry_after::retry_after;
pub use sign::{Secret, signature};
