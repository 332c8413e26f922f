//! The least-squares line through values in time, from exact sums.

use super::ratio::Ratio;

/// Sums over points; instants count from an origin, so that they stay small.
#[derive(Clone, Copy, Debug, Default)]
pub struct Line {
    pub count: i128,
    pub t: i128,
    pub v: i128,
    pub tt: i128,
    pub tv: i128,
}

impl Line {
    /// `None` where the sums do not fit.
    pub fn through(points: impl Iterator<Item = (i64, i64)>, origin: i64) -> Option<Line> {
        let mut line = Line::default();
        for (at, v) in points {
            let (t, v) = (i128::from(at) - i128::from(origin), i128::from(v));
            line.count += 1;
            line.t = line.t.checked_add(t)?;
            line.v = line.v.checked_add(v)?;
            line.tt = line.tt.checked_add(t.checked_mul(t)?)?;
            line.tv = line.tv.checked_add(t.checked_mul(v)?)?;
        }
        Some(line)
    }

    /// The same of neighbouring rows, by ascending instants. Of so few, so close to the origin, nothing overflows, and nothing is asked whether it does: windows are looked through at every
    /// reading.
    pub fn along(instants: &[i64], numbers: &[i64], origin: i64) -> Option<Line> {
        // 2^14 products of 2^48 and 2^63, or of 2^48 twice, fit.
        let is_near = |at: Option<&i64>| at.is_some_and(|at| at.abs_diff(origin) <= 1 << 48);
        if instants.len() > 1 << 14 || !is_near(instants.first()) || !is_near(instants.last()) {
            return Line::through(instants.iter().copied().zip(numbers.iter().copied()), origin);
        }
        let mut t_sum = 0_i64;
        let mut line = Line { count: instants.len() as i128, ..Line::default() };
        for (at, v) in instants.iter().zip(numbers) {
            let (t, v) = (at - origin, i128::from(*v));
            t_sum += t;
            line.v += v;
            line.tt += i128::from(t) * i128::from(t);
            line.tv += i128::from(t) * v;
        }
        line.t = i128::from(t_sum);
        Some(line)
    }

    /// Atoms per microsecond; of three points or more that are not all of one instant.
    pub fn slope(&self) -> Option<Ratio> {
        if self.count < 3 {
            return None;
        }
        let n = self.count.checked_mul(self.tv)?.checked_sub(self.t.checked_mul(self.v)?)?;
        let d = self.count.checked_mul(self.tt)?.checked_sub(self.t.checked_mul(self.t)?)?;
        Ratio::new(n, d)
    }

    /// The line's value so long after the origin.
    pub fn at(&self, ahead: i64) -> Option<Ratio> {
        let slope = self.slope()?;
        self.at_once(slope, ahead).or_else(|| self.by_parts(slope, ahead))
    }

    /// As one quotient, without looking for common divisors; `None` where that does not fit.
    fn at_once(&self, slope: Ratio, ahead: i64) -> Option<Ratio> {
        let way = i128::from(ahead).checked_mul(self.count)?.checked_sub(self.t)?;
        let n = self.v.checked_mul(slope.d)?.checked_add(slope.n.checked_mul(way)?)?;
        Ratio::new(n, self.count.checked_mul(slope.d)?)
    }

    fn by_parts(&self, slope: Ratio, ahead: i64) -> Option<Ratio> {
        let mean = Ratio::new(self.v, self.count)?;
        let way = Ratio::whole(ahead).sub(Ratio::new(self.t, self.count)?)?;
        mean.add(slope.reduced().mul(way)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn near_and_far_are_summed_alike() {
        for shift in (0..62).map(|power| 1_i64 << power) {
            for origin in [-shift, 0, shift] {
                let instants: Vec<i64> = (0..40).map(|i| shift / 2 + i * (shift / 64 + i % 3)).collect();
                let numbers: Vec<i64> = (0..40).map(|i| if i % 2 == 0 { i64::MAX - i } else { i64::MIN + i % 7 }).collect();
                let points = instants.iter().copied().zip(numbers.iter().copied());
                let sums = |line: Option<Line>| line.map(|l| (l.count, l.t, l.v, l.tt, l.tv));
                let walked = sums(Line::through(points, origin));
                assert_eq!(sums(Line::along(&instants, &numbers, origin)), walked, "{shift} {origin}");
            }
        }
        assert_eq!(Line::along(&[], &[], 0).map(|l| l.count), Some(0));
    }

    #[test]
    fn three_points_make_a_line() {
        let line = |points: &[(i64, i64)]| Line::through(points.iter().copied(), 10);
        let slope = |points: &[(i64, i64)]| line(points)?.slope().map(|r| (r.reduced().n, r.reduced().d));
        assert_eq!(slope(&[(0, 0), (5, 10), (10, 20)]), Some((2, 1)));
        assert_eq!(slope(&[(0, 0), (1, 0), (2, 3)]), Some((3, 2)));
        assert_eq!(slope(&[(0, 0), (5, 10)]), None);
        assert_eq!(slope(&[(5, 0), (5, 10), (5, 20)]), None);
        let at = |points: &[(i64, i64)], ahead| line(points)?.at(ahead).map(|r| (r.reduced().n, r.reduced().d));
        assert_eq!(at(&[(0, 0), (5, 10), (10, 20)], 10), Some((40, 1)));
    }

    #[test]
    fn both_ways_come_to_the_same_as_far_as_both_fit() {
        let points =
            |step: i64| (0..7).map(move |i| (1_000_000 + i * step + i * i % 5, 9_000_000 - i * i * 70_001 + i * step % 977));
        let mut one_way = 0;
        for (step, ahead) in
            (0..52).flat_map(|power| [(1_i64 << power, 3), (3_i64 << power, -1_800_000_000), (7_i64 << power, 1 << power)])
        {
            let line = Line::through(points(step), 1_000_000 + step).expect("the sums fit");
            let slope = line.slope().expect("there is one");
            let (once, parts) = (line.at_once(slope, ahead), line.by_parts(slope, ahead));
            let lowest = |r: Ratio| (r.reduced().n, r.reduced().d);
            match (once, parts) {
                (Some(a), Some(b)) => assert_eq!(lowest(a), lowest(b), "{step} {ahead}"),
                _ => one_way += 1,
            }
            assert_eq!(line.at(ahead).map(lowest), once.or(parts).map(lowest));
        }
        assert!(one_way > 0, "where one does not fit is tried too");
    }
}
