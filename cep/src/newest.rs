//! Searching sorted lists from their ends: nearly every question is about what came last, and a list that grows for years must not make it dearer.

/// The first place of which `is_before` is false, in a list in which it is true of a first part and false of the rest.
#[inline]
pub fn first_not<T>(list: &[T], is_before: impl Fn(&T) -> bool) -> usize {
    let (mut high, mut step) = (list.len(), 1);
    while high > 0 {
        let low = high.saturating_sub(step);
        if is_before(&list[low]) {
            return low + 1 + list[low + 1..high].partition_point(is_before);
        }
        high = low;
        step *= 2;
    }
    0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_that_of_halving() {
        for len in 0..40_usize {
            let list: Vec<usize> = (0..len).map(|i| i / 3).collect();
            for bound in 0..15 {
                assert_eq!(first_not(&list, |n| *n < bound), list.partition_point(|n| *n < bound), "{bound} of {len}");
            }
        }
    }
}
