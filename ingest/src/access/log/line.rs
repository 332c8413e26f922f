//! One line, and the chain.

use serde::{Deserialize, Serialize};
use vitalog_elog::access::Decision;

use crate::access::Asked;

/// The format of files that are written.
pub(super) const FORMAT: u32 = 1;

/// What is said of one request.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// When it was answered, RFC 3339.
    pub at: String,
    /// The account's id; of a program, its token's.
    pub who: String,
    /// By what they were known: a token of which id, a password, nothing.
    pub via: String,
    /// Method and path, without what stands in its place holders.
    pub door: String,
    /// What was asked: wish, whom about, answer.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub asked: Vec<(String, Option<String>, bool)>,
    /// So many more wishes were asked.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub more: u64,
    pub status: u16,
}

fn is_zero(n: &u64) -> bool {
    *n == 0
}

impl Entry {
    /// With what was asked on a visit.
    #[must_use]
    pub fn asking(self, asked: Asked) -> Entry {
        let wishes = asked.wishes.into_iter();
        let words = wishes.map(|(name, subject, decision)| {
            (name.to_owned(), subject.map(|s| s.as_str().to_owned()), decision == Decision::Allow)
        });
        Entry { asked: words.collect(), more: asked.more, ..self }
    }
}

/// The hash of all lines up to one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Chain(pub [u8; 32]);

impl Chain {
    /// Before the first line.
    pub const BEGIN: Chain = Chain([0; 32]);

    /// After a line, of which `said` is everything before its chain.
    pub fn then(self, said: &str) -> Chain {
        let mut hasher = blake3::Hasher::new();
        hasher.update(&self.0).update(said.as_bytes());
        Chain(*hasher.finalize().as_bytes())
    }

    pub fn parse(text: &str) -> Option<Chain> {
        // Written in one way only: another letter is another line.
        blake3::Hash::from_hex(text).ok().map(|hash| Chain(*hash.as_bytes())).filter(|chain| chain.to_string() == text)
    }
}

impl std::fmt::Display for Chain {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&blake3::Hash::from_bytes(self.0).to_hex())
    }
}

const TAIL: &str = ",\"chain\":\"";

/// The line of an entry, without its end, and the chain after it.
pub(super) fn written(n: u64, entry: &Entry, before: Chain) -> Option<(String, Chain)> {
    #[derive(Serialize)]
    struct Numbered<'a> {
        n: u64,
        #[serde(flatten)]
        entry: &'a Entry,
    }
    let mut line = serde_json::to_string(&Numbered { n, entry }).ok()?;
    line.pop();
    let chain = before.then(&line);
    line.push_str(&format!("{TAIL}{chain}\"}}"));
    Some((line, chain))
}

/// What a line is.
pub(super) enum Line {
    First { first: u64, chain: Chain },
    Entry { n: u64, entry: Entry, chain: Chain, said: String },
    Head { n: u64, at: String, chain: Chain, key: String, signature: String },
}

/// Reads a line.
pub(super) fn read(line: &str) -> Result<Line, &'static str> {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct First {
        vitalog: String,
        format: u32,
        first: u64,
        chain: String,
    }
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Head {
        head: u64,
        at: String,
        chain: String,
        key: String,
        signature: String,
    }
    #[derive(Deserialize)]
    struct Numbered {
        n: u64,
    }
    const CHAIN: &str = "its chain is none";
    if line.starts_with("{\"vitalog\"") {
        let first: First = serde_json::from_str(line).map_err(|_| "it is no first line of a file")?;
        if first.vitalog != "access log" || first.format != FORMAT {
            return Err("it is of a format that this program does not know");
        }
        return Ok(Line::First { first: first.first, chain: Chain::parse(&first.chain).ok_or(CHAIN)? });
    }
    if line.starts_with("{\"head\"") {
        let head: Head = serde_json::from_str(line).map_err(|_| "it is no head")?;
        let chain = Chain::parse(&head.chain).ok_or(CHAIN)?;
        if head.key.bytes().any(|b| !matches!(b, b'0'..=b'9' | b'a'..=b'f')) {
            return Err("its key is none");
        }
        return Ok(Line::Head { n: head.head, at: head.at, chain, key: head.key, signature: head.signature });
    }
    let (said, tail) = line.rsplit_once(TAIL).ok_or("it has no chain")?;
    let chain = tail.strip_suffix("\"}").and_then(Chain::parse).ok_or(CHAIN)?;
    let whole = format!("{said}}}");
    let numbered: Numbered = serde_json::from_str(&whole).map_err(|_| "it is no entry")?;
    // What is added to an entry is not passed over: an entry is what it was.
    let mut object: serde_json::Map<String, serde_json::Value> = serde_json::from_str(&whole).map_err(|_| "it is no entry")?;
    object.remove("n");
    let entry = serde_json::from_value(serde_json::Value::Object(object)).map_err(|_| "it is no entry")?;
    Ok(Line::Entry { n: numbered.n, entry, chain, said: said.to_owned() })
}

/// The first line of a file.
pub(super) fn first(first: u64, chain: Chain) -> String {
    format!("{{\"vitalog\":\"access log\",\"format\":{FORMAT},\"first\":{first},\"chain\":\"{chain}\"}}")
}

/// What a head signs.
pub(super) fn signed_words(n: u64, at: &str, chain: Chain) -> Vec<u8> {
    format!("vitalog access head\n{n}\n{at}\n{chain}").into_bytes()
}
