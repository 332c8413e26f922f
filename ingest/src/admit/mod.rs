//! Admission: a raw reading held against the declared streams and the clock becomes a reading, or a refusal that says what to do.
//!
//! Nothing is mended silently. A value in a wrong unit, a time without a zone, an unknown field: each is refused with the field, what was
//! found and the remedy, for whoever sends it knows better than a guess. What is plausible comes from the declarations; no stream of health is known here.

mod id;
mod limits;
mod near;
mod quantity;
mod value;
mod when;

use std::sync::Arc;

use foldhash::HashMap;
use vitalog_elog::input::DeadLetter;
use vitalog_elog::{Content, Field, FieldIx, Reading, Refusal, Schema, Stream, StreamIx, Subject, Time, Value};

use crate::decode::{RawReading, Scalar};

pub use limits::Limits;
pub use value::admit_value;
pub(crate) use when::instant as admit_instant;

/// What is declared, made ready to hold readings against.
pub struct Admission {
    schema: Arc<Schema>,
    streams: HashMap<Arc<str>, StreamIx>,
    limits: Limits,
}

impl Admission {
    pub fn new(schema: Arc<Schema>, limits: Limits) -> Admission {
        let streams = schema.iter().map(|(ix, stream)| (stream.name.clone(), ix)).collect();
        Admission { schema, streams, limits }
    }

    pub fn schema(&self) -> &Arc<Schema> {
        &self.schema
    }

    pub fn limits(&self) -> &Limits {
        &self.limits
    }

    /// A reading as it would be journaled at `now`.
    ///
    /// # Errors
    /// The first thing that is wrong with it.
    pub fn admit(&self, raw: &RawReading<'_>, now: Time) -> Result<Reading, Refusal> {
        let subject = id::subject(raw.subject.as_ref())?;
        let given = raw.id.as_ref().map(id::given).transpose()?;
        let rev = raw.rev.as_ref().map(id::rev).transpose()?;
        if id::removed(raw.removed.as_ref())? {
            return removal(raw, subject, given, rev);
        }
        if rev.is_some_and(|rev| rev > 1) && given.is_none() {
            return Err(Refusal::whole(
                "missing",
                "a revision of a reading without an id",
                "say the id that the first sending was given, or that its receipt told",
            ));
        }
        let (ix, stream) = self.stream(raw.stream.as_ref())?;
        let content = Content {
            stream: ix,
            when: when::when(stream, raw, now, &self.limits)?,
            values: self.values(stream, raw)?,
            source: raw.source.as_ref().map(id::source).transpose()?,
            seq: raw.seq.as_ref().map(id::seq).transpose()?,
        };
        Ok(Reading::present(subject, given, rev.unwrap_or(1), &stream.name, content))
    }

    fn stream(&self, said: Option<&Scalar<'_>>) -> Result<(StreamIx, &Stream), Refusal> {
        let said = said.ok_or_else(|| missing("stream", "say which stream the reading belongs to, such as \"stream\":\"bg\""))?;
        let name = said.text().ok_or_else(|| wrong_type("stream", said, "a name in quotes"))?;
        match self.streams.get(name) {
            Some(ix) => Ok((*ix, self.schema.get(*ix))),
            None => {
                let names = self.schema.streams.iter().map(|s| &*s.name);
                Err(Refusal::of(
                    "unknown_stream",
                    "stream",
                    name,
                    "no such stream is declared",
                    near::remedy(name, names, "streams"),
                ))
            }
        }
    }

    /// Where a device shows a word in place of a number, and there is a stream for that: which.
    fn shown_word(&self, stream: &Stream, said: &Scalar<'_>, refusal: Refusal) -> Refusal {
        let shown = match said.text().map(|text| text.trim().to_ascii_lowercase()).as_deref() {
            Some("lo" | "low") => "low",
            Some("hi" | "high") => "high",
            _ => return refusal,
        };
        let limit = format!("{}_limit", stream.name);
        match self.streams.contains_key(&*limit) {
            true if refusal.code == "not_a_number" => {
                let remedy =
                    format!("a device that shows {shown} has no number: send it as \"stream\":\"{limit}\",\"shown\":\"{shown}\"");
                Refusal { remedy, ..refusal }
            }
            _ => refusal,
        }
    }

    fn values(&self, stream: &Stream, raw: &RawReading<'_>) -> Result<Box<[Option<Value>]>, Refusal> {
        let mut values = vec![None; stream.fields.len()];
        for (name, said) in &raw.fields {
            let Some(ix) = stream.field(own(stream, name)) else {
                let names = stream.fields.iter().map(|f| &*f.name);
                let what = format!("fields of {}", stream.name);
                return Err(Refusal::of(
                    "unknown_field",
                    name,
                    &said.shown(),
                    format!("{} has no such field", stream.name),
                    near::remedy(name, names, &what),
                ));
            };
            let field = stream.get(ix);
            let admitted = admit_value(&field.name, &field.kind, field.range, said, &self.limits);
            let value = admitted.map_err(|refusal| self.shown_word(stream, said, refusal))?;
            if values[usize::from(ix.0)].replace(value).is_some() {
                return Err(Refusal::of(
                    "duplicate_key",
                    name,
                    &said.shown(),
                    format!("{} is said twice: by its name, and by its stream's and its own", field.name),
                    "say it once",
                ));
            }
        }
        for (field, value) in stream.fields.iter().zip(&values) {
            if !field.optional && value.is_none() {
                return Err(missing(&field.name, &format!("every reading of {} needs it", stream.name)));
            }
        }
        for (greater, lesser) in &stream.checks {
            ordered(stream, *greater, *lesser, &values)?;
        }
        Ok(values.into_boxed_slice())
    }
}

/// A field's own name of what names it: alone, or behind its stream's name and a dot. So a field can be said that is called as something every reading has (`bg_limit.source`).
fn own<'n>(stream: &Stream, name: &'n str) -> &'n str {
    name.strip_prefix(&*stream.name).and_then(|rest| rest.strip_prefix('.')).unwrap_or(name)
}

/// A declared check: of two fields that are both said, the first must be greater.
fn ordered(stream: &Stream, greater: FieldIx, lesser: FieldIx, values: &[Option<Value>]) -> Result<(), Refusal> {
    let amount = |ix: FieldIx| match values.get(usize::from(ix.0)) {
        Some(Some(Value::Quantity(amount))) => Some(*amount),
        _ => None,
    };
    let (Some(high), Some(low)) = (amount(greater), amount(lesser)) else { return Ok(()) };
    if high.atoms() > low.atoms() {
        return Ok(());
    }
    let name = |ix: FieldIx| -> &Field { stream.get(ix) };
    let (first, second) = (&name(greater).name, &name(lesser).name);
    Err(Refusal::of(
        "out_of_order",
        first,
        &high.to_string(),
        format!("{first} must be above {second}, which is {low}"),
        "see whether the two were exchanged, and measure again where they were not",
    ))
}

fn removal(raw: &RawReading<'_>, subject: Subject, given: Option<Arc<str>>, rev: Option<u32>) -> Result<Reading, Refusal> {
    let given = given.ok_or_else(|| missing("id", "a removal must say which reading it removes"))?;
    let rev = rev.ok_or_else(|| missing("rev", "a removal needs a revision greater than that of what it removes"))?;
    if rev < 2 {
        let remedy = "the first sending has revision 1, so a removal has at least 2";
        return Err(Refusal::of("bad_rev", "rev", &rev.to_string(), "a removal can't be the first revision", remedy));
    }
    let parts = [("at", &raw.at), ("start", &raw.start), ("end", &raw.end), ("stream", &raw.stream), ("seq", &raw.seq)];
    let said = parts.iter().find(|(_, value)| value.is_some()).map(|(name, _)| *name);
    if let Some(name) = said.or_else(|| raw.fields.first().map(|(name, _)| &**name)) {
        return Err(Refusal {
            code: "removal_with_content".to_owned(),
            field: Some(name.chars().take(80).collect()),
            value: None,
            message: "a removal says nothing but what it removes".to_owned(),
            remedy: "send subject, id, rev and removed only; or leave removed out to amend the reading".to_owned(),
        });
    }
    Ok(Reading::removal(subject, given, rev))
}

/// What is kept of a reading that was refused.
pub fn dead_letter(refusal: &Refusal, raw: Option<&RawReading<'_>>, bytes: &[u8], sender: &str) -> DeadLetter {
    let subject = raw.and_then(|raw| id::subject(raw.subject.as_ref()).ok());
    DeadLetter {
        subject,
        code: Arc::from(refusal.code.as_str()),
        field: refusal.field.as_deref().map(Arc::from),
        message: Arc::from(format!("{}; {}", refusal.message, refusal.remedy)),
        raw: Arc::from(&bytes[..bytes.len().min(DeadLetter::MAX_RAW)]),
        sender: Arc::from(sender),
    }
}

/// A name that is not declared, with the one that was probably meant.
pub(crate) fn unknown_name<'a>(code: &str, name: &str, known: impl Iterator<Item = &'a str>, what: &str) -> Refusal {
    let remedy = near::remedy(name, known, what);
    Refusal {
        code: code.to_owned(),
        field: Some(name.chars().take(80).collect()),
        value: None,
        message: format!("it is none of the {what}"),
        remedy,
    }
}

fn missing(field: &str, remedy: &str) -> Refusal {
    Refusal {
        code: "missing".to_owned(),
        field: Some(field.to_owned()),
        value: None,
        message: "it is missing".to_owned(),
        remedy: remedy.to_owned(),
    }
}

fn wrong_type(field: &str, said: &Scalar<'_>, expected: &str) -> Refusal {
    Refusal::of("wrong_type", field, &said.shown(), format!("expected {expected}"), format!("send {expected}"))
}
