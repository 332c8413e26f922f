//! Whole numbers of up to 1024 bits, so that what the manual calls exact is exact on every way there.
//!
//! By hand, as it is taught in school: digits of 64 bits, carried and borrowed. Refuses to guess: what does not fit is `None`.

use std::cmp::Ordering;

const DIGITS: usize = 16;

/// A sign and digits, the least first. Zero is not negative.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Whole {
    negative: bool,
    digits: [u64; DIGITS],
}

impl From<i128> for Whole {
    fn from(n: i128) -> Whole {
        let mut digits = [0; DIGITS];
        let size = n.unsigned_abs();
        (digits[0], digits[1]) = (size as u64, (size >> 64) as u64);
        Whole { negative: n < 0, digits }
    }
}

impl Whole {
    pub const ZERO: Whole = Whole { negative: false, digits: [0; DIGITS] };

    /// `None` if it does not fit. The least of all `i128` is not asked for.
    pub fn short(self) -> Option<i128> {
        if self.digits[2..].iter().any(|d| *d > 0) {
            return None;
        }
        let size = i128::try_from(u128::from(self.digits[1]) << 64 | u128::from(self.digits[0])).ok()?;
        Some(if self.negative { -size } else { size })
    }

    pub fn negative(self) -> Whole {
        Whole { negative: !self.negative && self != Whole::ZERO, ..self }
    }

    pub fn is_negative(self) -> bool {
        self.negative
    }

    fn size(self) -> Whole {
        Whole { negative: false, ..self }
    }

    fn signed(self, negative: bool) -> Whole {
        if negative { self.negative() } else { self }
    }

    pub fn plus(self, other: Whole) -> Option<Whole> {
        if let Some(sum) = self.short().zip(other.short()).and_then(|(a, b)| a.checked_add(b)) {
            return Some(Whole::from(sum));
        }
        if self.negative == other.negative {
            let mut sum = self;
            let mut carry = false;
            for (a, b) in sum.digits.iter_mut().zip(other.digits) {
                let (part, over) = a.overflowing_add(b);
                let (part, over_again) = part.overflowing_add(u64::from(carry));
                (*a, carry) = (part, over || over_again);
            }
            return (!carry).then_some(sum);
        }
        let (large, small) = if self.size() >= other.size() { (self, other) } else { (other, self) };
        Some(large.size().less(small.size()).signed(large.negative))
    }

    pub fn minus(self, other: Whole) -> Option<Whole> {
        self.plus(other.negative())
    }

    /// Of sizes, the other not the larger.
    fn less(self, other: Whole) -> Whole {
        let mut rest = self;
        let mut borrowed = false;
        for (a, b) in rest.digits.iter_mut().zip(other.digits) {
            let (part, under) = a.overflowing_sub(b);
            let (part, under_again) = part.overflowing_sub(u64::from(borrowed));
            (*a, borrowed) = (part, under || under_again);
        }
        rest
    }

    pub fn times(self, other: Whole) -> Option<Whole> {
        if let Some(product) = self.short().zip(other.short()).and_then(|(a, b)| a.checked_mul(b)) {
            return Some(Whole::from(product));
        }
        let mut digits = [0_u64; 2 * DIGITS];
        for (i, a) in self.digits.iter().enumerate() {
            let mut carry = 0_u128;
            for (j, b) in other.digits.iter().enumerate() {
                let sum = u128::from(*a) * u128::from(*b) + u128::from(digits[i + j]) + carry;
                digits[i + j] = sum as u64;
                carry = sum >> 64;
            }
            digits[i + DIGITS] = carry as u64;
        }
        let (low, high) = digits.split_at(DIGITS);
        let fits = high.iter().all(|d| *d == 0);
        let product = Whole { negative: false, digits: low.try_into().ok()? };
        fits.then(|| product.signed(self.negative != other.negative))
    }

    /// How often a positive number goes into it, and what is left: never below zero.
    pub fn by(self, divisor: Whole) -> (Whole, Whole) {
        if let (Some(a), Some(b)) = (self.short(), divisor.short()) {
            return (Whole::from(a.div_euclid(b)), Whole::from(a.rem_euclid(b)));
        }
        let (mut times, mut rest) = (Whole::ZERO, Whole::ZERO);
        for bit in (0..64 * DIGITS).rev() {
            let carried = rest.doubled(self.bit(bit));
            if carried || rest >= divisor {
                rest = rest.less(divisor);
                times.digits[bit / 64] |= 1 << (bit % 64);
            }
        }
        if !self.negative {
            return (times, rest);
        }
        // Below zero it goes in once more, unless it goes in evenly.
        match rest == Whole::ZERO {
            true => (times.negative(), rest),
            false => (times.negative().minus(Whole::from(1)).unwrap_or(times), divisor.less(rest)),
        }
    }

    fn bit(self, place: usize) -> bool {
        self.digits[place / 64] >> (place % 64) & 1 == 1
    }

    /// Twice a size, and a bit more. Whether something was carried out.
    fn doubled(&mut self, more: bool) -> bool {
        let mut carry = more;
        for digit in &mut self.digits {
            let next = *digit >> 63 == 1;
            *digit = *digit << 1 | u64::from(carry);
            carry = next;
        }
        carry
    }

    fn halved(self) -> Whole {
        let mut half = self;
        for i in 0..DIGITS {
            let above = self.digits.get(i + 1).copied().unwrap_or(0);
            half.digits[i] = self.digits[i] >> 1 | above << 63;
        }
        half
    }

    /// The greatest number that goes evenly into both; of two zeros zero.
    pub fn common_divisor(self, other: Whole) -> Whole {
        let (mut a, mut b) = (self.size(), other.size());
        let mut twos = 0;
        while a != Whole::ZERO && b != Whole::ZERO {
            if let (Some(a), Some(b)) = (a.short(), b.short()) {
                return Whole::from(euclid(a, b)).shifted(twos);
            }
            match (a.bit(0), b.bit(0)) {
                (false, false) => (a, b, twos) = (a.halved(), b.halved(), twos + 1),
                (false, true) => a = a.halved(),
                (true, false) => b = b.halved(),
                (true, true) if a >= b => a = a.less(b),
                (true, true) => b = b.less(a),
            }
        }
        if a == Whole::ZERO { b.shifted(twos) } else { a.shifted(twos) }
    }

    fn shifted(self, twos: u32) -> Whole {
        let mut all = self;
        (0..twos).for_each(|_| {
            all.doubled(false);
        });
        all
    }
}

fn euclid(a: i128, b: i128) -> i128 {
    if b == 0 { a } else { euclid(b, a % b) }
}

impl Ord for Whole {
    fn cmp(&self, other: &Whole) -> Ordering {
        let sizes = self.digits.iter().rev().cmp(other.digits.iter().rev());
        match (self.negative, other.negative) {
            (false, false) => sizes,
            (true, true) => sizes.reverse(),
            (false, true) => Ordering::Greater,
            (true, false) => Ordering::Less,
        }
    }
}

impl PartialOrd for Whole {
    fn partial_cmp(&self, other: &Whole) -> Option<Ordering> {
        Some(self.cmp(other))
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
