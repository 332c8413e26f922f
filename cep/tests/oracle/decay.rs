//! What is left of something after a time: 2^(-age / half-life), to the nearest 2^-32.
//!
//! By roots of roots: the exponent is written in binary digits, and 2^(-1/2), 2^(-1/4), … are multiplied where one stands.

use super::number::Number;

/// Binary digits that are calculated with.
const DIGITS: u32 = 62;

pub fn weight(age: i128, half_life: i128) -> Number {
    let (halvings, mut rest) = (age / half_life, age % half_life);
    let mut left: u128 = 1 << DIGITS;
    let mut root: u128 = 1 << (DIGITS - 1);
    for _ in 0..DIGITS {
        root = (root << DIGITS).isqrt();
        rest *= 2;
        if rest >= half_life {
            rest -= half_life;
            left = (left * root) >> DIGITS;
        }
    }
    let left = if halvings > 60 { 0 } else { left >> halvings };
    let rounded = (left + (1 << (DIGITS - 33))) >> (DIGITS - 32);
    Number::quotient(rounded as i128, 1 << 32).expect("a small quotient")
}

#[test]
fn half_is_left_after_a_half_life() {
    let shown = |age| weight(age, 10).times(Number::whole(1 << 32)).and_then(Number::floor);
    assert_eq!([0, 10, 20, 5].map(shown), [Some(1 << 32), Some(1 << 31), Some(1 << 30), Some(3_037_000_500)]);
    assert_eq!(weight(1, 3).times(Number::whole(1 << 32)).and_then(Number::floor), Some(3_408_917_802));
}
