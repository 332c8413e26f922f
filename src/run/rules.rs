//! The desk at which rules are changed while the node runs.
//!
//! Files are compiled before they are journaled, on top of what is declared already; what does not compile changes nothing. The first rules of a
//! data directory hold from the beginning of time, later ones from the instant of their acceptance.

use std::sync::{Arc, Mutex};

use vitalog_cep::plan::Library;
use vitalog_elog::input::{RuleChange, RuleFile};
use vitalog_elog::port::Inlet;
use vitalog_elog::{Input, Position, Time};
use vitalog_rules::{Compiled, compile};

use super::in_force::InForce;
use super::journaling::WHEN_ACCEPTED;
use crate::files::sources;

/// Changes rules.
pub struct RuleDesk {
    in_force: Arc<InForce>,
    files: Mutex<Vec<RuleFile>>,
}

/// Why rules were not changed.
#[derive(Debug)]
pub enum RulesError {
    /// They do not compile.
    Wrong(Box<Compiled>),
    /// They could not be journaled.
    Unavailable(vitalog_elog::port::Unavailable),
}

impl RuleDesk {
    pub fn new(in_force: Arc<InForce>, files: Vec<RuleFile>) -> RuleDesk {
        RuleDesk { in_force, files: Mutex::new(files) }
    }

    /// The library in force.
    pub fn library(&self) -> Arc<Library> {
        self.in_force.get()
    }

    /// The texts in force.
    pub fn files(&self) -> Vec<RuleFile> {
        self.files.lock().unwrap_or_else(|e| e.into_inner()).clone()
    }

    /// Compiles files as they would be compiled if they were put in force now.
    pub fn check(&self, files: &[RuleFile]) -> Compiled {
        compile(&sources(files), &self.library())
    }

    /// Puts files in force in place of all former ones. `Ok(None)`: they are in force already. Blocks until they are journaled and stepped over.
    ///
    /// # Errors
    /// What [`RulesError`] says; then the former rules stay in force.
    pub fn put(&self, inlet: &dyn Inlet, files: Vec<RuleFile>) -> Result<Option<Position>, RulesError> {
        // Held throughout: two changes at once are made one after the other, each compiled on top of the one before.
        let mut current = self.files.lock().unwrap_or_else(|e| e.into_inner());
        if *current == files {
            return Ok(None);
        }
        let compiled = self.check(&files);
        if compiled.library.is_none() {
            return Err(RulesError::Wrong(Box::new(compiled)));
        }
        let effective = if current.is_empty() { Time::MIN } else { WHEN_ACCEPTED };
        let change = RuleChange { effective, files: files.clone() };
        let (tell, told) = std::sync::mpsc::channel();
        inlet.submit(vec![Input::Rules(change)], Box::new(move |answer| drop(tell.send(answer))));
        match told.recv() {
            Ok(Ok(accepted)) => {
                *current = files;
                Ok(Some(accepted.position))
            }
            Ok(Err(error)) => Err(RulesError::Unavailable(error)),
            Err(_) => Err(RulesError::Unavailable(vitalog_elog::port::Unavailable::Closing)),
        }
    }
}
