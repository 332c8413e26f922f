//! The T1D-UOM data set (University of Manchester, DOI 10.5281/zenodo.15169263): one file per person and kind.
//!
//! Each row becomes one reading of the subject `uom-<number>`, or is refused with its line. What was found in the files and is relied on:
//! days stand before months (the data set's own description says otherwise), some files begin with a byte order mark, and some have trailing
//! columns without a name. Which clock a column shows differs by kind and is said at each decoder.
//!
//! INVARIANT (identical rows): two rows become the same reading only if they are equal in every cell. Where a decoder leaves cells out, the
//! reading is named by a hash of the whole row.

mod activity;
mod clock;
mod row;
mod simple;
mod sleep;

use std::borrow::Cow;

use vitalog_elog::Refusal;

use super::raw::{Item, RawReading, Scalar};
use super::table::{Record, Records};
use row::{Header, Row};

/// One file of the data set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct File {
    pub kind: Kind,
    /// The number that stands for the person, as in the file's name.
    pub person: String,
}

/// What a file holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Glucose,
    Basal,
    Bolus,
    Nutrition,
    Activity,
    /// `UoM2301sleeptime.csv`: one row per night.
    SleepTime,
    /// `UoMsleep2301.csv`: heart rate, stress and steps every five minutes.
    Wearable,
}

impl Kind {
    pub const ALL: [Kind; 7] =
        [Kind::Glucose, Kind::Basal, Kind::Bolus, Kind::Nutrition, Kind::Activity, Kind::SleepTime, Kind::Wearable];

    /// What stands as a reading's source.
    pub fn source(self) -> &'static str {
        match self {
            Kind::Glucose => "t1d-uom/glucose",
            Kind::Basal => "t1d-uom/basal",
            Kind::Bolus => "t1d-uom/bolus",
            Kind::Nutrition => "t1d-uom/nutrition",
            Kind::Activity => "t1d-uom/activity",
            Kind::SleepTime => "t1d-uom/sleep",
            Kind::Wearable => "t1d-uom/wearable",
        }
    }

    fn columns(self) -> &'static [&'static str] {
        match self {
            Kind::Glucose => simple::GLUCOSE,
            Kind::Basal => simple::BASAL,
            Kind::Bolus => simple::BOLUS,
            Kind::Nutrition => simple::NUTRITION,
            Kind::Activity => activity::COLUMNS,
            Kind::SleepTime => sleep::NIGHT,
            Kind::Wearable => sleep::WEARABLE,
        }
    }

    fn reading<'a>(self, row: &Row<'_, 'a>) -> Result<RawReading<'a>, Refusal> {
        match self {
            Kind::Glucose => simple::glucose(row),
            Kind::Basal => simple::basal(row),
            Kind::Bolus => simple::bolus(row),
            Kind::Nutrition => simple::nutrition(row),
            Kind::Activity => activity::reading(row),
            Kind::SleepTime => sleep::night(row),
            Kind::Wearable => sleep::wearable(row),
        }
    }
}

impl File {
    /// By the file's name, such as `UoMGlucose2301.csv`.
    pub fn named(name: &str) -> Option<File> {
        let stem = name.strip_suffix(".csv")?.strip_prefix("UoM")?;
        if let Some(person) = stem.strip_suffix("sleeptime") {
            return File::of(Kind::SleepTime, person);
        }
        let kinds = [
            ("Glucose", Kind::Glucose),
            ("Basal", Kind::Basal),
            ("Bolus", Kind::Bolus),
            ("Nutrition", Kind::Nutrition),
            ("Activity", Kind::Activity),
            ("sleep", Kind::Wearable),
        ];
        kinds.into_iter().find_map(|(prefix, kind)| File::of(kind, stem.strip_prefix(prefix)?))
    }

    fn of(kind: Kind, person: &str) -> Option<File> {
        let is_number = (1..=12).contains(&person.len()) && person.bytes().all(|b| b.is_ascii_digit());
        is_number.then(|| File { kind, person: person.to_owned() })
    }

    /// The subject that its readings are about.
    pub fn subject(&self) -> String {
        format!("uom-{}", self.person)
    }
}

/// The rows of a file as readings.
///
/// # Errors
/// Where the header is not that of the file's kind.
pub fn rows<'a>(file: &File, body: &'a [u8]) -> Result<impl Iterator<Item = Item<'a>> + use<'a>, Refusal> {
    let mut records = Records::new(body);
    let first = records.next().ok_or_else(super::json::empty)?;
    let header = Header::read(&first, file.kind.columns())?;
    let (kind, subject) = (file.kind, file.subject());
    Ok(records.enumerate().map(move |(index, record)| {
        let (line, bytes) = (record.line, record.bytes);
        Item { index, line, bytes, reading: reading(kind, &subject, &header, record) }
    }))
}

fn reading<'a>(kind: Kind, subject: &str, header: &Header, record: Record<'a>) -> Result<RawReading<'a>, Refusal> {
    let row = Row::read(header, record)?;
    let mut reading = kind.reading(&row)?;
    reading.subject = Some(Scalar::Text(Cow::Owned(subject.to_owned())));
    reading.source = Some(Scalar::Text(Cow::Borrowed(kind.source())));
    Ok(reading)
}
