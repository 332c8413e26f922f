//! What UCUM, the code of units that FHIR asks for, calls the units of readings.
//!
//! Insulin is counted in international units, `[iU]`: UCUM's `U` is that of enzymes.

use vitalog_elog::{Dimension, Unit};

/// How it is shown, and its code.
pub fn of(unit: Unit) -> (&'static str, &'static str) {
    let name = unit.name();
    let code = match (unit.dimension(), name) {
        (Dimension::Pressure, "mmHg") => "mm[Hg]",
        (Dimension::Insulin, "U") => "[iU]",
        (Dimension::Insulin, "mU") => "m[iU]",
        (Dimension::InsulinRate, "U/h") => "[iU]/h",
        (Dimension::Mass, "lb") => "[lb_av]",
        (Dimension::Mass, "oz") => "[oz_av]",
        (Dimension::Time, "week") => "wk",
        (Dimension::Count, "count") => "{#}",
        (Dimension::Length, "mi") => "[mi_i]",
        (Dimension::Length, "ft") => "[ft_i]",
        (Dimension::Bytes, "B") => "By",
        (Dimension::Bytes, "kB") => "kBy",
        (Dimension::Bytes, "MB") => "MBy",
        (Dimension::Bytes, "GB") => "GBy",
        (Dimension::Bytes, "TB") => "TBy",
        (Dimension::Bytes, "KiB") => "KiBy",
        (Dimension::Bytes, "MiB") => "MiBy",
        (Dimension::Bytes, "GiB") => "GiBy",
        (Dimension::Bytes, "TiB") => "TiBy",
        // All others are called in UCUM as they are here.
        _ => name,
    };
    (name, code)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each written down once more, by hand: a unit that is new here has to be thought about. No parser of UCUM has read them.
    const KNOWN: [&str; 39] = [
        "mg/dL", "mmol/L", "mm[Hg]", "kPa", "g", "mg", "kg", "ug", "[lb_av]", "[oz_av]", "[iU]", "m[iU]", "/min", "/h", "Hz",
        "min", "s", "ms", "h", "d", "wk", "%", "1", "kcal", "kJ", "J", "cal", "{#}", "By", "kBy", "MBy", "GBy", "TBy", "KiBy",
        "MiBy", "GiBy", "TiBy", "m", "km",
    ];

    #[test]
    fn every_unit_has_a_code_that_was_thought_about() {
        for unit in Unit::all() {
            let (_, code) = of(unit);
            assert!(KNOWN.contains(&code) || ["[mi_i]", "[ft_i]", "[iU]/h"].contains(&code), "{unit}: {code}");
        }
    }
}
