//! A quantity: digits and a unit, and whether the two can be meant.
//!
//! A bare number is in the declared unit, a text brings its own. A number that lies outside the plausible range, but inside it in another unit of
//! the same dimension, is most often a mistaken unit (5.4 mg/dL): it is refused with the reading that was probably meant, never converted.

use std::fmt::Write;

use vitalog_elog::quantity::{AmountError, format_atoms};
use vitalog_elog::{Amount, Refusal, Unit};

use super::wrong_type;
use crate::decode::Scalar;

pub(super) fn admit(name: &str, declared: Unit, range: Option<(i64, i64)>, said: &Scalar<'_>) -> Result<Amount, Refusal> {
    let (number, unit) = match said {
        Scalar::Number(text) => (&**text, declared),
        Scalar::Text(text) | Scalar::Cell(text) => split(name, declared, text, matches!(said, Scalar::Cell(_)))?,
        other => return Err(wrong_type(name, other, "a number, or a text with number and unit")),
    };
    let amount = Amount::parse(number, unit).map_err(|error| unreadable(name, declared, range, said, error))?;
    match range {
        Some((least, most)) if !(least..=most).contains(&amount.atoms()) => {
            Err(implausible(name, declared, (least, most), number, unit, said))
        }
        _ => Ok(amount),
    }
}

/// `6.1 mmol/L`, `6.1mmol/L`, `85%`: the number, and the unit behind it.
fn split<'t>(name: &str, declared: Unit, text: &'t str, is_cell: bool) -> Result<(&'t str, Unit), Refusal> {
    let trimmed = text.trim();
    let end = number_len(trimmed);
    let (number, rest) = (&trimmed[..end], trimmed[end..].trim());
    if number.is_empty() {
        let units = units_of(declared);
        return Err(Refusal::of(
            "not_a_number",
            name,
            text,
            "it does not begin with a number",
            format!("send a decimal number, or one with its unit ({units})"),
        ));
    }
    if rest.is_empty() {
        if is_cell {
            return Ok((number, declared));
        }
        let remedy = format!("add the unit ({}), or send the number without quotes for {declared}", units_of(declared));
        return Err(Refusal::of("no_unit", name, text, "a number in quotes needs its unit", remedy));
    }
    if rest.starts_with(',') && rest[1..].starts_with(|c: char| c.is_ascii_digit()) {
        return Err(Refusal::of(
            "not_a_number",
            name,
            text,
            "the number has a comma in it",
            "write a decimal point, and no separators of thousands",
        ));
    }
    if let Some(unit) = Unit::named(declared.dimension(), rest) {
        return Ok((number, unit));
    }
    let (code, message) = match Unit::any_named(rest).next() {
        Some(other) => {
            ("wrong_dimension", format!("{rest} is a unit of {}, and this is a {}", other.dimension(), declared.dimension()))
        }
        None => {
            ("unknown_unit", format!("{:?} is no unit of {}", rest.chars().take(20).collect::<String>(), declared.dimension()))
        }
    };
    Err(Refusal::of(code, name, text, message, format!("send it in {}", units_of(declared))))
}

/// How many bytes at the beginning belong to a decimal number.
fn number_len(text: &str) -> usize {
    let b = text.as_bytes();
    let mut i = usize::from(matches!(b.first(), Some(b'+' | b'-')));
    let first = i;
    while b.get(i).is_some_and(|c| c.is_ascii_digit() || *c == b'.') {
        i += 1;
    }
    if i == first {
        return 0;
    }
    if matches!(b.get(i), Some(b'e' | b'E')) {
        let mut j = i + 1 + usize::from(matches!(b.get(i + 1), Some(b'+' | b'-')));
        let digits = j;
        while b.get(j).is_some_and(u8::is_ascii_digit) {
            j += 1;
        }
        if j > digits {
            return j;
        }
    }
    i
}

fn unreadable(name: &str, declared: Unit, range: Option<(i64, i64)>, said: &Scalar<'_>, error: AmountError) -> Refusal {
    let plausible = range.map_or(String::new(), |r| format!(", {}", bounds(declared, r)));
    match error {
        AmountError::NotANumber => {
            let remedy = format!("send a decimal number with a point, such as 6.1{plausible}");
            Refusal::of("not_a_number", name, &said.shown(), "it is not a decimal number", remedy)
        }
        AmountError::TooLong => {
            let message = format!("the number has more digits than any measurement ({} at most)", Amount::MAX_DIGITS);
            Refusal::of("out_of_range", name, &said.shown(), message, format!("send what was measured{plausible}"))
        }
        AmountError::TooLarge => Refusal::of(
            "out_of_range",
            name,
            &said.shown(),
            "the number is too large",
            format!("send what was measured{plausible}"),
        ),
    }
}

fn implausible(name: &str, declared: Unit, range: (i64, i64), number: &str, unit: Unit, said: &Scalar<'_>) -> Refusal {
    let fits = |other: &Unit| Amount::parse(number, *other).is_ok_and(|a| (range.0..=range.1).contains(&a.atoms()));
    let meant = unit.dimension().units().filter(|other| *other != unit).find(fits);
    let message = format!("{number} {unit} is not plausible: it is {}", bounds(declared, range));
    match meant {
        Some(other) => {
            let remedy = format!("if {number} {other} was meant, send \"{number} {other}\"; else measure again");
            Refusal::of("unit_mistake", name, &said.shown(), message, remedy)
        }
        None => Refusal::of(
            "out_of_range",
            name,
            &said.shown(),
            message,
            "see whether the value or its unit is wrong, and measure again",
        ),
    }
}

fn bounds(unit: Unit, (least, most): (i64, i64)) -> String {
    format!("between {} and {}", format_atoms(i128::from(least), 1, unit), format_atoms(i128::from(most), 1, unit))
}

fn units_of(unit: Unit) -> String {
    let mut out = String::new();
    for (i, unit) in unit.dimension().units().enumerate() {
        // Writing to a String cannot fail.
        let _ = write!(out, "{}{unit}", if i == 0 { "" } else { ", " });
    }
    out
}
