//! Tables of cases, one file per operator: given readings, what must stand. They hold for the oracle and for the engine.
//!
//! Each was worked out by hand from the definition of the language, so they say whether the oracle itself understood it.

pub mod build;
mod calendar;
mod covering;
mod deadlines;
mod derived;
mod episode;
mod exprs;
mod findings;
mod formats;
mod guards;
mod horizon;
mod kleene;
mod overtaking;
mod pattern;
mod profile;
mod schedule;
mod silence;
mod slices;
mod statistics;
mod table;
mod ties;
mod timeline;
mod trees;
mod trials;
mod unheard;
mod versions;
mod windows;
mod zones;
