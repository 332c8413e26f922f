//! The rule files that are shipped inside the binary: `use health` finds its streams here.
//!
//! A pack is a rule file like any other; the compiler treats it as if it had been given by the user, except that its warnings and tests
//! are not the user's business.

/// A shipped rule file.
#[derive(Clone, Copy, Debug)]
pub struct Pack {
    /// As `use` names it: the file's name without `.rules`.
    pub name: &'static str,
    pub text: &'static str,
}

/// All shipped packs, by name.
pub const ALL: &[Pack] = include!(concat!(env!("OUT_DIR"), "/packs.rs"));

/// The shipped streams whose readings say that a person did something about their health: ate, took something, moved.
pub const ACTIONS: &[&str] = &["carbs", "medication", "exercise"];

/// The pack of that name.
pub fn get(name: &str) -> Option<&'static Pack> {
    ALL.iter().find(|p| p.name == name)
}
