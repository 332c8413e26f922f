//! The core's words as OpenAPI writes them. The core knows nothing of OpenAPI, so what it is made of is told here; a word that is missing does not compile.

use std::borrow::Cow;

use serde::Serialize;
use utoipa::openapi::schema::{ObjectBuilder, Type};
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

/// Where the core has them.
mod core {
    pub use vitalog_elog::input::Action;
    pub use vitalog_elog::{Change, FindingKind, FindingState, Quiet, Severity};
}

macro_rules! words {
    ($($(#[$doc:meta])* $name:ident { $($word:ident),+ })+) => {$(
        $(#[$doc])*
        pub struct $name;

        impl PartialSchema for $name {
            fn schema() -> RefOr<Schema> {
                let _all = |word| match word {
                    $(core::$name::$word)|+ => (),
                };
                written(&[$(core::$name::$word),+])
            }
        }

        impl ToSchema for $name {
            fn name() -> Cow<'static, str> {
                Cow::Borrowed(stringify!($name))
            }
        }
    )+};
}

words! {
    /// How a finding comes about.
    FindingKind { Episode, Silence, Match, Schedule }
    /// How it stands with a finding.
    FindingState { Open, Resolved, Lapsed, Rescinded }
    /// How grave a finding is, the least first.
    Severity { Info, Advisory, Warning, Urgent, Critical }
    /// Why nobody is told of a finding.
    Quiet { Stale, SpokeLately, OtherOpen, Shadow }
    /// What a revision of a finding changed.
    Change { Opened, Amended, Resolved, Lapsed, Rescinded }
    /// What a person does about a finding.
    Action { Acknowledge, Dismiss }
}

/// What one role is told instead of the text.
#[derive(ToSchema)]
pub struct Wording {
    pub to: String,
    pub text: String,
}

fn written<T: Serialize>(words: &[T]) -> RefOr<Schema> {
    // Units of enums can't fail to be written.
    let names: Vec<_> = words.iter().map(|word| serde_json::to_value(word).unwrap_or_default()).collect();
    ObjectBuilder::new().schema_type(Type::String).enum_values(Some(names)).into()
}
