//! The table of units in the manual is the table that the code converts by. `UPDATE=1` rewrites it.

use std::fmt::Write as _;
use std::path::Path;

use vitalog_elog::{Dimension, Unit};

const BEGIN: &str = "<!-- units: begin -->\n";
const END: &str = "<!-- units: end -->";

fn table() -> String {
    let mut out = String::from("| dimension | unit | other spellings | one of it is |\n|---|---|---|---|\n");
    for dimension in Dimension::ALL {
        let usual = dimension.usual_unit();
        for unit in dimension.units() {
            let other: Vec<String> = unit.names()[1..].iter().map(|n| format!("`{n}`")).collect();
            // Writing to a String cannot fail.
            let _ = writeln!(out, "| {dimension} | `{unit}` | {} | {} |", other.join(", "), in_usual(unit, usual));
        }
    }
    out
}

/// Exactly, as a quotient of whole numbers in lowest terms or as a decimal where that ends.
fn in_usual(unit: Unit, usual: Unit) -> String {
    if unit == usual {
        return "the usual unit".to_owned();
    }
    let (mut n, mut d) = (unit.atoms(), usual.atoms());
    let divisor = gcd(n, d);
    (n, d) = (n / divisor, d / divisor);
    let mut decimals = 0;
    let mut rest = d;
    while rest % 10 == 0 {
        rest /= 10;
    }
    while rest % 2 == 0 {
        rest /= 2;
    }
    while rest % 5 == 0 {
        rest /= 5;
    }
    if rest != 1 {
        return format!("{n}/{d} {usual}");
    }
    while d != 1 {
        let step = gcd(d, 10);
        n *= 10 / step;
        d /= step;
        decimals += 1;
    }
    let digits = format!("{n:0>width$}", width = decimals + 1);
    let (whole, fraction) = digits.split_at(digits.len() - decimals);
    if fraction.is_empty() { format!("{whole} {usual}") } else { format!("{whole}.{fraction} {usual}") }
}

fn gcd(a: i64, b: i64) -> i64 {
    if b == 0 { a } else { gcd(b, a % b) }
}

#[test]
fn the_manual_tells_the_units_that_are_converted() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/readings.md");
    let text = std::fs::read_to_string(&path).expect("docs/readings.md is part of the repository");
    let (before, rest) = text.split_once(BEGIN).expect("the page marks where the table begins");
    let (found, after) = rest.split_once(END).expect("the page marks where the table ends");
    let wanted = table();
    if found != wanted && std::env::var_os("UPDATE").is_some() {
        std::fs::write(&path, format!("{before}{BEGIN}{wanted}{END}{after}")).expect("the page can be written");
        return;
    }
    assert_eq!(found, wanted, "docs/readings.md is out of date: run `UPDATE=1 cargo test -p vitalog-elog manual`");
}
