//! Text to tokens. Never fails: what the language has no use for is reported and left out.
//!
//! Comments are no tokens, but they are kept beside them, so that documentation (`///`) reaches declarations and a formatter can put
//! everything back.

mod scan;
mod token;

pub use scan::{Limits, lex};
pub use token::{Kind, Lexed, Token};
