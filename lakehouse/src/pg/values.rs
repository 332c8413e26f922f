//! The values that come with a statement, in either form, as literals in place of its parameters.

use bytes::Bytes;

use crate::pg::cells::hex;
use crate::pg::fault::Fault;
use crate::pg::incoming::{Form, Garbled, Reader};
use crate::pg::times::{self, EPOCH_DAYS, EPOCH_MICROS};
use crate::pg::types::{Type, numbered};
use crate::sql::Literal;

/// Lists that lists may be in; there are none of lists of lists.
const DIMENSIONS: i32 = 1;

/// The literal of a value that came for a parameter of this type; its number, from 1, is for the error.
///
/// # Errors
/// Where it is no such value.
pub fn literal(number: usize, kind: &'static Type, form: Form, value: Option<&Bytes>) -> Result<Literal, Fault> {
    let Some(value) = value else { return Ok(Literal::Null(Some(kind.lake()))) };
    let read = match form {
        Form::Text => std::str::from_utf8(value).ok().and_then(|text| from_text(kind, text)),
        Form::Binary => {
            let mut rest = Reader(value.clone());
            match from_binary(kind, &mut rest).and_then(|read| rest.end().map(|()| read).map_err(Unread::from)) {
                Ok(read) => Some(read),
                Err(Unread::Garbled) => None,
                Err(Unread::Unknown) => {
                    let unknown = format!("parameter ${number}: {} is not read in binary form", kind.sql);
                    return Err(Fault::unsupported(unknown).hint("send it as text"));
                }
            }
        }
    };
    // The value itself is not said again: errors are in logs.
    let wrong = || Fault::new("22P02", format!("parameter ${number} is no {}", kind.sql)).hint("send a value of that type");
    read.ok_or_else(wrong)
}

fn from_text(kind: &'static Type, text: &str) -> Option<Literal> {
    if let Some(element) = kind.element() {
        let items = items(text)?.into_iter().map(|item| match item {
            None => Some(Literal::Null(element.arrow().map(str::to_owned))),
            Some(item) => from_text(element, &item),
        });
        return Some(Literal::List(items.collect::<Option<_>>()?, element.arrow().map(str::to_owned)));
    }
    let trimmed = text.trim();
    Some(match kind.name {
        "bool" => match &*trimmed.to_lowercase() {
            "t" | "true" | "yes" | "on" | "1" => Literal::Bool(true),
            "f" | "false" | "no" | "off" | "0" => Literal::Bool(false),
            _ => return None,
        },
        "int2" => Literal::Int(i64::from(trimmed.parse::<i16>().ok()?)),
        "int4" => Literal::Int(i64::from(trimmed.parse::<i32>().ok()?)),
        "int8" => Literal::Int(trimmed.parse().ok()?),
        "oid" | "regclass" | "regtype" | "regproc" | "regnamespace" => match trimmed.parse::<u32>() {
            Ok(oid) => Literal::Int(i64::from(oid)),
            Err(_) => Literal::Text(trimmed.to_owned()),
        },
        "float4" | "float8" => {
            trimmed.parse::<f64>().ok()?;
            Literal::As(trimmed.to_owned(), kind.arrow()?.to_owned())
        }
        "numeric" => decimal(trimmed)?,
        "bytea" => {
            let digits = trimmed.strip_prefix("\\x").unwrap_or_default();
            let is_hex = digits.len().is_multiple_of(2) && digits.bytes().all(|b| b.is_ascii_hexdigit());
            Literal::Bytes(Some(digits).filter(|_| is_hex && trimmed.starts_with("\\x"))?.to_owned())
        }
        _ => match kind.arrow() {
            Some(arrow) => Literal::As(trimmed.to_owned(), arrow.to_owned()),
            None => Literal::Text(text.to_owned()),
        },
    })
}

/// With as many digits behind the point as it has.
fn decimal(text: &str) -> Option<Literal> {
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    let (whole, part) = unsigned.split_once('.').unwrap_or((unsigned, ""));
    let is_digits = |digits: &str| digits.bytes().all(|b| b.is_ascii_digit());
    if !is_digits(whole)
        || !is_digits(part)
        || whole.len() + part.len() > 38
        || unsigned.len() < 2 && part.is_empty() && whole.is_empty()
    {
        // As it is written with an exponent, or as no number at all.
        text.parse::<f64>().ok()?;
        return Some(Literal::As(text.to_owned(), "Float64".to_owned()));
    }
    Some(Literal::As(text.to_owned(), format!("Decimal128(38, {})", part.len())))
}

enum Unread {
    Garbled,
    Unknown,
}

impl From<Garbled> for Unread {
    fn from(_: Garbled) -> Unread {
        Unread::Garbled
    }
}

fn from_binary(kind: &'static Type, rest: &mut Reader) -> Result<Literal, Unread> {
    let typed = |text: String| match kind.arrow() {
        Some(arrow) => Literal::As(text, arrow.to_owned()),
        None => Literal::Text(text),
    };
    let told = |text: Result<String, Fault>| text.map(typed).map_err(|_| Unread::Garbled);
    Ok(match kind.name {
        "bool" => Literal::Bool(rest.array::<1>()? != [0_u8]),
        "int2" => Literal::Int(i64::from(rest.short()?)),
        "int4" => Literal::Int(i64::from(rest.int()?)),
        "oid" | "regclass" | "regtype" | "regproc" | "regnamespace" => Literal::Int(i64::from(rest.int()?.cast_unsigned())),
        "int8" => Literal::Int(i64::from_be_bytes(rest.array()?)),
        "float4" => typed(f32::from_be_bytes(rest.array()?).to_string()),
        "float8" => typed(f64::from_be_bytes(rest.array()?).to_string()),
        "text" | "varchar" | "bpchar" | "name" | "unknown" | "json" | "char" => Literal::Text(utf8(&rest.all())?),
        "bytea" => Literal::Bytes(hex(&rest.all())),
        "date" => told(times::date(rest.int()?.checked_add(EPOCH_DAYS).ok_or(Unread::Garbled)?))?,
        "time" => told(times::time(i64::from_be_bytes(rest.array()?)))?,
        "timestamp" | "timestamptz" => {
            let micros = i64::from_be_bytes(rest.array()?).checked_add(EPOCH_MICROS).ok_or(Unread::Garbled)?;
            told(times::instant(micros, if kind.name == "timestamptz" { "+00" } else { "" }))?
        }
        "interval" => {
            let micros = i64::from_be_bytes(rest.array()?);
            let (days, months) = (rest.int()?, rest.int()?);
            typed(times::interval(months, days, micros))
        }
        "numeric" => decimal(&numeric(rest)?).ok_or(Unread::Garbled)?,
        "uuid" => {
            let digits = hex(&rest.take(16)?);
            Literal::Text([&digits[..8], &digits[8..12], &digits[12..16], &digits[16..20], &digits[20..]].join("-"))
        }
        _ => match kind.element() {
            Some(_) => list(rest)?,
            None => return Err(Unread::Unknown),
        },
    })
}

fn utf8(bytes: &[u8]) -> Result<String, Unread> {
    std::str::from_utf8(bytes).map(str::to_owned).map_err(|_| Unread::Garbled)
}

fn list(rest: &mut Reader) -> Result<Literal, Unread> {
    let (dimensions, _) = (rest.int()?, rest.int()?);
    let element = numbered(rest.int()?.cast_unsigned()).ok_or(Unread::Unknown)?;
    let arrow = element.arrow().map(str::to_owned);
    if dimensions == 0 {
        return Ok(Literal::List(Vec::new(), arrow));
    }
    if dimensions != DIMENSIONS || element.category == 'A' {
        return Err(Unread::Unknown);
    }
    let (length, _) = (rest.int()?, rest.int()?);
    let items = (0..length).map(|_| match rest.value()? {
        None => Ok(Literal::Null(arrow.clone())),
        Some(value) => {
            let mut one = Reader(value);
            let read = from_binary(element, &mut one)?;
            one.end()?;
            Ok(read)
        }
    });
    let items = items.collect::<Result<Vec<_>, Unread>>()?;
    Ok(Literal::List(items, arrow))
}

/// Digits to the base of ten thousand, as text.
fn numeric(rest: &mut Reader) -> Result<String, Unread> {
    let count = usize::try_from(rest.short()?).map_err(|_| Unread::Garbled)?;
    let (weight, sign, scale) = (rest.short()?, rest.short()?, usize::try_from(rest.short()?).map_err(|_| Unread::Garbled)?);
    let digits = (0..count).map(|_| rest.short()).collect::<Result<Vec<_>, _>>()?;
    match sign.cast_unsigned() {
        0xC000 => return Ok("NaN".to_owned()),
        0xD000 => return Ok("inf".to_owned()),
        0xF000 => return Ok("-inf".to_owned()),
        _ => {}
    }
    if weight > 20 || scale > 100 || digits.iter().any(|digit| !(0..10_000).contains(digit)) {
        return Err(Unread::Unknown);
    }
    let digit = |place: i16| usize::try_from(place).ok().and_then(|place| digits.get(place)).copied().unwrap_or(0);
    let whole: String = (0..=weight.max(-1)).map(|place| format!("{:04}", digit(place))).collect();
    let behind = i16::try_from(scale.div_ceil(4)).map_err(|_| Unread::Garbled)?;
    let mut part: String = (1..=behind).map(|place| format!("{:04}", digit(weight + place))).collect();
    part.truncate(scale);
    let whole = whole.trim_start_matches('0');
    let whole = if whole.is_empty() { "0" } else { whole };
    let sign = if sign == 0x4000 { "-" } else { "" };
    Ok(if part.is_empty() { format!("{sign}{whole}") } else { format!("{sign}{whole}.{part}") })
}

/// The items of a list that is written as text: `{a,"b c",NULL}`.
pub fn items(text: &str) -> Option<Vec<Option<String>>> {
    let inner = text.trim().strip_prefix('{')?.strip_suffix('}')?;
    let mut items = Vec::new();
    let mut chars = inner.chars().peekable();
    if inner.trim().is_empty() {
        return Some(items);
    }
    loop {
        let (mut item, mut was_quoted) = (String::new(), false);
        while let Some(c) = chars.next_if(|c| *c != ',') {
            match c {
                '"' if !was_quoted && item.trim().is_empty() => {
                    (was_quoted, item) = (true, String::new());
                    loop {
                        match chars.next()? {
                            '"' => break,
                            '\\' => item.push(chars.next()?),
                            c => item.push(c),
                        }
                    }
                }
                '{' | '}' | '"' => return None,
                '\\' => item.push(chars.next()?),
                c if was_quoted && c.is_whitespace() => {}
                _ if was_quoted => return None,
                c => item.push(c),
            }
        }
        let is_null = !was_quoted && item.trim().eq_ignore_ascii_case("null");
        items.push(if is_null {
            None
        } else if was_quoted {
            Some(item)
        } else {
            Some(item.trim().to_owned())
        });
        if chars.next().is_none() {
            return Some(items);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pg::types::named;

    fn read(kind: &str, form: Form, bytes: &[u8]) -> Result<Literal, &'static str> {
        literal(1, named(kind).unwrap(), form, Some(&Bytes::copy_from_slice(bytes))).map_err(|fault| fault.state)
    }

    #[test]
    fn texts_and_binary_forms_say_the_same() {
        let typed = |text: &str, kind: &str| Literal::As(text.to_owned(), kind.to_owned());
        let instant = "Timestamp(Microsecond, Some(\"UTC\"))";
        for (kind, text, binary, expected) in [
            ("bool", "t", vec![1], Literal::Bool(true)),
            ("int2", "-7", (-7_i16).to_be_bytes().to_vec(), Literal::Int(-7)),
            ("int4", "70000", 70_000_i32.to_be_bytes().to_vec(), Literal::Int(70_000)),
            ("int8", "-9223372036854775808", i64::MIN.to_be_bytes().to_vec(), Literal::Int(i64::MIN)),
            ("float8", "6.1", 6.1_f64.to_be_bytes().to_vec(), typed("6.1", "Float64")),
            ("text", "it's", b"it's".to_vec(), Literal::Text("it's".to_owned())),
            ("bytea", "\\x0aff", vec![10, 255], Literal::Bytes("0aff".to_owned())),
            ("date", "2026-03-10", 9_565_i32.to_be_bytes().to_vec(), typed("2026-03-10", "Date32")),
            (
                "timestamptz",
                "2026-03-10 08:05:00+00",
                826_445_100_000_000_i64.to_be_bytes().to_vec(),
                typed("2026-03-10 08:05:00+00", instant),
            ),
            // 12345.678: digits 1 2345 6780, the first of them ten thousands, three behind the point.
            (
                "numeric",
                "12345.678",
                [3_i16, 1, 0, 3, 1, 2345, 6780].iter().flat_map(|n| n.to_be_bytes()).collect(),
                typed("12345.678", "Decimal128(38, 3)"),
            ),
            (
                "numeric",
                "-0.05",
                [1_i16, -1, 0x4000, 2, 500].iter().flat_map(|n| n.to_be_bytes()).collect(),
                typed("-0.05", "Decimal128(38, 2)"),
            ),
            (
                "numeric",
                "300",
                [1_i16, 0, 0, 0, 300].iter().flat_map(|n| n.to_be_bytes()).collect(),
                typed("300", "Decimal128(38, 0)"),
            ),
            (
                "_text",
                "{a,NULL,\"b,c\"}",
                [
                    &[0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 25, 0, 0, 0, 3, 0, 0, 0, 1][..],
                    b"\0\0\0\x01a",
                    b"\xff\xff\xff\xff",
                    b"\0\0\0\x03b,c",
                ]
                .concat(),
                Literal::List(vec![Literal::Text("a".to_owned()), Literal::Null(None), Literal::Text("b,c".to_owned())], None),
            ),
        ] {
            assert_eq!(read(kind, Form::Text, text.as_bytes()), Ok(expected.clone()), "{kind} {text}");
            assert_eq!(read(kind, Form::Binary, &binary), Ok(expected), "{kind} {binary:?}");
        }
    }

    #[test]
    fn what_is_no_value_is_refused() {
        for (kind, form, bytes) in [
            ("int4", Form::Text, &b"70000000000"[..]),
            ("int4", Form::Binary, b"\0\0"),
            ("int4", Form::Binary, b"\0\0\0\0\0"),
            ("bool", Form::Text, b"maybe"),
            ("numeric", Form::Text, b"1.2.3"),
            ("numeric", Form::Binary, b"\x7f\xff\0\0\0\0\0\0"),
            ("text", Form::Binary, b"\xff"),
            ("bytea", Form::Text, b"\\x0"),
            ("timestamptz", Form::Binary, b"\x7f\xff\xff\xff\xff\xff\xff\xff"),
            ("_text", Form::Text, b"{a"),
            ("_text", Form::Binary, b"\0\0\0\x01\0\0\0\0\0\0\0\x19\x7f\xff\xff\xff\0\0\0\x01"),
        ] {
            assert_eq!(read(kind, form, bytes), Err("22P02"), "{kind} {bytes:?}");
        }
        assert_eq!(read("interval", Form::Binary, b""), Err("22P02"));
        assert_eq!(read("jsonb", Form::Binary, b"\x01{}"), Err("0A000"));
    }
}
