//! The library in force, and who wants to hear when another takes its place.

use std::sync::{Arc, Mutex, PoisonError, RwLock};

use vitalog_cep::plan::Library;

use super::versions::Versions;

/// Called with the library in force.
pub type Listener = Box<dyn Fn(&Library) + Send>;

/// Set by the engine's thread, read by the doors.
pub struct InForce {
    library: RwLock<Arc<Library>>,
    versions: RwLock<Arc<Versions>>,
    listeners: Mutex<Vec<Listener>>,
}

impl InForce {
    pub fn new(library: Arc<Library>, versions: Arc<Versions>) -> InForce {
        InForce { library: RwLock::new(library), versions: RwLock::new(versions), listeners: Mutex::new(Vec::new()) }
    }

    pub fn get(&self) -> Arc<Library> {
        // The lock guards one pointer; a panic elsewhere can't have left it half written.
        self.library.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// All rule files that were ever in force.
    pub fn versions(&self) -> Arc<Versions> {
        self.versions.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Puts a library in force. Costs next to nothing where it is already.
    pub fn set(&self, library: &Arc<Library>, versions: &Arc<Versions>) {
        if Arc::ptr_eq(&self.get(), library) {
            return;
        }
        let listeners = self.listeners.lock().unwrap_or_else(PoisonError::into_inner);
        *self.versions.write().unwrap_or_else(PoisonError::into_inner) = versions.clone();
        *self.library.write().unwrap_or_else(PoisonError::into_inner) = library.clone();
        for listener in listeners.iter() {
            listener(library);
        }
    }

    /// Calls `listener` now and at every change from now on.
    pub fn listen(&self, listener: Listener) {
        let mut listeners = self.listeners.lock().unwrap_or_else(PoisonError::into_inner);
        listener(&self.get());
        listeners.push(listener);
    }
}
