//! What was asked on one request, and what was answered: each once, in the order of asking.

use std::sync::{Mutex, PoisonError};

use vitalog_elog::Subject;
use vitalog_elog::access::{Decision, Visit, Wish};

/// So many different wishes are noted by name.
const MOST: usize = 32;

/// What was asked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Asked {
    pub wishes: Vec<(&'static str, Option<Subject>, Decision)>,
    /// That many more were asked: of a body about more subjects than anybody reads in a line.
    pub more: u64,
}

/// Notes what is asked.
#[derive(Default)]
pub struct Noted(Mutex<Asked>);

impl Noted {
    /// What was asked until now.
    pub fn asked(&self) -> Asked {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Visit for Noted {
    fn note(&self, wish: Wish<'_>, decision: Decision) {
        let mut asked = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (name, subject) = (wish.name(), wish.subject());
        if asked.wishes.iter().any(|(n, s, d)| *n == name && s.as_ref() == subject && *d == decision) {
            return;
        }
        if asked.wishes.len() < MOST {
            asked.wishes.push((name, subject.cloned(), decision));
        } else {
            asked.more += 1;
        }
    }
}
