//! What the syntax means: names resolved, dimensions checked, conversions put in.
//!
//! | file | decides |
//! |---|---|
//! | `world`, `declare`, `prior` | which streams, profile fields and rules there are, and at which places |
//! | `dimension`, `value`, `number` | what kind of value an expression is, and within which bounds |
//! | `scope` | what a name means at a place |
//! | `expr`, `literal`, `arithmetic`, `compare`, `choice`, `clock`, `covering` | an expression: its type and its plan |
//! | `function`, `window` | an aggregate: what it is of, and where it lies |
//! | `rule`, `episode`, `pattern`, `say` | a rule: its plan |
//! | `meaning`, `meaning_of_pattern` | the identity of a rule |
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
mod function;
mod literal;
mod meaning;
mod meaning_of_pattern;
mod number;
mod pattern;
mod prior;
mod reading;
mod rule;
mod say;
mod scope;
mod script;
mod shadow;
mod value;
mod window;
mod world;

pub use declare::declare;
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
}
