//! Quantities: what is written is what is kept, and conversion is exact.
#![allow(clippy::disallowed_types, reason = "floating point is the independent check here")]

use proptest::prelude::*;
use vitalog_elog::quantity::{AmountError, format_atoms};
use vitalog_elog::{Amount, Dimension, Unit};

fn unit(dimension: Dimension, name: &str) -> Unit {
    Unit::named(dimension, name).unwrap_or_else(|| panic!("no unit {name} of {dimension}"))
}

#[test]
fn glucose_in_both_units_compares_exactly() {
    let (mmol, mg) = (unit(Dimension::Glucose, "mmol/L"), unit(Dimension::Glucose, "mg/dL"));
    let atoms = |text: &str, unit| Amount::parse(text, unit).unwrap().atoms();
    assert_eq!(atoms("10", mmol), atoms("180.16", mg));
    assert_eq!(atoms("3.9", mmol), atoms("70.2624", mg));
    assert!(atoms("3.9", mmol) > atoms("70", mg), "3.9 mmol/L is not below 70 mg/dL");
    assert!(atoms("3.8", mmol) < atoms("70", mg));
}

#[test]
fn ketones_convert_by_their_own_mass() {
    let (mmol, mg) = (unit(Dimension::Ketones, "mmol/L"), unit(Dimension::Ketones, "mg/dL"));
    assert_eq!(Amount::parse("1", mmol).unwrap().atoms(), Amount::parse("10.41", mg).unwrap().atoms());
}

#[test]
fn known_conversions() {
    for (dimension, a, in_a, b, in_b) in [
        (Dimension::Energy, "1", "kcal", "4.184", "kJ"),
        (Dimension::Mass, "1", "lb", "453.59237", "g"),
        (Dimension::Length, "1", "mi", "1609.344", "m"),
        (Dimension::Length, "1", "ft", "0.3048", "m"),
        (Dimension::Rate, "60", "/min", "1", "/s"),
        (Dimension::Time, "2", "h", "120", "min"),
        (Dimension::Bytes, "1", "GiB", "1073741824", "B"),
        (Dimension::Ratio, "93", "%", "0.93", "1"),
        (Dimension::Insulin, "1500", "mU", "1.5", "U"),
        (Dimension::Pressure, "16", "kPa", "120.009872", "mmHg"),
    ] {
        let left = Amount::parse(a, unit(dimension, in_a)).unwrap().atoms();
        let right = Amount::parse(b, unit(dimension, in_b)).unwrap().atoms();
        assert_eq!(left, right, "{a} {in_a} = {b} {in_b}");
    }
}

#[test]
fn every_dimension_has_a_usual_unit_and_names_are_unique_within_it() {
    for dimension in Dimension::ALL {
        assert_eq!(dimension.usual_unit().dimension(), dimension);
        assert_eq!(Dimension::named(dimension.name()), Some(dimension));
        let mut names: Vec<_> = dimension.units().flat_map(Unit::names).collect();
        names.sort_unstable();
        let count = names.len();
        names.dedup();
        assert_eq!(count, names.len(), "{dimension}");
    }
    assert!(Unit::all().all(|u| Unit::from_index(u.index()) == Some(u)));
    assert_eq!(Unit::from_index(u16::MAX), None);
}

#[test]
fn what_is_no_number_is_refused() {
    let mg = unit(Dimension::Glucose, "mg/dL");
    for (text, error) in [
        ("", AmountError::NotANumber),
        ("-", AmountError::NotANumber),
        (".", AmountError::NotANumber),
        (".5", AmountError::NotANumber),
        ("5.", AmountError::NotANumber),
        ("1.2.3", AmountError::NotANumber),
        ("NaN", AmountError::NotANumber),
        ("Infinity", AmountError::NotANumber),
        ("0x10", AmountError::NotANumber),
        ("1e", AmountError::NotANumber),
        ("1e+", AmountError::NotANumber),
        ("1e5x", AmountError::NotANumber),
        ("١", AmountError::NotANumber),
        ("1e400", AmountError::TooLarge),
        ("1e-400", AmountError::TooLong),
        ("1e99999999999999999999", AmountError::TooLong),
        ("1234567890123456789", AmountError::TooLong),
        ("99999999999999999", AmountError::TooLarge),
    ] {
        assert_eq!(Amount::parse(text, mg), Err(error), "{text}");
    }
    assert_eq!(Amount::parse("-0.0", mg).unwrap().digits, 0);
    assert_eq!(Amount::parse("0e400", mg).unwrap().digits, 0);
}

/// Atoms by plain fractions, half to even, written differently from the code under test.
fn reference_atoms(digits: i64, scale: u8, per_unit: i64) -> i128 {
    let n = i128::from(digits) * i128::from(per_unit);
    let d = 10_i128.pow(u32::from(scale));
    let twice = 2 * n;
    let (mut best, mut distance) = (0, i128::MAX);
    for candidate in (n / d - 2)..=(n / d + 2) {
        let off = (twice - 2 * candidate * d).abs();
        if off < distance || (off == distance && candidate % 2 == 0) {
            (best, distance) = (candidate, off);
        }
    }
    best
}

proptest! {
    #[test]
    fn atoms_are_exact_or_rounded_half_to_even(digits in -10_000_000i64..10_000_000, more in 0u32..12, scale in 0u8..22, unit in 0u16..40) {
        let Some(unit) = Unit::from_index(unit) else { return Ok(()) };
        // Up to as many digits as an amount may have, so that the products of some do not fit.
        let digits = digits * 10_i64.pow(more);
        let amount = Amount { digits, scale, unit };
        let exact = reference_atoms(digits, scale, unit.atoms());
        prop_assume!(i64::try_from(exact).is_ok());
        prop_assert_eq!(i128::from(amount.atoms()), exact);
    }

    #[test]
    fn shown_and_read_again(digits in -1_000_000_000i64..1_000_000_000, scale in 0u8..10) {
        let mg = unit(Dimension::Glucose, "mg/dL");
        let amount = Amount { digits, scale, unit: mg };
        let shown = amount.to_string();
        let number = shown.strip_suffix(" mg/dL").unwrap();
        prop_assert_eq!(Amount::parse(number, mg), Ok(amount));
    }

    #[test]
    fn any_text_is_an_amount_or_refused(text in "[-+0-9.eE]{0,30}") {
        let mg = unit(Dimension::Glucose, "mg/dL");
        if let Ok(amount) = Amount::parse(&text, mg) {
            let value: f64 = text.parse().unwrap();
            let back = amount.digits as f64 / 10f64.powi(i32::from(amount.scale));
            prop_assert!((value - back).abs() <= value.abs() * 1e-12, "{} {}", value, back);
        }
    }
}

#[test]
fn quotients_are_shown_in_usual_decimals() {
    let (mmol, mg) = (unit(Dimension::Glucose, "mmol/L"), unit(Dimension::Glucose, "mg/dL"));
    let atoms = i128::from(Amount::parse("6.1", mmol).unwrap().atoms());
    assert_eq!(format_atoms(atoms, 1, mmol), "6.1 mmol/L");
    assert_eq!(format_atoms(atoms, 1, mg), "110 mg/dL");
    assert_eq!(format_atoms(-atoms, 3, mmol), "-2 mmol/L");
    assert_eq!(format_atoms(7, 2, unit(Dimension::Count, "count")), "4");
    assert_eq!(format_atoms(5, 2, unit(Dimension::Count, "count")), "2", "half to even");
}
