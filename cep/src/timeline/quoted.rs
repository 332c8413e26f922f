//! The list of readings that was quoted last: a reading that lets a hundred rules find something has them rest on the same ones.

use std::cell::RefCell;
use std::sync::Arc;

use vitalog_elog::ReadingId;

/// Of one subject. What it keeps changes nothing that is said.
#[derive(Debug, Default)]
pub struct Quoted(RefCell<Option<Arc<[ReadingId]>>>);

impl Quoted {
    /// The ids as a list that may be shared.
    pub fn list(&self, ids: &[ReadingId]) -> Arc<[ReadingId]> {
        let mut last = self.0.borrow_mut();
        match &*last {
            Some(list) if **list == *ids => list.clone(),
            _ => last.insert(Arc::from(ids)).clone(),
        }
    }
}
