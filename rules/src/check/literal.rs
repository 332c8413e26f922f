//! Written-out values: numbers with units in expressions, and the values of fields in declarations and tests.

use vitalog_cep::plan::Rational;
use vitalog_elog::{Amount, Dimension, FieldKind, TimeOfDay, Unit, Value};

use super::Checker;
use super::dimension::Dim;
use super::number::rational;
use super::value::{Ty, Typed};
use crate::diagnostic::{Code, Diagnostic};
use crate::parser::{dimension_named, unknown_unit};
use crate::source::Loc;
use crate::syntax::{self, Literal, UnitWord, ValueKind};

impl Checker<'_> {
    /// A number in an expression. A unit of several dimensions (`mmol/L`) is that of the other side, whose type is `hint`.
    pub fn literal(&mut self, literal: &Literal, loc: Loc, hint: Option<&Ty>) -> Typed {
        match number(literal, loc, hint) {
            Ok(Some(typed)) => typed,
            Ok(None) => Typed::error(loc),
            Err(d) => {
                self.diagnostics.push(*d);
                Typed::error(loc)
            }
        }
    }
}

/// Whether a literal's dimension has to be told by something else.
pub fn is_ambiguous(literal: &Literal) -> bool {
    let unit = |(_, unit): &(_, Option<UnitWord>)| unit.as_ref().is_some_and(|u| Unit::any_named(&u.name).nth(1).is_some());
    literal.of.is_none() && literal.parts.iter().any(unit)
}

/// `None`: the hint is in error, so nothing can be said.
fn number(literal: &Literal, loc: Loc, hint: Option<&Ty>) -> Result<Option<Typed>, Box<Diagnostic>> {
    let mut sum: Option<Typed> = None;
    for (digits, unit) in &literal.parts {
        let Some(part) = one(digits, unit.as_ref(), literal, loc, hint)? else { return Ok(None) };
        sum = Some(match sum {
            None => part,
            // Only durations have several parts, and they are whole microseconds.
            Some(before) => match (before.as_constant(), part.as_constant()) {
                (Some(a), Some(b)) => match super::number::compute(vitalog_cep::plan::Arith::Add, a, b) {
                    Some(value) => Typed::constant(value, Dim::time(), loc).with_unit(before.unit),
                    None => return Err(too_large(loc)),
                },
                _ => part,
            },
        });
    }
    Ok(sum)
}

fn one(
    digits: &str,
    unit: Option<&UnitWord>,
    literal: &Literal,
    loc: Loc,
    hint: Option<&Ty>,
) -> Result<Option<Typed>, Box<Diagnostic>> {
    let Some(word) = unit else {
        let value = decimal(digits).ok_or_else(|| too_large(loc))?;
        if let Some(of) = &literal.of {
            let dimension = dimension_named(of)?;
            return Err(Box::new(
                Diagnostic::new(
                    Code::NO_UNIT,
                    format!("a number of {dimension} without a unit"),
                    loc,
                    "expected a unit before `of`",
                )
                .help(format!("as in `{digits} {} of {dimension}`", dimension.usual_unit())),
            ));
        }
        return Ok(Some(Typed { bare: true, ..Typed::constant(value, Dim::PLAIN, loc) }));
    };
    let per = match &word.per {
        Some(name) => Some(Unit::named(Dimension::Time, name).ok_or_else(|| Box::new(unknown_unit(name, word.loc, None)))?),
        None => None,
    };
    let dim_of = |unit: Unit| match per {
        Some(_) => Dim::of(unit.dimension()).per(Dim::time()),
        None => Some(Dim::of(unit.dimension())),
    };
    let candidates: Vec<Unit> = Unit::any_named(&word.name).collect();
    let unit = match (&literal.of, candidates.as_slice()) {
        (Some(of), _) => {
            let dimension = dimension_named(of)?;
            Unit::named(dimension, &word.name).ok_or_else(|| Box::new(unknown_unit(&word.name, word.loc, Some(dimension))))?
        }
        (None, []) => return Err(Box::new(unknown_unit(&word.name, word.loc, None))),
        (None, [only]) => *only,
        (None, many) => match hint {
            Some(Ty::Error) => return Ok(None),
            Some(Ty::Number(dim)) if many.iter().any(|u| dim_of(*u) == Some(*dim)) => {
                many.iter().copied().find(|u| dim_of(*u) == Some(*dim)).unwrap_or(many[0])
            }
            // The other side is a quantity, only no such one: the first reading is told to clash with it.
            Some(Ty::Number(dim)) if !dim.is_plain() => many[0],
            _ => return Err(Box::new(ambiguous(word, many, digits))),
        },
    };
    let dim = dim_of(unit).ok_or_else(|| too_large(loc))?;
    let value = match per {
        // Rounded as a reading of the same digits is, so that they are equal.
        None => Rational { n: Amount::parse(digits, unit).map_err(|_| too_large(loc))?.atoms(), d: 1 },
        Some(per) => {
            let plain = decimal(digits).ok_or_else(|| too_large(loc))?;
            rational(i128::from(plain.n) * i128::from(unit.atoms()), i128::from(plain.d) * i128::from(per.atoms()))
                .ok_or_else(|| too_large(loc))?
        }
    };
    Ok(Some(Typed::constant(value, dim, loc).with_unit(per.is_none().then_some(unit))))
}

fn ambiguous(word: &UnitWord, units: &[Unit], digits: &str) -> Diagnostic {
    let names: Vec<&str> = units.iter().map(|u| u.dimension().name()).collect();
    let d = Diagnostic::new(
        Code::AMBIGUOUS_UNIT,
        format!("`{}` could be a unit of {}", word.name, names.join(" or of ")),
        word.loc,
        "nothing here tells which",
    );
    names
        .iter()
        .fold(d, |d, name| d.fix(format!("say it: `{digits} {} of {name}`", word.name), word.loc.after(), format!(" of {name}")))
}

fn too_large(loc: Loc) -> Box<Diagnostic> {
    Box::new(
        Diagnostic::new(Code::NUMBER, "a number that is too long or too large", loc, "cannot be kept exactly")
            .help(format!("at most {} digits, and within the range of its dimension", Amount::MAX_DIGITS)),
    )
}

fn decimal(digits: &str) -> Option<Rational> {
    let plain = Unit::named(Dimension::Count, "count")?;
    let amount = Amount::parse(digits, plain).ok()?;
    rational(i128::from(amount.digits), 10_i128.checked_pow(u32::from(amount.scale))?)
}

/// A value of a field as a reading or a profile would hold it, within its range.
pub fn field_value(value: &syntax::Value, kind: &FieldKind, range: Option<(i64, i64)>) -> Result<Value, Box<Diagnostic>> {
    let wrong = |needs: String| {
        Box::new(Diagnostic::new(
            Code::SCRIPT_VALUE,
            format!("{needs} is needed, `{}` is none", plain_text(value)),
            value.loc,
            format!("expected {needs}"),
        ))
    };
    match (kind, &value.kind) {
        (FieldKind::Quantity(unit), ValueKind::Quantity { negative, literal }) => {
            let amount = quantity(value, *unit, *negative, literal)?;
            match range {
                Some((low, high)) if !(low..=high).contains(&amount.atoms()) => Err(Box::new(
                    Diagnostic::new(Code::SCRIPT_VALUE, "a value outside the plausible range", value.loc, "would be refused")
                        .note(format!(
                            "from {} to {}",
                            vitalog_elog::quantity::format_atoms(i128::from(low), 1, *unit),
                            vitalog_elog::quantity::format_atoms(i128::from(high), 1, *unit)
                        )),
                )),
                _ => Ok(Value::Quantity(amount)),
            }
        }
        (FieldKind::Quantity(unit), _) => Err(wrong(format!("{} in {unit}", unit.dimension()))),
        (FieldKind::Enum(words), ValueKind::Word(word)) => match words.iter().position(|w| *w == word.text) {
            Some(i) => Ok(Value::Enum(i as u16)),
            None => {
                let names: Vec<&str> = words.iter().map(|w| &**w).collect();
                Err(Box::new(
                    Diagnostic::new(
                        Code::UNKNOWN_WORD,
                        format!("`{}` is none of the words", word.text),
                        word.loc,
                        "not one of them",
                    )
                    .did_you_mean(word.loc, &word.text, names.iter().copied())
                    .note(format!("the words: {}", names.join(", "))),
                ))
            }
        },
        (FieldKind::Enum(words), _) => {
            Err(wrong(format!("one of {}", words.iter().map(|w| &**w).collect::<Vec<_>>().join(", "))))
        }
        (FieldKind::Text, ValueKind::Text(text)) => Ok(Value::Text(text.clone())),
        // `drug rapid`: a word is a text, too.
        (FieldKind::Text, ValueKind::Word(word)) => Ok(Value::Text(word.text.clone())),
        (FieldKind::Text, _) => Err(wrong("a text in quotes".to_owned())),
        (FieldKind::Bool, ValueKind::Bool(b)) => Ok(Value::Bool(*b)),
        (FieldKind::Bool, _) => Err(wrong("true or false".to_owned())),
        (FieldKind::TimeOfDay, ValueKind::Clock(minutes)) => {
            TimeOfDay::new(*minutes).map(Value::TimeOfDay).ok_or_else(|| wrong("a time of day".to_owned()))
        }
        (FieldKind::TimeOfDay, _) => Err(wrong("a time of day such as 22:00".to_owned())),
    }
}

fn quantity(value: &syntax::Value, unit: Unit, negative: bool, literal: &Literal) -> Result<Amount, Box<Diagnostic>> {
    let [(digits, word)] = literal.parts.as_slice() else { return summed(value, unit, literal) };
    let unit = match word {
        None => unit,
        Some(word) => {
            let written = match &word.per {
                Some(per) => format!("{}/{per}", word.name),
                None => word.name.to_string(),
            };
            match Unit::named(unit.dimension(), &written) {
                Some(unit) => unit,
                None => {
                    let what =
                        Unit::any_named(&written).next().map_or("unknown".to_owned(), |u| format!("a unit of {}", u.dimension()));
                    return Err(Box::new(Diagnostic::new(
                        Code::UNITS,
                        format!("{} is needed, in {unit} or a unit that converts", unit.dimension()),
                        word.loc,
                        what,
                    )));
                }
            }
        }
    };
    let signed = if negative { format!("-{digits}") } else { digits.to_string() };
    Amount::parse(&signed, unit).map_err(|_| too_large(value.loc))
}

/// `1 h 30 min` for a field of time.
fn summed(value: &syntax::Value, unit: Unit, literal: &Literal) -> Result<Amount, Box<Diagnostic>> {
    let total = number(literal, value.loc, None)?.and_then(|t| t.as_constant());
    let micros = Unit::named(Dimension::Time, "ms").zip(total).filter(|_| unit.dimension() == Dimension::Time);
    match micros {
        Some((ms, total)) if total.n % ms.atoms() == 0 => Ok(Amount { digits: total.n / ms.atoms(), scale: 0, unit: ms }),
        _ => Err(Box::new(Diagnostic::new(
            Code::UNITS,
            format!("{} is needed", unit.dimension()),
            value.loc,
            "this is a span of time",
        ))),
    }
}

/// A value as it was written, for messages.
pub fn plain_text(value: &syntax::Value) -> String {
    match &value.kind {
        ValueKind::Quantity { negative, literal } => {
            let sign = if *negative { "-" } else { "" };
            let part = |(digits, unit): &(std::sync::Arc<str>, Option<UnitWord>)| match unit {
                Some(unit) => format!("{digits} {}", unit.name),
                None => digits.to_string(),
            };
            format!("{sign}{}", literal.parts.iter().map(part).collect::<Vec<_>>().join(" "))
        }
        ValueKind::Word(name) => name.text.to_string(),
        ValueKind::Text(text) => format!("\"{text}\""),
        ValueKind::Bool(b) => b.to_string(),
        ValueKind::Clock(minutes) => format!("{:02}:{:02}", minutes / 60, minutes % 60),
    }
}
