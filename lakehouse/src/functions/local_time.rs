//! `local_time(at, zone)`: what the clock shows in a zone at an instant, as a timestamp without zone.
//!
//! `AT TIME ZONE` takes one zone for the whole statement; here it may be a column, so that each subject's days are its own. Across a change of the clocks
//! local times repeat or leave some out: what needs lengths of time takes the instants. The zone is a name of the IANA database, which is built in.

use std::sync::Arc;

use datafusion::arrow::array::{Array, AsArray, TimestampMicrosecondArray};
use datafusion::arrow::compute::cast;
use datafusion::arrow::datatypes::{DataType, TimeUnit, TimestampMicrosecondType};
use datafusion::common::{Result, exec_err, plan_err};
use datafusion::logical_expr::{ColumnarValue, ScalarFunctionArgs, ScalarUDFImpl, Signature, Volatility};
use jiff::Timestamp;
use jiff::tz::TimeZone;

/// The function.
#[derive(Debug, PartialEq, Eq, Hash)]
pub struct LocalTime {
    signature: Signature,
}

impl LocalTime {
    pub fn new() -> LocalTime {
        LocalTime { signature: Signature::user_defined(Volatility::Immutable) }
    }
}

impl ScalarUDFImpl for LocalTime {
    fn name(&self) -> &str {
        "local_time"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn coerce_types(&self, given: &[DataType]) -> Result<Vec<DataType>> {
        let text = |kind: &DataType| matches!(kind, DataType::Utf8 | DataType::Utf8View | DataType::LargeUtf8 | DataType::Null);
        let [at, zone] = given else { return plan_err!("local_time takes 2 arguments, not {}", given.len()) };
        let instant = matches!(at, DataType::Timestamp(_, Some(_))) || text(at);
        if !instant {
            return plan_err!("argument 1 of local_time is an instant (a timestamp with a zone), not {at}");
        }
        if !text(zone) {
            return plan_err!("argument 2 of local_time is the name of a zone, not {zone}");
        }
        Ok(vec![DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())), DataType::Utf8View])
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Timestamp(TimeUnit::Microsecond, None))
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let is_constant = args.args.iter().all(|a| matches!(a, ColumnarValue::Scalar(_)));
        let rows = if is_constant { 1 } else { args.number_rows };
        let at = args.args[0].to_array(rows)?;
        let at = at.as_primitive::<TimestampMicrosecondType>();
        let zones = cast(&args.args[1].to_array(rows)?, &DataType::Utf8View)?;
        let zones = zones.as_string_view();
        let mut local = TimestampMicrosecondArray::builder(rows);
        // Neighbours mostly share their zone.
        let mut last: Option<(&str, TimeZone)> = None;
        for i in 0..rows {
            if at.is_null(i) || zones.is_null(i) {
                local.append_null();
                continue;
            }
            let name = zones.value(i);
            if last.as_ref().is_none_or(|(known, _)| *known != name) {
                last = Some((name, zone_named(name)?));
            }
            let zone = last.as_ref().map(|(_, zone)| zone);
            local.append_option(zone.and_then(|zone| wall_clock(at.value(i), zone)));
        }
        let local = local.finish();
        if is_constant {
            return Ok(ColumnarValue::Scalar(datafusion::common::ScalarValue::try_from_array(&local, 0)?));
        }
        Ok(ColumnarValue::Array(Arc::new(local)))
    }
}

fn zone_named(name: &str) -> Result<TimeZone> {
    match TimeZone::get(name) {
        Ok(zone) => Ok(zone),
        Err(_) => exec_err!("there is no time zone {name:?}; name one as in Europe/London"),
    }
}

/// `None` where the instant is beyond the years that have a calendar.
fn wall_clock(micros: i64, zone: &TimeZone) -> Option<i64> {
    let offset = zone.to_offset(Timestamp::from_microsecond(micros).ok()?);
    micros.checked_add(i64::from(offset.seconds()) * 1_000_000)
}
