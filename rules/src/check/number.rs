//! Exact constants: arithmetic on quotients that either fits or is refused, and bounds made of them.

use std::cmp::Ordering;

use vitalog_cep::plan::{Arith, Rational};

/// `n / d` in lowest terms with a positive denominator; `None` if it does not fit, or `d` is zero.
pub fn rational(n: i128, d: i128) -> Option<Rational> {
    if d == 0 {
        return None;
    }
    let divisor = gcd(n.unsigned_abs(), d.unsigned_abs()).max(1);
    let sign = if d < 0 { -1 } else { 1 };
    let (n, d) = (n / divisor as i128 * sign, d / divisor as i128 * sign);
    Some(Rational { n: i64::try_from(n).ok()?, d: i64::try_from(d).ok()? })
}

fn gcd(mut a: u128, mut b: u128) -> u128 {
    while b > 0 {
        (a, b) = (b, a % b);
    }
    a
}

/// `a op b`; `None` if it does not fit, or is divided by zero.
pub fn compute(op: Arith, a: Rational, b: Rational) -> Option<Rational> {
    let (an, ad, bn, bd) = (i128::from(a.n), i128::from(a.d), i128::from(b.n), i128::from(b.d));
    match op {
        Arith::Add => rational((an * bd).checked_add(bn * ad)?, ad * bd),
        Arith::Sub => rational((an * bd).checked_sub(bn * ad)?, ad * bd),
        Arith::Mul => rational(an * bn, ad * bd),
        Arith::Div => rational(an * bd, ad * bn),
    }
}

pub fn compare(a: Rational, b: Rational) -> Ordering {
    (i128::from(a.n) * i128::from(b.d)).cmp(&(i128::from(b.n) * i128::from(a.d)))
}

pub fn whole(n: i64) -> Rational {
    Rational { n, d: 1 }
}

/// The least and the greatest value that something can have, where that is known; both included.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Bounds {
    pub low: Option<Rational>,
    pub high: Option<Rational>,
}

impl Bounds {
    pub const NONE: Bounds = Bounds { low: None, high: None };

    pub fn of(low: i64, high: i64) -> Bounds {
        Bounds { low: Some(whole(low)), high: Some(whole(high)) }
    }

    pub fn exactly(value: Rational) -> Bounds {
        Bounds { low: Some(value), high: Some(value) }
    }

    pub fn at_least_zero() -> Bounds {
        Bounds { low: Some(whole(0)), high: None }
    }

    pub fn negated(self) -> Bounds {
        let minus = |r: Rational| r.n.checked_neg().map(|n| Rational { n, d: r.d });
        Bounds { low: self.high.and_then(minus), high: self.low.and_then(minus) }
    }

    pub fn plus(self, other: Bounds) -> Bounds {
        let add = |a: Option<Rational>, b: Option<Rational>| compute(Arith::Add, a?, b?);
        Bounds { low: add(self.low, other.low), high: add(self.high, other.high) }
    }

    /// How the values of two bounds can be ordered at most: whether one of the first may be less, equal, greater.
    pub fn orders(self, other: Bounds) -> (bool, bool, bool) {
        let cmp = |a: Option<Rational>, b: Option<Rational>| Some(compare(a?, b?));
        let low_high = cmp(self.low, other.high);
        let high_low = cmp(self.high, other.low);
        let less = low_high.is_none_or(|o| o == Ordering::Less);
        let greater = high_low.is_none_or(|o| o == Ordering::Greater);
        let equal = low_high != Some(Ordering::Greater) && high_low != Some(Ordering::Less);
        (less, equal, greater)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_fit_is_no_number() {
        assert_eq!(rational(6, -4), Some(Rational { n: -3, d: 2 }));
        assert_eq!(rational(1, 0), None);
        assert_eq!(compute(Arith::Mul, whole(i64::MAX), whole(2)), None);
        assert_eq!(compute(Arith::Div, whole(1), whole(0)), None);
        assert_eq!(compute(Arith::Sub, whole(i64::MIN), whole(1)), None);
    }

    #[test]
    fn orders_say_what_can_be() {
        let (a, b) = (Bounds::of(20, 1000), Bounds::of(1000, 1000));
        assert_eq!(a.orders(b), (true, true, false));
        assert_eq!(Bounds::NONE.orders(b), (true, true, true));
        assert_eq!(Bounds::of(5, 5).orders(Bounds::of(5, 5)), (false, true, false));
    }
}
