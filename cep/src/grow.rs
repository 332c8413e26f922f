//! Long lists that grow by a quarter: one that doubles keeps room for half as much again as is in it, of each column of each subject.

/// Lists up to here grow as they are used to.
const SHORT: usize = 16;

/// Appends.
#[inline]
pub fn push<T>(list: &mut Vec<T>, value: T) {
    if list.len() == list.capacity() {
        grow(list);
    }
    list.push(value);
}

/// Puts in before a place.
#[inline]
pub fn insert<T>(list: &mut Vec<T>, place: usize, value: T) {
    if list.len() == list.capacity() {
        grow(list);
    }
    list.insert(place, value);
}

#[cold]
fn grow<T>(list: &mut Vec<T>) {
    if list.len() >= SHORT {
        list.reserve_exact(list.len() / 4);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_has_little_room_to_spare_and_is_moved_seldom() {
        let (mut list, mut moves) = (Vec::new(), 0);
        for i in 0..100_000_usize {
            let room = list.capacity();
            if i % 7 == 0 {
                insert(&mut list, i / 2, i)
            } else {
                push(&mut list, i)
            }
            moves += usize::from(list.capacity() != room);
            assert!(list.capacity() <= (list.len() * 5 / 4).max(SHORT), "{} of {}", list.len(), list.capacity());
        }
        assert!(moves < 50, "{moves}");
        assert_eq!(list.len(), 100_000);
    }
}
