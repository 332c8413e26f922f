//! Dimensions of values: products of powers of the dimensions that units belong to, so that a slope (glucose per time) has one too.

use std::fmt;

use vitalog_elog::Dimension;

const COUNT: usize = Dimension::ALL.len();

/// Powers, one per [`Dimension`] in the order of `Dimension::ALL`. All zero: a plain number.
///
/// INVARIANT (ratios are plain in products): the power of [`Dimension::Ratio`] is 0, or it is 1 and all others are 0. A share is carried in
/// its own atoms only where it stands alone; before it is multiplied with another dimension it is made a plain number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Dim([i8; COUNT]);

impl Dim {
    pub const PLAIN: Dim = Dim([0; COUNT]);

    pub fn of(dimension: Dimension) -> Dim {
        let mut powers = [0; COUNT];
        powers[place(dimension)] = 1;
        Dim(powers)
    }

    pub fn time() -> Dim {
        Dim::of(Dimension::Time)
    }

    pub fn is_plain(self) -> bool {
        self == Dim::PLAIN
    }

    pub fn is(self, dimension: Dimension) -> bool {
        self == Dim::of(dimension)
    }

    /// The one dimension it is, if it is one.
    pub fn single(self) -> Option<Dimension> {
        Dimension::ALL.into_iter().find(|d| self.is(*d))
    }

    /// `None` if a power leaves the range that anything measured has.
    pub fn times(self, other: Dim) -> Option<Dim> {
        self.combine(other, i8::checked_add)
    }

    pub fn per(self, other: Dim) -> Option<Dim> {
        self.combine(other, i8::checked_sub)
    }

    fn combine(self, other: Dim, f: fn(i8, i8) -> Option<i8>) -> Option<Dim> {
        let mut powers = [0; COUNT];
        for (i, power) in powers.iter_mut().enumerate() {
            *power = f(self.0[i], other.0[i])?;
        }
        Some(Dim(powers))
    }
}

fn place(dimension: Dimension) -> usize {
    Dimension::ALL.iter().position(|d| *d == dimension).unwrap_or(0)
}

impl fmt::Display for Dim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_plain() {
            return f.write_str("a plain number");
        }
        if *self == Dim::time() {
            return f.write_str("a span of time");
        }
        let write = |f: &mut fmt::Formatter<'_>, sign: i8| -> fmt::Result {
            let mut lead = "";
            for (dimension, power) in Dimension::ALL.into_iter().zip(self.0).filter(|(_, p)| p.signum() == sign) {
                write!(f, "{lead}{dimension}")?;
                if power.abs() > 1 {
                    write!(f, "^{}", power.abs())?;
                }
                lead = " times ";
            }
            Ok(())
        };
        if self.0.iter().any(|p| *p > 0) {
            write(f, 1)?;
        } else {
            f.write_str("one")?;
        }
        if self.0.iter().any(|p| *p < 0) {
            f.write_str(" per ")?;
            write(f, -1)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slope_has_a_dimension() {
        let slope = Dim::of(Dimension::Glucose).per(Dim::time()).unwrap();
        assert_eq!(slope.to_string(), "glucose per time");
        assert_eq!(slope.times(Dim::time()), Some(Dim::of(Dimension::Glucose)));
    }
}
