//! Amounts as they were sent, where the number in the declared unit doesn't tell them.
//!
//! A quantity's column is a `Float64` in the declared unit. What was sent is exact: digits, scale and unit. The shortest decimal that
//! reads back as the same float (`6.1`, `128`) is taken as what was sent in the declared unit; only where that is wrong (another unit, a
//! trailing zero, more digits than a float has) is the amount written out in the row's `as_sent`: `value=6.10 mmol/L`, amounts of several
//! fields parted by `;`. Most rows have none; those that have share few distinct texts, which a dictionary stores well.
//!
//! A unit of a dimension other than the declared one is refused by admission; here it is written by its number (`#17`), so that even then
//! nothing is lost.

use vitalog_elog::{Amount, Unit};

/// Up to this power of ten all are floats.
const EXACT_POWER: u8 = 22;

/// The number that stands in the column: the amount in the declared unit, rounded to the nearest float.
pub fn shown(amount: Amount, declared: Unit) -> f64 {
    if amount.unit == declared {
        return decimal_to_f64(amount.digits, amount.scale);
    }
    amount.atoms() as f64 / declared.atoms() as f64
}

/// What a column's number says on its own.
pub fn implied(number: f64, declared: Unit) -> Option<Amount> {
    if !number.is_finite() {
        return None;
    }
    // Display of a float is the shortest decimal that reads back as it, without an exponent.
    let (digits, scale) = read_decimal(&number.to_string())?;
    Some(Amount { digits, scale, unit: declared })
}

/// The text for `as_sent`, where the column's number doesn't tell the amount.
pub fn as_sent(field: &str, amount: Amount, declared: Unit) -> Option<String> {
    if tells_itself(amount, declared) || implied(shown(amount, declared), declared) == Some(amount) {
        return None;
    }
    let number = write_decimal(amount.digits, amount.scale);
    if amount.unit.dimension() == declared.dimension() {
        Some(format!("{field}={number} {}", amount.unit))
    } else {
        Some(format!("{field}={number} #{}", amount.unit.index()))
    }
}

/// Whether the column's number tells the amount for sure: of no more digits than any float has, and no zero behind the point that nothing follows.
fn tells_itself(amount: Amount, declared: Unit) -> bool {
    amount.unit == declared
        && amount.digits.unsigned_abs() < 10_u64.pow(f64::DIGITS)
        && (amount.scale == 0 || (amount.scale <= EXACT_POWER && amount.digits % 10 != 0))
}

/// Finds a field's amount in an `as_sent`.
pub fn find(as_sent: &str, field: &str, declared: Unit) -> Option<Amount> {
    let text = as_sent.split(';').find_map(|part| part.strip_prefix(field)?.strip_prefix('='))?;
    let (number, unit) = text.split_once(' ')?;
    let (digits, scale) = read_decimal(number)?;
    let unit = match unit.strip_prefix('#') {
        Some(index) => Unit::from_index(index.parse().ok()?)?,
        None => Unit::named(declared.dimension(), unit)?,
    };
    Some(Amount { digits, scale, unit })
}

/// The float nearest to `digits / 10^scale`.
fn decimal_to_f64(digits: i64, scale: u8) -> f64 {
    const EXACT_INTEGER: u64 = 1 << 53;
    // Both are floats without rounding, so their quotient is rounded once: it is the nearest.
    if digits.unsigned_abs() <= EXACT_INTEGER && scale <= EXACT_POWER {
        return digits as f64 / 10_f64.powi(i32::from(scale));
    }
    write_decimal(digits, scale).parse().unwrap_or(f64::NAN)
}

/// Every digit, and as many after the point as the scale says.
pub(crate) fn write_decimal(digits: i64, scale: u8) -> String {
    let sign = if digits < 0 { "-" } else { "" };
    let scale = usize::from(scale);
    let padded = format!("{:0width$}", digits.unsigned_abs(), width = scale + 1);
    let (whole, fraction) = padded.split_at(padded.len() - scale);
    if fraction.is_empty() { format!("{sign}{whole}") } else { format!("{sign}{whole}.{fraction}") }
}

/// The inverse of [`write_decimal`].
fn read_decimal(text: &str) -> Option<(i64, u8)> {
    let (negative, unsigned) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    let (whole, fraction) = unsigned.split_once('.').unwrap_or((unsigned, ""));
    let mut digits: i128 = 0;
    for c in whole.bytes().chain(fraction.bytes()) {
        if !c.is_ascii_digit() {
            return None;
        }
        digits = digits.checked_mul(10)?.checked_add(i128::from(c - b'0'))?;
    }
    let digits = i64::try_from(if negative { -digits } else { digits }).ok()?;
    Some((digits, u8::try_from(fraction.len()).ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use vitalog_elog::Dimension;

    fn back(amount: Amount, declared: Unit) -> (Option<String>, Option<Amount>) {
        let text = as_sent("value", amount, declared);
        let back = match &text {
            Some(text) => find(text, "value", declared),
            None => implied(shown(amount, declared), declared),
        };
        (text, back)
    }

    #[test]
    fn what_was_sent_comes_back() {
        let mmol = Unit::named(Dimension::Glucose, "mmol/L").unwrap_or_else(|| panic!("a unit"));
        let mgdl = Unit::named(Dimension::Glucose, "mg/dL").unwrap_or_else(|| panic!("a unit"));
        for (digits, scale, unit, text) in [
            (61, 1, mmol, None),
            (610, 2, mmol, Some("value=6.10 mmol/L")),
            (110, 0, mgdl, Some("value=110 mg/dL")),
            (0, 0, mmol, None),
            (0, 2, mmol, Some("value=0.00 mmol/L")),
            (-5, 2, mmol, None),
            (i64::MIN, 40, mmol, Some("value=-0.0000000000000000000009223372036854775808 mmol/L")),
            (123_456_789_012_345_678, 17, mmol, Some("value=1.23456789012345678 mmol/L")),
        ] {
            let amount = Amount { digits, scale, unit };
            assert_eq!(back(amount, mmol), (text.map(str::to_owned), Some(amount)));
        }
        let pressure = Amount { digits: 12, scale: 0, unit: Dimension::Pressure.usual_unit() };
        assert_eq!(back(pressure, mmol), (Some("value=12 #4".to_owned()), Some(pressure)));
    }

    #[test]
    fn the_column_holds_the_nearest_float() {
        let mmol = Unit::named(Dimension::Glucose, "mmol/L").unwrap_or_else(|| panic!("a unit"));
        let mgdl = Unit::named(Dimension::Glucose, "mg/dL").unwrap_or_else(|| panic!("a unit"));
        assert_eq!(shown(Amount { digits: 61, scale: 1, unit: mmol }, mmol), 6.1);
        assert_eq!(shown(Amount { digits: 100, scale: 0, unit: mgdl }, mgdl), 100.0);
        assert_eq!(shown(Amount { digits: 61, scale: 1, unit: mmol }, mgdl), 109.8976);
    }

    #[test]
    fn what_tells_itself_is_what_the_number_says() {
        let mmol = Unit::named(Dimension::Glucose, "mmol/L").unwrap_or_else(|| panic!("a unit"));
        let mut dice = 11_u64;
        let mut below = |n: u64| {
            dice = dice.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (dice >> 11) % n
        };
        let mut told = 0;
        for _ in 0..20_000 {
            let many = 10_u64.pow(below(18) as u32);
            let digits = below(many.max(2)) as i64 * if below(2) == 0 { 1 } else { -1 };
            let amount = Amount { digits, scale: below(26) as u8, unit: mmol };
            if tells_itself(amount, mmol) {
                assert_eq!(implied(shown(amount, mmol), mmol), Some(amount));
                told += 1;
            }
        }
        assert!(told > 5_000, "{told}");
        let edges = [(999_999_999_999_999, 0), (999_999_999_999_999, 22), (1, 22), (-7, 1), (100, 0)];
        for (digits, scale) in edges {
            let amount = Amount { digits, scale, unit: mmol };
            assert!(tells_itself(amount, mmol) && implied(shown(amount, mmol), mmol) == Some(amount), "{digits} {scale}");
        }
        assert!(!tells_itself(Amount { digits: 610, scale: 2, unit: mmol }, mmol), "its last zero is not told");
    }
}
