//! Times of day lie on a circle: between 23:00 and 01:00 lies midnight, not noon.
//!
//! The mean is the point from which the squares of the shorter ways to all of them have the least sum (Fréchet). It is found exactly: for each
//! place at which the circle may be cut, the mean on the line that results; the cut with the least squares is the right one (Hotz and Huckemann 2015,
//! Intrinsic means on the circle).

use super::calendar::DAY;
use super::ratio::Ratio;

/// The mean of times of day, and the sum of the squares of the ways from it.
pub struct Mean {
    /// `None`: two points are equally good (of 06:00 and 18:00, midnight and noon).
    pub at: Option<Ratio>,
    /// The sum of squares times `count`.
    squares: i128,
    count: i128,
}

impl Mean {
    /// `None` of nothing.
    pub fn of(mut times: Vec<i64>) -> Option<Mean> {
        if times.is_empty() {
            return None;
        }
        times.sort_unstable();
        let (count, day) = (times.len() as i128, i128::from(DAY));
        let mut sum: i128 = times.iter().map(|t| i128::from(*t)).sum();
        let mut squares: i128 = times.iter().map(|t| i128::from(*t) * i128::from(*t)).sum();
        let mut best: Option<(i128, i128, bool)> = None;
        for time in times {
            let spread = count * squares - sum * sum;
            best = match best {
                Some((least, at, _)) if spread == least => Some((least, at, true)),
                Some((least, ..)) if spread > least => best,
                _ => Some((spread, sum, false)),
            };
            // The next cut is behind this one: it goes round to the end.
            sum += day;
            squares += day * (2 * i128::from(time) + day);
        }
        let (squares, sum, is_tie) = best?;
        Some(Mean { at: if is_tie { None } else { Ratio::new(sum.rem_euclid(count * day), count) }, squares, count })
    }

    /// The variance of a sample: of two or more.
    pub fn variance(&self) -> Option<Ratio> {
        Ratio::new(self.squares, self.count.checked_mul(self.count - 1)?)
    }

    /// The mean as a clock without a second hand shows it.
    pub fn shown(&self) -> Option<Ratio> {
        const MINUTE: i128 = 60_000_000;
        self.at.map(|at| Ratio { n: at.floor() / MINUTE * MINUTE, d: 1 })
    }
}

/// A span brought onto the circle: into [0, 24 h), or signed into (-12 h, 12 h].
pub fn wrapped(value: Ratio, signed: bool) -> Option<Ratio> {
    let day = i128::from(DAY).checked_mul(value.d)?;
    let rest = value.n.rem_euclid(day);
    let over = signed && rest > day / 2;
    Ratio::new(if over { rest - day } else { rest }, value.d)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mean(hours: &[i64]) -> Option<(i128, i128)> {
        let mean = Mean::of(hours.iter().map(|h| h * DAY / 24).collect())?.at?.reduced();
        Some((mean.n * 24 / i128::from(DAY), mean.d))
    }

    #[test]
    fn the_mean_lies_on_the_shorter_way() {
        assert_eq!(mean(&[23, 1]), Some((0, 1)));
        assert_eq!(mean(&[21, 23, 1]), Some((23, 1)));
        assert_eq!(mean(&[6, 18]), None);
        assert_eq!(mean(&[0, 8, 16]), None);
        assert_eq!(mean(&[5, 5, 5]), Some((5, 1)));
        assert_eq!(mean(&[]), None);
        assert_eq!(
            Mean::of(vec![DAY / 24 * 23, DAY / 24]).and_then(|m| m.variance()).map(|v| v.n / v.d),
            Some(25_920_000_000_000_000_000)
        );
    }

    #[test]
    fn spans_go_round() {
        let hours = |n: i64, signed| wrapped(Ratio::whole(n * DAY / 24), signed).map(|r| r.n * 24 / i128::from(DAY));
        assert_eq!((hours(25, false), hours(-1, false), hours(24, false)), (Some(1), Some(23), Some(0)));
        assert_eq!(
            (hours(13, true), hours(12, true), hours(-12, true), hours(-13, true)),
            (Some(-11), Some(12), Some(12), Some(11))
        );
    }
}
