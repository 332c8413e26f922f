//! The tests of the way in. One binary; each module is one subject.

mod admission;
mod aim94;
mod damage;
mod decoding;
mod figures;
mod fixture;
mod fuzz;
mod http;
mod journal;
mod t1d_uom;
mod tokens;
