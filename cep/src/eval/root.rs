//! Square roots: a factor times the root of a quotient, compared by squares.

use std::cmp::Ordering;

use super::ratio::Ratio;

/// `factor * sqrt(radicand)`, neither below zero.
#[derive(Clone, Copy, Debug)]
pub struct Root {
    pub radicand: Ratio,
    pub factor: i64,
}

/// Where a root is calculated with or shown it is taken to this part of one, to the nearest.
const STEP: i128 = 1_000_000;

impl Root {
    pub fn compare(self, other: Ratio) -> Option<Ordering> {
        if other.n < 0 {
            return Some(Ordering::Greater);
        }
        let share = Ratio::new(other.n, other.d.checked_mul(i128::from(self.factor))?)?.reduced();
        match share.mul(share) {
            Some(square) => Some(self.radicand.compare(square)),
            None => Some(self.number()?.compare(other)),
        }
    }

    pub fn compare_root(self, other: Root) -> Option<Ordering> {
        if self.factor == other.factor {
            return Some(self.radicand.compare(other.radicand));
        }
        Some(self.number()?.compare(other.number()?))
    }

    /// The nearest millionth.
    pub fn number(self) -> Option<Ratio> {
        let factor = u128::from(self.factor.unsigned_abs()) * STEP as u128;
        // Twice the root, whole: its half, rounded, is the root.
        let square = product(self.radicand, factor.checked_mul(factor)?.checked_mul(4)?)?;
        let twice = square.isqrt();
        Ratio::new(i128::try_from(twice.div_ceil(2)).ok()?, STEP)
    }
}

/// The whole part of `ratio * k`, by doubling; `None` where it does not fit.
fn product(ratio: Ratio, k: u128) -> Option<u128> {
    let (n, d) = (u128::try_from(ratio.n).ok()?, u128::try_from(ratio.d).ok()?);
    let (whole, part) = (n / d, n % d);
    let (mut quotient, mut rest) = (0_u128, 0_u128);
    for bit in (0..u128::BITS - k.leading_zeros()).rev() {
        quotient = quotient.checked_mul(2)?;
        rest *= 2;
        if (k >> bit) & 1 == 1 {
            quotient = quotient.checked_add(whole)?;
            // Both are below d, which is below 2^127.
            if rest >= d {
                quotient = quotient.checked_add(1)?;
                rest -= d;
            }
            rest += part;
        }
        if rest >= d {
            quotient = quotient.checked_add(1)?;
            rest -= d;
        }
    }
    Some(quotient)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn root(n: i128, d: i128, factor: i64) -> Root {
        Root { radicand: Ratio { n, d }, factor }
    }

    #[test]
    fn a_root_is_compared_by_squares() {
        let two = root(2, 1, 1);
        let third = |n| Ratio { n, d: 1_000_000_000_000 };
        assert_eq!(two.compare(third(1_414_213_562_373)), Some(Ordering::Greater));
        assert_eq!(two.compare(third(1_414_213_562_374)), Some(Ordering::Less));
        assert_eq!(root(9, 625, 100).compare(Ratio::whole(12)), Some(Ordering::Equal));
        assert_eq!(two.compare(Ratio::whole(-2)), Some(Ordering::Greater));
        assert_eq!(two.compare_root(root(3, 1, 1)), Some(Ordering::Less));
    }

    #[test]
    fn a_root_is_taken_to_the_nearest_millionth() {
        let number = |r: Root| r.number().map(|n| (n.n, n.d));
        assert_eq!(number(root(2, 1, 1)), Some((1_414_214, STEP)));
        assert_eq!(number(root(3, 1, 1)), Some((1_732_051, STEP)));
        assert_eq!(number(root(1, 4, 2)), Some((1_000_000, STEP)));
        assert_eq!(number(root(0, 5, 7)), Some((0, STEP)));
        assert_eq!(number(root(2 * 10_i128.pow(26), 10_i128.pow(26), 100_000_000)), Some((141_421_356_237_310, STEP)));
        assert_eq!(product(Ratio { n: i128::MAX, d: i128::MAX - 1 }, 1 << 90), Some(1 << 90));
    }
}
