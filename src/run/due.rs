//! When the clock decides something next: told by the collector, asked by the journal's thread, which then writes a tick.
//!
//! What is told holds after some offset. So a tick that is on its way is waited for, and not written a second time; and while engines owe something, which a tick pays a slice of,
//! the next is written as soon as the last was decided, with no pause and no group between them but those that come.

use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};

use vitalog_elog::Time;

/// No deadline.
const NEVER: i64 = i64::MAX;

/// The earliest deadline, as of some offset.
pub struct Due {
    at: AtomicI64,
    /// An engine owes something: see `Engine::set_slice`.
    owing: AtomicBool,
    /// All inputs before this offset are decided.
    next: AtomicU64,
    /// The offset after the last tick.
    ticked: AtomicU64,
}

impl Due {
    pub fn new(due: Option<Time>, clock: Time, next: u64) -> Due {
        let at = due.map_or(NEVER, |due| due.0);
        Due {
            at: AtomicI64::new(at),
            owing: AtomicBool::new(at <= clock.0),
            next: AtomicU64::new(next),
            ticked: AtomicU64::new(0),
        }
    }

    /// What is due after all inputs before an offset. Whether whoever waits for the deadline that was told before has to look.
    pub fn tell(&self, due: Option<Time>, owing: bool, next: u64) -> bool {
        let at = due.map_or(NEVER, |due| due.0);
        let before = self.at.swap(at, Ordering::Relaxed);
        self.owing.store(owing, Ordering::Relaxed);
        // INVARIANT (as of): who sees the offset sees what is due after it.
        self.next.store(next, Ordering::Release);
        owing || before != at
    }

    /// The earliest deadline; `None`: there is none.
    pub fn at(&self) -> Option<Time> {
        let at = self.at.load(Ordering::Relaxed);
        (at != NEVER).then_some(Time(at))
    }

    /// Whether all inputs before an offset are decided: then what is told is no less new.
    pub fn is_after(&self, next: u64) -> bool {
        self.next.load(Ordering::Acquire) >= next
    }

    /// A tick was written: what is due is not known before it is decided.
    pub fn ticked(&self, next: u64) {
        self.ticked.store(next, Ordering::Relaxed);
    }

    /// Whether no tick is on its way.
    pub fn is_known(&self) -> bool {
        self.is_after(self.ticked.load(Ordering::Relaxed))
    }

    /// Whether an engine owes something.
    pub fn owing(&self) -> bool {
        self.owing.load(Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_deadline_is_that_of_an_offset() {
        let due = Due::new(Some(Time(5)), Time(4), 10);
        assert_eq!((due.at(), due.owing(), due.is_after(10), due.is_after(11)), (Some(Time(5)), false, true, false));
        assert!(!due.tell(Some(Time(5)), false, 11), "it is the same, and nobody owes anything");
        due.ticked(12);
        assert!(!due.is_known() && due.is_after(11) && due.tell(Some(Time(7)), false, 12));
        assert!(due.is_known());
        assert!(due.tell(Some(Time(7)), true, 13) && due.tell(Some(Time(7)), true, 14), "each tick pays a slice");
        assert!(due.owing() && due.tell(None, false, 15) && due.at().is_none());
        assert!(Due::new(Some(Time(4)), Time(4), 0).owing(), "a restart finds what is owed");
    }
}
