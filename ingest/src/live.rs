//! What is declared just now, shared by whoever needs it, and exchanged when a rule file changes.

use std::sync::{Arc, PoisonError, RwLock};

use vitalog_elog::Schema;
use vitalog_elog::profile::ProfileField;

use crate::admit::{Admission, Limits};

/// A handle on the declarations in force. Clones see the same.
#[derive(Clone)]
pub struct Live {
    now: Arc<RwLock<Arc<Declared>>>,
    limits: Limits,
}

/// The streams and the profile as they stand at one moment. Whoever holds it works with one consistent set.
pub struct Declared {
    pub schema: Arc<Schema>,
    pub profile: Arc<[ProfileField]>,
    pub admission: Admission,
}

impl Live {
    pub fn new(schema: Arc<Schema>, profile: Arc<[ProfileField]>, limits: Limits) -> Live {
        let declared = Declared::new(schema, profile, &limits);
        Live { now: Arc::new(RwLock::new(Arc::new(declared))), limits }
    }

    /// The declarations in force.
    pub fn get(&self) -> Arc<Declared> {
        // The lock guards one pointer; a panic elsewhere can't have left it half written.
        self.now.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Exchanges the declarations. The new ones must keep every place of the old (see [`vitalog_elog::schema`]).
    pub fn set(&self, schema: Arc<Schema>, profile: Arc<[ProfileField]>) {
        let declared = Arc::new(Declared::new(schema, profile, &self.limits));
        *self.now.write().unwrap_or_else(PoisonError::into_inner) = declared;
    }
}

impl Declared {
    fn new(schema: Arc<Schema>, profile: Arc<[ProfileField]>, limits: &Limits) -> Declared {
        let admission = Admission::new(schema.clone(), limits.clone());
        Declared { schema, profile, admission }
    }
}
