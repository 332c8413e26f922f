//! The access log: who asked for what, when, by which door, and what was answered. Files of lines that only grow; each line carries the hash of all before it.
//!
//! ```text
//! {"vitalog":"access log","format":1,"first":7,"chain":"…"}                              a file's first line: its first number, and the chain so far
//! {"n":7,"at":"…","who":"lee","via":"password","door":"GET /v1/…","asked":[…],"status":200,"chain":"…"}
//! {"head":7,"at":"…","chain":"…","key":"…","signature":"…"}                              signed, at most a second after what it stands for
//! ```
//!
//! What it says of people are ids. A line's chain is BLAKE3 over the chain before it and the line without its own; a head is signed with Ed25519.
//!
//! INVARIANT (before the answer): what shows anything of anybody is answered once its line is on stable storage.

mod audit;
mod files;
mod key;
mod line;
mod writer;

pub use audit::{AccessAudit, Fault, Faulty, audit};
pub use key::Signer;
pub use line::Entry;
pub use writer::{LogError, Writer};
