//! The bundled days, as they lie in the binary.

use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use serde_json::Value;
use vitalog_elog::{Span, Time};

use crate::failure::Failure;

/// Shown wherever the bundled days are.
pub const ATTRIBUTION: &str = "Readings: T1D-UOM, a longitudinal multimodal dataset of type 1 diabetes, University of Manchester \
     (DOI 10.5281/zenodo.15169263), CC BY 4.0; days selected and moved in time. Blood pressure and device health are generated.";

/// One file, as published but cut to the selected days.
#[derive(Clone, Copy)]
pub struct Bundled {
    pub name: &'static str,
    pub gzip: &'static [u8],
}

const FILES: &[Bundled] = include!(concat!(env!("OUT_DIR"), "/bundle.rs"));
const SELECTION: &str = include_str!("../../tests/data/t1d-uom/selection.json");

/// The days of one subject.
pub struct Chosen {
    pub subject: String,
    pub from: Time,
    /// The instant that falls on the demonstration's beginning.
    pub now: Time,
    pub until: Time,
    /// Local time minus UTC at `now`.
    pub offset: Span,
    pub files: Vec<Bundled>,
}

/// All chosen days.
///
/// # Errors
/// Where the selection does not fit the files, which would be a defect of the build.
pub fn selection() -> Result<Vec<Chosen>, Failure> {
    let all: Vec<Value> = serde_json::from_str(SELECTION).map_err(|e| Failure::new(format!("bundled selection: {e}")))?;
    all.iter().map(|one| chosen(one).ok_or_else(|| Failure::new("the bundled selection is damaged"))).collect()
}

fn chosen(one: &Value) -> Option<Chosen> {
    let zone = TimeZone::get(one["zone"].as_str()?).ok()?;
    let instant = |key: &str| -> Option<Time> {
        let local: DateTime = one[key].as_str()?.parse().ok()?;
        Some(Time(local.to_zoned(zone.clone()).ok()?.timestamp().as_microsecond()))
    };
    let now = instant("now")?;
    let offset = zone.to_offset(jiff::Timestamp::from_microsecond(now.0).ok()?);
    let files =
        one["files"].as_object()?.keys().map(|name| FILES.iter().find(|f| f.name.trim_end_matches(".gz") == name).copied());
    Some(Chosen {
        subject: one["subject"].as_str()?.to_owned(),
        from: instant("from")?,
        now,
        until: instant("until")?,
        offset: Span::seconds(i64::from(offset.seconds())),
        files: files.collect::<Option<Vec<_>>>()?,
    })
}
