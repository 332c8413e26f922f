//! What was compiled before it was journaled.
//!
//! Rules are compiled at the desk, which refuses what does not compile, and their change is stepped over right after that: the engine's thread takes what the desk
//! made, rather than do the same work again. Only the same files on top of the same library are the same work; whoever finds nothing here compiles.

use std::sync::{Arc, Mutex, PoisonError};

use vitalog_cep::plan::Library;
use vitalog_elog::input::RuleFile;

/// Between the desk and the engine's thread.
pub static AHEAD: Ahead = Ahead(Mutex::new(None));

pub struct Ahead(Mutex<Option<Made>>);

struct Made {
    /// Held, so that no other library can come to stand where it does.
    prior: Arc<Library>,
    files: Vec<RuleFile>,
    library: Library,
}

impl Ahead {
    /// Lays down what files were compiled to on top of a library, in place of what nobody came for.
    pub fn lay_down(&self, prior: Arc<Library>, files: &[RuleFile], library: Library) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(Made { prior, files: files.to_vec(), library });
    }

    /// Takes what these files were compiled to on top of this library, if that lies here.
    pub fn take(&self, prior: &Library, files: &[RuleFile]) -> Option<Library> {
        let mut made = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        Some(made.take_if(|made| std::ptr::eq(Arc::as_ptr(&made.prior), prior) && made.files == files)?.library)
    }
}

#[test]
fn what_lies_there_is_taken_once_and_only_for_the_same_files_on_the_same_library() {
    let (ahead, prior, other) = (Ahead(Mutex::new(None)), Arc::new(Library::default()), Library::default());
    let files = [RuleFile { name: "a.rules".into(), text: "use health".into() }];
    ahead.lay_down(prior.clone(), &files, Library::default());
    assert!(ahead.take(&other, &files).is_none() && ahead.take(&prior, &[]).is_none());
    assert!(ahead.take(&prior, &files).is_some() && ahead.take(&prior, &files).is_none());
}
