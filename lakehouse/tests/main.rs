//! The lake from outside: what the relations say against a model, at every crash point; what SQL lets through; what files hold.

mod accounting;
mod asof;
mod crash;
mod durable;
mod exact;
mod export;
mod eyes;
mod fault;
mod files;
mod floor;
mod forgetting;
mod functions;
mod http;
mod known;
mod law;
mod model;
mod pages;
mod query;
mod refuse;
mod retention;
mod study;
mod trace;
mod world;
