//! Whom a statement may see, and how.

use std::collections::BTreeSet;
use std::num::NonZeroU32;
use std::sync::Arc;

use vitalog_elog::Subject;

use crate::pseudonyms::Pseudonyms;

/// Everybody, or some; or everybody, but nobody by name.
#[derive(Clone, Debug, Default)]
pub enum Eyes {
    #[default]
    All,
    Only(Arc<Seen>),
    Study(Study),
}

/// The subjects that are seen.
#[derive(Debug, Default)]
pub struct Seen(BTreeSet<Arc<str>>);

/// How those are asked about who are everybody.
#[derive(Clone, Debug)]
pub struct Study {
    pub pseudonyms: Arc<Pseudonyms>,
    /// What is answered rests on so many subjects at least. 1: rows of single subjects may leave.
    pub floor: NonZeroU32,
    /// Of whom alone there is anything; of everybody, where it is not said.
    pub among: Option<Arc<Seen>>,
}

/// Source: the cell size suppression policy of the Centers for Medicare & Medicaid Services (ResDAC, "CMS Cell Size Suppression Policy"): no cell of 1 to 10 is shown.
pub const FLOOR: NonZeroU32 = NonZeroU32::new(11).unwrap();

impl Seen {
    pub fn of(subjects: impl IntoIterator<Item = Subject>) -> Arc<Seen> {
        Arc::new(Seen(subjects.into_iter().map(|s| Arc::from(s.as_str())).collect()))
    }

    pub fn has(&self, name: &str) -> bool {
        self.0.contains(name)
    }

    pub fn names(&self) -> impl ExactSizeIterator<Item = &str> {
        self.0.iter().map(|name| &**name)
    }
}

impl Study {
    /// Among a tenant's subjects alone, under pseudonyms that tell nothing of those that others see.
    #[must_use]
    pub fn within(&self, tenant: &str, subjects: impl IntoIterator<Item = Subject>) -> Study {
        let pseudonyms = Arc::new(self.pseudonyms.within(tenant));
        Study { pseudonyms, floor: self.floor, among: Some(Seen::of(subjects)) }
    }
}

impl Eyes {
    /// Those of whoever may see these subjects.
    pub fn only(subjects: impl IntoIterator<Item = Subject>) -> Eyes {
        Eyes::Only(Seen::of(subjects))
    }

    pub fn is_all(&self) -> bool {
        matches!(self, Eyes::All)
    }

    /// How many subjects an answer must rest on, where that is more than one.
    pub(crate) fn floor(&self) -> Option<u32> {
        match self {
            Eyes::Study(study) => Some(study.floor.get()).filter(|floor| *floor > 1),
            _ => None,
        }
    }
}
