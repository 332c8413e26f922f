//! Makes a failing history small: leaves out ever smaller parts of it, as long as what is left still fails.

use super::History;

/// So many parts are tried to be left out.
const ATTEMPTS: usize = 150;

pub fn shrink(history: &History, fails: &dyn Fn(&History) -> bool) -> History {
    let mut small = history.clone();
    let mut attempts = 0;
    let mut part = small.entries.len().div_ceil(2);
    while part > 0 && attempts < ATTEMPTS {
        let mut place = 0;
        while place < small.entries.len() && attempts < ATTEMPTS {
            attempts += 1;
            let mut without = small.clone();
            without.entries.drain(place..(place + part).min(small.entries.len()));
            if fails(&without) {
                small = without;
            } else {
                place += part;
            }
        }
        part = if part == 1 { 0 } else { part.div_ceil(2) };
    }
    small
}
