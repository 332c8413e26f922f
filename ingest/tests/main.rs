//! The tests of the way in. One binary; each module is one subject.

mod access;
mod admission;
mod aim94;
mod arrow;
mod audit;
mod copying;
mod damage;
mod decoding;
mod disk;
mod figures;
mod fixture;
mod formats;
mod fuzz;
mod http;
mod journal;
#[cfg(feature = "kafka")]
mod kafka;
mod keys;
mod laws;
mod t1d_uom;
mod trimming;
