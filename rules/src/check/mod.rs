//! What the syntax means: names resolved, dimensions checked, conversions put in.
//!
//! | file | decides |
//! |---|---|
//! | `world`, `declare`, `prior` | which streams, profile fields and rules there are, and at which places |
//! | `dimension`, `value`, `number` | what kind of value an expression is, and within which bounds |
//! | `graph`, `found` | which rules look at which, and what their findings say |
//! | `scope` | what a name means at a place |
//! | `expr`, `literal`, `arithmetic`, `compare`, `choice`, `clock`, `covering` | an expression: its type and its plan |
//! | `function`, `window` | an aggregate: what it is of, and where it lies |
//! | `rule`, `episode`, `pattern`, `schedule`, `say` | a rule: its plan |
//! | `meaning`, `meaning_of_pattern` | the identity of a rule |
//! | `words` | what explanations quote |
//! | `policy` | who hears of findings |
//! | `shadow` | which rules add nothing to another |
//! | `script`, `reading` | a test |

mod arithmetic;
mod choice;
mod clock;
mod compare;
mod covering;
mod declare;
mod dimension;
mod episode;
mod expr;
mod found;
mod function;
mod graph;
mod literal;
mod meaning;
mod meaning_of_pattern;
mod number;
mod pattern;
mod policy;
mod prior;
mod reading;
mod rule;
mod say;
mod schedule;
mod scope;
mod script;
mod shadow;
mod value;
mod window;
mod words;
mod world;

pub use declare::declare;
pub use graph::{asked_fields, order};
pub use policy::{lacks_policies, policies};
pub use rule::rule;
pub use script::script;
pub use shadow::shadowed;
pub use world::World;

use crate::diagnostic::Diagnostic;
use scope::Scope;

/// Checks the expressions of one rule.
struct Checker<'w> {
    world: &'w World,
    scope: Scope,
    diagnostics: &'w mut Vec<Diagnostic>,
    /// All expressions that were understood.
    noted: words::Notes,
}
