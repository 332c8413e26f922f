//! What the operator says: for how many months rows are kept, and of which streams for others.
//!
//! Months are whole ones of the calendar in UTC, since files of readings lie by month: what goes then goes as files. What is dated in a month is kept until so many months after it are over, so each row
//! stays for at least so long and for up to a month longer. Days and weeks are refused.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

/// For how many months; `None`: for ever.
pub type Limit = Option<u32>;

/// More months than this (a hundred years) are no number that anybody meant.
const MOST: u32 = 1_200;
/// Stands for findings and for what was refused, as a stream's name does for its readings. They have an underscore or belong to no stream, so no shipped stream is called so.
pub(super) const FINDINGS: &str = "findings";
pub(super) const LETTERS: &str = "dead_letters";

/// For how long rows are kept. The default keeps everything.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Policy {
    /// Whatever is not named.
    pub every: Limit,
    /// Streams, `findings` and `dead_letters`.
    pub of: BTreeMap<Arc<str>, Limit>,
}

/// What is wrong with a policy, and how to say it right.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wrong {
    pub said: String,
    pub remedy: &'static str,
}

impl Policy {
    /// Reads `24months`, `2years` or `forever`, and exceptions such as `bg=60months`.
    ///
    /// # Errors
    /// [`Wrong`], naming the one that can't be read or is said twice.
    pub fn parse<'a>(texts: impl IntoIterator<Item = &'a str>) -> Result<Policy, Wrong> {
        let (mut policy, mut is_said) = (Policy::default(), false);
        for text in texts {
            let twice = |what: &str| Wrong { said: format!("{what} is said twice: {text:?}"), remedy: "say each once" };
            match text.split_once('=') {
                None => {
                    policy.every = limit(text, text)?;
                    if std::mem::replace(&mut is_said, true) {
                        return Err(twice("the limit of everything"));
                    }
                }
                Some((name, of)) => {
                    let limit = limit(of, text)?;
                    if name.is_empty() || !name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_') {
                        let said = format!("{text:?} names no stream");
                        return Err(Wrong { said, remedy: "write STREAM=LIMIT, as in bg=60months" });
                    }
                    if policy.of.insert(name.into(), limit).is_some() {
                        return Err(twice(name));
                    }
                }
            }
        }
        Ok(policy)
    }

    /// As it is read, the limit of everything first.
    pub fn texts(&self) -> Vec<String> {
        let exceptions = self.of.iter().map(|(name, limit)| format!("{name}={}", Shown(*limit)));
        std::iter::once(Shown(self.every).to_string()).chain(exceptions).collect()
    }

    /// The streams that it names.
    pub fn streams(&self) -> impl Iterator<Item = &str> {
        self.of.keys().map(|name| &**name).filter(|name| ![FINDINGS, LETTERS].contains(name))
    }

    pub fn keeps_all(&self) -> bool {
        self.every.is_none() && self.of.values().all(Option::is_none)
    }

    /// Whether it keeps something for longer than another does.
    pub fn is_longer_than(&self, other: &Policy) -> bool {
        let longer = |ours: Limit, others: Limit| others.is_some_and(|others| ours.is_none_or(|ours| ours > others));
        let named = self.of.keys().chain(other.of.keys());
        longer(self.every, other.every) || named.into_iter().any(|name| longer(self.limit(name), other.limit(name)))
    }

    pub(super) fn limit(&self, name: &str) -> Limit {
        self.of.get(name).copied().unwrap_or(self.every)
    }
}

impl fmt::Display for Policy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.texts().join(" "))
    }
}

fn limit(text: &str, whole: &str) -> Result<Limit, Wrong> {
    if text == "forever" {
        return Ok(None);
    }
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at(digits);
    let months = match unit {
        "month" | "months" => Some(1),
        "year" | "years" => Some(12),
        _ => None,
    };
    let Some(months) = months.filter(|_| digits > 0) else {
        let said = format!("{whole:?} is no time to keep something for");
        return Err(Wrong { said, remedy: "write whole months or years, as in 24months or 2years, or forever" });
    };
    match number.parse::<u32>().ok().and_then(|number| number.checked_mul(months)) {
        Some(months @ 1..=MOST) => Ok(Some(months)),
        _ => {
            let said = format!("{whole:?} is not from 1 month to {MOST} months");
            Err(Wrong { said, remedy: "write at least 1month; to keep nothing that can be asked for, erase the subjects" })
        }
    }
}

struct Shown(Limit);

impl fmt::Display for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            None => f.write_str("forever"),
            Some(1) => f.write_str("1month"),
            Some(months) => write!(f, "{months}months"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_read_is_said_again() {
        for (texts, said) in [
            (&["24months"][..], "24months"),
            (
                &["2years", "bg=60months", "device=1month", "findings=forever"],
                "24months bg=60months device=1month findings=forever",
            ),
            (&["bg=1year"], "forever bg=12months"),
            (&["forever"], "forever"),
            (&[], "forever"),
        ] {
            let policy = Policy::parse(texts.iter().copied()).expect("a policy");
            assert_eq!(policy.to_string(), said);
            assert_eq!(Policy::parse(policy.texts().iter().map(String::as_str)), Ok(policy));
        }
    }

    #[test]
    fn what_is_none_is_named_with_what_to_write() {
        for (texts, named) in [
            (&["0months"][..], "0months"),
            (&["bg=0years"], "bg=0years"),
            (&["1201months"], "1201months"),
            (&["4294967296months"], "4294967296months"),
            (&["400000000years"], "400000000years"),
            (&["90days"], "90days"),
            (&["24"], "24"),
            (&["months"], "months"),
            (&["-1months"], "-1months"),
            (&["1.5years"], "1.5years"),
            (&["24 months"], "24 months"),
            (&[""], "\"\""),
            (&["=24months"], "=24months"),
            (&["b g=24months"], "b g=24months"),
            (&["bg="], "bg="),
            (&["24months", "36months"], "said twice"),
            (&["bg=24months", "bg=24months"], "said twice"),
        ] {
            let wrong = Policy::parse(texts.iter().copied()).expect_err("no policy");
            assert!(wrong.said.contains(named) && !wrong.remedy.is_empty(), "{texts:?}: {wrong:?}");
        }
    }

    #[test]
    fn longer_is_told_stream_by_stream() {
        let of = |text: &str| Policy::parse(text.split(' ')).expect("a policy");
        for (longer, than) in [
            ("forever", "24months"),
            ("25months", "24months"),
            ("24months bg=60months", "24months"),
            ("24months", "24months bg=3months"),
            ("12months bg=forever", "24months"),
            ("12months findings=36months", "24months"),
        ] {
            assert!(of(longer).is_longer_than(&of(than)), "{longer} than {than}");
        }
        for (shorter, than) in [("24months", "24months"), ("24months", "forever"), ("24months bg=3months", "24months")] {
            assert!(!of(shorter).is_longer_than(&of(than)), "{shorter} than {than}");
        }
    }
}
