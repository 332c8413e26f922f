//! The vocabulary, tested against independent definitions: the general time parser, big-number arithmetic, and every permutation.

mod identity;
mod manual;
mod quantity;
mod time;
