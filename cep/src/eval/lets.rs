//! The `let`s of a rule at one decision: each evaluated when it is first asked for, and once.
//!
//! Most decisions are made before any `let` is asked for: a guard fails, or another part of the condition does.

use std::cell::{Cell, RefCell};

use super::ratio::Ratio;
use super::root::Root;
use super::value::Value;
use super::{Scope, value};

/// The `let`s in the scope that decides.
pub struct Lets<'a, 'l> {
    scope: Scope<'a, 'l>,
    /// By place, as far as any was asked for.
    known: RefCell<Vec<Kept>>,
    /// The one that is being evaluated: it sees those before it.
    asking: Cell<usize>,
}

/// What is kept of a value.
#[derive(Clone, Copy)]
enum Kept {
    /// Nobody asked, or it is a text, which is evaluated again.
    No,
    Unknown,
    Bool(bool),
    Number(Ratio),
    Root(Root),
    Enum(u16),
}

impl<'a, 'l> Lets<'a, 'l> {
    pub fn of(scope: &Scope<'a, 'l>) -> Lets<'a, 'l> {
        Lets { scope: *scope, known: RefCell::new(Vec::new()), asking: Cell::new(usize::MAX) }
    }

    pub fn get(&self, place: usize) -> Value<'a> {
        let asking = self.asking.get();
        let Some(expr) = self.scope.terms.rule.lets.get(place).filter(|_| place < asking) else { return Value::Unknown };
        if let Some(known) = self.known.borrow().get(place).and_then(Kept::value) {
            return known;
        }
        self.asking.set(place);
        let found = value(expr, &Scope { lets: Some(self), ..self.scope });
        self.asking.set(asking);
        let mut known = self.known.borrow_mut();
        if known.is_empty() {
            known.resize(self.scope.terms.rule.lets.len(), Kept::No);
        }
        known[place] = Kept::of(found);
        found
    }
}

impl Kept {
    fn of(value: Value<'_>) -> Kept {
        match value {
            Value::Unknown => Kept::Unknown,
            Value::Bool(b) => Kept::Bool(b),
            Value::Number(n) => Kept::Number(n),
            Value::Root(root) => Kept::Root(root),
            Value::Enum(place) => Kept::Enum(place),
            Value::Text(_) => Kept::No,
        }
    }

    fn value<'a>(&self) -> Option<Value<'a>> {
        Some(match *self {
            Kept::No => return None,
            Kept::Unknown => Value::Unknown,
            Kept::Bool(b) => Value::Bool(b),
            Kept::Number(n) => Value::Number(n),
            Kept::Root(root) => Value::Root(root),
            Kept::Enum(place) => Value::Enum(place),
        })
    }
}
