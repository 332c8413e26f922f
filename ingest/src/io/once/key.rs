//! The key that a caller gives a request, and what stands for the request under it.
//!
//! The header is that of `draft-ietf-httpapi-idempotency-key-header`: a string in quotes; without them it is taken as well. Neither the key nor what was asked is kept: a digest of both says whether a
//! request is the same one, and without the key it can't be tried what was asked.

use axum::http::{HeaderMap, StatusCode};
use vitalog_elog::access::Principal;
use vitalog_elog::id::digest;

use super::super::problem::Problem;

/// The header of the request.
pub const KEY: &str = "idempotency-key";
/// The longest key, in bytes.
pub const LONGEST: usize = 255;

/// A key as it was sent.
#[derive(Clone)]
pub struct Key(String);

/// A request under its key.
#[derive(Clone)]
pub struct Asked {
    /// Who asks.
    pub(super) by: std::sync::Arc<str>,
    /// Of who asks and the key.
    pub(super) key: u128,
    /// Of the key and all that is asked.
    pub(super) asked: u128,
}

impl Key {
    /// The key of a request, where it has one.
    ///
    /// # Errors
    /// Where it is none, or there are several: 400.
    pub fn of(headers: &HeaderMap) -> Result<Option<Key>, Problem> {
        let mut sent = headers.get_all(KEY).iter();
        let Some(first) = sent.next() else { return Ok(None) };
        let text = first.to_str().unwrap_or("");
        let bare = text.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or(text);
        let is_of_keys = |b: u8| b.is_ascii_graphic() && !matches!(b, b'"' | b'\\');
        let is_key = (1..=LONGEST).contains(&bare.len()) && bare.bytes().all(is_of_keys);
        if is_key && sent.next().is_none() { Ok(Some(Key(bare.to_owned()))) } else { Err(bad()) }
    }

    /// The request under this key: its door, and whatever else it says. What comes of the same parts in the same order is the same request.
    pub fn asks(&self, who: &Principal, door: &str, parts: &[&[u8]]) -> Asked {
        let key = self.0.as_bytes();
        let said: Vec<&[u8]> = [key, door.as_bytes()].into_iter().chain(parts.iter().copied()).collect();
        Asked {
            by: who.id.clone(),
            key: digest(b"idempotency key", &[who.id.as_bytes(), key]),
            asked: digest(b"request under a key", &said),
        }
    }
}

/// Nothing of the key is repeated: whoever sent it knows it, and a log of answers need not.
fn bad() -> Problem {
    let detail = "the header idempotency-key is not one key";
    let remedy = "send one string of 1 to 255 visible ASCII characters without quotes and backslashes in it, such as a UUID: Idempotency-Key: \"8e03978e-40d5-43e8-bc93-6894a57f9324\"";
    Problem::new(StatusCode::BAD_REQUEST, "bad_idempotency_key", detail, remedy)
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    fn key(sent: &[&[u8]]) -> Result<Option<String>, u16> {
        let mut headers = HeaderMap::new();
        sent.iter().for_each(|value| {
            headers.append(KEY, HeaderValue::from_bytes(value).expect("a value"));
        });
        Key::of(&headers).map(|key| key.map(|key| key.0)).map_err(|problem| problem.status().as_u16())
    }

    #[test]
    fn a_key_is_one_string_in_quotes_or_without() {
        assert_eq!(key(&[]), Ok(None));
        assert_eq!(key(&[b"a-1"]), Ok(Some("a-1".to_owned())));
        assert_eq!(key(&[b"\"a-1\""]), Ok(Some("a-1".to_owned())));
        let longest = "k".repeat(LONGEST);
        assert_eq!(key(&[longest.as_bytes()]), Ok(Some(longest)));
        for bad in [&b""[..], b"\"\"", b"\"", b"a b", b"\"a", b"a\"", b"a\\b", b"caf\xc3\xa9", &[b'k'; LONGEST + 1]] {
            assert_eq!(key(&[bad]), Err(400), "{:?}", String::from_utf8_lossy(bad));
        }
        assert_eq!(key(&[b"a", b"a"]), Err(400), "twice");
    }

    #[test]
    fn whatever_differs_is_another_request_and_another_caller_has_other_keys() {
        let (ann, bob) = (Principal::new("ann"), Principal::new("bob"));
        let of = |text: &str| Key(text.to_owned());
        let first = of("k").asks(&ann, "PUT /a", &[b"b", b"c"]);
        let same = of("k").asks(&ann, "PUT /a", &[b"b", b"c"]);
        assert_eq!((first.key, first.asked), (same.key, same.asked));
        for (other, same_key) in [
            (of("k").asks(&ann, "PUT /ab", &[b"", b"c"]), true),
            (of("k").asks(&ann, "PUT /a", &[b"bc", b""]), true),
            (of("k").asks(&ann, "PUT /a", &[b"b"]), true),
            (of("l").asks(&ann, "PUT /a", &[b"b", b"c"]), false),
        ] {
            assert_ne!(first.asked, other.asked);
            assert_eq!(first.key == other.key, same_key);
        }
        assert_ne!(first.key, of("k").asks(&bob, "PUT /a", &[b"b", b"c"]).key);
    }
}
