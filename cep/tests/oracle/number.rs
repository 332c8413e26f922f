//! Exact quotients for the oracle, reduced, no cleverness.
//!
//! Refuses to guess: a division by zero is `None`, which the evaluator calls unknown. So is what a thousand bits can't hold, which no script comes to.

use std::cmp::Ordering;

use super::whole::Whole;

/// `n / d` in lowest terms; `d` is positive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Number {
    n: Whole,
    d: Whole,
}

impl Number {
    pub fn whole(n: i128) -> Number {
        Number { n: Whole::from(n), d: Whole::from(1) }
    }

    /// `None` if `d` is zero.
    pub fn quotient(n: i128, d: i128) -> Option<Number> {
        Number::of(Whole::from(n), Whole::from(d))
    }

    fn of(n: Whole, d: Whole) -> Option<Number> {
        if d == Whole::ZERO {
            return None;
        }
        let (n, d) = if d.is_negative() { (n.negative(), d.negative()) } else { (n, d) };
        let common = n.common_divisor(d);
        Some(Number { n: n.by(common).0, d: d.by(common).0 })
    }

    /// Where both fit into 128 bits.
    pub fn parts(self) -> Option<(i128, i128)> {
        self.n.short().zip(self.d.short())
    }

    /// The greatest whole number not above it, if it fits.
    pub fn floor(self) -> Option<i128> {
        self.n.by(self.d).0.short()
    }

    /// To the nearest whole number, a half to the even one.
    pub fn round_half_even(self) -> Option<i128> {
        let (below, rest) = self.n.by(self.d);
        let below = below.short()?;
        Some(match rest.plus(rest)?.cmp(&self.d) {
            Ordering::Less => below,
            Ordering::Greater => below + 1,
            Ordering::Equal => below + below.rem_euclid(2),
        })
    }

    pub fn negative(self) -> Number {
        Number { n: self.n.negative(), d: self.d }
    }

    pub fn plus(self, other: Number) -> Option<Number> {
        let (a, b) = (self.n.times(other.d)?, other.n.times(self.d)?);
        Number::of(a.plus(b)?, self.d.times(other.d)?)
    }

    pub fn minus(self, other: Number) -> Option<Number> {
        self.plus(other.negative())
    }

    pub fn times(self, other: Number) -> Option<Number> {
        Number::of(self.n.times(other.n)?, self.d.times(other.d)?)
    }

    pub fn over(self, other: Number) -> Option<Number> {
        Number::of(self.n.times(other.d)?, self.d.times(other.n)?)
    }

    /// The square root to the nearest millionth, by halving.
    pub fn root(self) -> Option<Number> {
        let millionths = |k: i128| Number::quotient(k, 1_000_000);
        let (mut low, mut high) = (0_i128, 1_i128);
        let is_below = |k: i128| Some(millionths(k)?.times(millionths(k)?)? <= self);
        while is_below(high)? {
            high = high.checked_mul(2)?;
        }
        while high - low > 1 {
            let middle = low + (high - low) / 2;
            if is_below(middle)? {
                low = middle;
            } else {
                high = middle;
            }
        }
        // The root is at or above the middle of two millionths where its square is.
        let middle = millionths(low)?.plus(Number::quotient(1, 2_000_000)?)?;
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
        let ((whole, rest), (other_whole, other_rest)) = (self.n.by(self.d), other.n.by(other.d));
        if whole != other_whole {
            return whole.cmp(&other_whole);
        }
        if rest == Whole::ZERO || other_rest == Whole::ZERO {
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

#[test]
fn numbers_are_exact() {
    let q = |n, d| Number::quotient(n, d).unwrap();
    assert_eq!(q(2, -4).parts(), Some((-1, 2)));
    assert_eq!(q(1, 3).plus(q(1, 6)), Some(q(1, 2)));
    assert_eq!(q(1, 2).over(q(0, 7)), None);
    // Beyond 128 bits, and back.
    let (large, small) = (q(i128::MAX, 3), q(1, i128::MAX));
    assert_eq!(large.times(large).and_then(|square| square.times(small)?.times(small)), Some(q(1, 9)));
    assert_eq!(large.times(large).and_then(Number::floor), None);
    assert!(q(-1, 3) < q(-1, 4) && q(1, 3) > q(33, 100) && q(7, 3) < q(12, 5));
    assert_eq!([q(2, 1), q(1, 4), q(0, 1)].map(Number::root), [1_414_214, 500_000, 0].map(|n| Some(q(n, 1_000_000))));
    assert_eq!([q(5, 2), q(7, 2), q(-5, 2), q(-7, 3)].map(Number::round_half_even), [2, 4, -2, -2].map(Some));
}
