//! Whom a statement may see.

use std::collections::BTreeSet;
use std::sync::Arc;

use vitalog_elog::Subject;

/// Everybody, or some.
#[derive(Clone, Debug, Default)]
pub enum Eyes {
    #[default]
    All,
    Only(Arc<Seen>),
}

/// The subjects that are seen.
#[derive(Debug, Default)]
pub struct Seen(BTreeSet<Arc<str>>);

impl Seen {
    pub fn has(&self, name: &str) -> bool {
        self.0.contains(name)
    }

    pub fn names(&self) -> impl ExactSizeIterator<Item = &str> {
        self.0.iter().map(|name| &**name)
    }
}

impl Eyes {
    /// Those of whoever may see these subjects.
    pub fn only(subjects: impl IntoIterator<Item = Subject>) -> Eyes {
        Eyes::Only(Arc::new(Seen(subjects.into_iter().map(|s| Arc::from(s.as_str())).collect())))
    }

    pub fn is_all(&self) -> bool {
        matches!(self, Eyes::All)
    }
}
