//! Fewer points for a chart, without hiding what matters.
//!
//! A long series is cut into slots of equal time, and of each slot the first, the least, the greatest and the last value are kept: a short low is
//! drawn however many days the chart spans. Points are chosen, never made, so each one drawn is a reading that can be asked about.

/// The places to keep, in order, of a series with these instants (in order) and values: all of them where there are at most `most`; else at most
/// about `most`. Those without a value are kept only as a slot's first or last.
pub fn keep(instants: &[i64], values: &[Option<f64>], most: usize) -> Vec<usize> {
    let count = instants.len().min(values.len());
    if count <= most || most < 4 {
        return (0..count).collect();
    }
    let slots = (most / 4) as i128;
    let (first, last) = (i128::from(instants[0]), i128::from(instants[count - 1]));
    let width = ((last - first) / slots + 1).max(1);
    let slot = |i: usize| (i128::from(instants[i]) - first) / width;
    let mut kept = Vec::with_capacity(most + 4);
    let mut start = 0;
    while start < count {
        let end = (start..count).find(|i| slot(*i) != slot(start)).unwrap_or(count);
        let valued = || (start..end).filter_map(|i| values[i].map(|v| (i, v)));
        let mut four = [
            Some(start),
            valued().reduce(|a, b| if b.1 < a.1 { b } else { a }).map(|(i, _)| i),
            valued().reduce(|a, b| if b.1 > a.1 { b } else { a }).map(|(i, _)| i),
            Some(end - 1),
        ];
        four.sort_unstable();
        for place in four.into_iter().flatten() {
            if kept.last() != Some(&place) {
                kept.push(place);
            }
        }
        start = end;
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_short_series_is_left_whole() {
        assert_eq!(keep(&[1, 2, 3], &[Some(1.0), None, Some(2.0)], 4), [0, 1, 2]);
        assert_eq!(keep(&[], &[], 4), Vec::<usize>::new());
    }

    #[test]
    fn the_extremes_of_a_long_series_are_kept() {
        let instants: Vec<i64> = (0..100_000).collect();
        let mut values: Vec<Option<f64>> = (0..100_000).map(|i| Some(100.0 + f64::from(i % 7))).collect();
        values[54_321] = Some(39.0);
        values[54_322] = Some(401.0);
        values[77_777] = None;
        let kept = keep(&instants, &values, 1_000);
        assert!(kept.len() <= 1_004, "{}", kept.len());
        assert!(kept.contains(&54_321) && kept.contains(&54_322));
        assert_eq!((kept.first(), kept.last()), (Some(&0), Some(&99_999)));
        assert!(kept.windows(2).all(|w| w[0] < w[1]), "in order, each once");
    }

    #[test]
    fn all_at_one_instant_is_one_slot() {
        let kept = keep(&[5; 100], &[Some(1.0); 100], 8);
        assert_eq!(kept, [0, 99]);
    }

    #[test]
    fn the_ends_of_time_do_not_overflow() {
        let instants = [i64::MIN, -1, 0, 1, i64::MAX];
        assert_eq!(keep(&instants, &[Some(1.0); 5], 4).first(), Some(&0));
    }
}
