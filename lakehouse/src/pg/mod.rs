//! PostgreSQL's way of asking, as far as it is bytes and words: messages, types, values, statements about the session, the catalogue. Nothing here waits.

pub mod catalogue;
pub mod cells;
pub mod command;
pub mod fault;
pub mod incoming;
pub mod outgoing;
pub mod settings;
pub mod times;
pub mod types;
pub mod values;
