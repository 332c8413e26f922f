//! Exact quotients for the oracle: `i128` over `i128`, reduced, no cleverness.
//!
//! Refuses to guess: a division by zero, or a result that does not fit once reduced, is `None`, which the evaluator calls unknown.

use std::cmp::Ordering;

/// `n / d` in lowest terms; `d` is positive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Number {
    n: i128,
    d: i128,
}

impl Number {
    pub fn whole(n: i128) -> Number {
        Number { n, d: 1 }
    }

    /// `None` if `d` is zero or a part does not fit.
    pub fn quotient(n: i128, d: i128) -> Option<Number> {
        if d == 0 {
            return None;
        }
        let common = i128::try_from(greatest_common_divisor(n.unsigned_abs(), d.unsigned_abs())).ok()?;
        let (n, d) = (n / common, d / common);
        if d > 0 { Some(Number { n, d }) } else { Some(Number { n: n.checked_neg()?, d: d.checked_neg()? }) }
    }

    pub fn parts(self) -> (i128, i128) {
        (self.n, self.d)
    }

    pub fn floor(self) -> i128 {
        self.n.div_euclid(self.d)
    }

    /// To the nearest whole number, a half to the even one.
    pub fn round_half_even(self) -> i128 {
        let below = self.floor();
        let rest = self.n - below * self.d;
        match rest.cmp(&(self.d - rest)) {
            Ordering::Less => below,
            Ordering::Greater => below + 1,
            Ordering::Equal => below + below.rem_euclid(2),
        }
    }

    pub fn negative(self) -> Option<Number> {
        Some(Number { n: self.n.checked_neg()?, d: self.d })
    }

    pub fn plus(self, other: Number) -> Option<Number> {
        let (a, b) = (self.n.checked_mul(other.d)?, other.n.checked_mul(self.d)?);
        Number::quotient(a.checked_add(b)?, self.d.checked_mul(other.d)?)
    }

    pub fn minus(self, other: Number) -> Option<Number> {
        self.plus(other.negative()?)
    }

    pub fn times(self, other: Number) -> Option<Number> {
        Number::quotient(self.n.checked_mul(other.n)?, self.d.checked_mul(other.d)?)
    }

    pub fn over(self, other: Number) -> Option<Number> {
        Number::quotient(self.n.checked_mul(other.d)?, self.d.checked_mul(other.n)?)
    }

    /// The square root to the nearest millionth, by halving.
    pub fn root(self) -> Option<Number> {
        let millionths = |k: i128| Number::quotient(k, 1_000_000);
        let (mut low, mut high) = (0_i128, 1_i128);
        let is_below = |k: i128| Some(millionths(k)?.times(millionths(k)?)? <= self);
        while is_below(high)? {
            high *= 2;
        }
        while high - low > 1 {
            let middle = (low + high) / 2;
            if is_below(middle)? {
                low = middle;
            } else {
                high = middle;
            }
        }
        // The root is at or above the middle of two millionths where its square is.
        let middle = Number::quotient(2 * low + 1, 2_000_000)?;
        millionths(if middle.times(middle)? <= self { low + 1 } else { low })
    }

    pub fn sum(numbers: &[Number]) -> Option<Number> {
        numbers.iter().try_fold(Number::whole(0), |sum, n| sum.plus(*n))
    }

    pub fn mean(numbers: &[Number]) -> Option<Number> {
        Number::sum(numbers)?.over(Number::whole(numbers.len() as i128))
    }
}

impl Ord for Number {
    /// By whole parts, then by the remainders upside down: exact, and nothing can overflow.
    fn cmp(&self, other: &Number) -> Ordering {
        let (whole, other_whole) = (self.floor(), other.floor());
        if whole != other_whole {
            return whole.cmp(&other_whole);
        }
        let (rest, other_rest) = (self.n - whole * self.d, other.n - whole * other.d);
        if rest == 0 || other_rest == 0 {
            return rest.cmp(&other_rest);
        }
        Number { n: other.d, d: other_rest }.cmp(&Number { n: self.d, d: rest })
    }
}

impl PartialOrd for Number {
    fn partial_cmp(&self, other: &Number) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

fn greatest_common_divisor(a: u128, b: u128) -> u128 {
    if b == 0 { a } else { greatest_common_divisor(b, a % b) }
}

#[test]
fn numbers_are_exact() {
    let q = |n, d| Number::quotient(n, d).unwrap();
    assert_eq!(q(2, -4).parts(), (-1, 2));
    assert_eq!(q(1, 3).plus(q(1, 6)), Some(q(1, 2)));
    assert_eq!(q(1, 2).over(q(0, 7)), None);
    assert_eq!(Number::whole(i128::MAX).plus(q(1, 1)), None);
    assert!(q(-1, 3) < q(-1, 4) && q(1, 3) > q(33, 100) && q(7, 3) < q(12, 5));
    assert_eq!([q(2, 1), q(1, 4), q(0, 1)].map(Number::root), [1_414_214, 500_000, 0].map(|n| Some(q(n, 1_000_000))));
    assert_eq!([q(5, 2), q(7, 2), q(-5, 2), q(-7, 3)].map(Number::round_half_even), [2, 4, -2, -2]);
}
