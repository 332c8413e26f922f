//! What is left after a time: 2^(-age / half-life), in integers.
//!
//! A weight is kept to 32 binary digits behind the point, rounded to the nearest; so a sum of weighted values is a sum of integers, and hangs on no order.

/// The weight of what is new.
pub const ONE: i128 = 1 << 32;

/// Binary digits that are calculated with.
const DIGITS: u32 = 62;

/// ln 2, with so many digits.
const LN_2: i128 = 3_196_577_161_300_663_915;

/// `2^(-age / half_life)` of [`ONE`]; of an age below zero that of none.
pub fn weight(age: i128, half_life: i64) -> i64 {
    let half_life = i128::from(half_life.max(1));
    let age = age.max(0);
    let halvings = age / half_life;
    if halvings > 33 {
        return 0;
    }
    // e^-x with x = ln 2 * part, as a series from its end: x is below 0.7, so thirty terms are more than enough. Nothing of it exceeds one, so a word holds each term: divisions of
    // 128 bits are dear.
    let x = (LN_2 * (age % half_life) / half_life) as u64;
    let one = 1_u64 << DIGITS;
    let term = |sum: u64| ((u128::from(x) * u128::from(sum)) >> DIGITS) as u64;
    let sum = (1..=30).rev().fold(one, |sum, k| one - term(sum) / k);
    let digits = DIGITS - 32 + halvings as u32;
    ((u128::from(sum) + (1 << (digits - 1))) >> digits) as i64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_is_left_after_a_half_life() {
        assert_eq!([0, 10, 20, 320, 330, 340, 350].map(|age| weight(age, 10)), [1 << 32, 1 << 31, 1 << 30, 1, 1, 0, 0]);
        assert_eq!(weight(5, 10), 3_037_000_500);
        assert_eq!(weight(-5, 10), 1 << 32);
        assert_eq!(weight(i64::MAX as i128 / 2, i64::MAX), 3_037_000_500);
        assert_eq!(weight(1, 3), 3_408_917_802);
    }

    /// As the series is written, in whole numbers that hold whatever comes.
    fn written(age: i128, half_life: i64) -> i64 {
        let half_life = i128::from(half_life.max(1));
        let halvings = age / half_life;
        let x = LN_2 * (age % half_life) / half_life;
        let one = 1_i128 << DIGITS;
        let sum = (1..=30).rev().fold(one, |sum, k| one - ((x * sum) >> DIGITS) / k);
        let digits = DIGITS - 32 + halvings as u32;
        ((sum + (1 << (digits - 1))) >> digits) as i64
    }

    #[test]
    fn words_hold_all_of_it() {
        for half_life in [1, 2, 3, 7, 60_000_000, 5_400_000_000, 86_400_000_000, i64::MAX / 2, i64::MAX] {
            for part in 0..=997_i128 {
                for halvings in [0, 1, 7, 32, 33] {
                    let half = i128::from(half_life);
                    let age = half * halvings + (half - 1) * part / 997;
                    assert_eq!(weight(age, half_life), written(age, half_life), "age {age}, half-life {half_life}");
                }
            }
        }
    }

    /// Of what is older than 34 half-lives nothing is left, however old it is.
    #[test]
    fn nothing_is_left_of_what_is_old() {
        for age in [7 * 34, 7 * 35, 7 * 97, 7 * 98, 7 * 200, i128::from(i64::MAX)] {
            assert_eq!(weight(age, 7), 0, "age {age}");
        }
        assert_eq!(weight(7 * 32, 7), 1);
    }
}
