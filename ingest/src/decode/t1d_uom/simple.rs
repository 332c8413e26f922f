//! Glucose, insulin and meals: an instant in Europe/London and what was measured, given or eaten then.

use std::borrow::Cow;

use vitalog_elog::Refusal;

use super::super::raw::{RawReading, Scalar};
use super::clock::london;
use super::row::Row;

pub(super) const GLUCOSE: &[&str] = &["bg_ts", "value"];
pub(super) const BASAL: &[&str] = &["basal_ts", "basal_dose", "insulin_kind"];
pub(super) const BOLUS: &[&str] = &["bolus_ts", "bolus_dose"];
pub(super) const NUTRITION: &[&str] = &["meal_ts", "meal_type", "meal_tag", "carbs_g", "prot_g", "fat_g", "fibre_g"];

/// In mmol/L.
pub(super) fn glucose<'a>(row: &Row<'_, 'a>) -> Result<RawReading<'a>, Refusal> {
    row.needed("value")?;
    reading("bg", row, "bg_ts", [("value", row.quantity("value", "mmol/L"))])
}

/// `L`: a dose of long-acting insulin, in U. `R`: rapid insulin from a pump, and then the number is its rate in U/h from that instant on:
/// such rows stand five minutes apart and would add up to 130 U a day if they were doses.
pub(super) fn basal<'a>(row: &Row<'_, 'a>) -> Result<RawReading<'a>, Refusal> {
    row.needed("basal_dose")?;
    let kind = row.needed("insulin_kind")?;
    let (drug, field, unit) = match &**kind {
        "L" => ("long", "amount", "U"),
        "R" => ("rapid", "rate", "U/h"),
        other => {
            return Err(Refusal::of(
                "unknown_word",
                "insulin_kind",
                other,
                "it is no kind of insulin",
                "write R for rapid or L for long-acting",
            ));
        }
    };
    let value = row.quantity("basal_dose", unit);
    reading("medication", row, "basal_ts", [("kind", word("basal")), ("drug", word(drug)), (field, value)])
}

/// In U.
pub(super) fn bolus<'a>(row: &Row<'_, 'a>) -> Result<RawReading<'a>, Refusal> {
    row.needed("bolus_dose")?;
    let amount = row.quantity("bolus_dose", "U");
    reading("medication", row, "bolus_ts", [("kind", word("bolus")), ("drug", word("rapid")), ("amount", amount)])
}

/// In g. A row without carbohydrates says nothing of them: it is refused rather than taken for zero.
pub(super) fn nutrition<'a>(row: &Row<'_, 'a>) -> Result<RawReading<'a>, Refusal> {
    row.needed("carbs_g")?;
    let fields = [
        ("amount", row.quantity("carbs_g", "g")),
        ("protein", row.quantity("prot_g", "g")),
        ("fat", row.quantity("fat_g", "g")),
        ("fibre", row.quantity("fibre_g", "g")),
        ("meal", row.text("meal_type")),
        ("note", row.text("meal_tag")),
    ];
    reading("carbs", row, "meal_ts", fields)
}

fn word<'a>(word: &'static str) -> Option<Scalar<'a>> {
    Some(Scalar::Text(Cow::Borrowed(word)))
}

fn reading<'a, const N: usize>(
    stream: &'static str,
    row: &Row<'_, 'a>,
    time: &'static str,
    fields: [(&'static str, Option<Scalar<'a>>); N],
) -> Result<RawReading<'a>, Refusal> {
    let at = london(time, row.needed(time)?)?;
    let fields = fields.into_iter().filter_map(|(name, value)| Some((Cow::Borrowed(name), value?))).collect();
    let stream = Some(Scalar::Text(Cow::Borrowed(stream)));
    Ok(RawReading { stream, at: Some(Scalar::Instant(at)), fields, ..RawReading::default() })
}
