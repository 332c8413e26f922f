//! The list of readings that was quoted last: a reading that lets a hundred rules find something has them rest on the same ones.

use std::cell::RefCell;
use std::sync::Arc;

use vitalog_elog::ReadingId;

/// Of one subject. What it keeps changes nothing that is said.
#[derive(Debug, Default)]
pub struct Quoted(RefCell<Last>);

#[derive(Debug, Default)]
struct Last {
    list: Option<Arc<[ReadingId]>>,
    /// As they were given, if that was noted: they need not be sorted again to see that they are the same.
    given: Vec<ReadingId>,
}

impl Quoted {
    /// The ids as a list that may be shared.
    pub fn list(&self, ids: &[ReadingId]) -> Arc<[ReadingId]> {
        let last = &mut *self.0.borrow_mut();
        match &last.list {
            Some(list) if **list == *ids => list.clone(),
            _ => {
                last.given.clear();
                last.list.insert(Arc::from(ids)).clone()
            }
        }
    }

    /// The list that these ids were last, if it was noted that they were.
    #[inline]
    pub fn again(&self, given: &[ReadingId]) -> Option<Arc<[ReadingId]>> {
        let last = self.0.borrow();
        if !given.is_empty() && last.given == given { last.list.clone() } else { None }
    }

    /// The list quoted last is that of these ids.
    pub fn note(&self, given: &[ReadingId]) {
        let last = &mut *self.0.borrow_mut();
        last.given.clear();
        last.given.extend(given);
    }
}
