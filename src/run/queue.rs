//! A queue between two threads that is bounded by what lies in it, and not by the number of messages: a group may have one reading or ten thousand.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

/// A queue that takes more as long as what lies in it weighs less than `room`.
pub fn queue<T>(room: usize) -> (Giver<T>, Taker<T>) {
    let state = State { items: VecDeque::new(), weight: 0, enough: 0, is_given: true, is_taken: true };
    let shared = Arc::new(Shared { room, state: Mutex::new(state), more: Condvar::new(), less: Condvar::new() });
    (Giver(shared.clone()), Taker(shared))
}

/// The end that is given to. There is one.
pub struct Giver<T>(Arc<Shared<T>>);

/// The end that is taken from. There is one.
pub struct Taker<T>(Arc<Shared<T>>);

struct Shared<T> {
    room: usize,
    state: Mutex<State<T>>,
    more: Condvar,
    less: Condvar,
}

struct State<T> {
    items: VecDeque<(T, usize)>,
    weight: usize,
    /// Whoever takes is told when so much lies in it.
    enough: usize,
    is_given: bool,
    is_taken: bool,
}

impl<T> Shared<T> {
    fn state(&self) -> MutexGuard<'_, State<T>> {
        // Nothing in here can leave it half changed.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T> Giver<T> {
    /// Gives; waits for room. `false`: nobody takes any more.
    ///
    /// Whatever it weighs, an item finds room in a queue that is not full: none waits for ever.
    #[must_use]
    pub fn give(&self, item: T, weight: usize) -> bool {
        let mut state = self.0.state();
        while state.is_taken && state.weight >= self.0.room {
            state = self.0.less.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        if !state.is_taken {
            return false;
        }
        state.weight += weight;
        state.items.push_back((item, weight));
        let is_enough = state.weight >= state.enough;
        drop(state);
        if is_enough {
            self.0.more.notify_one();
        }
        true
    }
}

impl<T> Taker<T> {
    /// The next; waits for it. `None`: nobody gives any more, and all was taken.
    pub fn take(&self) -> Option<T> {
        self.wait();
        self.take_waiting()
    }

    /// Waits until there is something. `false`: nobody gives any more, and all was taken.
    pub fn wait(&self) -> bool {
        let mut state = self.0.state();
        while state.is_given && state.items.is_empty() {
            state = self.0.more.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        !state.items.is_empty()
    }

    /// Lets gather what is given until an instant, or until it weighs enough; not longer than anybody gives.
    pub fn rest(&self, until: Instant, enough: usize) {
        let mut state = self.0.state();
        // There must be room for so much.
        state.enough = enough.min(self.0.room);
        while state.is_given && state.weight < state.enough {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                break;
            }
            state = self.0.more.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        state.enough = 0;
    }

    /// The next, if there is one.
    pub fn take_waiting(&self) -> Option<T> {
        let mut state = self.0.state();
        let (item, weight) = state.items.pop_front()?;
        let was_full = state.weight >= self.0.room;
        state.weight -= weight;
        let is_full = state.weight >= self.0.room;
        drop(state);
        if was_full && !is_full {
            self.0.less.notify_one();
        }
        Some(item)
    }
}

impl<T> Drop for Giver<T> {
    fn drop(&mut self) {
        self.0.state().is_given = false;
        self.0.more.notify_one();
    }
}

impl<T> Drop for Taker<T> {
    fn drop(&mut self) {
        self.0.state().is_taken = false;
        self.0.less.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[test]
    fn all_comes_through_in_order_and_never_more_than_there_is_room_for_waits() {
        let (giver, taker) = queue(100);
        let waiting = Arc::new(AtomicUsize::new(0));
        let counted = waiting.clone();
        let giving = std::thread::spawn(move || {
            for n in 0..20_000_usize {
                counted.fetch_add(n % 60, Ordering::AcqRel);
                assert!(giver.give(n, n % 60));
            }
        });
        let (mut next, mut most) = (0, 0);
        while let Some(n) = taker.take() {
            assert_eq!(n, next);
            most = most.max(waiting.fetch_sub(n % 60, Ordering::AcqRel));
            next += 1;
            // Now and then all that waits.
            while next % 7 == 0
                && let Some(n) = taker.take_waiting()
            {
                assert_eq!(n, next);
                waiting.fetch_sub(n % 60, Ordering::AcqRel);
                next += 1;
            }
        }
        giving.join().expect("given");
        assert_eq!(next, 20_000);
        // What lies in it (below 100 and one more), what is about to be given, and what was taken and not yet counted down.
        assert!(most < 100 + 3 * 60, "{most}");
    }

    #[test]
    fn a_rest_ends_with_its_time_or_when_enough_has_gathered_or_nobody_gives() {
        let (giver, taker) = queue(100);
        let rest = |millis, enough| {
            let began = Instant::now();
            taker.rest(began + std::time::Duration::from_millis(millis), enough);
            began.elapsed().as_millis() as u64
        };
        assert!(giver.give("some", 5));
        assert!(rest(30, 10) >= 30, "too little");
        assert!(giver.give("more", 5));
        assert!(rest(60_000, 10) < 30_000, "enough, before the rest");
        let giving = std::thread::spawn(move || {
            for _ in 0..8 {
                std::thread::sleep(std::time::Duration::from_millis(5));
                assert!(giver.give("more", 10));
            }
            giver
        });
        assert!(rest(60_000, 90) < 30_000, "enough, while it rests");
        let giver = giving.join().expect("given");
        assert!(giver.give("more", 10));
        assert!(rest(60_000, 1_000) < 30_000, "there is room for no more");
        drop(giver);
        while taker.take_waiting().is_some() {}
        assert!(rest(60_000, 50) < 30_000, "nobody gives");
        assert!(!taker.wait());
    }

    #[test]
    fn what_is_too_heavy_for_the_room_passes_alone() {
        let (giver, taker) = queue(10);
        assert!(giver.give("heavy", 1_000));
        let giving = std::thread::spawn(move || giver.give("next", 1));
        assert_eq!(taker.take(), Some("heavy"));
        assert!(giving.join().expect("given"));
        assert_eq!((taker.take(), taker.take()), (Some("next"), None), "and then nobody gives any more");
    }

    #[test]
    fn whoever_waits_for_room_is_told_that_nobody_takes() {
        let (giver, taker) = queue(1);
        assert!(giver.give(1, 1));
        let giving = std::thread::spawn(move || giver.give(2, 1));
        std::thread::sleep(std::time::Duration::from_millis(20));
        drop(taker);
        assert!(!giving.join().expect("answered"));
    }
}
