//! A script: a library, readings, changes of the profile and ticks, in the order in which they arrive.

use std::sync::Arc;

use vitalog_cep::plan::Library;
use vitalog_elog::profile::ProfileChange;
use vitalog_elog::{Content, Reading, Subject, Time, Value, When};

use super::STREAMS;
use crate::oracle::{self, Standing};
use vitalog_elog::StreamIx;

/// One input and its arrival.
#[derive(Clone, Debug)]
pub struct Line {
    pub arrival: Time,
    pub input: Given,
}

#[derive(Clone, Debug)]
pub enum Given {
    Reading(Reading),
    Profile(ProfileChange),
    Library { effective: Time, library: Arc<Library> },
    Tick,
}

/// What the oracle says stands after these lines.
pub fn expected(lines: &[Line]) -> Vec<Standing> {
    let mut libraries = Vec::new();
    let mut revisions = Vec::new();
    let mut profile = Vec::new();
    for line in lines {
        match &line.input {
            Given::Reading(r) => revisions.push(r.clone()),
            Given::Profile(c) => profile.push(c.clone()),
            Given::Library { effective, library } => libraries.push((*effective, library.clone())),
            Given::Tick => {}
        }
    }
    match lines.iter().map(|l| l.arrival).max() {
        Some(clock) => oracle::standing(&libraries, &revisions, &profile, clock),
        None => vec![],
    }
}

/// A present revision under a given name.
pub fn reading(subject: &Subject, name: &str, rev: u32, stream: StreamIx, when: When, values: Vec<Option<Value>>) -> Reading {
    let content = Content { stream, when, values: values.into_boxed_slice(), source: None, seq: None };
    Reading::present(subject.clone(), Some(Arc::from(name)), rev, STREAMS[usize::from(stream.0)].1, content)
}

impl Given {
    /// Whom it is about; a tick or a library concerns all.
    pub fn subject(&self) -> Option<&Subject> {
        match self {
            Given::Reading(r) => Some(&r.subject),
            Given::Profile(c) => Some(&c.subject),
            Given::Library { .. } | Given::Tick => None,
        }
    }
}
