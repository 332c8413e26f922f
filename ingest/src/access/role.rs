//! What an account is: the roles that policies speak of.

use std::fmt;

/// A role.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Writes what it measures of one subject.
    Device,
    /// The person whom readings are about.
    Patient,
    /// Has subjects assigned.
    Caretaker,
    /// Asks in SQL.
    Analyst,
    /// Keeps it running.
    Operator,
    /// Says who may do what.
    Administrator,
    /// A program with a token of its own. Nobody is given this one: a token without an account has it.
    Service,
}

/// Some roles.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Roles(u8);

/// A word that is no role.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoleError(pub String);

impl Role {
    pub const ALL: [Role; 7] =
        [Role::Device, Role::Patient, Role::Caretaker, Role::Analyst, Role::Operator, Role::Administrator, Role::Service];

    pub fn name(self) -> &'static str {
        match self {
            Role::Device => "device",
            Role::Patient => "patient",
            Role::Caretaker => "caretaker",
            Role::Analyst => "analyst",
            Role::Operator => "operator",
            Role::Administrator => "administrator",
            Role::Service => "service",
        }
    }

    /// A role that an account can be given.
    ///
    /// # Errors
    /// Another word.
    pub fn parse(word: &str) -> Result<Role, RoleError> {
        let given = Role::ALL.into_iter().filter(|r| *r != Role::Service);
        given.into_iter().find(|r| r.name() == word).ok_or_else(|| RoleError(word.to_owned()))
    }

    fn bit(self) -> u8 {
        1 << (self as u8)
    }
}

impl Roles {
    pub fn has(self, role: Role) -> bool {
        self.0 & role.bit() != 0
    }

    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    pub fn iter(self) -> impl Iterator<Item = Role> {
        Role::ALL.into_iter().filter(move |role| self.has(*role))
    }

    /// Names separated by commas.
    ///
    /// # Errors
    /// The first that is none.
    pub fn parse(text: &str) -> Result<Roles, RoleError> {
        text.split(',').map(str::trim).filter(|w| !w.is_empty()).map(Role::parse).collect()
    }

    pub(super) fn bits(self) -> u8 {
        self.0
    }
}

impl FromIterator<Role> for Roles {
    fn from_iter<I: IntoIterator<Item = Role>>(roles: I) -> Roles {
        Roles(roles.into_iter().fold(0, |bits, role| bits | role.bit()))
    }
}

impl From<Role> for Roles {
    fn from(role: Role) -> Roles {
        Roles(role.bit())
    }
}

impl fmt::Display for Roles {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&str> = self.iter().map(Role::name).collect();
        f.write_str(&names.join(","))
    }
}

impl fmt::Display for RoleError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} is no role; use device, patient, caretaker, analyst, operator or administrator", self.0)
    }
}

impl std::error::Error for RoleError {}
