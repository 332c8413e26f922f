//! What the system tests stand on: the real binary as a process, an HTTP client, a browser.

pub mod browser;
pub mod hooks;
pub mod http;
pub mod need;
pub mod provider;
pub mod rounds;
pub mod server;
pub mod story;
