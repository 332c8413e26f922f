//! The views against a model, the API and the stream over a real server, and what the pages may and may not do.

mod answered;
mod api;
mod known;
mod pages;
mod stream;
mod support;
mod views;
