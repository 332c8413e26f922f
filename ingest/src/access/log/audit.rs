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
    each: impl FnMut(u64, &Entry),
) -> std::io::Result<AccessAudit> {
    let all = files::list(folder)?;
    let mut walk =
        Walk { audit: AccessAudit::default(), next: 1, chain: Chain::BEGIN, key, noted, found: vec![false; noted.len()], each };
    for (place, (_, path)) in all.iter().enumerate() {
        walk.file(path, place + 1 == all.len());
    }
    let Walk { mut audit, found, .. } = walk;
    for ((n, _), _) in noted.iter().zip(&found).filter(|(_, found)| !**found) {
        audit.faults.push(Fault { file: folder.to_owned(), line: 0, what: Faulty::Noted(*n) });
    }
    audit.confirmed = found.iter().filter(|f| **f).count() as u64;
    Ok(audit)
}

/// How far an audit has come.
struct Walk<'a, F> {
    audit: AccessAudit,
    /// The number that the next entry must have, and the chain before it.
    next: u64,
    chain: Chain,
    key: Option<&'a str>,
    noted: &'a [(u64, String)],
    /// Which of the noted heads were met.
    found: Vec<bool>,
    each: F,
}

impl<F: FnMut(u64, &Entry)> Walk<'_, F> {
    fn file(&mut self, path: &Path, is_last: bool) {
        self.audit.files += 1;
        let bytes = match std::fs::read(path) {
            Ok(bytes) => bytes,
            Err(error) => {
                return self.audit.faults.push(Fault { file: path.to_owned(), line: 0, what: Faulty::Io(error.to_string()) });
            }
        };
        let mut begun = false;
        for (piece, number) in bytes.split_inclusive(|b| *b == b'\n').zip(1_u64..) {
            let mut faults = Vec::new();
            match piece.strip_suffix(b"\n").map(std::str::from_utf8) {
                None if is_last => faults.push(Faulty::Torn),
                None | Some(Err(_)) => faults.push(Faulty::Unreadable("it is no text")),
                Some(Ok(text)) => match line::read(text) {
                    Err(why) => faults.push(Faulty::Unreadable(why)),
                    Ok(Line::First { first, chain }) => {
                        if begun || number != 1 {
                            faults.push(Faulty::Unreadable("a file begins in the midst of another"));
                        }
                        begun = true;
                        self.first(first, chain, &mut faults);
                    }
                    Ok(Line::Entry { n, entry, chain, said }) => self.entry(n, &entry, chain, &said, &mut faults),
                    Ok(Line::Head { n, at, chain, key, signature }) => {
                        self.head(n, chain, &key, is_signed(&key, &line::signed_words(n, &at, chain), &signature), &mut faults);
                    }
                },
            }
            let faults = faults.into_iter().map(|what| Fault { file: path.to_owned(), line: number, what });
            self.audit.faults.extend(faults);
        }
        if !begun {
            let what = Faulty::Unreadable("it has no first line");
            self.audit.faults.push(Fault { file: path.to_owned(), line: 0, what });
        }
    }

    fn first(&mut self, first: u64, chain: Chain, faults: &mut Vec<Faulty>) {
        if first != self.next {
            faults.push(Faulty::Number { expected: self.next, found: first });
        }
        if chain != self.chain {
            faults.push(Faulty::Chain);
        }
        (self.next, self.chain) = (first, chain);
    }

    fn entry(&mut self, n: u64, entry: &Entry, chain: Chain, said: &str, faults: &mut Vec<Faulty>) {
        if n != self.next {
            faults.push(Faulty::Number { expected: self.next, found: n });
        }
        if self.chain.then(said) != chain {
            faults.push(Faulty::Chain);
        }
        (self.next, self.chain) = (n.saturating_add(1), chain);
        let chain = chain.to_string();
        for ((of, head), found) in self.noted.iter().zip(&mut self.found) {
            *found |= *of == n && *head == chain;
        }
        self.audit.entries += 1;
        self.audit.first_at.get_or_insert_with(|| entry.at.clone());
        self.audit.last_at = Some(entry.at.clone());
        self.audit.last = Some((n, chain));
        (self.each)(n, entry);
    }

    fn head(&mut self, n: u64, chain: Chain, key: &str, is_signed: bool, faults: &mut Vec<Faulty>) {
        if n.saturating_add(1) != self.next || chain != self.chain {
            faults.push(Faulty::Head);
        }
        if !is_signed {
            faults.push(Faulty::Signature);
        } else if self.key.is_some_and(|wanted| wanted != key) {
            faults.push(Faulty::Key(key.to_owned()));
        } else {
            self.audit.heads += 1;
            self.audit.signed = self.audit.signed.max(n);
        }
        self.audit.keys.insert(key.to_owned());
    }
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
