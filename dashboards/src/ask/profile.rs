//! What is set for a subject, at a time.

use rusqlite::{OptionalExtension, params};
use serde::Serialize;
use serde_json::Value as Json;
use utoipa::ToSchema;
use vitalog_elog::profile::ProfileField;
use vitalog_elog::{FieldKind, Subject, Time, Value};

use super::Ask;
use super::shape::{FieldShape, as_drawn, as_sent, in_unit};
use crate::views::ViewsError;

#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct ProfileView {
    pub subject: String,
    /// It holds at this instant.
    pub at: String,
    pub fields: Vec<ProfileFieldView>,
}

#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct ProfileFieldView {
    #[serde(flatten)]
    pub shape: FieldShape,
    /// As it was set; `null`: unknown.
    #[schema(value_type = serde_json::Value)]
    pub value: Json,
    /// In the field's unit, where it is a number.
    pub number: Option<f64>,
    /// Since when it was set; `null`: it is the default.
    pub since: Option<String>,
    /// Every change, the latest first.
    pub changes: Vec<ProfileChangeView>,
}

#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct ProfileChangeView {
    pub at: String,
    /// `null`: back to the default.
    #[schema(value_type = serde_json::Value)]
    pub value: Json,
    pub accepted: String,
}

impl Ask<'_> {
    /// What is set at an instant; `None`: nothing was ever heard of the subject.
    ///
    /// # Errors
    /// [`ViewsError::Sql`], [`ViewsError::Damaged`].
    pub fn profile(&self, subject: &Subject, declared: &[ProfileField], at: Time) -> Result<Option<ProfileView>, ViewsError> {
        let Some(number) = self.number(subject)? else { return Ok(None) };
        let fields = declared.iter().map(|f| self.profile_field(number, f, at)).collect::<Result<_, _>>()?;
        Ok(Some(ProfileView { subject: subject.as_str().to_owned(), at: at.to_string(), fields }))
    }

    fn profile_field(&self, number: i64, field: &ProfileField, at: Time) -> Result<ProfileFieldView, ViewsError> {
        let mut find = self.conn.prepare_cached(
            "select at, value, arrival from profile_changes where subject = ?1 and field = ?2 order by at desc, record desc limit 100",
        )?;
        let mut rows = find.query(params![number, &*field.name])?;
        let shape = FieldShape::of(&field.name, &field.kind, field.default.is_none(), field.range, field.doc.as_deref());
        let mut changes = Vec::new();
        let mut held: Option<(Time, Option<Value>)> = None;
        while let Some(row) = rows.next()? {
            let since = Time(row.get(0)?);
            let value = decode(row.get(1)?)?;
            if held.is_none() && since <= at {
                held = Some((since, value.clone()));
            }
            let shown = value.as_ref().map_or(Json::Null, |v| as_sent(v, &field.kind));
            changes.push(ProfileChangeView { at: since.to_string(), value: shown, accepted: Time(row.get(2)?).to_string() });
        }
        let (since, value) = match held {
            Some((since, Some(value))) => (Some(since.to_string()), Some(value)),
            _ => (None, field.default.clone()),
        };
        Ok(ProfileFieldView {
            shape,
            number: value.as_ref().and_then(|v| as_drawn(v, &field.kind).as_f64()),
            value: value.map_or(Json::Null, |v| as_sent(&v, &field.kind)),
            since,
            changes,
        })
    }

    /// The number that a profile's field holds at an instant, in the usual unit of its dimension.
    pub(super) fn profile_number(
        &self,
        number: i64,
        declared: &[ProfileField],
        name: &str,
        at: Time,
    ) -> Result<Option<f64>, ViewsError> {
        let Some(field) = declared.iter().find(|f| &*f.name == name) else { return Ok(None) };
        Ok(match self.profile_value(number, field, at)? {
            Some(Value::Quantity(amount)) => Some(in_unit(amount, amount.unit.dimension().usual_unit())),
            _ => None,
        })
    }

    /// The word or text that a profile's field holds at an instant.
    pub(super) fn profile_text(
        &self,
        number: i64,
        declared: &[ProfileField],
        name: &str,
        at: Time,
    ) -> Result<Option<String>, ViewsError> {
        let Some(field) = declared.iter().find(|f| &*f.name == name) else { return Ok(None) };
        if matches!(field.kind, FieldKind::Quantity(_)) {
            return Ok(None);
        }
        Ok(self.profile_value(number, field, at)?.and_then(|v| as_sent(&v, &field.kind).as_str().map(str::to_owned)))
    }

    fn profile_value(&self, number: i64, field: &ProfileField, at: Time) -> Result<Option<Value>, ViewsError> {
        let mut find = self.conn.prepare_cached(
            "select value from profile_changes where subject = ?1 and field = ?2 and at <= ?3 order by at desc, record desc limit 1",
        )?;
        let set: Option<Option<Vec<u8>>> = find.query_row(params![number, &*field.name, at.0], |r| r.get(0)).optional()?;
        Ok(decode(set.flatten())?.or_else(|| field.default.clone()))
    }
}

fn decode(bytes: Option<Vec<u8>>) -> Result<Option<Value>, ViewsError> {
    bytes.map(|b| postcard::from_bytes(&b).map_err(|_| ViewsError::Damaged("a profile's value"))).transpose()
}
