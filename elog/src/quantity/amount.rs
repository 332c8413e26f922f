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
            // Nearly all, and a tenth of the time.
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

/// Powers of ten of which twice as much fits.
const POWERS: [i64; 19] = {
    let mut powers = [1; 19];
    let mut i = 1;
    while i < powers.len() {
        powers[i] = powers[i - 1] * 10;
        i += 1;
    }
    powers
};

#[inline]
fn short_div_half_even(n: i64, d: i64) -> i64 {
    let (q, r) = (n.div_euclid(d), n.rem_euclid(d));
    match (r * 2).cmp(&d) {
        std::cmp::Ordering::Less => q,
        std::cmp::Ordering::Greater => q + 1,
        std::cmp::Ordering::Equal => q + (q & 1),
    }
}

fn div_half_even(n: i128, d: i128) -> i128 {
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
    let power = 10_i128.pow(u32::from(unit.decimals()));
    let scaled = numerator.saturating_mul(power);
    let digits = div_half_even(scaled, denominator.saturating_mul(i128::from(unit.atoms())).max(1));
    let mut text = String::new();
    // Writing to a String cannot fail.
    let _ = write_decimal(&mut text, digits, unit.decimals());
    let text = if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { &text };
    match unit.name() {
        "1" | "count" => text.to_owned(),
        name => format!("{text} {name}"),
    }
}
