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

/// The same, searched from a place near which it is thought to be.
pub fn first_not_near<T>(list: &[T], near: usize, is_before: impl Fn(&T) -> bool) -> usize {
    if list.get(near).is_none_or(|at| !is_before(at)) {
        return first_not(&list[..near.min(list.len())], is_before);
    }
    let (mut low, mut high, mut step) = (near, list.len(), 1);
    while low + step < high {
        if !is_before(&list[low + step]) {
            high = low + step;
            break;
        }
        low += step;
        step *= 2;
    }
    low + 1 + list[low + 1..high].partition_point(is_before)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_that_of_halving() {
        for len in (0..40_usize).chain([90, 150]) {
            let list: Vec<usize> = (0..len).map(|i| i / 3).collect();
            for bound in 0..55 {
                let wanted = list.partition_point(|n| *n < bound);
                assert_eq!(first_not(&list, |n| *n < bound), wanted, "{bound} of {len}");
                for near in 0..len + 2 {
                    assert_eq!(first_not_near(&list, near, |n| *n < bound), wanted, "{bound} of {len} near {near}");
                }
            }
        }
    }
}
