//! Reads a whole log and says whether it is what was written: every number once, every chain right, every head signed. It goes on behind what is damaged, and changes nothing.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::files;
use super::key::is_signed;
use super::line::{self, Chain, Entry, Line};

/// What an audit found.
#[derive(Debug, Default)]
pub struct AccessAudit {
    pub files: u64,
    pub entries: u64,
    /// Number and chain of the last entry: to be noted elsewhere, and given to a later audit.
    pub last: Option<(u64, String)>,
    pub first_at: Option<String>,
    pub last_at: Option<String>,
    /// Heads whose signature is right, and the last entry that one stands for.
    pub heads: u64,
    pub signed: u64,
    /// The public keys that signed.
    pub keys: BTreeSet<String>,
    pub faults: Vec<Fault>,
    /// Noted heads that are on the chain.
    pub confirmed: u64,
}

/// What is wrong, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    pub file: PathBuf,
    /// Counted from 1; 0: the whole file.
    pub line: u64,
    pub what: Faulty,
}

/// What is wrong with a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Faulty {
    Unreadable(&'static str),
    /// The last line of the last file broke off: it was never answered for.
    Torn,
    /// It, or one before it, is not what was written.
    Chain,
    /// Numbers are missing before it, or it comes again.
    Number {
        expected: u64,
        found: u64,
    },
    /// A head stands for something else than is there.
    Head,
    Signature,
    /// Signed by another key than the one that was given.
    Key(String),
    /// A head that was noted elsewhere is not on the chain.
    Noted(u64),
    /// The file can't be read.
    Io(String),
}

/// Audits the log in a folder. `key`: the public key that must have signed. `noted`: heads that somebody has kept elsewhere, number and chain.
///
/// # Errors
/// Where the folder can't be read.
pub fn audit(
    folder: &Path,
    key: Option<&str>,
    noted: &[(u64, String)],
    mut each: impl FnMut(u64, &Entry),
) -> std::io::Result<AccessAudit> {
    let mut audit = AccessAudit::default();
    let all = files::list(folder)?;
    let (mut next, mut chain) = (1, Chain::BEGIN);
    let mut found = vec![false; noted.len()];
    for (place, (_, path)) in all.iter().enumerate() {
        audit.files += 1;
        let bytes = match std::fs::read(path) {
            Ok(bytes) => bytes,
            Err(error) => {
                audit.faults.push(Fault { file: path.clone(), line: 0, what: Faulty::Io(error.to_string()) });
                continue;
            }
        };
        let mut faulty = |line: u64, what: Faulty| audit.faults.push(Fault { file: path.clone(), line, what });
        let mut begun = false;
        for (piece, number) in bytes.split_inclusive(|b| *b == b'\n').zip(1_u64..) {
            let text = piece.strip_suffix(b"\n").and_then(|line| std::str::from_utf8(line).ok());
            let Some(text) = text else {
                let is_last = place + 1 == all.len() && !piece.ends_with(b"\n");
                faulty(number, if is_last { Faulty::Torn } else { Faulty::Unreadable("it is no text") });
                continue;
            };
            match line::read(text) {
                Err(why) => faulty(number, Faulty::Unreadable(why)),
                Ok(Line::First { first, chain: said }) => {
                    if begun || number != 1 {
                        faulty(number, Faulty::Unreadable("a file begins in the midst of another"));
                    }
                    if first != next {
                        faulty(number, Faulty::Number { expected: next, found: first });
                    }
                    if said != chain {
                        faulty(number, Faulty::Chain);
                    }
                    (begun, next, chain) = (true, first, said);
                }
                Ok(Line::Entry { n, entry, chain: said, said: words }) => {
                    if n != next {
                        faulty(number, Faulty::Number { expected: next, found: n });
                    }
                    if chain.then(&words) != said {
                        faulty(number, Faulty::Chain);
                    }
                    (next, chain) = (n.saturating_add(1), said);
                    for ((_, _), found) in noted.iter().zip(&mut found).filter(|((m, c), _)| *m == n && *c == said.to_string()) {
                        *found = true;
                    }
                    audit.entries += 1;
                    audit.first_at.get_or_insert_with(|| entry.at.clone());
                    audit.last_at = Some(entry.at.clone());
                    audit.last = Some((n, said.to_string()));
                    each(n, &entry);
                }
                Ok(Line::Head { n, at, chain: said, key: public, signature }) => {
                    if n.saturating_add(1) != next || said != chain {
                        faulty(number, Faulty::Head);
                    }
                    if !is_signed(&public, &line::signed_words(n, &at, said), &signature) {
                        faulty(number, Faulty::Signature);
                    } else if key.is_some_and(|key| key != public) {
                        faulty(number, Faulty::Key(public.clone()));
                    } else {
                        audit.heads += 1;
                        audit.signed = audit.signed.max(n);
                    }
                    audit.keys.insert(public);
                }
            }
        }
        if !begun {
            faulty(0, Faulty::Unreadable("it has no first line"));
        }
    }
    for ((n, _), _) in noted.iter().zip(&found).filter(|(_, found)| !**found) {
        audit.faults.push(Fault { file: folder.to_owned(), line: 0, what: Faulty::Noted(*n) });
    }
    audit.confirmed = found.iter().filter(|f| **f).count() as u64;
    Ok(audit)
}

impl std::fmt::Display for Faulty {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Faulty::Unreadable(why) => f.write_str(why),
            Faulty::Torn => f.write_str("the last line broke off; it was never answered for"),
            Faulty::Chain => f.write_str("it, or what was before it, is not what was written"),
            Faulty::Number { expected, found } => write!(f, "entry {expected} should be here, and {found} is"),
            Faulty::Head => f.write_str("a head stands for something else than is here"),
            Faulty::Signature => f.write_str("a head's signature is wrong"),
            Faulty::Key(key) => write!(f, "a head is signed by another key, {key}"),
            Faulty::Noted(n) => {
                write!(f, "the head noted for entry {n} is not on the chain: something before it was changed, or its end cut off")
            }
            Faulty::Io(why) => f.write_str(why),
        }
    }
}
