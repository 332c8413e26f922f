//! The desk at which rules are changed while the node runs.
//!
//! Files are compiled before they are journaled, on top of what is declared already; what does not compile changes nothing. The first rules of a
//! data directory hold from the beginning of time, later ones from the instant of their acceptance.

use std::sync::{Arc, Mutex};

use vitalog_cep::plan::Library;
use vitalog_elog::input::{RuleChange, RuleFile};
use vitalog_elog::port::{Inlet, Unavailable};
use vitalog_elog::{Input, Position, Time};
use vitalog_rules::{Compiled, compile};

use super::ahead::AHEAD;
use super::in_force::InForce;
use super::journaling::WHEN_ACCEPTED;
use super::versions::Versions;
use crate::files::sources;

/// Changes rules.
pub struct RuleDesk {
    in_force: Arc<InForce>,
    /// Held while a change is made: of two at once each is compiled on top of the one before.
    changing: Mutex<()>,
}

/// Why rules were not changed.
#[derive(Debug)]
pub enum RulesError {
    /// They do not compile.
    Wrong(Box<Compiled>),
    /// They could not be journaled.
    Unavailable(Unavailable),
}

impl RuleDesk {
    pub fn new(in_force: Arc<InForce>) -> RuleDesk {
        RuleDesk { in_force, changing: Mutex::new(()) }
    }

    /// The library in force.
    pub fn library(&self) -> Arc<Library> {
        self.in_force.get()
    }

    /// All files that were ever in force.
    pub fn versions(&self) -> Arc<Versions> {
        self.in_force.versions()
    }

    /// The texts in force.
    pub fn files(&self) -> Vec<RuleFile> {
        self.versions().in_force()
    }

    /// Compiles files as they would be compiled if they were put in force now.
    pub fn check(&self, files: &[RuleFile]) -> Compiled {
        compile(&sources(files), &self.library())
    }

    /// Puts the files that `change` makes of those in force in force in their place. `Ok(None)`: they are already. Blocks until they are journaled and stepped over.
    ///
    /// `beside` is told whether that changes anything, and which version it comes to; what it gives is journaled with it.
    ///
    /// # Errors
    /// What [`RulesError`] says; then the former rules stay in force.
    pub fn put(
        &self,
        inlet: &dyn Inlet,
        by: &Arc<str>,
        change: impl FnOnce(Vec<RuleFile>) -> Vec<RuleFile>,
        beside: impl FnOnce(bool, usize) -> Option<Input>,
    ) -> Result<Option<Position>, RulesError> {
        let _changing = self.changing.lock().unwrap_or_else(|e| e.into_inner());
        let files = change(self.files());
        self.put_now(inlet, files, Some(by.clone()), beside)
    }

    /// Puts the server's own files in force, unless they are as they were when they last were: what somebody put or rolled back since stays then.
    ///
    /// # Errors
    /// What [`RulesError`] says; then the former rules stay in force.
    pub fn take_up(&self, inlet: &dyn Inlet, files: Vec<RuleFile>) -> Result<Option<Position>, RulesError> {
        let _changing = self.changing.lock().unwrap_or_else(|e| e.into_inner());
        if self.versions().own_files().is_some_and(|last| last == files) {
            return Ok(None);
        }
        self.put_now(inlet, files, None, |_, _| None)
    }

    fn put_now(
        &self,
        inlet: &dyn Inlet,
        files: Vec<RuleFile>,
        by: Option<Arc<str>>,
        beside: impl FnOnce(bool, usize) -> Option<Input>,
    ) -> Result<Option<Position>, RulesError> {
        let (current, number) = (self.files(), self.versions().count());
        if current == files {
            beside(false, number).map_or(Ok(()), |beside| submit(inlet, vec![beside]).map(drop))?;
            return Ok(None);
        }
        let prior = self.library();
        let mut compiled = compile(&sources(&files), &prior);
        let Some(library) = compiled.library.take() else { return Err(RulesError::Wrong(Box::new(compiled))) };
        AHEAD.lay_down(prior, &files, library);
        let effective = if current.is_empty() { Time::MIN } else { WHEN_ACCEPTED };
        let change = RuleChange { effective, files, by };
        let inputs = std::iter::once(Input::Rules(change)).chain(beside(true, number + 1)).collect();
        submit(inlet, inputs).map(Some)
    }
}

fn submit(inlet: &dyn Inlet, inputs: Vec<Input>) -> Result<Position, RulesError> {
    let (tell, told) = std::sync::mpsc::channel();
    inlet.submit(inputs, Box::new(move |answer| drop(tell.send(answer))));
    match told.recv() {
        // The engine's thread has put the library in force before it answers.
        Ok(Ok(accepted)) => Ok(accepted.position),
        Ok(Err(error)) => Err(RulesError::Unavailable(error)),
        Err(_) => Err(RulesError::Unavailable(Unavailable::Closing)),
    }
}
