//! The whole system from outside: the real binary, real peers, real data.

mod demo;
mod house;
mod manual;
mod orders;
mod support;
mod survival;
mod whole_data;
