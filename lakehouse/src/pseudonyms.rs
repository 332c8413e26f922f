//! What stands in place of names where somebody studies everybody: the same name is the same pseudonym, and nobody without the key can tell whose it is.
//!
//! BLAKE3 with a key. A subject's is made of its name alone. What senders choose (the name of a reading, a source) is made together with the subject: somebody who sends readings of their own could else
//! send a name they look for, and read its pseudonym off their own rows.

use std::fmt;

/// The key, and what is made by it.
#[derive(Clone, PartialEq, Eq)]
pub struct Pseudonyms([u8; 32]);

/// What a name is the name of. Equal names of different kinds have different pseudonyms.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Named {
    /// A reading, as its sender calls it.
    Reading,
    /// A device or an app.
    Source,
    /// A finding.
    Finding,
}

/// Hexadecimal digits of a pseudonym: 128 bits, of which no two names are ever the same.
const DIGITS: usize = 32;

impl Pseudonyms {
    pub fn new(key: [u8; 32]) -> Pseudonyms {
        Pseudonyms(key)
    }

    /// Those of a tenant: others, so that who knows one of each can't tell that they are of the same subject.
    #[must_use]
    pub fn within(&self, tenant: &str) -> Pseudonyms {
        // Names begin with the number of their kind, and this is none.
        Pseudonyms(*blake3::Hasher::new_keyed(&self.0).update(&[u8::MAX]).update(tenant.as_bytes()).finalize().as_bytes())
    }

    /// In place of a subject.
    pub fn subject(&self, subject: &str) -> String {
        self.made("s", 0, subject, "")
    }

    /// In place of what is named so, of this subject.
    pub fn of(&self, named: Named, subject: &str, name: &str) -> String {
        match named {
            Named::Reading => self.made("r", 1, subject, name),
            Named::Source => self.made("d", 2, subject, name),
            Named::Finding => self.made("f", 3, subject, name),
        }
    }

    fn made(&self, letter: &str, kind: u8, subject: &str, name: &str) -> String {
        let mut hasher = blake3::Hasher::new_keyed(&self.0);
        // The length says where one ends and the other begins.
        hasher.update(&[kind]).update(&(subject.len() as u64).to_le_bytes()).update(subject.as_bytes()).update(name.as_bytes());
        format!("{letter}-{}", &hasher.finalize().to_hex()[..DIGITS])
    }
}

/// The key is told nobody.
impl fmt::Debug for Pseudonyms {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Pseudonyms")
    }
}

#[cfg(test)]
mod tests {
    use super::{Named, Pseudonyms};

    #[test]
    fn the_same_name_is_the_same_pseudonym_and_no_other_is() {
        let (one, other) = (Pseudonyms::new([1; 32]), Pseudonyms::new([2; 32]));
        assert_eq!(one.subject("p-001"), one.subject("p-001"));
        assert_eq!(one.subject("p-001").len(), 34);
        let all = [
            one.subject("p-001"),
            one.subject("p-002"),
            other.subject("p-001"),
            one.within("ward").subject("p-001"),
            one.within("ward2").subject("p-001"),
            one.of(Named::Reading, "p-001", "p-001"),
            one.of(Named::Source, "p-001", "p-001"),
            one.of(Named::Finding, "p-001", "p-001"),
            one.of(Named::Reading, "p-002", "p-001"),
            one.of(Named::Reading, "p-0", "01p-001"),
            one.of(Named::Reading, "p-001", ""),
        ];
        let distinct: std::collections::BTreeSet<&str> = all.iter().map(|p| &p[2..]).collect();
        assert_eq!(distinct.len(), all.len());
        assert!(!format!("{one:?}").contains('1'), "the key is told nobody");
    }
}
