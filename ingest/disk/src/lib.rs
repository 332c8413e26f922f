//! A disk that loses, for tests.
//!
//! SQLite reaches its files through a VFS. [`watch`] puts one in front of the system's that passes everything on, and of files below one directory writes down what was
//! done, fails at the n-th operation, or has no room any more. From what was written down, [`crash`] makes what a power cut could leave: every operation before the last sync of
//! its file, and of those after it any that chance keeps, whole, torn or not at all, in any order.
//!
//! Only tests use it. It decides nothing about journals.

mod crash;
#[allow(unsafe_code, reason = "SQLite calls a VFS through C")]
mod ffi;
mod watch;

pub use crash::{Image, Keep, crash, lay};
pub use watch::{Fault, Op, Watch, watch};
