//! An amount as it was sent, and what it is in atoms.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::unit::Unit;

/// `digits / 10^scale` of a unit: what the sender wrote, digit for digit.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Amount {
    pub digits: i64,
    pub scale: u8,
    pub unit: Unit,
}

/// Why a text is not an amount.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AmountError {
    /// Not a decimal number.
    NotANumber,
    /// More than 18 significant digits, or an exponent beyond what any measurement needs.
    TooLong,
    /// Beyond the range of the dimension's atoms.
    TooLarge,
}

impl Amount {
    pub const MAX_DIGITS: usize = 18;

    /// Reads a decimal number (`6.1`, `-0.0`, `1e3`) in a unit, exactly. A negative zero is zero; trailing zeros are kept.
    ///
    /// # Errors
    /// What [`AmountError`] says.
    pub fn parse(number: &str, unit: Unit) -> Result<Amount, AmountError> {
        let (digits, scale) = parse_decimal(number.as_bytes())?;
        let amount = Amount { digits, scale, unit };
        amount.checked_atoms().ok_or(AmountError::TooLarge)?;
        Ok(amount)
    }

    /// In atoms of the dimension, rounded half to even where the unit's digits are finer than an atom.
    /// Every `Amount` made by [`Amount::parse`] fits; of others, what does not fit ends at the range's border.
    #[inline]
    pub fn atoms(self) -> i64 {
        self.checked_atoms().unwrap_or(if self.digits < 0 { i64::MIN } else { i64::MAX })
    }

    #[inline]
    fn checked_atoms(self) -> Option<i64> {
        let product = self.digits.checked_mul(self.unit.atoms());
        if self.scale == 0 {
            return product;
        }
        match (product, POWERS.get(usize::from(self.scale))) {
            // Nearly all.
            (Some(product), Some(divisor)) => Some(short_div_half_even(product, *divisor)),
            _ => self.wide_atoms(),
        }
    }

    #[cold]
    fn wide_atoms(self) -> Option<i64> {
        let product = i128::from(self.digits) * i128::from(self.unit.atoms());
        let divisor = 10_i128.checked_pow(u32::from(self.scale))?;
        i64::try_from(div_half_even(product, divisor)).ok()
    }
}

/// Powers of ten.
const POWERS: [i64; 19] = {
    let mut powers = [1; 19];
    let mut i = 1;
    while i < powers.len() {
        powers[i] = powers[i - 1] * 10;
        i += 1;
    }
    powers
};

/// The denominator is positive.
#[inline]
fn short_div_half_even(n: i64, d: i64) -> i64 {
    let (q, r) = (n.div_euclid(d), n.rem_euclid(d));
    match r.cmp(&(d - r)) {
        std::cmp::Ordering::Less => q,
        std::cmp::Ordering::Greater => q + 1,
        std::cmp::Ordering::Equal => q + (q & 1),
    }
}

/// The denominator is positive.
fn div_half_even(n: i128, d: i128) -> i128 {
    if let (Ok(n), Ok(d)) = (i64::try_from(n), i64::try_from(d)) {
        // A division of 128 bits takes many times as long.
        return i128::from(short_div_half_even(n, d));
    }
    let (q, r) = (n.div_euclid(d), n.rem_euclid(d));
    match (r * 2).cmp(&d) {
        std::cmp::Ordering::Less => q,
        std::cmp::Ordering::Greater => q + 1,
        std::cmp::Ordering::Equal => q + (q & 1),
    }
}

fn parse_decimal(b: &[u8]) -> Result<(i64, u8), AmountError> {
    let (negative, mut i) = match b.first() {
        Some(b'-') => (true, 1),
        Some(b'+') => (false, 1),
        _ => (false, 0),
    };
    let (mut digits, mut scale, mut significant, mut seen, mut after_point) = (0_i64, 0_i32, 0, false, false);
    while i < b.len() {
        match b[i] {
            c @ b'0'..=b'9' => {
                seen = true;
                if significant > 0 || c != b'0' {
                    significant += 1;
                }
                if significant > Amount::MAX_DIGITS {
                    return Err(AmountError::TooLong);
                }
                digits = digits * 10 + i64::from(c - b'0');
                scale += i32::from(after_point);
            }
            b'.' if !after_point && seen => after_point = true,
            b'e' | b'E' if seen => {
                let text = std::str::from_utf8(&b[i + 1..]).map_err(|_| AmountError::NotANumber)?;
                let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
                if unsigned.is_empty() || !unsigned.bytes().all(|c| c.is_ascii_digit()) {
                    return Err(AmountError::NotANumber);
                }
                let exponent: i32 = text.parse().map_err(|_| AmountError::TooLong)?;
                scale = scale.checked_sub(exponent).ok_or(AmountError::TooLong)?;
                break;
            }
            _ => return Err(AmountError::NotANumber),
        }
        i += 1;
    }
    if !seen || b.last() == Some(&b'.') {
        return Err(AmountError::NotANumber);
    }
    if digits == 0 {
        return Ok((0, scale.clamp(0, 18) as u8));
    }
    while scale < 0 {
        digits = digits.checked_mul(10).ok_or(AmountError::TooLarge)?;
        scale += 1;
    }
    if scale > 30 {
        return Err(AmountError::TooLong);
    }
    Ok((if negative { -digits } else { digits }, scale as u8))
}

impl fmt::Display for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_decimal(f, i128::from(self.digits), self.scale)?;
        write!(f, " {}", self.unit)
    }
}

impl fmt::Debug for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

fn write_decimal(f: &mut dyn fmt::Write, digits: i128, scale: u8) -> fmt::Result {
    let sign = if digits < 0 { "-" } else { "" };
    let digits = digits.unsigned_abs();
    if scale == 0 {
        return write!(f, "{sign}{digits}");
    }
    let power = 10_u128.pow(u32::from(scale));
    write!(f, "{sign}{}.{:0width$}", digits / power, digits % power, width = usize::from(scale))
}

/// An exact quotient of atoms, shown in a unit: with the unit's usual decimals, rounded half to even (`110 mg/dL`, `6.1 mmol/L`).
/// The denominator must be positive.
pub fn format_atoms(numerator: i128, denominator: i128, unit: Unit) -> String {
    let mut text = String::new();
    push_atoms(&mut text, numerator, denominator, unit);
    text
}

/// The same, put behind a text.
pub fn push_atoms(text: &mut String, numerator: i128, denominator: i128, unit: Unit) {
    let power = 10_i128.pow(u32::from(unit.decimals()));
    let scaled = numerator.saturating_mul(power);
    let digits = div_half_even(scaled, denominator.saturating_mul(i128::from(unit.atoms())).max(1));
    match i64::try_from(digits) {
        Ok(digits) if usize::from(unit.decimals()) <= Amount::MAX_DIGITS => push_short(text, digits, unit.decimals()),
        _ => push_long(text, digits, unit.decimals()),
    }
    match unit.name() {
        "1" | "count" => {}
        name => {
            text.push(' ');
            text.push_str(name);
        }
    }
}

/// Without zeros at the end of what is behind the point.
fn push_long(text: &mut String, digits: i128, scale: u8) {
    let from = text.len();
    // Writing to a String cannot fail.
    let _ = write_decimal(text, digits, scale);
    if text[from..].contains('.') {
        text.truncate(text.trim_end_matches('0').trim_end_matches('.').len());
    }
}

/// The same of few digits, which texts are full of; at most [`Amount::MAX_DIGITS`] behind the point.
fn push_short(text: &mut String, digits: i64, scale: u8) {
    let (mut left, mut behind) = (digits.unsigned_abs(), usize::from(scale));
    while behind > 0 && left.is_multiple_of(10) {
        left /= 10;
        behind -= 1;
    }
    let (mut buffer, mut from, mut written) = ([0_u8; 24], 24, 0);
    while left > 0 || written <= behind {
        if written == behind && behind > 0 {
            from -= 1;
            buffer[from] = b'.';
        }
        from -= 1;
        buffer[from] = b'0' + (left % 10) as u8;
        left /= 10;
        written += 1;
    }
    if digits < 0 {
        text.push('-');
    }
    text.extend(buffer[from..].iter().map(|digit| char::from(*digit)));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_digits_are_written_as_many_are() {
        let written = |push: &dyn Fn(&mut String)| {
            let mut text = String::from("0.");
            push(&mut text);
            text
        };
        let mut dice = 3_u64;
        for step in 0..20_000 {
            dice = dice.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let digits = match step % 4 {
                0 => dice as i64 >> (dice % 61),
                1 => [i64::MIN, i64::MAX, 0, 1, -1, 10, -10, 100][(dice >> 40) as usize % 8],
                _ => ((dice >> 40) as i64 % 4_001 - 2_000) * 10_i64.pow((dice >> 33) as u32 % 4),
            };
            let scale = (dice >> 50) as u8 % 19;
            let short = written(&|text| push_short(text, digits, scale));
            assert_eq!(short, written(&|text| push_long(text, i128::from(digits), scale)), "{digits} with {scale}");
        }
    }

    #[test]
    fn near_and_far_quotients_are_rounded_alike() {
        let (far, mut dice) = (1_i128 << 70, 7_u64);
        for _ in 0..20_000 {
            dice = dice.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let (n, d) = (i128::from((dice >> 40) as i64 % 2_001 - 1_000), i128::from(1 + (dice >> 33) as i64 % 60));
            assert_eq!(div_half_even(n, d), div_half_even(n * far, d * far), "{n}/{d}");
        }
        let (least, most) = (i128::from(i64::MIN), i128::from(i64::MAX));
        assert_eq!((div_half_even(least, 1), div_half_even(most, 1), div_half_even(most, most)), (least, most, 1));
        assert_eq!((div_half_even(least, most), div_half_even(most - 1, most), div_half_even(1, most)), (-1, 1, 0));
    }
}
