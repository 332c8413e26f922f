//! Exact quotients in 128 bits.
//!
//! Comparison is exact always. Arithmetic is exact or `None`: it reduces before it gives up, so only what no reduced quotient of 128-bit integers can
//! hold on the way is lost.

use std::cmp::Ordering;

/// `n / d`, with `d > 0`; not necessarily in lowest terms.
#[derive(Clone, Copy, Debug)]
pub struct Ratio {
    pub n: i128,
    pub d: i128,
}

impl Ratio {
    pub const ZERO: Ratio = Ratio { n: 0, d: 1 };

    #[inline]
    pub fn whole(n: i64) -> Ratio {
        Ratio { n: i128::from(n), d: 1 }
    }

    /// `None` for a denominator of zero.
    pub fn new(n: i128, d: i128) -> Option<Ratio> {
        match d.cmp(&0) {
            Ordering::Greater => Some(Ratio { n, d }),
            Ordering::Less => Some(Ratio { n: n.checked_neg()?, d: d.checked_neg()? }),
            Ordering::Equal => None,
        }
    }

    pub fn add(self, other: Ratio) -> Option<Ratio> {
        if self.d == other.d
            && let Some(n) = self.n.checked_add(other.n)
        {
            return Some(Ratio { n, d: self.d });
        }
        let (a, b) = (self.reduced(), other.reduced());
        let g = gcd(a.d as u128, b.d as u128) as i128;
        let n = a.n.checked_mul(b.d / g)?.checked_add(b.n.checked_mul(a.d / g)?)?;
        Some(Ratio { n, d: a.d.checked_mul(b.d / g)? }.reduced())
    }

    pub fn neg(self) -> Option<Ratio> {
        Some(Ratio { n: self.n.checked_neg()?, d: self.d })
    }

    pub fn sub(self, other: Ratio) -> Option<Ratio> {
        self.add(other.neg()?)
    }

    pub fn mul(self, other: Ratio) -> Option<Ratio> {
        if let (Some(n), Some(d)) = (self.n.checked_mul(other.n), self.d.checked_mul(other.d)) {
            return Some(Ratio { n, d });
        }
        let (a, b) = (self.reduced(), other.reduced());
        let left = Ratio { n: a.n, d: b.d }.reduced();
        let right = Ratio { n: b.n, d: a.d }.reduced();
        Some(Ratio { n: left.n.checked_mul(right.n)?, d: left.d.checked_mul(right.d)? })
    }

    /// `None` for a division by zero.
    pub fn div(self, other: Ratio) -> Option<Ratio> {
        self.mul(Ratio::new(other.d, other.n)?)
    }

    /// The greatest whole number not above it.
    pub fn floor(self) -> i128 {
        // Most are whole numbers, and a division of 128 bits is dear.
        if self.d == 1 { self.n } else { self.n.div_euclid(self.d) }
    }

    /// The nearest whole number; of two the even one.
    pub fn rounded(self) -> i128 {
        let (floor, rest) = (self.floor(), self.n.rem_euclid(self.d));
        match rest.cmp(&(self.d - rest)) {
            Ordering::Less => floor,
            Ordering::Greater => floor + 1,
            Ordering::Equal => floor + (floor & 1),
        }
    }

    pub fn reduced(self) -> Ratio {
        if self.d == 1 {
            return self;
        }
        // The divisor is at most `d`, which is positive, so it fits.
        let g = gcd(self.n.unsigned_abs(), self.d as u128) as i128;
        Ratio { n: self.n / g, d: self.d / g }
    }

    #[inline]
    pub fn compare(self, other: Ratio) -> Ordering {
        let short = |r: Ratio| Some((i64::try_from(r.n).ok()?, i64::try_from(r.d).ok()?));
        if let (Some((n, d)), Some((m, e))) = (short(self), short(other)) {
            return (i128::from(n) * i128::from(e)).cmp(&(i128::from(m) * i128::from(d)));
        }
        match (self.n.checked_mul(other.d), other.n.checked_mul(self.d)) {
            (Some(left), Some(right)) => left.cmp(&right),
            _ => self.compare_long(other),
        }
    }

    /// By continued fractions: whole parts first, then the inverses of what remains.
    fn compare_long(self, other: Ratio) -> Ordering {
        let (mut a, mut b) = (self, other);
        loop {
            let order = a.floor().cmp(&b.floor());
            let (rest_a, rest_b) = (a.n.rem_euclid(a.d), b.n.rem_euclid(b.d));
            if order.is_ne() || rest_a == 0 || rest_b == 0 {
                return order.then(rest_a.min(1).cmp(&rest_b.min(1)));
            }
            // a < b exactly if the inverse of a's rest is above that of b's.
            (a, b) = (Ratio { n: b.d, d: rest_b }, Ratio { n: a.d, d: rest_a });
        }
    }
}

/// Not zero where one of them is not zero.
fn gcd(mut a: u128, mut b: u128) -> u128 {
    while b != 0 {
        (a, b) = if let (Ok(x), Ok(y)) = (u64::try_from(a), u64::try_from(b)) {
            (u128::from(y), u128::from(x % y))
        } else {
            (b, a % b)
        };
    }
    a
}

#[cfg(test)]
mod tests {
    use super::*;

    fn r(n: i128, d: i128) -> Ratio {
        Ratio::new(n, d).expect("not zero")
    }

    #[test]
    fn comparison_is_exact_where_the_products_do_not_fit() {
        let big = i128::MAX;
        assert_eq!(r(big, big - 1).compare(r(big - 1, big - 2)), Ordering::Less);
        assert_eq!(r(big, 3).compare(r(big, 2)), Ordering::Less);
        assert_eq!(r(-big, 3).compare(r(-big, 2)), Ordering::Greater);
        assert_eq!(r(big - 1, big).compare(r(big - 1, big)), Ordering::Equal);
        assert_eq!(r(i128::MIN, 7).compare(r(big, 7)), Ordering::Less);
    }

    #[test]
    fn arithmetic_reduces_before_it_gives_up() {
        let big = i128::MAX - 1; // even
        assert_eq!(r(big, 2).mul(r(2, big)).map(|x| x.compare(r(1, 1))), Some(Ordering::Equal));
        assert_eq!(r(big, 2).add(r(big, 2)).map(|x| x.compare(r(big, 1))), Some(Ordering::Equal));
        assert!(r(big, 1).mul(r(2, 1)).is_none());
        assert!(r(1, 1).div(Ratio::ZERO).is_none());
        assert_eq!(r(-7, 2).floor(), -4);
        assert_eq!([r(-7, 2), r(5, 2), r(7, 3), r(8, 3)].map(Ratio::rounded), [-4, 2, 2, 3]);
        assert_eq!(r(1, 3).add(r(1, 6)).map(|x| (x.n, x.d)), Some((1, 2)));
    }
}
