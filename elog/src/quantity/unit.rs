//! Dimensions and units, with the source of each conversion.

use std::fmt;

use serde::{Deserialize, Serialize};

/// What kind of quantity it is. Only quantities of one dimension can be compared or added.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Dimension {
    /// Concentration of glucose. Atom: 10^-5 mg/dL.
    Glucose,
    /// Concentration of ketones (beta-hydroxybutyrate). Atom: 10^-6 mg/dL.
    Ketones,
    /// Pressure. Atom: 10^-6 mmHg.
    Pressure,
    /// Mass. Atom: 1 ug.
    Mass,
    /// Biological activity of insulin. Atom: 10^-6 U.
    Insulin,
    /// Events in a time. Atom: 10^-6 per hour.
    Rate,
    /// A span of time. Atom: 1 us.
    Time,
    /// A plain number or a share. Atom: 10^-8.
    Ratio,
    /// Energy. Atom: 1 mJ.
    Energy,
    /// Things counted. Atom: one.
    Count,
    /// Information. Atom: one byte.
    Bytes,
    /// Length. Atom: 0.1 mm.
    Length,
    /// Insulin in a time, as a pump's basal rate. Atom: 10^-6 U/h.
    InsulinRate,
}

impl Dimension {
    pub const ALL: [Dimension; 13] = [
        Dimension::Glucose,
        Dimension::Ketones,
        Dimension::Pressure,
        Dimension::Mass,
        Dimension::Insulin,
        Dimension::Rate,
        Dimension::Time,
        Dimension::Ratio,
        Dimension::Energy,
        Dimension::Count,
        Dimension::Bytes,
        Dimension::Length,
        Dimension::InsulinRate,
    ];

    /// The word the rule language uses for it.
    pub fn name(self) -> &'static str {
        match self {
            Dimension::Glucose => "glucose",
            Dimension::Ketones => "ketones",
            Dimension::Pressure => "pressure",
            Dimension::Mass => "mass",
            Dimension::Insulin => "insulin",
            Dimension::Rate => "rate",
            Dimension::Time => "time",
            Dimension::Ratio => "ratio",
            Dimension::Energy => "energy",
            Dimension::Count => "count",
            Dimension::Bytes => "bytes",
            Dimension::Length => "length",
            Dimension::InsulinRate => "insulin_rate",
        }
    }

    pub fn named(name: &str) -> Option<Dimension> {
        Dimension::ALL.into_iter().find(|d| d.name() == name)
    }

    /// The unit a quantity is shown in where nobody said otherwise.
    pub fn usual_unit(self) -> Unit {
        Unit::all().find(|u| u.dimension() == self).unwrap_or(Unit(0))
    }

    /// Its units, the usual one first.
    pub fn units(self) -> impl Iterator<Item = Unit> {
        Unit::all().filter(move |u| u.dimension() == self)
    }
}

impl fmt::Display for Dimension {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// One unit of one dimension: an index into the table below. Rows are only ever appended, for journals name units by index.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Unit(u16);

struct Row {
    dimension: Dimension,
    /// How it is written; other spellings follow.
    names: &'static [&'static str],
    /// Atoms in one unit.
    atoms: i64,
    /// Decimals shown when nobody said otherwise.
    decimals: u8,
}

const fn row(dimension: Dimension, names: &'static [&'static str], atoms: i64, decimals: u8) -> Row {
    Row { dimension, names, atoms, decimals }
}

/// Sources. Glucose: molar mass of C6H12O6 180.16 g/mol (IUPAC 2021 atomic weights), so 1 mmol/L = 18.016 mg/dL. Ketones: molar mass of
/// 3-hydroxybutyric acid C4H8O3 104.10 g/mol, so 1 mmol/L = 10.41 mg/dL. Pressure: 1 mmHg = 133.322387415 Pa (BIPM SI Brochure, 8th ed., table 8),
/// so 1 kPa = 7.500617 mmHg to 10^-6. Mass: 1 lb = 453.59237 g, 1 oz = 1/16 lb; length: 1 mi = 1609.344 m, 1 ft = 304.8 mm (international yard and
/// pound agreement, 1959). Energy: 1 kcal = 4.184 kJ (thermochemical; ISO 31-4). Bytes: IEC 80000-13.
const TABLE: &[Row] = &[
    row(Dimension::Glucose, &["mg/dL", "mg/dl"], 100_000, 0),
    row(Dimension::Glucose, &["mmol/L", "mmol/l"], 1_801_600, 1),
    row(Dimension::Ketones, &["mmol/L", "mmol/l"], 10_410_000, 1),
    row(Dimension::Ketones, &["mg/dL", "mg/dl"], 1_000_000, 1),
    row(Dimension::Pressure, &["mmHg", "mm[Hg]"], 1_000_000, 0),
    row(Dimension::Pressure, &["kPa"], 7_500_617, 1),
    row(Dimension::Mass, &["g"], 1_000_000, 1),
    row(Dimension::Mass, &["mg"], 1_000, 0),
    row(Dimension::Mass, &["kg"], 1_000_000_000, 1),
    row(Dimension::Mass, &["ug", "mcg", "µg", "μg"], 1, 0),
    row(Dimension::Mass, &["lb"], 453_592_370, 1),
    row(Dimension::Mass, &["oz"], 28_349_523, 1),
    row(Dimension::Insulin, &["U", "IU", "units", "unit", "[iU]"], 1_000_000, 2),
    row(Dimension::Insulin, &["mU"], 1_000, 0),
    row(Dimension::Rate, &["/min", "bpm"], 60_000_000, 0),
    row(Dimension::Rate, &["/h"], 1_000_000, 1),
    row(Dimension::Rate, &["Hz", "/s"], 3_600_000_000, 2),
    row(Dimension::Time, &["min", "minute", "minutes"], 60_000_000, 0),
    row(Dimension::Time, &["s", "second", "seconds"], 1_000_000, 0),
    row(Dimension::Time, &["ms"], 1_000, 0),
    row(Dimension::Time, &["h", "hour", "hours"], 3_600_000_000, 1),
    row(Dimension::Time, &["d", "day", "days"], 86_400_000_000, 1),
    row(Dimension::Time, &["week", "weeks"], 604_800_000_000, 1),
    row(Dimension::Ratio, &["%"], 1_000_000, 1),
    row(Dimension::Ratio, &["1"], 100_000_000, 2),
    row(Dimension::Energy, &["kcal"], 4_184_000, 0),
    row(Dimension::Energy, &["kJ"], 1_000_000, 0),
    row(Dimension::Energy, &["J"], 1_000, 0),
    row(Dimension::Energy, &["cal"], 4_184, 0),
    row(Dimension::Count, &["count", "counts", "steps", "{#}"], 1, 0),
    row(Dimension::Bytes, &["B"], 1, 0),
    row(Dimension::Bytes, &["kB"], 1_000, 1),
    row(Dimension::Bytes, &["MB"], 1_000_000, 1),
    row(Dimension::Bytes, &["GB"], 1_000_000_000, 1),
    row(Dimension::Bytes, &["TB"], 1_000_000_000_000, 1),
    row(Dimension::Bytes, &["KiB"], 1 << 10, 1),
    row(Dimension::Bytes, &["MiB"], 1 << 20, 1),
    row(Dimension::Bytes, &["GiB"], 1 << 30, 1),
    row(Dimension::Bytes, &["TiB"], 1 << 40, 1),
    row(Dimension::Length, &["m"], 10_000, 0),
    row(Dimension::Length, &["km"], 10_000_000, 2),
    row(Dimension::Length, &["mi"], 16_093_440, 2),
    row(Dimension::Length, &["ft"], 3_048, 0),
    row(Dimension::InsulinRate, &["U/h", "U/hr", "IU/h"], 1_000_000, 2),
];

impl Unit {
    pub fn all() -> impl Iterator<Item = Unit> {
        (0..TABLE.len() as u16).map(Unit)
    }

    /// The unit of a dimension by one of its names. A name may stand for units of several dimensions (`mmol/L`), so the dimension is asked.
    pub fn named(dimension: Dimension, name: &str) -> Option<Unit> {
        Unit::all().find(|u| u.dimension() == dimension && u.row().names.contains(&name))
    }

    /// Every unit of that name, of whatever dimension.
    pub fn any_named(name: &str) -> impl Iterator<Item = Unit> + '_ {
        Unit::all().filter(move |u| u.row().names.contains(&name))
    }

    pub fn dimension(self) -> Dimension {
        self.row().dimension
    }

    /// How it is written.
    pub fn name(self) -> &'static str {
        self.row().names[0]
    }

    /// All its spellings, the usual one first.
    pub fn names(self) -> &'static [&'static str] {
        self.row().names
    }

    /// Atoms of the dimension in one of this unit.
    #[inline]
    pub fn atoms(self) -> i64 {
        self.row().atoms
    }

    /// Decimals that are shown where nobody said otherwise.
    pub fn decimals(self) -> u8 {
        self.row().decimals
    }

    /// Its place in the table, for storage.
    pub fn index(self) -> u16 {
        self.0
    }

    pub fn from_index(index: u16) -> Option<Unit> {
        (usize::from(index) < TABLE.len()).then_some(Unit(index))
    }

    #[inline]
    fn row(self) -> &'static Row {
        &TABLE[usize::from(self.0)]
    }
}

impl fmt::Display for Unit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl fmt::Debug for Unit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
