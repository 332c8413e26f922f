//! What a column of rows that are each of one subject holds, and what may be done with it.

use std::collections::HashMap;

use datafusion::common::TableReference;
use datafusion::common::{Column, DFSchema};

/// What a column holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The pseudonym of whom the row is about.
    Subject,
    /// Another pseudonym. Like the first it may be grouped by, counted and joined by, and not computed with: a condition on it would pick somebody.
    Name,
    /// An amount as it was sent: it may be summed up.
    Measure,
    /// An amount that was computed of amounts. It may be summed up, but not put below another: noughts that fill a group up are computed, too.
    Computed,
    /// What was told from others: a word, an instant, a case. It may be grouped by, counted and asked, and not summed up: a sum of ones and noughts is a count of a part, and passes by the floor.
    Coded,
    /// The same for each row.
    Constant,
}

impl Kind {
    pub fn is_name(self) -> bool {
        matches!(self, Kind::Subject | Kind::Name)
    }

    pub fn is_amount(self) -> bool {
        matches!(self, Kind::Measure | Kind::Computed)
    }

    /// Of a sum, a difference, a product.
    pub fn with(self, other: Kind) -> Kind {
        match (self, other) {
            (Kind::Constant, Kind::Constant) => Kind::Constant,
            (a, b) if (a.is_amount() || a == Kind::Constant) && (b.is_amount() || b == Kind::Constant) => Kind::Computed,
            _ => Kind::Coded,
        }
    }

    /// Of a column that is one thing in some rows and another in others.
    pub fn or(self, other: Kind) -> Kind {
        match (self, other) {
            (Kind::Subject, Kind::Subject) => Kind::Subject,
            (Kind::Measure, Kind::Measure) => Kind::Measure,
            (a, b) if a.is_name() || b.is_name() => Kind::Name,
            _ => Kind::Coded,
        }
    }
}

/// Rows of which each is of one subject.
#[derive(Clone, Debug)]
pub struct Rows {
    /// Whose a row is: a column that no statement has a name for.
    pub hidden: Column,
    /// By relation and name: what both come to as one text may be the name of another.
    kinds: HashMap<(Option<TableReference>, String), Kind>,
}

impl Rows {
    pub fn new(hidden: Column) -> Rows {
        Rows { hidden, kinds: HashMap::new() }
    }

    pub fn kind(&self, column: &Column) -> Option<Kind> {
        self.kinds.get(&key(column)).copied()
    }

    pub fn set(&mut self, column: &Column, kind: Kind) {
        self.kinds.insert(key(column), kind);
    }

    /// A subject's column that is null where something is missing is none of whom the row is about any more.
    pub fn add(&mut self, other: &Rows, is_missing: bool) {
        for (name, kind) in &other.kinds {
            let kind = if is_missing && *kind == Kind::Subject { Kind::Name } else { *kind };
            self.kinds.insert(name.clone(), kind);
        }
    }

    /// The columns of a schema that a statement has names for.
    pub fn visible<'a>(&'a self, schema: &'a DFSchema) -> impl Iterator<Item = Column> + 'a {
        schema.columns().into_iter().filter(|column| self.kinds.contains_key(&key(column)))
    }
}

fn key(column: &Column) -> (Option<TableReference>, String) {
    (column.relation.clone(), column.name.clone())
}
