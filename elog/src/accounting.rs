//! Accounting: what a stage holds, as counts and sums that can be computed again from what it stored.
//!
//! Each revision of a reading has a *weight*: the first 128 bits of SHA-256 over a text that says what the revision says, in a form that anybody can write ([`text`]; docs/accounting.md has it
//! for strangers, with a program). A [`Tally`] is how many revisions there are and the sum of their weights modulo 2^128. Sums do not depend on order, two of them can be put together, and equal
//! ones say that nothing was lost, doubled or bent. They are kept by [`Window`]: source, stream and day of the event, in UTC.
//!
//! It is a guard against accidents. Whoever can choose what is stored can find revisions that make up for each other in a sum of 128 bits; against that the journal has its chain.
//!
//! INVARIANT (stored alone): a weight is a function of what every stage stores of a revision. What a stage knows besides (offsets, arrivals, what superseded it) is not in it.

use std::fmt::Write;
use std::sync::Arc;

use sha2::{Digest, Sha256};

use crate::id::Subject;
use crate::quantity::Amount;
use crate::reading::{Content, Reading, Value, When};
use crate::schema::{FieldKind, Schema};
use crate::time::Time;

/// Whether a revision is the one that holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Standing {
    Current,
    /// It was superseded or outdated, or it is a removal.
    Former,
}

/// What revisions are told apart by: where they come from, what they are about, and when that was.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Window {
    /// `None`: a removal, which says nothing but what it removes.
    pub stream: Option<Arc<str>>,
    pub source: Option<Arc<str>>,
    /// Days since 1970 in UTC of the instant: an interval's end, or its start while it goes on.
    pub day: Option<i64>,
}

/// How many revisions, and what they come to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    pub count: u64,
    /// Modulo 2^128.
    pub sum: u128,
}

/// Which revisions are asked for; the default is all of them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Scope {
    pub subject: Option<Subject>,
    pub stream: Option<Arc<str>>,
    pub source: Option<Arc<str>>,
    /// With their instant at or after it.
    pub from: Option<Time>,
    /// With their instant before it.
    pub to: Option<Time>,
}

/// What a stage holds of one revision.
pub enum Held<'a> {
    Revision(&'a Reading, Standing),
    /// A row that can't be read as one, with what can be read of whose it is.
    Unreadable {
        subject: &'a str,
        name: &'a str,
        standing: Standing,
    },
}

/// Up to which offsets a stage has taken in what it tells of each standing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reached {
    pub current: u64,
    pub former: u64,
}

const DAY: i64 = 86_400_000_000;

impl Standing {
    pub const ALL: [Standing; 2] = [Standing::Current, Standing::Former];

    pub fn name(self) -> &'static str {
        match self {
            Standing::Current => "current",
            Standing::Former => "former",
        }
    }
}

impl Window {
    pub fn of(reading: &Reading, schema: &Schema) -> Window {
        let Some(content) = &reading.content else { return Window::default() };
        Window {
            stream: Some(stream_name(content, schema)),
            source: content.source.clone(),
            day: Some(place(content.when).0.div_euclid(DAY)),
        }
    }

    /// Whether the reading is of this window; cheaper than making one of it.
    pub fn is_of(&self, reading: &Reading, schema: &Schema) -> bool {
        let Some(content) = &reading.content else { return *self == Window::default() };
        self.day == Some(place(content.when).0.div_euclid(DAY))
            && self.source.as_deref() == content.source.as_deref()
            && self.stream.as_deref() == schema.streams.get(usize::from(content.stream.0)).map(|s| &*s.name)
    }

    /// The day as a date: `2026-11-20`.
    pub fn date(&self) -> Option<String> {
        self.day.map(|day| Time(day.saturating_mul(DAY)).to_string().chars().take_while(|c| *c != 'T').collect())
    }
}

impl Tally {
    pub fn of(weight: u128) -> Tally {
        Tally { count: 1, sum: weight }
    }

    #[must_use]
    pub fn plus(self, other: Tally) -> Tally {
        Tally { count: self.count.wrapping_add(other.count), sum: self.sum.wrapping_add(other.sum) }
    }

    #[must_use]
    pub fn minus(self, other: Tally) -> Tally {
        Tally { count: self.count.wrapping_sub(other.count), sum: self.sum.wrapping_sub(other.sum) }
    }

    /// The sum as 32 hexadecimal digits.
    pub fn hex(self) -> String {
        format!("{:032x}", self.sum)
    }
}

impl Scope {
    /// Whether a revision is asked for. A removal has no stream, source or instant, so it is left out where one is asked for.
    pub fn has(&self, reading: &Reading, schema: &Schema) -> bool {
        if self.subject.as_ref().is_some_and(|subject| *subject != reading.subject) {
            return false;
        }
        let Some(content) = &reading.content else { return self.has_removals() };
        let at = place(content.when);
        self.stream.as_ref().is_none_or(|stream| stream_name(content, schema) == *stream)
            && self.source.as_ref().is_none_or(|source| content.source.as_ref() == Some(source))
            && self.from.is_none_or(|from| at >= from)
            && self.to.is_none_or(|to| at < to)
    }

    fn has_removals(&self) -> bool {
        self.stream.is_none() && self.source.is_none() && self.from.is_none() && self.to.is_none()
    }
}

/// The instant by which a reading belongs to a day.
pub fn place(when: When) -> Time {
    when.instant().unwrap_or(when.start())
}

/// What a revision weighs.
pub fn weight(reading: &Reading, schema: &Schema) -> u128 {
    let mut text = String::with_capacity(192);
    write_text(&mut text, reading, schema);
    weight_of(text.as_bytes())
}

/// What a row weighs that can't be read: another amount than anything that can.
pub fn weight_unreadable(subject: &str, name: &str) -> u128 {
    weight_of(format!("unreadable\n{subject}\n{name}\n").as_bytes())
}

fn weight_of(bytes: &[u8]) -> u128 {
    let digest = Sha256::digest(bytes);
    digest.iter().take(16).fold(0, |sum, byte| sum << 8 | u128::from(*byte))
}

/// What a revision says, a line for each thing said:
///
/// ```text
/// subject=p-001
/// id=lunch-19
/// rev=1
/// stream=carbs
/// at=1763550000000000
/// source=phone
/// seq=1234
/// .amount=45 g
/// .meal=Lunch
/// ```
///
/// `id` only where the sender gave one; instants in microseconds since 1970, of intervals `start` and (once it is known) `end`; fields by their names' bytes, each with a dot before it; numbers
/// without exponent and without zeros behind the last digit after a point, with their unit's first name. Of a removal: `subject`, `id`, `rev` and `removed=true`.
pub fn text(reading: &Reading, schema: &Schema) -> String {
    let mut out = String::new();
    write_text(&mut out, reading, schema);
    out
}

fn write_text(out: &mut String, reading: &Reading, schema: &Schema) {
    let mut line = |name: &str, value: &dyn std::fmt::Display| {
        // Writing to a String cannot fail.
        let _ = writeln!(out, "{name}={value}");
    };
    line("subject", &reading.subject);
    if let Some(given) = &reading.given {
        line("id", given);
    }
    line("rev", &reading.rev);
    let Some(content) = &reading.content else { return line("removed", &true) };
    line("stream", &stream_name(content, schema));
    match content.when {
        When::At(at) => line("at", &at.0),
        When::During { start, end } => {
            line("start", &start.0);
            if let Some(end) = end {
                line("end", &end.0);
            }
        }
    }
    if let Some(source) = &content.source {
        line("source", source);
    }
    if let Some(seq) = content.seq {
        line("seq", &seq);
    }
    write_fields(out, content, schema);
}

fn write_fields(out: &mut String, content: &Content, schema: &Schema) {
    let fields = schema.streams.get(usize::from(content.stream.0)).map_or(&[][..], |s| &s.fields);
    let mut said: Vec<(String, String)> = Vec::with_capacity(content.values.len());
    for (i, value) in content.values.iter().enumerate() {
        let (Some(value), field) = (value, fields.get(i)) else { continue };
        let name = field.map_or_else(|| format!("#{i}"), |f| f.name.to_string());
        let value = match value {
            Value::Quantity(amount) => number(*amount),
            Value::Enum(word) => match field.map(|f| &f.kind) {
                Some(FieldKind::Enum(words)) if usize::from(*word) < words.len() => words[usize::from(*word)].to_string(),
                _ => format!("#{word}"),
            },
            Value::Text(text) => text.to_string(),
            Value::Bool(is) => is.to_string(),
            Value::TimeOfDay(time) => time.to_string(),
        };
        said.push((name, value));
    }
    said.sort();
    for (name, value) in said {
        let _ = writeln!(out, ".{name}={value}");
    }
}

fn stream_name(content: &Content, schema: &Schema) -> Arc<str> {
    // One that is not declared can only be damage: its number stands for it.
    schema.streams.get(usize::from(content.stream.0)).map_or_else(|| format!("#{}", content.stream.0).into(), |s| s.name.clone())
}

/// `6.1 mmol/L`: every digit that says something.
fn number(amount: Amount) -> String {
    let (mut digits, mut scale) = (amount.digits, usize::from(amount.scale));
    while scale > 0 && digits % 10 == 0 {
        digits /= 10;
        scale -= 1;
    }
    let sign = if digits < 0 { "-" } else { "" };
    let padded = format!("{:0width$}", digits.unsigned_abs(), width = scale + 1);
    let (whole, fraction) = padded.split_at(padded.len() - scale);
    let point = if fraction.is_empty() { "" } else { "." };
    format!("{sign}{whole}{point}{fraction} {}", amount.unit)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::quantity::{Dimension, Unit};

    #[test]
    fn zeros_that_say_nothing_are_left_off() {
        let mmol = Unit::named(Dimension::Glucose, "mmol/L").expect("a unit");
        for (text, shown) in [
            ("6.10", "6.1"),
            ("6.1", "6.1"),
            ("100", "100"),
            ("1e3", "1000"),
            ("-0.0", "0"),
            ("-0.50", "-0.5"),
            ("0.050", "0.05"),
        ] {
            let amount = Amount::parse(text, mmol).expect("a number");
            assert_eq!(number(amount), format!("{shown} mmol/L"), "{text}");
        }
    }

    #[test]
    fn tallies_add_up_in_any_order_and_around_the_end() {
        let (a, b) = (Tally::of(u128::MAX - 1), Tally::of(5));
        assert_eq!(a.plus(b), b.plus(a));
        assert_eq!(a.plus(b), Tally { count: 2, sum: 3 });
        assert_eq!(a.plus(b).minus(a), b);
    }
}
