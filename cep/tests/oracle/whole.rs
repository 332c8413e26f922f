//! Whole numbers of up to 1024 bits, so that what the manual calls exact is exact on every way there. Refuses to guess: what does not fit is `None`.
//!
//! Nearly all are short, and the oracle is seldom optimised: what fits into 128 bits is calculated there.

use bnum::cast::As;
use bnum::types::I1024;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Whole(I1024);

impl From<i128> for Whole {
    fn from(n: i128) -> Whole {
        Whole(n.as_())
    }
}

impl Whole {
    pub const ZERO: Whole = Whole(I1024::from_bytes([0; 128]));

    /// `None` if it does not fit.
    pub fn short(self) -> Option<i128> {
        let short: i128 = self.0.as_();
        (Whole::from(short) == self).then_some(short)
    }

    pub fn negative(self) -> Whole {
        Whole(-self.0)
    }

    pub fn is_negative(self) -> bool {
        self.0.is_negative()
    }

    fn both_short(self, other: Whole) -> Option<(i128, i128)> {
        self.short().zip(other.short())
    }

    pub fn plus(self, other: Whole) -> Option<Whole> {
        match self.both_short(other).and_then(|(a, b)| a.checked_add(b)) {
            Some(sum) => Some(Whole::from(sum)),
            None => self.0.checked_add(other.0).map(Whole),
        }
    }

    pub fn minus(self, other: Whole) -> Option<Whole> {
        self.plus(other.negative())
    }

    pub fn times(self, other: Whole) -> Option<Whole> {
        match self.both_short(other).and_then(|(a, b)| a.checked_mul(b)) {
            Some(product) => Some(Whole::from(product)),
            None => self.0.checked_mul(other.0).map(Whole),
        }
    }

    /// How often a positive number goes into it, and what is left: never below zero.
    pub fn by(self, divisor: Whole) -> (Whole, Whole) {
        match self.both_short(divisor) {
            Some((a, b)) => (Whole::from(a.div_euclid(b)), Whole::from(a.rem_euclid(b))),
            None => (Whole(self.0.div_euclid(divisor.0)), Whole(self.0.rem_euclid(divisor.0))),
        }
    }

    /// The greatest number that goes evenly into both; of two zeros zero.
    pub fn common_divisor(self, other: Whole) -> Whole {
        let (mut a, mut b) = (Whole(self.0.abs()), Whole(other.0.abs()));
        while b != Whole::ZERO {
            (a, b) = (b, a.by(b).1);
        }
        a
    }
}

#[test]
fn wide_numbers_are_calculated_with_as_in_school() {
    let w = Whole::from;
    let ten = |n: u32| (0..n).try_fold(w(1), |all, _| all.times(w(10))).unwrap();
    // Ten to the hundredth is far beyond 128 bits.
    assert_eq!(ten(60).times(ten(40)), Some(ten(100)));
    assert_eq!(ten(100).plus(w(7)).unwrap().by(ten(60)), (ten(40), w(7)));
    let below = ten(100).plus(w(7)).unwrap().negative();
    assert_eq!(below.by(ten(60)), (ten(40).negative().minus(w(1)).unwrap(), ten(60).minus(w(7)).unwrap()));
    assert_eq!(ten(100).negative().by(ten(60)), (ten(40).negative(), w(0)));
    assert_eq!(ten(100).minus(ten(100).minus(w(3)).unwrap()), Some(w(3)));
    assert_eq!(w(3).minus(ten(100)).unwrap().plus(ten(100)), Some(w(3)));
    // 2^100 * 5^60 and 2^60 * 5^100.
    let (a, b) = (ten(60).times(w(1 << 40)).unwrap(), ten(60).times(w(95_367_431_640_625).times(w(95_367_431_640_625)).unwrap()));
    assert_eq!(a.common_divisor(b.unwrap()), ten(60));
    assert_eq!(a.common_divisor(w(0)), a);
    assert_eq!(w(-12).common_divisor(w(18)), w(6));
    assert!(ten(100) > ten(99) && ten(100).negative() < ten(99).negative() && w(-1) < w(0));
    assert_eq!(ten(300).times(ten(10)), None);
    assert_eq!((ten(40).short(), ten(30).short()), (None, Some(10_i128.pow(30))));
}
