//! The values of a reading in a test: what the gateway would make of them, or why it would refuse them.

use vitalog_elog::{Field, FieldIx, Stream, StreamIx, Value};

use super::literal::field_value;
use super::script::Script;
use crate::diagnostic::{Code, Diagnostic};
use crate::source::Loc;
use crate::syntax::{self, ValueKind};

impl Script<'_> {
    /// The values of a reading: `68 mg/dL` for the field `value` or the first one, `systolic 150 diastolic 95` by name. `former` fills
    /// what is not said.
    pub fn fields(
        &mut self,
        ix: StreamIx,
        values: &[syntax::Value],
        former: Option<&[Option<Value>]>,
        loc: Loc,
    ) -> Option<Box<[Option<Value>]>> {
        let stream = self.world.declared(ix);
        let info = self.world.info(ix)?;
        let mut places: Vec<Option<Value>> = vec![None; stream.fields.len()];
        if let Some(former) = former {
            places[..former.len()].clone_from_slice(former);
        }
        let mut said = vec![false; stream.fields.len()];
        let mut fine = true;
        let mut rest = values.iter();
        let mut first = true;
        while let Some(value) = rest.next() {
            let named = match &value.kind {
                ValueKind::Word(word) => info.fields.get(&word.text).map(|(ix, _)| *ix),
                _ => None,
            };
            let (ix, value) = match named {
                Some(ix) => match rest.next() {
                    Some(value) => (ix, value),
                    None => {
                        let field = stream.get(ix);
                        let d = Diagnostic::new(
                            Code::SCRIPT_VALUE,
                            format!("the field `{}` without a value", field.name),
                            value.loc,
                            "expected a value",
                        );
                        self.out.push(d);
                        return None;
                    }
                },
                None if first && self.fits_default(stream, value) => (default_field(stream), value),
                None => {
                    self.out.push(unnamed(stream, value, info.fields.keys().map(|k| &**k)));
                    return None;
                }
            };
            first = false;
            let field = stream.get(ix);
            if info.fields.get(&field.name).is_some_and(|(_, f)| f.broken) {
                return None;
            }
            if std::mem::replace(&mut said[usize::from(ix.0)], true) {
                self.out.push(Diagnostic::new(
                    Code::TWICE,
                    format!("the field `{}` is said twice", field.name),
                    value.loc,
                    "said again",
                ));
            }
            match field_value(value, &field.kind, field.range) {
                Ok(value) => places[usize::from(ix.0)] = Some(value),
                Err(d) => {
                    self.out.push(*d);
                    fine = false;
                }
            }
        }
        fine.then(|| self.complete(stream, &places, loc)).flatten()?;
        Some(places.into_boxed_slice())
    }

    fn fits_default(&self, stream: &Stream, value: &syntax::Value) -> bool {
        let Some(field) = stream.fields.get(usize::from(default_field(stream).0)) else { return false };
        match &value.kind {
            // A word may be a slip in a field's name: it is the value only where words are.
            ValueKind::Word(_) => !super::world::words_of(field).is_empty(),
            _ => true,
        }
    }

    /// What the gateway would ask: that required fields are said, and that what must be greater is.
    fn complete(&mut self, stream: &Stream, places: &[Option<Value>], loc: Loc) -> Option<()> {
        let absent =
            |(field, value): (&Field, &Option<Value>)| (!field.optional && value.is_none()).then(|| field.name.to_string());
        let missing: Vec<String> = stream.fields.iter().zip(places).filter_map(absent).collect();
        if !missing.is_empty() {
            let d = Diagnostic::new(
                Code::SCRIPT_VALUE,
                format!("a reading of `{}` without {}", stream.name, missing.join(", ")),
                loc,
                "not complete",
            );
            self.out.push(d);
            return None;
        }
        for (greater, less) in &stream.checks {
            let atoms = |ix: &FieldIx| match places.get(usize::from(ix.0)) {
                Some(Some(Value::Quantity(amount))) => Some(amount.atoms()),
                _ => None,
            };
            if let (Some(a), Some(b)) = (atoms(greater), atoms(less))
                && a <= b
            {
                let (a, b) = (&stream.get(*greater).name, &stream.get(*less).name);
                self.out.push(Diagnostic::new(Code::SCRIPT_VALUE, format!("{a} must be above {b}"), loc, "would be refused"));
                return None;
            }
        }
        Some(())
    }
}

/// The field that a value without a name is for: `value`, else the first.
fn default_field(stream: &Stream) -> FieldIx {
    stream.field("value").unwrap_or(FieldIx(0))
}

fn unnamed<'n>(stream: &Stream, value: &syntax::Value, names: impl Iterator<Item = &'n str> + Clone) -> Diagnostic {
    let list: Vec<&str> = names.clone().collect();
    let d = match &value.kind {
        ValueKind::Word(word) => Diagnostic::new(
            Code::UNKNOWN_FIELD,
            format!("`{}` has no field `{}`", stream.name, word.text),
            word.loc,
            "no such field",
        )
        .did_you_mean(word.loc, &word.text, names),
        _ => Diagnostic::new(Code::SCRIPT_VALUE, "a value of which field?", value.loc, "expected a field before it"),
    };
    d.note(format!("fields of `{}`: {}", stream.name, list.join(", ")))
}
